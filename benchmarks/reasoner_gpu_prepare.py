"""Write examples of a few statements that tell most about a probe, to train a reasoner on a GPU.

    python benchmarks/reasoner_gpu_prepare.py DATA --out examples.npz     # on any computer, minutes
    python benchmarks/reasoner_gpu_train.py examples.npz --model MODEL --out trained --compile      # on the GPU
    python benchmarks/reasoner_gpu_report.py DATA examples.npz trained

Questions are ranked for each probe by what they add to those ranked before, as `--show relevant:K` does, with the
covariances of the training people. Nobody who is tested is in the training or validation part, in the ranking, or in
the teacher: `gaussian` given all statements outside the setup, fitted on the other half of the training people. With
`--template brief --shown 3 --taught 2000`, prompts have no words but statements and answers, and the teacher is given
three statements of 2,000 people, which takes a few minutes.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import NOBODY, Benchmark, Settings
from indievalue.choices import RECIPE_TEMPLATES
from indievalue.people.people import People
from indievalue.predictors.gaussian import Gaussian
from indievalue.predictors.local.wording import Wording
from indievalue.predictors.ranking import Covariances
from indievalue.prompts.prompt import Prompt, PromptStyle, prompts_of
from indievalue.reasoner.model import load_tokenizer, source_of
from indievalue.reasoner.tokens import space_before
from indievalue.seeded import keys
from indievalue.synthetic.source import people_from

DEPTH = 40
"""Questions ranked for each probe: enough that everybody has answered some."""

VALIDATED = 100
"""Validation people, who are asked all probes."""

CHECKED = 200
"""Examples whose tokens are compared with those of the whole prompt."""

Integers = NDArray[np.int64]


def main() -> None:
    """Write the examples."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="survey file")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    parser.add_argument("--people", type=int, default=800, help="number of people to test [default: 800]")
    parser.add_argument("--model", default="smollm2", help="model whose tokenizer is used [default: smollm2]")
    parser.add_argument("--template", choices=RECIPE_TEMPLATES, default="single", help="words of the prompts")
    parser.add_argument("--shown", type=int, help="most informative statements the teacher is given [default: all]")
    parser.add_argument("--taught", type=int, help="number of people with a teacher [default: all]")
    options = parser.parse_args()
    prepare(people_from(options.data), options.out, options)


def prepare(people: People, out: Path, options: argparse.Namespace) -> None:
    """Write ``out``: tokens of all pieces of prompts, everybody's answers, who is in which part, and the ranking."""
    benchmark = benchmark_of(people, options.people)
    probes = benchmark.setups[0].probes
    parts = divide(people, benchmark.people.ids)
    learned_from = people.take(parts["train"])
    print("ranking …", flush=True)
    ranking = rank(learned_from, probes)
    print("teacher …", flush=True)
    style = PromptStyle(options.template)
    wording = Wording.of(load_tokenizer(source_of(options.model)), "auto" if options.template == "single" else "no")
    pieces = Pieces.of(people, wording, style)
    pieces.check(people, wording, ranking, parts["train"][:CHECKED], style)
    np.savez_compressed(
        out,
        **pieces.arrays(),
        **parts,
        shown=people.options("refined"),
        answers=people.options("polar"),
        ranking=ranking,
        probes=probes,
        unseen=probes[1::3],  # the probes come in threes of one category
        teacher=teach(people, parts["train"], probes, ranking, options),
    )
    sizes = {name: len(rows) for name, rows in parts.items()}
    print(f"{out}: {sizes} people, {len(probes)} probes, {out.stat().st_size / 2**20:.1f} MB")


def benchmark_of(people: People, tested: int | Sequence[str]) -> Benchmark:
    """Return the benchmark: polar probes of setup 0, refined statements."""
    settings = Settings(form="polar", demonstrations_as="refined", setups=(0,), demonstrations=0)
    return build_benchmark(people, settings, tested)


def divide(people: People, tested: NDArray[np.str_]) -> dict[str, Integers]:
    """Return the rows of the people of each part."""
    free = np.flatnonzero(~np.isin(people.ids, tested))
    order = np.argsort(keys(0, "validation people", people.ids[free].tolist()), kind="stable")
    return {
        "train": np.sort(free[order[VALIDATED:]]),
        "validation": np.sort(free[order[:VALIDATED]]),
        "tested": np.flatnonzero(np.isin(people.ids, tested)),
    }


def rank(learned_from: People, probes: Integers) -> NDArray[np.int16]:
    """Return for each question the others that tell most about it, best first (questions × DEPTH).

    None of the ``probes`` is among them, so that what is learned from other questions never shows a probe's answer.
    """
    questions = np.arange(len(learned_from.survey.questions))
    allowed = ~np.isin(questions, probes) & ~np.eye(len(questions), dtype=bool)
    covariances = Covariances.of(learned_from, "polar", "refined")
    return covariances.ranked(questions, allowed, DEPTH)[:, :DEPTH]


def teach(
    people: People, rows: Integers, probes: Integers, ranking: NDArray[np.int16], options: argparse.Namespace
) -> NDArray[np.uint8]:
    """Return probabilities of the probes' options in 255ths (people × probes × options), 0 for people not taught.

    Each half of the people in ``rows`` is predicted by what the other half taught, from all of their statements outside
    the setup, or from those that tell most about a probe.
    """
    taught = np.zeros((len(people), len(probes), int(people.survey.form("polar").counts[probes].max())), np.uint8)
    shuffled = rows[np.argsort(keys(0, "teacher", people.ids[rows].tolist()), kind="stable")]
    halves = shuffled[::2], shuffled[1::2]
    for learned, others in (halves, halves[::-1]):
        gaussian = Gaussian().fit(people.take(np.sort(learned)), "polar", "refined")
        asked = others if options.taught is None else others[: options.taught // 2]
        for start in range(0, len(asked), 1000):
            some = asked[start : start + 1000]
            answers = people.options("refined")[some].astype(np.int8)
            answers[:, probes] = NOBODY
            if options.shown is None:
                taught[some] = _in_255ths(gaussian, answers, probes)
                continue
            for place, probe in enumerate(probes.tolist()):
                shown = _most_informative(answers, ranking[probe], options.shown)
                taught[some, place] = _in_255ths(gaussian, shown, probes[place : place + 1], taught.shape[2])[:, 0]
    return taught


def _in_255ths(
    gaussian: Gaussian, shown: NDArray[np.int8], probes: Integers, options: int | None = None
) -> NDArray[np.uint8]:
    probabilities = np.round(255 * gaussian.calibration_.apply(*gaussian.expected(shown, None, probes)))
    missing = (options or probabilities.shape[2]) - probabilities.shape[2]
    return np.pad(probabilities.astype(np.uint8), ((0, 0), (0, 0), (0, missing)))


def _most_informative(answers: NDArray[np.int8], ranked: NDArray[np.int16], number: int) -> NDArray[np.int8]:
    """Return the answers to the first questions ranked that each person has answered, -1 elsewhere."""
    known = answers[:, ranked] >= 0
    person, place = np.nonzero(known & (known.cumsum(axis=1) <= number))
    shown = np.full_like(answers, NOBODY)
    shown[person, ranked[place]] = answers[person, ranked[place]]
    return shown


@dataclass(frozen=True)
class Pieces:
    """Prompts cut into pieces, whose tokens are joined to those of a prompt.

    Attributes:
        tokens: of each piece; the first piece is empty. head: the piece before the statements.
        statement: int32 (questions × most options), the piece of each refined statement. probe: int32 (questions,).
        labels: int32 (questions × most options), the token of each polar option's label; -1 pads.
    """

    tokens: list[list[int]]
    head: int
    statement: NDArray[np.int32]
    probe: NDArray[np.int32]
    labels: NDArray[np.int32]

    @classmethod
    def of(cls, people: People, wording: Wording, style: PromptStyle) -> Self:
        """Cut the prompts of a survey for a model's tokenizer."""
        survey, space = people.survey, space_before(wording)
        texts, heads = [""], set()
        statement = np.zeros((len(survey.questions), int(survey.form("refined").counts.max())), np.int32)
        probe = np.zeros(len(survey.questions), np.int32)
        labels = np.full((len(survey.questions), int(survey.form("polar").counts.max())), -1, np.int32)
        for column, question in enumerate(survey.questions):
            for option, one in enumerate(question.options("refined")):
                statement[column, option] = len(texts)
                texts.append(f"- {one.statement}\n")
            prompt = _prompt(people, column, ["statement"], style)
            head, _, tail = wording.text(prompt).partition("- statement\n")
            heads.add(head)
            probe[column] = len(texts)
            texts.append(tail)
            for option, label in enumerate(prompt.probes[0].labels):
                labels[column, option] = wording.tokens_after(tail[-32:], space + label)[0]
        (head,) = heads
        texts.append(head)
        tokens = wording.tokenizer(texts, add_special_tokens=False)["input_ids"]
        return cls(tokens, len(texts) - 1, statement, probe, labels)

    def arrays(self) -> dict[str, NDArray[Any] | int]:
        """Return the arrays to save."""
        return {
            "tokens": np.concatenate([np.array(piece, np.int32) for piece in self.tokens]),
            "starts": np.cumsum([0, *map(len, self.tokens)]),
            "head": self.head,
            "statement": self.statement,
            "probe": self.probe,
            "labels": self.labels,
        }

    def check(
        self, people: People, wording: Wording, ranking: NDArray[np.int16], rows: Integers, style: PromptStyle
    ) -> None:
        """Raise an error if the joined tokens differ from those of the whole prompt, for one question of each row."""
        shown = people.options("refined")
        for number, row in enumerate(rows.tolist()):
            question = number % len(ranking)
            columns = [one for one in ranking[question].tolist() if shown[row, one] >= 0][:6]
            statements = [people.survey.questions[one].options("refined")[shown[row, one]].statement for one in columns]
            whole = wording.tokenizer(
                wording.text(_prompt(people, question, statements, style)), add_special_tokens=False
            )
            parts = [self.head, *(self.statement[one, shown[row, one]] for one in columns), self.probe[question]]
            if [token for part in parts for token in self.tokens[part]] != whole["input_ids"]:
                raise RuntimeError(f"pieces do not join to the prompt of {people.survey.questions[question].id}")


def _prompt(people: People, question: int, statements: list[str], style: PromptStyle) -> Prompt:
    """Return the prompt of `evaluate` that shows ``statements`` and asks the question of column ``question``."""
    asked = people.survey.questions[question]
    options = [option.statement for option in asked.options("polar")]
    (prompt,) = prompts_of(
        {
            "person": "",
            "setup": 0,
            "form": "polar",
            "demographics": [],
            "demonstrations": [{"question": "", "statement": one} for one in statements],
            "probes": [{"question": asked.id, "asks": asked.asks, "options": options}],
        },
        style,
    )
    return prompt


if __name__ == "__main__":
    main()
