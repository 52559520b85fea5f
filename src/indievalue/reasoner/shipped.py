"""Training settings that ship with the package, by name."""

from collections.abc import Sequence
from pathlib import Path

from indievalue.errors import IndievalueError, did_you_mean

FOLDER = Path(__file__).with_name("configs")
"""The folder of the files. Each model has a folder in it; ``accelerate`` has files for several GPUs instead."""

ACCELERATE = FOLDER / "accelerate"


def shipped_settings() -> dict[str, str]:
    """Return what each of the shipped settings is for, by name, in alphabetical order.

    >>> shipped_settings()["smollm2/polar-from-refined"]
    'Polar probes, 200 refined statements'
    """
    files = sorted(file for file in FOLDER.glob("*/*.yaml") if file.parent != ACCELERATE)
    return {f"{file.parent.name}/{file.stem}": _purpose(file) for file in files}


def settings_file(name: str | Path) -> Path:
    """Return the file of training settings: that of the shipped ones of this name, or the one at this path.

    The last part of a name is enough if no other name ends in it: ``laptop`` for ``smollm2/laptop``. Raises
    IndievalueError if there are neither settings nor a file of this name, or several settings could be meant.

    >>> settings_file("laptop").name
    'laptop.yaml'
    """
    names, wanted = list(shipped_settings()), str(name)
    meant = [wanted] if wanted in names else [one for one in names if one.endswith(f"/{wanted}")]
    if len(meant) == 1:
        return FOLDER / f"{meant[0]}.yaml"
    if Path(wanted).is_file():
        return Path(wanted)
    if meant:
        raise IndievalueError(f"{wanted!r} could be {' or '.join(meant)}: give the model, too")
    raise IndievalueError(
        f"cannot read the training settings {wanted}: there is no such file, and none of the shipped settings has this "
        f"name (`indievalue train` lists them){_similar(wanted, names)}"
    )


def _similar(wanted: str, names: Sequence[str]) -> str:
    """Return a suggestion for a misspelt name, be it the whole name or its last part, or a path that ends in it."""
    word = "/".join(Path(wanted.removesuffix(".yaml")).parts[-2:])
    short = {one.partition("/")[2]: one for one in reversed(names)}
    found = did_you_mean(word, names if "/" in word else [*short, *names])
    for last, whole in short.items():
        found = found.replace(f"'{last}'", repr(whole))
    return found


def _purpose(file: Path) -> str:
    """Return the first sentence of the file's first line, which is a comment."""
    with file.open(encoding="utf-8") as lines:
        first = next(lines).strip()
    return first.lstrip("# ").partition(". ")[0].removesuffix(".")
