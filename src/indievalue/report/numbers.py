"""Format numbers for readers."""

from collections.abc import Mapping

from indievalue.choices import Measure

MISSING = "–"
"""Shown in place of a missing number."""

SIGMA_DIGITS: Mapping[Measure, int] = {"accuracy": 2, "log_loss": 3, "calibration": 3}
"""Digits of σ over groups, by what is compared between them."""

COMPARED_DIGITS = {"accuracy": 1, "log_loss": 3, "inequity": 2}
"""Measures in which predictors are compared, and the digits of their differences."""


def number(value: float | None, digits: int = 1, missing: str = MISSING) -> str:
    """Return a number with ``digits`` decimals and thousands separators.

    >>> number(66.719), number(None), number(1234, 0)
    ('66.7', '–', '1,234')
    """
    return missing if value is None or value != value else f"{value:,.{digits}f}"


def share(low: float | None, high: float | None) -> str:
    """Return the ends of a share in percent, cut off at 0 and 100.

    >>> share(12.3, 140), share(-3, -1)
    ('12–100', '0')
    """
    if low is None or high is None:
        return MISSING
    first, last = (f"{min(max(each, 0), 100):.0f}" for each in (low, high))
    return first if first == last else f"{first}–{last}"


def signed(value: float | None, digits: int = 1) -> str:
    """Return a number with its sign, without one for zero.

    >>> signed(1.26), signed(-0.24), signed(-0.04)
    ('+1.3', '−0.2', '0.0')
    """
    if value is None or value != value:
        return MISSING
    text = f"{value:+,.{digits}f}".replace("-", "−")
    return text[1:] if not text[1:].strip("0.") else text


def interval(low: float | None, high: float | None, digits: int = 1) -> str:
    """Return an interval.

    >>> interval(66.2, 67.25)
    '66.2–67.2'
    """
    return MISSING if low is None or high is None else f"{number(low, digits)}–{number(high, digits)}"


def signed_interval(low: float | None, high: float | None, digits: int = 1) -> str:
    """Return the interval of a difference.

    >>> signed_interval(-0.5, 1.5)
    '−0.5 to +1.5'
    """
    return MISSING if low is None or high is None else f"{signed(low, digits)} to {signed(high, digits)}"


def with_interval(value: float, low: float | None, high: float | None, digits: int = 1) -> str:
    """Return a number with its interval.

    >>> with_interval(66.7, 66.2, 67.2)
    '66.7 (66.2–67.2)'
    """
    return f"{number(value, digits)} ({interval(low, high, digits)})"


def over(rows: int | None, of: int) -> str:
    """Return over how many rows a number is if that is not all of them, otherwise nothing.

    >>> over(720, 1200), over(1200, 1200), over(None, 1200)
    ('over 720 of 1,200 rows', '', '')
    """
    return f"over {rows:,} of {of:,} rows" if rows and rows < of else ""


def probability(p: float | None) -> str:
    """Return a p-value.

    >>> probability(0.0321), probability(0.0002), probability(None)
    ('0.032', '<0.001', '')
    """
    return "" if p is None else "<0.001" if p < 0.001 else f"{p:.3f}"
