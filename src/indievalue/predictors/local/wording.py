"""From prompts to the texts whose continuations a model scores, in the model's own tokens."""

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
"""The template that takes the place of ``single`` where statements are scored."""

ANSWER = "\n\nAnswer:"
"""What a plain prompt ends in, for a model to go on from."""

_TAIL = 32
"""Characters before a continuation that may decide how its beginning is cut into tokens."""


@dataclass
class Wording:
    """How a tokenizer's model is asked.

    Attributes:
        tokenizer: of transformers. chat: whether prompts are put as a user's message, or as plain text to go on from.
        score: ``label``: an option's continuations are its label, with and without a space before it; ``statement``:
            its statement.
    """

    tokenizer: "PreTrainedTokenizerBase"
    chat: bool
    score: str
    _known: dict[tuple[str, str], tuple[int, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises IndievalueError for a chat without a template."""
        if self.chat and not self.tokenizer.chat_template:
            raise IndievalueError("this model's tokenizer has no chat template; leave chat=yes out, or say chat=no")

    @classmethod
    def of(cls, tokenizer: "PreTrainedTokenizerBase", chat: str = "auto", score: str = "label") -> "Wording":
        """A tokenizer's, with ``chat`` as a user says it: ``yes``, ``no``, or ``auto``, where it has a template."""
        return cls(tokenizer, bool(tokenizer.chat_template) if chat == "auto" else chat == "yes", score)

    def text(self, prompt: Prompt) -> str:
        """All that precedes an answer."""
        return self.before([{"role": "user", "content": prompt.text}]) if self.chat else prompt.text + ANSWER

    def before(self, messages: Sequence[Mapping[str, object]]) -> str:
        """All that precedes the answer to the last message of a chat (role, content)."""
        said = self.tokenizer.apply_chat_template(
            [{key: str(value) for key, value in one.items()} for one in messages],
            tokenize=False,
            add_generation_prompt=True,
            enable_thinking=False,
        )
        return str(said)

    def items(self, texts: list[str], prompts: list[Prompt]) -> list[list[list[Item]]]:
        """For each prompt, and each of the survey's options, the items that make its score."""
        contexts = self.tokenizer(texts, add_special_tokens=not self.chat, verbose=False)["input_ids"]
        return [
            [
                [Item(tuple(context), tokens) for tokens in self._continuations(text, words)]
                for words in self._words(prompt)
            ]
            for text, context, prompt in zip(texts, contexts, prompts, strict=True)
        ]

    def _words(self, prompt: Prompt) -> list[str]:
        """What each of the survey's options is answered by."""
        (probe,) = prompt.probes
        if self.score == "statement":
            return list(probe.statements)
        return [probe.labels[probe.order.index(option)] for option in range(len(probe.order))]

    def _continuations(self, text: str, words: str) -> list[tuple[int, ...]]:
        spaces = ("", " ") if self.score == "label" else ("",) if self.chat else (" ",)
        return list(dict.fromkeys(self.tokens_after(text[-_TAIL:], space + words) for space in spaces))

    def tokens_after(self, tail: str, words: str) -> tuple[int, ...]:
        """The tokens of ``words`` where ``tail`` precedes them."""
        known = self._known.get((tail, words))
        if known is None:
            before, both, alone = self.tokenizer([tail, tail + words, words], add_special_tokens=False)["input_ids"]
            known = tuple(both[len(before) :]) if both[: len(before)] == before else tuple(alone)
            self._known[tail, words] = known
        return known
