"""Options of a model that vLLM reads."""

from dataclasses import dataclass

from indievalue.errors import IndievalueError
from indievalue.predictors.local.options import check_words

NUMBERS = {
    "max_model_len": "a number of tokens",
    "gpu_memory_utilization": "a share of the GPU's memory, above 0 and at most 1",
    "tensor_parallel_size": "a number of GPUs",
    "think": "a number of tokens",
}
"""Options that are numbers, and what each is."""


@dataclass(frozen=True)
class VllmOptions:
    """How vLLM loads a model, and how its prompts are written; names of what vLLM has too are vLLM's.

    Attributes:
        adapter: directory of a LoRA adapter, which is merged into the weights.
        dtype: dtype of the weights; ``auto`` is float32 on a CPU, and the dtype of the checkpoint otherwise.
        max_model_len: most tokens of a prompt and what is written after it; 0: as many as the model reads and memory
            holds.
        gpu_memory_utilization: share of each GPU's memory that vLLM may use.
        tensor_parallel_size: number of GPUs that the weights are split over.
        chat: whether prompts are formatted as a user's message; ``auto``: if the tokenizer has a chat template.
        order: order of options, which overrides that of the prompt style.
        keep: whether scores are cached on disk.
        think: most tokens that the model writes before its answer with the template ``reason``.
    """

    adapter: str | None = None
    dtype: str = "auto"
    max_model_len: int = 0
    gpu_memory_utilization: float = 0.9
    tensor_parallel_size: int = 1
    chat: str = "auto"
    order: str | None = None
    keep: str = "yes"
    think: int = 160

    def __post_init__(self) -> None:
        """Check the values. Raises IndievalueError that names the option."""
        check_words("vllm", self)
        for name, least in (("max_model_len", 0), ("tensor_parallel_size", 1), ("think", 1)):
            value = getattr(self, name)
            if value < least:
                raise IndievalueError(f"vllm: {name} is {NUMBERS[name]}, at least {least}, and not {value}")
        if not 0 < self.gpu_memory_utilization <= 1:
            what, value = NUMBERS["gpu_memory_utilization"], self.gpu_memory_utilization
            raise IndievalueError(f"vllm: gpu_memory_utilization is {what}, and not {value:g}")
