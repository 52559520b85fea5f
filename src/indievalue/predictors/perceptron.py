"""Multilayer perceptron with a softmax over the options of each question, in NumPy."""

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

Floats = NDArray[np.float32]
Parameters = dict[str, Floats]

_MOMENTUM, _SQUARES = 0.9, 0.99
"""Decay of Adam's averages of gradients and of their squares."""

_WARM = 0.1
"""Share of the steps in which the learning rate rises; afterwards it falls as a cosine does."""

_FEWEST_STEPS, _SMALLEST = 60, 16
"""Batches are smaller, but not below the latter, where an epoch would otherwise have fewer steps."""


@dataclass(frozen=True)
class PerceptronOptions:
    """Size of the network and how it is trained; the defaults were chosen on validation people of WVS-7.

    Attributes:
        hidden: width of each hidden layer. layers: their number. epochs: passes over the people. batch: people in a
            step, at most. rate: peak learning rate. decay: weight decay of AdamW. dropout: dropout rate of hidden
            units. seed: seed of the initial weights, the order of people and the dropout.
    """

    hidden: int = 384
    layers: int = 2
    epochs: int = 14
    batch: int = 256
    rate: float = 4e-3
    decay: float = 0.3
    dropout: float = 0.4
    seed: int = 0


class _Block(NamedTuple):
    """Questions with the same number of ``options``, side by side: where they and their columns start and end."""

    first: int
    last: int
    start: int
    end: int
    options: int


class Perceptron:
    """Hidden layers with rectified linear units, and a linear layer beside them from the input to the output.

    Trained by AdamW to minimize the log loss, summed over the questions that a person answered. It runs on one core,
    so that the result does not depend on their number.

    >>> inputs = np.tile(np.eye(2, dtype=np.float32), (100, 1))
    >>> answers = np.tile(np.array([[0, 2], [1, -1]], np.int8), (100, 1))  # -1 is a missing answer
    >>> network = Perceptron().fit(inputs, answers, np.array([2, 3]))
    >>> network.probabilities(inputs[:2]).round(1)[:, 0].tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """

    def __init__(self, options: PerceptronOptions | None = None) -> None:
        self.options = options or PerceptronOptions()

    def fit(self, inputs: Floats, answers: NDArray[np.int8], counts: NDArray[np.int64]) -> Self:
        """Train on people's ``inputs`` (people × columns) and ``answers`` (people × questions; -1 is missing).

        ``counts`` (questions,) is the number of options of each question.
        """
        options, rng = self.options, np.random.default_rng(self.options.seed)
        self.order_ = np.argsort(counts, kind="stable")
        self.blocks_ = _blocks(counts[self.order_])
        answers = answers[:, self.order_]
        self.parameters_ = self._initial(inputs, answers, rng)
        batch = min(options.batch, max(len(inputs) // _FEWEST_STEPS, _SMALLEST))
        steps = options.epochs * -(-len(inputs) // batch)
        optimizer = _AdamW(self.parameters_, options, steps)
        with threadpool_limits(1, "blas"):
            for _ in range(options.epochs):
                people = rng.permutation(len(inputs))
                for start in range(0, len(people), batch):
                    some = people[start : start + batch]
                    optimizer.step(self._gradients(inputs[some], answers[some], rng))
        return self

    def probabilities(self, inputs: Floats) -> Floats:
        """Return probabilities of options (people × questions × most options), padded with 0."""
        weights = self.parameters_
        with threadpool_limits(1, "blas"):
            state = inputs
            for layer in range(self.options.layers):
                state = np.maximum(state @ weights[f"into {layer}"] + weights[f"bias {layer}"], 0)
            logits = state @ weights["onto"] + inputs @ weights["direct"] + weights["bias"]
        out = np.zeros((len(inputs), len(self.order_), self.blocks_[-1].options), np.float32)
        for block in self.blocks_:
            out[:, self.order_[block.first : block.last], : block.options] = _softmax(logits, block)
        return out

    def _initial(self, inputs: Floats, answers: NDArray[np.int8], rng: np.random.Generator) -> Parameters:
        """Return random weights of the hidden layers, and the log base rates as the bias of the output."""
        hidden, outputs = self.options.hidden, self.blocks_[-1].end
        size, length = inputs.shape[1], max(float((inputs**2).sum(axis=1).mean()), 1.0)  # its mean square
        weights: Parameters = {}
        for layer in range(self.options.layers):
            weights[f"into {layer}"] = rng.normal(0, 1 / np.sqrt(length), (size, hidden)).astype(np.float32)
            weights[f"bias {layer}"] = np.zeros(hidden, np.float32)
            size, length = hidden, float(hidden)
        weights["onto"] = rng.normal(0, 0.1 / np.sqrt(size), (size, outputs)).astype(np.float32)
        weights["direct"] = np.zeros((inputs.shape[1], outputs), np.float32)
        weights["bias"] = np.concatenate([_log_rates(answers, block) for block in self.blocks_]).astype(np.float32)
        return weights

    def _gradients(self, inputs: Floats, answers: NDArray[np.int8], rng: np.random.Generator) -> Parameters:
        """Return the gradient of the mean log loss of a batch."""
        weights, states, passes = self.parameters_, [inputs], []
        for layer in range(self.options.layers):
            state = states[-1] @ weights[f"into {layer}"] + weights[f"bias {layer}"]
            kept = (state > 0) & (rng.random(state.shape, dtype=np.float32) >= self.options.dropout)
            passes.append(kept.astype(np.float32) / np.float32(1 - self.options.dropout))
            states.append(state * passes[-1])
        logits = states[-1] @ weights["onto"] + inputs @ weights["direct"] + weights["bias"]
        error = np.empty_like(logits)
        for block in self.blocks_:
            error[:, block.start : block.end] = _error(logits, answers, block)
        error /= len(inputs)
        found = {"onto": states[-1].T @ error, "direct": inputs.T @ error, "bias": error.sum(axis=0)}
        back = error @ weights["onto"].T
        for layer in reversed(range(self.options.layers)):
            back = back * passes[layer]
            found[f"into {layer}"] = states[layer].T @ back
            found[f"bias {layer}"] = back.sum(axis=0)
            if layer:
                back = back @ weights[f"into {layer}"].T
        return found


class _AdamW:
    """AdamW (Loshchilov & Hutter 2019), which changes ``parameters`` in place."""

    def __init__(self, parameters: Parameters, options: PerceptronOptions, steps: int) -> None:
        self.parameters, self.options, self.steps, self.taken = parameters, options, steps, 0
        self.means = {name: np.zeros_like(value) for name, value in parameters.items()}
        self.squares = {name: np.zeros_like(value) for name, value in parameters.items()}

    def step(self, gradients: Parameters) -> None:
        self.taken += 1
        done = self.taken / self.steps
        rate = self.options.rate * min(1, done / _WARM) * (1 + np.cos(np.pi * done)) / 2
        step = rate / (1 - _MOMENTUM**self.taken)
        scale = 1 / np.sqrt(1 - _SQUARES**self.taken)
        for name, gradient in gradients.items():
            mean, square, value = self.means[name], self.squares[name], self.parameters[name]
            mean *= np.float32(_MOMENTUM)
            mean += np.float32(1 - _MOMENTUM) * gradient
            square *= np.float32(_SQUARES)
            square += np.float32(1 - _SQUARES) * gradient**2
            if value.ndim == 2:  # biases are not drawn towards 0
                value *= np.float32(1 - rate * self.options.decay)
            value -= np.float32(step) * mean / (np.float32(scale) * np.sqrt(square) + np.float32(1e-8))


def _blocks(counts: NDArray[np.int64]) -> list[_Block]:
    """Return the blocks of questions with the same number of options; ``counts`` is in ascending order."""
    blocks, start = [], 0
    for options in np.unique(counts).tolist():
        first, last = np.searchsorted(counts, [options, options + 1]).tolist()
        blocks.append(_Block(first, last, start, start + (last - first) * options, options))
        start = blocks[-1].end
    return blocks


def _softmax(logits: Floats, block: _Block) -> Floats:
    """Return the probabilities of a block (people × questions × options)."""
    odds = logits[:, block.start : block.end].reshape(len(logits), -1, block.options)
    odds = np.exp(odds - odds.max(axis=2, keepdims=True))
    return np.asarray(odds / odds.sum(axis=2, keepdims=True))


def _error(logits: Floats, answers: NDArray[np.int8], block: _Block) -> Floats:
    """Return the gradient of the log loss in the logits of a block (people × columns), 0 for missing answers."""
    error, chosen = _softmax(logits, block), answers[:, block.first : block.last]
    error[chosen < 0] = 0
    person, question = np.nonzero(chosen >= 0)
    error[person, question, chosen[person, question]] -= 1
    return error.reshape(len(error), -1)


def _log_rates(answers: NDArray[np.int8], block: _Block) -> NDArray[np.float64]:
    """Return the log of the smoothed share of people who chose each option of a block (columns,)."""
    chosen = answers[:, block.first : block.last]
    counts = np.stack([(chosen == option).sum(axis=0) + 0.5 for option in range(block.options)], axis=1)
    return np.asarray(np.log(counts / counts.sum(axis=1, keepdims=True)).ravel())
