"""Names that distinguish several runs, or their folders."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from indievalue.runs.run import Run


def run_names(runs: Sequence[Run]) -> list[tuple[str, ...]]:
    """Return a distinguishing name for each run: its form, then the settings in which runs of that form differ.

    ``[("polar",), ("refined",)]``, or ``[("polar", "strict protocol"), ("polar", "paper protocol")]``. Runs
    that do not differ in any setting are numbered.
    """
    settings = [
        {
            "protocol": f"{run.record.protocol} protocol",
            "context": f"context {run.record.context}",
            "demonstrations": f"{_shown(run)} demonstrations",
            "shown": f"shown {run.record.demonstrations_as}",
            "chosen": f"show {run.record.show}",
            "order": f"most relevant {run.record.show_order}",
            "from": f"demonstrations from {run.record.demonstrations_from}",
            "data": Path(run.record.data.source).name,
            "seed": f"seed {run.record.seed}",
        }
        for run in runs
    ]
    names: list[tuple[str, ...]] = []
    for run, own in zip(runs, settings, strict=True):
        rivals = [other for rival, other in zip(runs, settings, strict=True) if rival.record.form == run.record.form]
        differing = (value for key, value in own.items() if any(rival[key] != value for rival in rivals))
        names.append((run.record.form, *differing))
    times = Counter(names)
    seen: Counter[tuple[str, ...]] = Counter()
    for position, name in enumerate(names):
        if times[name] > 1:
            seen[name] += 1
            names[position] = (*name, f"run {seen[name]}")
    return names


def short_names(folders: Iterable[Path]) -> dict[Path, str]:
    """Return a name of each folder without what is above it: its own, with as many parents as tell them apart."""
    paths = list(dict.fromkeys(folders))
    for parts in range(1, max((len(path.resolve().parts) for path in paths), default=0) + 1):
        names = {path: Path(*path.resolve().parts[-parts:]).as_posix() for path in paths}
        if len(set(names.values())) == len({path.resolve() for path in paths}):
            break
    return names if paths else {}


def _shown(run: Run) -> str:
    return "all" if run.record.demonstrations is None else str(run.record.demonstrations)
