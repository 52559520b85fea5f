"""``indievalue score``: score a run in a stream, whatever its size."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from indievalue.choices import Measure
from indievalue.cli.options import Force, notes, out
from indievalue.cli.run_options import GroupFlags, RunWeights
from indievalue.errors import IndievalueError


def score(
    run: Annotated[Path, typer.Argument(metavar="DIR", help="Run directory.")],
    groups: GroupFlags,
    measure: Annotated[Measure, typer.Option("--measure", help="Measure to compare between groups.")] = "accuracy",
    weights: RunWeights = None,
    file: Annotated[Path | None, typer.Option("--out", metavar="FILE.json", help="Also write all of it.")] = None,
    force: Force = False,
) -> None:
    """Score a run in a stream: accuracy, log loss, calibration and inequity of more predictions than fit memory."""
    from indievalue.files import new_file
    from indievalue.report.terminal import print_inequity, print_summary
    from indievalue.runs.streamed import score_run

    if file is not None and file.exists() and not force:
        raise IndievalueError(f"{file} exists already; choose another --out, or give --force to replace it")
    found = score_run(run, weights)
    scores = found.scored.scores()
    notes.print(f"{found.scored.rows:,} predictions")
    print_summary(scores, found.record.form, out)
    content: dict[str, object] = {"scores": {name: one.as_nested_dict() for name, one in scores.items()}}
    names = groups.demographics(found, needed=False)
    if names:
        options = replace(groups.options(), measure=measure, weights=found.scored.weights)
        inequity = found.inequity(names, options)
        print_inequity(inequity, out)
        content |= {name: getattr(inequity, name).to_dicts() for name in ("index", "table", "groups")}
    if file is not None:
        with new_file(file) as beside:
            beside.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        notes.print(f"Scores: {file}")
