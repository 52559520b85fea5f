"""A model in vLLM: log-probabilities of next tokens, and texts that go on after others."""

import atexit
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from transformers import PreTrainedTokenizerBase

from indievalue.predictors.local.load import read_tokenizer, told
from indievalue.predictors.local.source import Source
from indievalue.predictors.vllm.checkpoint import checkpoint_of, stored_dtype
from indievalue.predictors.vllm.options import VllmOptions

SETTINGS = {
    "VLLM_CPU_KVCACHE_SPACE": "1",  # on a CPU, else vLLM takes nearly all memory for keys and values
    "VLLM_LOGGING_LEVEL": "ERROR",
}
"""Environment variables that vLLM reads, unless the user has set them: gigabytes, and which messages are shown."""

CPU_BLOCK = 32
"""Tokens of a block of the prefix cache on a CPU, where vLLM would use 128; what is shared is whole blocks."""

Tokens = tuple[int, ...]


@dataclass
class Engine:
    """A model in vLLM.

    Attributes:
        llm: vLLM's. tokenizer: as ``local:`` reads it. limit: most tokens of a prompt.
        read, cached: number of tokens of all prompts so far, and how many of these were in the prefix cache.
    """

    llm: Any
    tokenizer: PreTrainedTokenizerBase
    limit: int
    read: int = 0
    cached: int = 0

    def next_tokens(self, wanted: Mapping[Tokens, Sequence[int]]) -> dict[Tokens, dict[int, float]]:
        """Return the log-probability of each of the ``wanted`` tokens after each text of tokens.

        Texts are read in the order of their tokens, so that those with the same beginning follow each other.
        """
        texts = sorted(wanted)
        asked = [self._sampling(1, logprob_token_ids=list(wanted[text]), detokenize=False) for text in texts]
        found = {}
        for text, output in zip(texts, self._generate(texts, asked), strict=True):
            (likely,) = output.outputs[0].logprobs
            found[text] = {token: float(likely[token].logprob) for token in wanted[text]}
        return found

    def written_after(self, texts: Sequence[Tokens], most: int, mark: str) -> list[str]:
        """Return what the model finds most probable after each text: at most ``most`` tokens, or up to ``mark``."""
        written = self._generate(texts, [self._sampling(most, stop=[mark])] * len(texts))
        return [str(self.tokenizer.decode(one.outputs[0].token_ids, skip_special_tokens=True)) for one in written]

    def close(self) -> None:
        """Free the memory, and end vLLM's processes."""
        with suppress(AttributeError):  # another version may name it differently, and frees it with the object
            self.llm.llm_engine.engine_core.shutdown()
        self.llm = None

    def _generate(self, texts: Sequence[Tokens], asked: Sequence[Any]) -> list[Any]:
        prompts = [{"prompt_token_ids": list(text)} for text in texts]
        outputs: list[Any] = self.llm.generate(prompts, list(asked), use_tqdm=False)
        self.read += sum(map(len, texts))
        self.cached += sum(output.num_cached_tokens or 0 for output in outputs)
        return outputs

    def _sampling(self, tokens: int, **arguments: Any) -> Any:
        return import_module("vllm").SamplingParams(max_tokens=tokens, temperature=0.0, **arguments)


_loaded: dict[tuple[object, ...], Engine] = {}


def load(source: Source, options: VllmOptions, made_of: str) -> Engine:
    """Load the model; the last one loaded stays in memory, and another one takes its place.

    Raises IndievalueError with the reason if it cannot be loaded.
    """
    size = options.max_model_len, options.gpu_memory_utilization, options.tensor_parallel_size
    key = source, options.dtype, size, made_of
    if key not in _loaded:
        unload()
        _loaded[key] = _start(source, options)
    return _loaded[key]


def cache_on_a_cpu() -> int:
    """Return the bytes that vLLM takes on a CPU for keys and values."""
    name = "VLLM_CPU_KVCACHE_SPACE"
    return int(os.environ.get(name) or SETTINGS[name]) << 30


@atexit.register
def unload() -> None:
    """Free the memory of the model that is loaded, if any."""
    while _loaded:
        _loaded.popitem()[1].close()


def _start(source: Source, options: VllmOptions) -> Engine:
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    tokenizer = read_tokenizer(source)
    checkpoint = checkpoint_of(source)
    with told(source.model):
        vllm = import_module("vllm")
        is_cpu = import_module("vllm.platforms").current_platform.is_cpu()
        dtype = options.dtype if options.dtype != "auto" else "float32" if is_cpu else stored_dtype(source)
        llm = vllm.LLM(
            checkpoint,
            dtype=dtype,
            max_model_len=options.max_model_len or -1,  # -1: as many as memory holds
            gpu_memory_utilization=options.gpu_memory_utilization,
            tensor_parallel_size=options.tensor_parallel_size,
            enable_prefix_caching=True,
            trust_remote_code=False,
            generation_config="vllm",
            use_tqdm_on_load=False,
            **({"enforce_eager": True, "block_size": CPU_BLOCK} if is_cpu else {}),
        )
    return Engine(llm, tokenizer, llm.model_config.max_model_len - 1)
