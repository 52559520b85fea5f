"""Progress: durations in words, lines now and then where nobody watches, and one line on a terminal."""

import sys
from collections.abc import Iterator

import pytest
from rich.console import Console

from indievalue import progress
from indievalue.cli import model_options
from indievalue.predictors.local.progress import ReadingProgress
from indievalue.predictors.masked.progress import say_how_long
from indievalue.progress import duration


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which tests set."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "1 s"),
        (89.4, "89 s"),
        (90, "2 min"),
        (3569, "59 min"),
        (3571, "1 h"),
        (5320, "1 h 29 min"),
        (47 * 3600, "47 h"),
        (50 * 3600, "2 days 2 h"),
        (72 * 3600, "3 days"),
    ],
)
def test_durations_are_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_line_now_and_then_where_nobody_watches(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with progress.progress("reading", 100, "prompts") as shown:
        for step in range(1, 101):
            clock[0] = step * 4.0
            shown.advance()
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "reading: 8 of 100 prompts, about 6 min left"
    assert len(lines) == 12  # every 32 s of 400, and none when it is done


def test_what_is_quick_says_nothing(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with progress.progress("reading", 100, "prompts") as shown:
        for step in range(1, 101):
            clock[0] = step * 0.04
            shown.advance()
    assert capsys.readouterr().err == ""


def test_steps_known_before_do_not_count_in_the_estimate(clock: list[float]) -> None:
    with progress.progress("reading", 100, "prompts") as shown:
        shown.advance(50, known=True)
        assert shown.line() == "50 of 100 prompts"
        clock[0] = 60.0
        shown.advance(10)
        assert shown.line() == "60 of 100 prompts, about 4 min left"


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    return


def test_on_a_terminal_one_line_is_updated_and_then_removed(
    terminal: None, clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with progress.progress("reading \x1b[31m", 10, "prompts") as shown:
        for step in range(1, 8):
            clock[0] = step * 2.0
            shown.advance()
    said = capsys.readouterr().err
    assert "\x1b[31m" not in said
    assert said.count("\n") <= 1


def test_prompts_are_counted_while_a_person_is_read(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    reading = ReadingProgress(2)
    for person in range(2):
        reading.begin(40)
        for quarter in range(4):
            clock[0] = 100.0 * person + 25.0 * (quarter + 1)
            reading.read(0.25)
        reading.end(known=False)
    reading.stop()
    assert capsys.readouterr().err.splitlines() == [
        "local: 20 of 80 prompts, about 2 min left",  # 150 s
        "local: 40 of 80 prompts, about 2 min left",
        "local: 60 of 80 prompts, about 50 s left",
    ]


def test_a_long_training_is_announced_with_the_alternative(capsys: pytest.CaptureFixture[str]) -> None:
    say_how_long(20, 2.9)
    assert capsys.readouterr().err == ""
    say_how_long(40, 30)
    said = capsys.readouterr().err
    assert "training 40 epochs will take about 20 min on this data and machine" in said
    assert "`gaussian` takes seconds" in said


def test_calls_of_a_chat_model_say_how_long_the_rest_takes(
    clock: list[float], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(model_options, "notes", Console(stderr=True, highlight=False))
    asked = model_options.AskedProgress()
    for number in range(1, 101):
        clock[0] = 6.0 * number
        asked(number, 100)
    clock[0] = 1000.0
    asked(10, 20)  # the next model
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "10 of 100 asked, about 9 min left"
    assert lines[8] == "90 of 100 asked, about 60 s left"
    assert lines[9] == "100 of 100 asked"
    assert lines[10] == "10 of 20 asked"
