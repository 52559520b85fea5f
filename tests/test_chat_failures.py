"""What becomes of a run when a server misbehaves: an error is no answer, and what was answered is kept."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from commands import PROGRAM, run_apart, run_here
from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Benchmark, Settings
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.predictors.asking import AskingOptions
from indievalue.predictors.predictions import predict
from indievalue.predictors.protocol import Effort
from indievalue.runs.storage import load_run
from loopback import Fault, Loopback, Reply, choices, error, said, serving

pytest.importorskip("inspect_ai", reason="Inspect AI is not installed")

import inspect_ai
from inspect_ai.model import get_model

from indievalue.predictors.chat.predictor import ChatModel, _watch_retries
from indievalue.predictors.chat.quiet import PREFIX, QUIETLY, remove_stale
from indievalue.predictors.chat.solver import Ledger
from indievalue.predictors.chat.store import Store, StoredAnswer
from indievalue.predictors.chat.task import task_of

MODEL = "openai-api/loopback/parrot"


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INDIEVALUE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LOOPBACK_API_KEY", "none")
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))


@pytest.fixture
def benchmark(gardeners: People) -> Benchmark:
    """Six calls: three probes of each of two people."""
    return build_benchmark(gardeners, Settings(demonstrations=4, setups=(0,)), 2)


def asking(loopback: Loopback, **options: object) -> AskingOptions:
    generate = {"max_connections": 1, "max_retries": 1, "timeout": 20, "attempt_timeout": 15}
    return AskingOptions(generate=generate, base_url=loopback.url, display="none", **options)  # type: ignore[arg-type]


def asked(benchmark: Benchmark, options: AskingOptions) -> tuple[pl.DataFrame, Effort]:
    model = ChatModel(MODEL, options)
    table = predict(MODEL, model, benchmark)
    effort = model.effort()
    assert effort is not None
    return table, effort


@dataclass(frozen=True)
class Case:
    """A server's reply, what the error has to name, and whether the first such reply, sent so often, ends the run."""

    reply: Fault
    names: str
    final: bool = True
    sent: int = 1
    about_prompt: bool = False


ERRORS = {
    "temperature": Case(
        error(400, "Unsupported value: 'temperature' does not support 0.0 with this model.", "unsupported_value"),
        r"'temperature' does not support 0\.0 .*--generate temperature=null",
    ),
    "max_tokens": Case(
        error(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", "unsupported"),
        r"Use 'max_completion_tokens' instead.*--generate max_tokens=null",
    ),
    "logprobs": Case(
        error(400, "This model does not support logprobs."), "does not support logprobs.*--generate logprobs"
    ),
    "unknown model": Case(
        error(404, "The model `parrot` does not exist.", "model_not_found"), "does not exist.*name after PROVIDER/"
    ),
    "key": Case(
        error(401, "Incorrect API key provided.", "invalid_api_key"), "401: Incorrect API key.*check the API key"
    ),
    "forbidden": Case(error(403, "Your region is not supported."), "403: Your region.*check the API key"),
    "quota": Case(
        error(429, "You exceeded your current quota.", "insufficient_quota", "insufficient_quota"),
        "exceeded your current quota.*credit",
        sent=3,  # the provider's own client sends it three times
    ),
    "length": Case(
        error(400, "This model's maximum context length is 10 tokens.", "context_length_exceeded"),
        "maximum context length is 10 tokens.*fewer --demonstrations",
        about_prompt=True,
    ),
    "length, without a code": Case(
        error(400, "The prompt (total length 99) is too long; max_model_len is 10."),
        "is too long.*fewer --demonstrations",
        about_prompt=True,
    ),
    "payload": Case(Reply(413, "too large", "text/plain"), "413.*fewer --demonstrations", about_prompt=True),
    "filter": Case(
        error(400, "The response was filtered by the content management policy.", "content_filter"),
        "content management policy.*--skip-failed",
        about_prompt=True,
    ),
    "prompt echoed": Case(
        Reply(422, '{"detail": "Input should be shorter: PROMPT is wrong"}'), "422: Input should be shorter: …"
    ),
    "no choices": Case(choices([]), "no choices", final=False),
    "page": Case(
        Reply(200, "<html><head><style>p {}</style></head><body>Log in</body></html>", "text/html"),
        "a web page instead of an answer: .*Log in",
        final=False,
    ),
    "not JSON": Case(Reply(200, "Hello", "application/json"), "1 calls|6 calls", final=False),
    "500": Case("500", "500: broken", final=False),
    "503": Case(error(503, "Overloaded", None, "overloaded"), "503: Overloaded", final=False),
}


RETRIED = ("page", "not JSON", "503")
"""Errors that are sent again before they are final, which takes seconds; ``500`` stands for them in quick tests."""


@pytest.fixture(
    params=[
        pytest.param(case, id=name, marks=[pytest.mark.slow] if name in RETRIED else [])
        for name, case in ERRORS.items()
    ]
)
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


def test_a_servers_error_is_no_answer(case: Case, benchmark: Benchmark, capfd: pytest.CaptureFixture[str]) -> None:
    """The second of six calls fails: the first is kept, the error names the reason and nothing of the prompt."""
    with serving(Loopback(lambda prompt: "A")) as loopback:
        sound = asked(benchmark, asking(loopback))[0]
        prompts = list(loopback.calls)
    Store().path.rename(Store().path.with_suffix(".earlier"))
    with serving(
        Loopback(lambda prompt: "A", lambda prompt, _: case.reply if prompt == prompts[1] else None)
    ) as loopback:
        with pytest.raises(IndievalueError, match=case.names) as raised:
            asked(benchmark, asking(loopback))
        message = str(raised.value)
        assert not any(line in message for line in prompts[1].splitlines() if len(line) > 20)
        assert loopback.calls[prompts[1]] <= (case.sent if case.final else 6)
        answered = sum(loopback.answered.values())
        assert answered == len(Store()) <= (2 if case.final else 5)
        assert "the same command asks only for those that are missing" in message
        loopback.faults = lambda prompt, before: None
        table, effort = asked(benchmark, asking(loopback))
    assert table.equals(sound), "once the server is mended nothing is missing"
    assert effort.kept == answered, "and nothing that failed was kept"
    printed = "".join(capfd.readouterr())
    assert "Traceback" not in printed
    assert len(printed) < 500


def test_only_a_prompt_that_is_not_taken_can_be_skipped(case: Case, benchmark: Benchmark) -> None:
    with serving(Loopback(lambda prompt: "A")) as loopback:
        sound = asked(benchmark, asking(loopback))[0]
        prompts = list(loopback.calls)
    Store().path.unlink()
    with serving(
        Loopback(lambda prompt: "A", lambda prompt, _: case.reply if prompt == prompts[1] else None)
    ) as loopback:
        if not case.about_prompt:
            with pytest.raises(IndievalueError, match=case.names):
                asked(benchmark, asking(loopback, skip_failed=True))
            return
        table, effort = asked(benchmark, asking(loopback, skip_failed=True))
    assert (effort.unanswered, effort.invalid, len(table)) == (1, 0, len(sound) - 1)
    assert sound.join(table, on=["person", "question"], how="anti").height == 1


def test_a_run_in_which_nothing_is_answered_has_no_table(benchmark: Benchmark) -> None:
    with (
        serving(Loopback(str, lambda prompt, _: ERRORS["length"].reply)) as loopback,
        pytest.raises(IndievalueError, match="none of the 6 probes is answered"),
    ):
        asked(benchmark, asking(loopback, skip_failed=True))


INVALID = {
    "empty": (said(""), 4),
    "null": (said(None), 4),
    "cut off": (said("I think that the ans", "length"), 4),
    "refusal": (said(None, refusal="I cannot help with that."), 4),
    "filtered": (said("", "content_filter"), 1),
}
"""Answers that name no option, and how often the prompt is sent with three retries."""


@pytest.mark.parametrize(("reply", "sent"), INVALID.values(), ids=INVALID)
def test_an_answer_that_names_no_option_is_invalid_and_every_attempt_is_kept(
    benchmark: Benchmark, reply: Reply, sent: int
) -> None:
    with serving(Loopback(str, lambda prompt, _: reply)) as loopback:
        table, effort = asked(benchmark, asking(loopback))
        assert (table["choice"] == -1).all()
        assert effort.invalid == 6
        assert set(loopback.calls.values()) == {sent}
        assert len(Store()) == 6 * sent
        again, effort = asked(benchmark, asking(loopback))
        assert set(loopback.calls.values()) == {sent}, "nothing is paid for twice"
    assert again.equals(table)
    assert effort.kept == 6 * sent


def test_a_filtered_answer_is_asked_for_again_if_wanted(benchmark: Benchmark) -> None:
    filtered = INVALID["filtered"][0]
    with serving(Loopback(lambda prompt: "A", lambda prompt, before: None if before else filtered)) as loopback:
        table, effort = asked(benchmark, asking(loopback, retry_filtered=True))
        assert (table["choice"] == 0).all()
        assert effort.asked_again == 6
        assert len(Store()) == 12


def test_no_server_at_all_is_said_at_once(benchmark: Benchmark) -> None:
    with serving(Loopback(str)) as gone:
        pass
    with pytest.raises(IndievalueError, match=r"no server answers there.*--base-url"):
        asked(benchmark, asking(gone))


@pytest.mark.parametrize("name", ["openai/gpt-5-nano", "openai/parrot-9"])
def test_a_server_that_is_not_openais_is_asked_for_chat_completions(
    name: str, benchmark: Benchmark, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    with serving(Loopback(lambda prompt: "A")) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        table = predict(name, ChatModel(name, AskingOptions(display="none")), benchmark)
    assert (table["choice"] == 0).all()


def test_requests_that_are_sent_again_are_told_in_words_that_are_not_the_persons(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("indievalue.predictors.chat.predictor.BETWEEN_LINES", 0.0)
    model = get_model("mockllm/model", memoize=False)
    monkeypatch.setattr(model.api, "should_retry", lambda error: "busy" in str(error))
    _watch_retries(model, Ledger(AskingOptions()))
    assert model.api.should_retry(ConnectionError("too busy for my words"))
    assert not model.api.should_retry(ConnectionError("broken"))
    told = "mockllm/model: requests that failed and are sent again: 1; the last: the connection fails"
    assert capsys.readouterr().err == f"{told} (ConnectionError)\n"


def test_a_call_that_takes_too_long_has_no_answer(benchmark: Benchmark) -> None:
    with serving(Loopback(str, delay=5)) as loopback:
        generate = {"max_retries": 0, "attempt_timeout": 1, "max_connections": 8}
        options = AskingOptions(generate=generate, base_url=loopback.url, display="none")
        with pytest.raises(IndievalueError, match=r"6 calls have no answer.*[Tt]ime"):
            asked(benchmark, options)
    assert not len(Store())


def test_more_than_a_few_failures_stop_the_run(gardeners: People) -> None:
    many = build_benchmark(gardeners, Settings(demonstrations=4, setups=(0,)), 12)
    with (
        serving(Loopback(str, lambda prompt, _: choices([]))) as loopback,
        pytest.raises(IndievalueError, match="21 calls have no answer"),
    ):
        asked(many, asking(loopback))
    assert len(loopback.calls) == 21


# --- the command ------------------------------------------------------------------------------------------


@pytest.fixture
def garden_csv(tmp_path: Path, garden_table: pl.DataFrame) -> Path:
    garden_table.write_csv(tmp_path / "garden.csv")
    return tmp_path / "garden.csv"


def evaluate(garden_csv: Path, out: Path, url: str, *more: str) -> list[str]:
    garden = str(Path(__file__).parent / "surveys" / "garden")
    options = ["--people", "6", "--survey", garden, "--base-url", url, "--generate", "max_connections=2"]
    return ["evaluate", str(garden_csv), "--predictor", MODEL, "--out", str(out), *options, *more]


def test_an_error_that_repeats_is_sent_once_and_told_in_a_line(garden_csv: Path, tmp_path: Path) -> None:
    with serving(Loopback(str, lambda prompt, _: ERRORS["temperature"].reply)) as loopback:
        done = run_apart(*evaluate(garden_csv, tmp_path / "run", loopback.url))
    assert done.returncode == 1
    assert sum(loopback.calls.values()) <= 2, "those under way at the first"
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: ")
    assert "--generate temperature=null" in last
    assert len(done.stdout + done.stderr) < 1200
    assert not (tmp_path / "run").exists()
    held = {line for prompt in loopback.calls for line in prompt.splitlines() if len(line) > 20}
    assert not any(line in done.stdout + done.stderr for line in held)


def test_what_was_not_answered_is_counted_everywhere(garden_csv: Path, tmp_path: Path) -> None:
    refused: list[str] = []

    def first(prompt: str, before: int) -> Fault | None:
        refused.extend([] if refused else [prompt])
        return ERRORS["length"].reply if prompt in refused else None

    with serving(Loopback(lambda prompt: "A", first)) as loopback:
        done = run_here(*evaluate(garden_csv, tmp_path / "run", loopback.url, "--skip-failed"))
    assert done.returncode == 0, done.stderr
    run = load_run(tmp_path / "run")
    score = run.scores[MODEL]
    every = len(loopback.calls)
    assert (score.unanswered, score.invalid, score.probes, len(run.predictions)) == (1, 0, every - 1, every - 1)
    assert json.loads((tmp_path / "run" / "summary.json").read_text())[MODEL]["unanswered"] == 1
    assert f"1 of {every} not answered" in done.stdout
    assert f"1 of {every} not answered" in (tmp_path / "run" / "report.html").read_text()


# --- stopped ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_ends_at_once_in_a_line_and_keeps_its_answers(
    garden_csv: Path, tmp_path: Path, number: signal.Signals
) -> None:
    places = {"TMPDIR": str(tmp_path / "tmp"), "XDG_DATA_HOME": str(tmp_path / "data"), "HOME": str(tmp_path)}
    (tmp_path / "tmp").mkdir()
    with serving(Loopback(lambda prompt: "A", delay=0.3)) as loopback:
        process = subprocess.Popen(
            [*PROGRAM, *evaluate(garden_csv, tmp_path / "run", loopback.url)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **places},
        )
        _wait(lambda: sum(loopback.answered.values()) >= 3)
        stopped = time.monotonic()
        process.send_signal(number)
        printed, notes = process.communicate(timeout=30)
        took = time.monotonic() - stopped
        answered = sum(loopback.answered.values())
    assert process.returncode == 1
    assert took < 10
    assert "Traceback" not in printed + notes
    assert notes.strip().splitlines()[-1].startswith("interrupted")
    assert answered - 3 <= len(Store()) <= answered
    assert not list((tmp_path / "tmp").glob("indievalue*"))
    assert not [path for path in (tmp_path / "data").rglob("*") if path.is_file()]


def test_what_a_killed_run_leaves_is_removed_by_the_next(garden_csv: Path, tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    environment = {**os.environ, "TMPDIR": str(tmp_path / "tmp")}
    with serving(Loopback(lambda prompt: "A", delay=0.2)) as loopback:
        command = [*PROGRAM, *evaluate(garden_csv, tmp_path / "run", loopback.url)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        _wait(lambda: sum(loopback.answered.values()) >= 2)
        assert len(list((tmp_path / "tmp").glob(f"{PREFIX}*"))) == 1
        remove_stale(tmp_path / "tmp")
        assert len(list((tmp_path / "tmp").glob(f"{PREFIX}*"))) == 1, "it is in use"
        process.kill()
        process.wait()
        loopback.delay = 0
        subprocess.run(command, capture_output=True, check=True, env=environment)
    assert not list((tmp_path / "tmp").glob(f"{PREFIX}*"))


def _wait(until: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.01)


# --- a store that cannot be written -----------------------------------------------------------------------


def test_a_locked_store_is_found_before_anything_is_asked(
    benchmark: Benchmark, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indievalue.predictors.chat.store._WAIT", 0.2)
    Store().put("earlier", "m", 0, StoredAnswer("A"))
    with serving(Loopback(lambda prompt: "A")) as loopback, sqlite3.connect(Store().path) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(IndievalueError, match=r"cannot use the store of answers .* locked"):
            asked(benchmark, asking(loopback))
        assert not loopback.calls
        other.rollback()
        asked(benchmark, asking(loopback))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a megabyte; only root may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_is_found_before_anything_is_asked(benchmark: Benchmark, small_disk: Path) -> None:
    store = Store(small_disk / "answers.sqlite")
    store.put("earlier", "m", 0, StoredAnswer("A"))
    with (small_disk / "rest").open("wb", buffering=0) as rest, suppress(OSError):
        while rest.write(b"0" * 4096):
            pass
    with serving(Loopback(lambda prompt: "A")) as loopback:
        with pytest.raises(IndievalueError, match="full"):
            predict(MODEL, ChatModel(MODEL, asking(loopback), store), benchmark)
        assert not loopback.calls
        assert "earlier" in store
        (small_disk / "rest").unlink()
        predict(MODEL, ChatModel(MODEL, asking(loopback), store), benchmark)
    assert len(store) == 7


def test_a_disk_that_fills_up_while_asking_loses_nothing_silently(benchmark: Benchmark, small_disk: Path) -> None:
    store = Store(small_disk / "answers.sqlite")
    with serving(Loopback(lambda prompt: "A" + " because" * 40_000)) as loopback:
        with pytest.raises(IndievalueError, match=r"full.*1 answers that had arrived could not be stored"):
            predict(MODEL, ChatModel(MODEL, asking(loopback), store), benchmark)
        assert sum(loopback.calls.values()) == len(store) + 1


# --- `inspect eval` ---------------------------------------------------------------------------------------

TASK_ERRORS = {name: ERRORS[name] for name in ("temperature", "length", "prompt echoed", "no choices", "page", "500")}


@pytest.mark.parametrize("case", TASK_ERRORS.values(), ids=TASK_ERRORS)
def test_an_error_has_no_score_with_inspect_eval(case: Case, benchmark: Benchmark, tmp_path: Path) -> None:
    log, loopback = _evaluated(case, benchmark, tmp_path, skip_failed=False)
    assert log.status == "error"
    assert log.results is None
    assert log.error is not None
    assert re.search(case.names.split("|")[-1].split(".*")[0], log.error.message)
    held = {line for prompt in loopback.calls for line in prompt.splitlines() if len(line) > 20}
    assert not any(line in log.error.message + log.error.traceback for line in held)
    assert len(Store()) == sum(loopback.answered.values())


@pytest.mark.parametrize("case", [ERRORS["length"], ERRORS["filter"]], ids=["length", "filter"])
def test_a_prompt_can_be_skipped_with_inspect_eval(case: Case, benchmark: Benchmark, tmp_path: Path) -> None:
    log, loopback = _evaluated(case, benchmark, tmp_path, skip_failed=True)
    assert log.status == "success", log.error
    (score,) = log.results.scores
    assert score.scored_samples == 5
    assert score.metrics["invalid"].value == 0
    assert len(loopback.calls) == 6


def _evaluated(case: Case, benchmark: Benchmark, folder: Path, *, skip_failed: bool) -> tuple[Any, Loopback]:
    refused: list[str] = []

    def second(prompt: str, before: int) -> Fault | None:
        if not refused and loopback.answered:
            refused.append(prompt)
        return case.reply if prompt in refused else None

    with serving(Loopback(lambda prompt: "A", second)) as loopback:
        model = get_model(MODEL, base_url=loopback.url, memoize=False)
        task = task_of(benchmark, AskingOptions(skip_failed=skip_failed))
        retries = {"max_retries": 1, "max_connections": 1}
        (log,) = inspect_ai.eval(task, model=model, log_dir=str(folder / "logs"), display="none", **QUIETLY, **retries)
    return log, loopback
