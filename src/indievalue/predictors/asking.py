"""How language models are asked: options that the command line, experiments and Python share."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from indievalue.errors import IndievalueError
from indievalue.prompts.prompt import PromptStyle

RETRIES = 3
"""Times that a prompt is sent again, unchanged, after an answer that names no option."""


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
"""Generate options that decide how an answer is got, and not which."""


@dataclass
class Spending:
    """Dollars spent on answers that were not in the store."""

    dollars: float = 0.0


@dataclass(frozen=True)
class AskingOptions:
    """How a language model is asked. A local model uses ``style`` alone.

    Attributes:
        style: how prompts are written. retries: times that an invalid answer is asked for again.
        generate: Inspect's generate options, such as ``temperature``, ``max_connections``, ``max_tokens``,
            ``logprobs``, ``top_logprobs``, ``reasoning_effort``, ``batch``. model_args, base_url: for the provider.
        price: dollars per million tokens read and written.
        limit_cost: dollars after which nothing more is asked, over all that is asked with these options: every model
            and every cell of an experiment. spending: what was spent so far.
        display: Inspect's display while it runs: ``rich``, ``plain``, ``none`` …
    """

    style: PromptStyle = field(default_factory=PromptStyle)
    retries: int = RETRIES
    generate: Mapping[str, object] = field(default_factory=dict)
    model_args: Mapping[str, Any] = field(default_factory=dict)
    base_url: str | None = None
    price: tuple[float, float] | None = None
    limit_cost: float | None = None
    display: str = "plain"
    spending: Spending = field(default_factory=Spending, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Raises IndievalueError for a limit without a price: nobody could tell when it is reached."""
        if self.limit_cost is not None and self.price is None:
            raise IndievalueError("--limit-cost needs --price, in dollars per million tokens read and written: 2.50,10")

    def decisive(self) -> dict[str, object]:
        """Return the options that decide what a model answers and differ from the defaults, as plain values."""
        chosen = {
            **asdict(self.style),
            "retries": self.retries,
            "base_url": self.base_url,
            "generate": {name: value for name, value in self.generate.items() if name not in TRANSPORT},
            "model_args": dict(self.model_args),
        }
        usual = {**asdict(PromptStyle()), "retries": RETRIES, "base_url": None, "generate": {}, "model_args": {}}
        return {name: value for name, value in chosen.items() if value != usual[name]}

    def dollars(self, input_tokens: int, output_tokens: int) -> float | None:
        """Return what so many tokens cost, in dollars; None without a price."""
        if self.price is None:
            return None
        return (input_tokens * self.price[0] + output_tokens * self.price[1]) / 1e6
