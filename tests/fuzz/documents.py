"""One damaged file of the package's own: a benchmark, run, interview, file of answers, survey, experiment, or training
set. What is loaded must be what another parser reads in the file, or be refused."""

import atexit
import json
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet
import yaml

import indievalue as iv
from conftest import GARDEN, garden_answers
from fuzz.files import EQUAL, FINDING, REFUSED, SAYS, UNKNOWN, Outcome
from fuzz.formats import damaged_bytes
from indievalue.benchmark.model import Benchmark
from indievalue.elicitation.session import load_session
from indievalue.errors import IndievalueError
from indievalue.evaluation import Call
from indievalue.exchange.answers import Answered
from indievalue.people.people import People
from indievalue.people.read import read_people
from indievalue.reasoner.recipe import Recipe
from indievalue.reasoner.training_set import load_training_set, write_training_set

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 3.5, 10**9, 10**30, 1e308, float("nan"), float("inf"), "", "x", "1", "polar"),
    *(
        [],
        {},
        [1],
        ["a", "a"],
        {"a": 1},
        "\0",
        "é" * 50,
        "../../etc",
        [[[]]],
        -(2**63),
        "1e5",
        "NaN",
        [None],
        "refined",
    ),
)


@lru_cache(1)
def _whole() -> tuple[Path, People, Benchmark]:
    """A folder with every kind of file, undamaged, and the people and benchmark that it was made with."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz-whole-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    garden_answers(60).write_csv(folder / "garden.csv")
    shutil.copytree(GARDEN, folder / "survey")
    people = read_people(folder / "garden.csv", str(GARDEN))
    benchmark = iv.build_benchmark(people, people_tested=8, demonstrations=3, seed=1)
    iv.save_benchmark(benchmark, folder / "benchmark")
    run = iv.evaluate(people, benchmark, ["majority", "random"], call=Call(survey=str(GARDEN)))
    run.save(folder / "run")
    recipe = Recipe(people_per_question=8, validation_per_question=3, demonstrations=(2, 4))
    write_training_set(people, recipe, set(people.ids[:20].tolist()), folder / "set")
    turns = [
        {"question": "P1", "option": 2, "statement": "I do not like roses very much.", "probability": 0.25},
        {"question": "A1", "option": None, "statement": None, "probability": None},
        {"question": "N2", "option": 1, "statement": "I share my harvest with my neighbors.", "probability": 0.5},
    ]
    (folder / "session.json").write_text(json.dumps({"survey": "garden", "turns": turns}))
    rows = run.predictions.filter(predictor="majority").iter_rows(named=True)
    lines = [json.dumps({key: row[key] for key in ("person", "setup", "question", "choice")}) for row in rows]
    (folder / "answers.jsonl").write_text("\n".join(lines) + "\n")
    shipped = Path(iv.__file__).parent / "experiments" / "statistics-baselines.yaml"
    shutil.copyfile(shipped, folder / "experiment.yaml")
    return folder, people, benchmark


def _benchmark(folder: Path) -> dict[str, Any]:
    loaded = iv.load_benchmark(folder / "benchmark", _whole()[1])
    ids = [question.id for question in loaded.survey.questions]
    shown = [
        {"part": part, "person": str(loaded.people.ids[row]), "place": place, "question": ids[at]}
        for part, setup in enumerate(loaded.setups)
        for row, order in enumerate(setup.demonstrations.tolist())
        for place, at in enumerate(order)
        if at >= 0
    ]
    for setup, task in loaded.tasks():
        loaded.answers(setup)
        assert len(task.people)
    setups = [{"number": s.number, "probes": [ids[at] for at in s.probes.tolist()]} for s in loaded.setups]
    return {
        "benchmark.json": {
            "settings": asdict(loaded.settings),
            "eligibility": asdict(loaded.eligibility),
            "people": loaded.people.ids.tolist(),
            "setups": setups,
        },
        "demonstrations.parquet": shown,
    }


def _run(folder: Path) -> dict[str, Any]:
    run = iv.load_run(folder / "run")
    repr(run)
    run._repr_html_()
    return {
        "run.json": asdict(run.record),
        "summary.json": {name: score.as_nested_dict() for name, score in run.scores.items()},
        "example.json": [asdict(example) for example in run.examples],
        "predictions.parquet": run.predictions.to_dicts(),
        "people.parquet": run.people.to_dicts(),
        "summary": run.summary.to_dicts(),
    }


def _session(folder: Path) -> dict[str, Any]:
    survey = _whole()[1].survey
    session = load_session(folder / "session.json", survey)
    assert session.answered >= 0
    return {"session.json": asdict(session)}


def _answers(folder: Path) -> dict[str, Any]:
    benchmark = _whole()[2]
    answered = Answered(folder / "answers.jsonl", benchmark, missing="invalid")
    given = {}
    for _, task in benchmark.tasks():
        choice = answered.predict(task).choice
        for row, person in enumerate(task.people.tolist()):
            for place, probe in enumerate(task.probes.tolist()):
                given[task.setup, person, benchmark.survey.questions[probe].id] = int(choice[row, place])
    return {"answers.jsonl": given}


def _survey(folder: Path) -> dict[str, Any]:
    survey = iv.load_survey(str(folder / "survey"))
    people = read_people(_whole()[0] / "garden.csv", survey)
    text = {question.id: [asdict(question), asdict(people.findings)] for question in survey.questions}
    return {"survey": [text, people.codes.tolist(), people.demographics.to_dicts()]}


def _experiment(folder: Path) -> dict[str, Any]:
    return {"experiment": iv.load_experiment(str(folder / "experiment.yaml")).model_dump(mode="json")}


def _set(folder: Path) -> dict[str, Any]:
    loaded = load_training_set(folder / "set")
    return {"manifest.json": loaded.manifest.model_dump(mode="json"), "people.parquet": loaded.people.to_dicts()}


LOADERS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "benchmark": _benchmark,
    "run": _run,
    "session.json": _session,
    "answers.jsonl": _answers,
    "survey": _survey,
    "experiment.yaml": _experiment,
    "set": _set,
}
TARGETS = (
    *("benchmark/benchmark.json", "benchmark/demonstrations.parquet", "benchmark/probes.parquet", "run/run.json"),
    *("run/summary.json", "run/example.json", "run/predictions.parquet", "run/people.parquet", "session.json"),
    *("answers.jsonl", "survey/survey.yaml", "survey/questions.yaml", "survey/demographics.yaml", "experiment.yaml"),
    *("set/manifest.json", "set/people.parquet"),
)
"""Files that are damaged, one at a time."""


@lru_cache(len(LOADERS))
def _undamaged(part: str) -> dict[str, Any]:
    return LOADERS[part](_whole()[0])


def check(seed: int, number: int, folder: Path) -> Outcome:
    """Damage a file, load what it belongs to, and compare."""
    rng = random.Random(f"{seed} boundary {number}")
    target = TARGETS[number % len(TARGETS)]
    part = target.partition("/")[0]
    source = _whole()[0] / part
    (shutil.copytree if source.is_dir() else shutil.copyfile)(source, folder / part)
    _damage(folder / target, rng)
    kind = target.replace("/", " ")[:23]
    whole = _undamaged(part)
    try:
        loaded = LOADERS[part](folder)
    except IndievalueError as error:
        return Outcome(kind, REFUSED, str(error)) if str(error).strip() else Outcome(kind, FINDING, "an empty message")
    if repr(loaded) == repr(whole):
        return Outcome(kind, EQUAL)
    try:
        content = _content(folder / target)
    except Exception as error:
        return Outcome(kind, FINDING, f"loaded in spite of: {type(error).__name__} {error}"[:200])
    name = Path(target).name
    if name not in loaded:
        return Outcome(kind, UNKNOWN)
    found = _disagreement(loaded[name], content) if name != "answers.jsonl" else _answered(loaded[name], content)
    return Outcome(kind, FINDING, found) if found else Outcome(kind, SAYS)


def _content(path: Path) -> Any:
    """What another parser reads in a file."""
    if path.suffix == ".parquet":
        return pyarrow.parquet.read_table(path, page_checksum_verification=False).to_pylist()
    text = path.read_text(encoding="utf-8-sig")
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    return json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)


def _disagreement(loaded: Any, content: Any, at: str = "") -> str:
    """Where a value that is in both is not the same; empty where it is everywhere."""
    if isinstance(content, dict) and isinstance(loaded, dict):
        texts = {str(key): value for key, value in loaded.items()}
        pairs: Iterator[tuple[Any, Any, Any]] = ((key, texts[key], content[key]) for key in content if key in texts)
    elif isinstance(content, list) and isinstance(loaded, list | tuple):
        if len(content) != len(loaded):
            return f"{at} has {len(loaded)} values, and {len(content)} in the file"
        pairs = ((place, *both) for place, both in enumerate(zip(loaded, content, strict=True)))
    else:
        if isinstance(loaded, float) and isinstance(content, float | int):
            same = loaded == content or loaded != loaded or abs(loaded - content) <= 1e-6 * abs(content)
        else:
            same = loaded == content or str(loaded) == str(content)
        return "" if same else f"{at} is {loaded!r}, and {content!r} in the file"
    return next((found for key, one, two in pairs if (found := _disagreement(one, two, f"{at}.{key}"))), "")


def _answered(given: dict[tuple[int, str, str], int], lines: list[Any]) -> str:
    """Which line of a file of answers was not taken as it says."""
    for line in lines:
        if line.get("probabilities") is None and line.get("text") is None:
            key = (line["setup"], line["person"], line["question"])
            if given.get(key) != line["choice"]:
                return f"{key} is {given.get(key)}, and {line['choice']} in the file"
    return ""


# Damage


def _damage(path: Path, rng: random.Random) -> None:
    if rng.random() < 0.3:
        path.write_bytes(damaged_bytes(path.read_bytes(), rng))
    elif path.suffix == ".parquet":
        _damage_table(path, rng)
    elif path.suffix == ".jsonl" or (path.suffix == ".yaml" and rng.random() < 0.4):
        _damage_lines(path, rng)
    else:
        content = json.loads(path.read_text()) if path.suffix == ".json" else yaml.safe_load(path.read_text())
        for _ in range(rng.choice([1, 1, 2])):
            content = _damaged(content, rng)
        text = json.dumps(content, indent=1) if path.suffix == ".json" else yaml.safe_dump(content, sort_keys=False)
        path.write_text(text)


def _damaged(value: Any, rng: random.Random) -> Any:
    """A value in which something, anywhere, is replaced, dropped, added, or occurs again."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key, kind = rng.choice(list(value)), rng.randrange(10)
        if kind == 0:
            return {name: one for name, one in value.items() if name != key}
        if kind == 1:
            return {**value, rng.choice(["x", "extra", f"{key}2"]): rng.choice(VALUES)}
        if kind == 2:
            return {(f"{key} " if name == key else name): one for name, one in value.items()}
        return {**value, key: _damaged(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.9:
        at, kind = rng.randrange(len(value)), rng.randrange(6)
        if kind == 0:
            return [*value[:at], *value[at + 1 :]]
        if kind == 1:
            return [*value, value[at]]
        return [*value[:at], _damaged(value[at], rng), *value[at + 1 :]]
    if isinstance(value, str) and rng.random() < 0.4:
        return rng.choice([value.upper(), value + " ", value[:-1], value + "x", value * 3])
    return rng.choice(VALUES)


def _damage_lines(path: Path, rng: random.Random) -> None:
    lines = path.read_text().splitlines()
    at, kind = rng.randrange(len(lines)), rng.randrange(8)
    if kind == 0:
        lines.insert(at, lines[rng.randrange(len(lines))])
    elif kind == 1:
        lines.pop(at)
    elif kind == 2:
        lines[at] = "  " + lines[at]
    elif kind == 3:
        lines[at] = lines[at][: rng.randrange(len(lines[at]) + 1)]
    elif kind == 4:
        lines.insert(
            at, rng.choice(["null", "[]", "1", "{}", "- x: [", "&a [*a]", "!!python/none x", "\t- tab", '"x"'])
        )
    elif path.suffix == ".jsonl":
        lines[at] = json.dumps(_damaged(json.loads(lines[at]), rng))
    else:
        place = rng.randrange(len(lines[at]) + 1)
        lines[at] = (
            lines[at][:place] + rng.choice([":", "-", "{", "}", "'", '"', "#", "*", "&", "1"]) + lines[at][place:]
        )
    path.write_text("\n".join(lines) + "\n")


def _damage_table(path: Path, rng: random.Random) -> None:
    table = pl.read_parquet(path)
    name, kind = rng.choice(table.columns), rng.randrange(9)
    if kind == 0:
        table = table.drop(name)
    elif kind == 1:
        table = table.rename({name: f"{name}x"})
    elif kind == 2:
        table = table.head(rng.randrange(len(table)))
    elif kind == 3:
        table = pl.concat([table, table.head(2)])
    elif kind == 4:
        table = table.with_columns(pl.lit(None, table.schema[name]).alias(name))
    elif kind == 5:
        table = table.with_columns(pl.lit(rng.choice([99, -9, 1.5, "x", "1", None, 300, 10**12, True])).alias(name))
    elif kind == 6:
        cells = table[name].to_list()
        cells[rng.randrange(len(cells))] = rng.choice([99, -9, 127, None]) if table.schema[name].is_numeric() else None
        table = table.with_columns(pl.Series(name, cells, table.schema[name]))
    elif kind == 7:
        table = table.select(rng.sample(table.columns, len(table.columns)))
    else:
        table = table.sample(fraction=1, shuffle=True, seed=rng.randrange(99))
    table.write_parquet(path)
