"""What an experiment says before it starts, and the command that would run it again."""

import shlex
from pathlib import Path

from indievalue.experiments.engine import Plan


def plan_lines(planned: Plan) -> list[str]:
    """What is to be run, in a few lines."""
    experiment = planned.experiment
    probes = [planned.probes[cell] for cell in planned.cells]
    each = f"{min(probes)}" if min(probes) == max(probes) else f"{min(probes)} to {max(probes)}"
    cells = len(planned.cells)
    settings = cells // len(experiment.predictors)
    lines = [
        f"{experiment.name}: {experiment.title}",
        f"{cells} cell{'s' * (cells > 1)}: {_listed(experiment.predictors)}, "
        f"{settings} setting{'s' * (settings > 1)} each; "
        f"{planned.tested:,} people × {each} probes; {planned.training:,} others to learn from",
    ]
    if planned.finished:
        left = len(planned.left)
        lines.append(f"{len(planned.finished)} finished already, {left or 'none'} left")
    return lines


def command_line(
    name: str,
    data: str,
    directory: Path,
    predictors: list[str] | None,
    people: str | None,
    survey: str | None,
    seed: int,
    training: Path | None = None,
) -> str:
    """The command that runs the experiment again; files by their names only, so that it can be passed on."""
    words = ["indievalue", "experiment", name if not name.endswith((".yaml", ".yml")) else Path(name).name]
    words.append(Path(data).name if Path(data).exists() else data)
    words += [word for predictor in predictors or [] for word in ("--predictor", predictor)]
    words += ["--training", training.name] if training else []
    words += ["--people", people] if people else []
    words += ["--survey", Path(survey).name if Path(survey).exists() else survey] if survey else []
    words += ["--seed", str(seed)] if seed else []
    return shlex.join([*words, "--out", directory.name])


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) if len(names) <= 6 else f"{', '.join(names[:5])} and {len(names) - 5} more"
