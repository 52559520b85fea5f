"""The World Values Survey spec is sound, and conforms to the paper's metadata but for the listed corrections."""

import json
import re
from collections import Counter
from typing import Any

import pytest

from conftest import REFERENCE, ROOT
from indievalue.choices import FORMS, FormName
from indievalue.survey.survey import Survey

# Every difference from the reference is here and, with its reason, in docs/corrections.md.
TYPE_CORRECTIONS = {"Q252": "scale_10"}
ADDED_CODES = {f"Q{number}": {0} for number in range(241, 250)}
ADDED_DEMOGRAPHIC_CODES: dict[str, set[int]] = {
    "Q266": {9999},
    "Q267": {9999},
    "Q268": {9999},
    "Q270": set(range(8, 100)),
    "Q274": set(range(8, 100)),
    "Q272": {920, 1105, 1190},
    "Q279": {8},
    "Q280": {8},
    "Q281": {11},
    "Q282": {11},
}
MERGED_DEMOGRAPHIC_CODES = {"Q290": [{586007, 586009}]}


def test_the_spec_is_sound(wvs7: Survey) -> None:
    assert wvs7.validate() == []


def test_it_has_the_paper_s_questions_and_options(wvs7: Survey) -> None:
    assert len(wvs7.questions) == 253
    assert len(wvs7.categories) == 13
    assert len(wvs7.demographics) == 31
    assert [int(wvs7.form(form).starts[-1]) for form in FORMS] == [567, 929]


@pytest.mark.parametrize("form", FORMS)
def test_questions_conform_to_the_reference(wvs7: Survey, form: FormName) -> None:
    reference = _reference(f"{form}_statements.jsonl")
    assert [question.id for question in wvs7.questions] == [row["question_id"] for row in reference]
    assert Counter(question.category for question in wvs7.questions) == Counter(
        row["question_category"] for row in reference
    )
    for question, row in zip(wvs7.questions, reference, strict=True):
        assert question.category == row["question_category"], question.id
        assert question.type == TYPE_CORRECTIONS.get(question.id, row["question_type"]), question.id
        added = ADDED_CODES.get(question.id, set())
        ours = [set(option.codes) - added for option in question.options(form)]
        assert ours == [set(group) for group in row["answer_ids"]], question.id


def test_demographics_conform_to_the_reference(wvs7: Survey) -> None:
    reference = _reference("demographics.jsonl")
    assert [demographic.id for demographic in wvs7.demographics] == [row["question_id"] for row in reference]
    for demographic, row in zip(wvs7.demographics, reference, strict=True):
        column = demographic.columns[0]
        added = ADDED_DEMOGRAPHIC_CODES.get(demographic.id, set())
        ours = [set(group.codes.get(column, ())) - added for group in demographic.groups]
        assert sorted(map(sorted, filter(None, ours))) == sorted(map(sorted, _groups(row))), demographic.id


def test_the_sentences_are_our_own(wvs7: Survey) -> None:
    copied = []
    for form in FORMS:
        for question, row in zip(wvs7.questions, _reference(f"{form}_statements.jsonl"), strict=True):
            for option, theirs in zip(question.options(form), row["converted_statements"], strict=True):
                if _bare(option.statement) == _bare(theirs) and len(theirs.split()) > 6:
                    copied.append(option.statement)
    assert copied == []


def test_every_correction_is_explained() -> None:
    page = (ROOT / "docs" / "corrections.md").read_text(encoding="utf-8")
    named = {*TYPE_CORRECTIONS, "Q241", "Q249", *ADDED_DEMOGRAPHIC_CODES, *MERGED_DEMOGRAPHIC_CODES}
    assert [question for question in sorted(named) if not _mentions(page, question)] == []


def _mentions(page: str, question: str) -> bool:
    """Whether the page names the question, alone or inside a range such as `Q241`-`Q249`."""
    number = int(question[1:])
    ranges = re.findall(r"`?Q(\d+)`?\s*(?:-|–|to)\s*`?Q(\d+)", page)
    return f"`{question}`" in page or any(int(first) <= number <= int(last) for first, last in ranges)


def _groups(row: dict[str, Any]) -> list[set[int]]:
    if "answer_ids" in row:
        return [set(group) for group in row["answer_ids"]]
    if row["question_id"] == "B_COUNTRY_to_continent":
        continents: dict[str, set[int]] = {}
        for code, continent in row["answer_vars_map"].items():
            continents.setdefault(continent, set()).add(int(code))
        return list(continents.values())
    merged = MERGED_DEMOGRAPHIC_CODES.get(row["question_id"], [])
    alone = set(map(int, row["answer_vars_map"])) - set().union(*merged)
    return [*({code} for code in alone), *merged]


def _bare(sentence: str) -> str:
    return " ".join(re.findall(r"[a-z']+", sentence.lower()))


def _reference(name: str) -> list[dict[str, Any]]:
    if not (REFERENCE / name).exists():
        pytest.skip(f"no reference metadata: set INDIEVALUE_REFERENCE to a folder with {name}")
    return [json.loads(line) for line in (REFERENCE / name).read_text(encoding="utf-8").splitlines()]
