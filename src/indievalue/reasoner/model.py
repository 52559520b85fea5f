"""The model that is trained: load it in a trainable form, and save it as a reasoner."""

from importlib import import_module
from pathlib import Path

import torch
from peft import PeftModel
from torch.nn import Module, ModuleList
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from indievalue.errors import IndievalueError
from indievalue.predictors.local.load import quiet, told
from indievalue.predictors.local.source import Source, find_source
from indievalue.reasoner.settings import TrainingSettings

ADAPTER = "adapter"
"""Folder of the adapter, beside the model that it was merged into."""


_LoadOptions = dict[str, str | BitsAndBytesConfig]
"""Keyword arguments of ``from_pretrained``."""


def source_of(model: str) -> Source:
    """Locate the files of the model to train. Raises IndievalueError if there are none, or it is an adapter."""
    source = find_source(model)
    if source.adapter:
        raise IndievalueError(
            f"`model: {model}` is an adapter: name the model to train, or one that the adapter was merged into"
        )
    return source


def load_tokenizer(source: Source) -> PreTrainedTokenizerBase:
    """Load the model's tokenizer, and give it a padding token. Raises IndievalueError if it cannot be loaded."""
    with told(source.model), quiet():
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            source.model, trust_remote_code=False, **_gguf(source)
        )
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def dtype_of(settings: TrainingSettings) -> torch.dtype:
    """Return the compute dtype."""
    if settings.dtype == "auto":
        return torch.bfloat16 if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else torch.float32
    return torch.bfloat16 if settings.dtype == "bfloat16" else torch.float32


def load_model(source: Source, settings: TrainingSettings) -> PreTrainedModel:
    """Load the model to train: in float32 if all weights are trained, else in the compute dtype.

    Raises IndievalueError if it cannot be loaded, its context is shorter than ``length``, or 4 bits are not available.
    """
    options: _LoadOptions = {}
    if settings.attention != "auto":
        options["attn_implementation"] = settings.attention
    if settings.tuning == "qlora":
        options["quantization_config"] = _four_bits()
    model = _load(source, torch.float32 if settings.tuning == "full" else dtype_of(settings), options)
    limit = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if limit is not None and settings.length > limit:
        raise IndievalueError(
            f"`length: {settings.length}` is more than the {limit:,} tokens that {settings.model} can read: lower it"
        )
    known = source.on_hub or settings.model == "smollm2"
    # An adapter names this as the model it belongs to.
    model.config._name_or_path = settings.model if known else str(Path(settings.model).expanduser().resolve())
    if settings.last_layers is not None:
        _freeze_all_but(model, settings.last_layers)
    return model


def save_merged(source: Source, settings: TrainingSettings, out: Path) -> None:
    """Merge the adapter in ``out/adapter`` into the model, and save the result to ``out``."""
    base = _load(source, dtype_of(settings), {})
    with quiet():
        PeftModel.from_pretrained(base, str(out / ADAPTER)).merge_and_unload().save_pretrained(str(out))


def _load(source: Source, dtype: torch.dtype, options: _LoadOptions) -> PreTrainedModel:
    with told(source.model), quiet():
        model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
            source.model, dtype=dtype, trust_remote_code=False, **_gguf(source), **options
        )
    if source.gguf:  # the weights were converted to ordinary ones, but the model is still marked as not trainable
        for name, value in (("hf_quantizer", None), ("quantization_method", None), ("is_quantized", False)):
            setattr(model, name, value)
        if hasattr(model.config, "quantization_config"):
            del model.config.quantization_config
    return model


def _freeze_all_but(model: PreTrainedModel, last: int) -> None:
    """Freeze the embeddings, whose weights the output layer may share, and all layers but the ``last`` ones."""
    layers: list[Module] = list(_layers(model))
    for frozen in (model.get_input_embeddings(), model.get_output_embeddings(), *layers[: max(0, len(layers) - last)]):  # type: ignore[no-untyped-call, unused-ignore]
        if frozen is not None:
            frozen.requires_grad_(requires_grad=False)


def _layers(model: PreTrainedModel) -> ModuleList:
    """Return the layers of a model. Raises IndievalueError if it does not have them in one list."""
    count = model.config.get_text_config().num_hidden_layers
    for module in model.modules():
        if isinstance(module, ModuleList) and len(module) == count:
            return module
    raise IndievalueError("`last_layers`: this model does not hold its layers in one list; tune all weights instead")


def _gguf(source: Source) -> _LoadOptions:
    return {"gguf_file": source.gguf} if source.gguf else {}


def _four_bits() -> BitsAndBytesConfig:
    try:
        import_module("bitsandbytes")
    except ImportError:
        raise IndievalueError("`tuning: qlora` needs bitsandbytes and a GPU: pip install bitsandbytes") from None
    if not torch.cuda.is_available():
        raise IndievalueError("`tuning: qlora` needs a GPU, and torch finds none; `tuning: lora` works without one")
    return BitsAndBytesConfig(  # type: ignore[no-untyped-call, unused-ignore]
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
