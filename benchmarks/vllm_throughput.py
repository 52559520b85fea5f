"""Measure the throughput of `vllm:MODEL` beside `local:MODEL`, prompts one by one, and lm-evaluation-harness.

    python benchmarks/vllm_throughput.py [--people 2] [--probes 39] [--others 2] [--threads 2] [--model smollm2]

Run it in an environment with vLLM (see make test-vllm); the harness is measured if it is there too. All ways
compute in float32 and are given the same prompts about synthetic people: the probes of a setup, with 200 random
statements, and with the 10 that are chosen for each probe. They take turns, person by person, so that whatever else the
machine does slows all of them. The two slow ways are given only the first --others prompts about each person, since
their time per prompt is constant. Seconds of processor are those of this process and all that it has started.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Settings
from indievalue.benchmark.storage import texts_of
from indievalue.predictors.ranking import rank_statements
from indievalue.prompts.prompt import Prompt, PromptStyle, prompts_of
from indievalue.synthetic.generate import synthetic_people

WAYS = {
    "vllm": "`vllm:…`",
    "local": "`local:…`",
    "alone": "each prompt alone, `logits_to_keep`",
    "lm_eval": "lm-evaluation-harness, `hf`",
}

SLOW = ("alone", "lm_eval")

SHOWN = {
    "200 random statements": Settings(setups=(0,), demonstrations=200),
    "10 chosen statements": Settings(setups=(0,), show="relevant:10"),
}

Asked = Callable[[list[Prompt]], tuple[list[float], int]]
"""Scores one person's prompts: returns the log-probability of the first label, and how many tokens were computed."""


@dataclass
class Measured:
    """What a way took so far; ``tokens`` are those of its prompts, of which so many were ``computed``."""

    prompts: int = 0
    tokens: int = 0
    computed: int = 0
    seconds: float = 0.0
    processor: float = 0.0
    apart: float = 0.0


def main() -> None:
    """Print a table for each way to choose statements, with how far log-probabilities are from those of vLLM."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2", help="name or folder of the model [default: smollm2]")
    parser.add_argument("--people", type=int, default=2, help="number of people [default: 2]")
    parser.add_argument("--probes", type=int, default=39, help="prompts about each person [default: 39]")
    parser.add_argument("--others", type=int, default=2, help="prompts about each for slow methods [default: 2]")
    parser.add_argument("--threads", type=int, default=2, help="threads that each way has [default: 2]")
    options = parser.parse_args()
    ways, tokens = ways_of(options)
    prompts = {shown: list(prompts_about(settings, options.people + 1)) for shown, settings in SHOWN.items()}
    for ask in ways.values():
        ask(prompts["10 chosen statements"][-1][:1])  # of a person who is not measured
    for shown, people in prompts.items():
        measured = [of_person[: options.probes] for of_person in people[:-1]]
        print(f"\n{table(shown, measure(measured, ways, tokens, options.others))}", flush=True)


def measure(
    people: list[list[Prompt]], ways: dict[str, Asked], tokens: Callable[[Prompt], int], others: int
) -> dict[str, Measured]:
    """Ask the ways in turn about each of the people."""
    found = {way: Measured() for way in ways}
    for prompts in people:
        expected: list[float] = []
        for way, ask in ways.items():
            chosen = prompts[: others if way in SLOW else None]
            wall, processor = time.perf_counter(), processor_seconds()
            scores, computed = ask(chosen)
            one = found[way]
            one.seconds += time.perf_counter() - wall
            one.processor += processor_seconds() - processor
            one.prompts += len(chosen)
            one.tokens += sum(map(tokens, chosen))
            one.computed += computed
            expected = expected or scores
            one.apart = max(one.apart, *(abs(one - other) for one, other in zip(scores, expected, strict=False)))
            print(f"{way}: {one} (load {os.getloadavg()[0]:.1f})", file=sys.stderr, flush=True)
    return found


def table(shown: str, found: dict[str, Measured]) -> str:
    """Return the rows of the ways."""
    best = found["vllm"]
    lines = [
        f"| {shown} | prompts | tokens a prompt | not computed | prompts/s | tokens/s | CPU s a prompt | `vllm:` is | "
        "apart |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for way, one in found.items():
        faster = (one.seconds / one.prompts) / (best.seconds / best.prompts)
        cheaper = (one.processor / one.prompts) / (best.processor / best.prompts)
        lines.append(
            f"| {WAYS[way]} | {one.prompts} | {one.tokens / one.prompts:,.0f} | {1 - one.computed / one.tokens:.0%} | "
            f"{one.prompts / one.seconds:.3f} | {one.tokens / one.seconds:,.0f} | {one.processor / one.prompts:.2f} | "
            f"{faster:.1f} × ({cheaper:.1f} × in CPU) | {one.apart:.1e} |"
        )
    return "\n".join(lines)


def prompts_about(settings: Settings, people: int) -> Iterator[list[Prompt]]:
    """Yield the prompts about each person."""
    benchmark = build_benchmark(synthetic_people(600), settings, people, ranking=rank_statements)
    for texts in zip(*(texts_of(task) for _, task in benchmark.tasks()), strict=True):
        yield [prompt for text in texts for prompt in prompts_of(text, PromptStyle())]


def processor_seconds() -> float:
    """Return the seconds of processor of this process and those that it has started."""
    import psutil

    here = psutil.Process()
    return float(sum(sum(one.cpu_times()[:2]) for one in (here, *here.children(recursive=True))))


def ways_of(options: argparse.Namespace) -> tuple[dict[str, Asked], Callable[[Prompt], int]]:
    """Load the model in vLLM and in transformers, and return the ways, and what counts a prompt's tokens."""
    os.environ.setdefault("VLLM_CPU_OMP_THREADS_BIND", f"0-{options.threads - 1}")
    import torch

    import local_models  # beside this file
    from indievalue.predictors.local.load import read_model
    from indievalue.predictors.local.source import find_source
    from indievalue.predictors.local.wording import Wording

    in_vllm = _vllm(options.model)
    torch.set_num_threads(options.threads)
    loaded = read_model(find_source(options.model), "cpu", "float32")
    wording = Wording.of(loaded.tokenizer)

    def read(way: Callable[[Any], Any], *, shares: bool | None) -> Asked:
        score = way(loaded)

        def ask(prompts: list[Prompt]) -> tuple[list[float], int]:
            loaded.reader.computed, loaded.reader.shares = 0, shares
            scores, computed = score([prompts])
            return scores, computed

        return ask

    ways = {
        "vllm": in_vllm,
        "local": read(local_models.ours, shares=True),
        "alone": read(local_models.alone, shares=False),
    }
    if find_spec("lm_eval"):
        ways["lm_eval"] = read(local_models.lm_eval, shares=False)
    return ways, lambda prompt: len(loaded.tokenizer(wording.text(prompt), add_special_tokens=False)["input_ids"])


def _vllm(model: str) -> Asked:
    """Score as `vllm:MODEL` does."""
    from indievalue.predictors.vllm.engine import load
    from indievalue.predictors.vllm.options import VllmOptions
    from indievalue.predictors.vllm.predictor import Vllm

    predictor = Vllm(model, VllmOptions(dtype="float32"))
    engine = load(predictor.source, predictor.options, "measured")

    def ask(prompts: list[Prompt]) -> tuple[list[float], int]:
        before = engine.read - engine.cached
        (scores,) = predictor._score([prompts], "measured", lambda share: None)
        return [logs[0] for logs in scores], engine.read - engine.cached - before

    return ask


if __name__ == "__main__":
    main()
