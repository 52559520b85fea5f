"""What a language model reads, and how its answers are read."""

import json
import random
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answers_table import SEVERAL, SINGLE
from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Settings
from indievalue.benchmark.storage import task_texts
from indievalue.choices import CONTEXTS, FORMS
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.prompts.answer import chosen_option, chosen_options, find_choice
from indievalue.prompts.prompt import AskedProbe, Prompt, PromptStyle, prompts_of
from indievalue.prompts.tokens import counter
from indievalue.prompts.voice import in_third_person
from indievalue.survey.survey import Survey

GOLDEN = Path(__file__).parent / "prompts"
"""What models read, as files; to renew them, delete them and run the tests twice."""


def texts(people: People, **settings: Any) -> Iterator[dict[str, Any]]:
    drawn = build_benchmark(people, replace(Settings(demonstrations=4), **settings), [str(people.ids[7])])
    return task_texts(drawn)


def first(people: People, style: PromptStyle, **settings: Any) -> Prompt:
    return next(prompts_of(next(texts(people, **settings)), style))


@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("voice", ["first", "third"])
@pytest.mark.parametrize("template", ["single", "batch"])
def test_prompts_are_the_golden_ones(gardeners: People, template: str, voice: str, context: str) -> None:
    said = first(gardeners, PromptStyle(template, voice=voice), context=context, form="refined").text  # type: ignore[arg-type]
    file = GOLDEN / f"{template}-{voice}-{context}.txt"
    if not file.exists():
        file.write_text(said + "\n", encoding="utf-8")
        pytest.fail(f"{file.name} was not there and has been written: read it")
    assert said + "\n" == file.read_text(encoding="utf-8")


def test_the_form_of_demonstrations_is_independent_of_the_probes(gardeners: People) -> None:
    polar = first(gardeners, PromptStyle(), form="polar", demonstrations_as="polar").text
    mixed = first(gardeners, PromptStyle(), form="polar", demonstrations_as="refined").text
    assert polar != mixed
    assert polar[polar.index("The person is asked") :] == mixed[mixed.index("The person is asked") :]


def test_every_probe_is_asked_once_and_twice_in_both_orders(gardeners: People) -> None:
    task = next(texts(gardeners))
    questions = [probe["question"] for probe in task["probes"]]
    singles = list(prompts_of(task, PromptStyle()))
    assert [prompt.probes[0].question for prompt in singles] == questions
    both = list(prompts_of(task, PromptStyle("batch", option_order="both")))
    assert [[asked.question for asked in prompt.probes] for prompt in both] == [questions, questions]
    assert all(a.order == b.order[::-1] for a, b in zip(both[0].probes, both[1].probes, strict=True))
    keys = [prompt.key for prompt in [*prompts_of(task, PromptStyle(option_order="both"))]]
    assert len(set(keys)) == len(keys) == 2 * len(questions)


def test_shuffled_options_depend_on_seed_person_and_probe_alone(gardeners: People) -> None:
    style = PromptStyle(option_order="shuffled")
    tasks = list(texts(gardeners, form="refined", setups=(0, 1)))
    orders = [
        [prompt.probes[0].order for task in tasks for prompt in prompts_of(task, style, seed)] for seed in (0, 0, 1)
    ]
    assert orders[0] == orders[1] != orders[2]
    assert any(order != tuple(sorted(order)) for order in orders[0])
    assert all(sorted(order) == list(range(len(order))) for order in orders[0])


def test_a_template_of_ones_own_is_filled_in(gardeners: People, tmp_path: Path) -> None:
    file = tmp_path / "mine.jinja"
    file.write_text("{{ voice }}: {{ demonstrations|length }} / {% for p in probes %}{{ p.question }} {% endfor %}")
    task = next(texts(gardeners))
    assert first(gardeners, PromptStyle(str(file))).text == f"first: 4 / {task['probes'][0]['question']}"
    together = first(gardeners, PromptStyle(str(file), batched=True))
    assert len(together.probes) == len(task["probes"]) > 1


@pytest.mark.parametrize(
    ("text", "complaint"),
    [(None, "there is no template"), ("{% if %}", "is no Jinja template"), ("{{ nothing }}", "cannot be filled in")],
)
def test_a_template_that_does_not_work_is_told(
    gardeners: People, tmp_path: Path, text: str | None, complaint: str
) -> None:
    file = tmp_path / "broken.jinja"
    if text is not None:
        file.write_text(text)
    with pytest.raises(IndievalueError, match=complaint):
        first(gardeners, PromptStyle(str(file)))


@pytest.mark.parametrize("style", [{"voice": "second"}, {"option_order": "sorted"}])
def test_an_unknown_style_is_refused(style: dict[str, Any]) -> None:
    with pytest.raises(IndievalueError, match="there is no"):
        PromptStyle(**style)


def test_no_statement_of_the_survey_is_left_in_the_first_person(wvs7: Survey) -> None:
    options = {o.statement for q in wvs7.questions for form in FORMS for o in q.options(form)}
    groups = {group.statement for demographic in wvs7.demographics for group in demographic.groups}
    for statement in options | groups:
        said = in_third_person(statement)
        words = set(said.lower().replace(".", " ").replace(",", " ").replace("'", " ").split())
        assert not words & {"i", "me", "my", "mine", "myself", "am"}, said
        assert said[0].isupper()
        assert "they was" not in said.lower()


def test_the_third_person_reads_as_english() -> None:
    assert in_third_person("In general, I am proud of my work.") == "In general, they are proud of their work."
    assert in_third_person("My friends trust me.") == "Their friends trust them."
    assert in_third_person("I belong to it but am not active.") == "They belong to it but are not active."
    assert in_third_person("My father was born in Idaho.") == "Their father was born in Idaho."


# --- reading answers --------------------------------------------------------------------------------------

ASKED = AskedProbe(
    "Q1",
    "How much do you trust people?",
    ("I trust people.", "I trust people a little.", "I do not trust people."),
    (2, 0, 1),
)


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("A", 2),
        (" b\n", 0),
        ("(C)", 1),
        ("**B.**", 0),
        ("Answer: B", 0),
        ("The answer is C.", 1),
        ("B. I trust people.", 0),
        ('"A"', 2),
        ("<think>maybe A? or B?</think>\nC", 1),
        ("I do not trust people.", 2),
        ("I trust people a little.", 1),
        ("i TRUST people", 0),
        ("B\n\nBecause they said so.", 0),
        ("", None),
        ("D", None),
        ("A great deal depends on it", None),
        ("A or B", None),
        ("B. I do not trust people.", None),
        ("I cannot answer that.", None),
        ("2", None),
    ],
)
def test_a_label_or_a_statement_is_an_answer_and_nothing_else(text: str, option: int | None) -> None:
    assert chosen_option(text, ASKED) == option


PAIR = (ASKED, AskedProbe("Q2", "And dogs?", ("I trust dogs.", "I do not trust dogs."), (0, 1)))


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        ('{"Q1": "A", "Q2": "B"}', 2, 1),
        ('{"Q2": "B", "Q1": "A"}', 2, 1),
        ('```json\n{"Q1": "A",\n "Q2": "B"}\n```\nDone.', 2, 1),
        ('{"q1": "a", "[Q2]": "b"}', 2, 1),
        ('{"Q1": "A", "Q7": "B"}', 2, None),
        ('{"Q1": "A", "Q1": "B", "Q2": "A"}', None, 0),
        ('{"Q1": "A", "Q1": "A", "Q2": "A"}', 2, 0),
        ('{"Q1": "A", "Q2": "', 2, None),
        ('{"Q1": "A" "Q2": "B"}', 2, 1),
        ('First {"Q1": "B"}, no: {"Q1": "A", "Q2": "B"}', 2, 1),
        ('{"Q1": "A", "Q2": ["B", "A"]}', 2, None),
        ('{"Q1": {"Q1": "A"}, "Q2": 1}', None, None),
        ('{"Q1": null, "Q2": "I trust dogs."}', None, 0),
        ("I would rather not.", None, None),
        ("", None, None),
        ('{"' * 3000, None, None),
    ],
)
def test_a_batch_is_read_by_the_names_of_probes(text: str, first: int | None, second: int | None) -> None:
    assert chosen_options(text, PAIR) == {"Q1": first, "Q2": second}


@given(st.text(max_size=300))
def test_no_text_breaks_the_reading(text: str) -> None:
    assert chosen_option(text, ASKED) in (None, 0, 1, 2)
    assert set(chosen_options(text, PAIR)) == {"Q1", "Q2"}


BAKING = ("I bake daily.", "I bake each week.", "I do not bake.", "I bake once a year.")


def probe_of(options: int, question: str = "Q1") -> AskedProbe:
    """Options in the reverse of the survey's order, so that a letter is not mistaken for its place."""
    statements = (*BAKING, *(f"I bake {n} times a month." for n in range(4, options)))[:options]
    return AskedProbe(question, "Do you bake?", statements[::-1], tuple(reversed(range(options))))


def letter_of(option: int | None, probe: AskedProbe) -> str | None:
    return None if option is None else probe.labels[probe.order.index(option)]


@pytest.mark.parametrize(("options", "letter", "text"), SINGLE)
def test_an_answer_is_read_as_it_is_meant_or_is_invalid(options: int, letter: str | None, text: str) -> None:
    probe = probe_of(options)
    assert letter_of(chosen_option(text, probe), probe) == letter


@pytest.mark.parametrize(("first", "second", "text"), SEVERAL)
def test_several_answers_are_read_as_they_are_meant(first: str | None, second: str | None, text: str) -> None:
    one, two = probe_of(4), probe_of(2, "Q2")
    given = chosen_options(text, (one, two))
    assert (letter_of(given["Q1"], one), letter_of(given["Q2"], two)) == (first, second)


@pytest.mark.parametrize(
    ("letter", "text"),
    [
        ("B", "B"),
        ("B", "B. I bake ea"),
        ("B", "A.</think>\n\nB. I b"),
        (None, "A. seems to fit, but"),
        (None, "The answer is B. Yet"),
        (None, "I bake each week."),
        (None, "<think>B"),
    ],
)
def test_of_an_answer_that_was_cut_off_only_a_label_at_its_start_counts(letter: str | None, text: str) -> None:
    probe = probe_of(4)
    assert letter_of(chosen_option(text, probe, cut=True), probe) == letter


def test_whole_pairs_of_json_that_was_cut_off_count_but_not_those_of_a_thought() -> None:
    probe = probe_of(4)
    assert chosen_options('{"Q1": "B", "Q', [probe], cut=True) == {"Q1": 2}
    assert chosen_options('Perhaps {"Q1": "B"}, or', [probe], cut=True) == {"Q1": None}


WRAPPERS = (
    *("{}", "({})", "[{}]", "**{}**", "{}.", "“{}”", "「{}」", "Answer: {}", "The answer is {}.", "{}</s>", "${}$"),
    *("\\boxed{{{}}}", "<answer>{}</answer>", '{{"answer": "{}"}}', "{{'answer': '{}'}}", '{{"Q1": ["{}"]}}'),
)
THOUGHTS = ("", "<think>A or B</think>", "C. fits.</think>\n\n", "<|channel|>final<|message|>")


@given(st.integers(2, 26), st.data(), st.sampled_from(WRAPPERS), st.sampled_from(THOUGHTS))
def test_any_label_is_read_in_any_wrapper_and_two_are_none(
    options: int, data: st.DataObject, wrapper: str, thought: str
) -> None:
    probe = probe_of(options)
    letter, other = data.draw(st.permutations(probe.labels))[:2]
    text = thought + wrapper.format(letter)
    assert letter_of(chosen_option(text, probe), probe) == letter
    assert chosen_option(f"{text} or {wrapper.format(other)}", probe) is None
    assert chosen_option(f"{text}\n{wrapper.format(other)}", probe) is None


PIECES = (
    *("{", "[", '"', '{"', '["', '{"a":', "[1,", '\\"', "\n", " ", "*", "'", "$", "A\n", "A or ", "I ", "option A "),
    *("<think>", "</think>", "<answer>", "\\boxed{", "<|channel|>final<|message|>", "the answer is ", "answer: A "),
    *("Q1: ", '{"Q1":"A"}', '"Q1":"A" ', "I bake ", "I bake daily. "),
)


@pytest.mark.parametrize("piece", PIECES)
def test_a_long_text_is_read_in_seconds(piece: str) -> None:
    text, probe = piece * (100_000 // len(piece)), probe_of(4)
    before = time.process_time()
    assert chosen_option(text, probe) in (None, *probe.order)
    assert set(chosen_options(text, [probe])) == {"Q1"}
    assert time.process_time() - before < 5


def test_what_a_perfect_model_writes_is_read_as_it_was_meant(gardeners: People) -> None:
    draw = random.Random(0)
    for task in texts(gardeners, form="refined"):
        truth = {probe["question"]: probe["answer"] for probe in task["probes"]}
        for order in ("fixed", "shuffled", "both"):
            for prompt in prompts_of(task, PromptStyle("batch", option_order=order)):  # type: ignore[arg-type]
                said = {a.question: a.labels[a.order.index(truth[a.question])] for a in prompt.probes}
                mixed = dict(draw.sample(list(said.items()), len(said)))
                assert chosen_options(json.dumps(mixed), prompt.probes) == truth
            for prompt in prompts_of(task, PromptStyle(option_order=order)):  # type: ignore[arg-type]
                asked = prompt.probes[0]
                option = truth[asked.question]
                label = asked.labels[asked.order.index(option)]
                for said_so in (label, f"{label}. {asked.statements[option]}", asked.statements[option]):
                    assert chosen_option(said_so, asked) == option


def test_tokens_are_counted_about_or_the_tokenizer_is_told_missing(tmp_path: Path) -> None:
    count, exact = counter(None)
    assert (count("twelve chars"), exact) == (3, False)
    with pytest.raises(IndievalueError, match=r"cannot load the tokenizer|pip install '\.\[lm\]'"):
        counter(str(tmp_path))


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (0, "B"),
        (1, "(B) I bake each week."),
        (14, "The answer is B."),
        (12, "A.</think>\n\nB"),
        (7, r"\boxed{B}"),
        (8, "<answer>B</answer>"),
        (8, "<answer>a</answer>"),  # neither the a that begins the tag nor that of the tag that closes it
        (29, '{"why": "B fits", "answer": "B"}'),  # the answer, not the reason before it
        (8, '{"Q1": "B", "why": "B fits"}'),  # the answer, not the reason after it
        (21, '</think>{"answer": ["B"]}'),
        (None, "I bake each week."),
    ],
)
def test_the_place_of_a_label_is_that_of_the_answer_in_the_whole_output(place: int | None, text: str) -> None:
    found = find_choice(text, probe_of(4))
    assert found is not None
    assert found.place == place


@pytest.mark.parametrize(("place", "text"), [(0, "B. I bake ea"), (3, "  (B"), (12, "A.</think>\n\nB. I b")])
def test_the_place_of_a_label_is_known_of_an_answer_that_was_cut_off(place: int, text: str) -> None:
    found = find_choice(text, probe_of(4), cut=True)
    assert found is not None
    assert found.place == place


def test_an_answer_may_be_wrapped_three_times() -> None:
    probe, text, letters = probe_of(4), "B", []
    for _ in range(4):
        text = json.dumps({"selected": text})
        letters.append(letter_of(chosen_option(text, probe), probe))
    assert letters == ["B", "B", "B", None]


@pytest.mark.parametrize(
    ("letter", "text"),
    [
        ("B", "A. I bake daily. That is too often: <answer>B</answer>"),  # options are gone through first
        ("B", "A <answer>B</answer>"),  # so is one that is thought of
        ("B", "{'why': 'fits', 'selected': 'B'}"),  # a key in quotes, as in JSON
        (None, "selected: B {sic}"),  # a brace somewhere makes no structure of a line
    ],
)
def test_text_beside_a_structure_is_no_part_of_it(letter: str | None, text: str) -> None:
    probe = probe_of(4)
    assert letter_of(chosen_option(text, probe), probe) == letter
