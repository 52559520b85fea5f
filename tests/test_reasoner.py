"""Reasoners: who is in a training set and what they are asked, and a training from end to end."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from conftest import GARDEN, ROOT, garden_answers

pytest.importorskip("trl", reason="training needs trl: pip install 'indievalue[train]'")

import torch
from safetensors.torch import load_file

from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import NOBODY, Settings
from indievalue.benchmark.storage import save_benchmark, task_texts
from indievalue.errors import IndievalueError
from indievalue.experiments.reasoners import settings_of
from indievalue.experiments.run import run_experiment
from indievalue.experiments.spec import load_experiment, shipped_experiments
from indievalue.people.people import People
from indievalue.people.read import read_people
from indievalue.predictors.local.wording import Wording
from indievalue.prompts.prompt import prompts_of
from indievalue.reasoner.conversations import conversations
from indievalue.reasoner.draw import TRAIN, UNSEEN_GROUPS, UNSEEN_QUESTIONS, VALIDATION, Drawn, parts_of
from indievalue.reasoner.folder import load_training_set, write_training_set
from indievalue.reasoner.leaks import people_of_benchmark
from indievalue.reasoner.model import model_of, source_of
from indievalue.reasoner.model import tokenizer_of as loaded_tokenizer
from indievalue.reasoner.recipe import Recipe, columns_of, members
from indievalue.reasoner.settings import TrainingSettings, load_settings, parse_changes
from indievalue.reasoner.tokens import IGNORED, first_of, preview, read, write_tokens
from indievalue.reasoner.trainer import make_trainer
from indievalue.reasoner.training import RESULT, last_checkpoint, train
from indievalue.reasoner.validation import validate
from indievalue.synthetic.generate import synthetic_people
from tinymodel import save_tiny, tokenizer_of

COMMAND = [sys.executable, "-c", "from indievalue.cli import main; main()"]
SMALL = Recipe(people_per_question=20, validation_per_question=3, demonstrations=(10, 10))


@pytest.fixture(scope="module")
def crowd() -> People:
    return synthetic_people(600, 0)


@pytest.fixture(scope="module")
def tested(crowd: People) -> np.ndarray:
    chosen = np.zeros(len(crowd), bool)
    chosen[:100] = True
    return chosen


# --- who is asked what -----------------------------------------------------------------------------------


def test_every_question_is_asked_of_as_many_people_and_nobody_who_is_tested(crowd: People, tested: np.ndarray) -> None:
    parts = parts_of(crowd, SMALL, tested)
    assert set(parts) == {TRAIN, VALIDATION}
    for name, number in ((TRAIN, 20), (VALIDATION, 3)):
        drawn = parts[name]
        asked, counts = np.unique(drawn.probes, return_counts=True)
        full = [at for at, question in enumerate(crowd.survey.questions) if question.id not in drawn.lacking]
        assert set(counts[np.isin(asked, full)].tolist()) == {number}
        assert all(len(np.unique(drawn.rows[drawn.probes[:, 0] == at])) == (drawn.probes == at).sum() for at in asked)
        assert not tested[drawn.rows].any()
        assert (crowd.options("polar")[drawn.rows, drawn.probes[:, 0]] >= 0).all()
    assert not set(parts[TRAIN].rows.tolist()) & set(parts[VALIDATION].rows.tolist())


def test_the_order_of_the_file_makes_no_difference(crowd: People, tested: np.ndarray) -> None:
    order = np.random.default_rng(1).permutation(len(crowd))
    recipe = replace(SMALL, turns=2, demonstrations=(3, 9), contexts=("statements", "both"), forms=("polar", "refined"))
    one = parts_of(crowd, recipe, tested)
    other = parts_of(crowd.take(order), recipe, tested[order])
    for name, drawn in one.items():
        assert crowd.ids[drawn.rows].tolist() == crowd.ids[order][other[name].rows].tolist()
        for array in ("probes", "shown", "form", "shown_form", "context"):
            assert np.array_equal(getattr(drawn, array), getattr(other[name], array))
    again = parts_of(crowd, replace(recipe, seed=1), tested)[TRAIN]
    assert not np.array_equal(again.rows, one[TRAIN].rows)


@pytest.mark.parametrize("source", ["others", "siblings"])
def test_demonstrations_are_answers_to_other_questions(crowd: People, tested: np.ndarray, source: Any) -> None:
    drawn = parts_of(crowd, replace(SMALL, demonstrations_from=source, demonstrations=(5, 200)), tested)[TRAIN]
    numbers = (drawn.shown != NOBODY).sum(axis=1)
    assert numbers.min() == 5
    assert numbers.max() > 100
    survey = crowd.survey
    together = 0
    for row, probe, shown in zip(drawn.rows, drawn.probes[:, 0], drawn.shown, strict=True):
        seen = shown[shown != NOBODY]
        assert len(set(seen.tolist())) == len(seen)
        assert probe not in seen
        assert (crowd.options("polar")[row, seen] >= 0).all()
        per_category = survey.sampling.per_category
        category = [at for at, q in enumerate(survey.questions) if q.category == survey.questions[probe].category]
        block = category.index(probe) // per_category
        together += len(set(category[block * per_category : (block + 1) * per_category]) & set(seen.tolist()))
    assert (together == 0) == (source == "others")


def test_the_protocols_probes_are_kept_from_each_others_demonstrations(crowd: People, tested: np.ndarray) -> None:
    benchmark = build_benchmark(crowd, Settings(), 5)
    drawn = parts_of(crowd, replace(SMALL, demonstrations=(253, 253)), tested)[TRAIN]
    first = benchmark.setups[0].probes
    of_first = np.isin(drawn.probes[:, 0], first)
    assert of_first.any()
    assert not np.isin(drawn.shown[of_first], first).any()


def test_unseen_questions_and_groups_are_nowhere_in_training(crowd: People, tested: np.ndarray) -> None:
    category = crowd.survey.categories[0]
    country = crowd.demographics["country"].drop_nulls().value_counts(sort=True)["country"][0]
    recipe = replace(
        SMALL, unseen_questions=(category, "Q50"), unseen_groups={"country": (country,)}, demonstrations=(200, 200)
    )
    parts = parts_of(crowd, recipe, tested)
    assert set(parts) == {TRAIN, VALIDATION, UNSEEN_QUESTIONS, UNSEEN_GROUPS}
    unseen = columns_of(crowd, recipe.unseen_questions)
    assert len(unseen) > 3
    for name, drawn in parts.items():
        assert not np.isin(drawn.shown, unseen).any()
        assert np.isin(drawn.probes, unseen).all() == (name == UNSEEN_QUESTIONS)
        assert np.isin(drawn.probes, unseen).any() == (name == UNSEEN_QUESTIONS)
        there = crowd.demographics["country"].to_numpy()[drawn.rows] == country
        assert there.all() == (name == UNSEEN_GROUPS)
        assert there.any() == (name == UNSEEN_GROUPS)
    assert set(parts[UNSEEN_QUESTIONS].rows.tolist()) & set(parts[VALIDATION].rows.tolist())


def test_turns_ask_several_probes_and_show_none_of_them(crowd: People, tested: np.ndarray) -> None:
    drawn = parts_of(crowd, replace(SMALL, turns=5, demonstrations=(50, 50)), tested)[TRAIN]
    assert drawn.probes.shape[1] == 5
    answers = (drawn.probes != NOBODY).sum()
    assert 0.9 * 20 * 253 < answers <= 20 * 253 + 5
    for row, probes, shown in zip(drawn.rows, drawn.probes, drawn.shown, strict=True):
        asked = probes[probes != NOBODY]
        assert len(set(asked.tolist())) == len(asked)
        assert not set(asked.tolist()) & set(shown.tolist())
        assert (crowd.options("polar")[row, asked] >= 0).all()


def test_only_some_people_and_questions(crowd: People, tested: np.ndarray) -> None:
    recipe = replace(SMALL, where={"sex": ("female",)}, questions=("setup 0",), contexts=("demographics",))
    drawn = parts_of(crowd, recipe, tested)[TRAIN]
    assert set(crowd.demographics["sex"].to_numpy()[drawn.rows].tolist()) == {"female"}
    assert len(np.unique(drawn.probes)) == 39
    assert (drawn.shown == NOBODY).all()
    assert members(crowd, {}).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"forms": ("both",)}, "forms has 'both'"),
        ({"forms": ()}, "forms and contexts name at least one"),
        ({"demonstrations": (9, 3)}, "from 9 to 3"),
        ({"people_per_question": 0}, "people_per_question is at least 1"),
        ({"option_order": "both"}, "one order of options"),
        ({"contexts": ("all",)}, "contexts has 'all'"),
    ],
)
def test_a_recipe_that_makes_no_sense(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(IndievalueError, match=message):
        replace(SMALL, **changes)


def test_what_a_recipe_names_must_be_there(crowd: People, tested: np.ndarray) -> None:
    for changes, message in (
        ({"questions": ("Q9999",)}, "no question, category or setup 'Q9999'"),
        ({"where": {"country": ("Atlantis",)}}, "nobody's country is 'Atlantis'; there are"),
        ({"where": {"shoes": ("brown",)}}, "shoes"),
    ):
        with pytest.raises(IndievalueError, match=message):
            parts_of(crowd, replace(SMALL, **changes), tested)
    with pytest.raises(IndievalueError, match="nobody is left to train on"):
        parts_of(crowd, SMALL, np.ones(len(crowd), bool))


# --- the text --------------------------------------------------------------------------------------------


def test_an_example_is_the_prompt_of_evaluate_and_the_persons_own_answer(crowd: People) -> None:
    """The same person, probe and demonstrations read the same as in a benchmark, to the letter."""
    for form, context in (("polar", "both"), ("refined", "statements"), ("polar", "none")):
        benchmark = build_benchmark(crowd, Settings(form=form, context=context, demonstrations=20, setups=(0,)), 3)
        recipe = replace(SMALL, forms=(form,), contexts=(context,))
        task = next(iter(task_texts(benchmark)))
        setup, rows = benchmark.setups[0], np.array([crowd.rows[str(benchmark.people.ids[0])]] * 39)
        shown = np.full((39, 20), NOBODY, np.int16)
        if context in ("both", "statements"):
            shown[:] = setup.demonstrations[0]
        zeros = np.zeros(39, np.int8)
        shown_form = zeros + (form == "refined")
        drawn = Drawn(rows, setup.probes[:, None].astype(np.int16), shown, zeros, shown_form, zeros, ())
        prompts = list(prompts_of(task, recipe.style))
        for example, prompt, probe in zip(conversations(crowd, recipe, drawn), prompts, task["probes"], strict=True):
            question, answer = example["messages"]
            assert question == {"role": "user", "content": prompt.text}
            assert answer == {"role": "assistant", "content": "ABCDEFGH"[probe["answer"]]}
            assert example["labels"] == [prompt.probes[0].labels]


@pytest.mark.parametrize("voice", ["first", "third"])
def test_every_answer_is_the_label_of_what_the_person_said(crowd: People, tested: np.ndarray, voice: Any) -> None:
    recipe = replace(
        SMALL, people_per_question=2, turns=3, forms=("polar", "refined"), option_order="shuffled", voice=voice,
        demonstrations_as=("refined",), contexts=("none", "demographics", "both"),
    )  # fmt: skip
    drawn = parts_of(crowd, recipe, tested)[TRAIN]
    seen = set()
    for example in conversations(crowd, recipe, drawn):
        seen |= {example["form"], example["context"]}
        row = crowd.rows[example["person"]]
        users, answers = example["messages"][::2], example["messages"][1::2]
        for question, user, answer in zip(example["questions"], users, answers, strict=True):
            at = crowd.survey.positions[question]
            option = crowd.options(example["form"])[row, at]
            statement = crowd.survey.questions[at].options(example["form"])[option].statement
            if voice == "first":
                assert f"\n{answer['content']}. {statement}\n" in user["content"]
            else:
                assert f"\n{answer['content']}. " in user["content"]
        assert ("About themselves" in users[0]["content"] or "a person's circumstances:" in users[0]["content"]) == (
            example["context"] != "none"
        )
        assert all(user["content"].startswith("The person is asked:") for user in users[1:])
    assert seen == {"polar", "refined", "none", "demographics", "both"}


# --- on disk ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def garden_people(tmp_path_factory: pytest.TempPathFactory) -> People:
    file = tmp_path_factory.mktemp("garden") / "garden.csv"
    garden_answers(120).write_csv(file)
    return read_people(str(file), str(GARDEN))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def small_set(garden_people: People, tmp_path: Path) -> Path:
    recipe = Recipe(people_per_question=8, validation_per_question=3, demonstrations=(2, 4))
    write_training_set(garden_people, recipe, set(garden_people.ids[:20].tolist()), tmp_path / "set")
    return tmp_path / "set"


def test_a_training_set_is_read_by_others_unchanged(small_set: Path, garden_people: People) -> None:
    from datasets import load_dataset

    loaded = load_dataset(str(small_set), cache_dir=str(small_set.parent / "hf"))
    manifest = load_training_set(small_set).manifest
    assert loaded["train"].num_rows == manifest["parts"]["train"]["examples"] == 8 * len(garden_people.survey.questions)
    assert loaded["validation"].num_rows == manifest["parts"]["validation"]["examples"]
    assert [message["role"] for message in loaded["train"][0]["messages"]] == ["user", "assistant"]
    people = pl.read_parquet(small_set / "people.parquet")
    assert people.filter(part="tested")["person"].to_list() == garden_people.ids[:20].tolist()
    assert set(loaded["train"]["person"]) == set(people.filter(part="train")["person"].to_list())
    assert manifest["majority"]["train"] >= manifest["majority"]["validation"] - 0.2
    assert manifest["parts"]["train"]["tokens"]["least"] > 20


def test_tokens_are_counted_as_a_training_reads_them(garden_people: People, tiny: Path, tmp_path: Path) -> None:
    recipe = Recipe(people_per_question=3, validation_per_question=0, demonstrations=(0, 3), turns=2)
    made = write_training_set(garden_people, recipe, set(), tmp_path / "set", tokenizer=str(tiny))
    wording = Wording(tokenizer_of(chat=True), True, "label")
    sizes = sorted(len(one.tokens) for one in first_of(wording, made.examples(TRAIN), 10_000))
    tokens = made.manifest["parts"][TRAIN]["tokens"]
    assert (tokens["least"], tokens["most"]) == (sizes[0], sizes[-1])
    with pytest.raises(IndievalueError, match=r"there is no model \./nowhere"):
        write_training_set(garden_people, recipe, set(), tmp_path / "other", tokenizer="./nowhere")
    assert not (tmp_path / "other").exists()


def test_the_same_seed_writes_the_same_bytes(garden_people: People, tmp_path: Path) -> None:
    recipe = Recipe(people_per_question=4, validation_per_question=1, demonstrations=(0, 3))
    one = write_training_set(garden_people, recipe, set(), tmp_path / "one").manifest
    other = write_training_set(garden_people.take(np.arange(120)[::-1]), recipe, set(), tmp_path / "two").manifest
    assert one["parts"] == other["parts"]
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


def test_damage_is_told(small_set: Path) -> None:
    whole = (small_set / "train.jsonl").read_text().splitlines(keepends=True)
    (small_set / "train.jsonl").write_text("".join(whole[:-3]))
    with pytest.raises(IndievalueError, match="it is not whole"):
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


def test_training_sets_on_the_command_line(tmp_path: Path, garden_people: People) -> None:
    garden_answers(120).write_csv(tmp_path / "garden.csv")
    save_benchmark(build_benchmark(garden_people, Settings(), garden_people.ids[:30].tolist()), tmp_path / "asked")
    call = [
        *COMMAND, "training-set", "garden.csv", "--survey", str(GARDEN), "--people-per-question", "6",
        "--demonstrations", "2-5", "--form", "both", "--context", "statements,both", "--benchmark", "asked",
        "--where", "region=Valley", "--where", "region=Hills", "--validation-per-question", "2",
    ]  # fmt: skip
    done = subprocess.run([*call, "--out", "set"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "30 people who are tested are in none of it" in done.stderr
    manifest = load_training_set(tmp_path / "set").manifest
    assert manifest["recipe"]["where"] == {"region": ["Valley", "Hills"]}
    assert manifest["recipe"]["forms"] == ["polar", "refined"]
    assert manifest["recipe"]["demonstrations"] == [2, 5]
    again = subprocess.run([*call, "--out", "set"], cwd=tmp_path, capture_output=True, text=True)
    assert again.returncode == 1
    assert "exists already" in again.stderr
    for extra, code, said in (
        (("--where", "region"), 2, "takes DEMOGRAPHIC=GROUP"),
        (("--where", "region=Moon"), 1, "nobody's region is 'Moon'"),
        (("--demonstrations", "5-2"), 1, "from 5 to 2"),
        (("--benchmark", "nowhere"), 1, "holds no benchmark"),
        (("--questions", "Z1"), 1, "no question, category or setup 'Z1'"),
    ):
        wrong = subprocess.run([*call, *extra, "--out", "other"], cwd=tmp_path, capture_output=True, text=True)
        assert (wrong.returncode, said in " ".join(wrong.stderr.split())) == (code, True), wrong.stderr
        assert not (tmp_path / "other").exists()


# --- settings --------------------------------------------------------------------------------------------


def _yaml(folder: Path, name: str = "run.yaml", **keys: Any) -> Path:
    (folder / name).write_text(yaml.safe_dump(keys))
    return folder / name


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"data": "a.csv", "out": "x", "learning_rate": 1}, "unknown key 'learning_rate'; there are out, model"),
        ({"data": "a.csv", "out": "x", "recipe": {"people": 1}}, "unknown key 'recipe.people'; there are people_per"),
        ({"data": "a.csv", "out": "x", "lora": {"r": 1}}, "unknown key 'lora.r'; there are rank, alpha"),
        ({"data": "a.csv"}, "'out' is missing"),
        ({"out": "x"}, "give `training_set`, or `data`"),
        ({"data": "a.csv", "training_set": "s", "out": "x"}, "one of the two"),
        ({"data": "a.csv", "out": "x", "packing": True}, "no other keeps examples"),
        ({"data": "a.csv", "out": "x", "patience": 2, "validate_every": 0}, "makes none"),
        ({"data": "a.csv", "out": "x", "patience": 2, "save_every": 150}, "multiple"),
        ({"data": "a.csv", "out": "x", "batch": 0}, "batch: Input should be greater"),
        ({"data": "a.csv", "out": "x", "recipe": {"demonstrations": [9, 1]}}, "from 9 to 1"),
    ],
)
def test_a_key_that_is_wrong_is_named(keys: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(IndievalueError, match=message):
        load_settings(_yaml(tmp_path, **keys))


def test_a_file_may_build_on_another(tmp_path: Path) -> None:
    _yaml(tmp_path, "base.yaml", data="a.csv", out="x", rate=0.5, recipe={"turns": 2, "people_per_question": 3})
    file = _yaml(tmp_path, base="base.yaml", recipe={"turns": 4}, out="y")
    settings = load_settings(file, parse_changes(["recipe.people_per_question=9", "lora.rank=2", "dtype=float32"]))
    assert (settings.out, settings.rate, settings.recipe.turns) == ("y", 0.5, 4)
    assert (settings.recipe.people_per_question, settings.lora.rank, settings.lora.alpha) == (9, 2, 32)
    with pytest.raises(IndievalueError, match="KEY=VALUE"):
        parse_changes(["rate"])
    _yaml(tmp_path, "base.yaml", base="run.yaml")
    with pytest.raises(IndievalueError, match="its own base"):
        load_settings(file)
    with pytest.raises(IndievalueError, match="cannot read the training"):
        load_settings(tmp_path / "absent.yaml")


@pytest.mark.parametrize("file", sorted((ROOT / "configs").glob("*/*.yaml")), ids=lambda path: path.stem)
def test_configurations_that_ship_can_be_read(file: Path) -> None:
    if file.parent.name == "accelerate":
        assert yaml.safe_load(file.read_text())["mixed_precision"]
    else:
        load_settings(file, {"data": "wvs7.csv", "out": "x"})


def test_every_key_is_documented() -> None:
    page = (ROOT / "docs" / "train.md").read_text()
    for model in (TrainingSettings, *(TrainingSettings.model_fields[key].annotation for key in ("recipe", "lora"))):
        for key in model.model_fields:  # type: ignore[union-attr]
            assert f"`{key}`" in page, key


# --- tokens ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chat", [True, False])
@pytest.mark.parametrize("turns", [1, 3])
def test_the_loss_is_on_the_answers_alone(garden_people: People, chat: bool, turns: int) -> None:
    recipe = Recipe(people_per_question=3, validation_per_question=0, demonstrations=(2, 2), turns=turns)
    drawn = parts_of(garden_people, recipe, np.zeros(120, bool))[TRAIN]
    examples = list(conversations(garden_people, recipe, drawn))
    wording = Wording(tokenizer_of(chat=chat), chat, "label")
    decode = wording.tokenizer.decode
    for example, one in zip(examples, read(wording, examples), strict=True):
        answers = [message["content"] for message in example["messages"][1::2]]
        end = "</s>" if chat else "\n\n"
        taught = [decode(one.tokens[start:stop]) for start, stop in one.taught]
        assert taught == [answer + (end if turn + 1 < len(answers) else "</s>") for turn, answer in enumerate(answers)]
        assert [one.tokens[at] if label == IGNORED else label for at, label in enumerate(one.labels)] == one.tokens
        assert sum(label != IGNORED for label in one.labels) == sum(stop - start for start, stop in one.taught)
        for (options, truth), (start, _), labels, answer in zip(
            one.candidates, one.taught, example["labels"], answers, strict=True
        ):
            assert [decode([token]).strip() for token in options] == list(labels)
            assert one.tokens[start] == options[truth]
            assert labels[truth] == answer


@pytest.mark.parametrize("chat", [True, False])
def test_what_is_read_before_the_first_answer_is_what_a_local_model_is_asked(garden_people: People, chat: bool) -> None:
    benchmark = build_benchmark(garden_people, Settings(demonstrations=3, setups=(0,)), 4)
    wording = Wording(tokenizer_of(chat=chat), chat, "label")
    for task in task_texts(benchmark):
        prompts = list(prompts_of(task, Recipe().style))
        asked = wording.items([wording.text(prompt) for prompt in prompts], prompts)
        examples = [
            {
                "messages": [{"role": "user", "content": prompt.text}, {"role": "assistant", "content": "A"}],
                "labels": [prompt.probes[0].labels],
            }
            for prompt in prompts
        ]
        for items, one in zip(asked, read(wording, examples), strict=True):
            assert tuple(one.tokens[: one.taught[0][0]]) == items[0][0].context
            taught = one.tokens[one.taught[0][0]]
            assert taught == one.candidates[0][0][0]
            assert (taught,) in [item.continuation for item in items[0]]


def test_too_long_an_example_is_refused_with_the_length_that_would_do(small_set: Path, tmp_path: Path) -> None:
    wording = Wording(tokenizer_of(chat=True), True, "label")
    data = load_training_set(small_set)
    longest = max(len(one.tokens) for one in first_of(wording, data.examples(TRAIN), 10_000))
    with pytest.raises(
        IndievalueError, match=f"1?[0-9]+ of 80 examples are longer than .*`length: {longest}` would do"
    ):
        write_tokens(tmp_path / "tokens.arrow", wording, data.examples(TRAIN), longest - 1)
    assert not list(tmp_path.glob("*tokens*"))
    assert len(write_tokens(tmp_path / "tokens.arrow", wording, data.examples(TRAIN), longest)) == 80


def test_an_example_that_teaches_nothing_is_refused(small_set: Path, tmp_path: Path) -> None:
    def silent() -> Iterator[dict[str, Any]]:
        for example in load_training_set(small_set).examples(TRAIN):
            yield {**example, "messages": example["messages"][:1], "labels": []}

    with pytest.raises(IndievalueError, match="80 of 80 examples teach nothing"):
        write_tokens(tmp_path / "tokens.arrow", Wording(tokenizer_of(chat=True), True, "label"), silent(), 2000)


def test_a_template_that_rewrites_earlier_turns_is_refused(garden_people: People) -> None:
    recipe = Recipe(people_per_question=3, validation_per_question=0, demonstrations=(2, 2), turns=3)
    drawn = parts_of(garden_people, recipe, np.zeros(120, bool))[TRAIN]
    tokenizer = tokenizer_of(chat=True)
    tokenizer.chat_template = "{{ messages|length }}" + tokenizer.chat_template
    with pytest.raises(IndievalueError, match="one turn an example"):
        read(Wording(tokenizer, True, "label"), list(conversations(garden_people, recipe, drawn)))


def test_the_preview_marks_what_is_taught(small_set: Path) -> None:
    wording = Wording(tokenizer_of(chat=True), True, "label")
    shown = preview(wording, first_of(wording, load_training_set(small_set).examples(TRAIN), 1)[0])
    example = next(load_training_set(small_set).examples(TRAIN))
    question, answer = (message["content"] for message in example["messages"])
    assert shown == f"<s><user>{question}<model>⟦{answer}</s>⟧"


@pytest.mark.parametrize("ranks", [1, 3])
def test_validation_is_that_of_one_plain_call_an_answer(garden_people: People, tmp_path: Path, ranks: int) -> None:
    recipe = Recipe(people_per_question=2, validation_per_question=0, demonstrations=(1, 4), turns=2)
    drawn = parts_of(garden_people, recipe, np.zeros(120, bool))[TRAIN]
    wording = Wording(tokenizer_of(chat=True), True, "label")
    examples = read(wording, list(conversations(garden_people, recipe, drawn))[:7])
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(save_tiny(tmp_path / "tiny")).eval()
    right, loss, answers = 0, 0.0, 0
    for one in examples:
        for (start, _), (options, truth) in zip(one.taught, one.candidates, strict=True):
            with torch.no_grad():
                logs = model(torch.tensor([one.tokens[:start]])).logits[0, -1, options].log_softmax(-1)
            right, loss, answers = right + (int(logs.argmax()) == truth), loss - float(logs[truth]), answers + 1
    totals: list[torch.Tensor] = []

    def gather(total: torch.Tensor) -> torch.Tensor:
        totals.append(total)
        return torch.stack(totals).sum(dim=0)

    for rank in range(ranks):
        score = validate(model, examples, 0, torch.device("cpu"), 2, rank=rank, ranks=ranks, together=gather)
    assert (score.answers, score.right) == (answers, right)
    assert score.log_loss == pytest.approx(loss / answers, rel=1e-4)
    low, high = score.interval
    assert low < score.accuracy < high


# --- training --------------------------------------------------------------------------------------------


@pytest.fixture
def settings(tmp_path: Path, tiny: Path) -> Callable[..., Path]:
    """Writes a training's YAML: twelve steps on gardeners."""
    garden_answers(120).write_csv(tmp_path / "garden.csv")

    def write(name: str, **keys: Any) -> Path:
        recipe = {"people_per_question": 8, "validation_per_question": 3, "demonstrations": [2, 4], "seed": 3}
        plain = {
            "data": str(tmp_path / "garden.csv"), "survey": str(GARDEN), "tested": 20, "recipe": recipe,
            "model": str(tiny), "out": str(tmp_path / name), "length": 1024, "steps": 12, "batch": 4, "rate": 0.003,
            "lora": {"rank": 4, "alpha": 8, "dropout": 0.1}, "validate_every": 4, "save_every": 2, "log_every": 2,
        }  # fmt: skip
        return _yaml(tmp_path, f"{name}.yaml", **(plain | keys))

    return write


def run(file: Path, **keys: Any) -> Any:
    said: list[str] = []
    result = train(load_settings(file), said.append, **keys)
    return result, said


def test_from_a_survey_to_a_reasoner_that_is_killed_resumed_merged_and_evaluated(
    settings: Callable[..., Path], tmp_path: Path
) -> None:
    result, said = run(settings("whole"))
    whole = tmp_path / "whole"
    assert [step for step, _ in result.validations] == [0, 4, 8, 12]
    assert any("⟦" in line for line in said)

    file = settings("stopped")
    process = subprocess.Popen([*COMMAND, "train", str(file)], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while last_checkpoint(tmp_path / "stopped" / "checkpoints") is None and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.002)
    process.kill()
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "stopped" / RESULT).exists()
    torn = tmp_path / "stopped" / "checkpoints" / "checkpoint-11"
    torn.mkdir()
    (torn / "trainer_state.json").write_text('{"global_step": 1')
    again = subprocess.run([*COMMAND, "train", str(file)], capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert "Going on from step" in again.stderr
    for name in ("model.safetensors", "adapter/adapter_model.safetensors"):
        ours, theirs = load_file(tmp_path / "stopped" / name), load_file(whole / name)
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours), name

    plain = load_file(Path(load_settings(file).model) / "model.safetensors")
    merged = load_file(whole / "model.safetensors")
    changed = [key for key in merged if key in plain and not torch.equal(merged[key], plain[key])]
    assert any("q_proj" in key for key in changed)

    run_dir = tmp_path / "run"
    call = [
        *COMMAND,
        "evaluate",
        str(tmp_path / "garden.csv"),
        "--survey",
        str(GARDEN),
        "--predictor",
        f"local:{whole}",
    ]
    evaluated = subprocess.run(
        [*call, "--seed", "3", "--people", "20", "--demonstrations", "3", "--out", str(run_dir)],
        capture_output=True, text=True,
        env={**os.environ, "INDIEVALUE_CACHE": str(tmp_path / "cache")},
    )  # fmt: skip
    assert evaluated.returncode == 0, evaluated.stderr
    assert 20 < json.loads((run_dir / "summary.json").read_text())[f"local:{whole}"]["accuracy"] < 80
    assert people_of_benchmark(run_dir) == set(pl.read_parquet(run_dir / "predictions.parquet")["person"].to_list())
    leaked = subprocess.run([*call, "--people", "all", "--out", str(tmp_path / "no")], capture_output=True, text=True)
    assert leaked.returncode == 1
    assert "was trained on" in leaked.stderr
    card = (whole / "README.md").read_text()
    assert "| 12 |" in card
    assert "g00" not in (whole / "trained-on.json").read_text()
    assert not (whole / ".tokens").exists()
    with pytest.raises(IndievalueError, match="finished reasoner"):
        run(settings("whole"))


def test_a_training_learns_what_there_is_to_learn(settings: Callable[..., Path], tmp_path: Path) -> None:
    """After some hundred steps it knows which answers are given often; with patience, it keeps the best."""
    recipe = {"people_per_question": 60, "validation_per_question": 8, "demonstrations": [0, 0], "contexts": ["none"]}
    file = settings(
        "learned", tuning="full", steps=60, rate=0.003, recipe=recipe, save_every=20, validate_every=20, patience=6
    )
    result, _ = run(file)
    first, last = result.validations[0][1], max(result.validations, key=lambda one: one[1].accuracy)
    assert last[1].accuracy > result.majority - 0.06
    assert last[1].log_loss < first.log_loss - 0.3
    assert result.step == last[0]
    done = json.loads((tmp_path / "learned" / RESULT).read_text())
    assert done["trained_parameters"] == done["parameters"]
    assert done["step"] == result.step


def test_what_came_of_the_last_step_is_validated_too(settings: Callable[..., Path]) -> None:
    result, _ = run(settings("odd", steps=5, validate_every=2, save_every=5))
    assert [step for step, _ in result.validations] == [0, 2, 4, 5]


def test_an_adapter_alone_and_some_layers(settings: Callable[..., Path], tmp_path: Path) -> None:
    lora = {"rank": 2, "last_layers": 1, "targets": ["q_proj", "v_proj"]}
    result, said = run(settings("adapter", merge=False, steps=2, lora=lora, validate_every=0, checkpointing=True))
    assert result.validations == ()
    assert not any("predicted" in line for line in said)
    weights = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    assert weights
    assert all("layers.1." in key for key in weights)
    assert not (tmp_path / "adapter" / "model.safetensors").exists()
    from indievalue.predictors.local.source import find_source

    assert find_source(str(tmp_path / "adapter")).adapter == str(tmp_path / "adapter")


def test_who_is_tested_is_never_trained_on(
    settings: Callable[..., Path], small_set: Path, garden_people: People, tmp_path: Path
) -> None:
    data = load_training_set(small_set)
    trained = sorted(data.people_in(TRAIN))[:2]
    save_benchmark(build_benchmark(garden_people, Settings(), trained), tmp_path / "asked")
    alone = {"data": None, "survey": None, "training_set": str(small_set), "steps": 1}
    with pytest.raises(IndievalueError, match=r"2 people are in the train part of .* and in the benchmark"):
        run(settings("one", **alone, benchmarks=[str(tmp_path / "asked")]))
    lines = (small_set / "train.jsonl").read_text().splitlines()
    swapped = {**json.loads(lines[5]), "person": garden_people.ids[0]}
    (small_set / "train.jsonl").write_text("\n".join([*lines[:5], json.dumps(swapped), *lines[6:], ""]))
    with pytest.raises(IndievalueError, match="was changed; make it anew"):
        run(settings("two", **alone))
    people = pl.read_parquet(small_set / "people.parquet")
    both = pl.concat([people, people.filter(part="tested").head(3).with_columns(part=pl.lit("train"))])
    both.write_parquet(small_set / "people.parquet")
    with pytest.raises(IndievalueError, match="3 people are in train and in tested"):
        run(settings("three", **alone))
    assert not list(tmp_path.glob("*/checkpoints"))


def test_what_cannot_be_trained_is_said_before_it_begins(settings: Callable[..., Path], tmp_path: Path) -> None:
    for keys, message in (
        ({"model": str(tmp_path / "absent")}, "there is no model"),
        ({"length": 5000}, "more than the 2,048 tokens"),
        ({"length": 60}, "examples are longer than `length: 60`"),
        ({"tuning": "qlora"}, "qlora` needs"),
        ({"data": str(tmp_path / "absent.csv")}, "absent.csv"),
        ({"training_set": str(tmp_path), "data": None}, "holds no training set"),
    ):
        with pytest.raises(IndievalueError, match=message):
            run(settings(f"wrong{len(message)}", **keys))


def test_what_was_put_right_goes_on_in_the_same_folder(settings: Callable[..., Path], tmp_path: Path) -> None:
    """Until something is learned there is nothing to lose: no other settings are refused, and none is forgotten."""
    drawn = tmp_path / "mended" / "training-set" / "manifest.json"
    for keys, message in (
        ({"data": str(tmp_path / "absent.csv")}, "absent.csv"),
        ({"length": 60}, "examples are longer than `length: 60`"),
    ):
        with pytest.raises(IndievalueError, match=message):
            run(settings("mended", **keys))
    stamp = drawn.stat().st_mtime_ns
    with pytest.raises(IndievalueError, match="examples are longer than `length: 70`"):
        run(settings("mended", length=70))
    assert drawn.stat().st_mtime_ns == stamp
    recipe = {"people_per_question": 6, "validation_per_question": 2, "demonstrations": [1, 2], "seed": 3}
    result, _ = run(settings("mended", steps=1, recipe=recipe))
    assert result.step == 1
    assert load_training_set(drawn.parent).manifest["recipe"]["demonstrations"] == [1, 2]
    assert load_settings(tmp_path / "mended" / "settings.yaml").length == 1024


def test_several_gpus_want_a_launcher(
    settings: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(IndievalueError, match="2 GPUs, and one process: `accelerate launch`"):
        run(settings("many"))
    assert not (tmp_path / "many").exists()


def test_a_folder_of_something_else_is_left_alone(settings: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(IndievalueError, match="exists already"):
        run(settings("mine"), force=True)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"
    run(settings("first", steps=1, validate_every=0))
    (tmp_path / "first" / RESULT).unlink()
    with pytest.raises(IndievalueError, match="training with another rate"):
        run(settings("first", steps=1, validate_every=0, rate=0.1))
    result, _ = run(settings("first", steps=1, validate_every=0, rate=0.1), force=True)
    assert result.step == 1


def test_two_processes_train_one_reasoner(settings: Callable[..., Path], tmp_path: Path) -> None:
    """The way of many GPUs, on two CPU processes."""
    file = settings("shared", steps=4, batch=2, validate_every=2, save_every=4)
    launch = [
        sys.executable,
        "-m",
        "accelerate.commands.launch",
        "--cpu",
        "--num_processes",
        "2",
        "--num_machines",
        "1",
    ]
    more = [
        "--mixed_precision",
        "no",
        "--dynamo_backend",
        "no",
        "--main_process_port",
        "0",
        "-m",
        "indievalue",
        "train",
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    done = subprocess.run([*launch, *more, str(file)], capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("validation answers predicted") == 3  # before the first step, and twice after; said once
    alone, _ = run(settings("alone", steps=4, batch=4, validate_every=2, save_every=4))
    shared = json.loads((tmp_path / "shared" / RESULT).read_text())
    assert shared["steps"] == 4
    assert shared["validations"][0]["accuracy"] == pytest.approx(alone.validations[0][1].accuracy)
    assert shared["validations"][0]["log_loss"] == pytest.approx(alone.validations[0][1].log_loss, rel=1e-4)


def test_the_loss_is_that_of_trl(settings: Callable[..., Path], small_set: Path, tmp_path: Path) -> None:
    """Without a GPU the vocabulary is asked for only where something is taught; no figure may change by that."""
    chosen = load_settings(settings("loss", training_set=str(small_set), data=None, lora={"rank": 4, "alpha": 8}))
    source = source_of(chosen.model)
    wording = Wording(loaded_tokenizer(source), True, "label")
    data = load_training_set(small_set)
    tokens = write_tokens(tmp_path / "tokens.arrow", wording, data.examples(TRAIN), chosen.length)
    trainer = make_trainer(chosen, model_of(source, chosen), wording.tokenizer, tokens, [], tmp_path, print)
    found = []
    for loss_of in (trainer.compute_loss, super(type(trainer), trainer).compute_loss):
        for items in (None, 20):
            batch = trainer.data_collator([tokens[at] for at in range(4)])
            assert len({len(tokens[at]["input_ids"]) for at in range(4)}) > 1  # some of it is padding
            trainer.model.zero_grad()
            loss = loss_of(trainer.model, batch, num_items_in_batch=items and torch.tensor(items))
            loss.backward()
            slopes = [weights.grad.clone() for weights in trainer.model.parameters() if weights.grad is not None]
            found.append((loss.detach(), slopes))
    for at in (0, 1):
        torch.testing.assert_close(found[at], found[at + 2], rtol=1e-4, atol=1e-6)
    assert any(slope.abs().max() > 1e-4 for slope in found[0][1])


# --- experiments -----------------------------------------------------------------------------------------


def test_an_experiment_trains_its_reasoners_once(
    settings: Callable[..., Path], garden_people: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INDIEVALUE_CACHE", str(tmp_path / "cache"))
    experiment = _yaml(
        tmp_path, "mine.yaml", title="Mine?", asks="Something.",
        predictors=["majority", "reasoner:a=2", "reasoner:b=4"],
        reasoners={"a=2": {"recipe.people_per_question": 2}, "b=4": {"recipe.where": {"region": ["Hills"]}}},
        settings={"demonstrations": 3, "setups": [0]}, by="region", table={"across": "region"},
        figure={"kind": "heat-map", "rows": "predictor", "columns": "region"},
        compare=[{"from": {"predictor": "reasoner:a=2"}, "to": {"predictor": "reasoner:b=4"}}],
    )  # fmt: skip
    people = garden_people.ids[:12].tolist()

    def run_it(training: Path | None) -> list[str]:
        said: list[str] = []
        run_experiment(
            load_experiment(str(experiment)), garden_people, tmp_path / "out", tested=people, training=training,
            say=said.append,
        )  # fmt: skip
        return said

    said = run_it(settings("training", steps=2, validate_every=0))
    assert [line for line in said if line.startswith("Training")] == [
        "Training the reasoner a=2",
        "Training the reasoner b=4",
    ]
    table = pl.read_csv(tmp_path / "out" / "table.csv")
    assert set(table["predictor"]) == {"majority", "reasoner:a=2", "reasoner:b=4"}
    for row in table.filter(pl.col("region") != "all").iter_rows(named=True):
        there = garden_people.demographics["region"].to_numpy()[:12] == row["region"]
        assert row["people"] == there.sum()
    trained = load_training_set(tmp_path / "out" / "training-sets" / "b=4")
    assert not trained.people_in(TRAIN) & set(people)
    where = dict(zip(garden_people.ids.tolist(), garden_people.demographics["region"].to_list(), strict=True))
    assert {where[person] for person in trained.people_in(TRAIN)} == {"Hills"}
    again = run_it(settings("training", steps=2, validate_every=0, log_every=7))
    assert not [line for line in again if line.startswith("Training")]
    with pytest.raises(IndievalueError, match="was made with other training"):
        run_it(settings("training", steps=3, validate_every=0))
    with pytest.raises(IndievalueError, match="trains 2 reasoners: say how, with --training"):
        run_it(None)


def test_experiments_that_ship_train_what_can_be_trained(tmp_path: Path, settings: Callable[..., Path]) -> None:
    for name in shipped_experiments():
        experiment = load_experiment(name)
        assert set(experiment.trained) == set(experiment.reasoners)
        if experiment.trained:
            assert len(settings_of(experiment, settings("any"), tmp_path)) == len(experiment.reasoners)
