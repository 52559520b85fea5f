"""Options for asking language models, shared by the command line, experiments and Python."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from indievalue.errors import IndievalueError
from indievalue.prompts.prompt import PromptStyle

RETRIES = 3
"""How many times a prompt is sent again, unchanged, after an answer that names no option."""


TRANSPORT = {
    "adaptive_connections",
    "attempt_timeout",
    "batch",
    "cache",
    "cache_prompt",
    "fail_on_refusal",
    "max_connections",
    "max_retries",
    "stream_idle_timeout",
    "timeout",
}
"""Generate options that affect how an answer is obtained, but not its content."""


def _unheard(asked: int, of: int) -> None:
    """Report progress to nobody."""


@dataclass
class Spending:
    """Dollars spent on answers that were not in the store."""

    dollars: float = 0.0


@dataclass(frozen=True)
class AskingOptions:
    """How a language model is asked. A local model uses only ``style``.

    Attributes:
        style: how prompts are written. retries: how many times to ask again after an invalid answer.
        generate: Inspect's generate options, such as ``temperature``, ``max_connections``, ``max_tokens``,
            ``logprobs``, ``top_logprobs``, ``reasoning_effort``, ``batch``.
        model_args, base_url: passed to the provider.
        price: dollars per million input tokens and per million output tokens.
        limit_cost: budget in dollars for everything that is asked with these options, over all models and all cells of
            an experiment; nothing more is asked once it is spent. spending: what was spent so far.
        skip_failed: leave out prompts that the server does not take, for their length or their content; the other
            failures stop the run. retry_filtered: ask again, up to ``retries`` times, where a content filter has cut
            the answer off.
        display: Inspect's display: ``rich``, ``plain``, ``none`` …; all but ``none`` may show prompts.
        repeat: which time the same prompts are asked, from 0; each has answers of its own in the store.
        progress: called after each prompt, with how many have been dealt with and how many there are.
    """

    style: PromptStyle = field(default_factory=PromptStyle)
    retries: int = RETRIES
    generate: Mapping[str, object] = field(default_factory=dict)
    model_args: Mapping[str, Any] = field(default_factory=dict)
    base_url: str | None = None
    price: tuple[float, float] | None = None
    limit_cost: float | None = None
    skip_failed: bool = False
    retry_filtered: bool = False
    display: str = "none"
    repeat: int = 0
    progress: Callable[[int, int], None] = field(default=_unheard, compare=False, repr=False)
    spending: Spending = field(default_factory=Spending, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Check the values. Raises IndievalueError for a limit without a price."""
        if self.limit_cost is not None and self.price is None:
            raise IndievalueError("--limit-cost needs --price, in dollars per million tokens read and written: 2.50,10")

    def decisive(self) -> dict[str, object]:
        """Return the options that affect answers and differ from the defaults, as plain values."""
        chosen = {
            **asdict(self.style),
            "retries": self.retries,
            "retry_filtered": self.retry_filtered,
            "repeat": self.repeat,
            "base_url": self.base_url,
            "generate": {name: value for name, value in self.generate.items() if name not in TRANSPORT},
            "model_args": dict(self.model_args),
        }
        usual = {
            **asdict(PromptStyle()),
            "retries": RETRIES,
            "retry_filtered": False,
            "repeat": 0,
            "base_url": None,
            "generate": {},
            "model_args": {},
        }
        return {name: value for name, value in chosen.items() if value != usual[name]}

    def dollars(self, input_tokens: int, output_tokens: int) -> float | None:
        """Return the cost of these tokens in dollars; None without a price."""
        if self.price is None:
            return None
        return (input_tokens * self.price[0] + output_tokens * self.price[1]) / 1e6
