"""Options of the masked model."""

from dataclasses import asdict, dataclass

from indievalue.errors import IndievalueError

_VISITS = 720_000
"""Default number of training examples in all: people × epochs."""

_FEWEST_EPOCHS, _MOST_EPOCHS = 12, 40


@dataclass(frozen=True)
class MaskedOptions:
    """Size of the network and how it is trained; the defaults were chosen on validation people of WVS-7.

    Attributes:
        seed: seed of the initial weights, the masking, and the validation split.
        epochs: passes over the people; 0 chooses 12 to 40, for about 720,000 examples in all.
        hidden: width. blocks: residual blocks of two layers each. members: networks whose probabilities are averaged.
        dropout: dropout rate of hidden units. rate: peak learning rate, for batches of 256.
        decay: weight decay of AdamW. skip: whether answers also reach the heads by one direct linear layer.
        few: share of people who are shown any number of answers, few more often than many, and not most of them.
        topics: share of these few people who are shown the answers of some topics and none of the others.
        runs: share of all others; a run of neighbouring questions of every category is hidden from them.
        coarse: share of people whose answers are shown in polar form. bare: share whose demographics are not shown.
    """

    seed: int = 0
    epochs: int = 0
    hidden: int = 768
    blocks: int = 2
    members: int = 2
    dropout: float = 0.25
    rate: float = 1.5e-3
    decay: float = 0.1
    skip: bool = True
    few: float = 0.1
    topics: float = 0.5
    runs: float = 1.0
    coarse: float = 0.1
    bare: float = 0.75

    def __post_init__(self) -> None:
        """Check the values. Raises IndievalueError that names the option."""
        for name, least in (("epochs", 0), ("hidden", 1), ("blocks", 0), ("members", 1)):
            if getattr(self, name) < least:
                raise IndievalueError(f"masked: {name} is at least {least}, and not {getattr(self, name)}")
        for name in ("dropout", "few", "topics", "runs", "coarse", "bare"):
            if not 0 <= getattr(self, name) <= 1:
                raise IndievalueError(f"masked: {name} is a share from 0 to 1, and not {getattr(self, name)}")
        if self.rate <= 0 or self.decay < 0:
            raise IndievalueError("masked: rate is more than 0, and decay at least 0")

    def epochs_for(self, people: int) -> int:
        """Return the number of epochs for this many people."""
        return self.epochs or min(max(round(_VISITS / max(people, 1)), _FEWEST_EPOCHS), _MOST_EPOCHS)

    def batch_for(self, people: int) -> int:
        """Return the batch size: 256, or less if an epoch would then have only a few steps."""
        return min(max(people // 60, 16), 256)

    def as_dict(self) -> dict[str, int | float]:
        return asdict(self)
