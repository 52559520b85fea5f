"""Who reaches a server's pages: its own names, its token, and nothing that a browser could be led to do."""

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from typer.testing import CliRunner

pytest.importorskip("fastapi", reason="FastAPI is not installed")

from fastapi import FastAPI
from fastapi.testclient import TestClient

from indievalue.app.serving import HEADERS, Access, access_for, application, environment
from indievalue.cli import app as command_line
from indievalue.errors import IndievalueError

TOKEN = "a-token-nobody-guesses"


def made(access: Access) -> FastAPI:
    app = application(access, environment("indievalue.app"))
    app.add_api_route("/page", lambda: "the page", methods=["GET"])
    return app


def client(access: Access, host: str = "127.0.0.1:8000") -> TestClient:
    return TestClient(made(access), base_url=f"http://{host}", follow_redirects=False)


@pytest.fixture
def visitor() -> TestClient:
    """Somebody who does not know the token of a server that others reach."""
    return client(Access("0.0.0.0", 8000, TOKEN))


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "LOCALHOST", "[::1]:8000", "127.0.0.1:9999"])
def test_a_loopback_server_answers_under_loopback_names(host: str) -> None:
    assert client(Access()).get("/page", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "10.0.0.7:8000", "localhost.evil.example", ""],
)
def test_a_name_that_somebody_pointed_at_this_machine_is_refused(host: str) -> None:
    answer = client(Access()).get("/page", headers={"host": host})
    assert answer.status_code == 421
    assert "the page" not in answer.text


def test_two_host_headers_are_refused() -> None:
    answer = client(Access()).get("/page", headers=[("host", "localhost"), ("host", "evil.example")])
    assert answer.status_code == 421


def test_a_server_for_others_answers_under_its_address_and_its_own_name_alone() -> None:
    access = Access("study.example", 8000, TOKEN)
    assert access.allows_host("study.example:8000")
    assert access.allows_host("192.0.2.7:8000")
    assert access.allows_host(socket.gethostname())
    assert not access.allows_host("evil.example:8000")


def test_without_a_host_the_server_is_for_this_machine_and_needs_no_token() -> None:
    access = access_for(None, 8000, None)
    assert (access.host, access.token) == ("127.0.0.1", None)
    assert client(access).get("/page").status_code == 200


def test_with_a_host_a_token_is_made_and_part_of_the_address_to_open() -> None:
    access = access_for("0.0.0.0", 8000, None)
    assert access.token is not None
    assert len(access.token) >= 32
    assert access.token != access_for("0.0.0.0", 8000, None).token
    assert access.address == f"http://127.0.0.1:8000/?token={access.token}"


def test_no_server_is_for_others_without_a_token() -> None:
    with pytest.raises(IndievalueError, match="a token is needed"):
        Access("0.0.0.0")


def test_a_token_that_could_be_guessed_is_refused() -> None:
    with pytest.raises(IndievalueError, match="at least 16"):
        Access(token="short")


@pytest.mark.parametrize("path", ["/page", "/no-such-page", "/static/app.css", "/", "/page?token=", "/page?x=" + TOKEN])
def test_without_the_token_nothing_is_shown(visitor: TestClient, path: str) -> None:
    answer = visitor.get(path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "the page" not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {TOKEN}x"},
        {"authorization": f"Basic {TOKEN}"},
        {"authorization": "Bearer "},
        {"authorization": "Bearer ü"},
        {"cookie": f"indievalue-8000={TOKEN}"},
        {"cookie": "indievalue-8000="},
        {"cookie": "\x00=;;;"},
    ],
)
def test_a_wrong_token_shows_nothing(visitor: TestClient, headers: dict[str, str]) -> None:
    sent = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    assert visitor.get("/page", headers=sent).status_code == 401
    assert visitor.get(f"/page?token={TOKEN}x", headers=sent).status_code == 401


def test_a_program_sends_the_token_as_bearer(visitor: TestClient) -> None:
    assert visitor.get("/page", headers={"authorization": f"Bearer {TOKEN}"}).text == '"the page"'


def test_a_browser_sends_the_token_once_and_then_a_cookie(visitor: TestClient) -> None:
    first = visitor.get(f"/page?q=a+b&token={TOKEN}&group=x%26y")
    assert first.status_code == 303
    assert first.headers["location"] == "/page?q=a+b&group=x%26y", "the token is in no address that is kept or sent"
    cookie = first.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert TOKEN not in cookie
    assert visitor.get("/page").status_code == 200


def test_the_cookie_of_one_server_opens_no_other(visitor: TestClient) -> None:
    value = visitor.get(f"/?token={TOKEN}").headers["set-cookie"].partition(";")[0].partition("=")[2]
    other = client(Access("0.0.0.0", 8000, "another-token-entirely"))
    assert other.get("/page", headers={"cookie": f"indievalue-8000={value}"}).status_code == 401


@pytest.mark.parametrize("path", ["//evil.example/", "/%2F/evil.example", "/\\evil.example"])
def test_the_way_to_the_page_without_the_token_stays_here(visitor: TestClient, path: str) -> None:
    to = visitor.get(f"http://127.0.0.1:8000{path}?token={TOKEN}").headers["location"]
    assert re.match(r"/(?![/\\])", to), to


def test_a_thousand_wrong_tokens_open_nothing_and_lock_nobody_out(visitor: TestClient) -> None:
    wrong = {
        visitor.get("/page", headers={"authorization": f"Bearer {TOKEN[:-4]}{n:04d}"}).status_code for n in range(1000)
    }
    assert wrong == {401}
    assert visitor.get("/page", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200


@pytest.mark.parametrize("mode", ["no-cors", "cors", "websocket"])
def test_pages_of_other_sites_load_nothing_but_a_link_there_is_followed(mode: str) -> None:
    from_elsewhere = {"sec-fetch-site": "cross-site", "sec-fetch-mode": mode}
    assert client(Access()).get("/page", headers=from_elsewhere).status_code == 403
    assert client(Access()).get("/page", headers={**from_elsewhere, "sec-fetch-mode": "navigate"}).status_code == 200
    assert client(Access()).get("/page", headers={**from_elsewhere, "sec-fetch-site": "same-origin"}).status_code == 200


def test_every_response_has_the_headers_that_keep_a_page_to_itself(visitor: TestClient) -> None:
    free = client(Access())
    answers = [visitor.get("/page"), visitor.get(f"/?token={TOKEN}"), free.get("/page"), free.get("/none")]
    for answer in [*answers, free.get("/page", headers={"host": "evil.example"}), free.get("/static/app.js")]:
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
        assert "unsafe" not in answer.headers["content-security-policy"]
    assert free.get("/page").headers["cache-control"] == "no-store"


@pytest.mark.parametrize("name", ["..%2fserving.py", "app.css%00", "%2e%2e/__init__.py", "serving.py"])
def test_no_other_file_is_served(name: str) -> None:
    assert client(Access()).get(f"/static/{name}").status_code == 404


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_a_port_in_use_is_an_error_of_one_line() -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        command = ["explore", "synthetic:40", "--port", str(one.getsockname()[1])]
        failed = CliRunner().invoke(command_line, command)
    assert isinstance(failed.exception, IndievalueError)
    assert "choose another --host or --port" in str(failed.exception)


def test_the_command_prints_the_address_with_a_token_and_stops_when_asked() -> None:
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "indievalue",
        "explore",
        "synthetic:40",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        line = next(one for one in server.stderr if one.startswith("Explorer: "))
        address = line.removeprefix("Explorer: ").strip()
        page, _, token = address.partition("?token=")
        with pytest.raises(HTTPError, match="401"):
            urlopen(page, timeout=20)
        with urlopen(Request(page, headers={"Authorization": f"Bearer {token}"}), timeout=20) as answer:
            assert "World Values Survey" in answer.read().decode()
            assert "server" not in {name.lower() for name in answer.headers}
        server.send_signal(signal.SIGINT)
        assert server.wait(20) == 0
        assert "Traceback" not in server.stderr.read()


@pytest.mark.parametrize(
    ("sources", "complaint"),
    [
        (["{run}", "synthetic:40"], "run directories, or one data file, not both"),
        (["synthetic:40", "synthetic:50"], "give one data file"),
        (["{run}"], "not a complete run directory"),
        (["{run}.csv"], "run.csv"),
    ],
)
def test_what_cannot_be_shown_is_said_in_one_line(sources: list[str], complaint: str, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    given = [one.format(run=tmp_path / "run") for one in sources]
    failed = CliRunner().invoke(command_line, ["explore", *given, "--port", str(free_port())])
    assert failed.exit_code != 0
    assert complaint in " ".join((failed.output + str(failed.exception)).replace("│", " ").split())
