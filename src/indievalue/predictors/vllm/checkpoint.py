"""A model's files as vLLM reads them: GGUF files and adapters are saved once as a checkpoint of safetensors."""

import shutil
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import torch
from transformers import AutoConfig

from indievalue.errors import IndievalueError
from indievalue.files import cache_root
from indievalue.predictors.local.cache import key_of
from indievalue.predictors.local.load import identity, quiet, read_model, told, where_of
from indievalue.predictors.local.progress import say
from indievalue.predictors.local.source import Source


def checkpoint_of(source: Source) -> str:
    """Return the directory or hub id that vLLM loads.

    A GGUF file and an adapter with its base model are converted, in float32, once: the checkpoint is kept in ``vllm``
    in :func:`indievalue.files.cache_root`, as long as the files stay the same. Raises IndievalueError if the model
    cannot be read or the checkpoint cannot be written.
    """
    if not source.gguf and not source.adapter:
        return source.model
    made_of = identity(source, "cpu", "float32")
    folder = cache_root() / "vllm" / key_of(made_of)
    if not folder.is_dir():
        say(f"converting {source.adapter or source.gguf} to a checkpoint for vLLM in {folder}", "vllm")
        _write(source, folder)
    return str(folder)


def stored_dtype(source: Source) -> str:
    """Return the dtype of the weights in the model's own files, such as ``bfloat16``; float32 if they do not say."""
    with told(source.model):
        config: Any = AutoConfig.from_pretrained(source.model, **where_of(source))
    dtype = getattr(config.get_text_config(), "dtype", None) or config.dtype or torch.float32
    return str(dtype).removeprefix("torch.")


def _write(source: Source, folder: Path) -> None:
    loaded = read_model(source, "cpu", "float32")
    model = loaded.reader.model
    model.hf_quantizer = None  # the weights of a GGUF file are not quantized any more
    model.is_quantized = False
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.config.architectures = [type(model).__name__]
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(mkdtemp(dir=folder.parent, prefix=".unfinished-"))
        try:
            with quiet():
                model.save_pretrained(unfinished)
                loaded.tokenizer.save_pretrained(unfinished)
            unfinished.replace(folder)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
    except OSError as error:
        if not folder.is_dir():  # another process may have been faster
            raise IndievalueError(f"cannot write {folder}: {error.strerror or error}") from None
