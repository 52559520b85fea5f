"""The pages of a study: the way of a rater, and what nobody else can do."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy")

from fastapi.testclient import TestClient
from httpx import Response
from sqlalchemy import func, select

from indievalue.app.serving import Access
from indievalue.app.study import raters
from indievalue.app.study.assignment import progress
from indievalue.app.study.database import Database
from indievalue.app.study.protect import LARGEST_BODY
from indievalue.app.study.server import OPEN_PATHS, Served, study_server
from indievalue.app.study.settings import Content, Person
from indievalue.app.study.tables import Answer, Rater
from study import YEAR, small_study

ADMIN = "the token of the administrator"
HTML = "<script>alert(1)</script>"


@dataclass
class House:
    """A study on a server, and the links of its raters."""

    served: Served
    links: list[str]
    app: object

    def visitor(self) -> TestClient:
        return TestClient(self.app, base_url="http://127.0.0.1:8000", follow_redirects=False)

    def rater(self, at: int = 0, *, agreed: bool = True) -> TestClient:
        """A browser in which a rater has opened their link."""
        visitor = self.visitor()
        assert visitor.get(self.links[at]).status_code == 303
        if agreed:
            assert send(visitor, "/study", "/study/consent", agree="yes").status_code == 303
        return visitor

    def stored(self) -> list[tuple[str, int, int, int]]:
        with self.served.database.reading() as session:
            return [
                (one.kind, one.person, one.place, one.choice)
                for one in session.scalars(select(Answer).order_by(Answer.id))
            ]

    def complete(self) -> dict[int, int]:
        with self.served.database.reading() as session:
            return progress(session, self.served.study, 1e12).complete


Make = Callable[..., House]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    databases = []

    def made(
        raters_: int = 2,
        consent: str = "Please **read**.",
        change: Callable[[Content], Content] = lambda c: c,
        **plan: int,
    ) -> House:
        study, content = small_study(**({"created": time.time()} | plan))
        content = change(content)
        database = Database(f"sqlite:///{tmp_path / 'study.db'}")
        databases.append(database)
        with database.writing() as session:
            raters.add_study(session, study, content)
            links = [f"/r/{one.token}" for one in raters.invite(session, study, raters_)]
        served = Served(study, content, consent, database)
        return House(served, links, study_server(Access(token=ADMIN, open_paths=OPEN_PATHS), served))

    yield made
    for database in databases:
        database.close()


def hidden(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]+)">', page))


def send(visitor: TestClient, page: str, to: str, **fields: str) -> Response:
    """Send the form of a page."""
    return visitor.post(to, data=hidden(visitor.get(page).text) | fields)


def next_step(visitor: TestClient) -> str | None:
    """The path of what a rater does next; None at the end."""
    response = visitor.get("/study")
    return response.headers["location"] if response.status_code == 303 else None


def answer_all(visitor: TestClient) -> list[str]:
    """Answer everything, and return the paths that were answered."""
    paths = []
    while path := next_step(visitor):
        assert send(visitor, path, path, choice="1", confidence="3").status_code == 303
        paths.append(path)
    return paths


def practised(content: Content) -> Content:
    """The study with somebody to practise on."""
    first = content.people[0]
    told = tuple(item.model_copy(update={"answer": 0, "asks": "For practice?"}) for item in first.probes[:1])
    return content.model_copy(update={"practice": Person(number=0, id="practice", demographics=(), probes=told)})


def test_a_rater_agrees_answers_for_themself_practises_predicts_and_gets_a_code(make: Make) -> None:
    house = make(people=3, people_per_rater=2, own=1, attention_every=1, change=practised)
    visitor = house.rater(agreed=False)
    first = visitor.get("/study").text
    assert "<strong>read</strong>" in first
    assert "hedgehogs" not in first
    send(visitor, "/study", "/study/consent", agree="yes")
    paths = answer_all(visitor)
    assert paths[:2] == ["/study/own/0/0", "/study/practice/0/0"]
    assert [re.sub(r"/\d+/", "/N/", path) for path in paths[2:]] == [f"/study/person/N/{at}" for at in (0, 1, 2)] * 2
    last = visitor.get("/study").text
    with house.served.database.reading() as session:
        rater = session.scalar(select(Rater).where(Rater.finished.is_not(None)))
    assert f'<p class="code">{rater.code}</p>' in last
    assert sorted(house.complete().values()) == [0, 1, 1]


def test_a_question_shows_the_statements_the_options_and_the_progress(make: Make) -> None:
    visitor = make(people=1).rater()
    page = visitor.get(next_step(visitor)).text
    for words in (
        "Person 0 likes hedgehogs.",
        "I live on the Island.",
        "How much do you like plant 0?",
        "I do not like plant 0.",
        "rather unsure",
        "Person 1 of 1, question 1 of 2",
    ):
        assert words in page
    assert "g0000" not in page, "the id of the person"


def test_practice_tells_the_answer_and_nothing_else_does(make: Make) -> None:
    visitor = make(change=practised).rater()
    response = send(visitor, "/study/practice/0/0", "/study/practice/0/0", choice="1", confidence="0")
    assert (
        "This made-up person says: <strong>I like plant 0.</strong>" in visitor.get(response.headers["location"]).text
    )
    path = next_step(visitor)
    send(visitor, path, path, choice="0", confidence="0")
    assert "made-up person says" not in visitor.get(path).text


def test_a_rater_comes_back_on_the_same_link_to_the_same_question(make: Make) -> None:
    house = make()
    visitor = house.rater()
    path = next_step(visitor)
    send(visitor, path, path, choice="0", confidence="0")
    left_at = next_step(visitor)
    assert next_step(house.rater(agreed=False)) == left_at


def test_an_answer_that_is_sent_twice_counts_once(make: Make) -> None:
    house = make()
    visitor = house.rater()
    path = next_step(visitor)
    form = hidden(visitor.get(path).text)
    for choice in ("1", "0"):
        assert visitor.post(path, data=form | {"choice": choice, "confidence": "1"}).status_code == 303
    assert [choice for _, _, _, choice in house.stored()] == [1]
    assert "You chose: <strong>I do not like plant 0." in visitor.get(path).text


@pytest.mark.parametrize(
    "fields", [{}, {"choice": "2"}, {"choice": "-1"}, {"choice": "x"}, {"choice": "٣"}, {"choice": "0"}]
)
def test_a_form_without_a_choice_or_confidence_is_refused(make: Make, fields: dict[str, str]) -> None:
    house = make()
    visitor = house.rater()
    path = next_step(visitor)
    assert send(visitor, path, path, **fields).status_code == 400
    assert house.stored() == []


def test_when_all_places_are_taken_a_rater_is_told_to_come_back(make: Make) -> None:
    house = make(raters_=2, people=1, raters_per_person=1)
    assert next_step(house.rater(0))
    late = house.rater(1)
    assert next_step(late) is None
    assert "open your link again later" in late.get("/study").text


def test_nobody_is_asked_before_they_agree(make: Make) -> None:
    house = make()
    visitor = house.rater(agreed=False)
    assert send(visitor, "/study", "/study/consent").status_code == 400
    assert visitor.get("/study/person/0/0").status_code == 403
    assert send(visitor, "/study", "/study/person/0/0", choice="0", confidence="0").status_code == 403


def test_withdrawal_deletes_everything_of_the_rater(make: Make, tmp_path: Path) -> None:
    house = make()
    visitor = house.rater()
    answer_all(visitor)
    send(visitor, "/study", "/study/comment", comment="I am unmistakable")
    send(visitor, "/study/withdraw", "/study/withdraw")
    assert house.stored() == []
    assert set(house.complete().values()) == {0}
    assert "You have withdrawn" in house.rater(agreed=False).get("/study").text
    with house.served.database.reading() as session:
        assert session.scalar(select(func.count(Rater.comment))) == 0
    assert not any(b"unmistakable" in file.read_bytes() for file in tmp_path.iterdir())


def test_the_study_ends_with_its_retention_period(make: Make) -> None:
    house = make()
    answer_all(house.rater())
    later = replace(house.served, study=house.served.study.model_copy(update={"created": -YEAR}))
    visitor = TestClient(
        study_server(Access(token=ADMIN, open_paths=OPEN_PATHS), later),
        base_url="http://127.0.0.1",
        follow_redirects=False,
    )
    assert visitor.get("/study").status_code == 410
    assert house.stored() == []


def test_without_a_link_no_page_of_raters_opens(make: Make) -> None:
    visitor = make().visitor()
    for path in ("/study", "/study/person/0/0", "/study/withdraw"):
        assert visitor.get(path).status_code == 401
    for path in ("/study/consent", "/study/person/0/0", "/study/withdraw", "/study/comment"):
        assert visitor.post(path, data={"agree": "yes", "choice": "0"}).status_code == 401


def test_the_page_of_the_administrator_needs_the_token(make: Make) -> None:
    house = make()
    visitor = house.rater()
    assert visitor.get("/").status_code == 401
    assert visitor.get("/", headers={"Authorization": "Bearer guess"}).status_code == 401
    assert "complete raters are missing" in visitor.get("/", headers={"Authorization": f"Bearer {ADMIN}"}).text


def test_a_thousand_wrong_links_open_nothing_and_are_slowed_down(make: Make) -> None:
    house = make()
    inside = house.rater()
    guessing = house.visitor()
    answers = [guessing.get(f"/r/{number:043d}").status_code for number in range(1_000)]
    assert set(answers[:30]) == {404}
    assert set(answers[30:]) == {429}
    assert next_step(inside), "raters who are in go on"


def test_wrong_cookies_are_slowed_down_like_wrong_links(make: Make) -> None:
    house = make()
    cookie = house.visitor().get(house.links[0]).headers["set-cookie"].partition("=")[0]
    guessing = house.visitor()
    guesses = [{"Cookie": f"{cookie}={number:043d}"} for number in range(40)]
    answers = [guessing.get("/study", headers=guess).status_code for guess in guesses]
    assert set(answers[:30]) == {401}
    assert set(answers[30:]) == {429}


def test_the_page_of_another_rater_is_not_shown_and_not_answered(make: Make) -> None:
    house = make(people=2)
    one, other = house.rater(0), house.rater(1)
    path, others = next_step(one), next_step(other)
    assert path != others
    assert one.get(others).status_code == 404
    assert send(one, path, others, choice="0", confidence="0").status_code == 404
    assert house.stored() == []


def test_the_form_of_another_rater_is_refused(make: Make) -> None:
    house = make()
    one, other = house.rater(0), house.rater(1)
    path, others = next_step(one), next_step(other)
    form = hidden(other.get(others).text)
    assert one.post(path, data=form | {"choice": "0", "confidence": "0"}).status_code == 403
    assert one.post(path, data={"choice": "0", "confidence": "0"}).status_code == 403
    assert house.stored() == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
    ],
)
def test_a_form_that_another_site_sends_is_refused(make: Make, headers: dict[str, str]) -> None:
    house = make()
    visitor = house.rater()
    path = next_step(visitor)
    form = hidden(visitor.get(path).text) | {"choice": "0", "confidence": "0"}
    assert visitor.post(path, data=form, headers=headers).status_code == 403
    assert house.stored() == []


def test_a_browser_sends_forms_with_the_origin_null_because_pages_have_no_referrer(make: Make) -> None:
    house = make()
    visitor = house.rater()
    path = next_step(visitor)
    form = hidden(visitor.get(path).text) | {"choice": "0", "confidence": "0"}
    headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
    assert visitor.post(path, data=form, headers=headers).status_code == 303
    assert len(house.stored()) == 1


def test_a_body_that_is_too_long_is_refused_whether_or_not_it_says_its_length(make: Make) -> None:
    visitor = make().rater()
    long = "comment=" + "x" * LARGEST_BODY
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert visitor.post("/study/comment", content=long, headers=kind).status_code == 413
    pieces = (long[at : at + 1000].encode() for at in range(0, len(long), 1000))
    assert visitor.post("/study/comment", content=pieces, headers=kind).status_code == 413


@pytest.mark.parametrize(
    ("kind", "content", "status"),
    [
        ("application/json", b'{"choice": 0}', 415),
        ("multipart/form-data; boundary=x", b"--x--", 415),
        ("application/x-www-form-urlencoded", b"choice=%ff", 400),
        ("application/x-www-form-urlencoded", b"\xff\xfe", 400),
        ("application/x-www-form-urlencoded", b"&".join(b"a=1" for _ in range(50)), 400),
    ],
)
def test_what_is_no_form_is_refused(make: Make, kind: str, content: bytes, status: int) -> None:
    visitor = make().rater()
    assert visitor.post("/study/comment", content=content, headers={"Content-Type": kind}).status_code == status


@pytest.mark.parametrize(
    "path",
    [
        "/study/static/../settings.py",
        "/study/static/..%2fsettings.py",
        "/study/static/%2e%2e/study.db",
        "/static/..%2f..%2fserving.py",
        "/study/person/../../study.json",
        "/study/person/%2e%2e/0",
        "/r/..%2f..%2fetc%2fpasswd",
        "/study/other/0/0",
        "/study/person/-1/0",
        "/study/person/0/99",
    ],
)
def test_no_path_leads_to_a_file_or_a_page_that_is_not_there(make: Make, path: str) -> None:
    assert make().rater().get(path).status_code in (401, 404)


def test_no_text_becomes_html(make: Make) -> None:
    def hostile(content: Content) -> Content:
        item = (
            content.people[0]
            .probes[0]
            .model_copy(update={"asks": HTML, "options": (HTML, HTML + "2"), "statements": (HTML,), "answer": 0})
        )
        person = content.people[0].model_copy(update={"probes": (item,), "demographics": (HTML,)})
        return Content(people=(person,), own=(item,), practice=person)

    house = make(
        people=1,
        probes=1,
        raters_per_person=1,
        consent=f"{HTML} [x](javascript:alert(1)) <img src=x onerror=alert(1)>",
        change=hostile,
    )
    visitor = house.rater(agreed=False)
    pages = [visitor.get("/study").text]
    send(visitor, "/study", "/study/consent", agree="yes")
    while path := next_step(visitor):
        pages.append(visitor.get(path).text)
        send(visitor, path, path, choice="0", confidence="0")
        pages.append(visitor.get(path).text)
    send(visitor, "/study", "/study/comment", comment=f"</textarea>{HTML}")
    pages.append(visitor.get("/study").text)
    assert len(pages) == 8
    for page in pages:
        assert "<script>" not in page
        assert "<img" not in page
        assert 'href="javascript' not in page
        assert "&lt;script&gt;" in page


def test_pages_allow_no_script_of_others_and_are_not_stored(make: Make) -> None:
    visitor = make().rater()
    for path in ("/study/withdraw", next_step(visitor), "/nothing"):
        response = visitor.get(path)
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert "unsafe-inline" not in response.headers["Content-Security-Policy"]
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.headers["Cache-Control"] == "no-store"
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=", response.text)


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(make: Make) -> None:
    house = make()
    cookie = house.visitor().get(house.links[0]).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    public = study_server(
        Access(token=ADMIN, open_paths=OPEN_PATHS, names=("study.example",)), replace(house.served, proxied=True)
    )
    behind = TestClient(public, base_url="http://study.example", follow_redirects=False)
    cookie = behind.get(house.links[0]).headers["set-cookie"]
    assert cookie.startswith("__Host-")
    assert "Secure" in cookie


def test_the_server_answers_under_its_own_names_only(make: Make) -> None:
    assert make().visitor().get("/study", headers={"Host": "evil.example"}).status_code == 421


def test_too_many_forms_in_a_minute_are_refused(make: Make) -> None:
    visitor = make().rater()
    path = next_step(visitor)
    form = hidden(visitor.get(path).text) | {"choice": "0", "confidence": "0"}
    answers = [visitor.post(path, data=form).status_code for _ in range(245)]
    assert answers[0] == 303
    assert answers[-1] == 429
