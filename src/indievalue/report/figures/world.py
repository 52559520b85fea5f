"""World maps of accuracy, coloured by distance from the predictor's mean."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from markupsafe import Markup, escape

from indievalue.report.figures.styles import FONT, INK, LAND, MUTED, PAPER, SPREAD
from indievalue.report.tips import PART, accuracy_tip
from indievalue.runs.run import Run
from indievalue.survey.gazetteer import look_up
from indievalue.survey.model import Demographic
from indievalue.survey.survey import Survey

_STEPS = (0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0)
"""Possible widths of a colour class, in points of accuracy."""

_SPECK = 11
"""Radius of the dot for very small countries, in units of the outline, which is about 2,000 wide."""


@dataclass(frozen=True)
class Outline:
    """The shipped outline (see tools/world_outline.py): SVG paths by ISO 3166 code, and dots for small countries."""

    size: tuple[int, int]
    countries: Mapping[int, str]
    specks: Mapping[int, tuple[int, int]]
    unnumbered: str
    attribution: str


@dataclass(frozen=True)
class Country:
    """A country on the map. ``accuracy`` is None if it has too few people."""

    code: int
    name: str
    accuracy: float | None
    tip: str


@dataclass(frozen=True)
class Scale:
    """Seven colour classes of ``step`` points, centred on ``mean``; the first and last are open-ended."""

    mean: float
    step: float

    def colour(self, accuracy: float) -> str:
        place = round((accuracy - self.mean) / self.step)
        middle = len(SPREAD) // 2
        return SPREAD[max(-middle, min(middle, place)) + middle][0]

    def legend(self) -> list[tuple[str, str]]:
        """Return each colour with its range in percent, in ascending order."""
        edges = [self.mean + self.step * (place - len(SPREAD) / 2) for place in range(1, len(SPREAD))]
        between = [f"{low:.1f}–{high:.1f}" for low, high in pairwise(edges)]
        texts = [f"under {edges[0]:.1f}", *between, f"over {edges[-1]:.1f}"]
        return [(colour, text) for (colour, _), text in zip(SPREAD, texts, strict=True)]


def scale_of(mean: float, values: list[float]) -> Scale:
    """Return the scale that makes best use of the colours for ``values``."""
    furthest = max((abs(value - mean) for value in values), default=0.0)
    return Scale(mean, next((step for step in _STEPS if furthest <= step * len(SPREAD) / 2), _STEPS[-1]))


@cache
def read_outline() -> Outline:
    """Read the outline from ``world.json``."""
    content = json.loads((files("indievalue.report") / "world.json").read_text(encoding="utf-8"))
    width, height = content["size"]
    return Outline(
        size=(width, height),
        countries={int(code): path for code, path in content["countries"].items()},
        specks={int(code): (x, y) for code, (x, y) in content["specks"].items()},
        unnumbered=content["unnumbered"],
        attribution=content["attribution"],
    )


def country_demographic(survey: Survey) -> Demographic | None:
    """Return the country demographic, or None if the survey does not use ISO 3166 codes.

    Only with ISO 3166 codes does a demographic look up unlisted codes in the gazetteer.
    """
    return next((item for item in survey.demographics if item.name == survey.country and item.otherwise), None)


def country_codes(demographic: Demographic) -> dict[str, int]:
    """Return ISO 3166 numeric codes by label, for groups listed in ``demographic`` or in the gazetteer."""
    codes = dict(_gazetteer()) if demographic.otherwise == "country" else {}
    for group in demographic.groups:
        codes[group.label] = next(listed[0] for listed in group.codes.values())
    return codes


@cache
def _gazetteer() -> dict[str, int]:
    named = ((look_up(code, "country"), code) for code in read_outline().countries)
    return {name: code for name, code in named if name}


def shapes() -> Markup:
    """Return the SVG definitions shared by all maps of a page: land, countries and hatching."""
    outline = read_outline()
    countries = [f'<path id="world-{code}" d="{path}"/>' for code, path in outline.countries.items()]
    specks = [
        f'<circle id="world-dot-{code}" cx="{x}" cy="{y}" r="{_SPECK}"/>' for code, (x, y) in outline.specks.items()
    ]
    rest = f'<path d="{outline.unnumbered}"/>'
    return Markup(
        f'<svg width="0" height="0" class="shapes" aria-hidden="true" focusable="false"><defs>{_hatch("world-few")}'
        f'{"".join(specks)}<g id="world-land">{"".join(countries)}{rest}</g></defs></svg>'
    )


def map_svg(countries: list[Country], scale: Scale, label: str) -> Markup:
    """Draw the map as an element of a page that contains :func:`shapes`. Marks are described by ``aria-label``."""
    width, height = read_outline().size
    marks = []
    for country in _present(countries):
        fill = "url(#world-few)" if country.accuracy is None else scale.colour(country.accuracy)
        kind = "world-dot" if country.code in read_outline().specks else "world"
        marks.append(
            Markup('<use class="mark" role="img" aria-label="{}" href="#{}-{}" fill="{}"/>').format(
                country.tip, kind, country.code, fill
            )
        )
    return Markup(
        '<svg class="world" role="group" aria-label="{}" viewBox="0 0 {} {}" focusable="false">'
        '<use href="#world-land" fill="{}" stroke="{}" stroke-width="2"/>'
        '<g stroke="{}" stroke-width="1.5" stroke-linejoin="round">{}</g></svg>'
    ).format(label, width, height, LAND, PAPER, INK, Markup("").join(marks))


def map_file(countries: list[Country], scale: Scale, title: str, subtitle: str) -> str:
    """Draw the map as a standalone SVG, with a legend."""
    outline = read_outline()
    width, height = outline.size
    land = f'<path d="{"".join([*outline.countries.values(), outline.unnumbered])}"/>'
    marks = []
    for country in _present(countries):
        fill = "url(#few)" if country.accuracy is None else scale.colour(country.accuracy)
        if country.code in outline.specks:
            x, y = outline.specks[country.code]
            marks.append(f'<circle cx="{x}" cy="{y}" r="{_SPECK}" fill="{fill}"/>')
        else:
            marks.append(f'<path d="{outline.countries[country.code]}" fill="{fill}"/>')
    entries = [(colour, f"{text}%") for colour, text in scale.legend()]
    if any(country.accuracy is None for country in countries):
        entries.append(("url(#few)", "too few people"))
    each = (width - 80) // len(entries)
    legend = "".join(
        f'<g transform="translate({40 + place * each},{height + 190})">'
        f'<rect width="{each - 12}" height="26" fill="{fill}" stroke="{INK}"/>'
        f'<text y="66" font-size="32" fill="{INK}">{escape(text)}</text></g>'
        for place, (fill, text) in enumerate(entries)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width * 0.4:.0f}" height="{(height + 320) * 0.4:.0f}" '
        f'viewBox="0 0 {width} {height + 320}" font-family="{FONT}"><defs>{_hatch("few")}</defs>'
        f'<rect width="100%" height="100%" fill="{PAPER}"/>'
        f'<text x="40" y="60" font-size="40" font-weight="bold" fill="{INK}">{escape(title)}</text>'
        f'<text x="40" y="108" font-size="33" fill="{MUTED}">{escape(subtitle)}</text>'
        f'<g transform="translate(0,130)"><g fill="{LAND}" stroke="{PAPER}" stroke-width="2">{land}</g>'
        f'<g stroke="{INK}" stroke-width="1.5" stroke-linejoin="round">{"".join(marks)}</g></g>{legend}</svg>'
    )


def _present(countries: list[Country]) -> list[Country]:
    """Return the countries on the outline, those drawn as dots last so that they stay visible."""
    outline = read_outline()
    known = [country for country in countries if country.code in outline.countries]
    return sorted(known, key=lambda country: country.code in outline.specks)


def _hatch(name: str) -> str:
    return (
        f'<pattern id="{name}" width="9" height="9" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        f'<rect width="9" height="9" fill="{LAND}"/><rect width="3" height="9" fill="{MUTED}"/></pattern>'
    )


@dataclass(frozen=True)
class WorldMap:
    """The map of one predictor. ``few`` is true if any country has too few people."""

    predictor: str
    scale: Scale
    countries: tuple[Country, ...]

    @property
    def few(self) -> bool:
        return any(country.accuracy is None for country in self.countries)


def world_maps(run: Run) -> list[WorldMap]:
    """Return a map per predictor; none without ISO 3166 codes, or if no country has enough people.

    The minimum number of people is that of :mod:`indievalue.scoring.inequity`.
    """
    demographic = country_demographic(run.survey)
    if demographic is None or run.index is None or demographic.name not in run.people.columns:
        return []
    codes = country_codes(demographic)
    tested = dict(run.people.group_by(demographic.name).len().drop_nulls().sort(demographic.name).iter_rows())
    maps = []
    table = run.index.groups.filter(pl.col("demographic") == demographic.name)
    for (predictor,), rows in table.group_by("predictor", maintain_order=True):
        found = {row["group"]: row for row in rows.sort("value").iter_rows(named=True) if row["group"] in codes}
        countries = [_country(str(predictor), codes[label], label, row) for label, row in found.items()]
        countries += [
            Country(codes[label], label, None, PART.join([label, f"{people} of the people here, too few for a figure"]))
            for label, people in tested.items()
            if label in codes and label not in found
        ]
        if found:
            mean = float(np.average(rows["value"].to_numpy(), weights=rows["probes"].to_numpy()))
            scale = scale_of(mean, [row["value"] for row in found.values()])
            maps.append(WorldMap(str(predictor), scale, tuple(countries)))
    return maps


def _country(predictor: str, code: int, label: str, row: dict[str, Any]) -> Country:
    scored = {"accuracy": row["value"], "accuracy_low": row["low"], "accuracy_high": row["high"]}
    return Country(code, label, row["value"], accuracy_tip(f"{predictor}, {label}", row | scored))
