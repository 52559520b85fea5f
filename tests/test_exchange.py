"""The benchmark in others' formats, and their answers back."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from commands import run_here
from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Benchmark, Settings
from indievalue.benchmark.storage import save_benchmark
from indievalue.errors import IndievalueError
from indievalue.exchange.answers import Answered
from indievalue.exchange.export import PROMPTS, export_benchmark, next_step
from indievalue.people.people import People
from indievalue.predictors.predictions import predict, read_predictions
from indievalue.prompts.prompt import PromptStyle
from indievalue.report.wording import rows_left_out
from indievalue.scoring.accuracy import summarise


@pytest.fixture
def benchmark(gardeners: People) -> Benchmark:
    return build_benchmark(gardeners, Settings(form="refined", demonstrations=3), 6)


@pytest.fixture
def saved(benchmark: Benchmark, tmp_path: Path) -> Path:
    save_benchmark(benchmark, tmp_path / "benchmark")
    return tmp_path / "benchmark"


def rows_of(benchmark: Benchmark) -> list[tuple[int, str, str, int, int]]:
    """(setup, person, question, true option, number of options) of every probe that is answered."""
    return [
        (setup.number, person, benchmark.survey.questions[probe].id, int(answer), int(count))
        for setup, task in benchmark.tasks()
        for person, answers in zip(benchmark.people.ids.tolist(), benchmark.answers(setup), strict=True)
        for probe, answer, count in zip(setup.probes, answers, task.counts, strict=True)
        if answer >= 0
    ]


def written(file: Path, lines: list[Any]) -> Path:
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return file


def read(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(
    "style", [PromptStyle(), PromptStyle("batch"), PromptStyle(option_order="shuffled"), PromptStyle(voice="third")]
)
def test_a_program_that_reads_the_target_is_always_right(
    benchmark: Benchmark, saved: Path, tmp_path: Path, style: PromptStyle
) -> None:
    export_benchmark(saved, "jsonl", tmp_path / "out", style)
    lines = read(tmp_path / "out" / PROMPTS)
    said = [
        {
            "id": line["id"],
            "text": json.dumps({probe["question"]: probe["target"] for probe in line["probes"]})
            if len(line["probes"]) > 1
            else line["probes"][0]["target"],
        }
        for line in lines
    ]
    file = written(tmp_path / "answers.jsonl", said)
    table = predict("oracle", Answered(file, benchmark, tmp_path / "out" / PROMPTS), benchmark)
    assert len(table) == len(rows_of(benchmark))
    assert (table["choice"] == table["answer"]).all()
    assert table["probabilities"].null_count() == len(table)


@pytest.mark.parametrize("style", [PromptStyle(), PromptStyle("batch"), PromptStyle(option_order="shuffled")])
def test_answers_after_a_thought_that_the_prompt_opened_are_read_as_they_are_meant(
    benchmark: Benchmark, saved: Path, tmp_path: Path, style: PromptStyle
) -> None:
    export_benchmark(saved, "jsonl", tmp_path / "out", style)
    said = []
    for line in read(tmp_path / "out" / PROMPTS):
        wrong = {p["question"]: next(one for one in p["labels"] if one != p["target"]) for p in line["probes"]}
        right = {p["question"]: p["target"] for p in line["probes"]}
        draft, answer = (json.dumps(wrong), json.dumps(right)) if len(right) > 1 else (*wrong.values(), *right.values())
        said.append({"id": line["id"], "text": f"{draft}. That fits.</think>\n\n{answer}", "finish_reason": "stop"})
    file = written(tmp_path / "answers.jsonl", said)
    table = predict("oracle", Answered(file, benchmark, tmp_path / "out" / PROMPTS), benchmark)
    assert (table["choice"] == table["answer"]).all()
    cut = [{**line, "text": line["text"].partition("</think>")[0], "finish_reason": "length"} for line in said]
    if len(line["probes"]) == 1:
        table = predict(
            "cut off",
            Answered(written(file, cut), benchmark, tmp_path / "out" / PROMPTS),
            benchmark,
        )
        assert (table["choice"] == -1).all()


def test_hugging_face_datasets_load_what_is_exported(saved: Path, tmp_path: Path) -> None:
    from datasets import load_dataset

    number = export_benchmark(saved, "hf", tmp_path / "out")
    loaded = load_dataset(str(tmp_path / "out"), "refined", split="test", cache_dir=str(tmp_path / "cache"))
    assert len(loaded) == number
    assert loaded[0]["labels"][loaded[0]["target"]] in "ABCDEFGH"


def test_an_lm_eval_task_finds_its_prompts_wherever_it_is_moved(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import yaml

    number = export_benchmark(saved, "lm-eval", tmp_path / "out")
    moved = (tmp_path / "out").rename(tmp_path / "moved")
    assert not any(str(tmp_path) in file.read_text() for file in moved.iterdir())
    function, _, text = (moved / "indievalue_refined.yaml").read_text().partition("\n")
    assert function == "custom_dataset: !function indievalue_refined_data.load"
    task = yaml.safe_load(text)
    spec = importlib.util.spec_from_file_location("indievalue_refined_data", moved / "indievalue_refined_data.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    rows = module.load(**task["metadata"])[task["test_split"]]
    assert task["task"] == "indievalue_refined"
    assert len(rows) == number
    assert all({"prompt", "labels", "target"} <= set(row) and row["target"] < len(row["labels"]) for row in rows)


@pytest.mark.parametrize(
    ("to", "step"),
    [
        ("jsonl", None),
        ("hf", "datasets.load_dataset('OUT', split='test')"),
        ("inspect", "inspect eval OUT/indievalue_refined.py --model PROVIDER/MODEL"),
        (
            "lm-eval",
            "lm_eval --model hf --model_args pretrained=MODEL --tasks indievalue_refined --include_path OUT",
        ),
    ],
)
def test_an_export_says_what_to_do_with_it(saved: Path, tmp_path: Path, to: str, step: str | None) -> None:
    export_benchmark(saved, to, tmp_path / "out")
    assert next_step(to, tmp_path / "out") == (step and step.replace("OUT", str(tmp_path / "out")))


def test_inspect_runs_what_is_exported(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("inspect_ai", reason="Inspect AI is not installed")
    from inspect_ai import eval as inspect_eval

    from loopback import Loopback, serving

    monkeypatch.setenv("LOOPBACK_API_KEY", "none")
    export_benchmark(saved, "inspect", tmp_path / "out")
    monkeypatch.chdir(tmp_path / "out")
    targets = {one["input"]: one["target"] for one in read(tmp_path / "out" / "samples.jsonl")}
    with serving(Loopback(lambda prompt: f"**{targets[prompt]}.**")) as loopback:
        (log,) = inspect_eval(
            "indievalue_refined.py",
            model="openai-api/loopback/parrot",
            model_base_url=loopback.url,
            log_dir=str(tmp_path / "logs"),
            display="none",
        )
    assert log.results is not None
    assert log.results.scores[0].metrics["accuracy"].value == 1


def test_probabilities_come_back_as_they_were(benchmark: Benchmark, tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    lines, given = [], []
    for setup, person, question, _, count in rows_of(benchmark):
        likely = draw.dirichlet(np.ones(count)).tolist()
        given.append(likely)
        lines.append({"person": person, "setup": setup, "question": question, "probabilities": likely})
    order = draw.permutation(len(lines))
    file = written(tmp_path / "answers.jsonl", [lines[at] for at in order])
    table = predict("drawn", Answered(file, benchmark), benchmark)
    for likely, told, choice in zip(given, table["probabilities"], table["choice"], strict=True):
        assert told.to_list() == pytest.approx(likely, abs=1e-6)
        assert choice == int(np.argmax(likely))


def test_what_is_not_answered_is_refused_or_counted_as_invalid(benchmark: Benchmark, tmp_path: Path) -> None:
    asked = rows_of(benchmark)
    lines = [{"person": p, "setup": s, "question": q, "choice": answer} for s, p, q, answer, _ in asked[3:]]
    file = written(tmp_path / "answers.jsonl", lines)
    with pytest.raises(IndievalueError, match="no answer to 3 probes, first"):
        Answered(file, benchmark)
    table = predict("most", Answered(file, benchmark, missing="invalid"), benchmark)
    assert (table["choice"] == -1).sum() == 3
    assert (table["choice"] == table["answer"]).sum() == len(asked) - 3


GOOD = {"person": "PERSON", "setup": 0, "question": "QUESTION", "choice": 0}


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("not json", "line 1 is no JSON"),
        ([1], "valid dictionary"),
        ({**GOOD, "person": "nobody"}, "does not ask 'nobody'"),
        ({**GOOD, "question": "Z9"}, "does not ask"),
        ({**GOOD, "setup": 9}, "in setup 9"),
        ({**GOOD, "choice": 99}, "has options 0 to"),
        ({**GOOD, "choice": "A"}, "choice: Input should be a valid integer"),
        ({**GOOD, "answer": 1}, "unknown key 'answer'"),
        ({**GOOD, "probabilities": [0.5, 0.4]}, "sum to 1"),
        ({**GOOD, "probabilities": [1.5, -0.5]}, "sum to 1"),
        ({"person": "PERSON", "setup": 0, "question": "QUESTION"}, "a choice, probabilities, or both"),
        ({"person": "PERSON", "choice": 1}, "has person, setup and question, or id and text"),
        ({"id": "1/0/Q1/0", "text": "A"}, "no prompt has the id"),
    ],
)
def test_a_line_that_is_no_answer_is_told_with_its_place(
    benchmark: Benchmark, tmp_path: Path, line: Any, complaint: str
) -> None:
    _, person, question, _, _ = rows_of(benchmark)[0]
    text = line if isinstance(line, str) else json.dumps(line)
    file = tmp_path / "answers.jsonl"
    file.write_text(text.replace("PERSON", person).replace("QUESTION", question) + "\n")
    with pytest.raises(IndievalueError, match=complaint) as told:
        Answered(file, benchmark)
    assert "line 1" in str(told.value)


def test_a_probe_answered_twice_is_told(benchmark: Benchmark, tmp_path: Path) -> None:
    setup, person, question, _, _ = rows_of(benchmark)[0]
    line = {"person": person, "setup": setup, "question": question, "choice": 0}
    with pytest.raises(IndievalueError, match=r"line 2: .* a second time"):
        Answered(written(tmp_path / "answers.jsonl", [line, line]), benchmark)


@pytest.mark.parametrize(
    ("to", "style", "complaint"),
    [
        ("csv", {}, "no format 'csv'"),
        ("lm-eval", {"template": "batch"}, "one probe at a time"),
        ("jsonl", {"option_order": "both"}, "one order"),
    ],
)
def test_what_cannot_be_exported_is_told(
    saved: Path, tmp_path: Path, to: str, style: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(IndievalueError, match=complaint):
        export_benchmark(saved, to, tmp_path / "out", PromptStyle(**style))
    with pytest.raises(IndievalueError, match="holds no benchmark with its text"):
        export_benchmark(tmp_path, "jsonl", tmp_path / "out")


def test_export_and_import_on_the_command_line(garden_table: pl.DataFrame, tmp_path: Path) -> None:
    garden = str(Path(__file__).parent / "surveys" / "garden")
    garden_table.write_csv(tmp_path / "garden.csv")
    data, asked, out = tmp_path / "garden.csv", tmp_path / "asked", tmp_path / "prompts"
    everyone = ("--people", "all", "--demonstrations", "3", "--survey", garden)
    assert run_here("benchmark", data, "--out", asked, *everyone).returncode == 0
    assert run_here("export", asked, "--to", "jsonl", "--out", out).returncode == 0
    answers = [{"id": line["id"], "text": "B. fits, too.</think>\n\nA"} for line in read(out / PROMPTS)]
    file = written(tmp_path / "answers.jsonl", answers)
    more = ("--benchmark", asked, "--prompts", out / PROMPTS, "--name", "always A", "--survey", garden)
    said = run_here("import", file, data, "--out", tmp_path / "run", *more)
    assert said.returncode == 0, said.stderr
    table = read_predictions(tmp_path / "run" / "predictions.parquet")
    assert (table["choice"] == 0).all()
    assert table["predictor"].unique().to_list() == ["always A"]
    file.write_text("{")
    said = run_here("import", file, data, "--out", tmp_path / "other", *more)
    assert said.returncode == 1
    assert "line 1 is no JSON" in said.stderr


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_probabilities_that_are_no_numbers_are_refused(benchmark: Benchmark, tmp_path: Path, value: str) -> None:
    setup, person, question, _, count = rows_of(benchmark)[0]
    likely = ", ".join([value, *["0.5"] * (count - 1)])
    file = tmp_path / "answers.jsonl"
    file.write_text(
        f'{{"person": "{person}", "setup": {setup}, "question": "{question}", "probabilities": [{likely}]}}\n'
    )
    with pytest.raises(IndievalueError, match=r"line 1: .* probabilities from 0 on that sum to 1"):
        Answered(file, benchmark)


def test_a_row_without_probabilities_takes_none_from_the_others(benchmark: Benchmark, tmp_path: Path) -> None:
    """The scores that need probabilities are over the rows that have them, and say over how many."""
    asked = rows_of(benchmark)
    lines = [
        {"person": p, "setup": s, "question": q, "choice": answer, "probabilities": np.eye(count)[answer].tolist()}
        for s, p, q, answer, count in asked
    ]
    for line in lines[:2]:
        del line["probabilities"]
    lines[2]["choice"] = -1
    table = predict("mine", Answered(written(tmp_path / "answers.jsonl", lines), benchmark), benchmark)
    assert table["probabilities"].null_count() == 2
    found = summarise(table)["mine"]
    assert found.log_loss == 0
    assert (found.probes, found.probability_rows, found.calibration_rows) == (
        len(asked),
        len(asked) - 2,
        len(asked) - 3,
    )
    assert rows_left_out({"mine": found}) == [
        f"Log loss and Brier score of mine: over {len(asked) - 2} of {len(asked)} rows.",
        f"ECE of mine: over {len(asked) - 3} of {len(asked)} rows.",
    ]
    assert rows_left_out({"all": summarise(table[3:])["mine"]}) == []


def test_a_line_ends_where_json_lines_end(benchmark: Benchmark, tmp_path: Path) -> None:
    """A string may hold the other ends of a line that Unicode knows."""
    setup, person, question, _, _ = rows_of(benchmark)[0]
    text = json.dumps(
        {"person": person, "setup": setup, "question": question, "choice": 0, "text": "a\u2028b\x85c"},
        ensure_ascii=False,
    )
    file = tmp_path / "answers.jsonl"
    file.write_text(text + "\n", encoding="utf-8")
    assert Answered(file, benchmark, missing="invalid")
