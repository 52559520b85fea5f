"""``indievalue survey``: check a survey specification."""

from typing import Annotated

import typer

from indievalue.cli.options import (
    out,
)


def survey(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A shipped survey, or the folder of your own.")] = "wvs7",
) -> None:
    """Check a survey specification, and print a summary."""
    from indievalue.report.show import print_survey
    from indievalue.survey.load import load_survey

    print_survey(load_survey(name), out)
