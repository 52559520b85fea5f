"""The server of a study: the pages of raters, each under their own link, and one page for the administrator."""

import hashlib
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from markdown_it import MarkdownIt
from markupsafe import Markup
from sqlalchemy.exc import DBAPIError
from starlette.middleware import Middleware
from starlette.requests import Request

from indievalue.app.serving import Access, application, environment
from indievalue.app.study import raters
from indievalue.app.study.assignment import NOBODY, OWN, PRACTICE, Given, progress, record
from indievalue.app.study.database import Database
from indievalue.app.study.flow import PERSON, Place, next_place, people_done, place_at
from indievalue.app.study.protect import BodyLimit, RateLimit, address_of, read_form
from indievalue.app.study.settings import CONFIDENCE, Content, Study
from indievalue.app.study.tables import Rater

OPEN_PATHS = ("/r/", "/study", "/static/")
"""Paths that need no token of the administrator: raters have their own."""

LONGEST_TIME = 3_600.0
"""Seconds after which a rater has done something else; longer times are stored as this."""

Form = Annotated[dict[str, str], Depends(read_form)]


@dataclass(frozen=True)
class Served:
    """A study as it is served. With ``proxied``, a proxy on this machine speaks HTTPS with the raters."""

    study: Study
    content: Content
    consent: str
    database: Database
    proxied: bool = False


def study_server(access: Access, served: Served) -> FastAPI:
    """Return the server of a study, whose administrator's page needs the token of ``access``."""
    env = environment("indievalue.app.study")
    own = {name: _digested(name) for name in _STATIC}
    env.globals.update(study=served.study, confidences=CONFIDENCE, own_static=own)
    app = application(access, env)
    app.user_middleware.append(Middleware(BodyLimit))  # within the guard, so that its refusals have the headers
    pages = Pages(access, served, app)
    pages.render = lambda name, **values: HTMLResponse(env.get_template(name).render(**values))
    for path, page in (
        ("/", pages.status),
        ("/r/{token}", pages.enter),
        ("/study", pages.next),
        ("/study/withdraw", pages.withdraw),
        ("/study/static/{name}", pages.static),
        ("/study/{part}/{person:int}/{at:int}", pages.step),
    ):
        app.add_api_route(path, page, methods=["GET"], response_model=None)
    for path, send in (
        ("/study/consent", pages.agree),
        ("/study/comment", pages.comment),
        ("/study/withdraw", pages.withdrawn),
        ("/study/{part}/{person:int}/{at:int}", pages.answer),
    ):
        app.add_api_route(path, send, methods=["POST"], response_model=None)
    return app


class Pages:
    """The pages. None of them shows anything of another rater."""

    def __init__(self, access: Access, served: Served, app: FastAPI) -> None:
        self._access, self._served = access, served
        self._study, self._content, self._database = served.study, served.content, served.database
        self._wrong_links, self._sent = RateLimit(30, 600), RateLimit(240, 60)
        self._consent = Markup(MarkdownIt("commonmark", {"html": False}).render(served.consent))
        self._cookie = f"{'__Host-' if served.proxied else ''}study-{access.port}"
        self.render = _unset

    def status(self) -> Response:
        """Show the administrator how far the study has come."""
        with self._database.reading() as session:
            found = progress(session, self._study, time.time())
        return self.render("status.html", progress=found)

    def enter(self, request: Request, token: str) -> Response:
        """Let a rater in who has opened their link, which then is not in the addresses of pages."""
        who = address_of(request, proxied=self._served.proxied)
        if self._wrong_links.exceeded(who):
            raise _too_many_links()
        with self._database.reading() as session:
            known = raters.find_rater(session, self._study, token) is not None
        if not known:
            self._wrong_links.count(who)
            raise HTTPException(404, "There is no such link. Open the one that you were sent, all of it.")
        response = RedirectResponse("/study", 303)
        secure = self._served.proxied or request.url.scheme == "https"
        response.set_cookie(self._cookie, token, httponly=True, samesite="lax", secure=secure, path="/")
        return response

    def next(self, request: Request) -> Response:
        """Show what a rater does next."""
        token, rater = self._rater(request)
        if rater.withdrawn is not None:
            return self.render("withdrawn.html")
        if rater.consented is None:
            return self.render("consent.html", consent=self._consent, form=self._form(token))
        with self._database.writing() as session:
            rater = session.get_one(Rater, rater.id)
            place = next_place(session, self._study, self._content, rater, time.time())
            if place is not None:
                return RedirectResponse(place.path, 303)
            done = people_done(session, rater)
            if done and rater.finished is None:
                rater.finished = time.time()
        return self.render("finish.html", rater=rater, done=done, form=self._form(token))

    def agree(self, request: Request, form: Form) -> Response:
        """Store that a rater has agreed to take part."""
        _, rater = self._sender(request, form)
        if form.get("agree") != "yes":
            raise HTTPException(400, "To take part, tick that you agree; otherwise just close the page.")
        with self._database.writing() as session:
            stored = raters.lock_rater(session, rater.id)
            if stored.consented is None and stored.withdrawn is None:
                stored.consented = time.time()
        return RedirectResponse("/study", 303)

    def step(self, request: Request, part: str, person: int, at: int) -> Response:
        """Show one question, or what the rater answered to it."""
        token, rater = self._consenting(request)
        with self._database.reading() as session:
            place = self._place(session.get_one(Rater, rater.id), part, person, at)
            done = people_done(session, rater)
        total = min(self._study.plan.people_per_rater, len(self._content.people))
        page = "answered.html" if place.answer is not None else "step.html"
        return self.render(page, place=place, done=done, total=total, form=self._form(token))

    def answer(self, request: Request, part: str, person: int, at: int, form: Form) -> Response:
        """Store an answer; it is on the disk before this says so."""
        _, rater = self._sender(request, form)
        if rater.consented is None:
            raise _not_agreed()
        place = self._place(rater, part, person, at)
        options = len(place.step.item.options)
        choice = _number(form, "choice", options)
        asked = place.step.kind in ("probe", PRACTICE)
        confidence = _number(form, "confidence", len(CONFIDENCE)) if asked else None
        seconds = min(max(time.time() - float(form["shown"]), 0.0), LONGEST_TIME)
        number = person if part == PERSON else NOBODY
        given = Given(place.step.kind, number, place.step.place, choice, confidence, seconds)
        with self._database.writing() as session:
            about = place.person if part == PERSON else None
            record(session, self._study, session.get_one(Rater, rater.id), given, time.time(), about)
        return RedirectResponse(place.path if part == PRACTICE else "/study", 303)

    def comment(self, request: Request, form: Form) -> Response:
        """Store what a rater says at the end."""
        _, rater = self._sender(request, form)
        with self._database.writing() as session:
            stored = raters.lock_rater(session, rater.id)
            if stored.finished is not None:
                stored.comment = form.get("comment", "").strip()[: raters.LONGEST_COMMENT] or None
        return RedirectResponse("/study", 303)

    def withdraw(self, request: Request) -> Response:
        """Ask a rater whether they want to withdraw."""
        token, _ = self._rater(request)
        return self.render("withdraw.html", form=self._form(token))

    def withdrawn(self, request: Request, form: Form) -> Response:
        """Delete everything that a rater has given."""
        _, rater = self._sender(request, form)
        with self._database.writing() as session:
            raters.withdraw(session, raters.lock_rater(session, rater.id), time.time())
        self._overwrite()
        return RedirectResponse("/study", 303)

    def static(self, name: str) -> Response:
        """Return a style or script."""
        if name not in _STATIC:
            raise HTTPException(404)
        return Response(_text(name), media_type=_STATIC[name], headers={"Cache-Control": "private, max-age=86400"})

    def _place(self, rater: Rater, part: str, person: int, at: int) -> Place:
        if part not in (OWN, PRACTICE, PERSON):
            raise HTTPException(404)
        with self._database.reading() as session:
            place = place_at(session, self._content, rater, part, person, at)
        if place is None:
            raise HTTPException(404, "This page is not one of yours.")
        return place

    def _rater(self, request: Request) -> tuple[str, Rater]:
        """Return a visitor's token, and the rater that they are."""
        now = time.time()
        if now >= self._study.expires:
            with self._database.writing() as session:
                deleted = raters.delete_expired(session, self._study, now)
            if deleted:
                self._overwrite()
            raise HTTPException(410, "This study is over, and all answers have been deleted.")
        token = request.cookies.get(self._cookie, "")
        with self._database.reading() as session:
            rater = raters.find_rater(session, self._study, token) if token else None
        if rater is None:
            if token and self._wrong_links.count(address_of(request, proxied=self._served.proxied)):
                raise _too_many_links()
            raise HTTPException(401, "Open the link that you were sent.")
        return token, rater

    def _overwrite(self) -> None:
        """Leave nothing of deleted rows in the files, unless somebody reads them just now: the next time does it."""
        with suppress(DBAPIError):
            self._database.vacuum()

    def _consenting(self, request: Request) -> tuple[str, Rater]:
        token, rater = self._rater(request)
        if rater.consented is None:
            raise _not_agreed()
        return token, rater

    def _sender(self, request: Request, form: dict[str, str]) -> tuple[str, Rater]:
        """Return who sent a form. Raises HTTPException unless this server made the form for them."""
        token, rater = self._rater(request)
        if not raters.is_signed(self._study, token, form.get("shown", ""), form.get("signature", "")):
            raise HTTPException(403, "This form is not one of yours. Open your link again.")
        if self._sent.count(rater.name):
            raise HTTPException(
                429, "This was too fast; wait a minute, and open your link again.", {"Retry-After": "60"}
            )
        return token, rater

    def _form(self, token: str) -> dict[str, str]:
        """Return the hidden fields of a form: when it was shown, and the signature that nobody else can make."""
        shown = f"{time.time():.3f}"
        return {"shown": shown, "signature": raters.signature(self._study, token, shown)}


def _not_agreed() -> HTTPException:
    return HTTPException(403, "Open the link that you were sent, and agree to take part first.")


def _too_many_links() -> HTTPException:
    return HTTPException(429, "Too many wrong links were opened; try again in 10 minutes.", {"Retry-After": "600"})


def _unset(name: str, **values: object) -> HTMLResponse:
    raise NotImplementedError(name)


def _number(form: dict[str, str], name: str, count: int) -> int:
    """Return a number from 0 to ``count`` - 1 in a form."""
    text = form.get(name, "")
    if not (text.isascii() and text.isdecimal() and len(text) < 4 and int(text) < count):
        missing = "Choose an answer." if name == "choice" else "Say how sure you are."
        raise HTTPException(400, f"{missing} Go back to the page, and send it again.")
    return int(text)


_STATIC = {"study.css": "text/css", "study.js": "text/javascript"}


def _text(name: str) -> str:
    return (files("indievalue.app.study") / "static" / name).read_text(encoding="utf-8")


def _digested(name: str) -> str:
    return f"/study/static/{name}?{hashlib.sha256(_text(name).encode()).hexdigest()[:12]}"
