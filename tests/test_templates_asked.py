"""Models asked with the templates beside single and batch: chat models on loopback, and a tiny local one."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from conftest import GARDEN, garden_answers
from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Benchmark, Settings
from indievalue.benchmark.storage import save_benchmark
from indievalue.cli import app
from indievalue.errors import IndievalueError
from indievalue.exchange.answers import Answered
from indievalue.exchange.export import export_benchmark
from indievalue.people.people import People
from indievalue.predictors.asking import AskingOptions
from indievalue.predictors.predictions import predict
from indievalue.predictors.registry import make_predictor
from indievalue.prompts.prompt import PromptStyle
from loopback import Loopback, serving

MODEL = "openai-api/loopback/parrot"


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INDIEVALUE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LOOPBACK_API_KEY", "none")


def drawn(people: People, **settings: Any) -> Benchmark:
    return build_benchmark(people, Settings(demonstrations=4, setups=(0,), form="refined", **settings), 3)


def others(people: People, benchmark: Benchmark) -> People:
    return people.take(~np.isin(people.ids, benchmark.people.ids))


def second(prompt: str) -> str:
    """Always the second option, as each template wants it answered."""
    if '"G1": {"choice"' in prompt:
        groups = prompt.count('_1": "')
        return json.dumps({f"G{number}": {"choice": f"G{number}_2"} for number in range(1, groups + 1)})
    if "Think step by step" in prompt:
        return "A is one way to see it. B is another.\n\n<answer>B</answer>"
    if "Give the probability" in prompt:
        asked = prompt.rsplit("The possible answers:")[1].split("Which")[0]
        labels = [line[0] for line in asked.strip().split("\n")]
        return json.dumps({label: 0.7 if label == "B" else 0.3 / (len(labels) - 1) for label in labels})
    return "B"


@pytest.mark.parametrize("template", ["paper", "reason", "role", "predict-distribution", "solved-examples", "raw"])
def test_a_chat_model_answers_every_template(gardeners: People, template: str) -> None:
    pytest.importorskip("inspect_ai", reason="Inspect AI is not installed")
    benchmark = drawn(gardeners)
    with serving(Loopback(second)) as loopback:
        options = AskingOptions(
            PromptStyle(template), base_url=loopback.url, generate={"max_connections": 2, "timeout": 60}
        )
        model = make_predictor(MODEL, options).fit(others(gardeners, benchmark), "refined", "refined")
        cost = model.cost(task for _, task in benchmark.tasks())
        table = predict(MODEL, model, benchmark)
    assert cost is not None
    assert cost.calls == len(loopback.calls)
    assert set(loopback.calls.values()) == {1}
    assert (table["choice"] == 1).all()
    given = table["probabilities"].to_list()
    if template == "predict-distribution":
        assert all(one[1] == pytest.approx(0.7) and sum(one) == pytest.approx(1) for one in given)
    else:
        assert given == [None] * len(table)


def test_a_distribution_that_is_none_is_asked_for_again_and_is_then_invalid(gardeners: People) -> None:
    pytest.importorskip("inspect_ai", reason="Inspect AI is not installed")
    benchmark = drawn(gardeners)
    with serving(Loopback(lambda prompt: '{"A": 0.9, "B": 0.9}')) as loopback:
        options = AskingOptions(PromptStyle("predict-distribution"), 1, base_url=loopback.url)
        model = make_predictor(MODEL, options)
        table = predict(MODEL, model, benchmark)
    assert set(loopback.calls.values()) == {2}
    assert (table["choice"] == -1).all()
    assert table["probabilities"].null_count() == len(table)


def test_prompts_that_are_repeated_have_answers_of_their_own(gardeners: People) -> None:
    pytest.importorskip("inspect_ai", reason="Inspect AI is not installed")
    benchmark = drawn(gardeners)
    tables = []
    with serving(Loopback(lambda prompt: "AB"[sum(loopback.calls.values()) % 2])) as loopback:
        for repeat in (0, 1, 1):
            options = AskingOptions(repeat=repeat, base_url=loopback.url, generate={"max_connections": 1})
            tables.append(predict(MODEL, make_predictor(MODEL, options), benchmark))
    assert set(loopback.calls.values()) == {2}, "each prompt is sent once for each repeat, and then stored"
    assert tables[1].equals(tables[2])


@pytest.mark.parametrize("template", ["reason", "role", "solved-examples", "raw"])
def test_a_local_model_answers_the_templates_that_it_can(gardeners: People, tiny_model: Path, template: str) -> None:
    for needed in ("torch", "transformers"):
        pytest.importorskip(needed, reason=f"{needed} is not installed")
    benchmark = drawn(gardeners)
    tables = {}
    for name in (f"local:{tiny_model}:think=8", f"local:{tiny_model}:think=8,keep=no"):
        model = make_predictor(name, AskingOptions(PromptStyle(template)))
        assert model.learns == (template == "solved-examples")
        model.fit(others(gardeners, benchmark), "refined", "refined")
        tables[name] = predict("tiny", model, benchmark)
    one, other = tables.values()
    assert one.equals(other)
    assert one["probabilities"].null_count() == 0
    single = predict("tiny", make_predictor(f"local:{tiny_model}:keep=no"), benchmark)
    assert not one["probabilities"].equals(single["probabilities"])


def test_thoughts_are_written_before_the_label_and_end_in_the_mark(gardeners: People, tiny_model: Path) -> None:
    for needed in ("torch", "transformers"):
        pytest.importorskip(needed, reason=f"{needed} is not installed")
    from indievalue.predictors.local.load import load
    from indievalue.predictors.local.source import find_source
    from indievalue.predictors.local.thinking import with_thoughts

    loaded = load(find_source(str(tiny_model)), "cpu", "float32", "test")
    (short,) = with_thoughts(["<user>Why?<model>"], loaded, 1, chat=True)
    (long,) = with_thoughts(["<user>Why?<model>"], loaded, 12, chat=True)
    for text in (short, long):
        assert text.startswith("<user>Why?<model>")
        assert text.endswith("\n\n<answer>")
        assert text.count("<answer>") == 1
    assert len(long) > len(short)


@pytest.mark.parametrize("template", ["paper", "predict-distribution"])
def test_a_template_for_chat_models_alone_is_refused_by_a_local_one(tiny_model: Path, template: str) -> None:
    pytest.importorskip("transformers", reason="transformers is not installed")
    with pytest.raises(IndievalueError, match=f"--template {template} is for chat models alone"):
        make_predictor(f"local:{tiny_model}", AskingOptions(PromptStyle(template)))


@pytest.mark.parametrize("template", ["paper", "reason", "predict-distribution", "role"])
def test_exported_prompts_say_how_their_answers_are_read(gardeners: People, tmp_path: Path, template: str) -> None:
    benchmark = drawn(gardeners)
    save_benchmark(benchmark, tmp_path / "asked")
    export_benchmark(tmp_path / "asked", "jsonl", tmp_path / "prompts", PromptStyle(template))
    file = tmp_path / "prompts" / "prompts.jsonl"
    prompts = [json.loads(line) for line in file.read_text().splitlines()]
    answers = tmp_path / "answers.jsonl"
    answers.write_text("\n".join(json.dumps({"id": one["id"], "text": second(one["prompt"])}) for one in prompts))
    table = predict("mine", Answered(answers, benchmark, file), benchmark)
    assert (table["choice"] == 1).all()
    assert (table["probabilities"].null_count() == 0) == (template == "predict-distribution")
    if template != "role":
        with pytest.raises(IndievalueError, match="scores"):
            export_benchmark(tmp_path / "asked", "lm-eval", tmp_path / "task", PromptStyle(template))


def test_the_command_prints_and_a_run_records_how_a_model_is_asked(tmp_path: Path, tiny_model: Path) -> None:
    pytest.importorskip("transformers", reason="transformers is not installed")
    garden_answers(60).write_csv(tmp_path / "garden.csv")
    style = ["--template", "solved-examples", "--language", "es", "--paraphrase", "2", "--scale-direction", "reversed"]
    source = [str(tmp_path / "garden.csv"), "--survey", str(GARDEN), "--setup", "0", "--demonstrations", "2"]
    printed = CliRunner().invoke(app, ["prompts", *source, "--person", "g0007", *style])
    assert printed.exit_code == 0, printed.output
    assert "Aquí hay otras personas" in printed.output
    assert "¿Qué respuesta da esta persona?" in printed.output
    asked = ["evaluate", *source, "--predictor", f"local:{tiny_model}", "--people", "2", *style]
    done = CliRunner().invoke(app, [*asked, "--out", str(tmp_path / "run")])
    assert done.exit_code == 0, done.output
    arguments = json.loads((tmp_path / "run" / "run.json").read_text())["arguments"]
    recorded = [arguments[name] for name in ("template", "language", "paraphrase", "scale_direction")]
    assert recorded == ["solved-examples", "es", 2, "reversed"]
    assert pl.read_parquet(tmp_path / "run" / "predictions.parquet")["choice"].min() >= 0  # type: ignore[operator]
