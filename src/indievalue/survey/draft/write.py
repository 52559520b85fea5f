"""Writes a draft as the YAML of a specification, with a ``# check:`` comment at every guess that is not sure."""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from indievalue.survey.draft.build import asked
from indievalue.survey.draft.demographics import DraftDemographic, codes_text
from indievalue.survey.draft.model import Draft, DraftQuestion
from indievalue.survey.draft.topics import is_question

CHECK = "# check:"
"""What every guess that is not sure is marked with."""

_FILES = ("survey.yaml", "questions.yaml", "demographics.yaml")


def write_draft(draft: Draft, folder: Path) -> None:
    """Write survey.yaml, questions.yaml and demographics.yaml into ``folder``."""
    texts = (_survey(draft), _questions(draft), _demographics(draft))
    for name, text in zip(_FILES, texts, strict=True):
        (folder / name).write_text(text, encoding="utf-8")


def marks_in(folder: Path) -> int:
    """How many guesses in the files of a specification are still marked to be checked."""
    files = [folder / name for name in _FILES if (folder / name).is_file()]
    return sum(
        len(re.findall(rf"(?:^|\s){CHECK}", line))
        for file in files
        for line in file.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    )


def _survey(draft: Draft) -> str:
    lines = [
        f"# Drafted from {_comment(draft.source)}. Look at what is marked with `check:`, and remove the mark.",
        f"name: {_quoted(draft.name)}",
        f"title: {_quoted(f'Draft of a survey from {draft.source}')}   {CHECK} give it the name of the survey",
    ]
    for key, columns in (("person", draft.person), ("weight", draft.weight)):
        if columns:
            lines.append(f"{key}: {_columns(columns)}{_check(draft.checks.get(key))}")
        elif key in draft.checks:
            lines.append(f"{CHECK} {draft.checks[key]}")
    if draft.language != "en":
        lines.append(f"language: {draft.language}")
    if draft.country:
        lines.append(f"country: {draft.country}")
    lines.append("missing:")
    lines += [f"  {code}: {_quoted(reason)}" for code, reason in draft.missing.items()]
    lines += [f"  {tag}: {_quoted(reason)}" for tag, reason in sorted(draft.tags.items())]
    lines += [f"  {draft.not_asked}: not asked", f"  {draft.empty}: no answer, an empty cell"]
    lines += [f"not_asked: {draft.not_asked}", f"blank: {draft.empty}", "categories:"]
    lines += [f"  - {_quoted(category)}" for category in draft.categories]
    lines += [
        "sampling:",
        f"  setups: {draft.setups}",
        f"  per_category: {draft.per_category}{_check(draft.checks.get('sampling'))}",
    ]
    if draft.answered_probes is not None:
        lines += ["  probes: answered", f"  answered_probes: {draft.answered_probes}"]
    if draft.left_out:
        lines += ["", f"# Columns that are no part of the draft ({len(draft.left_out)}):"]
        for reason, names in _by_reason(draft.left_out).items():
            lines.append(f"#   {_comment(reason)}: {_comment(', '.join(names))}")
    return "\n".join(lines) + "\n"


def _by_reason(left_out: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, reason in left_out.items():
        found.setdefault(reason, []).append(name)
    return found


def _questions(draft: Draft) -> str:
    lines: list[str] = []

    def key(question: DraftQuestion) -> object:
        return (
            question.category,
            question.wording,
            question.scale.ordered,
            tuple(question.scale.left_out.items()),
            question.scale.missing,
            question.scale.doubts,
            question.skipped,
            question.wording.asks == "{topic}" and is_question(question.topic),
        )

    for number, (_, group) in enumerate(groupby(draft.questions, key), 1):
        lines += ["", *_battery(draft, list(group), number)]
    return "\n".join(lines[1:]) + "\n"


def _battery(draft: Draft, questions: Sequence[DraftQuestion], number: int) -> list[str]:
    first = questions[0]
    alone = len(questions) == 1
    scale, wording = first.scale, first.wording
    doubts = "".join(_check(doubt) for doubt in scale.doubts)
    own = "".join(_check(one) for one in first.checks if one not in scale.doubts) if alone else ""
    head = f"- question: {_quoted(first.id)}" if alone else f"- battery: {_quoted(f'{number}: {scale.kind}')}"
    asks = asked(wording.asks, first.topic) if alone else wording.asks

    def filled(text: str) -> str:
        return _quoted(text.replace("{topic}", first.topic) if alone else text)

    lines = [
        f"{head}{own}",
        f"  category: {_quoted(first.category)}",
        f"  type: {scale.kind}_{len(scale.answers)}",
        f"  asks: {filled(asks)}",
    ]
    if scale.kind == "other":
        lines.append(f"  ordered: false{doubts}")
    elif not scale.ordered:
        lines.append(f"  ordered: as written{doubts}")
    elif doubts:
        lines.append(f"  ordered: true{doubts}")
    lines.append("  polar:")
    lines += [f"    {_quoted(codes_text(codes))}: {filled(text)}" for codes, text in wording.polar]
    if wording.refined is None:
        lines.append("  refined: same as polar")
    else:
        lines.append("  refined:")
        lines += [f"    {_quoted(codes_text(codes))}: {filled(text)}" for codes, text in wording.refined]
    lines += _no_answers(scale.left_out, scale.missing, draft.missing)
    if first.skipped:
        lines.append(f"  blank: {draft.not_asked}")
    if alone and first.columns:
        lines.append(f"  columns: {_columns(first.columns)}")
    if not alone:
        lines.append("  questions:")
        lines += [_item(one) for one in questions]
    return lines


def _item(question: DraftQuestion) -> str:
    """A question of a battery, on one line."""
    own = "".join(_check(check) for check in question.checks if check not in question.scale.doubts)
    columns = f", columns: {_columns(question.columns)}" if question.columns else ""
    return f"    {_quoted(question.id)}: {{topic: {_quoted(_topic(question))}{columns}}}{own}"


def _columns(names: Sequence[str]) -> str:
    return _quoted(names[0]) if len(names) == 1 else f"[{', '.join(map(_quoted, names))}]"


def _topic(question: DraftQuestion) -> str:
    return asked(question.wording.asks, question.topic) if question.wording.asks == "{topic}" else question.topic


def _no_answers(
    left_out: Mapping[int, str],
    missing: Collection[int],
    everywhere: Mapping[int, str],
    texts: Mapping[str, str] | None = None,
) -> list[str]:
    """The codes that are missing in this question only, and those that are no option, each with its reason."""
    lines = []
    own = {code: reason for code, reason in left_out.items() if code in missing and code not in everywhere}
    if own:
        listed = ", ".join(f"{code}: {_quoted(own[code])}" for code in sorted(own))
        lines.append(f"  missing: {{{listed}}}")
    rest = {code: reason for code, reason in left_out.items() if code not in missing and code not in everywhere}
    if rest or texts:
        lines.append("  left_out:")
        lines += [f"    {code}: {_quoted(rest[code])}" for code in sorted(rest)]
        lines += [f"    {_quoted(text)}: {_quoted(reason)}" for text, reason in sorted((texts or {}).items())]
    return lines


def _demographics(draft: Draft) -> str:
    lines: list[str] = []
    for demographic in draft.demographics:
        lines += ["", *_demographic(demographic, draft.missing)]
    return "\n".join(lines[1:]) + "\n" if lines else "[]\n"


def _demographic(one: DraftDemographic, missing: Mapping[int, str]) -> list[str]:
    lines = [
        f"- id: {_quoted(one.id)}{_check(one.check)}",
        f"  name: {one.name}",
        f"  asks: {_quoted(one.asks)}",
    ]
    if one.template:
        lines.append(f"  statement: {_quoted(one.template)}")
    lines.append("  groups:" if one.groups else "  groups: []")
    lines += [
        f"    - {{codes: {_quoted(group.codes)}, label: {_quoted(group.label)}, statement: {_quoted(group.statement)}}}"
        for group in one.groups
    ]
    if one.otherwise:
        lines.append(f"  otherwise: {one.otherwise}")
    return lines + _no_answers(one.left_out, one.missing, missing, one.texts_left_out)


def _check(reason: str | None) -> str:
    return f"   {CHECK} {_comment(reason)}" if reason else ""


def _comment(text: str) -> str:
    """A text that can stand in a comment: of one line."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _quoted(text: str) -> str:
    """A text as YAML: a double-quoted scalar, which is written as in JSON."""
    return json.dumps("".join(letter if letter.isprintable() else " " for letter in text), ensure_ascii=False)
