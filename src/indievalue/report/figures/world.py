"""The world map of accuracy: one colour a country, by how far it is from the predictor's mean.

Maps are written as SVG here, not drawn by Altair: all maps of a page refer to one copy of the outline, whereas every
chart of Vega's would hold its own, and the dots of countries too small to see have no counterpart in its maps.
"""

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
"""Points of accuracy that one colour may span."""

_SPECK = 11
"""Radius of the dot of a country too small to see, in units of the outline, of which there are about 2,000 across."""


@dataclass(frozen=True)
class Outline:
    """The shipped outline (see tools/world_outline.py): an SVG path by ISO 3166 numeric code, and dots of the small."""

    size: tuple[int, int]
    countries: Mapping[int, str]
    specks: Mapping[int, tuple[int, int]]
    unnumbered: str
    attribution: str


@dataclass(frozen=True)
class Country:
    """A country on the map. ``accuracy`` is None where it has too few people for a figure of its own."""

    code: int
    name: str
    accuracy: float | None
    tip: str


@dataclass(frozen=True)
class Scale:
    """Seven colours of ``step`` points each, the middle one around ``mean``; the first and last take all the rest."""

    mean: float
    step: float

    def colour(self, accuracy: float) -> str:
        place = round((accuracy - self.mean) / self.step)
        middle = len(SPREAD) // 2
        return SPREAD[max(-middle, min(middle, place)) + middle][0]

    def legend(self) -> list[tuple[str, str]]:
        """Each colour and what it stands for, in percent, the least first."""
        edges = [self.mean + self.step * (place - len(SPREAD) / 2) for place in range(1, len(SPREAD))]
        between = [f"{low:.1f}–{high:.1f}" for low, high in pairwise(edges)]
        texts = [f"under {edges[0]:.1f}", *between, f"over {edges[-1]:.1f}"]
        return [(colour, text) for (colour, _), text in zip(SPREAD, texts, strict=True)]


def scale_of(mean: float, values: list[float]) -> Scale:
    """The scale whose colours the ``values`` use best."""
    furthest = max((abs(value - mean) for value in values), default=0.0)
    return Scale(mean, next((step for step in _STEPS if furthest <= step * len(SPREAD) / 2), _STEPS[-1]))


@cache
def read_outline() -> Outline:
    """The outline in ``world.json``."""
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
    """The demographic that says in which country people live; None where the survey's codes are not those of ISO 3166.

    Only such a demographic leaves codes that it does not list to the gazetteer.
    """
    return next((item for item in survey.demographics if item.name == survey.country and item.otherwise), None)


def country_codes(demographic: Demographic) -> dict[str, int]:
    """ISO 3166 numeric code by label, of the groups that ``demographic`` lists and of those the gazetteer names."""
    codes = dict(_gazetteer()) if demographic.otherwise == "country" else {}
    for group in demographic.groups:
        codes[group.label] = next(listed[0] for listed in group.codes.values())
    return codes


@cache
def _gazetteer() -> dict[str, int]:
    named = ((look_up(code, "country"), code) for code in read_outline().countries)
    return {name: code for name, code in named if name}


def shapes() -> Markup:
    """What the maps of a page refer to, once for all of them: the land, every country, the hatching."""
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
    """The map as an element of a page that has :func:`shapes`. Marks say in ``aria-label`` what they stand for."""
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


def map_file(countries: list[Country], scale: Scale) -> str:
    """The map as SVG that needs no :func:`shapes`, with its legend."""
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
        f'<g transform="translate({40 + place * each},{height + 60})">'
        f'<rect width="{each - 12}" height="26" fill="{fill}" stroke="{INK}"/>'
        f'<text y="66" font-size="32" fill="{INK}">{escape(text)}</text></g>'
        for place, (fill, text) in enumerate(entries)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width * 0.4:.0f}" height="{(height + 170) * 0.4:.0f}" '
        f'viewBox="0 0 {width} {height + 170}" font-family="{FONT}"><defs>{_hatch("few")}</defs>'
        f'<rect width="100%" height="100%" fill="{PAPER}"/>'
        f'<g fill="{LAND}" stroke="{PAPER}" stroke-width="2">{land}</g>'
        f'<g stroke="{INK}" stroke-width="1.5" stroke-linejoin="round">{"".join(marks)}</g>{legend}</svg>'
    )


def _present(countries: list[Country]) -> list[Country]:
    """Those on the outline, those with dots last so that nothing covers them."""
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
    """The map of one predictor. ``few`` says whether a country has too few people for a figure of its own."""

    predictor: str
    scale: Scale
    countries: tuple[Country, ...]

    @property
    def few(self) -> bool:
        return any(country.accuracy is None for country in self.countries)


def world_maps(run: Run) -> list[WorldMap]:
    """A map for every predictor; none where the survey's countries are not those of ISO 3166 or no country has enough.

    Which countries have enough people :mod:`indievalue.scoring.inequity` decides.
    """
    demographic = country_demographic(run.survey)
    if demographic is None or run.index is None or demographic.name not in run.people.columns:
        return []
    table = run.index.groups.filter(pl.col("demographic") == demographic.name)
    maps = (
        world_map(str(predictor), demographic, rows, run.people)
        for (predictor,), rows in table.group_by("predictor", maintain_order=True)
    )
    return [drawn for drawn in maps if drawn]


def world_map(predictor: str, demographic: Demographic, groups: pl.DataFrame, people: pl.DataFrame) -> WorldMap | None:
    """The map of a predictor's accuracy in ``groups`` of a :func:`country_demographic`; None if none is a country.

    Countries of ``people`` that are not among the groups have too few people for a figure of their own.
    """
    codes = country_codes(demographic)
    found = {row["group"]: row for row in groups.sort("value").iter_rows(named=True) if row["group"] in codes}
    if not found:
        return None
    countries = [_country(predictor, codes[label], label, row) for label, row in found.items()]
    tested = people[demographic.name].drop_nulls().unique().sort()
    countries += [
        Country(codes[label], label, None, PART.join([label, "too few people here for a figure"]))
        for label in tested
        if label in codes and label not in found
    ]
    mean = float(np.average(groups["value"].to_numpy(), weights=groups["probes"].to_numpy()))
    return WorldMap(predictor, scale_of(mean, [row["value"] for row in found.values()]), tuple(countries))


def _country(predictor: str, code: int, label: str, row: dict[str, Any]) -> Country:
    scored = {"accuracy": row["value"], "accuracy_low": row["low"], "accuracy_high": row["high"]}
    return Country(code, label, row["value"], accuracy_tip(f"{predictor}, {label}", row | scored))
