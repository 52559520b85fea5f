"""Scales of numbers of which only some have a label: 0 to 10, 1 to 7, -5 to 5, a thermometer of 100 degrees."""

import re
from collections.abc import Mapping, Sequence

from indievalue.survey.draft import words
from indievalue.survey.draft.labels import Answer, Scale, plain, shown
from indievalue.survey.draft.metadata import Column

FEWEST_POINTS, MOST_POINTS = 5, 11

_LONG_STARTS, _LONG_ENDS = (-100, -50, -10, 0, 1), (10, 15, 20, 50, 100)
"""First and last codes of longer scales."""

_THERMOMETER = re.compile(r"\b(thermometer|term[óo]metro|thermom[eè]tre|degr[eé]es?|grados|degr[ée]s)\b")
_TO_100 = re.compile(r"\b0\s*(-|–|to|a|[àa]|and|y|et)\s*100\b|\b100[- ]point")
_END = r"\s*(?:=|:|-|–|means?|is|being|significa|es|signifie|veut dire|correspond à)\s*[\"'«“‘]?\s*"
_END_IN_WORDING = re.compile(r"(?<![\d.,])(-?\d{1,3})" + _END + r"([^\W\d][^\"'»”’:;,.()=\d]{2,60})")
_SAID_TO = re.compile(r"\b(from|de|entre|between)\s+(-?\d{1,2})\s+(to|a|[àa]|and|y|et)\s+(\d{1,3})\b")


def numeric_scale(
    column: Column, held: Sequence[int], labels: Mapping[int, str], left_out: Mapping[int, str]
) -> Scale | None:
    """The scale of a column of numbers; None where the column has none."""
    if (degrees := _degrees(column, held, labels, left_out)) is not None:
        return degrees
    worded = {code: label for code, label in labels.items() if not _is_number(label)}
    if not worded:
        worded = _ends_in(column.label)
    if not worded or len(worded) > 3:
        return None
    return _between(worded, held, labels, left_out)


def _between(
    worded: Mapping[int, str], held: Sequence[int], labels: Mapping[int, str], left_out: Mapping[int, str]
) -> Scale | None:
    """The scale between the lowest and a higher labelled code."""
    low = min(worded)
    for high in sorted(worded, reverse=True):
        points = range(low, high + 1)
        inside = [code for code in held if code in points and code not in worded]
        known = held[0] >= low and not any(code in points for code in left_out)
        usual = len(points) <= MOST_POINTS or (low in _LONG_STARTS and high in _LONG_ENDS)
        if len(points) >= FEWEST_POINTS and usual and inside and known:
            break
    else:
        return None
    if sum(code not in worded for code in points) < 2:
        return None
    lowest, highest = (re.sub(rf"^{code}\s+(?=\w)", "", shown(worded[code])) for code in (low, high))
    beyond = {code: shown(labels.get(code, "no label in the file")).lower() for code in held if code > high}
    if (agreement := _agreement(points, (lowest, highest), {**left_out, **beyond})) is not None:
        return agreement
    if any(mark in lowest + highest for mark in "|{}") or plain(lowest) == plain(highest):
        return None
    return Scale("ends", _answers(points, f"{lowest}|{highest}"), {**left_out, **beyond})


def _agreement(points: Sequence[int], ends: tuple[str, str], left_out: Mapping[int, str]) -> Scale | None:
    """A scale from disagreement to agreement is one of agreement, with steps between its ends."""
    for_it, against_it = (re.compile(pattern) for pattern in words.KINDS["agreement"])
    against = [against_it.search(plain(end)) is not None for end in ends]
    if against[0] == against[1] or not for_it.search(plain(ends[against.index(False)])):
        return None
    sign = 1 if against[0] else -1
    strong = [1.0 if words.STRONG.search(plain(end)) else 0.7 for end in ends]
    steps = []
    for codes, side, near in _cut(points):
        end = 0 if side < 0 else 1
        steps.append(Answer(tuple(codes), ends[end], sign * side, strong[end] if near == 1 else near))
    return Scale("agreement", tuple(steps), left_out)


def _degrees(
    column: Column, held: Sequence[int], labels: Mapping[int, str], left_out: Mapping[int, str]
) -> Scale | None:
    """A thermometer, or any other scale from 0 to 100."""
    said = plain(column.label)
    valid = [code for code in held if 0 <= code <= 100]
    thermometer = _THERMOMETER.search(said) is not None
    if not valid or max(valid) < 70 or min(valid) > 30 or not (thermometer or _TO_100.search(said)):
        return None
    beyond = {code: shown(labels.get(code, "no label in the file")).lower() for code in held if code not in valid}
    worded = {code: label for code, label in labels.items() if code in (0, 100) and not _is_number(label)}
    if len(worded) < 2:
        worded = _ends_in(column.label)
    if {0, 100} <= worded.keys():
        ends = f"{shown(worded[0])}|{shown(worded[100])}"
        return Scale("ends", _answers(range(101), ends), {**left_out, **beyond})
    kind = "thermometer" if thermometer else "rating"
    return Scale(kind, _answers(range(101), "0|100"), {**left_out, **beyond})


def _answers(points: Sequence[int], label: str) -> tuple[Answer, ...]:
    return tuple(Answer(tuple(codes), label, side, strength) for codes, side, strength in _cut(points))


def _cut(points: Sequence[int]) -> list[tuple[Sequence[int], int, float]]:
    """Steps of a scale in four or five groups: (codes, side, strength)."""
    half, middle = divmod(len(points), 2)
    near = half // 2 if half > 2 else 1
    groups = [
        (points[: half - near], -1, 1.0),
        (points[half - near : half], -1, 0.5),
        (points[half : half + middle], 0, 0.0),
        (points[half + middle : half + middle + near], 1, 0.5),
        (points[half + middle + near :], 1, 1.0),
    ]
    return [group for group in groups if group[0]]


def _ends_in(wording: str) -> dict[int, str]:
    """The ends that a wording tells of: ``0 means no trust at all and 10 means complete trust``."""
    found = {int(code): label.strip() for code, label in _END_IN_WORDING.findall(wording)}
    found = {code: re.split(r"\s+(?:and|y|et|to|a|[àa])$", label)[0] for code, label in found.items()}
    return found if len(found) == 2 else {}


def _is_number(label: str) -> bool:
    return re.fullmatch(r"\s*-?\d+\s*", label) is not None
