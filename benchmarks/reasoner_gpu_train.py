"""Train a small language model on the examples of `reasoner_gpu_prepare.py`, all weights, on one GPU.

    python benchmarks/reasoner_gpu_train.py examples.npz --model MODEL --out trained [--runs plain] [--seconds 130]

Needs torch and transformers alone. MODEL is a directory or a GGUF file of a Llama model, whose tokenizer made the
examples.
Each training starts from MODEL, lasts a given time, and is validated ten times; tested people are predicted at its end.
Written to `trained`: NAME.json with the curve, NAME.npz with the probabilities of the tested people's answers.
"""

import argparse
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

Array = NDArray[Any]

CHUNK = 8192
"""Examples drawn at once, and sorted by length."""

MADE_UP = {"random": (576, 30), "tiny": (192, 2)}
"""Width and layers of models with random weights: one of the size of SmolLM2-135M, and one to try this out."""

VALIDATIONS = 10
WARMUP = 0.04


@dataclass(frozen=True)
class Plan:
    """What a training is given: the share of the teacher in its targets, statements, and the questions asked.

    ``taught`` asks only people who have a teacher. ``random`` shows the statements at random instead of the most
    informative. ``everything`` asks all questions of the survey but those that are kept unseen, and not the setup's
    probes alone.
    """

    teacher: float = 0.0
    statements: int = 6
    taught: bool = False
    random: bool = False
    everything: bool = False


PLANS = {
    "plain": Plan(),
    "distilled": Plan(teacher=0.7),
    "unseen": Plan(everything=True),
    "taught": Plan(teacher=1.0, statements=3, taught=True),
    "random": Plan(statements=20, random=True),
}


@dataclass(frozen=True)
class Drawn:
    """Examples: pieces of their prompts (examples × pieces), their label tokens, and target probabilities."""

    pieces: Array
    labels: Array
    targets: Array

    def __len__(self) -> int:
        return len(self.pieces)


class Examples:
    """The file of `reasoner_gpu_prepare.py`."""

    def __init__(self, file: Path) -> None:
        self.file = dict(np.load(file))
        self.tokens, self.starts = self.file["tokens"], self.file["starts"]
        self.lengths = np.diff(self.starts)
        self.answers, self.shown = self.file["answers"], self.file["shown"]
        self.place = np.full(self.answers.shape[1], -1)
        self.place[self.file["probes"]] = np.arange(len(self.file["probes"]))

    def pairs(self, part: str, plan: Plan | None = None) -> tuple[Array, Array]:
        """Return people and questions of a part: all probes, or what ``plan`` asks."""
        questions = self.file["probes"]
        if plan and plan.everything:
            questions = np.setdiff1d(np.arange(self.answers.shape[1]), self.file["unseen"])
        rows = self.file[part]
        if plan and plan.taught:
            rows = rows[self.file["teacher"][rows].any(axis=(1, 2))]
        person, place = np.nonzero(self.answers[np.ix_(rows, questions)] >= 0)
        return rows[person], questions[place]

    def draw(self, rows: Array, questions: Array, plan: Plan, random: np.random.Generator) -> Drawn:
        """Return the examples that ask these people these questions."""
        candidates = self.file["ranking"][questions]
        if plan.random:
            outside = np.setdiff1d(np.arange(self.answers.shape[1]), self.file["probes"])
            keys = random.random((len(rows), len(outside)))
            keys[(self.shown[rows][:, outside] < 0) | (outside[None] == questions[:, None])] = 2
            candidates = outside[np.argsort(keys, axis=1)[:, : plan.statements]]
        options = self.shown[rows[:, None], candidates]
        known = options >= 0
        known &= np.cumsum(known, axis=1) <= plan.statements
        statements = np.where(known, self.file["statement"][candidates, options], 0)
        statements = np.take_along_axis(statements, np.argsort(~known, axis=1, kind="stable"), axis=1)
        statements = statements[:, : plan.statements][:, ::-1]  # the one that tells most comes last
        head = np.full(len(rows), self.file["head"])
        pieces = np.column_stack([head, statements, self.file["probe"][questions]])
        labels = self.file["labels"][questions]
        targets = (np.arange(labels.shape[1]) == self.answers[rows, questions][:, None]).astype(np.float32)
        if plan.teacher:
            taught = self.file["teacher"][rows, self.place[questions]].astype(np.float32)
            taught = np.pad(taught, ((0, 0), (0, labels.shape[1] - taught.shape[1])))
            total = taught.sum(axis=1, keepdims=True)
            share = plan.teacher * (total > 0)
            targets = (1 - share) * targets + share * taught / np.maximum(total, 1)
        return Drawn(pieces, labels, targets)

    def padded(self, pieces: Array) -> tuple[Array, Array]:
        """Return the tokens of prompts, padded with zeros to a multiple of 16, and the place of the last one."""
        lengths = self.lengths[pieces]
        totals = lengths.sum(axis=1)
        flat = lengths.ravel()
        within = np.arange(flat.sum()) - np.repeat(np.cumsum(flat) - flat, flat)
        tokens = self.tokens[np.repeat(self.starts[pieces.ravel()], flat) + within]
        out = np.zeros((len(pieces), -(-int(totals.max()) // 16) * 16), np.int64)
        column = np.arange(totals.sum()) - np.repeat(np.cumsum(totals) - totals, totals)
        out[np.repeat(np.arange(len(pieces)), totals), column] = tokens
        return out, totals - 1


class Network:
    """The model, and how it reads batches."""

    def __init__(self, model: Any, device: str, batch: int, compiled: bool) -> None:
        self.model, self.device, self.batch = model.to(device).train(), device, batch
        if compiled:
            for layer in self.model.model.layers:
                layer.compile(dynamic=True)
        self.initial = {name: value.clone() for name, value in self.model.state_dict().items()}
        body = sum(weight.numel() for weight in self.model.model.layers.parameters())
        self.operations = 6 * body
        """Floating-point operations for each token of a training, attention left out."""

    def batches(self, examples: Examples, drawn: Drawn) -> Iterator[tuple[Array, Array, Array]]:
        """Yield batches of similar length: positions in ``drawn``, tokens, and the place of the last token."""
        totals = examples.lengths[drawn.pieces].sum(axis=1)
        order, start, batches = np.argsort(-totals, kind="stable"), 0, []
        while start < len(order):
            number = max(1, self.batch // int(totals[order[start]]))
            batches.append(order[start : start + number])
            start += number
        for at in np.random.default_rng(len(drawn)).permutation(len(batches)):
            yield batches[at], *examples.padded(drawn.pieces[batches[at]])

    def logits(self, tokens: Array, last: Array) -> torch.Tensor:
        """Return the logits of the token after each prompt (examples × vocabulary)."""
        read = torch.from_numpy(tokens).to(self.device, non_blocking=True)
        with torch.autocast(self.device, torch.bfloat16, enabled=self.device == "cuda"):
            hidden = self.model.model(input_ids=read, use_cache=False).last_hidden_state
            chosen = hidden[torch.arange(len(last), device=self.device), torch.from_numpy(last).to(self.device)]
            return self.model.lm_head(chosen).float()

    def loss(self, tokens: Array, last: Array, labels: Array, targets: Array) -> torch.Tensor:
        """Return the mean cross-entropy of the labels' tokens with the targets."""
        logs = self.logits(tokens, last).log_softmax(dim=-1)
        at = torch.from_numpy(np.maximum(labels, 0).astype(np.int64)).to(self.device)
        wanted = torch.from_numpy(targets.astype(np.float32)).to(self.device)
        return -(wanted * logs.gather(1, at)).sum() / len(labels)

    @torch.no_grad()
    def probabilities(self, examples: Examples, drawn: Drawn) -> Array:
        """Return the probability of each option (examples × options)."""
        found = np.zeros(drawn.labels.shape, np.float32)
        for at, tokens, last in self.batches(examples, drawn):
            labels = drawn.labels[at]
            logits = self.logits(tokens, last)
            columns = torch.from_numpy(np.maximum(labels, 0).astype(np.int64)).to(self.device)
            chosen = logits.gather(1, columns).masked_fill(torch.from_numpy(labels < 0).to(self.device), -1e9)
            found[at] = chosen.softmax(dim=-1).cpu().numpy()
        return found


def scores(probabilities: Array, targets: Array, group: Array) -> dict[str, float]:
    """Return the accuracy and log loss over all answers, and the accuracy over those in ``group`` and the others."""
    right = probabilities.argmax(axis=1) == targets.argmax(axis=1)
    loss = -np.log(np.maximum((probabilities * targets).sum(axis=1), 1e-6))
    return {
        "accuracy": float(right.mean()),
        "log_loss": float(loss.mean()),
        "accuracy_unseen": float(right[group].mean()),
        "accuracy_others": float(right[~group].mean()),
    }


class Training:
    """One training, from the initial weights."""

    def __init__(self, network: Network, examples: Examples, plan: Plan, options: argparse.Namespace) -> None:
        self.network, self.examples, self.plan, self.options = network, examples, plan, options
        network.model.load_state_dict(network.initial)
        layers = network.model.model.layers
        last = options.last_layers or len(layers)
        for place, layer in enumerate(layers):
            layer.requires_grad_(place >= len(layers) - last)
        network.model.model.embed_tokens.requires_grad_(options.last_layers is None)
        self.cost = (last + (len(layers) - last) / 3) / len(layers)
        self.trained = [weight for weight in network.model.parameters() if weight.requires_grad]
        self.optimizer = torch.optim.AdamW(
            self.trained, options.rate, (0.9, 0.98), weight_decay=0.0, fused=network.device == "cuda"
        )
        fixed = np.random.default_rng(1)
        self.validation_pairs = examples.pairs("validation")
        self.validation = examples.draw(*self.validation_pairs, plan, fixed)
        self.curve: list[dict[str, float]] = []
        self.asked = self.tokens = self.steps = 0
        self.paused = 0.0

    def run(self, seconds: float) -> dict[str, Any]:
        """Train for so many seconds, validations not counted, or a number of tokens; return the curve and the cost."""
        self.validate(0.0)
        self.start, self.paused, due = time.monotonic(), 0.0, 1
        for batch in self.stream():
            elapsed = time.monotonic() - self.start - self.paused
            budget = self.options.budget
            progress = min(1.0, self.tokens * self.cost / budget if budget else elapsed / seconds)
            if progress >= due / VALIDATIONS or (self.options.steps and self.steps >= self.options.steps):
                due = int(progress * VALIDATIONS) + 1
                self.validate(elapsed)
                if progress == 1.0 or self.options.steps:
                    break
            self.step(batch, progress)
        last = self.curve[-1]
        rate = self.tokens / last["seconds"]
        return {
            "curve": self.curve,
            "tokens": self.tokens,
            "seconds": last["seconds"],
            "tokens_per_second": rate,
            "tflops": rate * self.network.operations / 1e12,
            "steps": self.steps,
            "memory_gib": torch.cuda.max_memory_allocated() / 2**30 if torch.cuda.is_available() else None,
        }

    def stream(self) -> Iterator[tuple[Array, Array, Array, Array]]:
        """Yield batches of tokens, last places, labels and targets, each pair of person and question once an epoch."""
        rows, questions = self.examples.pairs("train", self.plan)
        epoch = 0
        with ThreadPoolExecutor(1) as pool:
            while True:
                random = np.random.default_rng(epoch)
                order = random.permutation(len(rows))
                chunks = [order[at : at + CHUNK] for at in range(0, len(order), CHUNK)]
                ahead = pool.submit(self.chunk, rows[chunks[0]], questions[chunks[0]], random)
                for number in range(len(chunks)):
                    ready = ahead.result()
                    following = chunks[(number + 1) % len(chunks)]
                    ahead = pool.submit(self.chunk, rows[following], questions[following], random)
                    yield from ready
                epoch += 1

    def chunk(self, rows: Array, questions: Array, random: np.random.Generator) -> list[tuple[Array, ...]]:
        """Return the batches of some examples."""
        drawn, number = self.examples.draw(rows, questions, self.plan, random), self.options.each_step
        groups: Iterator[tuple[Array, Array, Array]] = self.network.batches(self.examples, drawn)
        if number:
            places = np.split(np.arange(len(drawn)), range(number, len(drawn), number))
            groups = ((at, *self.examples.padded(drawn.pieces[at])) for at in places)
        return [(tokens, last, drawn.labels[at], drawn.targets[at]) for at, tokens, last in groups]

    def step(self, batch: tuple[Array, Array, Array, Array], progress: float) -> None:
        """Take one step; its rate rises over the share WARMUP of the training, then falls to a tenth by a cosine."""
        cosine = 0.55 + 0.45 * np.cos(np.pi * progress)
        for group in self.optimizer.param_groups:
            group["lr"] = self.options.rate * min(1.0, progress / WARMUP) * cosine
        self.network.loss(*batch).backward()
        torch.nn.utils.clip_grad_norm_(self.trained, 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.steps += 1
        self.asked += len(batch[0])
        self.tokens += int((batch[1] + 1).sum())

    def validate(self, elapsed: float) -> None:
        """Add a point to the curve; the time it takes is not counted."""
        began = time.monotonic()
        probabilities = self.network.probabilities(self.examples, self.validation)
        unseen = np.isin(self.validation_pairs[1], self.examples.file["unseen"])
        point = {"examples": self.asked, "seconds": round(elapsed, 1)}
        self.curve.append(point | scores(probabilities, self.validation.targets, unseen))
        print({name: round(value, 4) for name, value in self.curve[-1].items()}, flush=True)
        self.paused += time.monotonic() - began


def predict(network: Network, examples: Examples, plan: Plan) -> dict[str, Array]:
    """Return the tested people's rows and questions, and the probabilities of the options."""
    rows, questions = examples.pairs("tested")
    drawn = examples.draw(rows, questions, replace(plan, teacher=0.0), np.random.default_rng(2))
    return {
        "rows": rows.astype(np.int32),
        "questions": questions.astype(np.int16),
        "probabilities": network.probabilities(examples, drawn).astype(np.float16),
    }


def load(model: str) -> Any:
    """Load the weights in float32."""
    if model in MADE_UP:
        width, layers = MADE_UP[model]
        config = LlamaConfig(
            vocab_size=49152,
            hidden_size=width,
            intermediate_size=width * 8 // 3,
            num_hidden_layers=layers,
            num_attention_heads=width // 64,
            num_key_value_heads=width // 192,
            tie_word_embeddings=True,
        )
        return LlamaForCausalLM(config)
    path = Path(model)
    if path.suffix == ".gguf":
        return AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32)
    return AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)


def warm_up(network: Network, width: int) -> float:
    """Read batches of two sizes, so that nothing is compiled during the training; return seconds a step."""
    for wide in (width, width + 48, width, width, width):
        number = max(1, network.batch // wide)
        tokens, last = np.random.default_rng(0).integers(0, 40000, (number, wide)), np.full(number, wide - 1)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        began = time.monotonic()
        network.loss(tokens, last, np.zeros((number, 4), np.int64), np.full((number, 4), 0.25)).backward()
        network.model.zero_grad(set_to_none=True)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
    taken = time.monotonic() - began
    with torch.no_grad():
        network.logits(tokens, last)
    print(
        f"{network.batch} tokens forward and back in {1000 * taken:.0f} ms, {network.batch / taken:,.0f}/s", flush=True
    )
    return taken


def main() -> None:
    """Train as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("examples", type=Path, help="file that `reasoner_gpu_prepare.py` wrote")
    parser.add_argument(
        "--model", required=True, help="directory or GGUF file of a Llama model; `random`, `tiny`: made up"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--runs", default="plain,distilled,unseen", help=f"some of {','.join(PLANS)}")
    parser.add_argument("--seconds", type=float, default=130, help="length of each training [default: 130]")
    parser.add_argument("--steps", type=int, help="stop each after so many steps, to try it out")
    parser.add_argument("--rate", type=float, default=5e-4, help="peak learning rate [default: 5e-4]")
    parser.add_argument("--batch", type=int, default=32768, help="tokens a step [default: 32768]")
    parser.add_argument("--each-step", type=int, help="examples a step, of any length, in place of --batch")
    parser.add_argument("--last-layers", type=int, help="train only so many of the last layers [default: all weights]")
    parser.add_argument(
        "--budget", type=float, help="tokens to train on in place of --seconds; a frozen layer counts a third"
    )
    parser.add_argument("--compile", action="store_true", help="compile the layers")
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.set_float32_matmul_precision("high")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = Network(load(options.model), device, options.batch, options.compile)
    warm_up(network, 208)
    if options.seconds <= 0:
        return
    examples = Examples(options.examples)
    options.out.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(options.out / "untuned.npz", **predict(network, examples, Plan()))
    for name in options.runs.split(","):
        print(name, flush=True)
        training = Training(network, examples, PLANS[name], options)
        result = training.run(options.seconds)
        (options.out / f"{name}.json").write_text(json.dumps(result, indent=1))
        np.savez_compressed(options.out / f"{name}.npz", **predict(network, examples, PLANS[name]))
        print({key: value for key, value in result.items() if key != "curve"}, flush=True)


if __name__ == "__main__":
    main()
