"""Asking by country, lists of questions, and the network that is trained on one of them."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner, Result

from conftest import GARDEN, ROOT, garden_answers
from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Benchmark, Settings, Setup
from indievalue.cli import app
from indievalue.elicitation.countries import countries_in, country_named
from indievalue.elicitation.interview import Interview
from indievalue.elicitation.lists import list_for, read_lists, short_forms, write_lists
from indievalue.elicitation.network import ListNetwork
from indievalue.elicitation.session import Session, load_session
from indievalue.elicitation.strategies import Strategy, elicited
from indievalue.errors import IndievalueError
from indievalue.people.decode import decode
from indievalue.people.people import People
from indievalue.predictors.beliefs import Beliefs
from indievalue.predictors.gaussian import Gaussian
from indievalue.predictors.perceptron import Perceptron, PerceptronOptions
from indievalue.predictors.ranking import best_list
from indievalue.survey.survey import Survey

VALLEY, HILLS, ISLAND = "Valley", "Hills", "Island"
REGIONS = {VALLEY: 1, HILLS: 2, ISLAND: 3}


def regional_answers(people: int, seed: int = 0) -> pl.DataFrame:
    """Gardeners whose answer to N3 follows their liking of roses in the valley, and of hedgehogs in the hills.

    Apart from that, liking roses and welcoming hedgehogs have nothing to do with one another or with other answers. On
    the island, N3 has nothing to do with anything. N1 tells the region.
    """
    rng = np.random.default_rng(seed)
    roses, hedgehogs = rng.random((2, people)) < 0.5
    region = garden_answers(people, seed)["REGION"].to_numpy()
    chance = rng.random(people) < 0.5
    return garden_answers(people, seed).with_columns(
        P1=np.where(roses, 1, 4),
        A1=np.where(hedgehogs, 10, 1),
        N1=region,
        N3=np.where(np.select([region == 1, region == 2], [roses, hedgehogs], chance), 1, 2),
    )


@pytest.fixture(scope="module")
def regional(garden: Survey) -> People:
    return decode(regional_answers(1500), garden, "garden.csv", "")


@pytest.fixture(scope="module")
def gaussian(regional: People) -> Gaussian:
    return Gaussian().fit(regional, "polar", "refined")


@pytest.fixture(scope="module")
def strangers(garden: Survey) -> People:
    """People nothing is learned from."""
    return decode(regional_answers(200, seed=5), garden, "garden.csv", "")


def _only(garden: Survey, *names: str) -> np.ndarray:
    return np.isin([question.id for question in garden.questions], names).astype(float)


def _asking(people: People, probes: list[str], shown: list[str]) -> Benchmark:
    """The benchmark that asks everybody for ``probes`` and shows the answers to ``shown``, refined."""
    places = people.survey.positions
    demonstrations = np.tile(np.array([places[name] for name in shown], np.int16), (len(people), 1))
    demonstrations[people.options("refined")[:, demonstrations[0]] < 0] = -1
    benchmark = build_benchmark(people, Settings(setups=(0,), demonstrations_as="refined"), people.ids.tolist())
    return replace(benchmark, setups=(Setup(0, np.array([places[name] for name in probes]), demonstrations),))


# Lists and interviews by country


def test_the_best_list_of_a_country_is_what_tells_most_there(gaussian: Gaussian, garden: Survey) -> None:
    worth = _only(garden, "N3")
    names = [question.id for question in garden.questions]
    assert names[best_list(gaussian, worth, worth == 0, 1, VALLEY)[0]] == "P1"
    assert names[best_list(gaussian, worth, worth == 0, 1, HILLS)[0]] == "A1"


def test_beliefs_about_somebody_from_a_country_are_what_people_there_answer(
    gaussian: Gaussian, regional: People, garden: Survey
) -> None:
    at = garden.positions["N1"]
    for name, code in REGIONS.items():
        beliefs = Beliefs.prior(gaussian, np.ones(10), name)
        assert beliefs.probabilities(at)[code - 1] > 0.9, "N1 tells the region"
    there = regional.demographics["region"].to_numpy() == VALLEY
    roses = regional.options("refined")[there, garden.positions["P1"]]
    rate = Beliefs.prior(gaussian, np.ones(10), VALLEY).probabilities(garden.positions["P1"])
    assert rate[0] == pytest.approx((roses == 0).mean(), abs=0.03)


@pytest.mark.parametrize("strategy", ["fixed", "adaptive"])
def test_where_the_country_is_known_people_are_asked_what_tells_most_there(
    strangers: People, gaussian: Gaussian, strategy: Strategy
) -> None:
    benchmark = _asking(strangers, ["N3"], [])
    known = elicited(benchmark, gaussian, strategy, 1, say=lambda _: None, by_country=True).setups[0].demonstrations
    first = np.array([question.id for question in strangers.survey.questions])[known[:, 0]]
    region = strangers.demographics["region"].to_numpy()
    assert set(first[region == VALLEY]) == {"P1"}
    assert set(first[region == HILLS]) == {"A1"}
    unknown = elicited(benchmark, gaussian, strategy, 1, say=lambda _: None).setups[0].demonstrations
    assert len(set(unknown[:, 0].tolist())) == 1


def test_somebody_from_a_country_without_a_model_is_asked_what_everybody_is(
    strangers: People, gaussian: Gaussian
) -> None:
    elsewhere = replace(strangers, demographics=strangers.demographics.with_columns(region=pl.lit("Moon")))
    benchmark = _asking(elsewhere, ["N3"], [])
    asked = elicited(benchmark, gaussian, "fixed", 3, say=lambda _: None, by_country=True).setups[0].demonstrations
    of_everybody = elicited(benchmark, gaussian, "fixed", 3, say=lambda _: None).setups[0].demonstrations
    assert asked.tolist() == of_everybody.tolist()


def test_an_interview_with_a_country_predicts_as_for_people_there(gaussian: Gaussian) -> None:
    said = {}
    for country in (VALLEY, HILLS):
        interview = Interview(gaussian, Session("garden", country=country), ["P1", "A1"])
        for option in (0, 0):  # likes roses, and wants no hedgehogs
            question = interview.next_question()
            assert question is not None
            interview.answer(question, option)
        said[country] = {one.question: one for one in interview.predicted()}["N3"]
    options = gaussian.survey_.question("N3").polar
    assert said[VALLEY].statement == options[0].statement, "there, N3 follows roses"
    assert said[HILLS].statement == options[1].statement, "there, it follows hedgehogs"
    assert min(said[VALLEY].probability, said[HILLS].probability) > 0.65


def test_an_interview_on_a_list_asks_its_questions_in_order_and_no_others(gaussian: Gaussian) -> None:
    interview = Interview(gaussian, Session("garden"), ["N2", "P4", "A3"])
    asked = []
    while (question := interview.next_question()) is not None:
        asked.append(gaussian.survey_.questions[question].id)
        interview.answer(question, None if asked[-1] == "P4" else 0)
    assert asked == ["N2", "P4", "A3"]
    assert interview.back()
    assert interview.next_question() == gaussian.survey_.positions["A3"]


def test_the_country_is_kept_with_the_answers(garden: Survey, tmp_path: Path) -> None:
    Session("garden", country=HILLS).save(tmp_path / "mine.json")
    assert load_session(tmp_path / "mine.json", garden).country == HILLS
    (tmp_path / "mine.json").write_text(json.dumps({"survey": "garden", "turns": []}))
    assert load_session(tmp_path / "mine.json", garden).country is None, "an interview of before there were countries"


# Names of countries


def test_a_country_is_named_in_any_case(regional: People) -> None:
    assert countries_in(regional) == [HILLS, ISLAND, VALLEY]
    assert country_named(regional, " valley") == VALLEY


def test_a_country_that_cannot_be_is_refused_with_what_to_do(regional: People, gaussian: Gaussian) -> None:
    with pytest.raises(IndievalueError, match=r"nobody in the data is from 'Vally'.*did you mean 'Valley'\?"):
        country_named(regional, "Vally")
    with pytest.raises(IndievalueError, match="nobody in the data is from 'Moon'; there are Hills, Island, Valley"):
        country_named(regional, "Moon")
    few = regional.take([*np.flatnonzero(regional.demographics["region"].to_numpy() != HILLS), 0])
    names = few.demographics["region"].to_list()
    names[-1] = HILLS
    few = replace(few, demographics=few.demographics.with_columns(region=pl.Series(names)))
    with pytest.raises(IndievalueError, match=r"the data has 1 person from Hills.*50 or more; leave the country out"):
        country_named(few, HILLS)
    nowhere = replace(regional, survey=replace(regional.survey, country=None))
    with pytest.raises(IndievalueError, match=r"does not say which demographic is the country"):
        country_named(nowhere, VALLEY)
    with pytest.raises(IndievalueError, match=r"no model of country 'Vally'.*did you mean 'Valley'\?"):
        gaussian.answers_in("Vally")


def test_where_everybody_is_from_one_country_its_model_is_that_of_everybody(regional: People) -> None:
    alike = regional.take(np.flatnonzero(regional.demographics["region"].to_numpy() == VALLEY))
    fitted = Gaussian().fit(alike, "polar", "refined")
    assert country_named(alike, VALLEY) == VALLEY
    assert (fitted.answers_in(VALLEY).joint.mean == fitted.answers_.joint.mean).all()


def test_a_survey_without_a_country_has_a_list_for_everybody(regional: People) -> None:
    nowhere = replace(regional, survey=replace(regional.survey, country=None))
    fitted = Gaussian().fit(nowhere, "polar", "refined")
    assert len(short_forms(fitted, nowhere, [None], 4)[None]) == 4
    assert fitted.countries_of(nowhere) == [None] * len(nowhere)
    assert Interview(fitted, Session("garden")).next_question() is not None


# Files of lists


def test_lists_are_written_and_read_by_country(
    gaussian: Gaussian, regional: People, garden: Survey, tmp_path: Path
) -> None:
    lists = short_forms(gaussian, regional, [None, VALLEY, HILLS], 3)
    write_lists(lists, garden, tmp_path / "lists.csv")
    rows = list(csv.DictReader((tmp_path / "lists.csv").open()))
    assert [row["country"] for row in rows] == ["", "", "", *[VALLEY] * 3, *[HILLS] * 3]
    assert b"\r" not in (tmp_path / "lists.csv").read_bytes()
    assert [row["place"] for row in rows[:3]] == ["1", "2", "3"]
    assert rows[0]["asks"] == garden.question(rows[0]["question"]).asks
    assert read_lists(tmp_path / "lists.csv", garden) == lists
    assert list_for(HILLS, lists, tmp_path / "lists.csv") == lists[HILLS]
    assert list_for(ISLAND, lists, tmp_path / "lists.csv") == lists[None], "it has no list of its own"


def test_a_list_can_be_written_by_hand(garden: Survey, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("question\nP3\nA1\n")
    assert read_lists(tmp_path / "mine.csv", garden) == {None: ["P3", "A1"]}


def test_the_lists_in_the_docs_are_of_the_shipped_survey(wvs7: Survey) -> None:
    lists = read_lists(ROOT / "docs" / "results" / "short-forms.csv", wvs7)
    assert len(lists) == 15, "everybody, and 14 countries"
    assert {len(questions) for questions in lists.values()} == {20}
    assert len({tuple(questions) for questions in lists.values()}) == 15


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("question\nP3\nA9\n", r"row 3: survey garden has no question 'A9'"),
        ("question\nP3\nP3\n", "row 3: P3 is on the list already"),
        ("name\nP3\n", "no column 'question'"),
        ("", "no column 'question'"),
        ("question\n", "has no question"),
        ('question\n"P3\n', "is no list of questions"),
    ],
)
def test_a_file_that_is_no_list_is_refused(garden: Survey, tmp_path: Path, content: str, complaint: str) -> None:
    (tmp_path / "list.csv").write_text(content)
    with pytest.raises(IndievalueError, match=complaint):
        read_lists(tmp_path / "list.csv", garden)


def test_a_file_without_a_list_for_somebody_says_which_it_has() -> None:
    with pytest.raises(
        IndievalueError, match=r"mine.csv has lists for Valley, and none for everybody; give the country"
    ):
        list_for(None, {VALLEY: ["P3"]}, Path("mine.csv"))
    with pytest.raises(IndievalueError, match="it has none for Hills"):
        list_for(HILLS, {VALLEY: ["P3"]}, Path("mine.csv"))


def test_a_list_has_no_question_that_nobody_in_the_country_was_asked(garden: Survey) -> None:
    table = regional_answers(900).with_columns(P2=pl.when(REGION=3).then(-4).otherwise(pl.col("P2")))
    people = decode(table, garden, "garden.csv", "")
    fitted = Gaussian().fit(people, "polar", "refined")
    assert "P2" not in short_forms(fitted, people, [ISLAND], 9)[ISLAND]
    assert "P2" in short_forms(fitted, people, [VALLEY], 10)[VALLEY]
    with pytest.raises(IndievalueError, match="9 questions of garden were asked in Island, and not 10"):
        short_forms(fitted, people, [ISLAND], 10)


def test_a_list_is_no_longer_than_the_survey(gaussian: Gaussian, regional: People) -> None:
    with pytest.raises(IndievalueError, match="10 questions of garden were asked in the data, and not 11"):
        short_forms(gaussian, regional, [None], 11)


# The network of a list


def test_the_network_learns_what_depends_on_several_answers(
    regional: People, strangers: People, garden: Survey
) -> None:
    """N3 follows P1 or A1, depending on N1, which no sum of the answers tells."""
    benchmark = _asking(strangers, ["N3"], ["P1", "A1", "N1"])
    ((setup, task),) = benchmark.tasks()
    told = np.isin(strangers.demographics["region"].to_numpy(), [VALLEY, HILLS])
    network = ListNetwork(["P1", "A1", "N1"]).fit(regional, "polar", "refined")
    right = network.predict(task).choice == benchmark.answers(setup)
    assert right[told].mean() > 0.95
    assert 0.3 < right[~told].mean() < 0.7


def test_the_network_gives_probabilities_of_every_other_question(
    regional: People, strangers: People, garden: Survey
) -> None:
    others = [question.id for question in garden.questions if question.id not in ("P1", "A1")]
    ((_, task),) = _asking(strangers, [*others, "A1"], ["P1"]).tasks()
    network = ListNetwork(["A1", "P1"]).fit(regional, "polar", "refined")
    probabilities = network.predict(task).probabilities
    assert probabilities is not None
    assert probabilities.sum(axis=2) == pytest.approx(1, abs=1e-5)
    assert (probabilities[:, np.arange(3)[None] >= task.counts[:, None]] == 0).all()
    assert probabilities[:, -1, :2] == pytest.approx(np.tile(network.rates_[garden.positions["A1"], :2], (200, 1)))


def test_the_network_takes_a_missing_answer(garden: Survey, regional: People) -> None:
    table = regional_answers(40, seed=6).with_columns(P1=pl.lit(-1))
    ((_, task),) = _asking(decode(table, garden, "garden.csv", ""), ["N3"], ["P1", "A1", "N1"]).tasks()
    said = ListNetwork(["P1", "A1", "N1"]).fit(regional, "polar", "refined").predict(task)
    assert (said.choice >= 0).all()


def test_the_network_does_not_depend_on_the_order_of_people(regional: People, strangers: People) -> None:
    ((_, task),) = _asking(strangers, ["N3", "P2"], ["P1", "A1"]).tasks()
    some = regional.take(range(300))
    one, other = (
        ListNetwork(["P1", "A1"]).fit(people, "refined", "refined").predict(replace(task, form="refined"))
        for people in (some, some.take(range(299, -1, -1)))
    )
    assert (one.probabilities == other.probabilities).all()


def test_the_network_refuses_what_it_cannot_use(regional: People, strangers: People) -> None:
    ((_, task),) = _asking(strangers, ["N3"], ["P1", "P2"]).tasks()
    with pytest.raises(IndievalueError, match="P2 is not on it"):
        ListNetwork(["P1"]).fit(regional.take(range(100)), "polar", "refined").predict(task)
    with pytest.raises(IndievalueError, match="no question 'Z1'"):
        ListNetwork(["Z1"]).fit(regional)
    for wrong in ([], ["P1", "P1"]):
        with pytest.raises(IndievalueError, match="one question or more, and none of them twice"):
            ListNetwork(wrong)


def test_the_gradient_is_that_of_the_mean_log_loss() -> None:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(9, 4)).astype(np.float32)
    answers = np.stack([rng.integers(-1, 2, 9), rng.integers(-1, 3, 9), rng.integers(-1, 2, 9)], axis=1).astype(np.int8)
    network = Perceptron(PerceptronOptions(hidden=5, epochs=1, dropout=0))
    network.fit(inputs, answers, np.array([2, 3, 2]))
    exact = {name: value.astype(np.float64) for name, value in network.parameters_.items()}
    exact["bias 1"] += 0.3  # so that no unit is at its kink
    network.parameters_ = exact  # type: ignore[assignment]
    sorted_answers = answers[:, network.order_]

    def loss() -> float:
        given = network.probabilities(inputs)
        person, question = np.nonzero(answers >= 0)
        return float(-np.log(given[person, question, answers[person, question]]).sum() / len(inputs))

    for name, gradient in network._gradients(inputs, sorted_answers, rng).items():
        value = exact[name]
        for at in (0, value.size // 2, value.size - 1):
            before, step = value.flat[at], 1e-3
            value.flat[at] = before + step
            above = loss()
            value.flat[at] = before - step
            below = loss()
            value.flat[at] = before
            assert gradient.flat[at] == pytest.approx((above - below) / (2 * step), abs=5e-4), name


# The commands


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    regional_answers(600).write_csv("garden.csv")
    return tmp_path


def _run(command: str, *options: str, typed: str = "") -> Result:
    return CliRunner().invoke(
        app, [command, "garden.csv", "--survey", str(GARDEN), *options], input=typed, env={"COLUMNS": "200"}
    )


def test_short_form_prints_and_saves_a_list_for_a_country(folder: Path) -> None:
    done = _run("short-form", "--country", "valley", "--questions", "4", "--out", "valley.csv")
    assert done.exit_code == 0, done.output
    rows = list(csv.DictReader((folder / "valley.csv").open()))
    assert [row["country"] for row in rows] == [VALLEY] * 4
    for row in rows:
        assert f"{row['place']} {row['question']}  {row['asks']}" in done.output
    again = _run("short-form", "--out", "valley.csv")
    assert isinstance(again.exception, IndievalueError)
    assert "give --force to replace it" in str(again.exception)


def test_short_form_makes_a_list_for_everybody_and_for_each_country(folder: Path) -> None:
    assert _run("short-form", "--each-country", "--questions", "3", "--out", "all.csv").exit_code == 0
    rows = list(csv.DictReader((folder / "all.csv").open()))
    assert [row["country"] for row in rows[::3]] == ["", HILLS, ISLAND, VALLEY]
    assert _run("short-form", "--each-country", "--country", VALLEY).exit_code == 2
    assert _run("short-form", "--out", "all.txt").exit_code == 2
    assert "did you mean 'Valley'" in str(_run("short-form", "--country", "Valey").exception)


def test_elicit_asks_the_list_of_the_country_and_predicts_as_for_people_there(folder: Path) -> None:
    (folder / "lists.csv").write_text("country,question\n,P2\nValley,P1\nValley,A1\n")
    done = _run("elicit", "--country", "valley", "--list", "lists.csv", typed="1\n1\n")
    assert done.exit_code == 0, done.output
    kept = json.loads((folder / "my-answers.json").read_text())
    assert kept["country"] == VALLEY
    assert [turn["question"] for turn in kept["turns"]] == ["P1", "A1"]
    assert "Question 2 of 2" in done.output
    assert "What your answers predict" in done.output
    assert "a network trained on" not in done.output
    other = _run("elicit", "--new", "--country", HILLS, "--list", "lists.csv", typed="1\n")
    assert "lists.csv has no list for Hills: the one for everybody is asked" in other.output


def test_elicit_on_a_list_without_a_country_predicts_by_a_network_of_its_questions(folder: Path) -> None:
    (folder / "list.csv").write_text("question\nP1\nP4\nA1\n")
    done = _run("elicit", "--list", "list.csv", typed="1\ns\n1\n")
    assert done.exit_code == 0, done.output
    assert "a network trained on what 600 people answered to these 2 questions" in done.output, "one was skipped"
    assert "What your answers predict" in done.output
    assert _run("elicit", "--list", "list.csv", "--questions", "3").exit_code == 2


def test_elicit_goes_on_with_the_country_it_began_with(folder: Path) -> None:
    assert _run("elicit", "--country", VALLEY, "--questions", "2", typed="1\nq\n").exit_code == 0
    went_on = _run("elicit", "--questions", "2", "--continue", typed="1\n")
    assert went_on.exit_code == 0, went_on.output
    assert "Country: Valley, as in my-answers.json" in went_on.output
    assert json.loads((folder / "my-answers.json").read_text())["country"] == VALLEY
    other = _run("elicit", "--country", HILLS, "--continue")
    assert "somebody from Valley, and --country says Hills" in str(other.exception)
    (folder / "list.csv").write_text("question\nN2\n")
    listed = _run("elicit", "--list", "list.csv", "--continue")
    assert "which is not on the list in list.csv" in str(listed.exception)
    unknown = _run("elicit", "--new", "--country", "Vally")
    assert "did you mean 'Valley'" in str(unknown.exception)
