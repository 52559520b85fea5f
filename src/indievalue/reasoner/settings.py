"""A training as one YAML file, checked key by key (docs/train.md)."""

from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from indievalue.benchmark.model import Context, DemonstrationsFrom
from indievalue.errors import IndievalueError, problems_of
from indievalue.reasoner.recipe import Recipe
from indievalue.survey.model import FormName

BASE = "base"
"""Key that names another file, whose keys hold unless this one gives them anew."""

Count = Annotated[int, Field(ge=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RecipeSettings(_Strict):
    """How a training set is drawn: the attributes of :class:`indievalue.reasoner.recipe.Recipe`, by the same names."""

    people_per_question: Count = 800
    validation_per_question: Annotated[int, Field(ge=0)] = 10
    forms: tuple[FormName, ...] = ("polar",)
    demonstrations: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]] = (200, 200)
    demonstrations_as: tuple[FormName, ...] = ()
    demonstrations_from: DemonstrationsFrom = "others"
    contexts: tuple[Context, ...] = ("statements",)
    turns: Count = 1
    questions: tuple[str, ...] = ()
    where: dict[str, tuple[str, ...]] = {}
    unseen_questions: tuple[str, ...] = ()
    unseen_groups: dict[str, tuple[str, ...]] = {}
    voice: Literal["first", "third"] = "first"
    option_order: Literal["fixed", "shuffled"] = "fixed"
    seed: int = 0

    def recipe(self) -> Recipe:
        """Raises IndievalueError for values that make no sense together."""
        return Recipe(**self.model_dump())


class LoraSettings(_Strict):
    """Of the adapter that ``tuning: lora`` and ``qlora`` train; see peft's LoraConfig.

    ``last_layers`` trains only so many of the last, which is faster, as nothing below them has to be gone back through.
    """

    rank: Count = 16
    alpha: Count = 32
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    targets: Literal["all-linear"] | tuple[str, ...] = "all-linear"
    last_layers: Count | None = None


class TrainingSettings(_Strict):
    """A whole training.

    Attributes:
        out: directory to write: the reasoner, its card, its checkpoints.
        model: what is tuned: a directory, an id of the model hub, a GGUF file, or ``smollm2``.
        training_set: what `indievalue training-set` wrote; or else
        data, survey, recipe: a survey file, the survey where its columns do not tell, and how a training set is drawn
            from it, into ``out/training-set``.
        benchmarks: saved benchmarks and runs, none of whose people may be in the training set.
        tested: where ``benchmarks`` names none, those stay out of the training set drawn here whom `evaluate` would
            test with ``--people`` of this number and the recipe's seed; by default up to 800, as there.
        tuning: of all weights (``full``), of an adapter (``lora``), or of one on a model in 4 bits (``qlora``).
        chat: whether prompts are a user's message; ``auto``: where the tokenizer has a chat template.
        length: most tokens of an example; longer ones are an error, and never cut.
        epochs, steps: how often the examples are seen, or how many steps are made; ``steps`` goes first.
        batch, accumulate: examples in one pass on one device, and passes in a step.
        rate, schedule, warmup, decay, clip: learning rate, how it falls, share of steps in which it rises, weight
            decay, and the largest norm of a step's gradient.
        dtype: of the arithmetic; ``auto``: bfloat16 where there is an accelerator that has it, else float32.
        attention: implementation in transformers. checkpointing: recompute activations to save memory.
        packing: several short examples in one row; only with flash attention, which keeps them apart.
        by_length: examples of like length in one batch, so that little is padding.
        validate_every, validation_examples: steps between validations, 0 for none; how many examples are asked.
        patience: validations without a better accuracy after which the training stops; 0 for never. The reasoner is the
            one of the best validation.
        save_every, keep: steps between checkpoints; how many are kept, beside the best.
        resume: ``auto`` goes on from the last complete checkpoint in ``out``; ``never`` wants an empty ``out``.
        merge: also add the adapter's weights to the model's, so that the reasoner needs no other files.
        log_every: steps between lines.
    """

    out: str
    model: str = "smollm2"
    training_set: str | None = None
    data: str | None = None
    survey: str | None = None
    recipe: RecipeSettings = RecipeSettings()
    benchmarks: tuple[str, ...] = ()
    tested: Count | None = None
    tuning: Literal["full", "lora", "qlora"] = "lora"
    lora: LoraSettings = LoraSettings()
    chat: Literal["auto", "yes", "no"] = "auto"
    length: Count = 8192
    epochs: Annotated[float, Field(gt=0)] = 1.0
    steps: Count | None = None
    batch: Count = 8
    accumulate: Count = 1
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
    validate_every: Annotated[int, Field(ge=0)] = 100
    validation_examples: Count = 500
    patience: Annotated[int, Field(ge=0)] = 0
    save_every: Count = 100
    keep: Annotated[int, Field(ge=2)] = 2
    resume: Literal["auto", "never"] = "auto"
    merge: bool = True
    log_every: Count = 10
    seed: int = 0

    @model_validator(mode="after")
    def _one_source(self) -> "TrainingSettings":
        if (self.training_set is None) == (self.data is None):
            raise ValueError("give `training_set`, or `data` to draw one from; one of the two")
        if self.packing and not self.attention.startswith("flash"):
            raise ValueError(
                "`packing` needs `attention: flash_attention_2` or `flash_attention_3`: no other keeps examples that "
                "share a row from seeing each other"
            )
        if self.patience and not self.validate_every:
            raise ValueError("`patience` counts validations, and `validate_every: 0` makes none")
        if self.patience and self.save_every % self.validate_every:
            raise ValueError(
                "with `patience`, `save_every` is a multiple of `validate_every`, so that the best is kept"
            )
        return self


def load_settings(path: str | Path, changes: Mapping[str, Any] | None = None) -> TrainingSettings:
    """The training in a YAML file, with ``changes`` put over it: values by key, ``recipe.turns`` for one within.

    A file that names another as ``base`` holds that one's keys, too. Raises IndievalueError, naming the file and the
    key, for a file that cannot be read, an unknown key, or a value that it cannot have.
    """
    content = _read(Path(path), ())
    for key, value in (changes or {}).items():
        content = _merged(content, _nested(key.split("."), value))
    try:
        settings = TrainingSettings.model_validate(content)
    except ValidationError as error:
        raise IndievalueError(f"{path}: {_problem(error)}") from None
    settings.recipe.recipe()
    return settings


def parse_changes(words: Sequence[str]) -> dict[str, Any]:
    """``key=value`` words to values by key. Raises IndievalueError for a word without ``=``, or a value no YAML is."""
    changes = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not sign:
            raise IndievalueError(f"--set takes KEY=VALUE, and not {word!r}")
        try:
            changes[key] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise IndievalueError(f"--set {key}: {value!r} is no YAML value") from None
    return changes


def differing(file: Path, settings: TrainingSettings, but: Set[str]) -> list[str]:
    """Keys, ``but`` for some, whose values are others in the settings that a training wrote into ``file``.

    Raises IndievalueError where it cannot be read.
    """
    try:
        before = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise IndievalueError(f"cannot read {file}: {error}") from None
    wanted = settings.model_dump(mode="json")
    return [key for key in wanted if key not in but and before.get(key) != wanted[key]]


def _read(path: Path, within: tuple[Path, ...]) -> dict[str, Any]:
    if path.resolve() in within:
        raise IndievalueError(f"{path} is its own base")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise IndievalueError(f"cannot read the training {path}: {error}") from None
    except yaml.YAMLError as error:
        raise IndievalueError(f"{path} is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, Mapping):
        raise IndievalueError(f"{path} describes no training: it has no keys such as model, data and out")
    own = dict(content)
    if BASE not in own:
        return own
    return _merged(_read(path.parent / str(own.pop(BASE)), (*within, path.resolve())), own)


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Keys of both; those of ``over`` where both have them, and key by key where both hold mappings of settings."""
    both = dict(under)
    for key, value in over.items():
        inner = key in ("recipe", "lora") and isinstance(value, Mapping) and isinstance(both.get(key), Mapping)
        both[key] = _merged(both[key], value) if inner else value
    return both


def _nested(keys: Sequence[str], value: Any) -> dict[str, Any]:
    return {keys[0]: value if len(keys) == 1 else _nested(keys[1:], value)}


def _problem(error: ValidationError) -> str:
    first, said = error.errors()[0], problems_of(error)[0]
    if first["type"] != "extra_forbidden":
        return said
    within: dict[str, type[_Strict]] = {"recipe": RecipeSettings, "lora": LoraSettings}
    model = within[str(first["loc"][0])] if len(first["loc"]) > 1 else TrainingSettings
    return f"{said}; there are {', '.join(model.model_fields)}"
