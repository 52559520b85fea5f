"""Measure memory and time of work on more people than fit memory: reading, the catalog, and predictors that learn.

Synthetic people are written as parts of parquet, one part at a time, and each step runs in a process of its own, whose
peak memory and CPU seconds (user and system, on all cores) are measured. Results go to a CSV file, one row a step and
number of people; rows that are in it already are kept, so that a stopped run goes on. Data are deleted afterwards.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import altair as alt
import polars as pl

from indievalue.report.figures.drawing import CONFIG
from indievalue.report.figures.styles import PALETTE

PART = 50_000
"""People in a part."""

STEPS = ("data", "catalog", "majority", "gaussian", "evaluate")

NAMES = {"gaussian": "gaussian, fit", "catalog": "catalog", "majority": "majority, fit"}
"""Steps in the figure, and what they are called there."""

COLUMNS = {"step": pl.String, "people": pl.Int64, "cpu_seconds": pl.Float64, "seconds": pl.Float64, "memory": pl.Int64}


def write_parts(folder: Path, people: int) -> None:
    """Write synthetic people as parts, who differ by their seeds, with ids that go on from part to part."""
    from indievalue.survey.load import load_survey
    from indievalue.synthetic.generate import draw, load_twin

    twin, survey = load_twin("wvs7")[0], load_survey("wvs7")
    folder.mkdir()
    for number, start in enumerate(range(0, people, PART)):
        size = min(PART, people - start)
        ids = [f"synthetic-{person:08d}" for person in range(start + 1, start + size + 1)]
        table = draw(twin, survey, size, number).with_columns(pl.Series(survey.person[0], ids))
        table.write_parquet(folder / f"part-{number:05d}.parquet")


def work(step: str, data: Path, people: int) -> None:
    """Do one step, in this process."""
    from indievalue.people.blocks import PeopleBlocks
    from indievalue.predictors.gaussian import Gaussian
    from indievalue.predictors.majority import Majority

    if step == "data":
        write_parts(data, people)
    elif step == "majority":
        Majority().fit_blocks(PeopleBlocks([data], "wvs7"))
    elif step == "gaussian":
        Gaussian().fit_blocks(PeopleBlocks([data], "wvs7"))
    else:
        _command(step, data)


def _command(step: str, data: Path) -> None:
    from indievalue.cli import main

    out = data.parent / step
    options = ["--predictor", "majority", "--predictor", "gaussian"] if step == "evaluate" else []
    sys.argv = ["indievalue", step, str(data), "--survey", "wvs7", "--in-memory", "1000", "--out", str(out), *options]
    try:
        main()
    finally:
        shutil.rmtree(out, ignore_errors=True)


def measured(step: str, data: Path, people: int) -> dict[str, object]:
    """Run a step in a new process, and return its peak memory in MB and the seconds that it took."""
    start = time.perf_counter()
    words = [sys.executable, __file__, "--step", step, "--data", str(data), "--people", str(people)]
    child = subprocess.Popen(words)
    _, status, used = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"{step} of {people:,} people failed")
    row = {
        "step": step,
        "people": people,
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
        "seconds": round(time.perf_counter() - start, 1),
        "memory": used.ru_maxrss // 1024,
    }
    print(row, flush=True)
    return row


def figure(rows: pl.DataFrame) -> alt.HConcatChart:
    """Draw CPU seconds and peak memory over the number of people, a line a step."""
    shown = rows.filter(pl.col("step").is_in(list(NAMES))).with_columns(
        step=pl.col("step").replace_strict(NAMES), millions=pl.col("people") / 1e6, gigabytes=pl.col("memory") / 1000
    )
    last = shown.filter(pl.col("people") == pl.col("people").max())
    colour = alt.Color(
        "step:N",
        scale=alt.Scale(domain=list(NAMES.values()), range=[light for light, _ in PALETTE[: len(NAMES)]]),
        legend=alt.Legend(title=None, symbolType="circle", symbolOpacity=1),
        sort=list(NAMES.values()),
    )
    values = sorted(shown["millions"].unique())

    def panel(column: str, title: str, digits: str) -> alt.LayerChart:
        x = alt.X(
            "millions:Q",
            title="million people",
            axis=alt.Axis(values=values, format="~g"),
            scale=alt.Scale(domainMin=0),
        )
        y = alt.Y(f"{column}:Q", title=None, scale=alt.Scale(domainMin=0), axis=alt.Axis(grid=True, tickCount=5))
        lines = alt.Chart(shown).mark_line(point={"filled": True, "size": 60}).encode(x, y, colour)
        ends = (
            alt.Chart(last)
            .mark_text(align="left", dx=8)
            .encode(x, y, colour, text=alt.Text(f"{column}:Q", format=digits))
        )
        title_of = alt.Title(title, anchor="start")
        return alt.layer(lines, ends).properties(width=270, height=210, title=title_of)

    panels = (panel("cpu_seconds", "CPU seconds", ",.0f"), panel("gigabytes", "Peak memory, GB", ".2f"))
    return alt.hconcat(*panels, spacing=50).configure(**CONFIG)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, nargs="+", default=[300_000, 1_000_000, 3_000_000], help="how many")
    parser.add_argument("--out", type=Path, default=Path("ten_million.csv"), help="CSV file with the results")
    parser.add_argument("--folder", type=Path, help="folder for the data, about 100 MB for a million people")
    parser.add_argument("--step", choices=STEPS, help="do only this step, in this process, on --data")
    parser.add_argument("--data", type=Path, help="folder with the parts, for --step")
    parser.add_argument("--figure", type=Path, help="draw the results in --out into this SVG or PNG file, and stop")
    given = parser.parse_args()
    if given.figure:
        figure(pl.read_csv(given.out, schema=COLUMNS)).save(given.figure)
        return
    if given.step:
        work(given.step, given.data, given.people[0])
        return
    rows = pl.read_csv(given.out, schema=COLUMNS) if given.out.exists() else pl.DataFrame(schema=COLUMNS)
    for people in given.people:
        left = [step for step in STEPS if rows.filter(step=step, people=people).is_empty()]
        if not left:
            continue
        with tempfile.TemporaryDirectory(dir=given.folder) as folder:
            for step in dict.fromkeys(["data", *left]):
                row = pl.DataFrame([measured(step, Path(folder) / "people", people)], schema=COLUMNS)
                rows = pl.concat([rows.filter(~((pl.col("step") == step) & (pl.col("people") == people))), row])
                rows.write_csv(given.out)


if __name__ == "__main__":
    main()
