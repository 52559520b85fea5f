"""Turn prompts into tokenized contexts and continuations for a model to score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from indievalue.errors import IndievalueError
from indievalue.predictors.local.tree import Item
from indievalue.prompts.prompt import Prompt

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

STATEMENT = str(Path(__file__).parent / "statement.jinja")
"""Template that replaces ``single`` if statements are scored."""

ANSWER = "\n\nAnswer:"
"""End of a plain-text prompt in English, which the model continues."""

_TAIL = 32
"""Characters before a continuation that may affect how it is split into tokens."""


@dataclass
class Wording:
    """How prompts are formatted for a model.

    Attributes:
        tokenizer: of transformers. chat: whether prompts are formatted as a user's message, or as plain text.
        score: ``label``: an option's continuations are its label, with and without a space before it; ``statement``:
            its statement. spaces: what can precede a label.
    """

    tokenizer: "PreTrainedTokenizerBase"
    chat: bool
    score: str
    spaces: tuple[str, ...] = ("", " ")
    _known: dict[tuple[str, str], tuple[int, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the values. Raises IndievalueError for ``chat`` without a chat template."""
        if self.chat and not self.tokenizer.chat_template:
            raise IndievalueError("this model's tokenizer has no chat template; leave chat=yes out, or set chat=no")

    @classmethod
    def of(cls, tokenizer: "PreTrainedTokenizerBase", chat: str = "auto", score: str = "label") -> "Wording":
        """Return the wording for a tokenizer; ``chat`` is ``yes``, ``no``, or ``auto`` (if it has a template)."""
        return cls(tokenizer, bool(tokenizer.chat_template) if chat == "auto" else chat == "yes", score)

    def text(self, prompt: Prompt) -> str:
        """Return the text before the answer to a prompt."""
        return (
            self.before([{"role": "user", "content": prompt.text}])
            if self.chat
            else f"{prompt.text}\n\n{prompt.answer}"
        )

    def before(self, messages: Sequence[Mapping[str, object]]) -> str:
        """Return the text before the answer to the last message of a chat (role, content)."""
        said = self.tokenizer.apply_chat_template(
            [{key: str(value) for key, value in one.items()} for one in messages],
            tokenize=False,
            add_generation_prompt=True,
            enable_thinking=False,
        )
        return str(said)

    def items(self, texts: list[str], prompts: list[Prompt]) -> list[list[list[Item]]]:
        """Return for each prompt, and each of the survey's options, the items that its score is computed from."""
        contexts = self.tokenizer(texts, add_special_tokens=not self.chat, verbose=False)["input_ids"]
        return [
            [
                [Item(tuple(context), tokens) for tokens in self._continuations(text, words)]
                for words in self._words(prompt)
            ]
            for text, context, prompt in zip(texts, contexts, prompts, strict=True)
        ]

    def _words(self, prompt: Prompt) -> list[str]:
        """Return the answer text of each of the survey's options."""
        (probe,) = prompt.probes
        if self.score == "statement":
            return list(probe.statements)
        return [probe.labels[probe.order.index(option)] for option in range(len(probe.order))]

    def _continuations(self, text: str, words: str) -> list[tuple[int, ...]]:
        spaces = self.spaces if self.score == "label" else ("",) if self.chat else (" ",)
        return list(dict.fromkeys(self.tokens_after(text[-_TAIL:], space + words) for space in spaces))

    def tokens_after(self, tail: str, words: str) -> tuple[int, ...]:
        """Return the tokens of ``words`` after the text ``tail``."""
        known = self._known.get((tail, words))
        if known is None:
            before, both, alone = self.tokenizer([tail, tail + words, words], add_special_tokens=False)["input_ids"]
            known = tuple(both[len(before) :]) if both[: len(before)] == before else tuple(alone)
            self._known[tail, words] = known
        return known
