"""Make the world outline used in reports.

    python tools/world_outline.py countries-50m.json

The input is the TopoJSON of Natural Earth's countries at 1:50 million (public domain), as the npm package world-atlas
redistributes it: `npm pack world-atlas && tar xzf world-atlas-*.tgz` leaves it in `package/`. Borders are simplified
arc by arc, so that neighbours keep a common border, and use the Equal Earth projection (Šavrič, Patterson & Jenny
2018), which preserves areas.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

OUT = Path(__file__).resolve().parents[1] / "src" / "indievalue" / "report" / "world.json"
WIDTH = 2000
TOLERANCE = 0.9
"""Maximum displacement of a simplified border, in units of WIDTH."""

SPECK = 60.0
"""Area in square units below which countries are also marked by a dot, to be visible."""

CRUMB = 4.0
"""Area below which islands are left out, unless they are the largest part of a country."""

ANTARCTICA = "010"
_A = (1.340264, -0.081106, 0.000893, 0.003796)

Points = NDArray[np.float64]


def main() -> None:
    """Write the outline into the package."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", metavar="countries-50m.json", type=Path, help="TopoJSON of the countries")
    world = json.loads(parser.parse_args().source.read_text(encoding="utf-8"))
    arcs = [_thinned(_degrees(arc, world["transform"])) for arc in world["arcs"]]
    countries = [item for item in world["objects"]["countries"]["geometries"] if item.get("id") != ANTARCTICA]
    rings = {number: list(_rings(item, arcs)) for number, item in enumerate(countries)}
    every = np.concatenate([ring for own in rings.values() for ring in own])
    low, high = every.min(axis=0), every.max(axis=0)
    paths: dict[str, str] = {}
    specks: dict[str, list[int]] = {}
    rest = []
    for number, item in enumerate(countries):
        own = [np.stack([ring[:, 0] - low[0], high[1] - ring[:, 1]], axis=1) for ring in rings[number]]
        largest = max(own, key=_area)
        path = "".join(_path(ring) for ring in own if ring is largest or _area(ring) >= CRUMB)
        if "id" not in item:
            rest.append(path)
            continue
        code = str(int(item["id"]))
        paths[code] = paths.get(code, "") + path
        if sum(map(_area, own)) < SPECK:
            specks[code] = [round(float(value)) for value in largest.mean(axis=0)]
    size = np.ceil(high - low).astype(int).tolist()
    content = {
        "attribution": "Made with Natural Earth (public domain).",
        "size": size,
        "countries": paths,
        "specks": specks,
        "unnumbered": "".join(rest),
    }
    OUT.write_text(json.dumps(content, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{OUT.name}: {len(paths)} countries, {len(specks)} specks, {OUT.stat().st_size / 1000:.0f} kB, {size}")


def _degrees(arc: list[list[int]], transform: dict[str, list[float]]) -> Points:
    """Return longitudes and latitudes (points × 2) of a delta-encoded arc; longitudes can exceed 180."""
    degrees = np.cumsum(np.array(arc, float), axis=0) * transform["scale"] + transform["translate"]
    return np.asarray(np.stack([np.unwrap(degrees[:, 0], period=360), degrees[:, 1]], axis=1))


def _projected(degrees: Points) -> Points:
    longitude, latitude = np.radians(degrees).T
    theta = np.arcsin(np.sqrt(3) / 2 * np.sin(latitude))
    a1, a2, a3, a4 = _A
    slope = 9 * a4 * theta**8 + 7 * a3 * theta**6 + 3 * a2 * theta**2 + a1
    x = 2 * np.sqrt(3) * longitude * np.cos(theta) / (3 * slope)
    y = a4 * theta**9 + a3 * theta**7 + a2 * theta**3 + a1 * theta
    return np.asarray(np.stack([x, y], axis=1) * (WIDTH / (2 * 2.7066)))


def _thinned(degrees: Points) -> Points:
    """Simplify an arc with the algorithm of Douglas & Peucker (1973), to within TOLERANCE on the map."""
    points = _projected(degrees)
    keep = np.zeros(len(points), bool)
    keep[[0, -1]] = True
    spans = [(0, len(points) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        inner, chord = points[first + 1 : last] - points[first], points[last] - points[first]
        length = np.hypot(*chord)
        across = chord[0] * inner[:, 1] - chord[1] * inner[:, 0]
        away = np.abs(across) / length if length > 0 else np.hypot(*inner.T)
        furthest = int(away.argmax())
        if away[furthest] > TOLERANCE:
            middle = first + 1 + furthest
            keep[middle] = True
            spans += [(first, middle), (middle, last)]
    return degrees[keep]


def _rings(item: dict[str, Any], arcs: list[Points]) -> Iterator[Points]:
    polygons = {"Polygon": [item["arcs"]], "MultiPolygon": item["arcs"]}[item["type"]]
    for polygon in polygons:
        for ring in polygon:
            parts = [arcs[place] if place >= 0 else arcs[~place][::-1] for place in ring]
            degrees = np.concatenate([part[:-1] for part in parts])
            degrees[:, 0] = np.unwrap(degrees[:, 0], period=360)
            for turn in (-360, 0, 360):
                piece = _clipped(_clipped(degrees + np.array([turn, 0]), 180, -1), -180, 1)
                if len(piece):
                    yield _projected(piece)


def _clipped(ring: Points, meridian: float, side: int) -> Points:
    """Clip a ring to the east (``side`` 1) or west (-1) of a meridian (Sutherland & Hodgman 1974)."""
    kept: list[Points] = []
    for here, there in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        inside, next_inside = side * (here[0] - meridian) >= 0, side * (there[0] - meridian) >= 0
        if inside:
            kept.append(here)
        if inside != next_inside:
            kept.append(here + (there - here) * (meridian - here[0]) / (there[0] - here[0]))
    return np.array(kept).reshape(-1, 2)


def _area(ring: Points) -> float:
    x, y = ring.T
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2


def _path(ring: Points) -> str:
    """Return an SVG path in whole units, with relative steps."""
    places = np.round(ring).astype(int)
    places = places[np.r_[True, (np.diff(places, axis=0) != 0).any(axis=1)]]
    if len(places) < 3:
        x, y = places[0]
        return f"M{x} {y}h1v1h-1z"
    steps = "".join(f"{x} {y}" if not n or x < 0 else f" {x} {y}" for n, (x, y) in enumerate(np.diff(places, axis=0)))
    return f"M{places[0][0]} {places[0][1]}l{steps.replace(' -', '-')}z"


if __name__ == "__main__":
    main()
