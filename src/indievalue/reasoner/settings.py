"""Settings of a training, validated from a YAML file (see docs/train.md)."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationError, field_serializer, model_validator

from indievalue.errors import IndievalueError, did_you_mean, problems_of
from indievalue.parsing import parse_yaml, read_mapping
from indievalue.reasoner.recipe import AtLeastOne, NotNegative, Recipe
from indievalue.reasoner.shipped import settings_file
from indievalue.strict import StrictModel

BASE = "base"
"""Key that names another file or shipped settings, whose keys apply unless this file overrides them."""

_KIND = "training settings", "model, data and out"


def _unquoted(value: object) -> object:
    """Return yes or no for what YAML makes of these words where they are not quoted."""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value


class LoraSettings(StrictModel):
    """Settings of the adapter trained by ``tuning: lora`` and ``qlora``; see peft's LoraConfig.

    ``last_layers`` trains an adapter on only that many of the last layers. This is faster, because gradients do not
    have to flow through the layers below.
    """

    rank: AtLeastOne = 16
    alpha: AtLeastOne = 32
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    targets: Literal["all-linear"] | tuple[str, ...] = "all-linear"
    last_layers: AtLeastOne | None = None


class TrainingSettings(StrictModel):
    """Settings of a training.

    Attributes:
        out: directory to write to: the reasoner, its model card, its checkpoints.
        model: model to fine-tune: a directory, an id on the model hub, a GGUF file, or ``smollm2``.
        training_set: directory written by `indievalue training-set`. Give either this or ``data``.
        data, survey, recipe: survey file, its survey if the columns do not identify it, and how a training set is drawn
            from it into ``out/training-set``.
        benchmarks: saved benchmarks and runs; none of the people they test may be in the training set.
        tested: if ``benchmarks`` is empty, leave out of the training set the people whom `evaluate` would test with
            ``--people`` of this number and the recipe's seed; by default up to 800, as `evaluate` does.
        tuning: what is trained: all weights (``full``), an adapter (``lora``), or an adapter on a model in 4 bits
            (``qlora``).
        last_layers: with ``full``, tune only this many of the last layers; the others and the embeddings stay as they
            are, which is faster, because gradients do not have to flow through them. None for all weights.
        chat: whether prompts are formatted as a user's message; ``auto``: if the tokenizer has a chat template.
        length: greatest number of tokens in an example. Longer examples are an error; they are never truncated.
        epochs, steps: passes over the examples, or number of steps; ``steps`` takes precedence.
        batch, accumulate: examples per forward pass on one device, and passes per step.
        rate, schedule, warmup, decay, clip: peak learning rate, its schedule, share of the steps in which it rises,
            weight decay, and greatest norm of the gradient.
        dtype: compute dtype; ``auto``: bfloat16 if an accelerator supports it, else float32.
        attention: implementation in transformers.
        checkpointing: recompute activations to save memory.
        packing: put several short examples in one row; needs flash attention, which keeps them apart.
        by_length: group examples of similar length into batches to reduce padding.
        validate_every, validation_examples: steps between validations (0 for none), and examples in each.
        patience: stop after this many validations without better accuracy (0 for never); the reasoner is then the one
            with the best validation.
        calibrate: measure a temperature on the validation answers, at which the reasoner is as sure as it is right.
        save_every, keep: steps between checkpoints, and how many are kept besides the best.
        resume: ``auto`` resumes from the last complete checkpoint in ``out``; ``never`` requires an empty ``out``.
        merge: also merge the adapter's weights into the model, so that the reasoner needs no other files.
        log_every: steps between progress lines.
        seed: seed of the order of examples and of new weights.
    """

    out: str
    model: str = "smollm2"
    training_set: str | None = None
    data: str | None = None
    survey: str | None = None
    recipe: Recipe = Recipe()
    benchmarks: tuple[str, ...] = ()
    tested: AtLeastOne | None = None
    tuning: Literal["full", "lora", "qlora"] = "lora"
    lora: LoraSettings = LoraSettings()
    last_layers: AtLeastOne | None = None
    chat: Annotated[Literal["auto", "yes", "no"], BeforeValidator(_unquoted)] = "auto"
    length: AtLeastOne = 8192
    epochs: Annotated[float, Field(gt=0)] = 1.0
    steps: AtLeastOne | None = None
    batch: AtLeastOne = 8
    accumulate: AtLeastOne = 1
    rate: Annotated[float, Field(gt=0)] = 1e-4
    schedule: Literal["linear", "cosine", "constant"] = "cosine"
    warmup: Annotated[float, Field(ge=0, le=1)] = 0.03
    decay: Annotated[float, Field(ge=0)] = 0.0
    clip: Annotated[float, Field(gt=0)] = 1.0
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    attention: Literal["auto", "eager", "sdpa", "flash_attention_2", "flash_attention_3"] = "auto"
    checkpointing: bool = False
    packing: bool = False
    by_length: bool = False
    validate_every: NotNegative = 100
    validation_examples: AtLeastOne = 500
    patience: NotNegative = 0
    calibrate: bool = True
    save_every: AtLeastOne = 100
    keep: Annotated[int, Field(ge=2)] = 2
    resume: Literal["auto", "never"] = "auto"
    merge: bool = True
    log_every: AtLeastOne = 10
    seed: int = 0

    @field_serializer("recipe")
    def _stored_recipe(self, recipe: Recipe) -> dict[str, object]:
        return recipe.stored()

    @model_validator(mode="after")
    def _one_source(self) -> "TrainingSettings":
        if (self.training_set is None) == (self.data is None):
            raise ValueError("give `training_set`, or `data` to draw one from: one of the two")
        if self.packing and not self.attention.startswith("flash"):
            raise ValueError(
                "`packing` needs `attention: flash_attention_2` or `flash_attention_3`: no other keeps examples in the "
                "same row from seeing each other"
            )
        if self.last_layers is not None and self.tuning != "full":
            raise ValueError("`last_layers` is for `tuning: full`; an adapter has `lora.last_layers`")
        if self.patience and not self.validate_every:
            raise ValueError("`patience` counts validations, but `validate_every: 0` makes none")
        if self.patience and self.save_every % self.validate_every:
            raise ValueError(
                "with `patience`, `save_every` must be a multiple of `validate_every`, so that the best one is saved"
            )
        return self


def load_settings(path: str | Path, changes: Mapping[str, object] | None = None) -> TrainingSettings:
    """Load the settings of a training from a YAML file, or shipped ones by name, such as ``smollm2/laptop``.

    ``changes`` override values in the file: ``rate`` by its key, nested keys as ``recipe.turns``. A file that names
    another one, or shipped settings, as ``base`` inherits its keys. Raises IndievalueError that names the file and the
    key if the file cannot be read, a key is unknown, or a value is invalid.
    """
    content = _read(settings_file(path), ())
    for key, value in (changes or {}).items():
        content = _merged(content, _nested(key.split("."), value))
    try:
        return TrainingSettings.model_validate(content)
    except ValidationError as error:
        raise IndievalueError(f"{path}: {_problem(error)}") from None
    except IndievalueError as error:
        raise IndievalueError(f"{path}: {error}") from None


def parse_changes(words: Sequence[str]) -> dict[str, object]:
    """Parse ``key=value`` words. Raises IndievalueError for a word without ``=`` or a value that is not YAML."""
    changes: dict[str, object] = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not sign:
            raise IndievalueError(f"--set takes KEY=VALUE, not {word!r}")
        try:
            changes[key] = parse_yaml(value)
        except ValueError:
            raise IndievalueError(f"--set {key}: {value!r} is not a YAML value") from None
    return changes


def changed_keys(file: Path, settings: TrainingSettings, ignored: Set[str]) -> list[str]:
    """Return the keys, except ``ignored`` ones, whose values differ from those that a training wrote to ``file``.

    Raises IndievalueError if the file cannot be read.
    """
    try:
        before = read_mapping(file, *_KIND)
    except IndievalueError as error:
        raise IndievalueError(f"{error}; give --force to start over") from None
    wanted = settings.model_dump(mode="json")
    return [key for key in wanted if key not in ignored and before.get(key) != wanted[key]]


def _read(path: Path, within: tuple[Path, ...]) -> dict[str, object]:
    """Return the keys of a file and of its bases; ``within`` are the files that named it as their base."""
    if path.resolve() in within:
        raise IndievalueError(f"{path} is its own base: remove a `base` from the files that name each other")
    own = read_mapping(path, *_KIND)
    if BASE not in own:
        return own
    named = str(own.pop(BASE))
    beside = path.parent / named
    return _merged(_read(beside if beside.is_file() else settings_file(named), (*within, path.resolve())), own)


def _merged(under: Mapping[str, object], over: Mapping[str, object]) -> dict[str, object]:
    """Return the keys of both; ``over`` wins, and nested settings (recipe, lora) are merged key by key."""
    both = dict(under)
    for key, value in over.items():
        below = both.get(key)
        if key in ("recipe", "lora") and isinstance(value, Mapping) and isinstance(below, Mapping):
            both[key] = _merged(below, value)
        else:
            both[key] = value
    return both


def _nested(keys: Sequence[str], value: object) -> dict[str, object]:
    return {keys[0]: value if len(keys) == 1 else _nested(keys[1:], value)}


def _problem(error: ValidationError) -> str:
    """Return the first problem, and the known keys if it is an unknown one, which may be why another is missing."""
    found = list(zip(error.errors(), problems_of(error), strict=True))
    first, problem = next((one for one in found if one[1].startswith("unknown key")), found[0])
    if first["type"] == "missing":
        return f"{problem}: give it in the file, or as --set {'.'.join(map(str, first['loc']))}=…"
    if not problem.startswith("unknown key"):
        return problem
    within: dict[str, Iterable[str]] = {
        "recipe": [one.name for one in fields(Recipe)],
        "lora": LoraSettings.model_fields,
    }
    known = within[str(first["loc"][0])] if len(first["loc"]) > 1 else TrainingSettings.model_fields
    return f"{problem}; there are {', '.join(known)}{did_you_mean(str(first['loc'][-1]), known)}"
