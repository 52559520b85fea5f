"""Training sets: who is asked what, shown what, and the text of it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import NOBODY, Settings
from indievalue.benchmark.questions import columns_of
from indievalue.benchmark.storage import task_texts
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.prompts.prompt import prompts_of
from indievalue.reasoner.conversations import conversations
from indievalue.reasoner.draw import TRAIN, UNSEEN_GROUPS, UNSEEN_QUESTIONS, VALIDATION, DrawnExamples, draw_parts
from indievalue.reasoner.recipe import Recipe, members
from indievalue.synthetic.generate import synthetic_people

SMALL = Recipe(people_per_question=20, validation_per_question=3, demonstrations=(10, 10))


@pytest.fixture(scope="module")
def crowd() -> People:
    return synthetic_people(600, 0)


@pytest.fixture(scope="module")
def tested(crowd: People) -> np.ndarray:
    chosen = np.zeros(len(crowd), bool)
    chosen[:100] = True
    return chosen


def test_every_question_is_asked_of_as_many_people_and_nobody_who_is_tested(crowd: People, tested: np.ndarray) -> None:
    parts = draw_parts(crowd, SMALL, tested)
    assert set(parts) == {TRAIN, VALIDATION}
    for name, number in ((TRAIN, 20), (VALIDATION, 3)):
        drawn = parts[name]
        asked, counts = np.unique(drawn.probes, return_counts=True)
        full = [at for at, question in enumerate(crowd.survey.questions) if question.id not in drawn.scarce]
        assert set(counts[np.isin(asked, full)].tolist()) == {number}
        assert all(len(np.unique(drawn.rows[drawn.probes[:, 0] == at])) == (drawn.probes == at).sum() for at in asked)
        assert not tested[drawn.rows].any()
        assert (crowd.options("polar")[drawn.rows, drawn.probes[:, 0]] >= 0).all()
    assert not set(parts[TRAIN].rows.tolist()) & set(parts[VALIDATION].rows.tolist())


def test_the_order_of_the_file_makes_no_difference(crowd: People, tested: np.ndarray) -> None:
    order = np.random.default_rng(1).permutation(len(crowd))
    recipe = replace(SMALL, turns=2, demonstrations=(3, 9), contexts=("statements", "both"), forms=("polar", "refined"))
    one = draw_parts(crowd, recipe, tested)
    other = draw_parts(crowd.take(order), recipe, tested[order])
    for name, drawn in one.items():
        assert crowd.ids[drawn.rows].tolist() == crowd.ids[order][other[name].rows].tolist()
        for array in ("probes", "shown", "form", "shown_form", "context"):
            assert np.array_equal(getattr(drawn, array), getattr(other[name], array))
    again = draw_parts(crowd, replace(recipe, seed=1), tested)[TRAIN]
    assert not np.array_equal(again.rows, one[TRAIN].rows)


@pytest.mark.parametrize("source", ["others", "siblings"])
def test_demonstrations_are_answers_to_other_questions(crowd: People, tested: np.ndarray, source: Any) -> None:
    drawn = draw_parts(crowd, replace(SMALL, demonstrations_from=source, demonstrations=(5, 200)), tested)[TRAIN]
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
    drawn = draw_parts(crowd, replace(SMALL, demonstrations=(253, 253)), tested)[TRAIN]
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
    parts = draw_parts(crowd, recipe, tested)
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
    drawn = draw_parts(crowd, replace(SMALL, turns=5, demonstrations=(50, 50)), tested)[TRAIN]
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
    drawn = draw_parts(crowd, recipe, tested)[TRAIN]
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
            draw_parts(crowd, replace(SMALL, **changes), tested)
    with pytest.raises(IndievalueError, match="nobody is left to train on"):
        draw_parts(crowd, SMALL, np.ones(len(crowd), bool))


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
        drawn = DrawnExamples(rows, setup.probes[:, None].astype(np.int16), shown, zeros, shown_form, zeros, ())
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
    drawn = draw_parts(crowd, recipe, tested)[TRAIN]
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
