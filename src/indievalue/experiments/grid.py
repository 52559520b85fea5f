"""The cells of an experiment: all combinations of predictors and grid values, or a fraction of them."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from indievalue.benchmark.model import Settings
from indievalue.errors import IndievalueError, problems_of
from indievalue.experiments.design import fraction
from indievalue.experiments.spec import (
    EACH,
    EVERYTHING,
    NOTHING,
    OPTION,
    PREDICTOR,
    REPEAT,
    CellComparison,
    CellSettings,
    Experiment,
)
from indievalue.report.described import described, value_words
from indievalue.survey.survey import Survey


@dataclass(frozen=True, eq=False)
class Cell:
    """One run of the grid.

    Attributes:
        axes: the values that distinguish it from other cells, including the predictor. asked: all of its settings.
    """

    predictor: str
    axes: Mapping[str, object]
    asked: CellSettings
    seed: int

    @property
    def name(self) -> str:
        """The folder name: a readable part, then six hexadecimal digits that make it unique."""
        identity = json.dumps(dict(self.axes), sort_keys=True, ensure_ascii=False)
        axes = [axis for axis in CellSettings.model_fields if axis in self.axes]  # in any order in the grid
        words = [self.predictor, *(f"{axis}-{self.axes[axis]}" for axis in axes)]
        readable = re.sub(r"[^a-z0-9.=-]+", "-", "--".join(words).lower()).strip("-.")[:90]
        return f"{readable}-{hashlib.blake2b(identity.encode(), digest_size=3).hexdigest()}"

    @property
    def label(self) -> str:
        """The cell in words, for progress messages: ``gaussian, 50 statements, with demographics``."""
        return described(self.axes)

    @property
    def settings(self) -> Settings:
        """The benchmark settings, which do not include ``demonstrations_about``."""
        asked = self.asked
        shown = None if asked.demonstrations_as == "same" else asked.demonstrations_as
        number = None if asked.demonstrations == "all" else asked.demonstrations
        chosen = asked.show != "random" and number
        return Settings(
            form=asked.form,
            protocol=asked.protocol,
            setups=asked.setups,
            demonstrations=0 if asked.demonstrations_about == NOTHING else number,
            demonstrations_as=shown,
            demonstrations_from=asked.demonstrations_from,
            context=asked.context,
            seed=self.seed,
            show=f"{asked.show}:{number}" if chosen else "random",
            show_order=asked.show_order,
        )


def cells(experiment: Experiment, survey: Survey, seed: int) -> list[Cell]:
    """Return all cells, by predictor and in the order of the grid; those that are repeated come last.

    Raises IndievalueError for an invalid value of a setting, an unknown category, or values of ``around`` that are not
    in the grid.
    """
    grid = expanded(experiment.grid, survey)
    _check_around(experiment, grid)
    combinations = fraction(grid, experiment.most_cells)
    made = []
    for predictor in experiment.predictors:
        repeated = [{**combinations[0], REPEAT: number} for number in range(1, experiment.repeats)]
        for combination in [*combinations, *repeated]:
            if _differing(experiment, {PREDICTOR: predictor, **combination}) > 1:
                continue
            asked = _asked(experiment, combination, survey)
            made.append(Cell(predictor, {PREDICTOR: predictor, **combination}, asked, seed))
    return made


def _differing(experiment: Experiment, axes: Mapping[str, object]) -> int:
    """Return on how many axes a cell differs from the values of ``around``."""
    return sum(value_words(axes[axis]) != value_words(value) for axis, value in experiment.around.items())


def _check_around(experiment: Experiment, grid: Mapping[str, Sequence[object]]) -> None:
    for axis, value in experiment.around.items():
        values = [value_words(one) for one in {**grid, PREDICTOR: experiment.predictors}[axis]]
        if value_words(value) not in values:
            raise IndievalueError(
                f"experiment {experiment.name} varies its settings around {axis} {value_words(value)}, which is not "
                f"among {', '.join(values)}: add it, or change `around` in a copy of the experiment"
            )


def expanded(grid: Mapping[str, Sequence[object]], survey: Survey) -> dict[str, tuple[object, ...]]:
    """Return the grid with ``each`` expanded to all categories, and without duplicates."""
    everything = (NOTHING, *survey.categories, EVERYTHING)
    return {
        axis: tuple(dict.fromkeys(one for value in values for one in (everything if value == EACH else (value,))))
        for axis, values in grid.items()
    }


def _asked(experiment: Experiment, combination: Mapping[str, object], survey: Survey) -> CellSettings:
    try:
        asked = CellSettings.model_validate({**experiment.settings, **combination})
    except ValidationError as error:
        first = error.errors()[0]
        if not first["loc"]:
            raise IndievalueError(f"experiment {experiment.name}: {problems_of(error)[0]}") from None
        setting, value = first["loc"][0], first["input"]
        raise IndievalueError(f"experiment {experiment.name}: {setting} cannot be {value!r}: {first['msg']}") from None
    known = (EVERYTHING, NOTHING, *survey.categories)
    if asked.demonstrations_about not in known:
        raise IndievalueError(
            f"experiment {experiment.name}: demonstrations_about cannot be {asked.demonstrations_about!r}; "
            f"survey {survey.name} has {'; '.join(known)}; `{EACH}` stands for all of these"
        )
    return asked


def option_of(predictor: str) -> float | None:
    """Return the number in a predictor's name (35 in ``resemble:k=35``), or None."""
    number = re.search(r"=(\d+(?:\.\d+)?)$", predictor)
    return float(number[1]) if number else None


def axis_value(cell: Cell, axis: str) -> object:
    """Return a cell's value on an axis: a grid value, the predictor, or the number in the predictor's name."""
    if axis == OPTION:
        return option_of(cell.predictor)
    return cell.axes[axis] if axis in cell.axes else getattr(cell.asked, axis)


def matching(of: Iterable[Cell], axes: Mapping[str, object]) -> list[Cell]:
    """Return the cells that have all of these values."""
    wanted = {axis: value_words(value) for axis, value in axes.items()}
    return [cell for cell in of if all(value_words(axis_value(cell, axis)) == value for axis, value in wanted.items())]


def partner_of(cell: Cell, of: Iterable[Cell], axes: Mapping[str, object]) -> Cell | None:
    """Return the cell that has the values ``axes`` and otherwise equals ``cell``, or None."""
    same = {axis: value for axis, value in cell.axes.items() if axis not in axes}
    return next(iter(matching(of, {**same, **axes})), None)


def _shows_otherwise(comparison: CellComparison, of: Iterable[Cell]) -> bool:
    """Return whether a comparison names a way to ``show`` that no cell has."""
    named = {side["show"] for side in (comparison.before, comparison.after) if "show" in side}
    return bool(named - {cell.asked.show for cell in of})


def without_absent_pairs(experiment: Experiment, of: Sequence[Cell]) -> Experiment:
    """Return the experiment without the comparisons that match no pair of these cells."""
    kept = [one for one in experiment.compare if _pairs(one, of)]
    return experiment.model_copy(update={"compare": tuple(kept)})


def _pairs(comparison: CellComparison, of: Sequence[Cell]) -> list[tuple[Cell, Cell, tuple[str, ...]]]:
    return [
        (before, after, tuple(comparison.before))
        for after in matching(of, comparison.after)
        if (before := partner_of(after, of, comparison.before)) is not None and before is not after
    ]


def compared_pairs(experiment: Experiment, of: Sequence[Cell]) -> list[tuple[Cell, Cell, tuple[str, ...]]]:
    """Return (cell before, cell after, axes in which they differ) for each comparison in ``compare``.

    Comparisons of predictors that are not run, and of ways to ``show`` that are not in the grid, are skipped. Raises
    IndievalueError if any other comparison, or the figure's ``above``, matches no pair of cells.
    """
    found = []
    for comparison in experiment.compare:
        fitting = _pairs(comparison, of)
        if not fitting and PREDICTOR not in comparison.before and not _shows_otherwise(comparison, of):
            raise IndievalueError(
                f"experiment {experiment.name} compares {described(comparison.before)} with "
                f"{described(comparison.after)}, but no two cells of its grid differ in only that"
            )
        found += fitting
    above = getattr(experiment.figure, "above", None)
    if above and any(partner_of(cell, of, above) is None for cell in of):
        raise IndievalueError(
            f"experiment {experiment.name}: the figure shows the gain over {described(above)}, which is not in the grid"
        )
    return found
