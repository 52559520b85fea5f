"""Prompts and raw answers of chat models, from the logs in a run directory."""

from indievalue.app.explore.view import RunView


def has_outputs(view: RunView) -> bool:
    """Whether the run directory has logs of chat models."""
    return view.folder is not None and any((view.folder / "logs" / "inspect").glob("*.eval"))
