"""Measure the speed of local models: `local:MODEL`, prompts one by one, and the `hf` model of lm-evaluation-harness.

    python benchmarks/local_models.py [--people 2] [--statements 200] [--threads 2] [--others 6] [--model smollm2]

Each method runs in a separate process on the same prompts: 39 probes per person, with 200 statements each. The two slow
methods are given only the first --others of them, since their time per prompt is constant. --lm-eval is the Python of
an environment with both lm-evaluation-harness and indievalue.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np
import torch

from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Settings
from indievalue.benchmark.storage import texts_of
from indievalue.predictors.local.load import Loaded, identity, load
from indievalue.predictors.local.options import LocalOptions
from indievalue.predictors.local.predictor import Local, score
from indievalue.predictors.local.tree import Item, distinct
from indievalue.predictors.local.wording import Wording
from indievalue.prompts.prompt import Prompt, PromptStyle, prompts_of
from indievalue.synthetic.generate import synthetic_people

WAYS = {
    "ours": "`local:…`",
    "alone": "each prompt alone, `logits_to_keep`",
    "lm_eval": "lm-evaluation-harness, `hf`",
}


def main() -> None:
    """Print the table, and the differences between the three methods."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2", help="name or folder of the model [default: smollm2]")
    parser.add_argument("--people", type=int, default=2, help="number of people [default: 2]")
    parser.add_argument("--statements", type=int, default=200, help="statements shown [default: 200]")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch [default: 2]")
    parser.add_argument("--others", type=int, default=6, help="prompts for the slow methods [default: 6]")
    parser.add_argument("--lm-eval", default=sys.executable, help="Python with lm-evaluation-harness")
    parser.add_argument("--way", choices=WAYS, help="print the measurements of one method as JSON")
    options = parser.parse_args()
    if options.way:
        print(json.dumps(measure(options)))
        return
    found = {way: _run(way, options.lm_eval if way == "lm_eval" else sys.executable) for way in WAYS}
    print(table(found))


def _run(way: str, python: str) -> dict[str, Any]:
    print(f"{way} … (load {os.getloadavg()[0]:.1f})", file=sys.stderr, flush=True)
    command = [python, __file__, *sys.argv[1:], "--way", way]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return {"load": os.getloadavg()[0], **json.loads(output.splitlines()[-1])}


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Measure seconds, processor seconds, tokens and scores of one method, after loading and a warm-up."""
    torch.set_num_threads(options.threads)
    predictor = Local(options.model, LocalOptions(keep="no"))
    loaded = load(predictor.source, "cpu", "auto", identity(predictor.source, "cpu", "auto"))
    people = prompts(options)
    ask = {"ours": ours, "alone": alone, "lm_eval": lm_eval}[options.way](loaded)
    ask([[prompt] for prompt in people[0][-2:]])
    chosen = people if options.way == "ours" else [list(islice((p for of in people for p in of), options.others))]
    loaded.reader.computed = 0
    wall, processor = time.perf_counter(), time.process_time()
    scores, tokens = ask(chosen)
    spent = {"seconds": time.perf_counter() - wall, "processor": time.process_time() - processor}
    least = distinct([item for of in people for item in items_of(of, loaded)]) if options.way == "ours" else 0
    return {
        **spent,
        "prompts": sum(map(len, chosen)),
        "tokens": tokens,
        "least": least,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
        "scores": scores,
    }


def prompts(options: argparse.Namespace) -> list[list[Prompt]]:
    """Return the prompts of each person."""
    people = synthetic_people(2000)
    asked = Settings(setups=(0,), demonstrations=options.statements)
    (_, task) = next(build_benchmark(people, asked, options.people).tasks())
    return [list(prompts_of(text, PromptStyle())) for text in texts_of(task)]


def items_of(asked: list[Prompt], loaded: Loaded) -> list[Item]:
    """Return the items to score for one person."""
    wording = Wording(loaded.tokenizer, chat=True, score="label")
    return [
        item
        for probe in wording.items([wording.text(prompt) for prompt in asked], asked)
        for spellings in probe
        for item in spellings
    ]


Asked = Callable[[list[list[Prompt]]], tuple[list[float], int]]


def ours(loaded: Loaded) -> Asked:
    """Score as `local:MODEL` does: return the log probability of the first label, and tokens read."""

    def ask(people: list[list[Prompt]]) -> tuple[list[float], int]:
        scores = [score(asked, loaded, LocalOptions()) for asked in people]
        return [logs[0] for of in scores for logs in of], loaded.reader.computed

    return ask


def alone(loaded: Loaded) -> Asked:
    """Score each prompt separately, from its beginning."""

    def ask(people: list[list[Prompt]]) -> tuple[list[float], int]:
        loaded.reader.shares = False
        return ours(loaded)(people)

    return ask


def lm_eval(loaded: Loaded) -> Asked:
    """Score with the harness: log likelihoods of the labels with and without a space."""
    from lm_eval.models.huggingface import HFLM

    model = HFLM(pretrained=loaded.reader.model, tokenizer=loaded.tokenizer, batch_size=1, device="cpu")

    def ask(people: list[list[Prompt]]) -> tuple[list[float], int]:
        wording = Wording(loaded.tokenizer, chat=True, score="label")
        prompts = [prompt for of in people for prompt in of]
        grouped = wording.items([wording.text(prompt) for prompt in prompts], prompts)
        items = [item for probe in grouped for spellings in probe for item in spellings]
        requests = [(("", str(at)), list(item.context), list(item.continuation)) for at, item in enumerate(items)]
        logs = iter([log for log, _ in model._loglikelihood_tokens(requests, disable_tqdm=True)])
        scores = [[np.logaddexp.reduce([next(logs) for _ in spellings]) for spellings in probe] for probe in grouped]
        return [float(of[0]) for of in scores], sum(len(read) for read in {item.read for item in items})

    return ask


def table(found: dict[str, dict[str, Any]]) -> str:
    """Return the table of the page and the notes below it."""
    lines = [
        "| way | prompts | tokens read | of the least | prompts/s | tokens/s | seconds a person | peak GB | load |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    ours = found["ours"]
    for way, name in WAYS.items():
        run = found[way]
        least = ours["least"] * run["prompts"] / ours["prompts"]
        rate = run["prompts"] / run["seconds"]
        lines.append(
            f"| {name} | {run['prompts']} | {run['tokens']:,} | {run['tokens'] / least:.2f} × | {rate:.3f} | "
            f"{run['tokens'] / run['seconds']:.0f} | {39 / rate:.0f} | {run['peak']:.2f} | {run['load']:.1f} |"
        )
    for way in ("alone", "lm_eval"):
        run = found[way]
        wall = ours["prompts"] / ours["seconds"] / (run["prompts"] / run["seconds"])
        processor = ours["prompts"] / ours["processor"] / (run["prompts"] / run["processor"])
        apart = max(abs(one - other) for one, other in zip(ours["scores"], run["scores"], strict=False))
        lines.append(
            f"\nAgainst {WAYS[way]}: {wall:.1f} × the prompts a second ({processor:.1f} × per second of processor), "
            f"log-probabilities at most {apart:.1e} apart."
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
