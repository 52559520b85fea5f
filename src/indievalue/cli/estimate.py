"""``indievalue estimate``: population figures from the people who were asked and predictions for everybody else."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indievalue.choices import USUAL, FormName, Weights
from indievalue.cli.benchmark_options import PromptFlags
from indievalue.cli.model_options import AskingFlags, print_cost
from indievalue.cli.options import (
    Data,
    Force,
    Further,
    SourceFlags,
    escaped,
    files_of,
    notes,
    out,
    read_ids,
    seed_of,
    whole,
)
from indievalue.errors import IndievalueError

if TYPE_CHECKING:
    from indievalue.estimation.asked import Ask
    from indievalue.estimation.estimate import EstimateOptions
    from indievalue.estimation.results import Estimates
    from indievalue.predictors.protocol import Predictor
    from indievalue.runs.run import Run

_FILES = (".csv", ".md", ".tex", ".json")


@dataclass(frozen=True)
class FigureFlags:
    """What is estimated, from whose answers."""

    target: Annotated[
        list[str],
        typer.Option(
            "--target",
            help="`mean:Q182`, `share:Q182=1-3`, both also `by sex`; `difference:Q182 by sex`; "
            "`ols:Q182 ~ age + education`; repeat for more.",
        ),
    ]
    ask: Annotated[
        int | None,
        typer.Option(
            "--ask", min=1, help="Use the answers of so many people, drawn at random, as a small survey would."
        ),
    ] = None
    asked: Annotated[
        Path | None,
        typer.Option("--asked", help="Text file with the ids of the people whose answers are used, one per line."),
    ] = None
    weights: Annotated[
        Weights,
        typer.Option("--weights", help="Survey weights: none, or with countries weighted equally or by population."),
    ] = USUAL.weights
    plan: Annotated[
        float | None,
        typer.Option("--plan", metavar="HALF", help="Also print how many people must answer for intervals of ± HALF."),
    ] = None

    def whose(self) -> "Ask":
        """Return whose answers are used. Raises BadParameter if both options are given."""
        if self.ask is not None and self.asked is not None:
            raise typer.BadParameter("give --ask or --asked, not both")
        return self.ask if self.asked is None else read_ids(self.asked)


@dataclass(frozen=True)
class PredictedFlags:
    """Where predictions come from."""

    predictor: Annotated[
        str | None,
        typer.Option(
            "--predictor",
            "--model",
            help="Predictor to ask about everybody, by cross-fitting, as for `evaluate`; with --run, which of its "
            "predictors [default: gaussian].",
        ),
    ] = None
    run: Annotated[
        Path | None, typer.Option("--run", help="Run directory whose predictions are used; only its people count.")
    ] = None
    others: Annotated[
        int | None,
        typer.Option(
            "--others", min=1, help="Predict so many of the people not asked, drawn at random [default: all]."
        ),
    ] = None
    form: Annotated[FormName, typer.Option("--form", help="How predicted answers group into options.")] = "refined"
    context: Annotated[str, typer.Option("--context", help="Context shown for each person, as for `evaluate`.")] = (
        "both"
    )
    show: Annotated[str, typer.Option("--show", help="Which statements are shown, as for `evaluate`.")] = "random"
    demonstrations: Annotated[
        str, typer.Option("--demonstrations", help="Number of statements shown for each person, or `all`.")
    ] = "all"
    folds: Annotated[int, typer.Option("--folds", min=2, help="Folds of cross-fitting.")] = 5
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print the number of calls and tokens.")] = False

    def options(self, seed: int, weights: Weights) -> "EstimateOptions":
        """Return the options of the estimate."""
        from indievalue.estimation.estimate import EstimateOptions

        return EstimateOptions(
            weights=weights,
            form=self.form,
            context=self.context,
            show=self.show,
            demonstrations=None if self.demonstrations == "all" else whole(self.demonstrations, "--demonstrations"),
            folds=self.folds,
            others=self.others,
            model=self.predictor if self.run is not None else None,
            seed=seed,
        )


def estimate(
    data: Data,
    wanted: FigureFlags,
    predicted: PredictedFlags,
    prompt: PromptFlags,
    asking: AskingFlags,
    source: Annotated[SourceFlags, {"seed": seed_of("synthetic people, people asked, folds and statements shown")}],
    file: Annotated[
        Path | None, typer.Option("--out", help="Write the table to this .csv, .json, .md or .tex file.")
    ] = None,
    further: Further = None,
    force: Force = False,
) -> None:
    """Estimate a mean, a share, a difference or a regression from few answers and predictions for everybody else.

    Whoever has an answer in DATA was asked; everybody else is predicted. The predictor's bias is corrected by its
    errors about those who were asked, so that the 95% interval holds whatever the predictor is worth, if they are a
    random sample.
    """
    from indievalue.estimation.estimate import estimate as estimated
    from indievalue.estimation.estimate import estimation_cost
    from indievalue.report.estimates import print_plan

    if wanted.plan is not None and not wanted.plan > 0:
        raise typer.BadParameter(f"--plan takes half the width of an interval, a number above 0, not {wanted.plan:g}")
    _check(file, force=force)
    ask, options = wanted.whose(), predicted.options(source.seed, wanted.weights)
    predictor = _predictor(predicted, prompt, asking)
    people = source.people(files_of(data, further))
    if not isinstance(predictor, tuple):
        found = estimated(people, wanted.target, predictor, ask, options=options)
    else:
        name, made = predictor
        if cost := estimation_cost(people, wanted.target, made, ask, options) if _costs(name) else None:
            print_cost(name, cost)
        if predicted.dry_run:
            return
        found = estimated(people, wanted.target, {name: made}, ask, _said, options)
    _print(found)
    if wanted.plan is not None:
        print_plan(found.plan(wanted.plan), wanted.plan, out)
    if file is not None:
        _write(found, file)
        notes.print(escaped(f"Table: {file}"), soft_wrap=True)


def _costs(name: str) -> bool:
    """Whether a predictor may cost money."""
    from indievalue.predictors.registry import reads_prompts

    return reads_prompts(name)


def _said(line: str) -> None:
    notes.print(escaped(line), style="dim", soft_wrap=True)


def _check(file: Path | None, *, force: bool) -> None:
    if file is not None and file.suffix not in _FILES:
        raise typer.BadParameter(f"--out takes a file that ends in {', '.join(_FILES)}, not {file.name!r}")
    if file is not None and file.exists() and not force:
        raise IndievalueError(f"{file} exists already; choose another --out, or give --force to replace it")


def _predictor(predicted: PredictedFlags, prompt: PromptFlags, asking: AskingFlags) -> "Run | tuple[str, Predictor]":
    """Return the run, or the predictor and its name."""
    from indievalue.predictors.registry import make_predictor
    from indievalue.runs.storage import load_run

    if predicted.run is not None:
        return load_run(predicted.run)
    name = predicted.predictor or "gaussian"
    return name, make_predictor(name, asking.asking(prompt.style()))


def _print(found: "Estimates") -> None:
    from indievalue.report.estimates import print_estimates

    print_estimates(found.table, out)
    for sentence in found.sentences():
        out.print(escaped(sentence), highlight=False, soft_wrap=True)
    for sentence in found.notes:
        out.print(escaped(sentence), style="dim", highlight=False, soft_wrap=True)


def _write(found: "Estimates", file: Path) -> None:
    from indievalue.files import new_file
    from indievalue.report.tables.frames import write_frame

    if file.suffix == ".json":
        with new_file(file) as beside:
            beside.write_text(json.dumps(found.as_dict(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        return
    write_frame(found.table, file, "Estimates")
