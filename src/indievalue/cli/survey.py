"""``indievalue survey``: check a survey specification, draft one from a data file, or list those that ship."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from indievalue.cli.options import Encoding, Force, HeaderRow, Out, Sheet, escaped, notes, out

if TYPE_CHECKING:
    from indievalue.survey.draft.model import Draft


class _CheckByDefault(TyperGroup):
    """A group whose command is ``check`` where none is named: ``survey NAME`` is ``survey check NAME``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ("-h", "--help")):
            args = ["check", *args]
        return super().parse_args(ctx, args)


survey = typer.Typer(
    cls=_CheckByDefault,
    help="Check a survey specification, draft one from a data file, or list those that ship.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@survey.command()
def check(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A shipped survey, or the folder of your own.")] = "wvs7",
) -> None:
    """Check a survey specification, and print a summary; `survey NAME` does the same."""
    from indievalue.report.show import print_survey
    from indievalue.survey.draft.write import marks_in
    from indievalue.survey.load import load_survey

    loaded = load_survey(name)
    print_survey(loaded, out)
    if loaded.folder is not None and (marks := marks_in(Path(loaded.folder))):
        some = "1 guess is" if marks == 1 else f"{marks:,} guesses are"
        out.print(f"{some} marked with `# check:` in its files", markup=False, highlight=False, soft_wrap=True)


@survey.command("list")
def list_surveys() -> None:
    """List the surveys that come with the package."""
    from indievalue.survey.load import load_survey, shipped_surveys

    for name in shipped_surveys():
        out.print(escaped(f"{name}  {load_survey(name).title}"), highlight=False, soft_wrap=True)


@survey.command()
def draft(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A survey file (SPSS, Stata, or CSV with --codebook).")],
    out_folder: Out,
    codebook: Annotated[
        Path | None,
        typer.Option(
            "--codebook",
            help="CSV or JSON lines with each column's name, label and answers (`1 = Agree; 2 = Disagree`).",
        ),
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", help="Language of the statements: en, es, fr [default: the labels'].")
    ] = None,
    sheet: Sheet = None,
    header_row: HeaderRow = None,
    encoding: Encoding = None,
    force: Force = False,
) -> None:
    """Draft a survey specification from what a data file says of its columns; guesses are marked with `# check:`."""
    from indievalue.files import check_directory, new_directory
    from indievalue.people.labels import read_metadata
    from indievalue.people.options import ReadOptions
    from indievalue.survey.draft.build import build_draft
    from indievalue.survey.draft.sampling import with_sampling
    from indievalue.survey.draft.write import write_draft
    from indievalue.survey.load import load_survey

    if language not in (None, "en", "es", "fr"):
        raise typer.BadParameter(f"there is no language {language!r}; choose en, es or fr")
    check_directory(out_folder, force=force)
    found = read_metadata(Path(file), codebook, ReadOptions(sheet, header_row, encoding))
    chosen: Any = language
    drafted = with_sampling(build_draft(found, out_folder.resolve().name, chosen), found.codes)
    with new_directory(out_folder, force=force) as folder:
        write_draft(drafted, folder)
        load_survey.__wrapped__(str(folder))  # raises where anything is wrong with what was written
    _print_draft(drafted, file, out_folder)


def _print_draft(drafted: "Draft", file: str, folder: Path) -> None:
    """Print what was found, what should be looked at, and the next commands."""
    from collections import Counter

    from indievalue.survey.draft.write import marks_in

    def line(text: str) -> None:
        out.print(escaped(text), highlight=False, soft_wrap=True)

    items, categories = len(drafted.questions), len(drafted.categories)
    line(f"{items:,} attitude items in {categories} categories (language: {drafted.language})")
    named = ", ".join(one.name for one in drafted.demographics)
    line(f"{len(drafted.demographics)} demographics{f': {named}' if named else ''}")
    person, weight = " + ".join(drafted.person) or "none", " × ".join(drafted.weight) or "none"
    line(f"id: {person}; weight: {weight}; country: {drafted.country or 'none'}")
    if drafted.left_out:
        reasons = Counter(drafted.left_out.values()).most_common(6)
        shown = ", ".join(f"{reason} ({columns})" for reason, columns in reasons)
        more = " …" if len(set(drafted.left_out.values())) > len(reasons) else ""
        line(f"{len(drafted.left_out)} columns left out: {shown}{more}; {folder / 'survey.yaml'} lists them")
    marks = marks_in(folder)
    line(f"{marks:,} {'guess is' if marks == 1 else 'guesses are'} marked with `# check:` in {folder}")
    notes.print(
        escaped(f"Next: look at the marks, then indievalue survey check {folder} and "
                f"indievalue evaluate {file} --survey {folder} --out run"),
        soft_wrap=True,
    )  # fmt: skip
