"""Measure the throughput of `vllm:MODEL` beside `local:MODEL`, prompts one by one, and lm-evaluation-harness.

    python benchmarks/vllm_throughput.py [--people 2] [--others 2] [--lm-eval PYTHON_WITH_LM_EVAL]

Run it in an environment with vLLM (see make test-vllm). Every way is a process that loads the model once, in float32,
and then waits; they take turns, person by person, so that whatever else the machine does slows all of them. All are
given the same prompts about synthetic people: 39 probes of a setup, with 200 random statements, and with the 10 that
are chosen for each probe. The two slow ways are given only the first --others prompts about each person, since their
time per prompt is constant. Seconds of processor are those of a process and all that it has started.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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


def main() -> None:
    """Print a table for each way to choose statements, and how far the ways are apart."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2", help="name or folder of the model [default: smollm2]")
    parser.add_argument("--people", type=int, default=2, help="number of people [default: 2]")
    parser.add_argument("--others", type=int, default=2, help="prompts about each for slow methods [default: 2]")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch [default: 2]")
    parser.add_argument("--lm-eval", help="Python with lm-evaluation-harness [default: it is left out]")
    parser.add_argument("--way", choices=WAYS, help="measure one method, person by person, as told on stdin")
    options = parser.parse_args()
    if options.way:
        work(options)
        return
    workers = {way: _start(way, options) for way in WAYS if way != "lm_eval" or options.lm_eval}
    for worker in workers.values():
        print(f"{_answer(worker)} is ready", file=sys.stderr, flush=True)
    for shown in SHOWN:
        print(f"\n{table(shown, workers, options)}", flush=True)
    for worker in workers.values():
        worker.stdin.close()
        worker.wait()


def _start(way: str, options: argparse.Namespace) -> Any:
    python = options.lm_eval if way == "lm_eval" else sys.executable
    command = [python, __file__, *sys.argv[1:], "--way", way]
    cores = f"0-{options.threads - 1}"
    environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads), "VLLM_CPU_OMP_THREADS_BIND": cores}
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def _answer(worker: Any) -> Any:
    """Return the next JSON that a worker prints; libraries may print something else."""
    for line in worker.stdout:
        if line.startswith(("{", '"')):
            return json.loads(line)
    raise SystemExit(f"a worker stopped: {worker.args}")


def table(shown: str, workers: dict[str, Any], options: argparse.Namespace) -> str:
    """Ask the ways in turn, person by person, and return what they took."""
    found = {way: Measured() for way in workers}
    apart = dict.fromkeys(workers, 0.0)
    for person in range(options.people):
        scores = {}
        for way, worker in workers.items():
            print(json.dumps([shown, person]), file=worker.stdin, flush=True)
            answer = _answer(worker)
            scores[way] = answer.pop("scores")
            for name, value in answer.items():
                setattr(found[way], name, getattr(found[way], name) + value)
            print(f"{shown}, person {person}: {way} {answer} (load {os.getloadavg()[0]:.1f})", file=sys.stderr)
            pairs = zip(scores["vllm"], scores[way], strict=False)
            apart[way] = max(apart[way], *(abs(one - other) for one, other in pairs))
    best = found["vllm"]
    lines = [
        f"| {shown} | prompts | tokens a prompt | from cache | prompts/s | tokens/s | CPU s a prompt "
        "| `vllm:` is | apart |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for way, one in found.items():
        times = (one.seconds / one.prompts) / (best.seconds / best.prompts)
        cheaper = (one.processor / one.prompts) / (best.processor / best.prompts)
        lines.append(
            f"| {WAYS[way]} | {one.prompts} | {one.tokens / one.prompts:,.0f} | {1 - one.computed / one.tokens:.0%} | "
            f"{one.prompts / one.seconds:.3f} | {one.tokens / one.seconds:,.0f} | {one.processor / one.prompts:.2f} | "
            f"{times:.1f} × ({cheaper:.1f} × in CPU) | {apart[way]:.1e} |"
        )
    return "\n".join(lines)


def work(options: argparse.Namespace) -> None:
    """Load the model, then measure one person's prompts after the other."""
    prompts = {shown: list(prompts_about(settings, options.people + 1)) for shown, settings in SHOWN.items()}
    tokens, ask = {"vllm": vllm, "local": local, "alone": local, "lm_eval": local}[options.way](options)
    for people in prompts.values():
        ask(people[-1][:1])  # a person who is not measured
    print(json.dumps(options.way), flush=True)
    for line in sys.stdin:
        shown, person = json.loads(line)
        chosen = prompts[shown][person][: options.others if options.way in SLOW else None]
        wall, processor = time.perf_counter(), processor_seconds()
        scores, computed = ask(chosen)
        answer = {
            "prompts": len(chosen),
            "computed": computed,
            "seconds": time.perf_counter() - wall,
            "processor": processor_seconds() - processor,
            "tokens": tokens(chosen),
            "scores": scores,
        }
        print(json.dumps(answer), flush=True)


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


def counter(tokenizer: Any) -> Callable[[list[Prompt]], int]:
    """Return what counts the tokens of prompts."""
    from indievalue.predictors.local.wording import Wording

    wording = Wording.of(tokenizer)
    return lambda prompts: sum(len(tokenizer(wording.text(prompt))["input_ids"]) for prompt in prompts)


def vllm(options: argparse.Namespace) -> tuple[Callable[[list[Prompt]], int], Asked]:
    """Score as `vllm:MODEL` does."""
    from indievalue.predictors.vllm.engine import load
    from indievalue.predictors.vllm.options import VllmOptions
    from indievalue.predictors.vllm.predictor import Vllm

    predictor = Vllm(options.model, VllmOptions(dtype="float32"))
    engine = load(predictor.source, predictor.options, "measured")

    def ask(prompts: list[Prompt]) -> tuple[list[float], int]:
        before = engine.read - engine.cached
        (scores,) = predictor._score([prompts], "measured", lambda share: None)
        return [logs[0] for logs in scores], engine.read - engine.cached - before

    return counter(engine.tokenizer), ask


def local(options: argparse.Namespace) -> tuple[Callable[[list[Prompt]], int], Asked]:
    """Score as `local:MODEL` does, or each prompt alone, or with the harness."""
    import torch

    import local_models  # beside this file
    from indievalue.predictors.local.load import read_model
    from indievalue.predictors.local.source import find_source

    torch.set_num_threads(options.threads)
    loaded = read_model(find_source(options.model), "cpu", "float32")
    way = {"local": local_models.ours, "alone": local_models.alone, "lm_eval": local_models.lm_eval}[options.way]
    score = way(loaded)

    def ask(prompts: list[Prompt]) -> tuple[list[float], int]:
        loaded.reader.computed = 0
        return score([prompts])

    return counter(loaded.tokenizer), ask


if __name__ == "__main__":
    main()
