"""A server on loopback that speaks the OpenAI protocol: it answers as told, or passes calls on, and fails on order."""

import json
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.request import Request, urlopen

Answer = Callable[[str], str]
"""From a prompt to what the model writes."""


@dataclass(frozen=True)
class Reply:
    """What a server sends in place of an answer; ``PROMPT`` in it becomes the prompt, as a JSON string's content."""

    status: int
    content: str
    kind: str = "application/json"


def error(status: int, message: str, code: str | None = None, kind: str = "invalid_request_error") -> Reply:
    """An error in the form of OpenAI's."""
    return Reply(status, json.dumps({"error": {"message": message, "type": kind, "code": code}}))


def said(content: str | None = "", finish: str = "stop", **message: object) -> Reply:
    """An answer with something unusual in it."""
    choice = {"index": 0, "message": {"role": "assistant", "content": content, **message}, "finish_reason": finish}
    return choices([choice])


def choices(given: list[dict[str, Any]]) -> Reply:
    usage = {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}
    body = {"id": "one", "object": "chat.completion", "created": 0, "model": "parrot", "choices": given, "usage": usage}
    return Reply(200, json.dumps(body))


Fault = str | Reply
"""A reply, ``429``, ``429 soon``, ``500``, ``slow``, ``dropped``, ``half``, ``refused``, or ``says`` and words."""


@dataclass
class Loopback:
    """What the server does and what it saw.

    Attributes:
        answer: what it answers, where no ``upstream`` (a base URL) is given to pass calls on to.
        faults: by prompt and how often it was asked before (from 0); None for a sound answer.
        calls: times each prompt was asked. answered: times it was answered soundly. delay: seconds before each answer.
    """

    answer: Answer
    faults: Callable[[str, int], Fault | None] = lambda prompt, before: None
    upstream: str | None = None
    delay: float = 0.0
    logprobs: Callable[[str], dict[str, float]] | None = None
    calls: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    url: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def called(self, prompt: str) -> int:
        with self._lock:
            self.calls[prompt] += 1
            return self.calls[prompt] - 1

    def completion(self, body: dict[str, Any], words: str, stop: str = "stop") -> bytes:
        prompt = body["messages"][-1]["content"]
        choice: dict[str, Any] = {
            "index": 0,
            "message": {"role": "assistant", "content": words},
            "finish_reason": stop,
        }
        if self.logprobs and body.get("logprobs"):
            likely = [
                {"token": token, "logprob": value, "bytes": None} for token, value in self.logprobs(prompt).items()
            ]
            choice["logprobs"] = {"content": [{**likely[0], "top_logprobs": likely}]}
        read, written = len(prompt.split()), len(words.split())
        usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
        said = {"id": "one", "object": "chat.completion", "created": 0, "model": body["model"], "choices": [choice]}
        return json.dumps({**said, "usage": usage}).encode()


@contextmanager
def serving(loopback: Loopback) -> Iterator[Loopback]:
    """Serve on a free port of 127.0.0.1 until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's word
            pass

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            prompt = body["messages"][-1]["content"]
            fault = loopback.faults(prompt, loopback.called(prompt))
            time.sleep(loopback.delay)
            if fault in ("429", "429 soon"):
                soon = {"retry-after": "1"} if fault == "429 soon" else {}
                return self._send(429, b'{"error": {"message": "too many"}}', soon)
            if isinstance(fault, Reply):
                content = fault.content.replace("PROMPT", json.dumps(prompt)[1:-1])
                return self._send(fault.status, content.encode(), {"content-type": fault.kind})
            if fault == "500":
                return self._send(500, b'{"error": {"message": "broken"}}')
            if fault == "slow":
                time.sleep(4)
            if fault == "dropped":
                self.connection.shutdown(socket.SHUT_RDWR)
                return None
            if fault == "refused":
                return self._send(200, loopback.completion(body, "", "content_filter"))
            if fault is not None and fault.startswith("says "):
                return self._send(200, loopback.completion(body, fault.removeprefix("says ")))
            sound = self._passed_on(body) if loopback.upstream else loopback.completion(body, loopback.answer(prompt))
            if fault == "half":
                return self._send(200, sound[: len(sound) // 2])
            self._send(200, sound)
            loopback.answered[prompt] += 1
            return None

        def _passed_on(self, body: dict[str, Any]) -> bytes:
            headers = {"content-type": "application/json"}
            request = Request(f"{loopback.upstream}/chat/completions", json.dumps(body).encode(), headers)
            with urlopen(request, timeout=120) as answer:
                return bytes(answer.read())

        def _send(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {"content-type": "application/json", **(headers or {})}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    loopback.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield loopback
    finally:
        server.shutdown()
        server.server_close()


def questions_in(prompt: str) -> list[str]:
    """Ids of the probes of a batch prompt."""
    return re.findall(r"^\[(\w+)\]", prompt, re.MULTILINE)
