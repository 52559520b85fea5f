"""Choosing what to ask, and the interview."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from commands import PROGRAM, run_apart, run_here
from conftest import GARDEN, garden_answers
from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Settings
from indievalue.elicitation.interview import Interview
from indievalue.elicitation.session import Session, load_session
from indievalue.elicitation.strategies import STRATEGIES, Strategy, elicited
from indievalue.errors import IndievalueError
from indievalue.files import only_writer
from indievalue.people.decode import decode
from indievalue.people.people import People
from indievalue.predictors.beliefs import Beliefs
from indievalue.predictors.gaussian import Gaussian
from indievalue.predictors.ranking import best_list
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
    joint = gaussian.answers_.joint
    expected = joint.mean + joint.condition(values, known, ~known).weights @ joint.covariance
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


def _words(folder: Path, *options: str) -> list[str]:
    garden_answers(400).write_csv(folder / "garden.csv")
    start = ["elicit", str(folder / "garden.csv"), "--survey", str(GARDEN)]
    return [*start, "--answers", str(folder / "mine.json"), "--questions", "3", *options]


def _command(folder: Path) -> list[str]:
    return [*PROGRAM, *_words(folder)]


def _hold(folder: Path, typed: str, *options: str) -> subprocess.CompletedProcess[str]:
    return run_here(*_words(folder, *options), typed=typed)


def _turns(file: Path) -> list[dict[str, object]]:
    return list(json.loads(file.read_text())["turns"])


def test_elicit_in_the_terminal(tmp_path: Path) -> None:
    stopped = _hold(tmp_path, "2\nnine\nq\n")
    assert stopped.returncode == 0, stopped.stderr
    assert "answers so far (1) are kept" in stopped.stderr
    assert "--continue" in stopped.stderr
    assert "s, b or q" in stopped.stdout  # what 'nine' is answered with
    finished = _hold(tmp_path, "1\n2\n", "--continue")
    assert "Continuing the interview" in finished.stderr
    assert "1 answer so far" in " ".join(finished.stderr.split())
    for heading in ("What your answers predict", "Who answers like you", "Your most surprising answers"):
        assert heading in finished.stdout
    assert len(_turns(tmp_path / "mine.json")) == 3


def test_a_second_person_does_not_go_on_with_the_first_one_s_answers(tmp_path: Path) -> None:
    assert _hold(tmp_path, "2\nq\n").returncode == 0
    first = (tmp_path / "mine.json").read_text()
    refused = _hold(tmp_path, "1\nq\n")
    assert refused.returncode == 1
    assert "holds the answers of an interview already" in refused.stderr
    assert "--continue" in refused.stderr
    assert "--new" in refused.stderr
    assert (tmp_path / "mine.json").read_text() == first
    looked = _hold(tmp_path, "q\n", "--new")
    assert looked.returncode == 0, looked.stderr
    assert (tmp_path / "mine.json").read_text() == first, "nothing was answered, so nothing is renamed"
    for number in (1, 2):
        before = (tmp_path / "mine.json").read_text()
        other = _hold(tmp_path, "1\n1\nq\n", "--new")
        assert other.returncode == 0, other.stderr
        assert len(_turns(tmp_path / "mine.json")) == 2
        assert (tmp_path / f"mine-{number}.json").read_text() == before
    assert (tmp_path / "mine-1.json").read_text() == first
    assert _hold(tmp_path, "", "--new", "--continue").returncode == 2


@pytest.mark.parametrize(("typed", "turns", "kept"), [("c", 2, False), ("n", 1, True)])
def test_at_a_terminal_it_asks_whose_answers_they_are(tmp_path: Path, typed: str, turns: int, kept: bool) -> None:
    pty = pytest.importorskip("pty")
    assert _hold(tmp_path, "2\nq\n").returncode == 0
    main, other = pty.openpty()
    with subprocess.Popen(
        _command(tmp_path), stdin=other, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        os.close(other)
        os.write(main, f"what?\n{typed}\n1\nq\n".encode())
        shown, said = process.communicate(timeout=120)
        os.close(main)
    assert process.returncode == 0, said
    assert "holds the answers of an earlier interview, last changed on" in " ".join(said.split())
    assert "Type continue or new" in said
    assert len(_turns(tmp_path / "mine.json")) == turns
    assert (tmp_path / "mine-1.json").exists() is kept
    assert f"Question {turns} of 3" in shown


def test_ctrl_c_keeps_the_answers_and_says_how_to_go_on(tmp_path: Path) -> None:
    command = _command(tmp_path)
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        process.stdin.write("2\n")
        process.stdin.flush()
        until = time.monotonic() + 60
        while not (tmp_path / "mine.json").exists() and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in said
    assert "answers so far (1) are kept" in said
    assert "no partial files" not in said
    assert len(_turns(tmp_path / "mine.json")) == 1


def test_an_interview_is_held_once_at_a_time(tmp_path: Path) -> None:
    with only_writer(tmp_path / "mine.json", "--answers"):
        refused = run_apart(*_words(tmp_path))
    assert refused.returncode == 1
    assert f"another process is at work in {tmp_path / 'mine.json'} (process {os.getpid()} on " in refused.stderr
    assert "choose another --answers" in " ".join(refused.stderr.split())
    assert not (tmp_path / "mine.json").exists()
    assert not list(tmp_path.glob(".*"))


def test_nobody_but_their_owner_reads_the_answers_of_an_interview(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    Session("garden").save(file)
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o644)
    Session("garden").save(file)
    assert file.stat().st_mode & 0o777 == 0o600
