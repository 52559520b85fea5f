"""The templates beside single and batch: what a model reads with each of them, and how its replies are read."""

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Settings, Task
from indievalue.benchmark.storage import asked_texts, task_texts
from indievalue.choices import LANGUAGES, PARAPHRASES
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.prompts.pool import SOLVED, Pool
from indievalue.prompts.prompt import AskedProbe, Prompt, PromptStyle, prompts_of
from indievalue.prompts.replies import chosen_statements, label_in_reply, read_reply, written_probabilities
from indievalue.prompts.templates import TEMPLATES, read_frame

GOLDEN = Path(__file__).parent / "prompts"
"""What models read, as files; to renew them, delete them and run the tests twice."""

NEW = [name for name in TEMPLATES if name not in ("single", "batch")]


def asked(people: People, style: PromptStyle, person: int = 7, **settings: Any) -> tuple[Task, Iterator[Prompt]]:
    drawn = build_benchmark(people, replace(Settings(demonstrations=4), **settings), [str(people.ids[person])])
    pool = Pool(style, people.take(people.ids != people.ids[person]))
    _, task = next(drawn.tasks())
    (text,) = asked_texts(task)
    return task, prompts_of(text, style, 0, pool.material(task))


def first(people: People, style: PromptStyle, **settings: Any) -> Prompt:
    return next(asked(people, style, **settings)[1])


def check_golden(name: str, text: str) -> None:
    file = GOLDEN / f"{name}.txt"
    if not file.exists():
        file.write_text(text + "\n", encoding="utf-8")
        pytest.fail(f"{file.name} was not there and has been written: read it")
    assert text + "\n" == file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("voice", "context"), [("first", "both"), ("first", "statements"), ("third", "both"), ("first", "none")]
)
@pytest.mark.parametrize("template", NEW)
def test_prompts_are_the_golden_ones(gardeners: People, template: str, voice: str, context: str) -> None:
    style = PromptStyle(template, voice=voice)  # type: ignore[arg-type]
    text = first(gardeners, style, context=context, form="refined").text
    check_golden(f"{template}-{voice}-{context}", text)


@pytest.mark.parametrize("language", LANGUAGES[1:])
@pytest.mark.parametrize("template", TEMPLATES)
def test_frames_in_other_languages_are_the_golden_ones(gardeners: People, template: str, language: str) -> None:
    style = PromptStyle(template, language=language)  # type: ignore[arg-type]
    check_golden(f"{template}-{language}", first(gardeners, style, context="both", form="refined").text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_wordings_of_the_instruction_are_the_golden_ones(gardeners: People, language: str) -> None:
    said = []
    for template in ("single", "batch", "role", "paper"):
        for paraphrase in range(1, PARAPHRASES + 1):
            style = PromptStyle(template, paraphrase=paraphrase, language=language)  # type: ignore[arg-type]
            said.append(first(gardeners, style).text.rsplit("\n", 1)[1])
    assert len(set(said)) == len(said)
    check_golden(f"wordings-{language}", "\n".join(said))


def shape(frame: Any) -> Any:
    """The keys of a frame, how many sentences each has, and the places in them that are filled in."""
    if isinstance(frame, dict):
        return {key: shape(value) for key, value in frame.items()}
    if isinstance(frame, list):
        return [shape(value) for value in frame]
    return sorted(word for word in ("{asks}", "{n}", "{first}", "{last}", "{form}") if word in frame)


def test_frames_say_the_same_things_in_every_language() -> None:
    english = shape(read_frame("en"))
    assert all(shape(read_frame(language)) == english for language in LANGUAGES)
    assert all(len(read_frame("en")[key]["first"]) == PARAPHRASES for key in ("which", "each"))


@pytest.mark.parametrize("style", [{"paraphrase": 0}, {"paraphrase": 6}, {"language": "de"}, {"scale_direction": "up"}])
def test_an_unknown_setting_is_refused(style: dict[str, Any]) -> None:
    with pytest.raises(IndievalueError, match="there is no"):
        PromptStyle(**style)


def test_a_reversed_scale_starts_at_its_other_end_and_other_options_stay(gardeners: People) -> None:
    names = {False: "forward", True: "reversed"}
    orders = {}
    for reverse, direction in names.items():
        _, prompts = asked(gardeners, PromptStyle(scale_direction=direction), form="refined")  # type: ignore[arg-type]
        orders[reverse] = {prompt.probes[0].question: prompt.probes[0].order for prompt in prompts}
    ordered = {question.id: question.ordered for question in gardeners.survey.questions}
    assert {ordered[question] for question in orders[True]} == {True, False}, "the test needs probes of both kinds"
    for question, order in orders[False].items():
        assert orders[True][question] == (order[::-1] if ordered[question] else order)


# --- solved examples and raw answers ------------------------------------------------------------------------


def test_solved_examples_are_of_people_who_are_not_tested(gardeners: People) -> None:
    style = PromptStyle("solved-examples")
    task, prompts = asked(gardeners, style)
    others = gardeners.take(gardeners.ids != gardeners.ids[7])
    solvers = Pool(style, others).material(task).solvers
    assert solvers is not None
    assert {one.person for one in solvers} <= set(others.ids.tolist())
    shown = {option.statement for probe in task.probes for option in task.survey.questions[probe].options("polar")}
    assert all(shown.isdisjoint(one.demonstrations) for one in solvers), "no probe is in anybody's statements"
    for prompt in prompts:
        (probe,) = prompt.probes
        row = {one.person: others.rows[one.person] for one in solvers}
        column = task.survey.positions[probe.question]
        truth = [int(others.options("polar")[row[one.person], column]) for one in solvers[:SOLVED]]
        letters = [line.removeprefix("Answer: ") for line in prompt.text.split("\n") if line.startswith("Answer: ")]
        assert letters == [probe.labels[probe.order.index(option)] for option in truth]
        assert len(letters) == SOLVED


def test_a_tested_person_is_never_a_solved_example(gardeners: People) -> None:
    style = PromptStyle("solved-examples")
    task, _ = asked(gardeners, style)
    with pytest.raises(IndievalueError, match="a person who is tested is among those"):
        Pool(style, gardeners).material(task)


@pytest.mark.parametrize("template", ["raw", "solved-examples"])
def test_a_saved_benchmark_lacks_what_some_templates_show(gardeners: People, template: str) -> None:
    drawn = build_benchmark(gardeners, Settings(demonstrations=4), [str(gardeners.ids[7])])
    with pytest.raises(IndievalueError, match="a saved benchmark does not hold: use `indievalue evaluate`"):
        next(prompts_of(next(task_texts(drawn)), PromptStyle(template)))


def test_the_wording_of_the_users_own_codebook_is_shown(gardeners: People, tmp_path: Path) -> None:
    """Questions whose every answer it has are in its words, for probes and what is shown; others in the survey's."""
    lines = [f'P{number},"Wording of P{number}","1 = Lots; 2 = Some; 3 = Few; 4 = None"' for number in range(1, 5)]
    book = tmp_path / "book.csv"
    book.write_text("\n".join(["name,label,answers", *lines, 'A1,"Wording of A1","1 = Hate"']))
    style = PromptStyle("raw", codebook=str(book))
    _, prompts = asked(gardeners, style, form="polar", demonstrations=6)
    texts = {prompt.probes[0].question: prompt.text for prompt in prompts}
    (of_plants,) = (text for question, text in texts.items() if question.startswith("P"))
    assert "A. Lots / Some\nB. Few / None" in of_plants
    assert "Wording of P" in of_plants.split("The person is asked")[0]
    assert "Wording of A1" not in "".join(texts.values())
    with pytest.raises(IndievalueError, match="--codebook is for --template raw"):
        PromptStyle("single", codebook=str(book))


# --- reading replies ----------------------------------------------------------------------------------------

PROBE = AskedProbe("Q1", "Do you bake?", ("I bake daily.", "I bake weekly.", "I do not bake."), (2, 0, 1))
"""A is the survey's third option, B its first and C its second."""


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("They bake a lot, so B fits. <answer>B</answer>", 0),
        ("A? No. C seems right.\n<answer>C</answer>", 1),
        ("<answer>A</answer> Wait, on second thought <answer>b.</answer>", 0),
        ("End with <answer>letter</answer>. <answer>C. I bake weekly.</answer>", 1),
        ("End with <answer>letter</answer>, but which?", None),
        ("<think><answer>A</answer></think><answer>C</answer>", 1),
        ("The answer is B.", 0),
        ("Perhaps A, perhaps B.", None),
        ("<answer>D</answer>", None),
        ("<answer>A or B</answer>", None),
    ],
)
def test_a_reasoned_reply_counts_by_its_last_mark(text: str, option: int | None) -> None:
    assert read_reply(text, [PROBE], "marked")["Q1"].choice == option


def test_the_place_of_a_marked_label_is_known_and_a_thought_that_was_cut_off_has_none() -> None:
    text = "B may fit. <answer> C </answer>"
    found = label_in_reply(text, PROBE, "marked")
    assert found is not None
    assert text[found.place] == "C"  # type: ignore[index]
    assert label_in_reply("B fits, for", PROBE, "marked", cut=True) is None
    assert label_in_reply("B", PROBE, "marked", cut=True) is None


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        ('{"G1": {"choice": "G1_2"}, "G2": {"choice": "G2_1"}}', 0, 0),
        ('```json\n{"G1": "G1_3", "G2": "2"}\n```', 1, 1),
        ('{"G2": "G2_2", "G1": ["G1_1"]}', 2, 1),
        ('{"G1": "G1_2"}\n{"G2": "G2_2"}', 0, 1),
        ('{"G1": {"choice": "G1_4"}, "G2": {"choice": "G1_1"}}', None, None),
        ('{"G1": "G1_1", "G1": "G1_2"}', None, None),
        ('{"G3": "G3_1"}', None, None),
        ("<think>hm", None, None),
        ("", None, None),
    ],
)
def test_statements_chosen_in_groups_are_read(text: str, first: int | None, second: int | None) -> None:
    two = AskedProbe("Q2", "And eat?", ("I eat bread.", "I do not."), (0, 1))
    assert chosen_statements(text, (PROBE, two)) == {"Q1": first, "Q2": second}


@pytest.mark.parametrize(
    ("text", "likely"),
    [
        ('{"A": 0.2, "B": 0.5, "C": 0.3}', (0.5, 0.3, 0.2)),
        ('So:\n```json\n{"a": 0, "B": 1, "C": 0.0}\n```', (1, 0, 0)),
        ('{"A": 1} or rather {"A": 0.25, "B": 0.25, "C": 0.5}', (0.25, 0.5, 0.25)),
        ('{"A": 0.33, "B": 0.33, "C": 0.33}', (1 / 3, 1 / 3, 1 / 3)),  # within the tolerance, and normalized
        ('{"A": 0.34, "B": 0.34, "C": 0.34}', (1 / 3, 1 / 3, 1 / 3)),
        ('{"A": 0.3, "B": 0.3, "C": 0.37}', None),  # beyond it
        ('{"A": 20, "B": 50, "C": 30}', None),
        ('{"A": 0.5, "B": 0.5}', None),
        ('{"A": 0.2, "B": 0.5, "C": 0.3, "D": 0.0}', None),
        ('{"A": 0.2, "B": 0.5, "C": 0.3, "B": 0.5}', None),
        ('{"A": -0.1, "B": 0.8, "C": 0.3}', None),
        ('{"A": NaN, "B": 0.7, "C": 0.3}', None),
        ('{"A": Infinity, "B": 0.7, "C": 0.3}', None),
        ('{"A": "0.2", "B": 0.5, "C": 0.3}', None),
        ('{"A": true, "B": 0, "C": 0}', None),
        ('{"A": null, "B": 0.7, "C": 0.3}', None),
        ('{"A": 0.2, "B": 0.5, "C": 0.3', None),
        ('{"A": 1' + "0" * 400 + ', "B": 0.5, "C": 0.3}', None),
        ("B", None),
        ("", None),
        ("{" * 5000, None),
    ],
)
def test_written_probabilities_are_scored_or_invalid(text: str, likely: tuple[float, ...] | None) -> None:
    found = written_probabilities(text, PROBE)
    reply = read_reply(text, [PROBE], "distribution")["Q1"]
    if likely is None:
        assert found is None
        assert (reply.choice, reply.probabilities) == (None, None)
    else:
        assert found == pytest.approx(likely)
        assert math.isclose(sum(found), 1)  # type: ignore[arg-type]
        assert reply.choice == int(np.argmax(likely))


def test_what_a_perfect_model_writes_is_read_as_it_was_meant(gardeners: People) -> None:
    for template in NEW:
        for order in ("fixed", "shuffled"):
            style = PromptStyle(template, option_order=order)  # type: ignore[arg-type]
            _, prompts = asked(gardeners, style, form="refined")
            for prompt in prompts:
                truth = {probe.question: len(probe.order) - 1 for probe in prompt.probes}
                replies = read_reply(perfect(prompt, truth), prompt.probes, prompt.reading)
                assert {question: reply.choice for question, reply in replies.items()} == truth


def perfect(prompt: Prompt, truth: dict[str, int]) -> str:
    """What a model writes that knows the answers and does as it is told."""
    places = [probe.order.index(truth[probe.question]) for probe in prompt.probes]
    label = prompt.probes[0].labels[places[0]]
    if prompt.reading == "groups":
        return json.dumps({f"G{n}": {"choice": f"G{n}_{place + 1}"} for n, place in enumerate(places, 1)})
    if prompt.reading == "marked":
        return f"A says this, B says that.\n<answer>{label}</answer>"
    if prompt.reading == "distribution":
        return json.dumps({one: float(one == label) for one in prompt.probes[0].labels})
    return label
