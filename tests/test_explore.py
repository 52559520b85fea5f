"""The explorer: every number on its pages is that of the run or the data, and what must not be shown is not."""

import html
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import polars as pl
import pytest

pytest.importorskip("fastapi", reason="FastAPI is not installed")

import uvicorn
from fastapi.testclient import TestClient

from conftest import CHROMIUM, garden_answers
from indievalue.app.explore.outputs import why_invalid
from indievalue.app.explore.server import explorer
from indievalue.app.explore.source import source_of
from indievalue.app.explore.telling import telling
from indievalue.app.explore.view import view_of
from indievalue.app.serving import Access
from indievalue.benchmark.build import build_benchmark
from indievalue.evaluation import evaluate
from indievalue.people.decode import decode
from indievalue.people.people import People
from indievalue.prompts.prompt import AskedProbe
from indievalue.runs.run import Run
from indievalue.runs.storage import load_run, write_run
from loopback import Loopback, serving
from rundirs import HOSTILE, make_run, some_people

PAGES = ("/", "/people", "/questions", "/groups", "/compare", "/outputs", "/question?id=P1", "/nothing-there")
DATA_PAGES = ("/", "/people", "/questions", "/question?id=P1", "/question?id=N2&form=polar&demographic=age")


def opened(*runs: Path, people: People | None = None) -> TestClient:
    return TestClient(explorer(Access(), runs=runs, people=people), base_url="http://127.0.0.1:8000")


def text_of(page: str) -> str:
    """The words of a page, each space a single one."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def table_of(page: str, label: str) -> list[list[str]]:
    """The cells of the table in the region with that label or heading."""
    region = re.search(rf'aria-label(?:ledby)?="{re.escape(label)}".*?<tbody>(.*?)</tbody>', page, re.S)
    assert region, label
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", region[1], re.S)
    return [[text_of(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)] for row in rows]


@pytest.fixture(scope="module")
def folder(garden_people: People, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 80 of 120 gardeners."""
    benchmark = build_benchmark(garden_people, people_tested=garden_people.ids[:80].tolist(), demonstrations=4)
    run = evaluate(garden_people, benchmark, ["random", "majority", "resemble:k=5"])
    folder = tmp_path_factory.mktemp("run") / "garden"
    write_run(run, folder)
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return load_run(folder)


@pytest.fixture(scope="module")
def pages(folder: Path) -> TestClient:
    return opened(folder)


@pytest.fixture(scope="module")
def data(garden_people: People) -> TestClient:
    return opened(people=garden_people)


def test_the_first_page_has_the_question_the_answer_and_every_predictor(pages: TestClient, run: Run) -> None:
    page = pages.get("/").text
    words = text_of(page)
    assert f"{run.best} predicts {run.scores[run.best].accuracy:.1f}% of answers" in words
    assert "tried to predict" in words
    shown = {row[0]: row[1] for row in table_of(page, "ladder")}
    assert shown == {name: f"{score.accuracy:.1f}%" for name, score in run.scores.items()}


def test_people_are_chosen_by_group_and_accuracy(pages: TestClient, run: Run) -> None:
    accuracy = run.by_person.filter(predictor="majority").join(run.people, on="person")
    wanted = accuracy.filter((pl.col("region") == "Hills") & (pl.col("accuracy") >= 50))["person"].to_list()
    page = pages.get("/people", params={"group": "region:Hills", "by": "majority", "low": 50}).text
    assert {row[0] for row in table_of(page, "People")} == set(wanted)
    assert f"{len(wanted)} of 80 people" in page


def test_people_are_ordered_by_how_hard_and_how_surprising_they_are(pages: TestClient, run: Run) -> None:
    page = pages.get("/people", params={"order": "hardest", "by": "resemble:k=5"}).text
    rows = table_of(page, "People")
    shares = [int(row[1].rstrip("%")) for row in rows]
    assert shares == sorted(shares)
    assert min(shares) == round(run.by_person.filter(predictor="resemble:k=5")["accuracy"].min())
    surprise = [float(row[2]) for row in table_of(pages.get("/people?order=surprising").text, "People")]
    assert surprise == sorted(surprise, reverse=True)


def test_surprise_is_the_mean_log_loss_of_a_person(run: Run) -> None:
    view = view_of(run, "garden")
    person = view.source.ids[7]
    rows = run.predictions.filter((pl.col("person") == person) & (pl.col("predictor") == "resemble:k=5"))
    true = [given[answer] for given, answer in rows.select("probabilities", "answer").iter_rows()]
    assert view.surprise["resemble:k=5"][7] == pytest.approx(-np.log(np.clip(true, 1e-6, 1)).mean())


def test_a_search_finds_statements_and_the_people_who_said_them(data: TestClient, garden_people: People) -> None:
    page = data.get("/people", params={"q": "LIKE roses very"}).text
    like, dislike = ((garden_people.options("refined")[:, 0] == option).sum() for option in (0, 2))
    assert f"{like + dislike} of 120 people" in page, "‘I like roses very much’ and ‘I do not like roses very much’"
    assert "2 statements and 0 questions" in text_of(page)
    said = data.get("/people", params={"said": "P1:refined:0"}).text
    assert f"{like} of 120 people" in said
    assert "No statement and no question" in data.get("/people?q=xyzzy").text


def test_a_search_for_a_question_finds_who_answered_it(data: TestClient) -> None:
    assert "120 of 120 people" in data.get("/people?q=how+much+do+you+like+roses").text


def test_a_person_has_every_probe_with_probabilities_and_the_truth(pages: TestClient, run: Run) -> None:
    person = run.people["person"][3]
    page = pages.get("/person", params={"id": person}).text
    rows = run.predictions.filter(person=person)
    for row in rows.filter(predictor="resemble:k=5").iter_rows(named=True):
        table = table_of(page, row["question"])
        options = run.survey.question(row["question"]).options(run.record.form)
        assert [cells[0].removesuffix(" true") for cells in table] == [option.statement for option in options]
        assert [cells[0].endswith(" true") for cells in table] == [at == row["answer"] for at in range(len(options))]
        order = sorted(run.scores, key=lambda name: -run.scores[name].accuracy)
        column = 1 + order.index("resemble:k=5")
        assert [cells[column].split("%")[0] for cells in table] == [f"{100 * p:.0f}" for p in row["probabilities"]]
        mark = "✓" if row["choice"] == row["answer"] else "✗"
        assert [mark in cells[column] for cells in table] == [at == row["choice"] for at in range(len(options))]
    right = rows.filter(predictor="majority").select((pl.col("choice") == pl.col("answer")).sum()).item()
    assert ["majority", f"{right} of {rows['question'].n_unique()}"] in [row[:2] for row in table_of(page, "standing")]


def test_the_most_confidently_wrong_come_first(pages: TestClient, run: Run) -> None:
    person = run.people["person"][3]
    wrong = run.predictions.filter((pl.col("person") == person) & (pl.col("choice") != pl.col("answer")))
    surest = wrong.select(pl.col("probabilities").list.max()).to_series().sort(descending=True)
    shown = table_of(pages.get("/person", params={"id": person}).text, "Wrong predictions")
    assert [int(row[1].split()[-1].rstrip("%")) for row in shown] == [round(100 * p) for p in surest.head(5)]


def test_previous_and_next_stay_among_the_people_chosen(pages: TestClient, run: Run) -> None:
    chosen = run.people.filter(region="Valley")["person"].to_list()
    page = pages.get("/person", params={"id": chosen[1], "group": "region:Valley"}).text
    links = dict(re.findall(r'rel="(prev|next)"[^>]*href="([^"]+)"', page))
    expected = {
        rel: urlencode({"group": "region:Valley", "id": who})
        for rel, who in zip(("prev", "next"), chosen[0:3:2], strict=True)
    }
    assert {rel: html.unescape(link).partition("?")[2] for rel, link in links.items()} == expected
    assert f"2 of {len(chosen)}" in text_of(page)


def test_a_person_at_random_is_one_of_those_chosen(pages: TestClient, run: Run) -> None:
    chosen = set(run.people.filter(region="Island")["person"])
    found = {pages.get("/random?group=region:Island").url.params["id"] for _ in range(12)}
    assert found <= chosen
    assert len(found) > 1


def test_the_nearest_people_give_the_most_equal_answers(garden: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indievalue.app.explore.source._SHARED", 5)  # the garden has few questions
    people = decode(garden_answers(40, seed=2), garden, "garden.csv", "fingerprint")
    options = people.options("refined")
    agree = (options == options[5]).mean(axis=1)
    near = source_of(people).nearest(5, 3)
    assert 5 not in [one.row for one in near]
    assert [one.agree for one in near] == pytest.approx(sorted(np.delete(agree, 5), reverse=True)[:3])


def test_questions_have_the_accuracy_of_the_run(pages: TestClient, run: Run) -> None:
    rows = table_of(pages.get("/questions").text, "Questions")
    best = run.by_question.filter(predictor=run.best)
    assert {row[0].split()[0]: row[3] for row in rows} == {
        question: f"{accuracy:.1f}" for question, accuracy in best.select("question", "accuracy").iter_rows()
    }
    shares = [float(row[3]) for row in table_of(pages.get("/questions?order=hardest").text, "Questions")]
    assert shares == sorted(shares)


def test_what_is_taken_for_what_is_counted_by_true_answer(pages: TestClient, run: Run) -> None:
    own = run.predictions.filter((pl.col("predictor") == "resemble:k=5") & (pl.col("question") == "P1"))
    page = pages.get("/question?id=P1&by=resemble:k=5").text
    for row in table_of(page, "What is taken for what"):
        answer = [option.statement for option in run.survey.question("P1").options(run.record.form)].index(row[0])
        given = own.filter(answer=answer)
        assert row[1] == str(len(given))
        taken = [given.filter(choice=choice).height / len(given) for choice in range(2)]
        assert row[2:4] == [f"{100 * share:.0f}%" for share in taken]


def test_a_copy_of_a_question_tells_everything_and_chance_tells_nothing(garden: Any) -> None:
    table = garden_answers(400, seed=3)
    table = table.with_columns(P2=pl.col("P1"), N3=pl.Series(np.random.default_rng(0).integers(1, 3, 400)))
    source = source_of(decode(table, garden, "garden.csv", "fingerprint"))
    found = {one.question: one.share for one in telling(source, source.survey.positions["P1"])}
    assert found["P2"] == pytest.approx(1, abs=0.02)
    assert next(iter(found)) == "P2"
    assert found.get("N3", 0) < 0.02


def test_groups_are_those_of_the_run_and_none_is_smaller_than_30(pages: TestClient, run: Run) -> None:
    sizes = dict(run.people["age"].value_counts().iter_rows())
    page = pages.get("/groups?demographic=age&by=majority").text
    shown = {row[0]: row[2] for row in table_of(page, "Accuracy by group")}
    values = run.inequity(["age"]).groups.filter(predictor="majority")
    assert shown == {group: f"{value:.1f}" for group, value in values.select("group", "value").iter_rows()}
    assert set(shown) == {group for group, size in sizes.items() if size >= 30}


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    """A run of 70 people, 9 of them in Chad."""
    who = some_people(70, country=["Chad", *["Chile"] * 7], sex=["female", "male"])
    return opened(
        make_run(tmp_path_factory.mktemp("few") / "run", "wvs7", people=who, predictors=["majority", "random"])
    )


@pytest.mark.parametrize(
    "path", ["/groups?demographic=country", "/question?id=Q1&demographic=country", "/compare", "/questions"]
)
def test_no_number_is_about_fewer_than_30_people(few: TestClient, path: str) -> None:
    page = few.get(path).text
    assert few.get("/people?group=country:Chad").text.count("/person?") == 9
    for table in re.findall(r"<tbody>.*?</tbody>", page, re.S):
        assert "Chad" not in table


def test_groups_that_are_countries_have_a_map_that_tells_no_number_about_few_people(
    few: TestClient, pages: TestClient
) -> None:
    page = few.get("/groups?demographic=country&by=majority").text
    shown = re.findall(r'<use class="mark" role="img" aria-label="([^"]*)" href="#world-(\d+)" fill="([^"]*)"', page)
    marks = {int(code): (label, fill) for label, code, fill in shown}
    chad, chile = marks.pop(148), marks.pop(152)
    assert not marks
    assert chad == ("Chad · too few people here for a figure", "url(#world-few)")
    value = table_of(page, "Accuracy by group")[0][2]
    assert re.match(rf"majority, Chile.*{re.escape(value)}%", html.unescape(chile[0]))
    assert 'class="world"' not in few.get("/groups?demographic=sex").text
    assert 'class="world"' not in pages.get("/groups?demographic=age").text


def test_a_run_of_few_people_has_no_numbers_about_questions(tmp_path: Path) -> None:
    pages = opened(
        make_run(tmp_path / "run", "wvs7", people=some_people(12, country=["Chile"]), predictors=["majority"])
    )
    page = text_of(pages.get("/question?id=Q1").text)
    assert "Fewer than 30 people" in page
    assert "What is taken for what" not in page
    assert all(row[2:] == ["under 30", "–"] for row in table_of(pages.get("/questions").text, "Questions"))


def test_two_predictors_are_compared_as_the_run_does_and_person_by_person(pages: TestClient, run: Run) -> None:
    found = run.compare("resemble:k=5", "majority").table.row(by_predicate=pl.col("measure") == "accuracy", named=True)
    page = pages.get("/compare?a=resemble:k=5&b=majority").text
    assert f"{found['a']:.1f}% and {found['b']:.1f}%" in text_of(page)
    right = run.predictions.with_columns(right=pl.col("choice") == pl.col("answer"))
    counts = right.group_by("person", "predictor").agg(pl.col("right").sum()).pivot("predictor", index="person")
    for person, points, ours, theirs in table_of(page, "people"):
        row = counts.row(by_predicate=pl.col("person") == person, named=True)
        assert (int(ours.split()[0]), int(theirs.split()[0])) == (row["resemble:k=5"], row["majority"])
        assert points.startswith("+") == (row["resemble:k=5"] > row["majority"])
    people = sum(int(row) for row in re.findall(r'<th scope="row">[^<]*</th><td class="number">(\d+)</td></tr>', page))
    assert people == 80, "the table behind the chart counts everybody"


def test_two_runs_are_compared_and_what_cannot_be_is_said(folder: Path, tmp_path: Path) -> None:
    other = make_run(tmp_path / "other", "wvs7", people=some_people(5, country=["Chile"]), predictors=["majority"])
    pages = opened(folder, other)
    assert pages.get("/").text.count("predicts") == 2
    assert pages.get("/1/people").status_code == pages.get("/2/questions").status_code == 200
    assert "They cannot be compared" in pages.get("/compare?a=1:majority&b=2:majority").text
    assert "They cannot be compared" not in pages.get("/compare?a=1:majority&b=1:random").text


def test_marginals_are_weighted_and_without_those_who_did_not_answer(garden: Any) -> None:
    table = garden_answers(120).with_columns(P1=pl.Series([1] * 50 + [2] * 30 + [-1] * 31 + [-4] * 9))
    people = decode(table, garden, "garden.csv", "fingerprint")
    page = opened(people=people).get("/question?id=P1").text
    weights = people.weights[:80]
    first = weights[:50].sum() / weights.sum()
    assert [row[1] for row in table_of(page, "answers")][:2] == [f"{100 * first:.1f}%", f"{100 * (1 - first):.1f}%"]
    words = text_of(page)
    assert "Answered by 80 of 120 people" in words
    assert re.search(r": 31 ", words), "a reason that 31 people have is counted"
    assert "under 30" in words, "one that 9 people have is not"


def test_marginals_of_a_group_are_weighted(data: TestClient, garden_people: People) -> None:
    page = data.get("/question?id=P1&demographic=age&form=polar").text
    for group, number, share, _ in table_of(page, "groups"):
        members = (garden_people.demographics["age"] == group).to_numpy()
        likes = garden_people.options("polar")[members, 0] == 0
        assert number == str(members.sum())
        assert (
            share == f"{100 * garden_people.weights[members][likes].sum() / garden_people.weights[members].sum():.0f}%"
        )


def test_a_person_of_a_data_file_says_why_there_is_no_answer(garden: Any) -> None:
    table = garden_answers(40).with_columns(P1=pl.Series([-4] + [1] * 39))
    people = decode(table, garden, "garden.csv", "fingerprint")
    words = text_of(opened(people=people).get(f"/person?id={people.ids[0]}").text)
    assert "What this person did not answer" in words
    assert "P1" in words.partition("did not answer")[2]


def paths(pages: TestClient, starts: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Every page that these lead to, one of each kind and question form, with its address."""
    waiting, seen = list(starts), set()
    while waiting:
        path = waiting.pop()
        kind = re.sub(r"=[^&]*", "=", path)
        if kind in seen:
            continue
        seen.add(kind)
        page = pages.get(path).text
        yield path, page
        waiting += [html.unescape(link) for link in re.findall(r'href="(/[^"]*)"', page) if "/static/" not in link]


@pytest.mark.parametrize("kind", ["run", "data"])
def test_every_link_leads_to_a_page_that_keeps_to_itself(kind: str, pages: TestClient, data: TestClient) -> None:
    which, starts = (pages, PAGES) if kind == "run" else (data, DATA_PAGES)
    number = 0
    for path, page in paths(which, starts):
        number += 1
        assert which.get(path).status_code == (404 if "nothing-there" in path else 200), path
        assert "Real respondents’ answers" in page, path
        assert not re.search(r"<script(?! src=\"/static/)|<style|\sstyle=|\son\w+=|javascript:", page), path
        assert not re.search(r"(?:src|href|action)=\"(?:https?:|//)", page), path
        assert not re.search(r'\sdownload\b|href="[^"]*\.(?:csv|parquet|json)', page), path
    assert number > 15


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_nothing_can_be_changed(pages: TestClient, method: str) -> None:
    assert getattr(pages, method)("/people").status_code == 405


def test_synthetic_people_are_said_to_be_synthetic(tmp_path: Path) -> None:
    from indievalue.synthetic.generate import synthetic_people

    page = opened(people=synthetic_people(40)).get("/people").text
    assert "These people are synthetic" in page
    assert "Real respondents" not in page


@pytest.mark.parametrize(
    "path",
    [
        "/person?id=nobody",
        "/person",
        "/question?id=none",
        "/outputs?id=nobody",
        f"/person?{urlencode({'id': HOSTILE})}",
        f"/question?{urlencode({'id': HOSTILE})}",
    ],
)
def test_what_is_not_there_is_not_found_and_said_safely(pages: TestClient, path: str) -> None:
    answer = pages.get(path)
    assert answer.status_code == 404
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize(
    "query",
    ["page=0", "page=x", "page=99999999999", "low=x&high=nan", "group=x", "group=region:none", "by=none", "order=none",
     "said=x", "country=none", urlencode({"q": HOSTILE}), "least=-1e999"],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/people", "/questions", "/groups", "/compare", "/question"])
def test_an_address_that_makes_no_sense_shows_a_page_all_the_same(pages: TestClient, path: str, query: str) -> None:
    answer = pages.get(f"{path}?id=P1&{query}")
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text


def test_text_from_a_run_is_never_markup(tmp_path: Path) -> None:
    pages = opened(make_run(tmp_path / "run", "wvs7", people=some_people(40, place=[HOSTILE], sex=["female", "male"])))
    for _, page in paths(pages, PAGES):
        assert "<script>alert" not in page
    assert html.escape(HOSTILE, quote=False).replace('"', "&#34;").replace("'", "&#39;") in pages.get("/people").text


def test_predictors_without_probabilities_and_without_a_valid_answer_are_shown(tmp_path: Path) -> None:
    who = some_people(40, country=["Chile"])
    predictors = ("majority", "openai/gpt-4o")
    run = make_run(tmp_path / "run", "wvs7", people=who, predictors=predictors, silent=predictors)
    pages = opened(run)
    assert "No option was named by openai/gpt-4o" in text_of(pages.get("/person?id=p0").text)
    assert "chosen ✓" in text_of(pages.get("/person?id=p1").text)
    assert {row[2] for row in table_of(pages.get("/people").text, "People")} == {"–"}
    assert len(table_of(pages.get("/outputs").text, "Invalid answers")) == 3
    for path, _ in paths(pages, PAGES[:-2]):
        assert pages.get(path).status_code == 200, path
    nobody = opened(make_run(tmp_path / "none", "wvs7", people=who, predictors=predictors, valid=False))
    for path, _ in paths(nobody, PAGES[:-2]):
        assert nobody.get(path).status_code == 200, path


PROBE = AskedProbe("P1", "How much do you like roses?", ("I like roses.", "I do not like roses."), (0, 1))


@pytest.mark.parametrize(
    ("written", "stop", "why"),
    [
        (None, "", "gave no answer"),
        ("", "stop", "is empty"),
        ("<think>well", "stop", "within a thought"),
        ("The answer", "max_tokens", "cut off"),
        ("I", "content_filter", "content filter"),
        ("Who knows?", "stop", "names no option"),
        ("I like roses. I do not like roses.", "stop", "several options"),
    ],
)
def test_an_invalid_answer_says_why(written: str | None, stop: str, why: str) -> None:
    assert why in why_invalid(written, stop, PROBE)


def test_prompts_and_raw_answers_of_a_chat_model(
    garden_people: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("inspect_ai", reason="Inspect AI is not installed")
    from indievalue.predictors.asking import AskingOptions
    from indievalue.predictors.chat.predictor import ChatModel

    monkeypatch.setenv("INDIEVALUE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LOOPBACK_API_KEY", "none")
    benchmark = build_benchmark(garden_people, people_tested=2, demonstrations=2, setups=[0])
    with serving(Loopback(lambda prompt: "Who knows?")) as loopback:
        model = ChatModel("openai-api/loopback/parrot", AskingOptions(base_url=loopback.url, display="none"))
        run = evaluate(garden_people, benchmark, ["majority", model])
    write_run(run, tmp_path / "run")
    pages = opened(tmp_path / "run")
    person = str(benchmark.people.ids[0])
    words = text_of(pages.get("/outputs", params={"id": person}).text)
    assert "A person says:" in words
    assert run.survey.question(run.predictions["question"][0]).asks in words
    assert "invalid : the answer names no option" in words
    assert "Who knows?" in words
    listed = table_of(pages.get("/outputs").text, "Invalid answers")
    assert len(listed) == (run.predictions["choice"] < 0).sum() > 0
    assert {row[3] for row in listed} == {"the answer names no option"}
    assert "Prompts and raw answers" in pages.get("/person", params={"id": person}).text


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[str]:
    """Address of the explorer of the gardeners' run."""
    server = uvicorn.Server(uvicorn.Config(explorer(Access(), runs=[folder]), port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.05)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium to open the pages in")
def test_a_walk_in_the_browser(served: str, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(served)
    page.keyboard.press("/")
    page.keyboard.type("roses")
    page.keyboard.press("Enter")
    page.wait_for_url("**/people?q=roses")
    page.locator("table a").first.click()
    first = page.locator("h1").inner_text()
    page.keyboard.press("n")
    page.wait_for_url(lambda url: first not in url)
    second = page.locator("h1").inner_text()
    page.go_back()
    assert page.locator("h1").inner_text() == first
    page.goto(f"{served}/person?q=roses&id={second}")
    assert page.locator("h1").inner_text() == second, "a link that was sent shows the same"
    page.goto(f"{served}/compare")
    page.select_option("select[name=b]", "random")
    page.wait_for_url("**b=random**")
    for path in PAGES[:-1]:
        page.goto(served + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
    page.close()
    assert problems == []


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium to open the pages in")
@pytest.mark.parametrize(
    ("scheme", "shown"),
    [("light", ("/", "/people?q=roses", "/compare")), ("dark", ("/random", "/question?id=P1", "/groups"))],
)
def test_axe_finds_no_serious_fault(served: str, browser: Any, scheme: str, shown: tuple[str, ...]) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    context = browser.new_context(color_scheme=scheme, bypass_csp=True)  # axe is put into the page
    page = context.new_page()
    for path in shown:
        page.goto(served + path)
        violations = axe.Axe().run(page).response["violations"]
        serious = [one["id"] for one in violations if one["impact"] in ("serious", "critical")]
        assert serious == [], path
    context.close()
