"""Score continuations with a model: the shared prefix of a person's texts is read only once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import DynamicCache

from indievalue.predictors.local.tree import Item, Pack, packs_of, trunk_of

TRUNK = 8192
"""Tokens of a shared prefix that are read in one pass."""

LEAST_PASS, PASS_GROWTH = 512, 280
"""Tokens read in one pass of a CPU, at least, and how their square grows with a shared prefix: see `pass_after`."""

ENOUGH = 256
"""Tokens of a shared prefix that suffice to test whether a model can share it."""

_ROWS = 512
"""Rows of logits normalized at once, since a row may have 250,000 entries."""

TOLERANCE = {torch.float32: 1e-3}
"""Tolerance between log-probabilities of a text read in the tree and alone; 0.5 in lower precision."""


@dataclass
class Reader:
    """A causal language model that gives log-probabilities of continuations.

    Two of the first texts are read both ways, in a tree and alone. If a model does not support the tree's attention
    mask (recurrent models, position biases), the scores differ, and every text is read alone from then on.

    Attributes:
        model: of transformers, in evaluation mode. keeps: whether its forward takes ``logits_to_keep``.
        batch: tokens read in one pass; 0 for what suits a CPU. say: called with a message if texts must be read alone.
        shares: whether prefixes are shared; None before that is known. advanced: called with the number of items that
            have been read since the last call.
        computed: number of tokens read so far. tolerance: of the test; None for that of the weights' dtype.
    """

    model: Any
    keeps: bool
    batch: int = 0
    say: Callable[[str], None] = lambda message: None
    shares: bool | None = None
    advanced: Callable[[int], None] = lambda items: None
    computed: int = field(default=0)
    tolerance: float | None = None

    def scores(self, items: Sequence[Item]) -> NDArray[np.float64]:
        """Return the natural log-probability of each item's whole continuation."""
        return self._tree(items) if self.can_share(items) else self.alone(items)

    def can_share(self, items: Sequence[Item]) -> bool:
        """Return whether the model can share prefixes, which is tested once, on two of the ``items``."""
        if self.shares is None:
            self.shares = self._test_sharing(items)
        return self.shares

    @torch.no_grad()
    def alone(self, items: Sequence[Item]) -> NDArray[np.float64]:
        """Return the same, reading every text alone; slow, but correct for every model."""
        scores = np.empty(len(items))
        read: dict[tuple[int, ...], list[int]] = {}
        for at, item in enumerate(items):
            read.setdefault(item.read, []).append(at)
        for tokens, same in read.items():
            nodes, following, of = (
                torch.tensor(column, device=self._device)
                for column in zip(
                    *(
                        (len(items[at].context) - 1 + place, token, at)
                        for at in same
                        for place, token in enumerate(items[at].continuation)
                    ),
                    strict=True,
                )
            )
            logits = self._forward(torch.tensor([tokens], device=self._device), nodes, use_cache=False)
            scores[same] = 0.0
            np.add.at(scores, of.cpu().numpy(), _log_probabilities(logits, following))
            self.advanced(len(same))
        return scores

    @property
    def _device(self) -> torch.device:
        return torch.device(self.model.get_input_embeddings().weight.device)

    @torch.no_grad()
    def _tree(self, items: Sequence[Item]) -> NDArray[np.float64]:
        scores = np.zeros(len(items))
        trunk = trunk_of(items)
        cache = DynamicCache()
        for start in range(0, len(trunk), TRUNK):
            tokens = torch.tensor([trunk[start : start + TRUNK]], device=self._device)
            positions = torch.arange(start, start + tokens.shape[1], device=self._device)[None]
            self._forward(tokens, tokens.new_zeros(1), past_key_values=cache, position_ids=positions, use_cache=True)
        for pack in packs_of(items, len(trunk), self.batch or pass_after(len(trunk))):
            np.add.at(scores, pack.items, self._pack(pack, cache, len(trunk)))
            _shorten(cache, len(trunk))
            self.advanced(len(np.unique(pack.items)))
        return scores

    def _pack(self, pack: Pack, cache: DynamicCache, trunk: int) -> NDArray[np.float64]:
        nodes, targets = np.unique(pack.nodes, return_inverse=True)
        logits = self._forward(
            torch.from_numpy(pack.tokens)[None].to(self._device),
            torch.from_numpy(nodes).to(self._device),
            past_key_values=cache,
            position_ids=torch.from_numpy(pack.positions + trunk)[None].to(self._device),
            attention_mask=self._masks(pack, trunk) if trunk or not pack.chain else None,
            use_cache=True,
        )
        following = torch.from_numpy(pack.following).to(self._device)
        return _log_probabilities(logits, following, torch.from_numpy(targets).to(self._device))

    def _masks(self, pack: Pack, trunk: int) -> Tensor | dict[str, Tensor]:
        """Return the attention masks: a node sees the trunk and its own text, within the sliding window if any."""
        config = self.model.config.get_text_config()
        window, kinds = getattr(config, "sliding_window", None), set(getattr(config, "layer_types", None) or ())
        sees = np.concatenate([np.ones((len(pack.tokens), trunk), bool), pack.sees], axis=1)
        if not window or kinds == {"full_attention"}:
            return self._mask(sees)
        places = np.concatenate([np.arange(trunk), pack.positions + trunk])
        near = sees & (places > (pack.positions + trunk)[:, None] - window)
        if not kinds:
            return self._mask(near)
        return {"full_attention": self._mask(sees), "sliding_attention": self._mask(near)}

    def _mask(self, sees: NDArray[np.bool_]) -> Tensor:
        """Return an additive attention mask (1 × 1 × nodes × trunk and nodes): 0 for what is seen."""
        hidden = torch.from_numpy(~sees).to(self._device)
        mask = torch.zeros(hidden.shape, dtype=self.model.dtype, device=self._device)
        return mask.masked_fill_(hidden, torch.finfo(mask.dtype).min)[None, None]

    def _forward(self, tokens: Tensor, nodes: Tensor, **arguments: Any) -> Tensor:
        """Return logits (nodes × vocabulary) at these positions of the text in ``tokens``."""
        self.computed += tokens.shape[1]
        if self.keeps:
            logits: Tensor = self.model(input_ids=tokens, logits_to_keep=nodes, **arguments).logits[0]
        else:
            logits = self.model(input_ids=tokens, **arguments).logits[0, nodes]
        return logits

    def _test_sharing(self, items: Sequence[Item]) -> bool:
        config = self.model.config.get_text_config()
        rope = getattr(config, "rope_parameters", None) or {}
        whole = getattr(config, "sliding_window", None) or rope.get("rope_type", "default") != "default"
        cut = 0 if whole else max(0, len(trunk_of(items)) - ENOUGH)  # reading all of it could show no more
        chosen = [max(items, key=lambda item: len(item.read)), min(items, key=lambda item: item.read)]
        chosen = [Item(item.context[cut:], item.continuation) for item in chosen]
        before = self.computed
        expected = self.alone(chosen)
        try:
            found = self._tree(chosen)
        except (TypeError, ValueError, RuntimeError, AttributeError, KeyError, IndexError, AssertionError) as error:
            if isinstance(error, torch.OutOfMemoryError):
                raise
            found = np.full(len(chosen), np.nan)
        self.computed = before
        if np.abs(found - expected).max() <= (self.tolerance or TOLERANCE.get(self.model.dtype, 0.5)):
            return True
        self.say("this model cannot share what prompts have in common; each is read alone, which takes longer")
        return False


def pass_after(trunk: int) -> int:
    """Return the number of tokens that a CPU reads fastest in one pass after a shared prefix of ``trunk`` tokens.

    A pass copies the prefix, which takes time in proportion to its length, and each of its tokens is compared with all
    others of the pass, of other prompts as well, which takes time in proportion to their number. Their sum is least at
    a number in proportion to the root of the prefix, as measured with SmolLM2; below 512, products of matrices are
    slower.

    >>> pass_after(30), pass_after(3700)
    (512, 1017)
    """
    return max(LEAST_PASS, int((PASS_GROWTH * trunk) ** 0.5))


def _log_probabilities(logits: Tensor, following: Tensor, rows: Tensor | None = None) -> NDArray[np.float64]:
    """Return the log-probability of each token of ``following`` (targets,) given its row of ``logits``."""
    total = torch.cat([part.float().logsumexp(dim=-1) for part in torch.split(logits, _ROWS)])
    rows = torch.arange(len(following), device=logits.device) if rows is None else rows
    return (logits[rows, following].float() - total[rows]).double().cpu().numpy()


def _shorten(cache: Any, length: int) -> None:
    """Crop the cache to the first ``length`` tokens, without a copy."""
    for layer in cache.layers:
        layer.keys, layer.values = layer.keys[..., :length, :], layer.values[..., :length, :]
