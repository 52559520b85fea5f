"""Estimate tokens, hours and dollars of scoring a language model on many people, from rates that you state.

The length of a prompt is measured on synthetic people of WVS-7, once with 10 statements chosen for each question, and
once with 200 random ones that all questions of a setup share. Everything else is arithmetic (`cost`), whose assumptions
are its arguments:

- a server computes the tokens that prompts have in common (of one person, in one setup and context) once, and the rest
  of each prompt for itself; answers are one token, read off the probabilities of the labels;
- tokens take 2 operations a parameter; a GPU does `--teraflops` of them at the share `--utilisation`. Attention is left
  out: with 8B parameters it adds about 12% at 3,700 tokens;
- loading the model, the network and failures are left out.
"""

import argparse
from dataclasses import dataclass
from typing import Unpack

import indievalue as iv
from indievalue.benchmark.model import SettingsFields
from indievalue.benchmark.storage import asked_texts
from indievalue.prompts.pool import Pool
from indievalue.prompts.prompt import PromptStyle, prompts_of
from indievalue.prompts.tokens import counter


@dataclass(frozen=True)
class Prompts:
    """The mean length of prompts in tokens: what they have in ``common`` with others, and their ``own`` rest."""

    name: str
    common: float
    own: float


@dataclass(frozen=True)
class Rates:
    """What computing costs: tokens a second of one GPU, number of GPUs, and dollars for an hour of one."""

    tokens_per_second: float
    gpus: int = 8
    dollars: float = 2.5


@dataclass(frozen=True)
class Cost:
    """Prompts, tokens that are computed, hours on all GPUs together, and dollars."""

    prompts: int
    tokens: float
    hours: float
    dollars: float


def tokens_per_second(billions: float, teraflops: float, utilisation: float) -> float:
    """Return the tokens a second of one GPU for a model of so many ``billions`` of parameters.

    >>> round(tokens_per_second(8, 989, 0.4))
    24725
    """
    return teraflops * 1e12 * utilisation / (2 * billions * 1e9)


def cost(prompts: Prompts, rates: Rates, people: int, questions: int, contexts: int, sharing: int = 39) -> Cost:
    """Return the cost of asking ``people`` all ``questions`` in all ``contexts``.

    ``sharing`` questions, those of a setup, have the common part of their prompts; it is computed once for them.

    >>> found = cost(Prompts("x", 100, 10), Rates(1000, gpus=1, dollars=2), people=1000, questions=40, contexts=1)
    >>> found.prompts, found.tokens, round(found.hours, 3), round(found.dollars, 2)
    (40000, 600000.0, 0.167, 0.33)
    """
    asked = people * questions * contexts
    shared = people * -(-questions // sharing) * contexts
    tokens = asked * prompts.own + shared * prompts.common
    hours = tokens / rates.tokens_per_second / rates.gpus / 3600
    return Cost(asked, tokens, hours, hours * rates.gpus * rates.dollars)


def measured(name: str, people: iv.People, tokenizer: str | None, **settings: Unpack[SettingsFields]) -> Prompts:
    """Return the mean length of the prompts about 20 people, and of what those about one person have in common."""
    count, _ = counter(tokenizer)
    drawn = iv.build_benchmark(people, people_tested=20, setups=[0], ranking=iv.rank_statements, **settings)
    style = PromptStyle()
    pool = Pool(style, people)
    written: dict[str, list[str]] = {}
    for _, task in drawn.tasks():
        for text in asked_texts(task):
            for one in prompts_of(text, style, 0, pool.material(task)):
                written.setdefault(text["person"], []).append(one.text)
    common = [count(_shared(texts)) for texts in written.values()]
    whole = [count(text) for texts in written.values() for text in texts]
    shared = sum(common) / len(common)
    return Prompts(name, shared, sum(whole) / len(whole) - shared)


def _shared(texts: list[str]) -> str:
    """Return what all texts begin with."""
    first, last = min(texts), max(texts)
    same = next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[:same]


def rows(kinds: list[Prompts], rates: Rates, cases: list[tuple[str, int, int, int]]) -> list[str]:
    """Return the lines of a table in Markdown."""
    lines = [
        "| what is asked | statements | prompts | tokens a prompt (in common) | tokens computed | hours | dollars |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for title, people, questions, contexts in cases:
        for kind in kinds:
            found = cost(kind, rates, people, questions, contexts)
            lines.append(
                f"| {title} | {kind.name} | {found.prompts / 1e6:,.0f} million "
                f"| {kind.common + kind.own:,.0f} ({kind.common:,.0f}) | {found.tokens / 1e9:,.0f} billion "
                f"| {found.hours:,.0f} | {found.dollars:,.0f} |"
            )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, help="how many", default=94_000)
    parser.add_argument("--questions", type=int, help="how many", default=253)
    parser.add_argument("--contexts", type=int, help="how many", default=4)
    parser.add_argument("--billions", type=float, default=8, help="parameters of the model")
    parser.add_argument("--teraflops", type=float, default=989, help="of a GPU: 989 is an H100 in bfloat16")
    parser.add_argument("--utilisation", type=float, default=0.4, help="share of these that is reached")
    parser.add_argument("--tokens-per-second", type=float, help="of one GPU, in place of the last three")
    parser.add_argument("--gpus", type=int, default=8, help="how many")
    parser.add_argument("--dollars", type=float, default=2.5, help="for an hour of one GPU")
    parser.add_argument("--tokenizer", help="count tokens exactly, with this Hugging Face tokenizer")
    given = parser.parse_args()
    people = iv.synthetic_people(400)
    kinds = [
        measured("10 chosen", people, given.tokenizer, show="relevant:10"),
        measured("200 random", people, given.tokenizer, demonstrations=200),
    ]
    kinds.append(Prompts(f"{kinds[1].name}, nothing shared", 0, kinds[1].common + kinds[1].own))
    speed = given.tokens_per_second or tokens_per_second(given.billions, given.teraflops, given.utilisation)
    title = f"{given.people:,} people × {given.questions} questions × {given.contexts} contexts"
    cases = [(title, given.people, given.questions, given.contexts)]
    cases.append(("10 million people × 39 questions, one context", 10_000_000, 39, 1))
    print(f"{speed:,.0f} tokens a second on one GPU, {given.gpus} GPUs at ${given.dollars:.2f} an hour\n")
    print("\n".join(rows(kinds, Rates(speed, given.gpus, given.dollars), cases)))


if __name__ == "__main__":
    main()
