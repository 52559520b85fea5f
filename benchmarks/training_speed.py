"""Measure speed and memory of forward and backward passes without a GPU, with the loss of TRL and of `train`.

    python benchmarks/training_speed.py [--examples 4] [--passes 3]

SmolLM2 with an adapter on half of its layers, on conversations of synthetic people. Each row runs in a
separate process, to measure its peak memory.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from indievalue.predictors.local.wording import Wording
from indievalue.reasoner.conversations import conversations
from indievalue.reasoner.draw import TRAIN, draw_parts
from indievalue.reasoner.model import load_model, load_tokenizer, source_of
from indievalue.reasoner.settings import TrainingSettings
from indievalue.reasoner.tokens import write_tokens
from indievalue.reasoner.trainer import ReasonerTrainer, make_trainer
from indievalue.synthetic.source import people_from

SETTINGS = {
    "data": "synthetic:600",
    "recipe": {"people_per_question": 13, "questions": ["setup 0"], "demonstrations": [0, 20], "turns": 13},
    "lora": {"rank": 32, "alpha": 64, "last_layers": 15},
    "length": 2304,
    "dtype": "float32",
}


def main() -> None:
    """Print a table for both losses, with one and with several examples per pass."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=4, help="conversations in a pass [default: 4]")
    parser.add_argument("--passes", type=int, default=3, help="number of timed passes [default: 3]")
    parser.add_argument("--one", choices=("trl", "train"), help="print the values of one row")
    options = parser.parse_args()
    if options.one:
        print(row(options.one, options.examples, options.passes))
        return
    print("| loss | examples in a pass | tokens/s | peak memory, GB |\n|---|---:|---:|---:|")
    for loss in ("trl", "train"):
        for examples in dict.fromkeys((1, options.examples)):
            words = ["--one", loss, "--examples", str(examples), "--passes", str(options.passes)]
            done = subprocess.run([sys.executable, __file__, *words], capture_output=True, text=True, check=True)
            print(f"| {loss} | {examples} | {done.stdout.strip()} |", flush=True)


def row(loss: str, examples: int, passes: int) -> str:
    """Return tokens per second (without padding) of the fastest pass after a warm-up, and peak memory."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = prepare(Path(folder))
        loss_of: Any = trainer.compute_loss if loss == "train" else super(ReasonerTrainer, trainer).compute_loss
        batch = trainer.data_collator([trainer.train_dataset[at] for at in range(examples)])
        tokens = int(batch["attention_mask"].sum())
        seconds = []
        for _ in range(1 + passes):
            start = time.perf_counter()
            loss_of(trainer.model, dict(batch)).backward()
            seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return f"{tokens / min(seconds[1:]):,.0f} | {peak:.1f}"


def prepare(folder: Path) -> ReasonerTrainer:
    """Return a trainer with a training set of synthetic people."""
    settings = TrainingSettings.model_validate({**SETTINGS, "out": str(folder / "out")})
    people = people_from(str(settings.data))
    recipe = settings.recipe
    examples = conversations(people, recipe, draw_parts(people, recipe, np.zeros(len(people), bool))[TRAIN])
    source = source_of(settings.model)
    wording = Wording.of(load_tokenizer(source))
    tokens = write_tokens(folder / "tokens.arrow", wording, examples, settings.length)
    return make_trainer(settings, load_model(source, settings), wording.tokenizer, tokens, [], folder, print)


if __name__ == "__main__":
    main()
