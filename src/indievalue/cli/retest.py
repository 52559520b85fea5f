"""``indievalue retest``: how well people who were asked again agree with themselves."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indievalue.cli.options import (
    Encoding,
    Force,
    HeaderRow,
    PersonColumns,
    Sheet,
    SurveyName,
    escaped,
    listed,
    notes,
    out,
)

if TYPE_CHECKING:
    from indievalue.people.panel import Panel, PanelOptions
    from indievalue.scoring.retest_tables import PanelRetest


@dataclass(frozen=True)
class WaveFlags:
    """How a file tells when people were asked, and what its columns are."""

    wave: Annotated[
        str | None,
        typer.Option("--wave", help="Column of the wave or year in which a row was asked [default: one called wave]."),
    ] = None
    suffixes: Annotated[
        str | None,
        typer.Option(
            "--suffixes",
            help="If each question has a column for each wave: how these end, earliest first, such as `_1,_2,_3`.",
        ),
    ] = None
    person_columns: PersonColumns = None
    survey: SurveyName = None
    no_survey: Annotated[
        bool,
        typer.Option(
            "--no-survey", help="Take columns as they stand [default: only if they are of no survey that is known]."
        ),
    ] = False
    questions: Annotated[
        str | None,
        typer.Option("--questions", help="Questions to compare, separated by commas [default: all]."),
    ] = None
    nominal: Annotated[
        str | None,
        typer.Option("--nominal", help="Without a survey: questions whose answers are no steps of a scale."),
    ] = None
    missing: Annotated[
        str | None,
        typer.Option("--missing", help="Without a survey: answers that stand for none, such as `8,9,DON'T KNOW`."),
    ] = None
    by: Annotated[
        str | None,
        typer.Option("--by", help="Demographics over whose groups to compare agreement, separated by commas."),
    ] = None
    minimum: Annotated[
        int, typer.Option("--minimum", min=1, help="Minimum number of people for a question or a group.")
    ] = 30
    sheet: Sheet = None
    header_row: HeaderRow = None
    encoding: Encoding = None

    def options(self) -> "PanelOptions":
        """Return the options of reading. Raises BadParameter for flags that exclude each other."""
        from indievalue.people.options import ReadOptions
        from indievalue.people.panel import PanelOptions
        from indievalue.people.undescribed import Columns

        if self.no_survey and self.survey:
            raise typer.BadParameter("give --survey or --no-survey, not both")
        if self.wave and self.suffixes:
            raise typer.BadParameter("give --wave for a row, or --suffixes for a column, for each wave, not both")
        if self.suffixes and len(listed(self.suffixes)) < 2:
            raise typer.BadParameter("--suffixes needs an ending for each of two waves or more, such as _1,_2")
        columns = Columns(listed(self.questions), listed(self.nominal), listed(self.missing), listed(self.by))
        return PanelOptions(
            survey=self.survey,
            described=not self.no_survey,
            wave=self.wave,
            suffixes=listed(self.suffixes),
            columns=columns,
            read=ReadOptions(self.sheet, self.header_row, self.encoding, listed(self.person_columns)),
        )


def retest(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE [FILE …]", help="A survey file with all waves, or one for each, earliest first."),
    ],
    flags: WaveFlags,
    directory: Annotated[
        Path | None,
        typer.Option("--out", help="Directory for tables (.csv, .parquet) and summary.json; must be new or empty."),
    ] = None,
    force: Force = False,
) -> None:
    """Measure how well people who were asked twice or more agree with themselves, question by question.

    Prints agreement, agreement beyond chance, test-retest correlations, with three waves also reliability without
    true change, and the accuracy that the best predictor could reach.
    """
    from indievalue.files import check_directory
    from indievalue.people.panel import read_panel
    from indievalue.people.tables import slow_size
    from indievalue.report.retest import print_retest
    from indievalue.scoring.retest_tables import retest_panel

    options = flags.options()
    if len(files) > 1 and (flags.wave or flags.suffixes):
        raise typer.BadParameter("--wave and --suffixes are for a single file; of several, each is a wave")
    if directory is not None:
        check_directory(directory, force=force)
    for file in files:
        if (size := slow_size(file)) is not None:
            notes.print(escaped(f"Reading {file} ({size:,.0f} MB)"), soft_wrap=True)
    panel = read_panel(files, options)
    _print_findings(panel)
    found = retest_panel(panel, options.columns.questions, options.columns.by, flags.minimum)
    print_retest(found, out)
    if directory is not None:
        _write(found, directory, force=force)
        notes.print(escaped(f"Tables: {directory}"), soft_wrap=True)


def _print_findings(panel: "Panel") -> None:
    """Print what was found while reading; of a survey without a specification, which columns are no questions."""
    for wave in panel.people if panel.described else ():
        for line in wave.findings.lines():
            notes.print(escaped(line), soft_wrap=True)
    if panel.described:
        return
    sizes = ", ".join(f"{len(wave):,} in {name}" for name, wave in zip(panel.waves, panel.people, strict=True))
    notes.print(escaped(f"No survey specification: columns are taken as they stand; people: {sizes}"), soft_wrap=True)
    if panel.skipped:
        shown = [f"{name} {reason}" for name, reason in list(panel.skipped.items())[:3]]
        more = f" and {len(panel.skipped) - 3:,} more" if len(panel.skipped) > 3 else ""
        count = f"{len(panel.skipped):,} column{'' if len(panel.skipped) == 1 else 's'}"
        notes.print(escaped(f"{count} taken for no question: {'; '.join(shown)}{more}"), soft_wrap=True)


def _write(found: "PanelRetest", directory: Path, *, force: bool) -> None:
    from indievalue.files import new_directory

    with new_directory(directory, force=force) as folder:
        tables = {"questions": found.questions, **({"groups": found.groups} if len(found.groups) else {})}
        for name, table in tables.items():
            table.write_csv(folder / f"{name}.csv")
            table.write_parquet(folder / f"{name}.parquet")
        text = json.dumps(found.summary(), indent=2, ensure_ascii=False)
        (folder / "summary.json").write_text(text + "\n", encoding="utf-8")
