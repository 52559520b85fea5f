"""Let a model write its thoughts about a prompt before the labels of the options are scored."""

from collections.abc import Sequence

import torch

from indievalue.predictors.local.load import Loaded

MARK = "<answer>"
"""The tag that ends the thoughts, after which the label stands."""


@torch.inference_mode()
def with_thoughts(texts: Sequence[str], loaded: Loaded, most: int, *, chat: bool) -> list[str]:
    """Return each text with the model's most probable thoughts, at most ``most`` tokens, and :data:`MARK`.

    Whatever the model writes from its own first mark on is left out, so that every option can be scored there.
    """
    model, tokenizer = loaded.reader.model, loaded.tokenizer
    thought = []
    for text in texts:
        tokens = tokenizer([text], add_special_tokens=not chat, return_tensors="pt", verbose=False)["input_ids"]
        tokens = tokens.to(model.get_input_embeddings().weight.device)
        written = model.generate(
            tokens,
            attention_mask=torch.ones_like(tokens),
            max_new_tokens=most,
            do_sample=False,
            pad_token_id=tokenizer.pad_token_id or tokenizer.eos_token_id,
            stop_strings=[MARK],
            tokenizer=tokenizer,
        )[0, tokens.shape[1] :]
        thought.append(before_label(text, str(tokenizer.decode(written, skip_special_tokens=True)), chat=chat))
    return thought


def before_label(text: str, written: str, *, chat: bool) -> str:
    """Return a text, what the model has written after it up to its own first mark, and :data:`MARK`."""
    thoughts = written.partition(MARK)[0].strip()
    between = "" if chat else " "
    return f"{text}{between}{thoughts}\n\n{MARK}"
