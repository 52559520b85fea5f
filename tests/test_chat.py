"""Chat models asked through Inspect, against a server on loopback: right answers, every fault, stopped and gone on."""

import json
import os
import signal
import subprocess
import time
import zipfile
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from commands import PROGRAM, run_apart, run_here
from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Benchmark, Settings
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.predictors.asking import AskingOptions
from indievalue.predictors.predictions import predict, read_predictions
from indievalue.predictors.protocol import Cost, Effort
from indievalue.predictors.registry import kind_of
from indievalue.prompts.prompt import PromptStyle
from indievalue.scoring.breakdown import accuracy_by
from loopback import Loopback, questions_in, serving

pytest.importorskip("inspect_ai", reason="Inspect AI is not installed")

from inspect_ai.log import list_eval_logs, read_eval_log

from indievalue.predictors.chat.answers import label_probabilities
from indievalue.predictors.chat.predictor import ChatModel

MODEL = "openai-api/loopback/parrot"


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INDIEVALUE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LOOPBACK_API_KEY", "none")
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))


def drawn(people: People, number: int = 4, **settings: Any) -> Benchmark:
    return build_benchmark(people, Settings(demonstrations=4, **settings), number)


def letter(text: str) -> str:
    """A or B, by chance, but always the same for the same text."""
    return "AB"[blake2b(text.encode()).digest()[0] % 2]


def parrot(prompt: str) -> str:
    asked = questions_in(prompt)
    return json.dumps({one: letter(prompt + one) for one in asked}) if asked else letter(prompt)


def asking(loopback: Loopback, style: PromptStyle | None = None, **options: Any) -> AskingOptions:
    generate = {"max_connections": 4, "max_retries": 3, "timeout": 60, **options.pop("generate", {})}
    return AskingOptions(
        style=style or PromptStyle(), generate=generate, base_url=loopback.url, display="none", **options
    )


def asked(benchmark: Benchmark, how: AskingOptions, logs: Path, name: str = MODEL) -> tuple[pl.DataFrame, Effort]:
    model = ChatModel(name, how)
    table = predict(name, model, benchmark)
    model.write_log(benchmark, logs)
    effort = model.effort()
    assert effort is not None
    return table, effort


def cost(benchmark: Benchmark, how: AskingOptions) -> Cost:
    return ChatModel(MODEL, how).cost(task for _, task in benchmark.tasks())


@pytest.mark.parametrize("template", ["single", "batch"])
def test_answers_become_predictions(gardeners: People, tmp_path: Path, template: str) -> None:
    benchmark = drawn(gardeners)
    with serving(Loopback(parrot)) as loopback:
        how = asking(loopback, PromptStyle(template))
        planned = cost(benchmark, how)
        table, effort = asked(benchmark, how, tmp_path / "logs")
    assert planned.calls == sum(loopback.calls.values()) == effort.calls
    assert (effort.kept, effort.invalid, effort.retries, effort.asked_again) == (0, 0, 0, 0)
    probes = sum(int((benchmark.answers(setup) >= 0).sum()) for setup in benchmark.setups)
    assert len(table) == probes
    assert table["choice"].is_between(0, 1).all()
    assert table["probabilities"].null_count() == probes
    truth = {
        (setup.number, person, benchmark.survey.questions[probe].id): answer
        for setup in benchmark.setups
        for row, person in enumerate(benchmark.people.ids.tolist())
        for probe, answer in zip(setup.probes, benchmark.answers(setup)[row].tolist(), strict=True)
    }
    assert all(
        truth[setup, person, question] == answer
        for setup, person, question, answer in table.select("setup", "person", "question", "answer").iter_rows()
    )


def test_the_log_says_the_same_as_the_predictions(gardeners: People, tmp_path: Path) -> None:
    with serving(Loopback(parrot)) as loopback:
        table, _ = asked(drawn(gardeners, 8), asking(loopback, PromptStyle("batch")), tmp_path / "logs")
    (info,) = list_eval_logs(str(tmp_path / "logs" / "inspect"))
    log = read_eval_log(info)
    assert log.results is not None
    metrics = {name: metric.value for name, metric in log.results.scores[0].metrics.items()}
    right = (table["choice"] == table["answer"]).to_numpy()
    assert metrics["accuracy"] == pytest.approx(right.mean())
    sums = np.array([right[(table["person"] == one).to_numpy()].sum() for one in table["person"].unique()])
    asked_of = len(right) // len(sums)
    spread = ((sums - right.mean() * asked_of) ** 2).sum() * len(sums) / (len(sums) - 1)
    assert metrics["stderr"] == pytest.approx(np.sqrt(spread) / len(right))
    categories = {q.id: q.category for q in gardeners.survey.questions}
    by_category = accuracy_by(
        table.with_columns(pl.col("question").replace_strict(categories).alias("category")), "category"
    )
    for row in by_category.iter_rows(named=True):
        assert metrics[row["category"]] == pytest.approx(row["accuracy"] / 100)


def test_options_shown_in_another_order_are_told_apart(gardeners: People, tmp_path: Path) -> None:
    """Whoever always says A chooses the first shown: in the reverse order, the survey's last."""
    benchmark = drawn(gardeners, 3)
    with serving(Loopback(lambda prompt: "A")) as loopback:
        fixed, _ = asked(benchmark, asking(loopback), tmp_path / "fixed")
        both, effort = asked(benchmark, asking(loopback, PromptStyle(option_order="both")), tmp_path / "both")
    assert (fixed["choice"] == 0).all()
    assert effort.consistent == 0.0
    assert effort.kept == len(fixed)
    last = {q.id: len(q.polar) - 1 for q in gardeners.survey.questions}
    assert all(choice in (0, last[q]) for q, choice in both.select("question", "choice").iter_rows())
    assert both["choice"].n_unique() > 1


def test_no_header_or_password_is_in_the_log(gardeners: People, tmp_path: Path) -> None:
    benchmark = drawn(gardeners, 2)
    with serving(Loopback(parrot)) as loopback:
        address = loopback.url.replace("://", "://me:hush@")
        generate = {"temperature": 0, "extra_headers": {"X-Auth": "hush"}}
        options = AskingOptions(base_url=address, generate=generate, model_args={"api_key": "hush"})
        predictor = ChatModel(MODEL, options)
        predict("parrot", predictor, benchmark)
        predictor.write_log(benchmark, tmp_path / "run")
    (file,) = (tmp_path / "run" / "inspect").glob("*.eval")
    with zipfile.ZipFile(file) as archive:
        texts = {name: archive.read(name) for name in archive.namelist()}
    assert not [name for name, text in texts.items() if b"hush" in text]
    assert any(b"X-Auth" in text for text in texts.values()), "that there was a header is told"
    log = read_eval_log(str(file))
    assert log.eval.model_base_url == loopback.url.replace("://", "://…@")


def test_log_probabilities_become_probabilities(gardeners: People, tmp_path: Path) -> None:
    with serving(Loopback(lambda prompt: "A", logprobs=lambda prompt: {"A": -0.5, " B": -1.0, "x": -3.0})) as loopback:
        how = asking(loopback, generate={"logprobs": True, "top_logprobs": 5})
        table, _ = asked(drawn(gardeners, 2), how, tmp_path / "logs")
        both = asking(loopback, PromptStyle(option_order="both"), generate={"logprobs": True, "top_logprobs": 5})
        averaged, _ = asked(drawn(gardeners, 2), both, tmp_path / "both")
    expected = np.exp(-0.5) / (np.exp(-0.5) + np.exp(-1.0))
    for given in table["probabilities"]:
        assert given[0] == pytest.approx(expected, abs=1e-6)
        assert sum(given) == pytest.approx(1)
    two = averaged.filter(pl.col("probabilities").list.len() == 2)
    assert len(two)
    assert all(given.to_list() == pytest.approx([0.5, 0.5]) for given in two["probabilities"])


FAULTS = {"429": "429", "soon": "429 soon", "500": "500", "dropped": "dropped", "half": "half", "slow": "slow"}


@pytest.mark.parametrize("fault", FAULTS.values())
def test_what_goes_wrong_on_the_way_is_asked_again(gardeners: People, tmp_path: Path, fault: str) -> None:
    """The first request of one prompt fails; the rows are those of a run without faults."""
    benchmark = drawn(gardeners, 2, setups=(0,))
    with serving(Loopback(parrot)) as loopback:
        sound, _ = asked(benchmark, asking(loopback), tmp_path / "sound")
        chosen = min(loopback.calls)
    (tmp_path / "cache").rename(tmp_path / "earlier")
    with serving(
        Loopback(parrot, lambda prompt, before: fault if prompt == chosen and not before else None)
    ) as loopback:
        table, effort = asked(benchmark, asking(loopback, generate={"attempt_timeout": 2}), tmp_path / "logs")
    assert table.equals(sound)
    assert loopback.calls[chosen] == 2
    assert sum(loopback.calls.values()) == effort.calls + 1
    assert effort.retries == 1
    assert effort.invalid == effort.asked_again == 0


@pytest.mark.parametrize(
    ("said", "invalid"),
    [
        ("says I would rather not say.", 3),
        ("says ", 3),
        ("refused", 3),
        ('says {"P1": "A", ', 2),
        ('says {"N1": "A", "Z9": "B", "P1": "A", "A1": "B"}', 0),
        ('says ```json\n{"A1": "B", "P1": "A"}\n```', 1),
        ("says {'P1': 'A'}", 2),
    ],
)
def test_answers_that_name_no_option_are_asked_for_again_then_counted(
    gardeners: People, tmp_path: Path, said: str, invalid: int
) -> None:
    benchmark = drawn(gardeners, 2, setups=(0,))
    person = str(benchmark.people.ids[0])
    with serving(Loopback(parrot)) as loopback:
        sound, _ = asked(benchmark, asking(loopback, PromptStyle("batch")), tmp_path / "sound")
        prompts = list(loopback.calls)
    (tmp_path / "cache").rename(tmp_path / "earlier")
    mine = sound.filter(person=person)
    chosen = next(p for p in prompts if _answers(p) == mine.select("question", "choice").rows())
    with serving(Loopback(parrot, lambda prompt, before: said if prompt == chosen else None)) as loopback:
        table, effort = asked(benchmark, asking(loopback, PromptStyle("batch")), tmp_path / "logs")
    again = 3 if invalid and said != "refused" else 0  # what a content filter has cut off is final
    assert loopback.calls[chosen] == 1 + again
    assert effort.invalid == invalid == (table["choice"] == -1).sum()
    assert effort.asked_again == again
    assert bool(effort.examples) == bool(invalid)
    assert (table.filter(pl.col("person") != person)).equals(sound.filter(pl.col("person") != person))


def _answers(prompt: str) -> list[tuple[str, int]]:
    return [(question, "AB".index(option)) for question, option in json.loads(parrot(prompt)).items()]


def test_an_answer_that_comes_on_the_second_time_is_taken(gardeners: People, tmp_path: Path) -> None:
    benchmark = drawn(gardeners, 2, setups=(0,))
    with serving(Loopback(parrot)) as loopback:
        sound, _ = asked(benchmark, asking(loopback), tmp_path / "sound")
    (tmp_path / "cache").rename(tmp_path / "earlier")
    with serving(Loopback(parrot, lambda prompt, before: "says Hm." if before == 0 else None)) as loopback:
        table, effort = asked(benchmark, asking(loopback), tmp_path / "logs")
    assert table.equals(sound)
    assert effort.asked_again == len(table)


def test_a_server_that_stays_broken_is_told_and_what_was_answered_is_kept(gardeners: People, tmp_path: Path) -> None:
    benchmark = drawn(gardeners, 2, setups=(0,))
    with serving(Loopback(parrot)) as loopback:
        sound, _ = asked(benchmark, asking(loopback), tmp_path / "sound")
        chosen = min(loopback.calls)
    (tmp_path / "cache").rename(tmp_path / "earlier")
    with serving(Loopback(parrot, lambda prompt, before: "500" if prompt == chosen else None)) as loopback:
        with pytest.raises(IndievalueError, match=r"1 calls have no answer.*the same command asks only"):
            asked(benchmark, asking(loopback, generate={"max_retries": 1}), tmp_path / "logs")
        answered = sum(loopback.answered.values())
        loopback.faults = lambda prompt, before: None
        table, effort = asked(benchmark, asking(loopback), tmp_path / "again")
    assert table.equals(sound)
    assert effort.kept == answered == len(sound) - 1


def test_nothing_is_asked_twice(gardeners: People, tmp_path: Path) -> None:
    benchmark = drawn(gardeners)
    with serving(Loopback(parrot)) as loopback:
        one, first = asked(benchmark, asking(loopback), tmp_path / "one")
        two, second = asked(benchmark, asking(loopback), tmp_path / "two")
    assert one.equals(two)
    assert (first.kept, second.kept) == (0, first.calls)
    assert set(loopback.calls.values()) == {1}


def test_the_budget_holds_and_can_be_raised(gardeners: People, tmp_path: Path) -> None:
    benchmark = drawn(gardeners, 6)
    with serving(Loopback(parrot)) as loopback:
        cheap = asking(loopback, price=(1000.0, 0.0), limit_cost=1.0, generate={"max_connections": 1})
        with pytest.raises(IndievalueError, match=r"stopped after spending \$1\.\d\d of --limit-cost"):
            asked(benchmark, cheap, tmp_path / "one")
        before = sum(loopback.calls.values())
        assert 0 < before < cost(benchmark, cheap).calls
        table, effort = asked(benchmark, asking(loopback, price=(1000.0, 0.0), limit_cost=1e6), tmp_path / "two")
    assert effort.kept == before
    assert effort.cost == pytest.approx(effort.input_tokens / 1000)
    assert len(table) == effort.calls
    with pytest.raises(IndievalueError, match="needs --price"):
        AskingOptions(limit_cost=1.0)


@pytest.mark.parametrize(
    ("model", "complaint"), [("nobody/knows", "cannot be asked"), ("openai-api/x/y", "cannot be asked")]
)
def test_a_model_that_cannot_be_asked_is_told(gardeners: People, tmp_path: Path, model: str, complaint: str) -> None:
    with pytest.raises(IndievalueError, match=complaint):
        asked(drawn(gardeners, 2), AskingOptions(display="none"), tmp_path, model)


def test_names_with_a_slash_are_chat_models_and_paths_are_not() -> None:
    assert kind_of("openai/gpt-4o").shown == "PROVIDER/MODEL"
    assert kind_of("openrouter/google/gemini:free").shown == "PROVIDER/MODEL"
    assert kind_of("resemble:k=35").shown == "resemble"
    assert kind_of("local:/models/mine").shown == "local:MODEL"


def test_probabilities_are_read_from_the_first_label() -> None:
    from inspect_ai.model import ChatCompletionChoice, ChatMessageAssistant, Logprob, Logprobs, ModelOutput, TopLogprob

    from indievalue.prompts.prompt import AskedProbe

    probe = AskedProbe("Q1", "?", ("I do.", "I do not."), (1, 0))
    tokens = [
        Logprob(token="**", logprob=-0.1, top_logprobs=[TopLogprob(token="A", logprob=-9.0)]),
        Logprob(
            token="A",
            logprob=-0.2,
            top_logprobs=[TopLogprob(token=t, logprob=p) for t, p in [("A", -1.0), ("B", -2.0)]],
        ),
    ]
    message = ChatMessageAssistant(content="**A**")
    output = ModelOutput(choices=[ChatCompletionChoice(message=message, logprobs=Logprobs(content=tokens))])
    given = label_probabilities(output, probe)
    assert given == pytest.approx([1 / (1 + np.e), np.e / (1 + np.e)])
    assert label_probabilities(ModelOutput.from_content("m", "A"), probe) is None


@pytest.mark.parametrize(
    ("written", "completion"),
    [
        ("A|.| fits|</think>|\n\n|B", "A. fits</think>\n\nB"),
        ("A|.| fits|</think>|\n\n|B", "B"),
        ("<think>|A|</think>|The| answer| is| B|.", "<think>A</think>The answer is B."),
        ('{"|answer|":| "|B|"}', '{"answer": "B"}'),
    ],
)
def test_probabilities_are_those_of_the_answer_and_not_of_a_letter_in_a_thought(written: str, completion: str) -> None:
    from inspect_ai.model import ChatCompletionChoice, ChatMessageAssistant, Logprob, Logprobs, ModelOutput, TopLogprob

    from indievalue.prompts.prompt import AskedProbe

    def token(text: str) -> Logprob:
        likely = {"A": [("A", -0.1), ("B", -9.0)], "B": [("A", -2.0), ("B", -1.0)]}.get(text.strip(), [(text, -0.1)])
        return Logprob(token=text, logprob=-0.1, top_logprobs=[TopLogprob(token=t, logprob=p) for t, p in likely])

    probe = AskedProbe("Q1", "?", ("I do.", "I do not."), (0, 1))
    logprobs = Logprobs(content=[token(text) for text in written.split("|")])
    message = ChatMessageAssistant(content=completion)
    output = ModelOutput(choices=[ChatCompletionChoice(message=message, logprobs=logprobs)])
    assert label_probabilities(output, probe) == pytest.approx([1 / (1 + np.e), np.e / (1 + np.e)])
    unfinished = ChatCompletionChoice(
        message=ChatMessageAssistant(content="A. fits"), logprobs=Logprobs(content=logprobs.content[:3])
    )
    unfinished.stop_reason = "max_tokens"
    assert label_probabilities(ModelOutput(choices=[unfinished]), probe) is None


# --- the command ------------------------------------------------------------------------------------------


def evaluate(garden_csv: Path, out: Path, url: str, *more: str) -> list[str]:
    garden = str(Path(__file__).parent / "surveys" / "garden")
    options = ["--people", "12", "--survey", garden, "--base-url", url, "--generate", "max_connections=4"]
    return ["evaluate", str(garden_csv), "--predictor", MODEL, "--out", str(out), *options, *more]


@pytest.fixture
def garden_csv(tmp_path: Path, garden_table: pl.DataFrame) -> Path:
    garden_table.write_csv(tmp_path / "garden.csv")
    return tmp_path / "garden.csv"


def test_evaluate_asks_a_chat_model_and_notes_what_it_took(garden_csv: Path, tmp_path: Path) -> None:
    with serving(Loopback(parrot)) as loopback:
        dry = run_here(*evaluate(garden_csv, tmp_path / "run", loopback.url, "--dry-run", "--price", "2.5,10"))
        assert dry.returncode == 0, dry.stderr
        assert "calls, about" in dry.stderr
        assert "about $0.0" in dry.stderr
        assert not loopback.calls
        assert not (tmp_path / "run").exists()
        options = ["--predictor", "majority", "--template", "batch"]
        done = run_here(*evaluate(garden_csv, tmp_path / "run", loopback.url, *options))
        assert done.returncode == 0, done.stderr
    about = json.loads((tmp_path / "run" / "run.json").read_text())
    assert about["effort"][MODEL]["calls"] == sum(loopback.calls.values())
    assert set(json.loads((tmp_path / "run" / "summary.json").read_text())) == {MODEL, "majority"}
    assert list((tmp_path / "run" / "inspect").glob("*.eval"))
    assert (tmp_path / "run" / "report.html").exists()


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_goes_on_and_ends_as_if_nothing_had_been(
    garden_csv: Path, tmp_path: Path
) -> None:
    draw = np.random.default_rng(0)
    with serving(Loopback(parrot)) as loopback:
        assert run_apart(*evaluate(garden_csv, tmp_path / "whole", loopback.url)).returncode == 0
        needed = sum(loopback.calls.values())
    whole = read_predictions(tmp_path / "whole" / "predictions.parquet")
    (tmp_path / "cache").rename(tmp_path / "earlier")
    kills = 0
    with serving(Loopback(parrot, delay=0.05)) as loopback:
        for _ in range(5):
            before = sum(loopback.answered.values())
            stop_at = before + int(draw.integers(1, max(2, needed // 7)))
            process = subprocess.Popen(
                [*PROGRAM, *evaluate(garden_csv, tmp_path / "run", loopback.url)],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=dict(os.environ),
            )
            deadline = time.monotonic() + 60
            while sum(loopback.answered.values()) < stop_at and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                kills += 1
            process.wait(timeout=60)
        assert run_apart(*evaluate(garden_csv, tmp_path / "run", loopback.url)).returncode == 0
    assert kills == 5
    assert read_predictions(tmp_path / "run" / "predictions.parquet").equals(whole)
    made = sum(loopback.calls.values())
    assert needed <= made <= needed + kills * 4  # 4 calls at most were under way at each kill, and their answers lost
