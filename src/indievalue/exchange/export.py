"""Export a saved benchmark as prompts: JSONL, Inspect, lm-evaluation-harness, Hugging Face datasets."""

import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NotRequired, TypedDict

import polars as pl
import yaml
from pydantic import BaseModel, TypeAdapter

from indievalue.benchmark.storage import TaskText
from indievalue.benchmark.together import texts_together
from indievalue.choices import DemonstrationsFrom, FormName, ShowOrder
from indievalue.errors import IndievalueError
from indievalue.files import new_directory
from indievalue.parsing import parse_json_as
from indievalue.predictors.local.wording import ANSWER
from indievalue.prompts.prompt import PromptStyle, prompts_of
from indievalue.prompts.templates import Reading

PROMPTS = "prompts.jsonl"


class ProbeLine(TypedDict):
    """A probe of a prompt; ``options`` are the survey's behind each label, ``target`` is the right label."""

    question: str
    asks: str
    labels: list[str]
    statements: list[str]
    options: list[int]
    target: str


class PromptLine(TypedDict):
    """One line of ``prompts.jsonl``: one call."""

    id: str
    person: str
    setup: int
    prompt: str
    probes: list[ProbeLine]
    reading: NotRequired[Reading]


class ProbeRow(TypedDict):
    """A probe with its prompt; ``target`` is the place of the right label in ``labels``."""

    id: str
    person: str
    setup: int
    prompt: str
    question: str
    labels: list[str]
    statements: list[str]
    options: list[int]
    target: int


def export_benchmark(
    benchmark: str | Path, to: str, out: str | Path, style: PromptStyle | None = None, *, force: bool = False
) -> int:
    """Write the prompts of a benchmark directory in the format ``to``, and return how many there are.

    ``jsonl``: one line a call (see docs: Evaluate your model). ``hf``: a folder that ``datasets.load_dataset`` reads.
    ``lm-eval``: a task directory for ``lm_eval --include_path``. ``inspect``: a task file for ``inspect eval``. Raises
    IndievalueError where ``benchmark`` has no ``tasks.jsonl``, the format is unknown, the style asks several probes at
    once where the format has no room for that, or in two orders, or ``out`` cannot be written.
    """
    if to not in FORMATS:
        raise IndievalueError(f"there is no format {to!r}; choose {', '.join(FORMATS)}")
    style = style or PromptStyle()
    if style.together and to in ("lm-eval", "inspect"):
        raise IndievalueError(f"{to} scores one probe at a time: leave out --template batch and --batched")
    if style.shipped.reading != "label" and to in ("lm-eval", "inspect"):
        raise IndievalueError(f"{to} scores the letter of an option: --template {style.template} has other answers")
    if style.option_order == "both":
        raise IndievalueError("a probe is exported in one order of options: fixed or shuffled")
    folder, (tasks, settings) = Path(benchmark), _read(Path(benchmark))
    if style.together and settings.show != "random" and settings.demonstrations_from == "others":
        tasks = texts_together(tasks, settings.show_order, settings.seed)
    lines = [line for task in tasks for line in _lines(task, style, settings.seed)]
    if not lines:
        raise IndievalueError(f"{folder} asks nothing: its tasks.jsonl is empty")
    with new_directory(Path(out), force=force) as made:
        FORMATS[to](made, lines, settings.form)
    return len(lines)


class _Settings(BaseModel):
    form: FormName
    seed: int
    demonstrations_from: DemonstrationsFrom = "others"
    show: str = "random"
    show_order: ShowOrder = "last"


class _About(BaseModel):
    """What is read of ``benchmark.json``."""

    settings: _Settings


_TASK = TypeAdapter(TaskText)


def _read(folder: Path) -> tuple[Iterator[TaskText], _Settings]:
    file = folder / "benchmark.json"
    try:
        settings = parse_json_as(TypeAdapter(_About), file.read_text(encoding="utf-8")).settings
        file = folder / "tasks.jsonl"
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise IndievalueError(
            f"{folder} holds no benchmark with its text: {error}; `indievalue benchmark DATA --out {folder}` makes one"
        ) from None
    except ValueError as error:
        raise IndievalueError(
            f"{file} is damaged: {error}; `indievalue benchmark DATA --out {folder} --force` makes it again"
        ) from None
    return _tasks(file, text), settings


def _tasks(file: Path, text: str) -> Iterator[TaskText]:
    for number, line in enumerate(text.split("\n"), 1):  # a JSON string may hold U+2028 and its like
        if not line.strip():
            continue
        try:
            task = parse_json_as(_TASK, line)
            for probe in task["probes"]:
                if not 0 <= probe.get("answer", -1) < len(probe["options"]):
                    raise ValueError(f"{probe['question']} has no answer among its options")
        except ValueError as error:
            raise IndievalueError(f"{file}, line {number} is damaged: {error}") from None
        yield task


def _lines(task: TaskText, style: PromptStyle, seed: int) -> Iterator[PromptLine]:
    truth = {probe["question"]: probe["answer"] for probe in task["probes"]}
    for prompt in prompts_of(task, style, seed):
        probes: list[ProbeLine] = [
            {
                "question": probe.question,
                "asks": probe.asks,
                "labels": list(probe.labels),
                "statements": [probe.statements[option] for option in probe.order],
                "options": list(probe.order),
                "target": probe.labels[probe.order.index(truth[probe.question])],
            }
            for probe in prompt.probes
        ]
        line: PromptLine = {
            "id": prompt.key,
            "person": prompt.person,
            "setup": prompt.setup,
            "prompt": prompt.text,
            "probes": probes,
        }
        if prompt.reading not in ("label", "json"):  # the number of probes says which of these two
            line["reading"] = prompt.reading
        yield line


def _jsonl(folder: Path, lines: list[PromptLine], form: str) -> None:
    with (folder / PROMPTS).open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def _flat(lines: list[PromptLine]) -> list[ProbeRow]:
    """One row a probe: id, person, setup, question, prompt, labels, statements, options, target (a place in labels)."""
    return [
        {
            "id": line["id"],
            "person": line["person"],
            "setup": line["setup"],
            "prompt": line["prompt"],
            "question": probe["question"],
            "labels": probe["labels"],
            "statements": probe["statements"],
            "options": probe["options"],
            "target": probe["labels"].index(probe["target"]),
        }
        for line in lines
        for probe in line["probes"]
    ]


def _hugging_face(folder: Path, lines: list[PromptLine], form: str) -> None:
    pl.DataFrame(_flat(lines)).write_parquet(folder / "prompts.parquet")
    front = {
        "license": "other",
        "configs": [{"config_name": form, "data_files": [{"split": "test", "path": "prompts.parquet"}]}],
    }
    (folder / "README.md").write_text(
        f"---\n{yaml.safe_dump(front, sort_keys=False)}---\n\n# Probes about people's values, {form} form\n\n"
        "One row a probe: `prompt` is what a model reads, `labels` are what it may answer, `target` the place of the "
        "right one in them, `options` the survey's option behind each label. Made from people's answers to a survey: "
        "keep it to yourself unless its licence lets you pass it on.\n",
        encoding="utf-8",
    )


def _lm_eval(folder: Path, lines: list[PromptLine], form: str) -> None:
    name = f"indievalue_{form}"
    with (folder / PROMPTS).open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in _flat(lines))
    task = {
        "task": name,
        "test_split": "test",
        "output_type": "multiple_choice",
        "doc_to_text": "{{prompt}}" + ANSWER,
        "doc_to_choice": "{{labels}}",
        "doc_to_target": "target",
        "target_delimiter": " ",
        "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
        "metadata": {"version": 1.0},
    }
    function = f"custom_dataset: !function {name}_data.load\n"  # found beside the YAML file, wherever the folder is
    text = yaml.safe_dump(task, sort_keys=False, allow_unicode=True)
    (folder / f"{name}.yaml").write_text(function + text, encoding="utf-8")
    (folder / f"{name}_data.py").write_text(_LM_EVAL_DATA.replace("PROMPTS", PROMPTS), encoding="utf-8")


_LM_EVAL_DATA = '''"""The prompts beside this file, for lm-evaluation-harness."""

from pathlib import Path

from datasets import load_dataset


def load(**_):
    return load_dataset("json", data_files={"test": str(Path(__file__).parent / "PROMPTS")})
'''


def _inspect(folder: Path, lines: list[PromptLine], form: str) -> None:
    with (folder / "samples.jsonl").open("w", encoding="utf-8") as out:
        for row in _flat(lines):
            sample = {
                "id": row["id"],
                "input": row["prompt"],
                "target": row["labels"][row["target"]],
                "metadata": {"person": row["person"], "setup": row["setup"], "question": row["question"]},
            }
            out.write(json.dumps(sample, ensure_ascii=False) + "\n")
    (folder / f"indievalue_{form}.py").write_text(_INSPECT_TASK.replace("FORM", form), encoding="utf-8")


_INSPECT_TASK = '''"""Probes about people's values, FORM form: inspect eval indievalue_FORM.py --model PROVIDER/NAME."""

from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.scorer import accuracy, pattern, stderr
from inspect_ai.solver import generate


@task
def indievalue_FORM() -> Task:
    return Task(
        dataset=json_dataset(str(Path(__file__).parent / "samples.jsonl")),
        solver=generate(),
        scorer=pattern(r"^[\\W_]*([A-Z])\\b"),
        metrics=[accuracy(), stderr(cluster="person")],
    )
'''

FORMATS: dict[str, Callable[[Path, list[PromptLine], str], None]] = {
    "jsonl": _jsonl,
    "inspect": _inspect,
    "lm-eval": _lm_eval,
    "hf": _hugging_face,
}


def next_step(to: str, out: str | Path) -> str | None:
    """Return the command, or the Python, that uses what was exported to ``out``; None if anything can read it."""
    folder = Path(out)
    if to == "lm-eval":
        task = next(folder.glob("indievalue_*.yaml")).stem
        call = ["lm_eval", "--model", "hf", "--model_args", "pretrained=MODEL", "--tasks", task, "--include_path"]
        return shlex.join([*call, str(folder)])
    if to == "inspect":
        return shlex.join(["inspect", "eval", str(next(folder.glob("indievalue_*.py"))), "--model", "PROVIDER/MODEL"])
    return f"datasets.load_dataset({str(folder)!r}, split='test')" if to == "hf" else None
