"""The people of several files of one survey as one people."""

import hashlib
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.errors import IndievalueError
from indievalue.people.findings import CodeCount, Findings
from indievalue.people.people import People

Key = TypeVar("Key", bound=Hashable)


def joined(parts: Sequence[People]) -> People:
    """Everybody in ``parts``, one after another. People without an id are named by their file and row.

    Raises IndievalueError where the files are of several surveys, or two of them share an id.
    """
    if len(parts) == 1:
        return parts[0]
    surveys = {part.survey.name: part.findings.source for part in parts}
    if len(surveys) > 1:
        of = " and ".join(f"{source} of {name}" for name, source in list(surveys.items())[:2])
        raise IndievalueError(f"files of several surveys cannot be read as one: {of}")
    named = [_named(part, number, parts) for number, part in enumerate(parts)]
    _check_distinct(named)
    return replace(stacked(named), findings=joined_findings([part.findings for part in parts], _without_group(parts)))


def stacked(parts: Sequence[People]) -> People:
    """Everybody in ``parts``, with the findings of the first; their ids are known to be distinct."""
    return replace(
        parts[0],
        ids=np.concatenate([part.ids for part in parts]),
        codes=np.asfortranarray(np.concatenate([part.codes for part in parts])),
        demographics=pl.concat([part.demographics for part in parts]),
        weights=np.concatenate([part.weights for part in parts]),
        years=_years(parts),
    )


def detached(people: People) -> People:
    """Return the people without what their table shares with others: Polars keeps whole columns for some texts."""
    texts = {labels.name: pl.Series(labels.to_list(), dtype=pl.String) for labels in people.demographics.get_columns()}
    return replace(people, demographics=pl.DataFrame(texts))


def _named(part: People, number: int, parts: Sequence[People]) -> People:
    """The people with ids that tell files apart where they are row numbers."""
    if not part.findings.row_numbers:
        return part
    sources = [other.findings.source for other in parts]
    source = part.findings.source
    file = source if sources.count(source) == 1 else f"{source} ({number + 1})"
    if part.findings.row_numbers < len(part):  # only those without an id are called `row 7`
        return replace(
            part, ids=np.array([f"{file} {name}" if name.startswith("row ") else name for name in part.ids.tolist()])
        )
    return replace(part, ids=np.array([f"{file} row {name}" for name in part.ids.tolist()]))


def _years(parts: Sequence[People]) -> NDArray[np.int16] | None:
    """The year of each interview, 0 for people of a file without years; None if no file has any."""
    if all(part.years is None for part in parts):
        return None
    return np.concatenate([np.zeros(len(part), np.int16) if part.years is None else part.years for part in parts])


def _check_distinct(parts: Sequence[People]) -> None:
    seen: dict[str, str] = {}
    for part in parts:
        shared = [person for person in part.ids.tolist() if person in seen]
        if shared:
            raise IndievalueError(
                f"{seen[shared[0]]} and {part.findings.source} share {len(shared):,} "
                f"{'id' if len(shared) == 1 else 'ids'}, first {shared[0]!r}: name columns that tell the people of one "
                "from those of the other with --person-columns, such as country,id, or file,id where ids start over in "
                "each file"
            )
        seen |= dict.fromkeys(part.ids.tolist(), part.findings.source)


def _without_group(parts: Iterable[People]) -> Counter[str]:
    """How many people have no group, by demographic; if one of the files lacks it, all of its people."""
    groups = Counter[str]()
    for part in parts:
        groups.update(without_group(part))
    return groups


def without_group(people: People) -> dict[str, int]:
    """How many of the people have no group, by demographic."""
    return {labels.name: labels.null_count() for labels in people.demographics.get_columns()}


def joined_findings(found: Sequence[Findings], groups: Mapping[str, int]) -> Findings:
    """The findings in several files, or in blocks of them, as one; ``groups`` is how many people lack each group."""
    first = found[0]
    absent = _in_all([one.absent_demographics for one in found])
    unknown = _summed(
        [((count.column, count.code, count.reason), count.people) for one in found for count in one.unknown]
    )
    left_out = _summed(
        [((count.column, count.code, count.reason), count.people) for one in found for count in one.left_out]
    )
    return Findings(
        source=" + ".join(one.source for one in found),
        survey=first.survey,
        fingerprint=hashlib.sha256("".join(one.fingerprint for one in found).encode()).hexdigest(),
        rows=sum(one.rows for one in found),
        people=sum(one.people for one in found),
        absent_questions=_in_all([one.absent_questions for one in found]),
        absent_demographics=absent,
        unknown=tuple(CodeCount(column, code, people, reason) for (column, code, reason), people in unknown),
        left_out=tuple(CodeCount(column, code, people, reason) for (column, code, reason), people in left_out),
        filled=tuple(
            (name, column, people)
            for (name, column), people in _summed(
                [((name, column), n) for one in found for name, column, n in one.filled]
            )
        ),
        ungrouped=tuple((name, people) for name, people in groups.items() if people and name not in absent),
        blank=sum(one.blank for one in found),
        empty_rows=sum(one.empty_rows for one in found),
        repeated=tuple(repeated for one in found for repeated in one.repeated),
        row_numbers=sum(one.row_numbers for one in found),
        unweighted=sum(one.unweighted for one in found),
        renamed=tuple(dict.fromkeys(pair for one in found for pair in one.renamed)),
        tags=tuple(
            (tag, reason, cells)
            for (tag, reason), cells in _summed(
                [((tag, reason), cells) for one in found for tag, reason, cells in one.tags]
            )
        ),
        outside=sum(one.outside for one in found),
        unpicked=sum(one.unpicked for one in found),
    )


def _in_all(names: Sequence[Sequence[str]]) -> tuple[str, ...]:
    return tuple(name for name in names[0] if all(name in others for others in names[1:]))


def _summed(counts: Iterable[tuple[Key, int]]) -> list[tuple[Key, int]]:
    """Each key once, in the order of its first occurrence, with the sum of its counts."""
    sums: dict[Key, int] = {}
    for key, count in counts:
        sums[key] = sums.get(key, 0) + count
    return list(sums.items())
