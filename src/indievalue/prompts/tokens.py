"""Count the tokens of a text."""

from collections.abc import Callable
from importlib import import_module

from indievalue.errors import IndievalueError, how_to_install

CHARACTERS = 4
"""Characters of English a token, about, where no tokenizer is given."""


def counter(tokenizer: str | None) -> tuple[Callable[[str], int], bool]:
    """(a function that counts the tokens of a text, whether it counts exactly).

    ``tokenizer`` is the name or path of a Hugging Face tokenizer. Raises IndievalueError where it cannot be loaded.
    """
    if tokenizer is None:
        return (lambda text: -(-len(text) // CHARACTERS)), False
    try:
        loaded = import_module("transformers").AutoTokenizer.from_pretrained(tokenizer)
    except ImportError:
        raise IndievalueError(f"counting tokens needs transformers: {how_to_install('lm')}") from None
    except (OSError, ValueError) as error:
        raise IndievalueError(f"cannot load the tokenizer {tokenizer}: {error}") from None
    return (lambda text: len(loaded.encode(text, add_special_tokens=False))), True
