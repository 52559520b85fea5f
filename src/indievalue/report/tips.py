"""Tooltip texts: a heading and further parts, separated by middle dots."""

from collections.abc import Mapping
from typing import Any

from indievalue.report.described import described
from indievalue.report.numbers import interval, signed, signed_interval
from indievalue.scoring.paired import Comparison

PART = " · "

_MEASURED = {
    *("accuracy", "accuracy_low", "accuracy_high", "gain", "gain_low", "gain_high", "log_loss"),
    *("most_common", "ceiling_low", "ceiling_high", "way_low", "way_high"),
    *("people", "probes", "shown", "option", "kind", "low", "first", "median", "third", "high", "mean"),
}
"""Columns of an experiment's table that are no setting."""


def accuracy_tip(heading: str, item: Mapping[str, Any]) -> str:
    """Return e.g. ``gaussian · 76.2% right · 95% interval 75.1–77.3% · 800 people, 9,600 answers``.

    ``item`` has accuracy, accuracy_low and accuracy_high (0-100), people and probes.
    """
    return PART.join(
        [
            heading,
            f"{item['accuracy']:.1f}% right",
            f"95% interval {item['accuracy_low']:.1f}–{item['accuracy_high']:.1f}%",
            size(item["people"], item["probes"]),
        ]
    )


def settings_tip(row: Mapping[str, Any]) -> str:
    """Return the tooltip of a row of an experiment's table, headed by its settings in words.

    For example ``gaussian, polar probes, 50 statements · 76.2% right · 95% interval 75.1–77.3% · 800 people, …``.
    """
    parts = [settings_words(row), f"{row['accuracy']:.1f}% right"]
    if "accuracy_low" in row:
        parts.append(f"95% interval {interval(row['accuracy_low'], row['accuracy_high'])}%")
    if "gain" in row:
        ends = f" ({signed_interval(row['gain_low'], row['gain_high'])})" if "gain_low" in row else ""
        parts.append(f"gained {signed(row['gain'])} points{ends}")
    return PART.join([*parts, *([size(row["people"], row["probes"])] if "people" in row else [])])


def settings_words(row: Mapping[str, Any]) -> str:
    """Return the settings of a row of an experiment's table in words, the predictor first."""
    settings = {name: value for name, value in row.items() if name not in _MEASURED and value is not None}
    return described(dict(sorted(settings.items(), key=lambda item: item[0] != "predictor")))


def difference_tip(heading: str, row: Mapping[str, Any], comparison: Comparison) -> str:
    """Return e.g. ``majority minus gaussian · 66.7 and 77.9, difference −11.2 · … · 800 people, 86,400 answers``."""
    digits = row["digits"]
    return PART.join(
        [
            f"{heading} minus {comparison.b}",
            f"{row['a']:.{digits}f} and {row['b']:.{digits}f}, difference {signed(row['difference'], digits)}",
            f"95% interval {signed_interval(row['low'], row['high'], digits)}, p = {row['p']:.3f}",
            size(comparison.people, comparison.probes),
        ]
    )


def size(people: int, probes: int) -> str:
    """Return e.g. ``800 people, 9,600 answers``."""
    return f"{people:,} {'person' if people == 1 else 'people'}, {probes:,} answer{'' if probes == 1 else 's'}"
