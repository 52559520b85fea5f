"""Answers in words to what ``indievalue inequity``, ``compare`` and ``flattening`` measure."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from indievalue.report.numbers import (
    COMPARED_DIGITS,
    SIGMA_DIGITS,
    interval,
    number,
    probability,
    signed_interval,
)
from indievalue.report.tables.of_measures import UNITS, measure_words, words
from indievalue.report.wording import listed
from indievalue.runs.run import Run
from indievalue.scoring.flattening import ANYBODY, Flattening
from indievalue.scoring.groups import CROSS
from indievalue.scoring.inequity import Inequity
from indievalue.scoring.paired import Comparison


def inequity_answer(run: Run, found: Inequity) -> str:
    """State the index of the most accurate predictor beside chance, and where its groups differ most."""
    known = found.index.filter(pl.col("sigma").is_not_null())
    if known.is_empty():
        lacking = "No demographic has two groups with enough people"
        if found.groups.is_empty() and found.measure != "accuracy":
            lacking = "No predictor gives probabilities"
        return f"{lacking}, so there is nothing to compare."
    best = most_accurate(run, known["predictor"].to_list())
    row = known.filter(pl.col("predictor") == best).row(0, named=True)
    digits, unit = SIGMA_DIGITS[found.measure], _unit(found)
    sentences = [
        f"The Value Inequity Index of {named(run, best)} is {number(row['sigma'], digits)}{unit}; chance alone gives "
        f"{number(row['chance'], digits)} ({_p(row['p'])})."
    ]
    if row["corrected"] is not None and row["sigma_corrected_low"] is not None:
        ends = interval(row["sigma_corrected_low"], row["sigma_corrected_high"], digits)
        sentences.append(f"Without noise it is {number(row['corrected'], digits)} (95% interval {ends}).")
    of_best = (pl.col("predictor") == best) & pl.col("corrected").is_not_null()
    most = found.table.filter(of_best).sort("corrected", descending=True, maintain_order=True).head(1)
    sentences += [_most_uneven(most, found)] if len(most) else []
    return " ".join(sentences)


def _most_uneven(most: pl.DataFrame, found: Inequity) -> str:
    row = most.row(0, named=True)
    measure = measure_words(found.measure)
    if row["corrected"] == 0:
        return f"Its {measure} differs between groups no more than expected by chance."
    percent = "%" if found.measure == "accuracy" else ""
    digits = 1 if percent else SIGMA_DIGITS[found.measure]
    ends = [f"{number(row[f'{end}_value'], digits)}{percent} ({row[end]})" for end in ("worst", "best")]
    return f"Its {measure} differs most by {words(row['demographic'])}: from {ends[0]} to {ends[1]}."


def flattening_answer(run: Run, found: Flattening) -> str:
    """State the ratio of variances of the most accurate predictor, and how often it tells two people apart."""
    known = found.table.filter(pl.col("ratio").is_not_null())
    if known.is_empty():
        return (
            "No two people of one group have predictions of the same ordered question, so there is nothing to compare."
        )
    best = most_accurate(run, known["predictor"].to_list())
    rows = known.filter(pl.col("predictor") == best).to_dicts()
    first = next((row for row in rows if row["demographic"] == "country"), rows[0])
    ends = (
        f" (95% interval {interval(first['ratio_low'], first['ratio_high'], 2)})"
        if first["ratio_low"] is not None
        else ""
    )
    text = (
        f"{named(run, best)} {_alike(first)}: within groups by {words(first['demographic'])}, its "
        f"predictions have {number(first['ratio'], 2)} of the variance of answers{ends}."
    )
    pairs = found.pairs.filter((pl.col("predictor") == best) & pl.col("apart").is_not_null()).head(1)
    if len(pairs):
        pair = pairs.row(0, named=True)
        shared = [] if pair["matched"] == ANYBODY else words(pair["matched"]).split(CROSS)
        two = f"two people of the same {listed(shared)}" if shared else "two people"
        text += (
            f" Where {two} answer differently, it predicts both correctly in {number(pair['apart'])}% of cases, and "
            f"the same answer for both in {number(pair['same'])}%."
        )
    return text


def _alike(row: Mapping[str, Any]) -> str:
    if row["ratio_low"] is None or row["ratio_low"] <= 1 <= row["ratio_high"]:
        return "makes people of one group neither clearly more nor clearly less alike"
    return f"makes people of one group {'more' if row['ratio'] < 1 else 'less'} alike than they are"


def compared_answer(found: Sequence[Comparison]) -> str:
    """State the difference in accuracy of a pair; of several pairs, which the most accurate one surpasses."""
    if len(found) == 1:
        return _pair_answer(found[0])
    accuracy: dict[str, float] = {}
    for one in found:
        row = _accuracy(one)
        accuracy |= {one.a: row["a"], one.b: row["b"]}
    best = max(accuracy, key=lambda name: accuracy[name])
    sure: list[str] = []
    unsure: list[str] = []
    for one in found:
        row = _accuracy(one)
        if best in (one.a, one.b) and row["low"] is not None:
            other = one.b if one.a == best else one.a
            (unsure if row["low"] <= 0 <= row["high"] else sure).append(other)
    text = f"{best} is the most accurate of those compared, with {number(accuracy[best])}%."
    if sure:
        text += f" The 95% interval of its difference from {listed(sure)} excludes 0"
        return text + (f"; that from {listed(unsure)} includes 0." if unsure else ".")
    return text + (f" The 95% interval of its difference from {listed(unsure)} includes 0." if unsure else "")


def _pair_answer(one: Comparison) -> str:
    row = _accuracy(one)
    a, b = (one.a, one.b) if row["difference"] >= 0 else (one.b, one.a)
    digits = COMPARED_DIGITS["accuracy"]
    text = f"{a} predicts {number(abs(row['difference']), digits)} points more of the answers than {b}"
    if row["low"] is None:
        return f"{text}."
    low, high = (row["low"], row["high"]) if a == one.a else (-row["high"], -row["low"])
    chance = ", which chance may explain" if row["low"] <= 0 <= row["high"] else ""
    return f"{text} (95% interval {signed_interval(low, high, digits)}, {_p(row['p'])}){chance}."


def _accuracy(one: Comparison) -> dict[str, Any]:
    return one.table.filter(measure="accuracy").row(0, named=True)


def most_accurate(run: Run, names: Sequence[str]) -> str:
    """Return the most accurate of the predictors with these names."""
    return max(dict.fromkeys(names), key=lambda name: run.scores[name].accuracy)


def named(run: Run, predictor: str) -> str:
    """Return the predictor, and in commas why it is named, unless it is the only one or not the best of all."""
    return f"{predictor}, the most accurate predictor," if predictor == run.best and len(run.scores) > 1 else predictor


def _unit(found: Inequity) -> str:
    return "" if found.measure == "calibration" else f" {UNITS[found.measure]}"


def _p(p: float | None) -> str:
    text = probability(p) or "–"
    return f"p {text[0]} {text[1:]}" if text.startswith("<") else f"p = {text}"
