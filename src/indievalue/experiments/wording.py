"""Messages before an experiment starts, and the command to reproduce it."""

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from indievalue.experiments.engine import CellInputs, Plan, compared_demographics
from indievalue.experiments.spec import PREDICTOR, DistributionsFigure, GroupsFigure, InequityFigure
from indievalue.people.catalog import people_table
from indievalue.redact import without_secrets
from indievalue.scoring.groups import check_demographics, group_people


def plan_lines(planned: Plan) -> list[str]:
    """Describe the plan in a few lines."""
    experiment = planned.experiment
    probes = [planned.probes[cell] for cell in planned.cells]
    each = f"{min(probes)}" if min(probes) == max(probes) else f"{min(probes)} to {max(probes)}"
    cells = len(planned.cells)
    settings = max(Counter(cell.predictor for cell in planned.cells).values())
    how = f"{'up to ' * bool(planned.left_out)}{settings} setting{'s' * (settings > 1)} each"
    if experiment.around:
        how = f"and other settings of {experiment.around[PREDICTOR]}"
    lines = [
        f"{experiment.name}: {experiment.title}",
        f"{cells} cell{'s' * (cells > 1)}: {_listed(experiment.predictors)}, {how}; "
        f"{planned.tested:,} people × {each} probes; {planned.training:,} others to learn from",
    ]
    lines += left_out_lines(planned)
    if planned.finished:
        left = len(planned.left)
        lines.append(f"{len(planned.finished)} finished already, {left or 'none'} left")
    return lines


def left_out_lines(planned: Plan) -> list[str]:
    """Say how many cells are left out, and why."""
    return [
        f"{count} cell{' is' if count == 1 else 's are'} left out: {reason.partition(': ')[0]}."
        for reason, count in planned.left_out.items()
    ]


def group_lines(planned: Plan, inputs: CellInputs) -> list[str]:
    """Return a warning if the experiment compares groups, but too few people are tested for two of them.

    Raises IndievalueError if the people lack a demographic to compare.
    """
    experiment = planned.experiment
    if not isinstance(experiment.figure, InequityFigure | GroupsFigure | DistributionsFigure):
        return []
    tested, minimum = people_table(inputs.tested), experiment.minimum
    demographics = check_demographics(tested, compared_demographics(experiment, inputs))
    if any(len(group_people(tested, columns, minimum).labels) > 1 for columns in demographics):
        return []
    return [
        f"Warning: no demographic has two groups of at least {minimum} of the {planned.tested:,} people tested, so "
        "there is nothing to compare: test more people, or allow smaller groups with a lower `minimum`"
    ]


def command_line(name: str, data: Sequence[str], directory: Path, options: Mapping[str, object]) -> str:
    """Return the command that reproduces the experiment, with file names instead of full paths.

    ``options`` maps flags such as ``--people`` to values; values that are None, False or empty are left out.
    """
    words = ["indievalue", "experiment", name if not name.endswith((".yaml", ".yml")) else Path(name).name]
    words += [Path(file).name if Path(file).exists() else file for file in data]
    for flag, value in options.items():
        for one in value if isinstance(value, list | tuple) else [value]:
            if one is True:
                words.append(flag)
            elif one not in (None, False, ""):
                words += [flag, Path(str(one)).name if Path(str(one)).exists() else str(without_secrets(str(one)))]
    return shlex.join([*words, "--out", directory.name])


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) if len(names) <= 6 else f"{', '.join(names[:5])} and {len(names) - 5} more"
