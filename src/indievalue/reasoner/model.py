"""The model that is trained: loaded with weights that can be, and saved as a reasoner."""

from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from indievalue.errors import IndievalueError
from indievalue.predictors.local.load import quiet, told
from indievalue.predictors.local.source import Source, find_source
from indievalue.reasoner.settings import TrainingSettings

ADAPTER = "adapter"
"""Where the adapter is kept beside a model that it was merged into."""


def source_of(model: str) -> Source:
    """Where the files of the model to train are. Raises IndievalueError where there are none, or it is an adapter."""
    source = find_source(model)
    if source.adapter:
        raise IndievalueError(f"{model} is an adapter; name the model to train, or one that it was merged into")
    return source


def tokenizer_of(source: Source) -> Any:
    """The model's tokenizer, with a token to pad with. Raises IndievalueError where it cannot be loaded."""
    with told(source.model), quiet():
        tokenizer: Any = AutoTokenizer.from_pretrained(source.model, trust_remote_code=False, **_gguf(source))
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def dtype_of(settings: TrainingSettings) -> torch.dtype:
    """Of the arithmetic."""
    if settings.dtype == "auto":
        return torch.bfloat16 if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else torch.float32
    return torch.bfloat16 if settings.dtype == "bfloat16" else torch.float32


def model_of(source: Source, settings: TrainingSettings) -> Any:
    """The model to train: all of its weights in float32, or under an adapter in the dtype of the arithmetic.

    Raises IndievalueError where it cannot be loaded, reads fewer tokens than ``length``, or 4 bits are not to be had.
    """
    more: dict[str, Any] = {} if settings.attention == "auto" else {"attn_implementation": settings.attention}
    if settings.tuning == "qlora":
        more["quantization_config"] = _four_bits()
    model = _load(source, torch.float32 if settings.tuning == "full" else dtype_of(settings), **more)
    limit = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if limit is not None and settings.length > limit:
        raise IndievalueError(
            f"`length: {settings.length}` is more than the {limit:,} tokens that {settings.model} reads"
        )
    known = source.on_hub or settings.model == "smollm2"
    # What an adapter says it is for.
    model.config._name_or_path = settings.model if known else str(Path(settings.model).expanduser().resolve())
    return model


def save_merged(source: Source, settings: TrainingSettings, out: Path) -> None:
    """The model with the adapter's weights added, into ``out``; the adapter is in a folder of its own in it."""
    base = _load(source, dtype_of(settings))
    with quiet():
        PeftModel.from_pretrained(base, str(out / ADAPTER)).merge_and_unload().save_pretrained(str(out))


def _load(source: Source, dtype: torch.dtype, **more: Any) -> Any:
    with told(source.model), quiet():
        model: Any = AutoModelForCausalLM.from_pretrained(
            source.model, dtype=dtype, trust_remote_code=False, **_gguf(source), **more
        )
    if source.gguf:  # its weights are ordinary ones by now, but it is still marked as one that cannot be trained
        model.hf_quantizer = model.quantization_method = None
        model.is_quantized = False
        if hasattr(model.config, "quantization_config"):
            del model.config.quantization_config
    return model


def _gguf(source: Source) -> dict[str, Any]:
    return {"gguf_file": source.gguf} if source.gguf else {}


def _four_bits() -> Any:
    try:
        import_module("bitsandbytes")
    except ImportError:
        raise IndievalueError("`tuning: qlora` needs bitsandbytes and a GPU: pip install bitsandbytes") from None
    if not torch.cuda.is_available():
        raise IndievalueError("`tuning: qlora` needs a GPU, and torch finds none; `tuning: lora` does without")
    return import_module("transformers").BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
