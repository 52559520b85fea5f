"""The explorer's server."""

from collections.abc import Sequence
from pathlib import Path

from fastapi import FastAPI

from indievalue.app.serving import Access, application, environment
from indievalue.people.people import People


def explorer(access: Access, *, runs: Sequence[Path] = (), people: People | None = None) -> FastAPI:
    """Return the server of the explorer of ``runs``, or of ``people``."""
    return application(access, environment("indievalue.app.explore"))
