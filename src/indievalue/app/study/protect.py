"""What keeps a server that others reach from harm: limits of size and rate, and forms that only its own pages send."""

import threading
import time
from collections import deque
from urllib.parse import parse_qsl, urlsplit

from fastapi import HTTPException
from fastapi.responses import PlainTextResponse
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 16_384
"""Bytes of a request's body."""

MOST_ADDRESSES = 10_000
"""Addresses whose wrong links are counted at a time."""


class BodyLimit:
    """Refuse a body of more than :data:`LARGEST_BODY` bytes, as soon as it is that long."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "0")
        body, more = bytearray(), length.isdecimal() and int(length) <= LARGEST_BODY
        fits = more
        while more and fits:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more, fits = message.get("more_body", False), len(body) <= LARGEST_BODY
        if not fits:
            await PlainTextResponse("This is more than the server takes.\n", 413)(scope, receive, send)
            return
        whole: list[Message] = [{"type": "http.request", "body": bytes(body), "more_body": False}]

        async def receiving() -> Message:
            return whole.pop() if whole else await receive()

        await self._app(scope, receiving, send)


class RateLimit:
    """Count what somebody does within a time, and say when it is too much. Nothing is stored beyond that time."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most, self._seconds = most, seconds
        self._times: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def exceeded(self, who: str) -> bool:
        """Whether ``who`` has done it as often as they may."""
        with self._lock:
            return len(self._recent(who)) >= self._most

    def count(self, who: str) -> bool:
        """Count one more, and return whether that is too many."""
        with self._lock:
            times = self._recent(who)
            if len(times) < self._most:
                times.append(time.monotonic())
                self._times[who] = times
                return False
            return True

    def _recent(self, who: str) -> deque[float]:
        since = time.monotonic() - self._seconds
        if len(self._times) > MOST_ADDRESSES:
            self._times = {name: times for name, times in self._times.items() if times[-1] >= since}
        times = self._times.get(who, deque())
        while times and times[0] < since:
            times.popleft()
        return times


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form that a page of this server sent.

    Raises HTTPException for a request that another site made the browser send, and for anything but a form.
    """
    if not _own_site(request):
        raise HTTPException(403, "This form was sent from another site.")
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise HTTPException(415, "This is not what the form of this page sends.")
    try:
        text = (await request.body()).decode("utf-8")
        return dict(parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=20))
    except ValueError:
        raise HTTPException(400, "This is not what the form of this page sends.") from None


def _own_site(request: Request) -> bool:
    """Whether a request is from a page of this server, as far as the browser says; the signature decides.

    As pages have no referrer, browsers give their origin as null.
    """
    if (site := request.headers.get("sec-fetch-site")) is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin in (None, "null") or urlsplit(origin).netloc == request.headers.get("host")


def address_of(request: Request, *, proxied: bool) -> str:
    """Return the address of a visitor; behind a proxy on this machine, the one that the proxy adds."""
    peer = request.client.host if request.client else ""
    forwarded = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return forwarded if proxied and forwarded and peer in ("127.0.0.1", "::1") else peer
