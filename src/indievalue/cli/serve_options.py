"""Options of the commands that serve pages to a browser."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from indievalue.cli.options import escaped, notes

if TYPE_CHECKING:
    from indievalue.app.serving import Access


@dataclass(frozen=True)
class ServeFlags:
    """Where to serve pages, and who may see them."""

    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port to listen on.")] = 8000
    host: Annotated[
        str | None,
        typer.Option(
            "--host",
            help="Address or name to listen on, for other machines, too; visitors then need a token [default: this "
            "machine only].",
        ),
    ] = None
    token: Annotated[
        str | None,
        typer.Option("--token", help="Token that visitors need, 16 characters or more [default: made with --host]."),
    ] = None

    def access(self) -> "Access":
        """Return the access. Raises IndievalueError for a short token, or where packages are not installed."""
        from indievalue.errors import importing

        with importing("serving pages needs", "app"):
            from indievalue.app.serving import access_for

        return access_for(self.host, self.port, self.token)


def announce(access: "Access", what: str) -> None:
    """Say where ``what`` is to be seen, and how to stop."""
    notes.print(f"{escaped(what)}: {escaped(access.address)}", soft_wrap=True)
    notes.print("Stop with Ctrl-C.", style="dim")
