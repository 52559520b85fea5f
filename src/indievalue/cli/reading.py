"""Commands that read what predictors answered."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from indievalue.cli.options import Force, Seed, escaped, notes, one_of, out
from indievalue.errors import IndievalueError

if TYPE_CHECKING:
    from indievalue.report.runs import Run


def report(
    runs: Annotated[list[Path], typer.Argument(metavar="DIR [DIR …]", help="Run directories.")],
    page: Annotated[Path, typer.Option("--out", help="The HTML file to write.")],
    figures: Annotated[
        Path | None, typer.Option("--figures", help="Directory for the figures as .svg, .png, .pdf and .csv.")
    ] = None,
    tables: Annotated[
        Path | None, typer.Option("--tables", help="Directory for the tables as .md, .tex and .csv.")
    ] = None,
    force: Force = False,
) -> None:
    """Put one or more runs on one self-contained HTML page, and their figures and tables into files for a paper."""
    from indievalue.files import check_directory
    from indievalue.report.exports import write_figures
    from indievalue.report.page import write_report
    from indievalue.report.runs import load_run
    from indievalue.report.tables import write_run_tables

    if page.exists() and not force:
        raise IndievalueError(f"{page} exists already; choose another --out, or give --force to replace it")
    for directory in (figures, tables):
        if directory is not None:
            check_directory(directory, force=force)
    loaded = [load_run(directory) for directory in runs]
    write_report(loaded, page)
    notes.print(f"Report: {page}")
    if figures is not None:
        notes.print(f"{len(write_figures(loaded, figures))} files of figures: {figures}")
    if tables is not None:
        notes.print(f"{len(write_run_tables(loaded, tables))} files of tables: {tables}")


Runs = Annotated[list[Path], typer.Argument(metavar="DIR [DIR …]", help="Run directories.")]
DemographicOption = Annotated[
    list[str] | None,
    typer.Option(
        "--demographic",
        help="Name of one, `A*B` to cross two, or all; give it once for each [default: those of the survey's index].",
    ),
]
MinimumOption = Annotated[int, typer.Option("--minimum", min=1, help="People that a group needs to stand by itself.")]
SmallOption = Annotated[
    str, typer.Option("--small", help="Smaller groups: pool them as one, or drop them (1 as --minimum keeps all).")
]
DrawsOption = Annotated[int, typer.Option("--draws", min=1, help="Permutations, and bootstrap draws.")]
TablesOut = Annotated[
    Path | None, typer.Option("--out", help="Directory for the tables as .csv, .md and .tex; it must be new or empty.")
]


def inequity(
    runs: Runs,
    demographic: DemographicOption = None,
    measure: Annotated[str, typer.Option("--measure", help="accuracy, log_loss or calibration.")] = "accuracy",
    minimum: MinimumOption = 30,
    small: SmallOption = "pool",
    weights: Annotated[
        str, typer.Option("--weights", help="none; or the survey's, with countries counting equal or by population.")
    ] = "none",
    draws: DrawsOption = 1000,
    directory: TablesOut = None,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """How evenly predictors do over groups of people, and how much of the unevenness is chance."""
    from indievalue.report.frames import write_frames
    from indievalue.report.terminal import print_inequity
    from indievalue.scoring.inequity import inequity as measure_inequity
    from indievalue.scoring.measures import MEASURES

    chosen, few = one_of(measure, *MEASURES), one_of(small, "pool", "drop")
    weighting = one_of(weights, "none", "equal", "population")
    frames: dict[str, list[Any]] = {"index": [], "table": [], "groups": []}
    for folder, run in _loaded(runs, directory, force):
        found = measure_inequity(
            run.predictions,
            run.people,
            _demographics(demographic, run),
            measure=chosen,
            minimum=minimum,
            small=few,
            weights=None if weighting == "none" else _weights(run, weighting),
            draws=draws,
            seed=seed,
        )
        if len(runs) > 1:
            out.print(f"\n[bold]{escaped(str(folder))}[/]", highlight=False)
        print_inequity(found, out)
        for name, tables in frames.items():
            tables.append((folder, getattr(found, name)))
    if directory is not None:
        write_frames(frames, directory, f"Inequity of {measure}", force=force)
        notes.print(f"Tables: {directory}")


def flattening(
    runs: Runs,
    demographic: DemographicOption = None,
    match: Annotated[
        list[str] | None,
        typer.Option(
            "--match",
            help="Demographic that two people of a pair share; give it once for each [default: country, sex, age, "
            "education].",
        ),
    ] = None,
    minimum: MinimumOption = 30,
    small: SmallOption = "pool",
    draws: DrawsOption = 1000,
    directory: TablesOut = None,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Whether predictors make people of one group more alike than they are."""
    from indievalue.report.frames import write_frames
    from indievalue.report.terminal import print_flattening
    from indievalue.scoring.calibration import option_scales
    from indievalue.scoring.flattening import flattening as measure_flattening

    few = one_of(small, "pool", "drop")
    frames: dict[str, list[Any]] = {"table": [], "groups": [], "pairs": []}
    for folder, run in _loaded(runs, directory, force):
        found = measure_flattening(
            run.predictions,
            run.people,
            _demographics(demographic, run),
            option_scales(run.predictions, run.survey),
            matched=match,
            minimum=minimum,
            small=few,
            draws=draws,
            seed=seed,
        )
        if len(runs) > 1:
            out.print(f"\n[bold]{escaped(str(folder))}[/]", highlight=False)
        print_flattening(found, out)
        for name, tables in frames.items():
            tables.append((folder, getattr(found, name)))
    if directory is not None:
        write_frames(frames, directory, "Flattening", force=force)
        notes.print(f"Tables: {directory}")


def compare(
    runs: Runs,
    predictor: Annotated[
        list[str] | None, typer.Option("--predictor", help="Compare only this one; give it once for each.")
    ] = None,
    demographic: DemographicOption = None,
    intersection: Annotated[
        bool, typer.Option("--intersection", help="Compare the people and probes they share, and leave out the others.")
    ] = False,
    minimum: MinimumOption = 30,
    small: SmallOption = "pool",
    draws: DrawsOption = 1000,
    file: Annotated[Path | None, typer.Option("--out", help="The .csv, .md or .tex file to write.")] = None,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Differences between predictors on the same people and probes, with intervals.

    Every predictor of a run is compared with every one of the runs after it; in a single run with one another.
    """
    from indievalue.report.comparing import compare_runs, comparison_table
    from indievalue.report.frames import TABLE_FILES, write_frame
    from indievalue.report.terminal import print_comparisons

    if file is not None and file.suffix not in TABLE_FILES:
        raise typer.BadParameter(f"--out takes a file that ends in {', '.join(TABLE_FILES)}, not {file.name!r}")
    if file is not None and file.exists() and not force:
        raise IndievalueError(f"{file} exists already; choose another --out, or give --force to replace it")
    few = one_of(small, "pool", "drop")
    loaded = list(_loaded(runs, None, force))
    found = compare_runs(
        loaded,
        predictor,
        _demographics(demographic, loaded[0][1], needed=False),
        intersection=intersection,
        minimum=minimum,
        small=few,
        draws=draws,
        seed=seed,
    )
    print_comparisons(found, out)
    if file is not None:
        write_frame(comparison_table(found), file, "Differences between predictors")
        notes.print(f"Table: {file}")


def _loaded(runs: list[Path], directory: Path | None, force: bool) -> Iterator[tuple[Path, "Run"]]:
    from indievalue.files import check_directory
    from indievalue.report.runs import load_run

    if directory is not None:
        check_directory(directory, force=force)  # told before the work begins
    for folder in runs:
        yield folder, load_run(folder)


def _demographics(names: list[str] | None, run: "Run", *, needed: bool = True) -> list[str | tuple[str, ...]]:
    """Those named; else those of the survey's index that the run has. Raises IndievalueError where it has none."""
    known = [column for column in run.people.columns if column not in ("person", "weight")]
    if not known and (needed or names):
        raise IndievalueError("this run knows no demographics of its people, and so there are no groups to compare")
    if names == ["all"]:
        return list(known)
    if not names:
        return [name for name in run.survey.inequity if name in known] or list(known)
    return [parts[0] if len(parts) == 1 else parts for parts in map(_crossed, names)]


def _crossed(name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in name.replace("×", "*").split("*"))


def _weights(run: "Run", weighting: Any) -> Any:
    from indievalue.scoring.weighting import person_weights

    if run.record.data.unweighted:
        raise IndievalueError(
            f"{run.record.data.unweighted:,} of {run.record.data.people:,} people in {run.record.data.source} have no "
            "survey weight; leave out --weights"
        )
    return person_weights(run.people, run.survey, weighting)
