"""The record of a training: what is written to ``training.json``."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class ValidationRecord:
    """A validation during a training.

    Attributes:
        step: steps trained before it; 0 for the untrained model.
        accuracy: share of the answers predicted correctly (0 to 1).
        log_loss: mean log loss of the right label among those of all options (nats).
        answers: how many answers were predicted.
    """

    step: int
    accuracy: float
    log_loss: float
    answers: int


@dataclass(frozen=True)
class TrainingRecord:
    """What a training took, and how well it did.

    Attributes:
        step: step that the reasoner's weights are from. steps: steps trained.
        examples: examples in the training part.
        tokens, seconds: tokens read and time taken since the training was last resumed.
        parameters, trained_parameters: number of weights, and of those that were trained.
        peak_gpu_bytes: greatest GPU memory allocated; None without a GPU.
        majority: accuracy on the validation part of always predicting the training part's most common answer.
        validations: every validation, in order.
        temperatures: of each form of probes, measured on the validation answers.
    """

    step: int
    steps: int
    examples: int
    tokens: int
    seconds: float
    parameters: int
    trained_parameters: int
    peak_gpu_bytes: int | None
    majority: float | None
    validations: tuple[ValidationRecord, ...]
    temperatures: dict[str, float]

    def as_dict(self) -> dict[str, object]:
        """Return plain values, for JSON."""
        return asdict(self)
