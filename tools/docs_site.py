"""A hook of MkDocs: the address of the repository, from the one place that names it."""

import tomllib
from pathlib import Path
from typing import Any


def on_config(config: Any) -> Any:
    """Link the repository from every page, once pyproject.toml has its address."""
    project = tomllib.loads((Path(config.config_file_path).parent / "pyproject.toml").read_text(encoding="utf-8"))
    config.repo_url = project["tool"]["hatch"]["metadata"]["hooks"]["custom"]["repository"] or None
    return config
