"""``indievalue explore``: look at people, questions and predictions in the browser."""

from pathlib import Path
from typing import Annotated

import typer

from indievalue.cli.options import SourceFlags
from indievalue.cli.serve_options import ServeFlags, announce
from indievalue.errors import importing


def explore(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="RUN [RUN …] | DATA", help="Run directories, or one data file, or `synthetic:1000`."),
    ],
    serving: ServeFlags,
    source: SourceFlags,
) -> None:
    """Look at the people of one or more runs, or of a data file, in the browser: their statements, what was predicted
    and what is true.

    The pages show real respondents' answers, so only this machine reaches them, unless `--host` is given.
    """
    access = serving.access()
    with importing("explore needs", "app"):
        from indievalue.app.explore.server import explorer
        from indievalue.app.serving import serve

    runs = [Path(one) for one in sources if Path(one).is_dir()]
    if runs and len(runs) < len(sources):
        raise typer.BadParameter("give run directories, or one data file, not both")
    if len(sources) > 1 and not runs:
        raise typer.BadParameter("give one data file; several sources are run directories")
    app = explorer(access, runs=runs, people=None if runs else source.people(sources[0]))
    serve(app, access, lambda: announce(access, "Explorer"))
