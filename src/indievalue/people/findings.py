"""What was found while reading a file: nothing is lost or guessed without a line here."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar

from pydantic import ConfigDict

from indievalue.strict import NO_OTHER_KEYS, Count


@dataclass(frozen=True)
class CodeCount:
    """A code that became missing: where, how many people gave it, and why."""

    __pydantic_config__: ClassVar[ConfigDict] = NO_OTHER_KEYS

    column: str
    code: int
    people: Count
    reason: str


_FILLED_LINES = 8
"""Lines at most of what was taken from a second column."""

SYNTHETIC = "synthetic"
"""Source of people who were made up."""


@dataclass(frozen=True)
class Findings:
    """The reading of one file.

    Attributes:
        source: path or the word synthetic. fingerprint: SHA-256 of the file. rows: rows read. people: rows kept.
        absent_questions, absent_demographics: what the file has no column for.
        unknown: codes that the survey spec does not know. left_out: codes it knows and gives no option.
        filled: demographic → (people, column) taken from a column other than its first.
        ungrouped: demographic that the file has → people without a group in it, being empty, missing or unknown.
        blank: empty cells in question columns, read as missing. empty_rows: rows without any cell filled, dropped.
        repeated: ids that occur more than once → further rows dropped. row_numbers: people whose id is a row number.
        unweighted: people whose weight is absent, counted with weight 1.
        renamed: columns under another name → (in the file, in the survey).
        outside: rows that are not of the survey's people, by its ``where``.
        unpicked: rows left out by conditions of the user, or by these and the survey's.
        tags: Stata's extended missing values → (``.a``, what the survey says it means, cells).
    """

    __pydantic_config__: ClassVar[ConfigDict] = NO_OTHER_KEYS

    source: str
    survey: str
    fingerprint: str
    rows: Count
    people: Count
    absent_questions: tuple[str, ...] = ()
    absent_demographics: tuple[str, ...] = ()
    unknown: tuple[CodeCount, ...] = ()
    left_out: tuple[CodeCount, ...] = ()
    filled: tuple[tuple[str, str, Count], ...] = ()
    blank: Count = 0
    empty_rows: Count = 0
    repeated: tuple[tuple[str, Count], ...] = ()
    row_numbers: Count = 0
    unweighted: Count = 0
    tags: tuple[tuple[str, str, Count], ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    ungrouped: tuple[tuple[str, Count], ...] = ()
    outside: Count = 0
    unpicked: Count = 0

    @property
    def synthetic(self) -> bool:
        """Whether the people were made up, so that no figure says anything about real ones."""
        return self.source == SYNTHETIC

    def as_dict(self) -> dict[str, object]:
        """The report as plain values, for JSON."""
        plain = asdict(self)
        for name in ("outside", "unpicked"):  # only where there is a condition
            if not plain[name]:
                del plain[name]
        return plain

    def lines(self, *, ids: bool = True) -> list[str]:
        """The report in a few lines for the terminal; without ``ids`` for pages that are passed on."""
        lines = [f"{_people(self.people)} of {self.survey}{f' in {self.source}' if self.source else ''}"]
        if self.renamed:
            pairs = _some([f"{found!r} as {name}" for found, name in self.renamed], 3)
            lines.append(f"{_number(len(self.renamed), 'column')} read under another name: {pairs}")
        if self.row_numbers:
            lines.append(f"{_people(self.row_numbers)} without an id: named by row number, the first row is 1")
        if self.repeated:
            dropped = sum(rows for _, rows in self.repeated)
            which = f": {_some([name for name, _ in self.repeated])}" if ids else ""
            lines.append(f"{_number(dropped, 'row')} dropped because the person id occurred before{which}")
        if self.outside:
            lines.append(f"{_number(self.outside, 'row')} left out by the survey's `where`")
        if self.unpicked:
            lines.append(f"{_number(self.unpicked, 'row')} left out by --rows")
        if self.empty_rows:
            lines.append(f"{_number(self.empty_rows, 'empty row')} dropped")
        if self.absent_questions:
            absent = _number(len(self.absent_questions), "question")
            lines.append(f"{absent} not in the file: {_some(self.absent_questions)}")
        if self.absent_demographics:
            absent = _number(len(self.absent_demographics), "demographic")
            lines.append(f"{absent} not in the file: {_some(self.absent_demographics)}")
        lines += self._filled()
        if self.ungrouped:
            most = sorted(self.ungrouped, key=lambda one: -one[1])
            lines.append(f"people without a group: {_some([f'{name} ({people:,})' for name, people in most])}")
        if self.left_out:
            total = _number(sum(count.people for count in self.left_out), "answer")
            lines.append(f"{total} read as missing, being in no option: {_counts(self.left_out)}")
        if self.unknown:
            total = _number(sum(count.people for count in self.unknown), "answer")
            lines.append(f"{total} read as missing, with codes {self.survey} does not know: {_counts(self.unknown)}")
        if self.blank:
            lines.append(f"{_number(self.blank, 'empty cell')} read as missing")
        if self.tags:
            total = _number(sum(cells for _, _, cells in self.tags), "cell")
            each = [f"{tag} ({cells:,}{', ' if reason else ''}{reason})" for tag, reason, cells in self.tags]
            lines.append(f"{total} read as missing, tagged by Stata: {', '.join(each)}")
        if self.unweighted:
            lines.append(f"{_people(self.unweighted)} without a weight: counted with weight 1")
        return lines

    def _filled(self) -> list[str]:
        """A line for each column that filled another, or one line for all of them where they are many."""
        if len(self.filled) <= _FILLED_LINES:
            return [f"{name} of {_people(people)} from {column}" for name, column, people in self.filled]
        most = sorted(self.filled, key=lambda one: -one[2])
        each = _some([f"{name} from {column} ({people:,})" for name, column, people in most], 3)
        return [f"{len(self.filled):,} columns filled another of the same item: {each}"]


def _number(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count:,} people"


def _some(names: Sequence[str], show: int = 5) -> str:
    more = f" and {len(names) - show} more" if len(names) > show else ""
    return ", ".join(names[:show]) + more


def _counts(counts: Sequence[CodeCount], show: int = 4) -> str:
    largest = sorted(counts, key=lambda count: -count.people)
    return _some([f"{c.column} = {c.code} ({c.people:,}, {c.reason})" for c in largest], show)
