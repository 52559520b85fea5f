"""``indievalue train``: fine-tune a language model."""

from pathlib import Path
from typing import Annotated

import typer

from indievalue.cli.options import Force, notes


def train(
    settings: Annotated[
        Path, typer.Argument(metavar="CONFIG.yaml", help="Training settings (docs: Train a reasoner).")
    ],
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Override a setting of the file: --set data=my.csv --set lora.rank=8"
        ),
    ] = None,
    force: Force = False,
) -> None:
    """Fine-tune a language model to predict people's answers; an interrupted training continues."""
    from indievalue import reasoner
    from indievalue.reasoner.settings import load_settings, parse_changes

    chosen = load_settings(settings, parse_changes(changes or ()))
    try:
        reasoner.train(
            chosen,
            lambda message: notes.print(message, markup=False, highlight=False, soft_wrap=True),
            force=force,
        )
    except KeyboardInterrupt:
        notes.print("Checkpoints are saved; run the same command to continue from the last one")
        raise
