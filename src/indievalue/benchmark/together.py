"""All probes of a setup together, with all statements chosen for any of them: what a batched prompt shows."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from indievalue.benchmark.model import NOBODY, Benchmark, Setup
from indievalue.benchmark.show import arranged, order_keys
from indievalue.benchmark.storage import StatementText, TaskText
from indievalue.choices import ShowOrder
from indievalue.seeded import key_table


def with_probes_together(benchmark: Benchmark) -> Benchmark:
    """The benchmark with all probes of a setup in one, beside all statements that were chosen for any of them.

    This is what a prompt that asks all probes at once shows. Where probes of a setup may be shown beside each other
    (``siblings``), or nothing was chosen for each probe, the benchmark stays as it is.
    """
    settings = benchmark.settings
    if settings.show_by == "random" or settings.demonstrations_from == "siblings":
        return benchmark
    together = []
    for number in dict.fromkeys(setup.number for setup in benchmark.setups):
        parts = [setup for setup in benchmark.setups if setup.number == number]
        chosen = _best_of_all(parts, len(benchmark.survey.questions), settings.show_order)
        keys = order_keys(benchmark.people, settings, number)
        probes = np.concatenate([part.probes for part in parts])
        together.append(Setup(number, probes, arranged(chosen, settings.show_order, keys)))
    return replace(benchmark, setups=tuple(together))


def _best_of_all(parts: Sequence[Setup], questions: int, order: ShowOrder) -> NDArray[np.int16]:
    """Return all that is shown in any of the ``parts`` (people × most; -1 pads).

    The first place of each part comes first, part after part, then the second place of each, and so on.
    """
    never = (questions + 1) * len(parts)
    best = np.full((len(parts[0].demonstrations), questions), never)
    for number_of_part, part in enumerate(parts):
        person, place = np.nonzero(part.demonstrations != NOBODY)
        shown = (part.demonstrations != NOBODY).sum(axis=1)[person]
        rank = shown - 1 - place if order == "last" else place
        np.minimum.at(best, (person, part.demonstrations[person, place]), rank * len(parts) + number_of_part)
    number = (best != never).sum(axis=1)
    chosen = np.argsort(best, axis=1, kind="stable")[:, : int(number.max(initial=0))].astype(np.int16)
    chosen[np.arange(chosen.shape[1]) >= number[:, None]] = NOBODY
    return chosen


def texts_together(tasks: Iterable[TaskText], order: ShowOrder, seed: int) -> Iterator[TaskText]:
    """Yield the texts of :func:`with_probes_together`, from those of a benchmark with a Setup per probe."""
    parts: dict[tuple[int, str], list[TaskText]] = {}
    for task in tasks:
        parts.setdefault((task["setup"], task["person"]), []).append(task)
    for (setup, person), of_person in parts.items():
        statements = _best_texts([part["demonstrations"] for part in of_person], order)
        if order == "last":
            statements.reverse()
        elif order == "shuffled":
            names = [statement["question"] for statement in statements]
            keys = key_table(seed, f"order {setup} ", [person], names)[0]
            statements = [statements[at] for at in np.argsort(keys, kind="stable").tolist()]
        probes = [probe for part in of_person for probe in part["probes"]]
        yield {**of_person[0], "demonstrations": statements, "probes": probes}


def _best_texts(parts: Sequence[list[StatementText]], order: ShowOrder) -> list[StatementText]:
    """Return all statements of any of the ``parts``, in the order of :func:`_best_of_all`."""
    ranked = [part[::-1] if order == "last" else part for part in parts]
    places = range(max(map(len, ranked)))
    first: dict[str, StatementText] = {}
    for place in places:
        for part in ranked:
            if place < len(part):
                first.setdefault(part[place]["question"], part[place])
    return list(first.values())
