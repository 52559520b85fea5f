"""Run an experiment on several surveys, and write one table, one figure and one page of all."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill

import polars as pl

from indievalue.experiments.engine import CellInputs, Plan, people_facts, plan, run_cells
from indievalue.experiments.estimate import CellProgress, Estimate, estimate
from indievalue.experiments.folder import Folder, write_json, write_text
from indievalue.experiments.spec import PREDICTOR, Experiment
from indievalue.experiments.survey_measures import SurveyResult, common_demographics
from indievalue.experiments.wording import plan_lines
from indievalue.files import new_file
from indievalue.people.people import People
from indievalue.predictors.protocol import Cost
from indievalue.report.figures.drawing import WIDE, figure_svg, titled_svg
from indievalue.report.figures.files import write_svg
from indievalue.report.figures.surveys import surveys_figure
from indievalue.report.numbers import interval, number, share
from indievalue.report.tables.table import PrintedTable
from indievalue.report.tables_page import Section, TablesPage, picture
from indievalue.report.wording import listed
from indievalue.runs.record import installed_versions
from indievalue.scale.placement import HERE, Placement

LEGEND = (
    "Dots: {centre}, with 95% intervals from resampling people. Accuracy: ticks are the most common answer, grey is "
    "where the best possible predictor is. Inequity: σ without noise over {demographics}; ticks are σ by chance"
)


@dataclass(frozen=True)
class SurveyPart:
    """One survey of the experiment: its people, and the plan of its cells in a folder of its own."""

    name: str
    inputs: CellInputs
    folder: Folder
    planned: Plan


@dataclass(frozen=True)
class Across:
    """An experiment on several surveys, planned."""

    experiment: Experiment
    parts: tuple[SurveyPart, ...]
    path: Path

    @classmethod
    def planned(
        cls,
        experiment: Experiment,
        surveys: Sequence[People],
        inputs_of: Callable[[People], CellInputs],
        path: Path,
        *,
        force: bool,
    ) -> "Across":
        """Plan the cells of each survey. Raises IndievalueError as :func:`indievalue.experiments.engine.plan`."""
        parts = []
        for name, people in zip(names_of(surveys), surveys, strict=True):
            inputs, folder = inputs_of(people), Folder(path / re.sub(r"[^\w .,()=-]+", "-", name))
            parts.append(SurveyPart(name, inputs, folder, plan(experiment, inputs, folder, force=force)))
        return cls(experiment, tuple(parts), path)

    @property
    def centre(self) -> str:
        """The predictor with which settings are varied."""
        return str(self.experiment.around[PREDICTOR])

    @property
    def left(self) -> bool:
        """Whether there are cells to compute."""
        return any(part.planned.left for part in self.parts)

    def demographics(self) -> list[str]:
        """The demographics that can be compared in all surveys."""
        return common_demographics([part.inputs for part in self.parts], self.experiment.minimum)

    def lines(self) -> list[str]:
        """Describe the plan: of each survey, and what is compared in all."""
        lines = []
        for part in self.parts:
            first, *others = plan_lines(part.planned)
            lines += [first] if part is self.parts[0] else []
            lines += [f"{part.name}: {line}" for line in others]
        common = self.demographics()
        return [
            *lines,
            f"Inequity over {listed(common) if common else 'no demographic: the surveys have none in common'}",
        ]

    def expected(self) -> tuple[Estimate, Mapping[str, Cost]]:
        """Return the time that all remaining cells take, and what language models cost."""
        each = [estimate(part.planned, part.inputs) for part in self.parts if part.planned.left]
        unknown = tuple(dict.fromkeys(name for one in each for name in one.unknown))
        costs = {
            f"{name}, {part.name}": cost
            for part in self.parts
            for name, cost in part.inputs.costs(part.planned.left).items()
        }
        return Estimate(sum(one.low for one in each), sum(one.high for one in each), unknown), costs

    def run(self, say: Callable[[str], None], placement: Placement = HERE) -> None:
        """Compute all remaining cells, survey by survey."""
        for part in self.parts:
            if not part.planned.left:
                continue
            say(f"{part.name}:")
            progress = CellProgress(part.planned)
            run_cells(
                part.planned,
                part.inputs,
                part.folder,
                lambda cell, seconds, progress=progress: say(progress.line(cell, seconds)),  # type: ignore[misc]
                say,
                placement,
            )
            part.inputs.release()

    def table(self) -> pl.DataFrame:
        """Return all measures of all surveys."""
        common = self.demographics()
        return pl.concat(
            SurveyResult(part.name, part.planned, part.inputs, part.folder, common).table() for part in self.parts
        )

    def write(self, table: pl.DataFrame, shown: PrintedTable, command: str) -> None:
        """Write ``table.csv``, ``.md`` and ``.tex``, ``run.json``, the figure, ``results.md`` and ``report.html``."""
        with new_file(self.path / "table.csv") as beside:
            table.write_csv(beside)
        write_text(self.path / "table.md", shown.markdown())
        write_text(self.path / "table.tex", shown.latex())
        about = {
            "experiment": self.experiment.name,
            "command": command,
            "surveys": {part.name: people_facts(part.inputs) for part in self.parts},
            "versions": installed_versions(),
        }
        write_json(self.path / "run.json", about)
        legend = LEGEND.format(centre=self.centre, demographics=listed(self.demographics()) or "none")
        title = self.experiment.title
        write_svg(titled_svg(figure_svg(surveys_figure(table, self.centre, WIDE)), title, legend), self.path / "figure")
        write_text(self.path / "results.md", self._markdown(shown, legend, command))
        self._page(table, shown, legend, command).write(self.path / "report.html", force=True)

    def _facts(self) -> list[str]:
        """Say who was tested in each survey, and who was learned from."""
        return [
            f"{part.name} ({part.inputs.people.survey.title}): {len(part.inputs.ids):,} people tested, "
            f"{len(part.inputs.training):,} learned from."
            for part in self.parts
        ]

    def _markdown(self, shown: PrintedTable, legend: str, command: str) -> str:
        title = self.experiment.title
        lines = [
            f"# {title}",
            "",
            fill(self.experiment.asks, 120),
            "",
            f"![{title}](figure.svg)",
            "",
            fill(legend, 120),
        ]
        lines += ["", *(f"- {fact}" for fact in self._facts()), "", "```sh", command, "```", "", shown.markdown()]
        return "\n".join(lines).rstrip() + "\n"

    def _page(self, table: pl.DataFrame, shown: PrintedTable, legend: str, command: str) -> TablesPage:
        drawn = picture(
            lambda width: surveys_figure(table, self.centre, width),
            "surveys",
            self.experiment.title,
            caption=f"{legend}.",
        )
        section = Section("Results", "A column for each survey.", shown, (drawn,) if drawn else ())
        return TablesPage(
            self.experiment.asks,
            self.experiment.title,
            tuple(self._facts()),
            (section,),
            command,
            tuple(("", text) for text in [self.answer(table)] if text),
            all(part.inputs.people.findings.synthetic for part in self.parts),
        )

    def answer(self, table: pl.DataFrame) -> str:
        """State how far the predictor gets in each survey, in a sentence."""
        said = []
        for part in self.parts:
            of_it = table.filter(survey=part.name, of=self.centre)
            accuracy, way = (of_it.filter(measure=kind).to_dicts() for kind in ("accuracy", "way"))
            ends = interval(accuracy[0]["low"], accuracy[0]["high"])
            text = f"{number(accuracy[0]['value'])}% in {part.name} (95% interval {ends}"
            far = f"; {share(way[0]['low'], way[0]['high'])}% of the way to the best possible" if way else ""
            said.append(f"{text}{far})")
        return f"The accuracy of {self.centre} is {listed(said)}."


def names_of(surveys: Sequence[People]) -> list[str]:
    """Return a name for each file: that of its survey, or the file's own where several are of one survey."""
    names = [people.survey.name for people in surveys]
    shown = [
        Path(people.findings.source).name.partition(".")[0] if names.count(name) > 1 else name
        for name, people in zip(names, surveys, strict=True)
    ]
    return [f"{name} ({place})" if shown.count(name) > 1 else name for place, name in enumerate(shown, 1)]
