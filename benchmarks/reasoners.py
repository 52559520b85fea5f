"""Train a reasoner and compare it with statistical predictors, and with the untuned model, on the same people.

    python benchmarks/reasoners.py DATA --training smollm2/laptop --out laptop
        [--people 150] [--setup 0] [--demonstrations 20] [--peak-tflops 989]

It is asked as in its training, and compared with statistical predictors over the same people. An interrupted command
continues. On a GPU, an hour or so of one H200:

    python benchmarks/reasoners.py wvs7.csv --training smollm2/base --out smollm2-200 \\
        --people 800 --setup 0,1,2 --demonstrations 200 --peak-tflops 989 --untuned
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Settings
from indievalue.evaluation import Call, evaluate
from indievalue.predictors.asking import AskingOptions
from indievalue.predictors.ranking import rank_statements
from indievalue.reasoner.settings import load_settings
from indievalue.reasoner.training import RESULT, train
from indievalue.runs.run import Run
from indievalue.runs.storage import load_run
from indievalue.scoring.accuracy import summarise
from indievalue.synthetic.source import people_from
from reasoner_gpu_report import averaged, disagreements


def main() -> None:
    """Print the cost of the training, and a table of accuracies."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="survey file")
    parser.add_argument("--training", required=True, help="YAML file of the training")
    parser.add_argument("--out", type=Path, required=True, help="where to write the reasoner and runs")
    parser.add_argument("--people", type=int, default=150, help="number of people to test [default: 150]")
    parser.add_argument("--setup", default="0", help="which setups, such as 0,1,2 [default: 0]")
    parser.add_argument("--demonstrations", type=int, help="statements shown [default: as in the training]")
    parser.add_argument("--untuned", action="store_true", help="also ask the model that was tuned, as it was before")
    parser.add_argument("--peak-tflops", type=float, help="peak of the GPU, to report its utilisation")
    options = parser.parse_args()
    settings = load_settings(options.training, {"data": options.data, "out": str(options.out / "reasoner")})
    if not (options.out / "reasoner" / RESULT).exists():
        train(settings, lambda line: print(line, flush=True))
    done = json.loads((options.out / "reasoner" / RESULT).read_text())
    print(effort(done, options.peak_tflops))
    recipe = settings.recipe
    (form,) = recipe.forms
    asked = Settings(
        form=form,
        setups=tuple(int(number) for number in options.setup.split(",")),
        show=recipe.show if options.demonstrations is None else "random",
        demonstrations=options.demonstrations if options.demonstrations is not None else recipe.demonstrations[1],
        demonstrations_as=recipe.demonstrations_as[0] if recipe.demonstrations_as else None,
    )
    tuned, untuned = f"local:{options.out / 'reasoner'}", f"local:{settings.model}"
    predictors = ["majority", "resemble:k=35", "gaussian", tuned, *([untuned] if options.untuned else [])]
    out = options.out / f"run-{asked.show}-{asked.demonstrations}"
    if not (out / "summary.json").exists():
        people = people_from(options.data)
        benchmark = build_benchmark(people, asked, options.people, ranking=rank_statements)
        asking, call = AskingOptions(style=recipe.style), Call(progress=print)
        evaluate(people, benchmark, predictors, out, asking=asking, call=call)
    run = load_run(out)
    both = averaged(run.predictions, "gaussian", tuned)
    predictions = pl.concat([run.predictions, both])
    run = replace(run, predictions=predictions, scores=summarise(predictions, 0, run.survey))
    print(table(run))
    pairs = [(tuned, "majority"), (tuned, "gaussian"), (both["predictor"][0], "gaussian")]
    for a, b in [*pairs, *([(tuned, untuned)] if options.untuned else [])]:
        (paired,) = run.compare(a, b, []).table.filter(measure="accuracy").to_dicts()
        interval = f"{paired['low']:+.1f} to {paired['high']:+.1f}"
        print(f"{Path(a).name} - {Path(b).name}: {paired['difference']:+.1f} ({interval}), p {paired['p']:.3f}")
    print(disagreements(run.predictions, [tuned]))
    print(run.by_category.pivot("predictor", index="category", values="accuracy"))


def effort(done: dict[str, Any], peak: float | None) -> str:
    """Return tokens per second, and GPU utilisation at six floating-point operations per weight and token."""
    rate = done["tokens"] / done["seconds"]
    text = f"{done['steps']:,} steps, {done['tokens']:,} tokens, {done['seconds']:,.0f} s: {rate:,.0f} tokens/s"
    if peak:
        text += f", {6 * done['parameters'] * rate / (peak * 1e12):.1%} of {peak:g} TFLOPS"
    if done["peak_gpu_bytes"]:
        text += f", {done['peak_gpu_bytes'] / 2**30:.1f} GiB of the card"
    return text


def table(run: Run) -> str:
    """Return a table of accuracy, with intervals, and log loss."""
    lines = ["| predictor | accuracy, % | log loss |", "|---|---:|---:|"]
    for row in run.summary.iter_rows(named=True):
        interval = f"{row['low']:.1f}–{row['high']:.1f}"
        lines.append(f"| {Path(row['predictor']).name} | {row['accuracy']:.1f} ({interval}) | {row['log_loss']:.3f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
