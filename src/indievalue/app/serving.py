"""Serve pages to a browser: who may see them, what the browser may do with them, and the start of the server."""

import hashlib
import hmac
import secrets
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from importlib.resources import files
from ipaddress import ip_address
from urllib.parse import parse_qsl, urlencode

import uvicorn
from fastapi import FastAPI
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from jinja2 import ChoiceLoader, Environment, PackageLoader
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from indievalue.errors import IndievalueError
from indievalue.report.environment import page_environment
from indievalue.report.figures.styles import dark_fellows

LOOPBACK = "127.0.0.1"
"""Address that only programs on this machine reach."""

SHORTEST_TOKEN = 16
"""Characters that a token has at least."""

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy of every page: nothing from elsewhere, and no script or style inside a page."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex, nofollow",
}
"""Headers of every response."""

_WITHOUT_TOKEN = "This server needs its token. Open the address that was printed when it was started.\n"
_WRONG_HOST = (
    "This server does not answer under that name. Open the address that was printed when it was started; another name "
    "of the machine is allowed with --host NAME.\n"
)
_FROM_ELSEWHERE = "Pages of other sites cannot load anything from here.\n"


@dataclass(frozen=True)
class Access:
    """Where a server listens, and who may see its pages.

    Attributes:
        host, port: address to listen on. token: what a visitor must know; None if everybody may see the pages, which
            is so on the loopback address alone.
        names: further names, besides those of the address, under which the server answers.
        open_paths: beginnings of paths that need no token, because what is there has a check of its own.
    """

    host: str = LOOPBACK
    port: int = 8000
    token: str | None = None
    names: tuple[str, ...] = ()
    open_paths: tuple[str, ...] = ()
    _cookie: str = field(init=False, repr=False, default="")

    def __post_init__(self) -> None:
        """Derive the cookie. Raises IndievalueError for a short token, or for an address others reach without one."""
        if self.token is None:
            if not is_loopback(self.host):
                raise IndievalueError(f"host {self.host} is reached by others, so a token is needed")
            return
        if len(self.token) < SHORTEST_TOKEN or not self.token.isascii() or not self.token.isprintable():
            raise IndievalueError(
                f"a token has at least {SHORTEST_TOKEN} letters and digits, so that nobody guesses it; "
                "without --token, one is made"
            )
        object.__setattr__(self, "_cookie", hmac.new(self.token.encode(), b"cookie", hashlib.sha256).hexdigest())

    @property
    def address(self) -> str:
        """The address to open in a browser, with the token."""
        shown = LOOPBACK if self.host in ("0.0.0.0", "") else "[::1]" if self.host == "::" else self.host
        if ":" in shown and not shown.startswith("["):
            shown = f"[{shown}]"
        return f"http://{shown}:{self.port}/" + (f"?{urlencode({'token': self.token})}" if self.token else "")

    @property
    def cookie_name(self) -> str:
        """Name of the cookie: browsers do not keep cookies of two ports apart."""
        return f"indievalue-{self.port}"

    def allows_host(self, header: str | None) -> bool:
        """Whether a Host header names this server, and not a name that somebody else has pointed at its address.

        A loopback server answers under loopback names alone. Another one also under its own names and under any
        numeric address, as those cannot be pointed elsewhere.
        """
        name = _host_of(header or "")
        if name in self.names or name == "localhost" or is_loopback(name):
            return True
        if is_loopback(self.host):
            return False
        own = {self.host.lower(), socket.gethostname().lower(), socket.getfqdn().lower()} - {"", "0.0.0.0", "::"}
        return name in own or _is_address(name)

    def admits(self, given: str | None) -> bool:
        """Whether ``given`` is the token."""
        return self.token is None or _same(given, self.token)

    def knows(self, cookie: str | None) -> bool:
        """Whether ``cookie`` is the one that a visitor with the token was given."""
        return self.token is None or _same(cookie, self._cookie)


def access_for(host: str | None, port: int, token: str | None) -> Access:
    """Return the access that ``--host``, ``--port`` and ``--token`` ask for.

    Without a host, the server listens on the loopback address, and needs a token only if one is given. With one, it
    always needs a token, which is made if none is given.
    """
    if host is not None and token is None:
        token = secrets.token_urlsafe(24)
    return Access(host if host is not None else LOOPBACK, port, token)


def is_loopback(host: str) -> bool:
    """Whether only programs on this machine reach ``host``."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _host_of(header: str) -> str:
    """Return the name in a Host header, without the port, in lower case."""
    header = header.strip().lower()
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0].removesuffix(".")


def _same(given: str | None, secret: str) -> bool:
    return given is not None and hmac.compare_digest(given.encode(), secret.encode())


class Guard:
    """Answer only requests to this server's own names, from visitors with its token, and add the headers of a page."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return  # nothing here speaks WebSocket

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await (self._refusal(scope) or self._app)(scope, receive, sending)

    def _refusal(self, scope: Scope) -> Response | None:
        """Return the response to a request that the app is not to see; None if it is."""
        headers, access = Headers(scope=scope), self._access
        if len(headers.getlist("host")) != 1 or not access.allows_host(headers.get("host")):
            return PlainTextResponse(_WRONG_HOST, 421)
        if headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") != "navigate":
            return PlainTextResponse(_FROM_ELSEWHERE, 403)  # a link that was sent is followed, nothing else
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        tokens = [value for name, value in query if name == "token"]
        if access.token is None or any(scope["path"].startswith(path) for path in access.open_paths):
            return None
        if tokens:
            return self._with_cookie(scope, query) if access.admits(tokens[0]) else _unauthorized()
        kind, _, bearer = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and access.admits(bearer.strip()):
            return None
        return None if access.knows(_cookie_in(headers, access.cookie_name)) else _unauthorized()

    def _with_cookie(self, scope: Scope, query: Iterable[tuple[str, str]]) -> Response:
        """Lead to the same page without the token in its address, which history and links would keep."""
        rest = urlencode([(name, value) for name, value in query if name != "token"])
        path = "/" + Request(scope).url.path.lstrip("/")  # an address that begins with // would lead elsewhere
        response = RedirectResponse(path + (f"?{rest}" if rest else ""), 303)
        response.set_cookie(
            self._access.cookie_name,
            self._access._cookie,
            httponly=True,
            samesite="lax",
            secure=scope["scheme"] == "https",
        )
        return response


def _unauthorized() -> Response:
    return PlainTextResponse(_WITHOUT_TOKEN, 401, {"WWW-Authenticate": 'Bearer realm="indievalue"'})


def _cookie_in(headers: Headers, name: str) -> str | None:
    for header in headers.getlist("cookie"):
        try:
            found = SimpleCookie(header).get(name)
        except CookieError:
            continue
        if found is not None:
            return found.value
    return None


def environment(package: str) -> Environment:
    """Return the environment of pages whose templates are in ``package``, in this package, or in the report."""
    shared = page_environment()
    loaders = [PackageLoader(package, "templates"), PackageLoader("indievalue.app", "templates")]
    loader = ChoiceLoader([*loaders, shared.loader] if shared.loader else loaders)
    made = shared.overlay(loader=loader, auto_reload=False)
    made.globals["static"] = {name: f"/static/{name}?{_digest(text)}" for name, (text, _) in _STATIC.items()}
    return made


def application(access: Access, env: Environment) -> FastAPI:
    """Return a server without pages of its own: the guard, styles and script, and errors that are shown as a page.

    ``env`` has a template ``error.html``, which extends ``base.html``.
    """
    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        # Addresses name people, so nothing about them goes to OpenTelemetry. Earlier versions of FastAPI have none.
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
        },
    )
    app.add_middleware(Guard, access=access)

    @app.get("/static/{name}")
    def static(name: str) -> Response:
        if name not in _STATIC:
            raise HTTPException(404)
        text, kind = _STATIC[name]
        return Response(text, media_type=kind, headers={"Cache-Control": "private, max-age=86400"})

    @app.exception_handler(HTTPException)
    def error(request: Request, error: HTTPException) -> Response:
        text = "There is no such page." if error.detail == "Not Found" else error.detail
        html = env.get_template("error.html").render(status=error.status_code, text=text)
        return HTMLResponse(html, error.status_code, error.headers)

    return app


def serve(app: ASGIApp, access: Access, started: Callable[[], None] = lambda: None) -> None:
    """Serve ``app`` until it is interrupted. Raises IndievalueError if the address cannot be used.

    ``started`` is called when the address accepts connections.
    """
    family = socket.AF_INET6 if ":" in access.host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((access.host, access.port))
    except (OSError, OverflowError) as error:
        listening.close()
        reason = getattr(error, "strerror", None) or error
        raise IndievalueError(
            f"cannot listen on {access.host}, port {access.port}: {reason}; choose another --host or --port"
        ) from None
    listening.listen(128)
    started()
    config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, proxy_headers=False)
    try:
        uvicorn.Server(config).run(sockets=[listening])
    except KeyboardInterrupt:
        pass
    finally:
        listening.close()


def _styles() -> str:
    """Return the styles of the report and of these pages, with each predictor's colour in dark mode."""
    report = (files("indievalue.report") / "templates" / "page.css").read_text(encoding="utf-8")
    own = (files("indievalue.app") / "static" / "app.css").read_text(encoding="utf-8")
    colours = "\n".join(
        f'svg [fill="{light}"] {{ fill: light-dark({light}, {dark}); }}\n'
        f'svg [stroke="{light}"] {{ stroke: light-dark({light}, {dark}); }}'
        for light, dark in dark_fellows()
    )
    return f"{report}\n{own}\n{colours}\n"


def _script() -> str:
    return (files("indievalue.app") / "static" / "app.js").read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


_STATIC = {"app.css": (_styles(), "text/css"), "app.js": (_script(), "text/javascript")}
"""Files that every page loads: their text and type."""
