"""Publication-ready figure files: SVG, PNG and PDF, with the data as CSV."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl
import vl_convert

from indievalue.files import new_file
from indievalue.report.figures.curves import curve_figure, curves
from indievalue.report.figures.drawing import figure_svg, titled_svg
from indievalue.report.figures.forest import forest_rows, forest_svg, forests
from indievalue.report.figures.inequity import inequity_figure
from indievalue.report.figures.inline import run_svg
from indievalue.report.figures.lettering import printable
from indievalue.report.figures.of_runs import accuracy_figure, category_figure, people_figure, reliability_figure
from indievalue.report.figures.styles import PredictorStyle, predictor_styles
from indievalue.report.figures.world import map_file, world_maps
from indievalue.report.wording import called, slug
from indievalue.runs.names import run_names
from indievalue.runs.run import Run

PNG_SCALE = 2
"""Resolution of PNG files, in pixels per pixel of the figure."""


@dataclass(frozen=True)
class Exported:
    """A figure to write: its file name, its SVG, and its data."""

    name: str
    svg: str
    data: pl.DataFrame


def write_figures(runs: Sequence[Run], directory: str | Path) -> list[Path]:
    """Write all figures of all runs as SVG, PNG (at twice the size) and PDF, with their data as CSV; return the paths.

    File names consist of the figure and the run: ``accuracy-by-category-refined.svg``. Raises IndievalueError if
    ``directory`` cannot be written.
    """
    styles = predictor_styles(name for run in runs for name in run.scores)
    figures = [*_curves(runs, styles)]
    for run, name in zip(runs, run_names(runs), strict=True):
        figures += _figures(run, styles, called(name), slug(name))
    return [path for figure in figures for path in _write(figure, Path(directory))]


def write_svg(svg: str, path: Path) -> list[Path]:
    """Write a figure to ``path`` as .svg, .png (at twice the size) and .pdf; return the paths."""
    svg = printable(svg)
    contents = {
        ".svg": svg.encode(),
        ".png": vl_convert.svg_to_png(svg, scale=PNG_SCALE),
        ".pdf": vl_convert.svg_to_pdf(svg),
    }
    return [_written(path.with_name(path.name + ending), content) for ending, content in contents.items()]


def _write(figure: Exported, directory: Path) -> list[Path]:
    path = directory / figure.name
    data = _written(path.with_name(f"{figure.name}.csv"), figure.data.write_csv().encode())
    return [*write_svg(figure.svg, path), data]


def _written(path: Path, content: bytes) -> Path:
    with new_file(path) as beside:
        beside.write_bytes(content)
    return path


def _figures(run: Run, styles: Mapping[str, PredictorStyle], title: str, ending: str) -> Iterator[Exported]:
    scores = pl.DataFrame([{"predictor": name, **score.as_dict()} for name, score in run.scores.items()])
    svg = titled_svg(run_svg(accuracy_figure, run, styles), "Accuracy by predictor", title)
    yield Exported(f"accuracy-{ending}", svg, scores)
    svg = titled_svg(run_svg(category_figure, run, styles), "Accuracy by category of question", title)
    yield Exported(f"accuracy-by-category-{ending}", svg, run.by_category)
    svg = titled_svg(run_svg(people_figure, run, styles), "How accuracy is spread over people", title)
    yield Exported(f"accuracy-over-people-{ending}", svg, _people_bands(run))
    if not run.reliability.is_empty():
        svg = titled_svg(run_svg(reliability_figure, run, styles), "Can its probabilities be trusted?", title)
        yield Exported(f"reliability-{ending}", svg, run.reliability)
    plots = forests(run)
    if run.index is not None and plots:
        svg = titled_svg(run_svg(inequity_figure, run, styles), "How far accuracy differs between groups", title)
        yield Exported(f"inequity-{ending}", svg, run.index.table)
    for forest in plots:
        svg = forest_svg(forest, styles)
        svg = titled_svg(svg, f"Accuracy by {forest.title}", f"{title}; shaded: what chance allows a group")
        yield Exported(f"groups-{slug([forest.demographic])}-{ending}", svg, pl.DataFrame(forest_rows(forest)))
    for world in world_maps(run):
        svg = map_file(list(world.countries), world.scale)
        svg = titled_svg(svg, f"Accuracy of {world.predictor} by country", title)
        data = pl.DataFrame([{"predictor": world.predictor, **asdict(country)} for country in world.countries])
        yield Exported(f"world-{slug([world.predictor])}-{ending}", svg, data.drop("tip"))


def _curves(runs: Sequence[Run], styles: Mapping[str, PredictorStyle]) -> Iterator[Exported]:
    found = curves(runs)
    for number, curve in enumerate(found, 1):
        svg = titled_svg(figure_svg(curve_figure(curve, styles)), "Accuracy by number of demonstrations", curve.title)
        ending = slug([curve.title]) + (f"-{number}" if len(found) > 1 else "")
        yield Exported(f"demonstrations-{ending}", svg, pl.DataFrame(curve.rows()))


def _people_bands(run: Run) -> pl.DataFrame:
    """Return the number of people per predictor and accuracy, without identifying anybody."""
    return (
        run.by_person.group_by("predictor", "accuracy", maintain_order=True)
        .agg(pl.len().alias("people"))
        .sort("predictor", "accuracy")
    )
