"""What a teacher adds to a training set: the targets, the people it has learned from, and the files."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
from typer.testing import CliRunner

from conftest import GARDEN, garden_answers
from indievalue.benchmark.model import Task
from indievalue.choices import FormName
from indievalue.cli import app
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.predictors.majority import Majority
from indievalue.predictors.protocol import BasePredictor, Guesses
from indievalue.reasoner.conversations import conversations
from indievalue.reasoner.draw import TRAIN, DrawnExamples, draw_parts, hidden_beside
from indievalue.reasoner.prior import read_base_rates
from indievalue.reasoner.recipe import Recipe
from indievalue.reasoner.teacher import targets_of
from indievalue.reasoner.training_set import load_training_set, write_training_set

RECIPE = Recipe(people_per_question=8, validation_per_question=3, demonstrations=(2, 4), turns=2, teacher="majority")


class Memory(BasePredictor):
    """A teacher that is certain of the answers of everybody it has learned from, and has no idea of anybody else's."""

    def fit(self, people: People, form: FormName = "polar", shown_form: FormName | None = None) -> Self:
        self.known = people.rows
        self.answers = people.options(form)
        return self

    def predict(self, task: Task) -> Guesses:
        exists = np.arange(int(task.counts.max())) < task.counts[:, None]
        found = np.where(exists, 1 / task.counts[:, None], 0)[None].repeat(len(task.people), axis=0)
        for row, person in enumerate(task.people.tolist()):
            if person in self.known:
                own = self.answers[self.known[person], task.probes]
                found[row] = np.arange(exists.shape[1]) == own[:, None]
        return Guesses.most_probable(found)


class Watching(Majority):
    """A teacher that remembers what it was shown."""

    def __init__(self, seen: list[Task]) -> None:
        super().__init__()
        self.seen = seen

    def predict(self, task: Task) -> Guesses:
        self.seen.append(task)
        return super().predict(task)


def drawn_from(people: People, recipe: Recipe) -> DrawnExamples:
    return draw_parts(people, recipe, np.arange(len(people)) < 20)[TRAIN]


def test_nobody_is_taught_by_a_teacher_that_has_seen_them(garden_people: People) -> None:
    drawn = drawn_from(garden_people, RECIPE)
    targets = targets_of(garden_people, replace(RECIPE, teacher_weight=1.0), drawn, Memory)
    counts = garden_people.survey.form("polar").counts
    asked = 0
    for probes, of_example in zip(drawn.probes, targets, strict=True):
        for probe, of_answer in zip(probes, of_example, strict=True):
            if probe >= 0:
                asked += 1
                known = np.arange(len(of_answer)) < counts[probe]
                assert of_answer == pytest.approx(known / counts[probe], abs=1e-5)  # a memory would show
    assert asked > 70


def test_a_target_is_the_weighted_mean_of_the_own_answer_and_the_teachers_probabilities(garden_people: People) -> None:
    drawn = drawn_from(garden_people, RECIPE)
    alone, mixed = (targets_of(garden_people, replace(RECIPE, teacher_weight=weight), drawn) for weight in (1.0, 0.7))
    own = garden_people.options("polar")[drawn.rows[:, None], drawn.probes]
    truth = (np.arange(alone.shape[2]) == own[:, :, None]) & (drawn.probes >= 0)[:, :, None]
    assert mixed == pytest.approx(0.7 * alone + 0.3 * truth, abs=2e-5)
    assert mixed.sum(axis=2)[drawn.probes >= 0] == pytest.approx(1, abs=5e-5)


def test_a_teacher_is_shown_all_answers_but_those_that_are_hidden_beside_the_probe(garden_people: People) -> None:
    seen: list[Task] = []
    recipe = replace(RECIPE, unseen_questions=(garden_people.survey.questions[-1].id,))
    targets_of(garden_people, recipe, drawn_from(garden_people, recipe), lambda: Watching(seen))
    hidden = hidden_beside(garden_people.survey, recipe)
    answered = garden_people.options("polar") >= 0
    for task in seen:
        shown = task.shown >= 0
        rows = [garden_people.rows[person] for person in task.people.tolist()]
        for probe in task.probes:
            assert not shown[:, hidden[probe]].any()
        assert not shown[:, -1].any()
        open_ = ~hidden[task.probes[0]]
        open_[-1] = False
        assert np.array_equal(shown, answered[rows] & open_)
        assert ((task.order >= 0).sum(axis=1) == shown.sum(axis=1)).all()


def test_a_teacher_can_be_shown_what_the_example_shows_alone(garden_people: People) -> None:
    seen: list[Task] = []
    recipe = replace(RECIPE, teacher_shown="example", people_per_question=20)
    drawn = drawn_from(garden_people, recipe)
    targets = targets_of(garden_people, replace(recipe, teacher_weight=1.0), drawn, lambda: Watching(seen))
    options = garden_people.options("polar")
    wanted = sorted(
        (str(garden_people.ids[row]), int(probe), sorted(shown[shown >= 0].tolist()))
        for row, probes, shown in zip(drawn.rows, drawn.probes, drawn.shown, strict=True)
        for probe in probes[probes >= 0]
    )
    assert len({one[:2] for one in wanted}) < len(wanted), "the test needs somebody who is asked the same probe twice"
    asked = []
    for task in seen:
        (probe,) = task.probes.tolist()
        for person, shown in zip(task.people.tolist(), task.shown, strict=True):
            columns = np.flatnonzero(shown >= 0)
            assert np.array_equal(shown[columns], options[garden_people.rows[person], columns])
            asked.append((person, probe, columns.tolist()))
    assert sorted(asked) == wanted
    assert targets.sum(axis=2)[drawn.probes >= 0] == pytest.approx(1, abs=5e-5)


def test_targets_follow_the_order_in_which_options_are_shown(garden_people: People) -> None:
    recipe = replace(RECIPE, option_order="shuffled")
    drawn = drawn_from(garden_people, recipe)
    targets = targets_of(garden_people, replace(recipe, teacher_weight=0.01), drawn)
    for example in conversations(garden_people, recipe, drawn, targets):
        answers = [message["content"] for message in example["messages"][1::2]]
        for labels, answer, of_turn in zip(example["labels"], answers, example["targets"], strict=True):
            assert int(np.argmax(of_turn)) == list(labels).index(answer)


def test_a_training_set_without_a_teacher_has_no_trace_of_one(garden_people: People, tmp_path: Path) -> None:
    tested = set(garden_people.ids[:20].tolist())
    plain = write_training_set(garden_people, replace(RECIPE, teacher=None), tested, tmp_path / "plain")
    taught = write_training_set(garden_people, RECIPE, tested, tmp_path / "taught")
    assert b"targets" not in (tmp_path / "plain" / "train.jsonl").read_bytes()
    manifest = (tmp_path / "plain" / "manifest.json").read_text()
    assert not any(word in manifest for word in ("teacher", "prior_offset", "template"))
    assert (
        "teacher" in (tmp_path / "taught" / "README.md").read_text()
        or "targets" in (tmp_path / "taught" / "README.md").read_text()
    )
    for one, other in zip(plain.examples(TRAIN), taught.examples(TRAIN), strict=True):
        targets = other.pop("targets")
        assert one == other
        assert [len(turn) for turn in targets] == [len(labels) for labels in one["labels"]]
    assert all("targets" not in example for example in taught.examples("validation"))
    assert load_training_set(tmp_path / "taught").manifest.recipe == RECIPE


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda targets: None, "targets: missing"),
        (lambda targets: targets[:1], "targets: not one for each label"),
        (lambda targets: [[2 * share for share in turn] for turn in targets], "targets: not probabilities"),
    ],
)
def test_damaged_targets_are_refused(
    garden_people: People, tmp_path: Path, change: Callable[[Any], Any], message: str
) -> None:
    write_training_set(garden_people, RECIPE, set(), tmp_path / "set")
    file = tmp_path / "set" / "train.jsonl"
    first, *rest = file.read_text().splitlines()
    example = json.loads(first)
    targets = change(example.pop("targets"))
    file.write_text("\n".join([json.dumps(example | ({"targets": targets} if targets else {})), *rest, ""]))
    with pytest.raises(IndievalueError, match=f"line 1 is damaged: {message}"):
        list(load_training_set(tmp_path / "set").examples(TRAIN))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"teacher": "local:x"}, r"teacher has 'local:x'; choose from .*gaussian"),
        ({"teacher": "blend:gaussian+local:x"}, "teacher has 'blend:gaussian"),
        ({"teacher_weight": 1.5}, "teacher_weight is above 0 and at most 1"),
        ({"teacher_shown": "some"}, "teacher_shown has 'some'; choose from all, example"),
        ({"template": "reason"}, "template has 'reason'; choose from single, brief"),
        ({"prior_offset": True, "option_order": "shuffled"}, "prior_offset needs option_order: fixed"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(IndievalueError, match=message):
        Recipe(**keys)


def test_the_command_writes_what_its_options_say(tmp_path: Path) -> None:
    garden_answers(60).write_csv(tmp_path / "garden.csv")
    told = ["--teacher", "majority", "--teacher-weight", "0.5", "--prior-offset", "--demonstrations", "2"]
    some = ["--people-per-question", "4", "--tested", "10", "--survey", str(GARDEN), "--out", str(tmp_path / "set")]
    done = CliRunner().invoke(app, ["training-set", str(tmp_path / "garden.csv"), *told, *some])
    assert done.exit_code == 0, done.output
    made = load_training_set(tmp_path / "set")
    recipe = made.manifest.recipe
    assert (recipe.teacher, recipe.teacher_weight, recipe.prior_offset) == ("majority", 0.5, True)
    assert all(max(turn) > 0.5 for example in made.examples(TRAIN) for turn in example["targets"])
    rates = read_base_rates(tmp_path / "set")["polar"]
    assert set(rates) == {question for example in made.examples(TRAIN) for question in example["questions"]}
    assert all(sum(shares) == pytest.approx(1, abs=1e-5) for shares in rates.values())


def test_a_teacher_is_independent_of_the_statements_that_are_shown(garden_people: People) -> None:
    """Whether they are drawn or chosen for the probe, the teacher is given all that may be shown."""
    relevant = replace(RECIPE, show="relevant:2", demonstrations=(2, 2))
    by_show = []
    for recipe in (RECIPE, relevant):
        drawn = drawn_from(garden_people, recipe)
        by_show.append((drawn.probes, targets_of(garden_people, recipe, drawn)))
    assert np.array_equal(by_show[0][0], by_show[1][0])
    assert np.array_equal(by_show[0][1], by_show[1][1])
