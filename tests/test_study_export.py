"""Making a study from a benchmark, and exporting it as a run."""

import csv
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

pytest.importorskip("sqlalchemy")

from typer.testing import CliRunner

from conftest import GARDEN, garden_answers
from indievalue.app.study.answers import csv_text
from indievalue.app.study.assignment import Given, claim, record
from indievalue.app.study.create import Wanted, make_study
from indievalue.app.study.database import Database
from indievalue.app.study.export import Likely, _majority
from indievalue.app.study.invites import read_invites
from indievalue.app.study.results import alpha_of
from indievalue.app.study.settings import DATABASE, Folder, Plan, probability
from indievalue.app.study.tables import Rater
from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Benchmark
from indievalue.cli import app
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.runs.storage import load_run

ALLOWED = "the gardeners' club"
SMALL = Plan(people=6, probes=2, raters_per_person=2, people_per_rater=6, statements=5)


@pytest.fixture(scope="module")
def benchmark(garden_people: People) -> Benchmark:
    return build_benchmark(garden_people, people_tested=20, setups=[0], context="both")


def call(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(one) for one in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def answer_like(folder: Path, choose: dict[str, float], *, unfinished: int = 0) -> None:
    """Let raters answer everything: each chooses the true option with a probability, or always the first for -1."""
    study, content = Folder(folder).study(), Folder(folder).content()
    truth = {
        (row["person"], row["setup"], row["question"]): row["answer"]
        for row in pl.read_parquet(folder / "benchmark" / "probes.parquet").iter_rows(named=True)
    }
    database, random, now = Database(f"sqlite:///{folder / DATABASE}"), np.random.default_rng(0), time.time()
    with database.writing() as session:
        for rater in session.query(Rater).order_by(Rater.id).limit(len(choose)):
            rater.consented = now
            for place, item in enumerate(content.own):
                record(session, study, rater, Given("own", -1, place, 0, None, 1.0), now)
                assert item.statements == ()
            for _ in range(study.plan.people_per_rater - unfinished):
                number = claim(session, study, rater, now)
                if number is None:
                    break
                for step in content.people[number].steps:
                    true = truth.get((content.people[number].id, step.item.setup, step.item.question), step.item.answer)
                    share = choose[rater.name]
                    choice = (
                        0 if share < 0 else true if random.random() < share else (true + 1) % len(step.item.options)
                    )
                    sure = None if step.kind == "attention" else 2
                    given = Given(step.kind, number, step.place, choice, sure, 4.0)
                    record(session, study, rater, given, now, content.people[number])
    database.close()


def test_real_people_are_shown_only_if_somebody_permits_it(garden_people: People, benchmark: Benchmark) -> None:
    with pytest.raises(IndievalueError, match="say who permits it with --real-people"):
        make_study("garden", garden_people, benchmark, Wanted(SMALL))
    with pytest.raises(IndievalueError, match="at most 50 statements of a real person, and not 51"):
        make_study("garden", garden_people, benchmark, Wanted(replace(SMALL, statements=51), real_people=ALLOWED))
    study, _, _ = make_study("garden", garden_people, benchmark, Wanted(SMALL, real_people=ALLOWED))
    assert study.real_people == ALLOWED


def test_no_group_of_fewer_than_30_real_people_is_shown(garden_people: People) -> None:
    regions = ["Island"] * 29 + ["Hills"] * (len(garden_people) - 29)
    people = replace(garden_people, demographics=garden_people.demographics.with_columns(region=pl.Series(regions)))
    drawn = build_benchmark(people, people_tested="all", setups=[0], context="both")
    _, content, _ = make_study("garden", people, drawn, Wanted(replace(SMALL, people=100), real_people=ALLOWED))
    said = {line for person in content.people for line in person.demographics}
    assert "My garden is in the Hills." in said
    assert "My garden is on the Island." not in said


@pytest.mark.parametrize(("context", "demographics", "statements"), [("statements", 0, 5), ("demographics", 1, 0)])
def test_raters_see_what_the_context_shows(
    garden_people: People, benchmark: Benchmark, context: str, demographics: int, statements: int
) -> None:
    _, content, _ = make_study("g", garden_people, benchmark, Wanted(SMALL, context, ALLOWED))
    assert len(content.people) == 6
    for person in content.people:
        assert min(len(person.demographics), 1) == demographics
        assert {len(item.statements) for item in person.probes} == {statements}
        assert len({item.question for item in person.probes}) == 2


def test_what_raters_read_has_no_true_answer(garden_people: People, benchmark: Benchmark) -> None:
    _, content, _ = make_study("g", garden_people, benchmark, Wanted(SMALL, real_people=ALLOWED))
    assert {item.answer for person in content.people for item in person.probes} == {None}


def test_statements_may_differ_from_probe_to_probe(garden_people: People) -> None:
    drawn = build_benchmark(
        garden_people, people_tested=8, setups=[0], demonstrations_from="siblings", demonstrations=3
    )
    _, content, _ = make_study("g", garden_people, drawn, Wanted(SMALL, real_people=ALLOWED))
    assert len({item.statements for person in content.people for item in person.probes}) > len(content.people)


def test_the_most_relevant_statements_are_shown_for_each_probe(garden_people: People, benchmark: Benchmark) -> None:
    wanted = Wanted(SMALL, "statements", ALLOWED, show="relevant:2")
    _, content, drawn = make_study("g", garden_people, benchmark, wanted)
    assert {len(item.statements) for person in content.people for item in person.probes} == {2}
    assert any(len({item.statements for item in person.probes}) > 1 for person in content.people)
    assert drawn.settings.show == "relevant:2"
    assert {person.id for person in content.people} <= set(benchmark.people.ids.tolist())


def test_a_benchmark_with_too_few_people_is_refused(garden_people: People, benchmark: Benchmark) -> None:
    with pytest.raises(IndievalueError, match="20 of the benchmark's 20 people answered 2 probes of every setup"):
        make_study("g", garden_people, benchmark, Wanted(replace(SMALL, people=21), real_people=ALLOWED))


def test_practice_is_with_a_synthetic_person_whose_answers_are_known() -> None:
    from indievalue.synthetic.generate import synthetic_people

    people = synthetic_people(150)
    drawn = build_benchmark(people, people_tested=10, setups=[0])
    _, content, _ = make_study("wvs", people, drawn, Wanted(replace(SMALL, own=3)))
    assert [item.answer is not None for item in content.practice.probes] == [True] * 3
    assert len(content.own) == 3


def test_confidence_is_a_probability_between_chance_and_1() -> None:
    assert probability(1, 0, 4) == [0.25] * 4
    assert probability(0, 1, 2) == [0.625, 0.375]
    assert probability(2, 4, 4) == pytest.approx([0.0125, 0.0125, 0.9625, 0.0125])


def test_the_majority_is_the_option_with_most_votes_and_ties_go_by_probability() -> None:
    two, one = Likely(0, probability(0, 0, 3)), Likely(2, probability(2, 4, 3))
    assert _majority([two, two, one]).choice == 0
    assert _majority([two, one]).choice == 2
    assert _majority([two, one]).probabilities == pytest.approx([0.175, 0.175, 0.65], abs=1e-9)


def test_alpha_is_krippendorffs() -> None:
    """The example of Krippendorff (2011), Computing Krippendorff's alpha-reliability, section B: 0.095."""
    a, b = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    rows = [
        {"rater": rater, "person": f"p{at}", "setup": 0, "question": "Q", "choice": choice}
        for rater, given in (("a", a), ("b", b))
        for at, choice in enumerate(given)
    ]
    assert alpha_of(pl.DataFrame(rows)) == pytest.approx(0.095, abs=5e-4)
    assert alpha_of(pl.DataFrame(rows[:10])) is None


def test_no_cell_of_the_csv_is_a_formula() -> None:
    text = csv_text(
        pl.DataFrame({"comment": ["=HYPERLINK(1)", " +1", "fine", None], "right": [True, False, None, True]})
    )
    assert list(csv.reader(text.splitlines()))[1:] == [
        ["'=HYPERLINK(1)", "true"],
        ["' +1", "false"],
        ["fine", ""],
        ["", "true"],
    ]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with gardeners, a benchmark, and a study that three raters have answered, by the command line."""
    folder = tmp_path_factory.mktemp("studies")
    garden_answers(120).write_csv(folder / "garden.csv")
    source = ("--survey", GARDEN)
    call("benchmark", folder / "garden.csv", "--out", folder / "bench", "--people", "24", *source)
    options = ("--people", "12", "--probes", "3", "--raters-per-person", "2", "--people-per-rater", "12", "--own", "2")
    real = ("--real-people", ALLOWED, "--statements", "4", "--raters", "4")
    call("study", "create", folder / "bench", folder / "garden.csv", "--out", folder / "club", *options, *real, *source)
    answer_like(folder / "club", {"r001": 0.9, "r002": -1, "r003": 0.9}, unfinished=6)
    call(
        "study",
        "export",
        folder / "club",
        folder / "garden.csv",
        "--out",
        folder / "run",
        "--predictor",
        "majority",
        *source,
    )
    return folder


def test_each_rater_is_a_predictor_and_so_is_the_majority(made: Path) -> None:
    run = load_run(made / "run")
    assert list(run.scores) == ["human:club", "human:club/r001", "human:club/r002", "human:club/r003", "majority"]
    assert run.scores["human:club/r001"].probes == 18
    key = ["predictor", "setup", "person", "question"]
    assert not run.predictions.select(key).is_duplicated().any()
    assert run.predictions["choice"].min() >= 0


def test_every_comparison_works_on_the_rows_of_raters(made: Path) -> None:
    run = load_run(made / "run")
    mine, others = (
        run.predictions.filter(predictor=name).select("person", "question") for name in ("human:club", "majority")
    )
    assert mine.sort(mine.columns).equals(others.sort(mine.columns))
    assert run.compare("human:club", "majority").probes == len(mine)
    assert run.inequity(["age"], minimum=2).table.height


def test_a_rater_who_always_chooses_the_first_option_is_as_right_as_that(made: Path) -> None:
    rows = load_run(made / "run").predictions.filter(predictor="human:club/r002")
    assert rows["choice"].to_list() == [0] * 18
    for given in rows["probabilities"].to_list():
        assert given == pytest.approx(probability(0, 2, len(given)))


def test_stored_predictions_of_another_run_are_compared_on_the_same_rows(made: Path) -> None:
    call(
        "evaluate", made / "garden.csv", "--benchmark", made / "bench", "--predictor", "resemble:k=5",
        "--out", made / "other", "--survey", GARDEN, "--force",
    )  # fmt: skip
    call(
        "study", "export", made / "club", made / "garden.csv", "--out", made / "run2", "--run", made / "other",
        "--survey", GARDEN, "--force",
    )  # fmt: skip
    run, other = load_run(made / "run2"), load_run(made / "other")
    mine = run.predictions.filter(predictor="resemble:k=5")
    assert len(mine) == len(run.predictions.filter(predictor="human:club"))
    joined = mine.join(other.predictions, on=["setup", "person", "question"], suffix="_before")
    assert joined["choice"].equals(joined["choice_before"].alias("choice"))


def test_all_answers_are_in_one_csv_without_ids_of_people(made: Path) -> None:
    with (made / "run" / "study" / "answers.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["kind"] for row in rows} == {"own", "probe", "attention"}
    assert sum(row["kind"] == "probe" for row in rows) == 54
    assert not any(value.startswith("g0") for row in rows for value in row.values())
    probe = next(row for row in rows if row["kind"] == "probe" and row["rater"] == "r002")
    assert (probe["confidence_words"], probe["probability"], probe["seconds"]) == ("rather sure", "0.75", "4.0")
    assert probe["right"] == ("true" if probe["answer"] == "0" else "false")


def test_results_say_how_raters_answered(made: Path) -> None:
    found = json.loads((made / "run" / "study" / "results.json").read_text())
    assert (found["raters"], found["answers"]) == (3, 54)
    assert found["seconds"] == [4.0, 4.0, 4.0]
    assert [row["person_place"] for row in found["by_place"]] == [1, 2, 3, 4, 5, 6]
    assert found["projection"]["probes"] > 0
    page = (made / "run" / "study" / "results.html").read_text()
    assert f"as permitted by: {ALLOWED}".replace("'", "&#39;") in page
    assert "human:club" in page.replace("\u200b", "").replace("<wbr>", "")


def test_raters_who_failed_the_checks_can_be_left_out(made: Path) -> None:
    call(
        "study", "export", made / "club", made / "garden.csv", "--out", made / "run3", "--attention-failures", "0",
        "--survey", GARDEN, "--force",
    )  # fmt: skip
    with (made / "run3" / "study" / "answers.csv").open(encoding="utf-8") as file:
        failed = {row["rater"] for row in csv.DictReader(file) if int(row["checks_failed"])}
    assert "r002" in failed
    assert not {f"human:club/{rater}" for rater in failed} & set(load_run(made / "run3").scores)


def test_status_and_invites(made: Path) -> None:
    assert "6 complete raters are missing" in call("study", "status", made / "club")
    call("study", "invite", made / "club", "--raters", "2", "--public-url", "https://study.example")
    with (made / "club" / "invites.csv").open() as file:
        links = [row["link"] for row in csv.DictReader(file)]
    assert len(set(links)) == 6
    assert links[-1].startswith("https://study.example/r/")
    assert len(links[-1].rpartition("/")[2]) == 43
    assert (made / "club" / "invites.csv").stat().st_mode & 0o077 == 0
    assert all(link.startswith("https://study.example/r/") for link in links)


def test_serve_says_where_links_lead_if_not_to_it_and_how_to_change_that(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indievalue.app.serving.serve", lambda app, access, started: started())
    call("study", "invite", made / "club", "--public-url", "https://study.example")
    before = read_invites(made / "club")
    said = call("study", "serve", made / "club", "--port", "8765")
    assert "lead to https://study.example, not here" in said
    command = said.partition("to change them: indievalue ")[2].split()
    assert "Links of 0" not in call(*command)
    assert read_invites(made / "club") == [
        (name, link.replace("https://study.example/", "http://127.0.0.1:8765/")) for name, link in before
    ]
    assert "not here" not in call("study", "serve", made / "club", "--port", "8765")
    assert "give --raters" in CliRunner().invoke(app, ["study", "invite", str(made / "club")]).output


def test_raters_answer_the_questions_of_a_list_for_themselves(made: Path, tmp_path: Path) -> None:
    listed = tmp_path / "list.csv"
    listed.write_text("question\nN3\nP2\n")
    arguments = ["study", "create", made / "bench", made / "garden.csv", "--out", tmp_path / "listed", "--people", "2"]
    arguments += ["--probes", "2", "--statements", "4", "--real-people", ALLOWED, "--survey", GARDEN]
    call(*arguments, "--own-list", listed)
    own = Folder(tmp_path / "listed").content().own
    assert [item.question for item in own] == ["N3", "P2"]
    assert all(len(item.options) >= 2 and not item.statements and item.answer is None for item in own)
    assert Folder(tmp_path / "listed").study().plan.own == 2
    both = CliRunner().invoke(app, [str(one) for one in [*arguments, "--own-list", listed, "--own", "3", "--force"]])
    assert both.exit_code == 2


def test_a_study_is_not_replaced_by_another_one(made: Path) -> None:
    arguments = [
        "study",
        "create",
        str(made / "bench"),
        str(made / "garden.csv"),
        "--out",
        str(made / "club"),
        "--force",
    ]
    with pytest.raises(IndievalueError, match="holds a study; choose another --out, or `indievalue study delete` it"):
        CliRunner().invoke(app, [*arguments, "--survey", str(GARDEN)], catch_exceptions=False)


def test_delete_leaves_nothing(tmp_path: Path, made: Path) -> None:
    call(
        "study", "create", made / "bench", made / "garden.csv", "--out", tmp_path / "gone",
        "--people", "2", "--probes", "1", "--real-people", ALLOWED, "--statements", "2", "--survey", GARDEN,
    )  # fmt: skip
    call("study", "delete", tmp_path / "gone", "--yes")
    assert list(tmp_path.iterdir()) == []


def test_an_export_before_anybody_has_answered_is_an_error(garden_people: People, benchmark: Benchmark) -> None:
    from indievalue.app.study.answers import SCHEMA
    from indievalue.app.study.export import humans_of

    study, content, _ = make_study("g", garden_people, benchmark, Wanted(SMALL, real_people=ALLOWED))
    with pytest.raises(IndievalueError, match="no rater of g has answered everything about a person yet"):
        humans_of(study, content, pl.DataFrame(schema=SCHEMA))
