"""Fine-tune a language model on a training set with TRL and PEFT; stopped trainings resume."""

import json
import shutil
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import torch
import yaml
from accelerate import PartialState
from datasets import Dataset
from safetensors import SafetensorError
from transformers.utils import logging as transformers_logging
from transformers.utils.hub import CHAT_TEMPLATE_FILE

from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Settings
from indievalue.errors import IndievalueError
from indievalue.files import check_directory, new_file, only_writer
from indievalue.predictors.local.asked_with import ASKED_WITH, AskedWith
from indievalue.predictors.local.prior_offset import PRIOR_OFFSET, Offsets, read_prior_offset
from indievalue.predictors.local.source import Source
from indievalue.predictors.local.temperature import TEMPERATURE, write_temperatures
from indievalue.predictors.local.trained_on import HELD_OUT, TRAINED_ON, write_held_out, write_trained_on
from indievalue.predictors.local.wording import Wording
from indievalue.reasoner.card import write_model_card
from indievalue.reasoner.draw import TRAIN, UNSEEN_QUESTIONS, VALIDATION
from indievalue.reasoner.leakage import check_disjoint, people_of_benchmark
from indievalue.reasoner.model import ADAPTER, load_model, load_tokenizer, save_merged, source_of
from indievalue.reasoner.prior import prior_offset_of, read_base_rates
from indievalue.reasoner.recipe import Recipe
from indievalue.reasoner.record import TrainingRecord, ValidationRecord
from indievalue.reasoner.settings import TrainingSettings, changed_keys
from indievalue.reasoner.tokens import (
    TokenizedExample,
    preview,
    space_before,
    target_text,
    tokenize,
    tokenize_first,
    write_tokens,
)
from indievalue.reasoner.trainer import Notify, ReasonerTrainer, make_trainer
from indievalue.reasoner.training_set import TESTED, TrainingSet, load_training_set, write_training_set
from indievalue.reasoner.validation import ValidationScore
from indievalue.synthetic.source import people_from

SETTINGS, RESULT, CHECKPOINTS, TOKENS = "settings.yaml", "training.json", "checkpoints", ".tokens"
TRAINING_SET = "training-set"

FREE = {"resume", "merge", "keep", "log_every", "calibrate"}
"""Keys that may change when a training resumes: the weights do not depend on them."""

BESIDE = (ASKED_WITH, PRIOR_OFFSET, TEMPERATURE, TRAINED_ON, HELD_OUT)
"""Files beside a reasoner that `local:` reads; its adapter alone has them, too."""

DRAWS = {"data", "survey", "recipe", "benchmarks", "tested"}
"""Keys that the content of a training set depends on."""

WAIT = timedelta(hours=6)
"""How long processes wait for the first one, which draws and tokenizes the training set for all."""


@dataclass(frozen=True)
class TrainingResult:
    """Result of a training.

    Attributes:
        folder: directory of the reasoner.
        step: step that its weights are from.
        validations: step and score of each validation.
        majority: accuracy on the validation part of always predicting the training part's most common answer.
    """

    folder: Path
    step: int
    validations: tuple[tuple[int, ValidationScore], ...]
    majority: float | None


@dataclass(frozen=True)
class _Examples:
    """Tokenized examples: those to learn from, as a dataset, and those to validate on."""

    training: Dataset
    validation: list[TokenizedExample]


def train(settings: TrainingSettings, notify: Notify, *, force: bool = False) -> TrainingResult:
    """Train a reasoner with these settings, into ``settings.out``.

    Args:
        settings: everything that decides the training.
        notify: called with each line of progress.
        force: replace a reasoner, finished or not, that is in ``out``.

    Raises:
        IndievalueError: before the training starts, if a person who is tested is in the training set, an example is too
            long or has no answer, the model or a device is not available, another process trains into ``out``, or
            ``out`` holds something else or a finished reasoner (without ``force``). What had not begun leaves nothing.
    """
    process = _process()
    source = source_of(settings.model)
    if not process.is_main_process:
        return _train(settings, process, source, _ignore, force=force)
    with only_writer(Path(settings.out), "`out`"), _no_trace(Path(settings.out)):
        return _train(settings, process, source, notify, force=force)


def _train(
    settings: TrainingSettings, process: PartialState, source: Source, report: Notify, *, force: bool
) -> TrainingResult:
    out = Path(settings.out)
    with process.main_process_first():
        if process.is_main_process:
            _prepare(out, settings, force=force)
            if settings.data is not None and not (out / TRAINING_SET / "manifest.json").exists():
                _draw_training_set(settings, out / TRAINING_SET, report)
    data = load_training_set(settings.training_set or out / TRAINING_SET)
    _check_people(data, settings)
    wording = Wording.of(load_tokenizer(source), settings.chat)
    with process.main_process_first():
        examples = _tokenize(settings, data, wording)
    report(
        f"To check: the first of {len(examples.training):,} training examples, as the model reads it. "
        "The model learns to write what is between ⟦ and ⟧."
    )
    report(f"\n{preview(wording, *tokenize_first(wording, data.examples(TRAIN), 1))}\n")
    if shares := target_text(next(data.examples(TRAIN))):
        report(f"Its targets, of which the teacher is a part: {shares}")
    report("This was the example; the training follows.")
    _silence_libraries()
    model = load_model(source, settings)
    trainer = make_trainer(
        settings, model, wording.tokenizer, examples.training, examples.validation, out / CHECKPOINTS, report
    )
    if data.manifest.recipe.prior_offset:
        with process.main_process_first():
            trainer.start_from(_offsets(out, data, wording, trainer))
    seconds = _run(trainer, settings, report)
    result = _result(trainer, settings, data)
    temperatures = _temperatures(trainer, settings)
    for form, temperature in temperatures.items():
        report(
            f"Its probabilities of {form} answers fit the validation answers best at a temperature of "
            f"{temperature:.2f}, which `local:OUT` uses"
        )
    if process.is_main_process:
        record = _record(trainer, result, len(examples.training), seconds, temperatures)
        _save(settings, source, wording, data, record)
    if result.majority is not None and result.validations:
        report(f"The most common answers would be right in {100 * result.majority:.1f} % of the validation answers")
    report(f"Reasoner (step {result.step:,}): {data.manifest.recipe.evaluation(f'local:{out}')}")
    process.wait_for_everyone()
    return result


def last_checkpoint(folder: Path) -> Path | None:
    """Return the last complete checkpoint: one in which the file that the trainer writes last can be read."""
    for path in sorted(folder.glob("checkpoint-*"), key=lambda path: -int(path.name.rpartition("-")[2])):
        try:
            json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        return path
    return None


def _process() -> PartialState:
    """Return this process. Raises IndievalueError if there are several GPUs, and only one process."""
    process = PartialState(timeout=WAIT)
    if process.num_processes == 1 and torch.cuda.device_count() > 1:
        raise IndievalueError(
            f"there are {torch.cuda.device_count()} GPUs, and one process: `accelerate launch` trains on all of them "
            "(docs: Train a reasoner), and CUDA_VISIBLE_DEVICES=0 before the command on the first"
        )
    return process


@contextmanager
def _no_trace(out: Path) -> Iterator[None]:
    """Delete an ``out`` that was new or empty if the block fails before its training set is drawn."""
    new = not out.exists() or (out.is_dir() and not any(out.iterdir()))
    try:
        yield
    except BaseException:
        if new and not (out / TRAINING_SET / "manifest.json").exists() and not last_checkpoint(out / CHECKPOINTS):
            shutil.rmtree(out, ignore_errors=True)
        raise


def _prepare(out: Path, settings: TrainingSettings, *, force: bool) -> None:
    """Prepare ``out`` for a training, and write its settings.

    ``out`` may be empty, or hold an unfinished training with the same settings. If that training has no checkpoint yet,
    the settings may also differ; what was made with the old ones is deleted. Raises IndievalueError otherwise.
    """
    known = out / SETTINGS
    if force and known.exists():
        shutil.rmtree(out)
    if known.exists() and settings.resume == "auto":
        if (out / RESULT).exists():
            raise IndievalueError(
                f"{out} holds a finished reasoner: choose another `out`, or give --force to replace it"
            )
        changed = changed_keys(known, settings, FREE)
        if changed and last_checkpoint(out / CHECKPOINTS):
            raise IndievalueError(
                f"{out} holds a training with another {' and '.join(changed)}: choose another `out`, or give --force "
                "to start over"
            )
        if changed:
            shutil.rmtree(out / TOKENS, ignore_errors=True)
            (out / PRIOR_OFFSET).unlink(missing_ok=True)
        if DRAWS.intersection(changed):
            shutil.rmtree(out / TRAINING_SET, ignore_errors=True)
    else:
        check_directory(out, force=False)
    _write(known, yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False, allow_unicode=True))


def _draw_training_set(settings: TrainingSettings, folder: Path, notify: Notify) -> None:
    people = people_from(str(settings.data), settings.survey, settings.recipe.seed)
    for line in people.findings.lines():
        notify(line)
    tested = set[str]().union(*map(people_of_benchmark, settings.benchmarks))
    if not settings.benchmarks:
        benchmark = build_benchmark(people, Settings(seed=settings.recipe.seed), settings.tested)
        tested = set(benchmark.people.ids.tolist())
    notify(f"Drawing a training set from {len(people):,} people, without the {len(tested):,} who are tested")
    write_training_set(people, settings.recipe, tested, folder, force=True)


def _check_people(data: TrainingSet, settings: TrainingSettings) -> None:
    """Raise IndievalueError if somebody who is tested is in the training set, going by its list of people."""
    parts = {part: data.people_in(part) for part in (*data.parts, TESTED)}
    check_disjoint({part: parts.get(part, set()) for part in (TRAIN, VALIDATION, TESTED)})
    for folder in settings.benchmarks:
        people = people_of_benchmark(folder)
        for part in (TRAIN, VALIDATION):
            check_disjoint(
                {f"the {part} part of {data.folder}": parts.get(part, set()), f"the benchmark {folder}": people}
            )


def _tokenize(settings: TrainingSettings, data: TrainingSet, wording: Wording) -> _Examples:
    """Tokenize the training set; the training part is kept in ``out`` until the reasoner is finished."""
    file = Path(settings.out) / TOKENS / f"{data.manifest.parts[TRAIN].blake2b}.arrow"
    recipe = data.manifest.recipe
    soft = recipe.teacher is not None or recipe.prior_offset
    if soft and settings.packing:
        raise IndievalueError("`packing` works with plain labels alone: leave it out, or `teacher` and `prior_offset`")
    training = write_tokens(file, wording, data.examples(TRAIN), settings.length, soft=soft)
    validation: list[TokenizedExample] = []
    if VALIDATION in data.parts and settings.validate_every:
        validation = tokenize_first(wording, data.examples(VALIDATION), settings.validation_examples)
    longest = max((len(one.tokens) for one in validation), default=0)
    if longest > settings.length:
        raise IndievalueError(
            f"an example of the validation part has {longest:,} tokens: set `length: {longest}`, or show fewer "
            "demonstrations"
        )
    return _Examples(training, validation)


def _offsets(out: Path, data: TrainingSet, wording: Wording, trainer: ReasonerTrainer) -> Offsets:
    """Return what is added to the logits of the options; the first process measures it, before the first step."""
    if trainer.sharded:
        raise IndievalueError("`prior_offset` does not work with a model spread over several devices: leave it out")
    if not (out / PRIOR_OFFSET).exists():
        trainer.notify("Measuring what the untuned model answers, to start from the base rates")
        prior = prior_offset_of(
            read_base_rates(data.folder),
            data.examples(TRAIN),
            space_before(wording),
            lambda examples: trainer.label_scores(tokenize(wording, examples)),
        )
        prior.save(out)
    prior_offset = read_prior_offset(out)
    assert prior_offset is not None  # just written, or by the first process
    return prior_offset.offsets


def _run(trainer: ReasonerTrainer, settings: TrainingSettings, notify: Notify) -> float:
    """Train, from the last checkpoint if there is one; return the seconds it took."""
    out = Path(settings.out)
    last = last_checkpoint(out / CHECKPOINTS)
    if last:
        notify(f"Resuming from step {last.name.rpartition('-')[2]}")
    elif trainer.validation and not trainer.sharded:
        trainer.validate_untrained()
    start = time.monotonic()
    with _write_errors(out):
        trainer.train(resume_from_checkpoint=str(last) if last else None)
        seconds = time.monotonic() - start
        trainer.validate_trained()
        trainer.save_model(str(out / ADAPTER if _merges(settings) else out))
    return seconds


def _temperatures(trainer: ReasonerTrainer, settings: TrainingSettings) -> dict[str, float]:
    """Return the temperature of each form; none without validation answers, or if no process can read alone."""
    return trainer.temperatures() if settings.calibrate and trainer.validation and not trainer.sharded else {}


def _result(trainer: ReasonerTrainer, settings: TrainingSettings, data: TrainingSet) -> TrainingResult:
    best = trainer.state.best_global_step if settings.patience else None
    return TrainingResult(
        Path(settings.out),
        best or trainer.state.global_step,
        tuple(trainer.validations()),
        data.manifest.majority.get(VALIDATION),
    )


def _asked_with(recipe: Recipe, *, chat: bool, space: str) -> AskedWith:
    """Return what is recorded of how the prompts of a training were written."""
    return AskedWith.of(
        recipe.style,
        show=recipe.show,
        demonstrations=recipe.demonstrations,
        demonstrations_as=recipe.demonstrations_as or recipe.forms,
        chat=chat,
        space=space,
    )


def _save(
    settings: TrainingSettings, source: Source, wording: Wording, data: TrainingSet, record: TrainingRecord
) -> None:
    """Complete the reasoner in ``out``; ``training.json``, which marks it as finished, is written last."""
    out, space = Path(settings.out), space_before(wording)
    with _write_errors(out):
        if _merges(settings):
            save_merged(source, settings, out)
        if settings.chat == "no":
            wording.tokenizer.chat_template = None  # other programs then write prompts as they were in the training
            (out / CHAT_TEMPLATE_FILE).unlink(missing_ok=True)  # from when the weights were saved
        wording.tokenizer.save_pretrained(str(out))
        write_trained_on(out, data.people_in(TRAIN) | data.people_in(VALIDATION))
        _asked_with(data.manifest.recipe, chat=wording.chat, space=space).write(out)
        if record.temperatures:
            write_temperatures(out, record.temperatures)
        held_out = data.examples(UNSEEN_QUESTIONS) if UNSEEN_QUESTIONS in data.parts else ()
        write_held_out(out, {question for example in held_out for question in example["questions"]})
        for name in BESIDE if _merges(settings) else ():
            if (out / name).exists():
                shutil.copy(out / name, out / ADAPTER)
        write_model_card(out, settings, data.manifest, record)
    _write(out / RESULT, json.dumps(record.as_dict(), indent=1))
    shutil.rmtree(out / TOKENS, ignore_errors=True)


def _merges(settings: TrainingSettings) -> bool:
    return settings.tuning != "full" and settings.merge


@contextmanager
def _write_errors(out: Path) -> Iterator[None]:
    """Turn a full disk or full memory into an IndievalueError that says what to do."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise IndievalueError(
            "the GPU's memory is full: halve `batch` and double `accumulate`, or set `checkpointing: true`, and give "
            "--force to start over"
        ) from None
    except (OSError, SafetensorError) as error:
        raise IndievalueError(
            f"cannot write {out}: {error}; once there is room, the same command resumes from the last checkpoint"
        ) from None


def _silence_libraries() -> None:
    """Turn off progress bars, and warnings of the libraries that a user can do nothing about."""
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call, unused-ignore]
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", message="Could not find a config file")


def _record(
    trainer: ReasonerTrainer,
    result: TrainingResult,
    examples: int,
    seconds: float,
    temperatures: dict[str, float],
) -> TrainingRecord:
    model = trainer.model
    assert model is not None  # make_trainer gives one
    weights = list(model.parameters())
    return TrainingRecord(
        step=result.step,
        steps=trainer.state.global_step,
        examples=examples,
        tokens=int(trainer.state.num_input_tokens_seen),
        seconds=round(seconds, 1),
        parameters=sum(weight.numel() for weight in weights),
        trained_parameters=sum(weight.numel() for weight in weights if weight.requires_grad),
        peak_gpu_bytes=torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None,
        majority=result.majority,
        temperatures=temperatures,
        validations=tuple(
            ValidationRecord(step, score.accuracy, score.log_loss, score.answers) for step, score in result.validations
        ),
    )


def _ignore(message: str) -> None:
    """Report nothing: only the first process does."""


def _write(file: Path, text: str) -> None:
    with new_file(file) as beside:
        beside.write_text(text, encoding="utf-8")
