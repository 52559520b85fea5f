"""The store of chat models' answers: one row an answer, safe from kills, other processes, damage and other users."""

import multiprocessing
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Benchmark, Settings
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.predictors.asking import AskingOptions
from indievalue.predictors.predictions import predict
from indievalue.predictors.registry import make_predictor
from indievalue.prompts.prompt import PromptStyle
from indievalue.testing import check_predictor
from loopback import Loopback, serving

pytest.importorskip("inspect_ai", reason="Inspect AI is not installed")

from indievalue.predictors.chat.predictor import ChatModel
from indievalue.predictors.chat.store import Store, StoredAnswer, answer_key

MODEL = "openai-api/loopback/parrot"


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INDIEVALUE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LOOPBACK_API_KEY", "none")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "answers.sqlite")


def letter(prompt: str) -> str:
    return "AB"[len(prompt) % 2]


def options(loopback: Loopback, **more: object) -> AskingOptions:
    generate = {"max_connections": 4, "max_retries": 2, "timeout": 60}
    return AskingOptions(generate=generate, base_url=loopback.url, display="none", **more)  # type: ignore[arg-type]


def benchmark_of(people: People, number: int = 2, **settings: object) -> Benchmark:
    return build_benchmark(people, Settings(demonstrations=4, setups=(0,), **settings), number)  # type: ignore[arg-type]


# --- one row an answer ------------------------------------------------------------------------------------


def test_an_answer_is_given_back_as_it_was_stored(store: Store) -> None:
    answer = StoredAnswer("B. Ça va", "stop", {"content": [{"token": "B", "logprob": -0.25}]}, 12, 3, 0.5, 1.25)
    store.put("k", "openai/gpt-4o", 0, answer)
    store.close()
    again = Store(store.path)
    assert again.get("k") == answer
    assert "k" in again
    assert "other" not in again
    assert again.get("other") is None
    again.put("k", "openai/gpt-4o", 0, StoredAnswer("another"))
    assert again.get("k") == answer, "what was paid for first stays"
    assert len(again) == 1


def test_how_many_are_stored_at_what_price_is_a_query(store: Store) -> None:
    for number in range(3):
        store.put(f"a{number}", "openai/gpt-4o", 0, StoredAnswer("A", input_tokens=100, output_tokens=2, dollars=0.25))
    store.put("b", "openai/gpt-4o", 0, StoredAnswer("A", input_tokens=10, output_tokens=1))
    store.put("c", "anthropic/claude", 1, StoredAnswer("B", input_tokens=7, output_tokens=5, dollars=1.5))
    assert store.summary().rows() == [
        ("anthropic/claude", 1, 7, 5, 1.5, 0),
        ("openai/gpt-4o", 4, 310, 7, 0.75, 1),
    ]


@pytest.mark.parametrize("changed", ["model", "base_url", "prompt", "options", "attempt"])
def test_whatever_could_change_an_answer_is_part_of_its_key(changed: str) -> None:
    usual = {"model": "m", "base_url": None, "prompt": "p", "options": {"temperature": 0.0}, "attempt": 0}
    other = {"model": "n", "base_url": "http://x", "prompt": "q", "options": {"temperature": 1.0}, "attempt": 1}
    assert answer_key(**usual) == answer_key(**usual)
    assert answer_key(**usual) != answer_key(**{**usual, changed: other[changed]})


def test_the_order_of_options_does_not_change_a_key() -> None:
    assert answer_key("m", None, "p", {"a": 1, "b": 2}, 0) == answer_key("m", None, "p", {"b": 2, "a": 1}, 0)


def test_how_an_answer_is_fetched_is_no_part_of_its_key(gardeners: People) -> None:
    benchmark = benchmark_of(gardeners)
    with serving(Loopback(letter)) as loopback:
        predict(MODEL, ChatModel(MODEL, options(loopback)), benchmark)
        made = sum(loopback.calls.values())
        other = AskingOptions(
            generate={"max_connections": 1, "max_retries": 5, "timeout": 9}, base_url=loopback.url, display="none"
        )
        model = ChatModel(MODEL, other)
        assert model.cost(task for _, task in benchmark.tasks()).stored == made
        predict(MODEL, model, benchmark)
        assert sum(loopback.calls.values()) == made
        warm = ChatModel(MODEL, AskingOptions(generate={"temperature": 1.0}, base_url=loopback.url, display="none"))
        assert warm.cost(task for _, task in benchmark.tasks()).stored == 0


def test_the_file_is_the_owners_alone(store: Store) -> None:
    store.put("k", "m", 0, StoredAnswer("A"))
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


# --- each distinct prompt once ----------------------------------------------------------------------------


def test_the_same_prompt_wanted_by_many_at_once_is_asked_once(gardeners: People, tmp_path: Path) -> None:
    """A template that shows nothing of the person: everybody's prompt about a question is the same."""
    template = tmp_path / "bare.jinja"
    template.write_text(
        "{{ probes[0].asks }}\n{% for o in probes[0].options %}{{ o.label }}. {{ o.statement }}\n{% endfor %}"
    )
    benchmark = benchmark_of(gardeners, 12)
    with serving(Loopback(letter, delay=0.02)) as loopback:
        model = ChatModel(MODEL, options(loopback, style=PromptStyle(str(template))))
        cost = model.cost(task for _, task in benchmark.tasks())
        predict(MODEL, model, benchmark)
    effort = model.effort()
    assert effort is not None
    questions = len(benchmark.setups[0].probes)
    assert cost.calls == questions == len(loopback.calls) == sum(loopback.calls.values())
    assert effort.calls - effort.kept == questions
    assert effort.calls == int((benchmark.answers(benchmark.setups[0]) >= 0).sum())


def test_cost_is_counted_before_anything_is_asked(gardeners: People) -> None:
    benchmark = benchmark_of(gardeners)
    tasks = [task for _, task in benchmark.tasks()]
    with serving(Loopback(letter)) as loopback:
        model = ChatModel(MODEL, options(loopback, price=(1000.0, 10.0)))
        before = model.cost(tasks)
        assert not loopback.calls
        twice = model.cost([*tasks, *tasks])
        predict(MODEL, model, benchmark)
        after = model.cost(tasks)
        assert before.calls == twice.calls == after.calls == sum(loopback.calls.values())
    assert before.dollars == pytest.approx((before.input_tokens * 1000 + before.output_tokens * 10) / 1e6)
    assert before.output_tokens == 2 * before.calls
    assert (before.stored, after.stored) == (0, after.calls)
    assert (after.input_tokens, after.output_tokens, after.dollars) == (0, 0, 0.0)
    spent = Store().summary()["dollars"].item()
    assert spent == pytest.approx(sum(len(prompt.split()) for prompt in loopback.calls) * 1e-3 + after.calls * 1e-5)


@pytest.mark.slow
def test_a_chat_model_keeps_the_laws_of_predictors() -> None:
    with serving(Loopback(lambda prompt: "A")) as loopback:
        check_predictor(lambda: make_predictor(MODEL, options(loopback)))


# --- kills, other processes, full and damaged disks -------------------------------------------------------

WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from indievalue.predictors.chat.store import Store, StoredAnswer
store = Store(Path(sys.argv[1]))
for number in range(100_000):
    store.put(f"{sys.argv[2]}-{number}", "m", 0, StoredAnswer("A" * 2_000))
    print(number, flush=True)
"""


def test_a_process_that_is_killed_loses_no_answer_it_had_stored(store: Store) -> None:
    draw = np.random.default_rng(0)
    for kill in range(5):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(store.path), str(kill)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for _ in range(int(draw.integers(1, 200))):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        reported = [int(line) for line in process.stdout.read().split("\n") if line.isdigit()]
        process.wait(timeout=60)
        last = max(reported, default=0)
        assert all(f"{kill}-{number}" in store for number in range(last + 1))
    with sqlite3.connect(store.path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def _fill(path: Path, name: str) -> None:
    store = Store(path)
    for number in range(200):
        store.put(f"{name}-{number}", name, 0, StoredAnswer("A"))
        store.put(f"both-{number}", "both", 0, StoredAnswer("A"))


def test_two_processes_write_at_once(store: Store) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_fill, args=(store.path, name)) for name in ("one", "two")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=120)
        assert writer.exitcode == 0
    assert dict(store.summary().select("model", "answers").iter_rows()) == {"one": 200, "two": 200, "both": 200}


@pytest.mark.parametrize("damage", ["text", "cut", "zeros"])
def test_a_damaged_file_is_reported_and_left_as_it_is(store: Store, damage: str) -> None:
    for number in range(300):
        store.put(f"k{number}", "m", 0, StoredAnswer("A" * 500))
    store.close()
    sound = store.path.read_bytes()
    content = {
        "text": b"not a database at all" * 100,
        "cut": sound[: len(sound) // 2],
        "zeros": sound[:100] + b"\xff" * (len(sound) - 100),
    }[damage]
    store.path.write_bytes(content)
    with pytest.raises(IndievalueError, match=r"answers\.sqlite is damaged .*left as it is"):
        [Store(store.path).get(f"k{number}") for number in range(300)]
    assert store.path.read_bytes() == content


def test_a_file_of_a_later_version_is_refused(store: Store) -> None:
    store.put("k", "m", 0, StoredAnswer("A"))
    store.close()
    with sqlite3.connect(store.path) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(IndievalueError, match="written by a later version"):
        Store(store.path).get("k")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(IndievalueError, match=r"cannot (write|use)"):
        Store(tmp_path / "locked" / "deep" / "answers.sqlite").get("k")


def test_a_folder_that_is_a_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(IndievalueError, match="cannot write"):
        Store(tmp_path / "file" / "answers.sqlite").get("k")


def test_nothing_more_is_asked_where_an_answer_cannot_be_stored(
    gardeners: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fills up after a few answers: at most the calls under way are lost, and the reason is reported."""
    store = Store()
    store.get("any")
    assert store._connection is not None
    benchmark = benchmark_of(gardeners, 6)
    with serving(Loopback(lambda prompt: "A. " + "because " * 500)) as loopback:
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages + 8}")
        how = AskingOptions(generate={"max_connections": 1, "max_retries": 0}, base_url=loopback.url, display="none")
        with pytest.raises(IndievalueError, match="database or disk is full"):
            predict(MODEL, ChatModel(MODEL, how, store), benchmark)
        asked = sum(loopback.calls.values())
        stored = len(store)
    assert 0 < stored <= asked <= stored + 2
    assert asked < int((benchmark.answers(benchmark.setups[0]) >= 0).sum())


def _open_at_once(path: Path, barrier: "multiprocessing.synchronize.Barrier") -> None:
    barrier.wait(60)
    Store(path).put(str(os.getpid()), "m", 0, StoredAnswer("A"))


@pytest.mark.slow
def test_many_processes_open_a_new_store_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    for attempt in range(2):
        path, barrier = tmp_path / f"{attempt}.sqlite", context.Barrier(6)
        writers = [context.Process(target=_open_at_once, args=(path, barrier)) for _ in range(6)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join(timeout=120)
            assert writer.exitcode == 0
        assert len(Store(path)) == 6


def test_a_refusal_by_a_content_filter_is_stored_and_asked_again_only_on_request(gardeners: People) -> None:
    benchmark = benchmark_of(gardeners)
    with serving(Loopback(letter, lambda prompt, before: "refused")) as loopback:
        how = options(loopback, retries=0)
        assert (predict(MODEL, ChatModel(MODEL, how), benchmark)["choice"] == -1).all()
        loopback.faults = lambda prompt, before: None
        refused = sum(loopback.calls.values())
        assert (predict(MODEL, ChatModel(MODEL, how), benchmark)["choice"] == -1).all()
        assert sum(loopback.calls.values()) == refused
        again = replace(how, retries=1, retry_filtered=True)
        assert (predict(MODEL, ChatModel(MODEL, again), benchmark)["choice"] >= 0).all()
        assert sum(loopback.calls.values()) == 2 * refused


def test_the_limit_is_of_all_that_is_asked_with_the_same_options(gardeners: People) -> None:
    """Two models of 6 answers each: 50 dollars are enough for one of them."""
    benchmark = benchmark_of(gardeners)
    with serving(Loopback(letter)) as loopback:
        predict(MODEL, ChatModel(MODEL, free := options(loopback, price=(100_000.0, 0.0))), benchmark)
        each = free.spending.dollars
        how = options(loopback, price=(100_000.0, 0.0), limit_cost=1.5 * each, retries=0)
        for name in ("openai-api/loopback/one", "openai-api/loopback/two"):
            model = ChatModel(name, how)
            if name.endswith("one"):
                predict(name, model, benchmark)
                effort = model.effort()
                assert effort is not None
                assert effort.cost == pytest.approx(each)
            else:
                with pytest.raises(IndievalueError, match="of --limit-cost"):
                    predict(name, model, benchmark)
