"""Training sets on disk and on the command line."""

import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml

from commands import run_here
from conftest import GARDEN, garden_answers

pytest.importorskip("trl", reason="training needs trl (extra train)")

from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Settings
from indievalue.benchmark.storage import save_benchmark
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.predictors.local.wording import Wording
from indievalue.reasoner.card import training_set_card, write_model_card
from indievalue.reasoner.draw import TRAIN, UNSEEN_GROUPS, UNSEEN_QUESTIONS, VALIDATION
from indievalue.reasoner.leakage import people_of_benchmark
from indievalue.reasoner.recipe import Recipe
from indievalue.reasoner.record import TrainingRecord, ValidationRecord
from indievalue.reasoner.settings import TrainingSettings
from indievalue.reasoner.tokens import tokenize_first
from indievalue.reasoner.training_set import load_training_set, write_training_set
from tinymodel import tokenizer_of


def test_a_training_set_is_read_by_others_unchanged(small_set: Path, garden_people: People) -> None:
    from datasets import load_dataset

    loaded = load_dataset(str(small_set), cache_dir=str(small_set.parent / "hf"))
    manifest = load_training_set(small_set).manifest
    assert loaded["train"].num_rows == manifest.parts["train"].examples == 8 * len(garden_people.survey.questions)
    assert loaded["validation"].num_rows == manifest.parts["validation"].examples
    assert [message["role"] for message in loaded["train"][0]["messages"]] == ["user", "assistant"]
    people = pl.read_parquet(small_set / "people.parquet")
    assert people.filter(part="tested")["person"].to_list() == garden_people.ids[:20].tolist()
    assert set(loaded["train"]["person"]) == set(people.filter(part="train")["person"].to_list())
    assert manifest.majority["train"] >= manifest.majority["validation"] - 0.2
    assert manifest.parts["train"].tokens.least > 20


def test_tokens_are_counted_as_a_training_reads_them(garden_people: People, tiny_model: Path, tmp_path: Path) -> None:
    recipe = Recipe(people_per_question=3, validation_per_question=0, demonstrations=(0, 3), turns=2)
    made = write_training_set(garden_people, recipe, set(), tmp_path / "set", tokenizer=str(tiny_model))
    wording = Wording(tokenizer_of(chat=True), True, "label")
    sizes = sorted(len(one.tokens) for one in tokenize_first(wording, made.examples(TRAIN), 10_000))
    tokens = made.manifest.parts[TRAIN].tokens
    assert (tokens.least, tokens.most) == (sizes[0], sizes[-1])
    with pytest.raises(IndievalueError, match=r"there is no model \./nowhere"):
        write_training_set(garden_people, recipe, set(), tmp_path / "other", tokenizer="./nowhere")
    assert not (tmp_path / "other").exists()


def test_the_same_seed_writes_the_same_bytes(garden_people: People, tmp_path: Path) -> None:
    recipe = Recipe(people_per_question=4, validation_per_question=1, demonstrations=(0, 3))
    one = write_training_set(garden_people, recipe, set(), tmp_path / "one").manifest
    other = write_training_set(garden_people.take(np.arange(120)[::-1]), recipe, set(), tmp_path / "two").manifest
    assert one.parts == other.parts
    assert (tmp_path / "one" / "train.jsonl").read_bytes() == (tmp_path / "two" / "train.jsonl").read_bytes()


def test_parts_of_what_is_unseen_are_written_too(garden_people: People, tmp_path: Path) -> None:
    recipe = Recipe(
        people_per_question=8, validation_per_question=3, demonstrations=(2, 2), unseen_questions=("Animals",),
        unseen_groups={"region": ("Island",)},
    )  # fmt: skip
    made = write_training_set(garden_people, recipe, set(garden_people.ids[:20].tolist()), tmp_path / "set")
    assert made.parts == (TRAIN, VALIDATION, UNSEEN_QUESTIONS, UNSEEN_GROUPS)
    assert {question for one in made.examples(UNSEEN_QUESTIONS) for question in one["questions"]} == {"A1", "A2", "A3"}
    assert made.people_in(UNSEEN_QUESTIONS) & made.people_in(VALIDATION)
    assert not made.people_in(UNSEEN_QUESTIONS) & made.people_in(TRAIN)
    for part in (TRAIN, VALIDATION, UNSEEN_QUESTIONS):
        assert not made.people_in(part) & made.people_in(UNSEEN_GROUPS)
    assert not any("hedgehogs" in json.dumps(example) for example in made.examples(TRAIN))


def test_damage_is_reported(small_set: Path) -> None:
    whole = (small_set / "train.jsonl").read_text().splitlines(keepends=True)
    (small_set / "train.jsonl").write_text("".join(whole[:-3]))
    with pytest.raises(IndievalueError, match="is incomplete"):
        list(load_training_set(small_set).examples(TRAIN))
    (small_set / "train.jsonl").write_text("".join(whole)[:-30])
    with pytest.raises(IndievalueError, match=f"line {len(whole)} is damaged"):
        list(load_training_set(small_set).examples(TRAIN))
    (small_set / "manifest.json").write_text(
        json.dumps(json.loads((small_set / "manifest.json").read_text()) | {"format": 9})
    )
    with pytest.raises(IndievalueError, match="format 9"):
        load_training_set(small_set)
    (small_set / "manifest.json").unlink()
    with pytest.raises(IndievalueError, match="holds no training set"):
        load_training_set(small_set)


def test_training_sets_on_the_command_line(
    tmp_path: Path, garden_people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    garden_answers(120).write_csv(tmp_path / "garden.csv")
    save_benchmark(build_benchmark(garden_people, Settings(), garden_people.ids[:30].tolist()), tmp_path / "asked")
    call = [
        "training-set", "garden.csv", "--survey", str(GARDEN), "--people-per-question", "6",
        "--demonstrations", "2-5", "--form", "both", "--context", "statements,both", "--benchmark", "asked",
        "--where", "region=Valley", "--where", "region=Hills", "--validation-per-question", "2",
    ]  # fmt: skip
    done = run_here(*call, "--out", "set")
    assert done.returncode == 0, done.stderr
    assert "30 tested people were left out" in done.stderr
    manifest = load_training_set(tmp_path / "set").manifest
    assert manifest.recipe.where == {"region": ("Valley", "Hills")}
    assert manifest.recipe.forms == ("polar", "refined")
    assert manifest.recipe.demonstrations == (2, 5)
    again = run_here(*call, "--out", "set")
    assert again.returncode == 1
    assert "exists already" in again.stderr
    for extra, code, said in (
        (("--where", "region"), 2, "takes DEMOGRAPHIC=GROUP"),
        (("--where", "region=Moon"), 1, "nobody's region is 'Moon'"),
        (("--demonstrations", "5-2"), 1, "from 5 to 2"),
        (("--benchmark", "nowhere"), 1, "holds no benchmark"),
        (("--questions", "Z1"), 1, "no question, category or setup 'Z1'"),
    ):
        wrong = run_here(*call, *extra, "--out", "other")
        assert (wrong.returncode, said in " ".join(wrong.stderr.split())) == (code, True), wrong.stderr
        assert not (tmp_path / "other").exists()


def test_a_manifest_of_the_first_version_is_read(small_set: Path) -> None:
    recipe = {
        "people_per_question": 5, "validation_per_question": 2, "forms": ["polar"], "demonstrations": [0, 3],
        "demonstrations_as": [], "demonstrations_from": "others", "contexts": ["statements"], "turns": 1,
        "questions": [], "where": {"region": ["Hills"]}, "unseen_questions": [], "unseen_groups": {}, "voice": "first",
        "option_order": "fixed", "seed": 0,
    }  # fmt: skip
    part = {
        "examples": 80, "answers": 80, "people": 43, "questions": 10, "questions_with_fewer_people": ["P1"],
        "demonstrations": {"least": 0, "mean": 1.5, "most": 3}, "blake2b": "ab12",
        "tokens": {"least": 40, "median": 60, "p95": 70, "most": 75},
    }  # fmt: skip
    written = {
        "format": 1, "indievalue": "0.1.0", "survey": "garden", "data": "f00", "recipe": recipe, "tested": 20,
        "tokenizer": None, "tokens_are": "of 500 examples at most, estimated", "majority": {"train": 0.75},
        "parts": {"train": part},
    }  # fmt: skip
    (small_set / "manifest.json").write_text(json.dumps(written))
    manifest = load_training_set(small_set).manifest
    expected = Recipe(
        people_per_question=5, validation_per_question=2, demonstrations=(0, 3), where={"region": ("Hills",)}
    )
    assert manifest.recipe == expected
    assert (manifest.parts["train"].tokens.p95, manifest.parts["train"].demonstrations.mean) == (70, 1.5)
    assert manifest.majority == {"train": 0.75}
    del part["examples"]
    (small_set / "manifest.json").write_text(json.dumps(written))
    with pytest.raises(IndievalueError, match=r"holds no training set .*'parts\.train\.examples' is missing"):
        load_training_set(small_set)


def _body(card: str) -> str:
    """A card without its front matter, which is YAML."""
    return card.split("---\n", 2)[2]


def test_the_cards_hold_no_markup_of_names(small_set: Path, tmp_path: Path) -> None:
    bad = "<script>alert(1)</script>\n\n# heading [click](http://x) | *bold*"
    manifest = load_training_set(small_set).manifest.model_copy(update={"survey": bad, "indievalue": bad})
    folder = tmp_path / "a`b <img src=x> [click](y)"
    folder.mkdir()
    model = f"`{bad}\n```\n<img src=x>"
    record = TrainingRecord(
        1, 1, 80, 1000, 1.0, 10, 10, None, 0.5, (ValidationRecord(0, 0.5, 0.7, 10),), {"polar": 0.8}
    )
    write_model_card(folder, TrainingSettings(out="x", data=f"{bad}\n```\n<b>", model=model), manifest, record)
    written = (folder / "README.md").read_text()
    for card in (training_set_card(manifest), written):
        front = yaml.safe_load(card.split("---\n", 2)[1])
        assert front["license"] == "other"
        outside = re.sub(r"(?m)^(`{3,})yaml\n.*?^\1$", "", _body(card), flags=re.S)
        outside = re.sub(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", "", outside)
        assert "<" not in outside
        assert "[click]" not in outside.replace("\\[click\\]", "")
        assert not re.search("^# heading", outside, re.M)
    assert "&lt;script&gt;alert(1)&lt;/script&gt; # heading" in written
    assert yaml.safe_load(written.split("---\n", 2)[1])["base_model"] == model
    assert "| 0 | 50.0 | 0.700 | 10 |" in written
    assert "those at a temperature of 0.80, which fits these answers best" in written


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"form": "polar"}', "'people' is missing"),
        ('{"people": []}', "people: List should have at least 1 item"),
        ('{"people": ["a", 2]}', "people.1: Input should be a valid string"),
        ("[1]", "Input should be an object"),
        ('{"people": ["a"], "people": ["b"]}', "the key 'people' occurs twice"),
        ("{", "does not say who is tested"),
    ],
)
def test_a_benchmark_that_does_not_say_who_is_tested(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "benchmark.json").write_text(text)
    with pytest.raises(
        IndievalueError, match=r"benchmark\.json does not say who is tested: .*; save the bench"
    ) as told:
        people_of_benchmark(tmp_path)
    assert said in str(told.value)
    (tmp_path / "benchmark.json").write_text('{"people": ["b", "a"], "form": "polar"}')
    assert people_of_benchmark(tmp_path) == {"a", "b"}
