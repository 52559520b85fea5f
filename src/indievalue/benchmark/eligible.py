"""Who can be tested: people who answered enough, held in memory or read in blocks."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from indievalue.benchmark.model import Eligibility
from indievalue.people.blocks import PeopleBlocks
from indievalue.people.join import detached, stacked
from indievalue.people.people import People
from indievalue.seeded import keys
from indievalue.survey.survey import Survey


@dataclass(frozen=True)
class Rule:
    """What people must have answered to be tested.

    Attributes:
        asked: mask (questions,) of the questions that somebody answered. probes: those of every setup. ordinary: those
            that there would be if all questions could be asked.
    """

    survey: Survey
    asked: NDArray[np.bool_]
    probes: Sequence[NDArray[np.int64]]
    ordinary: Sequence[NDArray[np.int64]]

    def apply(self, people: People) -> tuple[NDArray[np.bool_], Eligibility]:
        """Return who is eligible (people,), and why the others are not."""
        answered = people.options("refined") >= 0
        threshold = answered_threshold(self.survey, self.asked)
        lacks_probe, probes_wanted = self._lacks_probes(answered)
        lacks_answers = answered.sum(axis=1) < threshold
        eligible = ~lacks_probe & ~lacks_answers
        excluded = {
            f"did not answer {probes_wanted}": int(lacks_probe.sum()),
            f"answered fewer than {threshold} of {int(self.asked.sum())} questions": int(lacks_answers.sum()),
        }
        return eligible, Eligibility(len(people), excluded, int(eligible.sum()), int(eligible.sum()))

    def _lacks_probes(self, answered: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], str]:
        """(who answered too few of the probes, what they would have had to answer).

        The survey's number is of the ``ordinary`` probes of a setup, and less in proportion where there are fewer.
        """
        sampling = self.survey.sampling
        if sampling.probes == "all":
            all_probes = np.unique(np.concatenate(self.probes))
            return np.asarray(~answered[:, all_probes].all(axis=1)), f"every one of the {len(all_probes)} probes"
        wanted = [
            min(int(np.ceil(sampling.answered_probes * len(setup) / len(usual))), len(setup))
            for setup, usual in zip(self.probes, self.ordinary, strict=True)
        ]
        lacking = np.zeros(len(answered), bool)
        for setup, number in zip(self.probes, wanted, strict=True):
            lacking |= answered[:, setup].sum(axis=1) < number
        fewest, most = min(wanted), max(wanted)
        number_of = f"{most}" if fewest == most else f"{fewest} to {most}"
        return lacking, f"{number_of} or more of the probes of every setup"


def answered_threshold(survey: Survey, asked: NDArray[np.bool_]) -> int:
    """How many questions a person must have answered: the survey's number, in proportion where the file has fewer."""
    wanted = survey.sampling.answered
    return 0 if wanted is None else int(np.ceil(wanted * asked.sum() / len(survey.questions)))


def candidates(blocks: PeopleBlocks, rule: Rule, number: int, seed: int) -> tuple[People, Eligibility]:
    """Return as many eligible people as a draw of ``number`` people may take, and who is eligible.

    Of each religion in each continent, which people are drawn evenly over, these are the first in the order in which
    the ``seed`` draws them: nobody else can be among those drawn.
    """
    survey = rule.survey
    most = max(number, survey.sampling.per_religion or 0)
    held: list[People] = []
    found: list[Eligibility] = []
    sizes = Counter[tuple[str, str]]()
    for people in blocks:
        eligible, of_block = rule.apply(people)
        found.append(of_block)
        some = people.take(eligible)
        sizes.update(_places(some))
        held.append(_first([some], most, seed))
        if sum(map(len, held[1:])) > len(held[0]):
            held = [_first(held, most, seed)]
    return _first(held, most, seed), replace(_total(found), available=_available(sizes, survey))


def named(blocks: PeopleBlocks, rule: Rule, ids: Sequence[str]) -> tuple[People, Eligibility]:
    """Return the people with these ids, of those there are, and who is eligible."""
    return blocks.only(ids), _total([rule.apply(people)[1] for people in blocks])


def _total(found: Sequence[Eligibility]) -> Eligibility:
    """Return who is eligible in all blocks."""
    excluded = {reason: sum(one.excluded[reason] for one in found) for reason in found[0].excluded}
    eligible = sum(one.eligible for one in found)
    return Eligibility(sum(one.people for one in found), excluded, eligible, eligible)


def _places(people: People) -> list[tuple[str, str]]:
    """Return the continent and the religion of each person, empty if unknown or not drawn by."""
    sampling = people.survey.sampling
    columns = [
        [""] * len(people) if name is None else people.demographics[name].fill_null("").to_list()
        for name in (sampling.continent, sampling.religion)
    ]
    return list(zip(*columns, strict=True))


def _first(held: Sequence[People], most: int, seed: int) -> People:
    """Return the ``most`` people of each place who are drawn first."""
    people = stacked(held)
    drawn = keys(seed, "people", people.ids.tolist())
    places = {place: number for number, place in enumerate(dict.fromkeys(_places(people)))}
    place = np.array([places[one] for one in _places(people)], np.int64)
    order = np.lexsort((drawn, place))
    starts = np.searchsorted(place[order], place[order])
    return detached(people.take(order[np.arange(len(order)) - starts < most]))


def _available(sizes: Counter[tuple[str, str]], survey: Survey) -> int:
    """Return how many of the eligible people can be drawn: at most so many of one religion in each continent."""
    most = survey.sampling.per_religion
    continents = {continent for continent, _ in sizes}
    if survey.sampling.religion is None or most is None or len(continents) < 2:
        return sizes.total()
    return sum(min(size, most) if religion else size for (_, religion), size in sizes.items())
