"""``indievalue train``: fine-tune a language model."""

from typing import Annotated

import typer

from indievalue.cli.options import notes, out


def train(
    settings: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="Name of training settings, such as `smollm2/laptop`, or a YAML file; omit to list what ships.",
        ),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Override a setting of the file: --set data=my.csv --set lora.rank=8"
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the contents of the folder `out`.")] = False,
) -> None:
    """Fine-tune a language model to predict people's answers; an interrupted training continues."""
    from indievalue import reasoner
    from indievalue.reasoner.settings import load_settings, parse_changes

    if settings is None:
        _print_list()
        return
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


def _print_list() -> None:
    from rich import box
    from rich.table import Table

    from indievalue.reasoner.shipped import ACCELERATE, FOLDER, shipped_settings

    models: dict[tuple[str, str], list[str]] = {}
    for whole, purpose in shipped_settings().items():
        model, _, name = whole.partition("/")
        models.setdefault((name, purpose), []).append(model)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("Settings", "Models", "What is trained"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "Settings")
    for (name, purpose), having in sorted(models.items()):
        table.add_row(name, ", ".join(having), purpose)
    out.print(table)
    notes.print(
        "indievalue train MODEL/SETTINGS --set data=DATA --set out=DIR, or a YAML file of your own (docs: Train a "
        f"reasoner)\nThe files are in {FOLDER}, those for several GPUs in {ACCELERATE}",
        style="dim",
        soft_wrap=True,
    )
