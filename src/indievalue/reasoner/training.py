"""Fine-tunes a language model on a training set, with TRL and PEFT, from where it was if it was stopped."""

import json
import shutil
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import yaml
from accelerate import PartialState
from safetensors import SafetensorError
from transformers.utils import logging as transformers_logging

from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Settings
from indievalue.errors import IndievalueError
from indievalue.files import check_directory, new_file
from indievalue.predictors.local.trained_on import write_trained_on
from indievalue.predictors.local.wording import Wording
from indievalue.reasoner.card import write_card
from indievalue.reasoner.draw import TRAIN, VALIDATION
from indievalue.reasoner.folder import TESTED, TrainingSet, load_training_set, write_training_set
from indievalue.reasoner.leaks import check_apart, people_of_benchmark
from indievalue.reasoner.model import ADAPTER, model_of, save_merged, source_of, tokenizer_of
from indievalue.reasoner.settings import TrainingSettings, differing
from indievalue.reasoner.tokens import first_of, preview, write_tokens
from indievalue.reasoner.trainer import Say, Trainer, make_trainer
from indievalue.reasoner.validation import Score
from indievalue.synthetic.source import people_from

SETTINGS, RESULT, CHECKPOINTS, TOKENS = "settings.yaml", "training.json", "checkpoints", ".tokens"
TRAINING_SET = "training-set"

FREE = {"resume", "merge", "keep", "log_every"}
"""Keys that may differ when a training goes on: they decide nothing about the weights."""

DRAWS = {"data", "survey", "recipe", "benchmarks", "tested"}
"""Keys that decide what a training set holds."""

WAIT = timedelta(hours=6)
"""How long processes wait for the first, which draws the training set and cuts it into tokens for all."""


@dataclass(frozen=True)
class Result:
    """What came of a training.

    Attributes:
        folder: of the reasoner. step: that it is of. validations: step and score of each. majority: accuracy of always
            giving the most common answer of the training part, on the validation part.
    """

    folder: Path
    step: int
    validations: tuple[tuple[int, Score], ...]
    majority: float | None


def train(settings: TrainingSettings, say: Say, *, force: bool = False) -> Result:
    """Train a reasoner as ``settings`` say, into ``settings.out``.

    Raises IndievalueError, before anything is computed, where the training set holds somebody who is tested, an example
    is too long or teaches nothing, the model or a device is not there, or ``out`` holds something else or a finished
    reasoner (unless ``force``).
    """
    state = PartialState(timeout=WAIT)
    if state.num_processes == 1 and torch.cuda.device_count() > 1:
        raise IndievalueError(
            f"there are {torch.cuda.device_count()} GPUs, and one process: `accelerate launch` trains on all of them "
            "(docs: Train a reasoner), and CUDA_VISIBLE_DEVICES=0 before the command on the first"
        )
    out = Path(settings.out)
    tell: Say = say if state.is_main_process else lambda message: None
    source = source_of(settings.model)
    with state.main_process_first():
        if state.is_main_process:
            _prepare(out, settings, force=force)
            if settings.data is not None and not (out / TRAINING_SET / "manifest.json").exists():
                _draw(settings, out / TRAINING_SET, tell)
    data = load_training_set(settings.training_set or out / TRAINING_SET)
    _check_people(data, settings)
    tokenizer = tokenizer_of(source)
    wording = Wording.of(tokenizer, settings.chat)
    with state.main_process_first():
        tokens = write_tokens(_tokens_file(out, data), wording, data.examples(TRAIN), settings.length)
    asked = (
        first_of(wording, data.examples(VALIDATION), settings.validation_examples)
        if VALIDATION in data.parts and settings.validate_every
        else []
    )
    longest = max((len(one.tokens) for one in asked), default=0)
    if longest > settings.length:
        raise IndievalueError(f"an example of the validation part has {longest:,} tokens: `length: {longest}` would do")
    tell(f"The first of {len(tokens):,} examples, as the model reads it; it is taught what is between ⟦ and ⟧:")
    tell(preview(wording, *first_of(wording, data.examples(TRAIN), 1)))
    _hush()
    trainer = make_trainer(settings, model_of(source, settings), tokenizer, tokens, asked, out / CHECKPOINTS, tell)
    last = last_checkpoint(out / CHECKPOINTS)
    if last:
        tell(f"Going on from step {last.name.rpartition('-')[2]}")
    elif asked and not trainer.sharded:
        trainer.validate_untrained()
    start = time.monotonic()
    adapted = settings.tuning != "full"
    with _told(out):
        trainer.train(resume_from_checkpoint=str(last) if last else None)
        seconds = time.monotonic() - start
        trainer.validate_trained()
        trainer.save_model(str(out / ADAPTER if adapted and settings.merge else out))
    step = trainer.state.best_global_step if settings.patience else None
    result = Result(
        out,
        step or trainer.state.global_step,
        tuple(trainer.validations()),
        data.manifest["majority"].get(VALIDATION),
    )
    if state.is_main_process:
        with _told(out):
            if adapted and settings.merge:
                save_merged(source, settings, out)
            tokenizer.save_pretrained(str(out))
            write_trained_on(out, data.people_in(TRAIN) | data.people_in(VALIDATION))
            done = _done(trainer, result, len(tokens), seconds)
            write_card(out, settings, data.manifest, done)
        _write(out / RESULT, json.dumps(done, indent=1))
        shutil.rmtree(out / TOKENS, ignore_errors=True)
    if result.majority is not None and result.validations:
        tell(f"Always the most common answer of the training part: {100 * result.majority:.1f} % of validation answers")
    tell(f"Reasoner, of step {result.step:,}: indievalue evaluate DATA --predictor local:{out} --out RUN")
    state.wait_for_everyone()
    return result


def last_checkpoint(folder: Path) -> Path | None:
    """The last checkpoint that was written whole: what the trainer writes last of all can be read."""
    for path in sorted(folder.glob("checkpoint-*"), key=lambda path: -int(path.name.rpartition("-")[2])):
        try:
            json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        return path
    return None


def _prepare(out: Path, settings: TrainingSettings, *, force: bool) -> None:
    """``out`` is empty, or holds this same training, not yet finished, or one that has learned nothing yet, of which
    only what other settings leave as it is stays; else raises IndievalueError.
    """
    known = out / SETTINGS
    if force and known.exists():
        shutil.rmtree(out)
    if known.exists() and settings.resume == "auto":
        if (out / RESULT).exists():
            raise IndievalueError(
                f"{out} holds a finished reasoner: choose another `out`, or give --force to replace it"
            )
        other = differing(known, settings, FREE)
        if other and last_checkpoint(out / CHECKPOINTS):
            raise IndievalueError(
                f"{out} holds a training with another {' and '.join(other)}: choose another `out`, or give --force to "
                "begin anew"
            )
        if other:
            shutil.rmtree(out / TOKENS, ignore_errors=True)
        if DRAWS.intersection(other):
            shutil.rmtree(out / TRAINING_SET, ignore_errors=True)
    else:
        check_directory(out, force=False)
    _write(known, yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False, allow_unicode=True))


def _draw(settings: TrainingSettings, folder: Path, say: Say) -> None:
    recipe = settings.recipe.recipe()
    people = people_from(str(settings.data), settings.survey, recipe.seed)
    for line in people.findings.lines():
        say(line)
    tested = set[str]().union(*map(people_of_benchmark, settings.benchmarks))
    if not settings.benchmarks:
        tested = set(build_benchmark(people, Settings(seed=recipe.seed), settings.tested).people.ids.tolist())
    say(f"Drawing a training set from {len(people):,} people; {len(tested):,} who are tested stay out of it")
    write_training_set(people, recipe, tested, folder, force=True)


def _check_people(data: TrainingSet, settings: TrainingSettings) -> None:
    """Raise IndievalueError where anybody who is tested is in the training set, by its list of people."""
    parts = {part: data.people_in(part) for part in (*data.parts, TESTED)}
    check_apart({part: parts.get(part, set()) for part in (TRAIN, VALIDATION, TESTED)})
    for folder in settings.benchmarks:
        people = people_of_benchmark(folder)
        for part in (TRAIN, VALIDATION):
            check_apart(
                {f"the {part} part of {data.folder}": parts.get(part, set()), f"the benchmark {folder}": people}
            )


@contextmanager
def _told(out: Path) -> Iterator[None]:
    """A full disk or memory is an IndievalueError that says what to do."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise IndievalueError(
            "the GPU's memory is full: halve `batch` and double `accumulate`, or say `checkpointing: true`, and give "
            "--force to begin anew"
        ) from None
    except (OSError, SafetensorError) as error:
        raise IndievalueError(
            f"cannot write {out}: {error}; once there is room, the same command goes on from the last checkpoint"
        ) from None


def _hush() -> None:
    """What the libraries warn of and a user can do nothing about, and their bars."""
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call, unused-ignore]
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", message="Could not find a config file")


def _tokens_file(out: Path, data: TrainingSet) -> Path:
    return out / TOKENS / f"{data.manifest['parts'][TRAIN]['blake2b']}.arrow"


def _done(trainer: Trainer, result: Result, examples: int, seconds: float) -> dict[str, Any]:
    """What ``training.json`` says. Seconds and tokens are of the part of the training since it was last resumed."""
    model: Any = trainer.model
    return {
        "step": result.step,
        "steps": trainer.state.global_step,
        "examples": examples,
        "tokens": int(trainer.state.num_input_tokens_seen),
        "seconds": round(seconds, 1),
        "parameters": sum(weights.numel() for weights in model.parameters()),
        "trained_parameters": sum(weights.numel() for weights in model.parameters() if weights.requires_grad),
        "peak_gpu_bytes": torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None,
        "majority": result.majority,
        "validations": [
            {"step": step, "accuracy": score.accuracy, "log_loss": score.log_loss, "answers": score.answers}
            for step, score in result.validations
        ],
    }


def _write(file: Path, text: str) -> None:
    with new_file(file) as beside:
        beside.write_text(text, encoding="utf-8")
