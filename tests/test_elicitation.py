"""Choosing what to ask, and the interview."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from conftest import GARDEN, garden_answers
from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Settings
from indievalue.elicitation.beliefs import Beliefs
from indievalue.elicitation.interview import Interview
from indievalue.elicitation.session import Session, load_session
from indievalue.elicitation.strategies import STRATEGIES, Strategy, best_list, elicited
from indievalue.errors import IndievalueError
from indievalue.people.decode import decode
from indievalue.people.people import People
from indievalue.predictors.gaussian import Gaussian
from indievalue.survey.survey import Survey


@pytest.fixture(scope="module")
def people(garden: Survey) -> People:
    return decode(garden_answers(1500, seed=8), garden, "garden.csv", "")


@pytest.fixture(scope="module")
def gaussian(people: People) -> Gaussian:
    return Gaussian().fit(people, "polar", "refined")


def test_beliefs_after_answers_are_the_conditional_distribution(gaussian: Gaussian) -> None:
    starts = gaussian.survey_.form("refined").starts
    beliefs = Beliefs.prior(gaussian, np.ones(10)).after(0, 2).after(4, 3)
    shown = np.full((1, 10), -1, np.int8)
    shown[0, [0, 4]] = 2, 3
    values = gaussian.survey_.form("refined").one_hot(shown)
    known = np.repeat(shown >= 0, np.diff(starts), axis=1)
    weights, _ = gaussian.answers_.condition(values, known, ~known)
    expected = gaussian.answers_.mean + weights @ gaussian.answers_.covariance
    assert beliefs.mean[~known[0]] == pytest.approx(expected[0, ~known[0]])


def test_the_gain_of_a_question_is_the_variance_its_answer_is_expected_to_take_away(gaussian: Gaussian) -> None:
    weights = np.zeros(10)
    weights[8] = 1  # only N2 is to be predicted
    beliefs = Beliefs.prior(gaussian, weights)
    p, at = beliefs.probabilities(1), slice(4, 8)  # P2 and its refined options
    regression = np.linalg.solve(beliefs.covariance[at, at] + beliefs.ridge * np.eye(4), beliefs.onto[at])
    moved = [((np.eye(4)[option] - p) @ regression) ** 2 for option in range(4)]
    expected = sum(share * move.sum() for share, move in zip(p, moved, strict=True))
    assert beliefs.gains(np.array([1]))[0] == pytest.approx(expected)
    assert beliefs.gains(np.array([8]))[0] == 0  # asking for what is to be predicted is no predicting


def test_the_best_list_starts_with_what_says_most(gaussian: Gaussian) -> None:
    chosen = best_list(gaussian, np.ones(10), np.ones(10, bool), 10)
    assert sorted(chosen) == list(range(10))
    names = [gaussian.survey_.questions[at].id for at in chosen]
    assert set(names[-3:]) & {"N1", "N3"}  # these two are made at random and say nothing
    assert names[0] in {"P1", "P2", "P3", "P4", "A1", "A2", "A3"}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_strategy_asks_a_probe_or_twice(people: People, gaussian: Gaussian, strategy: Strategy) -> None:
    benchmark = build_benchmark(people, Settings(demonstrations_as="refined"), 15)
    chosen = elicited(benchmark, gaussian, strategy, 4, say=lambda _: None)
    for setup in chosen.setups:
        assert setup.demonstrations.shape == (15, 4)
        assert not np.isin(setup.demonstrations, setup.probes).any()
        assert all(len(set(row)) == 4 for row in setup.demonstrations.tolist())


def test_a_question_that_a_person_did_not_answer_is_passed_over(garden: Survey, gaussian: Gaussian) -> None:
    table = garden_answers(30)
    table = table.with_columns(table["P2"].scatter(0, -1))
    people = decode(table, garden, "garden.csv", "")
    benchmark = build_benchmark(people, Settings(setups=(0,), demonstrations_as="refined"), people.ids.tolist())
    for strategy in STRATEGIES:
        asked = elicited(benchmark, gaussian, strategy, 7, say=lambda _: None).setups[0].demonstrations
        assert garden.positions["P2"] not in asked[0]
        assert (asked[0] == -1).sum() == 1


def test_an_interview_answers_skips_goes_back_and_is_continued(
    gaussian: Gaussian, people: People, tmp_path: Path
) -> None:
    interview = Interview(gaussian, Session("garden"))
    first = interview.next_question()
    assert first is not None
    interview.answer(first, 1)
    second = interview.next_question()
    assert second not in (None, first)
    interview.answer(second or 0, None)
    assert interview.session.answered == 1
    assert interview.back()
    assert interview.next_question() == second
    interview.session.save(tmp_path / "mine.json")
    again = Interview(gaussian, load_session(tmp_path / "mine.json", gaussian.survey_))
    assert again.next_question() == second
    assert again.session == interview.session
    assert len(again.predicted(5)) == 5
    assert again.surprises()[0].question == gaussian.survey_.questions[first].id
    assert all(group.among_alike >= group.among_all for group in again.alike(people, 1))
    assert interview.back()
    assert not interview.back()


def _turn(question: str, **changes: object) -> dict[str, object]:
    return {"question": question, "option": 0, "statement": None, "probability": None, **changes}


def test_a_file_that_is_no_session_is_refused(garden: Survey, tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    for content, complaint in [
        ("nonsense", "no interview that can be continued"),
        (json.dumps({"survey": "wvs7", "turns": []}), "an interview on survey 'wvs7'"),
        (
            json.dumps(
                {
                    "survey": "garden",
                    "turns": [{"question": "P1", "option": 9, "statement": None, "probability": None}],
                }
            ),
            "P1 has no option 9",
        ),
        ("[" * 100_000, "no interview that can be continued"),
        (json.dumps([]), "no interview that can be continued"),
        (json.dumps({"survey": "garden"}), "'turns' is missing"),
        (json.dumps({"survey": "garden", "turns": [{"question": "P1"}]}), "'turns.0.option' is missing"),
        (json.dumps({"survey": "garden", "turns": [_turn("P1", option="first")]}), r"turns\.0\.option"),
        (json.dumps({"survey": "garden", "turns": [_turn("P1", option=-1)]}), "P1 has no option -1"),
        (json.dumps({"survey": "garden", "turns": [_turn("P1"), _turn("P1")]}), "P1 is answered twice"),
        (json.dumps({"survey": "garden", "turns": [_turn("P1", probability=2)]}), "probability of P1 is 2.0"),
        (
            json.dumps({"survey": "garden", "turns": [_turn("P1", probability=float("nan"))]}),
            "probability of P1 is nan",
        ),
        (json.dumps({"survey": "garden", "turns": [_turn("Z9")]}), "no question 'Z9'"),
    ]:
        file.write_text(content)
        with pytest.raises(IndievalueError, match=complaint):
            load_session(file, garden)


def test_elicit_in_the_terminal(tmp_path: Path) -> None:
    garden_answers(400).write_csv(tmp_path / "garden.csv")
    command = [sys.executable, "-c", "from indievalue.cli import main; main()", "elicit", str(tmp_path / "garden.csv")]
    command += ["--survey", str(GARDEN), "--answers", str(tmp_path / "mine.json"), "--questions", "3"]

    def hold(typed: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, input=typed, capture_output=True, text=True, timeout=120)

    stopped = hold("2\nnine\nq\n")
    assert stopped.returncode == 0, stopped.stderr
    assert "answers so far (1) are saved" in stopped.stderr
    assert "s, b or q" in stopped.stdout  # what 'nine' is answered with
    finished = hold("1\n2\n")
    assert "with 1 answered so far" in " ".join(finished.stderr.split())
    assert "What your answers predict" in finished.stdout
    assert "What surprised it" in finished.stdout
    assert len(json.loads((tmp_path / "mine.json").read_text())["turns"]) == 3


def test_nobody_but_their_owner_reads_the_answers_of_an_interview(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    Session("garden").save(file)
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o644)
    Session("garden").save(file)
    assert file.stat().st_mode & 0o777 == 0o600
