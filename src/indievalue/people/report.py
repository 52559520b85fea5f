"""What was found while reading a file: nothing is lost or guessed without a line here."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class CodeCount:
    """A code that became missing: where, how many people gave it, and why."""

    column: str
    code: int
    people: int
    reason: str


@dataclass(frozen=True)
class Report:
    """The reading of one file.

    Attributes:
        source: path or the word synthetic. fingerprint: SHA-256 of the file. rows: rows read. people: rows kept.
        absent_questions, absent_demographics: what the file has no column for.
        unknown: codes that the survey spec does not know. left_out: codes it knows and gives no option.
        filled: demographic → (people, column) taken from a column other than its first.
        blank: empty cells in question columns, read as missing.
        repeated: ids that occur more than once → further rows dropped. row_numbers: people whose id is a row number.
        unweighted: people whose weight is absent, counted with weight 1.
    """

    source: str
    survey: str
    fingerprint: str
    rows: int
    people: int
    absent_questions: tuple[str, ...] = ()
    absent_demographics: tuple[str, ...] = ()
    unknown: tuple[CodeCount, ...] = ()
    left_out: tuple[CodeCount, ...] = ()
    filled: tuple[tuple[str, str, int], ...] = ()
    blank: int = 0
    repeated: tuple[tuple[str, int], ...] = ()
    row_numbers: int = 0
    unweighted: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values, for JSON."""
        return asdict(self)

    def lines(self) -> list[str]:
        """The report in a few lines for the terminal."""
        lines = [f"{self.people:,} people of {self.survey} in {self.source}"]
        if self.row_numbers:
            lines.append(f"{self.row_numbers:,} people have no id: their row numbers are used, the first row is 1")
        if self.repeated:
            dropped = sum(rows for _, rows in self.repeated)
            lines.append(
                f"{dropped:,} rows dropped because their person id occurred before: "
                f"{_some([name for name, _ in self.repeated])}"
            )
        if self.absent_questions:
            lines.append(f"{len(self.absent_questions)} questions not in the file: {_some(self.absent_questions)}")
        if self.absent_demographics:
            lines.append(
                f"{len(self.absent_demographics)} demographics not in the file: {_some(self.absent_demographics)}"
            )
        lines += [f"{name} of {people:,} people from {column}" for name, column, people in self.filled]
        if self.left_out:
            total = sum(count.people for count in self.left_out)
            lines.append(f"{total:,} answers that are nobody's option are missing: {_counts(self.left_out)}")
        if self.unknown:
            total = sum(count.people for count in self.unknown)
            lines.append(f"{total:,} answers with codes that {self.survey} does not know: {_counts(self.unknown)}")
        if self.blank:
            lines.append(f"{self.blank:,} empty cells read as missing")
        if self.unweighted:
            lines.append(f"{self.unweighted:,} people have no weight and count as 1")
        return lines


def _some(names: Sequence[str], show: int = 5) -> str:
    more = f" and {len(names) - show} more" if len(names) > show else ""
    return ", ".join(names[:show]) + more


def _counts(counts: Sequence[CodeCount], show: int = 4) -> str:
    largest = sorted(counts, key=lambda count: -count.people)
    return _some([f"{c.column} = {c.code} ({c.people:,}, {c.reason})" for c in largest], show)
