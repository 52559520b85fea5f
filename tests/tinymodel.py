"""Random language models of a few thousand weights, made on the spot, and a tokenizer that has learned a few words."""

from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

SIZE: dict[str, Any] = {
    "vocab_size": 400,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
    "initializer_range": 0.3,
}

CHAT = (
    "{{ bos_token }}{% for m in messages %}<{{ 'user' if m['role'] == 'user' else 'model' }}>{{ m['content'] }}"
    "{% if m['role'] != 'user' %}{{ eos_token }}{% endif %}{% endfor %}{% if add_generation_prompt %}<model>{% endif %}"
)


def tokenizer_of(*, chat: bool) -> Any:
    """A byte-level tokenizer that has learned a few words."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<s>", "<user>", "<model>", "</s>"],
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    made.train_from_iterator(["The person is asked: And thing? A. Of thing 1 I think 1 of 2. Answer: A"] * 9, trainer)
    loaded = transformers.PreTrainedTokenizerFast(tokenizer_object=made, bos_token="<s>", eos_token="</s>")
    if chat:
        loaded.chat_template = CHAT
    return loaded


def save_tiny(folder: Path, config: Any = None, *, chat: bool = True) -> Path:
    """A random model, a Llama unless another configuration is given, and its tokenizer."""
    torch.manual_seed(0)
    made = transformers.AutoModelForCausalLM.from_config(config or transformers.LlamaConfig(**SIZE))
    made.save_pretrained(folder)
    tokenizer_of(chat=chat).save_pretrained(folder)
    return folder
