"""The explorer's server."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request

from indievalue.app.explore.choosing import choice_of
from indievalue.app.explore.people_page import people_page
from indievalue.app.explore.person_page import person_page
from indievalue.app.explore.source import Source, source_of
from indievalue.app.explore.start_page import answer, headline, start_page
from indievalue.app.explore.view import RunView, views_of
from indievalue.app.serving import Access, application, environment
from indievalue.people.people import People
from indievalue.report.numbers import number
from indievalue.runs.names import short_names

Make = Callable[[Source, RunView | None, QueryParams], Mapping[str, object]]
"""Makes what a page shows."""


@dataclass(frozen=True)
class Page:
    """A page: its address, the name in the navigation (none for pages that others lead to), and what it shows."""

    path: str
    title: str
    template: str
    make: Make
    within: str = ""


OF_RUNS = (
    Page("", "Start", "start.html", start_page),
    Page("/people", "People", "people.html", people_page),
    Page("/person", "", "person.html", person_page, within="/people"),
)

OF_DATA = (
    Page("/people", "People", "people.html", people_page),
    Page("/person", "", "person.html", person_page, within="/people"),
)


def explorer(access: Access, *, runs: Sequence[Path] = (), people: People | None = None) -> FastAPI:
    """Return the server of the explorer of ``runs``, or of ``people``. Raises IndievalueError if a run is damaged."""
    env = environment("indievalue.app.explore")
    env.filters.update(number=number, plain=_plain, zip_same=lambda values: [(value, value) for value in values])
    env.globals.update(nav=(), base="", several=len(runs) > 1)
    app = application(access, env)
    if people is not None:
        _add(app, env, "", OF_DATA, source_of(people), None)
        return app
    names = list(short_names(runs).values())
    views = views_of(runs, names)
    for at, view in enumerate(views, 1):
        answer(view)  # the one number that takes a moment is computed before the first page is asked for
        _add(app, env, "" if len(views) == 1 else f"/{at}", OF_RUNS, view.source, view)
    if len(views) > 1:
        _add_list(app, env, views)
    return app


def _add(
    app: FastAPI, env: Environment, base: str, pages: Sequence[Page], source: Source, view: RunView | None
) -> None:
    """Add the pages about one source below the address ``base``."""
    nav = [(base + page.path or "/", page.title, page.path) for page in pages if page.title]

    def add(page: Page) -> None:
        def respond(request: Request) -> Response:
            shown = page.make(source, view, request.query_params)
            frame = {"base": base, "nav": nav, "here": page.within or page.path, "source": source, "view": view}
            return HTMLResponse(env.get_template(page.template).render(**frame, **shown))

        app.add_api_route(base + page.path or "/", respond, methods=["GET"])

    def random(request: Request) -> Response:
        choice = choice_of(request.query_params, source, view)
        if not len(choice.rows):
            raise HTTPException(404, "Nobody is chosen by these filters.")
        person = source.ids[int(choice.rows[secrets.randbelow(len(choice.rows))])]
        return RedirectResponse(f"{base}/person?{choice.query(id=person)}", 303)

    for page in pages:
        add(page)
    app.add_api_route(f"{base}/random", random, methods=["GET"])


def _add_list(app: FastAPI, env: Environment, views: Sequence[RunView]) -> None:
    rows = [(f"/{at}", view.name, headline(view), answer(view)) for at, view in enumerate(views, 1)]

    def respond() -> Response:
        synthetic = all(view.source.synthetic for view in views)
        return HTMLResponse(env.get_template("runs.html").render(rows=rows, synthetic=synthetic, here=""))

    app.add_api_route("/", respond, methods=["GET"])


def _plain(value: float | None) -> str:
    """Return a number as a form field shows it; nothing for None."""
    return "" if value is None else f"{value:g}"
