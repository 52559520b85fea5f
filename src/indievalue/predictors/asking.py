"""How language models are asked: options that the command line, experiments and Python share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from indievalue.errors import IndievalueError
from indievalue.prompts.prompt import Style

RETRIES = 3
"""Times that a prompt is sent again, unchanged, after an answer that names no option."""


@dataclass(frozen=True)
class AskingOptions:
    """How a language model is asked. A local model uses ``style`` alone.

    Attributes:
        style: how prompts are written. retries: times that an invalid answer is asked for again.
        generate: Inspect's generate options, such as ``temperature``, ``max_connections``, ``max_tokens``,
            ``logprobs``, ``top_logprobs``, ``reasoning_effort``, ``batch``. model_args, base_url: for the provider.
        price: dollars per million tokens read and written. limit_cost: dollars after which nothing more is asked.
        display: Inspect's display while it runs: ``rich``, ``plain``, ``none`` …
    """

    style: Style = field(default_factory=Style)
    retries: int = RETRIES
    generate: Mapping[str, object] = field(default_factory=dict)
    model_args: Mapping[str, Any] = field(default_factory=dict)
    base_url: str | None = None
    price: tuple[float, float] | None = None
    limit_cost: float | None = None
    display: str = "plain"

    def __post_init__(self) -> None:
        """Raises IndievalueError for a limit without a price: nobody could tell when it is reached."""
        if self.limit_cost is not None and self.price is None:
            raise IndievalueError("--limit-cost needs --price, in dollars per million tokens read and written: 2.50,10")

    def dollars(self, input_tokens: int, output_tokens: int) -> float | None:
        """Return what so many tokens cost, in dollars; None without a price."""
        if self.price is None:
            return None
        return (input_tokens * self.price[0] + output_tokens * self.price[1]) / 1e6
