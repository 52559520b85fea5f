"""Load a model and its tokenizer."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.metadata import version
from inspect import signature
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from indievalue.errors import IndievalueError, how_to_install
from indievalue.predictors.local.progress import say
from indievalue.predictors.local.scorer import Reader
from indievalue.predictors.local.source import Source

GPU_BATCH = 4096
"""Default number of tokens per forward pass of a GPU; about what keeps it busy."""

LIBRARIES = 1_000_000_000
"""Bytes of memory that a process takes besides the weights: torch, transformers, and the texts being read."""

_FAILURES = (OSError, ValueError, ImportError, KeyError, RuntimeError, SafetensorError)


@dataclass(frozen=True)
class Loaded:
    """A model, its tokenizer, and the maximum number of tokens of a text; None if there is no limit."""

    reader: Reader
    tokenizer: PreTrainedTokenizerBase
    limit: int | None


def device_of(name: str | None) -> str:
    """Return the device to compute on. Raises IndievalueError if torch has no such device."""
    if name is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name != "auto":
        try:
            torch.empty(0, device=name)
        except (RuntimeError, AssertionError):
            raise IndievalueError(f"local: torch has no device {name!r} here") from None
    return name


def identity(source: Source, device: str, dtype: str) -> str:
    """Return all that scores depend on: the model's files or commit on the hub, compute dtype, and libraries."""
    commit = None
    if source.on_hub:
        with told(source.model):
            commit = AutoConfig.from_pretrained(source.model, trust_remote_code=False)._commit_hash
    libraries = [version("torch"), version("transformers")]
    made_of = [source.model, source.gguf, commit, source.files(), device.partition(":")[0], dtype, libraries]
    return json.dumps(made_of)


@lru_cache(maxsize=1)
def load(source: Source, device: str, dtype: str, identity: str) -> Loaded:
    """Load the model in evaluation mode; the last one loaded stays in memory.

    Raises IndievalueError with the reason if it cannot be loaded.
    """
    return read_model(source, device, dtype)


def read_tokenizer(source: Source) -> PreTrainedTokenizerBase:
    """Read the model's tokenizer, or that of its adapter. Raises IndievalueError with the reason if that fails."""
    own = source.tokenizer is not None
    with told(source.model), quiet():
        where = {} if own else where_of(source)
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(source.tokenizer or source.model, **where)
    return tokenizer


def read_model(source: Source, device: str, dtype: str) -> Loaded:
    """Do the same as :func:`load`, and keep nothing in memory."""
    kind: Any = dtype if dtype != "auto" else torch.float32 if device == "cpu" else "auto"
    tokenizer = read_tokenizer(source)
    with told(source.model), quiet():
        placed = {} if device == "cpu" else {"device_map": device}
        model: Any = AutoModelForCausalLM.from_pretrained(source.model, dtype=kind, **placed, **where_of(source))
        model.eval()
    keeps = "logits_to_keep" in signature(model.forward).parameters
    limit = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if source.adapter:
        if len(tokenizer) > model.get_input_embeddings().num_embeddings:
            model.resize_token_embeddings(len(tokenizer))  # the adapter was trained with tokens that it added
        model = _adapted(model, source.adapter)
    return Loaded(Reader(model, keeps, 0 if device == "cpu" else GPU_BATCH, say), tokenizer, limit)


def where_of(source: Source) -> dict[str, Any]:
    """Return the arguments with which transformers reads the model."""
    return {"trust_remote_code": False} | ({"gguf_file": source.gguf} if source.gguf else {})


def memory_of(source: Source, device: str, dtype: str) -> int:
    """Return the bytes that a model takes in memory, with its libraries; no weights are loaded."""
    kind_of_model: Any = AutoModelForCausalLM
    with told(source.model), quiet():
        config = AutoConfig.from_pretrained(source.model, **where_of(source))
        with torch.device("meta"):
            parameters: int = kind_of_model.from_config(config).num_parameters()
    kind: Any = getattr(config, "dtype", None) if dtype == "auto" and device != "cpu" else dtype
    of_weight = torch.float32 if kind in (None, "auto") else getattr(torch, kind) if isinstance(kind, str) else kind
    return parameters * of_weight.itemsize + LIBRARIES


def _adapted(model: Any, adapter: str) -> Any:
    """Return the model with the adapter, merged if that loses no precision."""
    try:
        peft = import_module("peft")
    except ImportError:
        raise IndievalueError(f"an adapter needs peft: {how_to_install('lm')}") from None
    with told(adapter), quiet():
        adapted = peft.PeftModel.from_pretrained(model, adapter).eval()
        return adapted.merge_and_unload() if model.dtype == torch.float32 else adapted


@contextmanager
def told(what: str) -> Iterator[None]:
    """Turn any error while ``what`` is loaded into an IndievalueError."""
    try:
        yield
    except _FAILURES as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise IndievalueError(f"cannot load {what}: {lines[0] if lines else type(error).__name__:.300}") from None


@contextmanager
def quiet() -> Iterator[None]:
    """Hide progress bars while weights are loaded."""
    logging: Any = transformers_logging
    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        with redirect_stderr(io.StringIO()):  # the progress bar for GGUF files cannot be turned off otherwise
            yield
    finally:
        if bars:
            logging.enable_progress_bar()
