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
from indievalue.app.explore.compare_page import compare_page
from indievalue.app.explore.data_pages import person_of, question_of, questions_of, start_of
from indievalue.app.explore.groups_page import groups_page
from indievalue.app.explore.outputs import open_logs, outputs_page
from indievalue.app.explore.people_page import people_page
from indievalue.app.explore.person_page import person_page
from indievalue.app.explore.questions_page import question_page, questions_page
from indievalue.app.explore.source import SMALLEST_GROUP, Source, source_of
from indievalue.app.explore.start_page import answer, headline, start_page
from indievalue.app.explore.view import RunView, views_of
from indievalue.app.serving import Access, application, environment
from indievalue.people.people import People
from indievalue.report.numbers import number, probability, signed
from indievalue.runs.names import short_names

_COMPARE = ("/compare", "Compare", "/compare")
"""Address, name and path of the page that compares."""

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
    Page("/questions", "Questions", "questions.html", questions_page),
    Page("/question", "", "question.html", question_page, within="/questions"),
    Page("/groups", "Groups", "groups.html", groups_page),
    Page("/outputs", "Model answers", "outputs.html", outputs_page),
)


def of_data(people: People) -> tuple[Page, ...]:
    """Return the pages of a data file."""
    return (
        Page("", "Start", "data.html", start_of(people)),
        Page("/people", "People", "people.html", people_page),
        Page("/person", "", "person.html", person_of(people), within="/people"),
        Page("/questions", "Questions", "data_questions.html", questions_of(people)),
        Page("/question", "", "data_question.html", question_of(people), within="/questions"),
    )


def explorer(access: Access, *, runs: Sequence[Path] = (), people: People | None = None) -> FastAPI:
    """Return the server of the explorer of ``runs``, or of ``people``. Raises IndievalueError if a run is damaged."""
    env = environment("indievalue.app.explore")
    env.filters.update(
        number=number,
        signed=signed,
        plain=_plain,
        counted=_counted,
        p_value=probability,
        zip_same=lambda values: [(value, value) for value in values],
        labelled=lambda names: [(name, name.replace("_", " ")) for name in names],
    )
    env.globals.update(nav=(), base="", here="", view=None, several=len(set(runs)) > 1, synthetic=False)
    app = application(access, env)
    if people is not None:
        env.globals["synthetic"] = people.findings.synthetic
        _add(app, env, "", of_data(people), source_of(people), None)
        return app
    views = views_of(short_names(runs))
    env.globals["synthetic"] = all(view.source.synthetic for view in views)
    for at, view in enumerate(views, 1):
        answer(view)  # what takes a moment is computed before the first page is asked for
        groups_page(view.source, view, QueryParams())
        _add(app, env, "" if len(views) == 1 else f"/{at}", OF_RUNS, view.source, view)
        open_logs(view)
    _add_compare(app, env, views)
    if len(views) > 1:
        _add_list(app, env, views)
    return app


def _add(
    app: FastAPI, env: Environment, base: str, pages: Sequence[Page], source: Source, view: RunView | None
) -> None:
    """Add the pages about one source below the address ``base``."""
    nav = _nav(base, pages)

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


def _nav(base: str, pages: Sequence[Page]) -> list[tuple[str, str, str]]:
    """Return the address, name and path of the pages in the navigation."""
    nav = [(base + page.path or "/", page.title, page.path) for page in pages if page.title]
    return [*nav[:-1], _COMPARE, nav[-1]] if pages is OF_RUNS else nav


def _add_compare(app: FastAPI, env: Environment, views: Sequence[RunView]) -> None:
    """Add the page that compares predictors of all runs."""
    make = compare_page(views)
    bases = {id(view): "" if len(views) == 1 else f"/{at}" for at, view in enumerate(views, 1)}

    def respond(request: Request) -> Response:
        shown = dict(make(request.query_params))
        first = shown.get("view_of_a", views[0])
        address = bases[id(first)]
        frame = {
            "nav": _nav("", OF_RUNS) if len(views) == 1 else [_COMPARE],
            "here": "/compare",
            "source": views[0].source,
            "view": first,
            "address_of_a": address,
        }
        return HTMLResponse(env.get_template("compare.html").render(**frame, **shown))

    app.add_api_route("/compare", respond, methods=["GET"])


def _add_list(app: FastAPI, env: Environment, views: Sequence[RunView]) -> None:
    rows = [(f"/{at}", view.name, headline(view), answer(view)) for at, view in enumerate(views, 1)]

    def respond() -> Response:
        return HTMLResponse(env.get_template("runs.html").render(rows=rows, nav=[_COMPARE]))

    app.add_api_route("/", respond, methods=["GET"])


def _plain(value: float | None) -> str:
    """Return a number as a form field shows it; nothing for None."""
    return "" if value is None else f"{value:g}"


def _counted(people: int) -> str:
    """Return a number of people, unless they are so few that none is shown."""
    return f"under {SMALLEST_GROUP}" if 0 < people < SMALLEST_GROUP else f"{people:,}"
