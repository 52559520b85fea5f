"""A prompt that several people share is scored once, and everybody gets its scores."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Settings
from indievalue.people.people import People
from indievalue.predictors.local import once, scored
from indievalue.predictors.local.once import Once
from indievalue.predictors.predictions import predict
from indievalue.prompts.prompt import AskedProbe, Prompt


def prompt(text: str, person: str = "") -> Prompt:
    probe = AskedProbe("Q1", "How?", ("Well.", "Badly."), (0, 1))
    return Prompt(person, person, 0, (probe,), text)


class Length:
    """Scores a prompt by the length of its text, and remembers what it was given."""

    def __init__(self) -> None:
        self.given: list[list[str]] = []

    def __call__(self, people: list[list[Prompt]]) -> Iterator[list[list[float]]]:
        for prompts in people:
            self.given.append([one.text for one in prompts])
            yield [[float(len(one.text)), 0.0] for one in prompts]


def test_what_was_scored_for_somebody_is_not_scored_again() -> None:
    known, score = Once(), Length()
    people = [[prompt("a", "p"), prompt("bb", "p")], [prompt("bb", "q"), prompt("a", "q")], [prompt("ccc", "r")]]
    assert list(known.scores(people, score)) == [[[1, 0], [2, 0]], [[2, 0], [1, 0]], [[3, 0]]]
    assert score.given == [["a", "bb"], ["ccc"]]
    assert list(known.scores([[prompt("ccc"), prompt("dddd")]], score)) == [[[3, 0], [4, 0]]]
    assert score.given[2:] == [["dddd"]]
    assert known.shared == 3


def test_options_in_another_order_are_another_prompt() -> None:
    known, score = Once(), Length()
    other = Prompt("", "", 0, (AskedProbe("Q1", "How?", ("Well.", "Badly."), (1, 0)),), "a")
    list(known.scores([[prompt("a")], [other]], score))
    assert score.given == [["a"], ["a"]]


def test_what_was_held_longest_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(once, "MOST", 2)
    known, score = Once(), Length()
    for text in ("a", "bb", "ccc", "a", "ccc"):
        list(known.scores([[prompt(text)]], score))
    assert score.given == [["a"], ["bb"], ["ccc"], ["a"]]


def test_predictions_are_those_without_sharing(garden_people: People, tiny_model: str) -> None:
    from indievalue.predictors.registry import make_predictor

    settings = Settings(setups=(0,), demonstrations=0)  # all are asked the same
    benchmark = build_benchmark(garden_people, settings, 5)
    name = f"local:{tiny_model}:keep=no"
    model = make_predictor(name)
    together = predict("tiny", model, benchmark)
    people = benchmark.people.ids.tolist()
    each = [build_benchmark(garden_people, settings, [person]) for person in people]
    alone = [predict("tiny", make_predictor(name), one) for one in each]
    for table in alone:
        mine = together.filter(person=table["person"][0])
        assert mine["choice"].to_list() == table["choice"].to_list()
        gap = np.abs(mine["probabilities"].explode().to_numpy() - table["probabilities"].explode().to_numpy())
        assert gap.max() < 1e-5
    assert model._once.shared == 4 * len(alone[0])  # type: ignore[attr-defined]


def test_a_prompt_that_ends_in_another_word_is_another_prompt_in_memory_and_on_disk() -> None:
    """A brief prompt has the same text in every language, and not the same word before its answer."""
    english, spanish = (replace(prompt("a"), answer=word) for word in ("Answer:", "Respuesta:"))
    known, score = Once(), Length()
    list(known.scores([[english], [spanish]], score))
    assert score.given == [["a"], ["a"]]
    assert scored._key([english]) != scored._key([spanish])
