"""Read answers that earlier versions stored in Inspect's cache.

The cache contains pickles, which can run code. A file is therefore only read if it and its folders belong to the user
and nobody else can write to them, and only Inspect's own data classes are unpickled.
"""

import os
import pickle
import stat
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from inspect_ai.model import CachePolicy, ChatMessageSystem, ChatMessageUser, Model, ModelOutput
from inspect_ai.model._cache import CacheEntry, epoch  # file names are not part of the public API
from inspect_ai.model._generate_config import active_generate_config

from indievalue.files import cache_root

_OUTPUT = "inspect_ai.model._model_output"
_CONTENT = "inspect_ai._util.content"

_ALLOWED = {
    *((_OUTPUT, name) for name in ("ModelOutput", "ChatCompletionChoice", "ModelUsage")),
    *((_OUTPUT, name) for name in ("Logprobs", "Logprob", "TopLogprob")),
    ("inspect_ai.model._chat_message", "ChatMessageAssistant"),
    *((_CONTENT, name) for name in ("ContentText", "ContentReasoning")),
    *(("datetime", name) for name in ("datetime", "timezone", "timedelta")),
    ("builtins", "set"),
}
"""Classes (module, name) that a text answer consists of; any other could run code when unpickled."""


@dataclass
class InspectCache:
    """The folder ``$INDIEVALUE_CACHE/calls``, in which earlier versions stored answers; it is read-only."""

    root: Path = field(default_factory=lambda: cache_root() / "calls")

    def get(self, model: Model, prompt: str, attempt: int) -> ModelOutput | None:
        """Return an earlier version's answer to ``prompt``; None if there is none that can be trusted."""
        if not self._own:
            return None
        folder = self.root / "generate" / str(model)
        file = folder / self._name(model, prompt, attempt)
        if not file.is_file() or not all(map(_only_mine, (file, *_folders(file, self.root)))):
            return None
        try:
            with file.open("rb") as stream:
                _, output = _Unpickler(stream).load()
        except (OSError, pickle.UnpicklingError, ValueError, TypeError, AttributeError, EOFError, ImportError):
            return None
        return output if isinstance(output, ModelOutput) else None

    @cached_property
    def _own(self) -> bool:
        return self.root.is_dir() and _only_mine(self.root)

    def _name(self, model: Model, prompt: str, attempt: int) -> str:
        config = model.config.merge(active_generate_config())
        if config.max_tokens is None:
            config.max_tokens = model.api.max_tokens_for_config(config) or model.api.max_tokens()
        system = [ChatMessageSystem(content=config.system_message)] if config.system_message else []
        before = epoch.set(1)  # each prompt was asked in the first epoch
        try:
            return CacheEntry(
                base_url=model.api.base_url,
                config=config,
                input=[*system, ChatMessageUser(content=prompt)],
                model=str(model),
                policy=CachePolicy(expiry=None, scopes={"attempt": str(attempt)}),
                tool_choice="none",
                tools=[],
            ).key
        finally:
            epoch.reset(before)


class _Unpickler(pickle.Unpickler):
    """Unpickle only Inspect's data classes."""

    def find_class(self, module: str, name: str) -> object:
        if (module, name) in _ALLOWED:
            found: object = super().find_class(module, name)
            if isinstance(found, type):
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is no part of an answer")


def _only_mine(path: Path) -> bool:
    """Return whether the user owns ``path`` and nobody else can write to it."""
    if not hasattr(os, "getuid"):  # Windows, where a profile's folder is its owner's
        return True
    found = path.lstat()
    return found.st_uid == os.getuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not path.is_symlink()


def _folders(file: Path, root: Path) -> list[Path]:
    return [folder for folder in file.parents if folder.is_relative_to(root)]
