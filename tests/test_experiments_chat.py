"""Experiments on chat models: the price first, each distinct prompt once over the whole grid, and on after a kill."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import polars as pl
import pytest

from commands import PROGRAM, run_apart, run_here
from conftest import GARDEN, garden_answers
from indievalue.experiments.run import Expected, run_experiment
from indievalue.experiments.spec import Experiment, load_experiment
from indievalue.people.people import People
from indievalue.predictors.asking import AskingOptions
from indievalue.prompts.prompt import PromptStyle
from loopback import Loopback, serving

pytest.importorskip("inspect_ai", reason="Inspect AI is not installed")

MODEL = "openai-api/loopback/parrot"
PAPER = ["demographics-or-statements", "models-by-category", "demonstrations-curve", "inequity", "category-transfer"]


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INDIEVALUE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LOOPBACK_API_KEY", "none")


def letter(prompt: str) -> str:
    return "AB"[sum(map(ord, prompt)) % 2]


def asking(loopback: Loopback, **more: object) -> AskingOptions:
    generate = {"max_connections": 4, "max_retries": 2, "timeout": 60}
    return AskingOptions(generate=generate, base_url=loopback.url, display="none", **more)  # type: ignore[arg-type]


def on_the_model(name: str, *more: str) -> Experiment:
    experiment = load_experiment(name).model_copy(update={"predictors": (MODEL, *more), "minimum": 2})
    settings = {"demonstrations": 4} if "demonstrations" not in experiment.grid else {}
    return experiment.model_copy(update={"settings": {**experiment.settings, **settings}})


@pytest.mark.parametrize("name", [PAPER[0], *(pytest.param(name, marks=pytest.mark.slow) for name in PAPER[1:])])
def test_the_papers_experiments_run_on_a_chat_model(gardeners: People, tmp_path: Path, name: str) -> None:
    """The number of calls is that of distinct prompts, which is what was reported before anything was asked."""
    lines: list[str] = []
    expected: list[Expected] = []

    def start(one: Expected) -> bool:
        assert not loopback.calls, "nothing is asked before the cost is known"
        expected.append(one)
        return True

    with serving(Loopback(letter)) as loopback:
        how = asking(loopback, price=(100.0, 10.0))
        experiment = on_the_model(name, "majority")
        tested = 2 if name == PAPER[0] else 4  # it compares no groups
        assert run_experiment(
            experiment, gardeners, tmp_path / "out", tested=tested, asking=how, say=lines.append, start=start
        )
        assert set(loopback.calls.values()) == {1}
    cost = expected[0].costs[MODEL]
    assert cost.calls == len(loopback.calls)
    assert cost.stored == 0
    assert f"{MODEL}: {cost.calls:,} calls, about {cost.input_tokens:,} input and" in "\n".join(lines)
    for file in ("table.csv", "table.md", "table.tex", "figure.png", "results.md"):
        assert (tmp_path / "out" / file).stat().st_size
    assert MODEL in (tmp_path / "out" / "table.md").read_text()


def test_a_prompt_of_two_cells_is_paid_for_once(gardeners: People, tmp_path: Path) -> None:
    """With all four statements or with 10 of four, a person's prompt is the same."""
    experiment = load_experiment("demonstrations-curve").model_copy(
        update={"predictors": (MODEL,), "grid": {"demonstrations": (0, 2, 200, "all")}, "compare": ()}
    )
    with serving(Loopback(letter)) as loopback:
        run_experiment(experiment, gardeners, tmp_path / "out", tested=3, asking=asking(loopback))
        assert set(loopback.calls.values()) == {1}
    efforts = [json.loads(file.read_text())["effort"] for file in (tmp_path / "out" / "cells").glob("*/cell.json")]
    assert sum(effort["calls"] - effort["kept"] for effort in efforts) == len(loopback.calls)
    assert sum(effort["calls"] for effort in efforts) > len(loopback.calls)


def test_how_a_model_is_asked_is_part_of_its_cells_and_of_no_others(gardeners: People, tmp_path: Path) -> None:
    experiment = on_the_model("demonstrations-curve", "majority").model_copy(
        update={"grid": {"demonstrations": (2,)}, "compare": ()}
    )
    with serving(Loopback(letter)) as loopback:
        run_experiment(experiment, gardeners, tmp_path / "out", tested=3, asking=asking(loopback))
        lines: list[str] = []
        run_experiment(experiment, gardeners, tmp_path / "out", tested=3, asking=asking(loopback), say=lines.append)
        assert "2 finished already, none left" in "\n".join(lines)
        with pytest.raises(Exception, match="was computed with other asking than requested"):
            run_experiment(
                experiment,
                gardeners,
                tmp_path / "out",
                tested=3,
                asking=asking(loopback, style=PromptStyle(voice="third")),
            )
    cells = {json.loads(file.read_text())["predictor"]: file for file in tmp_path.glob("out/cells/*/cell.json")}
    assert json.loads(cells[MODEL].read_text())["asking"] == {"base_url": loopback.url}
    assert "asking" not in json.loads(cells["majority"].read_text())
    assert list(cells[MODEL].parent.glob("inspect/*.eval"))


# --- the command ------------------------------------------------------------------------------------------


def command(tmp_path: Path, url: str, *more: str) -> list[str]:
    garden_answers(60).write_csv(tmp_path / "garden.csv")
    options = ["--survey", str(GARDEN), "--people", "3", "--out", str(tmp_path / "out"), "--base-url", url]
    options += ["--generate", "max_connections=2", "--predictor", MODEL]
    return ["experiment", "demonstrations-curve", str(tmp_path / "garden.csv"), *options, *more]


def test_a_dry_run_reports_calls_and_price_and_asks_nothing(tmp_path: Path) -> None:
    with serving(Loopback(letter)) as loopback:
        done = run_here(*command(tmp_path, loopback.url, "--dry-run", "--price", "2.5,10"))
    assert done.returncode == 0, done.stderr
    assert "calls, about" in done.stderr
    assert "about $0.0" in done.stderr
    assert not loopback.calls


@pytest.mark.slow
def test_a_limit_stops_the_grid_and_can_be_raised(tmp_path: Path) -> None:
    with serving(Loopback(letter)) as loopback:
        stopped = run_apart(*command(tmp_path, loopback.url, "--price", "1000,0", "--limit-cost", "0.5"))
        assert stopped.returncode == 1
        assert "of --limit-cost; all answers are stored" in stopped.stderr
        before = sum(loopback.calls.values())
        done = run_apart(*command(tmp_path, loopback.url, "--price", "1000,0"))
    assert done.returncode == 0, done.stderr
    assert 0 < before < sum(loopback.calls.values())
    assert set(loopback.calls.values()) == {1}
    page = (tmp_path / "out" / "results.md").read_text()
    assert f"--predictor {MODEL}" in page
    assert f"--base-url {loopback.url}" in page


@pytest.mark.slow
def test_a_grid_that_is_killed_goes_on_without_asking_again(tmp_path: Path) -> None:
    with serving(Loopback(letter)) as loopback:
        assert run_apart(*command(tmp_path, loopback.url)).returncode == 0
        needed = len(loopback.calls)
        (tmp_path / "out").rename(tmp_path / "whole")
    (tmp_path / "cache").rename(tmp_path / "earlier")
    with serving(Loopback(letter, delay=0.03)) as loopback:
        for share in (0.3, 0.7):
            process = subprocess.Popen(
                [*PROGRAM, *command(tmp_path, loopback.url)],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ},
            )
            deadline = time.monotonic() + 120
            while len(loopback.answered) < share * needed and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.005)
            process.send_signal(signal.SIGKILL)
            process.wait(timeout=60)
        assert run_apart(*command(tmp_path, loopback.url)).returncode == 0
    assert needed <= sum(loopback.calls.values()) <= needed + 2 * 2  # at most 2 calls were under way at each kill
    one, two = (pl.read_csv(tmp_path / name / "table.csv") for name in ("whole", "out"))
    assert one.equals(two)
