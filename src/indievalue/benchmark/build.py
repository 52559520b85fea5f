"""Draws a benchmark from people: the protocols of docs/protocols.md, as in arXiv 2410.03868, section 3.

Which people, probes and demonstrations are drawn depends on the seed and on ids alone, so the same seed gives the same
benchmark whatever the order of the file, the machine or the number of threads.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Literal, Unpack

import numpy as np
from numpy.typing import NDArray

from indievalue.benchmark.circumstances import check_blocks
from indievalue.benchmark.eligible import Rule, candidates, named
from indievalue.benchmark.model import Benchmark, Eligibility, Settings, SettingsFields, Setup
from indievalue.benchmark.protocol import protocol_probes
from indievalue.benchmark.questions import columns_of
from indievalue.benchmark.show import Rank, Ranking, chosen_for_each
from indievalue.errors import IndievalueError
from indievalue.people.blocks import PeopleBlocks, sampled
from indievalue.people.people import People
from indievalue.seeded import first_columns, key_table, keys
from indievalue.survey.survey import Survey

DEFAULT_PEOPLE = 800

RANKED_FROM = 100_000
"""Most people that a ranking is learned from if people are read in blocks: a sample of those who are not tested."""


def build_benchmark(
    people: People | PeopleBlocks,
    settings: Settings | None = None,
    people_tested: int | Sequence[str] | Literal["all"] | None = None,
    *,
    ranking: Rank | None = None,
    questions: Collection[str] | None = None,
    **fields: Unpack[SettingsFields],
) -> Benchmark:
    """Draw the people to test, their probes and their demonstrations.

    Args:
        people: everybody in the data, also in blocks; those who are not tested are left for predictors to learn from.
        settings: what is asked and shown; by default :class:`Settings` with its defaults.
        people_tested: how many people to sample, ``"all"`` who are eligible, or the ids of the people to take, eligible
            or not. By default 800, or as many as there are. People in blocks are not all tested.
        ranking: makes the ranking by which ``show="relevant:6"`` or ``show="similar:6"`` chooses statements, such as
            :func:`indievalue.rank_statements`; it is given the people who are not tested, a sample if they are in
            blocks (:data:`RANKED_FROM`).
        questions: ids of the questions among which probes are drawn; by default all. It does not apply to
            ``unseen_questions``, which are all probes.
        **fields: fields of ``settings`` to change, such as ``form="refined"`` or ``seed=1``.

    Raises IndievalueError where there are not that many people (saying why), an id is unknown or given twice, nobody
    is eligible, a setting has no such value, the data have no such block of the context, or ``show`` needs a ranking
    and there is none.

    >>> from indievalue.synthetic.generate import synthetic_people
    >>> build_benchmark(synthetic_people(300), form="polar", people_tested=20, setups=[0]).people.ids.shape
    (20,)
    """
    if "show" in fields and "demonstrations" not in fields:
        fields["demonstrations"] = Settings.demonstrations  # not the number of another way to choose
    settings = replace(settings or Settings(), **fields)
    if isinstance(people, People):
        check_blocks(people, settings.blocks)
    if settings.unseen_questions:
        if not isinstance(people, People):
            raise IndievalueError("unseen questions are of people held in memory, not of those read in blocks")
        settings, questions = _with_unseen(people, settings), None
    probes = protocol_probes(people.survey, people.asked & _among(people.survey, questions))
    numbers = tuple(range(len(probes))) if settings.setups is None else tuple(settings.setups)
    settings = replace(settings, setups=numbers)
    unknown = sorted(set(numbers) - set(range(len(probes))))
    if unknown or not numbers:
        raise IndievalueError(f"there is no setup {unknown or ''}; the protocol has 0 to {len(probes) - 1}")
    ordinary = probes if questions is None else protocol_probes(people.survey, people.asked)
    rule = Rule(people.survey, people.asked, probes, ordinary)
    chosen, eligibility = _chosen(people, rule, people_tested, settings.seed)
    check_blocks(chosen, settings.blocks)
    ranked = _ranking(people, chosen, settings, ranking)
    if settings.unseen_questions and isinstance(people, People):
        probes = [columns_of(people, settings.unseen_questions)]
    setups = tuple(setup for number in numbers for setup in _setups(chosen, probes, number, settings, ranked))
    return Benchmark(settings, chosen, setups, eligibility)


def _with_unseen(people: People, settings: Settings) -> Settings:
    """Return the settings with ids in place of other names of unseen questions, which are asked in one setup.

    People are eligible as in any benchmark of the survey, so that the same are tested. Raises IndievalueError for an
    unknown name, and if nobody was asked any of these questions, or everything that was asked is one of them.
    """
    if settings.setups not in (None, (0,)):
        raise IndievalueError("unseen_questions are the probes of the only setup: leave out setups (--setup)")
    unseen = columns_of(people, settings.unseen_questions, settings.seed)
    unseen = unseen[people.asked[unseen]]
    if not len(unseen):
        raise IndievalueError("nobody in the data answered any of the unseen questions: name others")
    if len(unseen) == people.asked.sum():
        raise IndievalueError("all questions of the data are unseen, and nothing is left to show: name fewer")
    return replace(
        settings, unseen_questions=tuple(people.survey.questions[at].id for at in unseen.tolist()), setups=(0,)
    )


def _among(survey: Survey, questions: Collection[str] | None) -> NDArray[np.bool_]:
    """Which of the survey's questions are among ``questions`` (questions,)."""
    if questions is None:
        return np.ones(len(survey.questions), bool)
    chosen = np.zeros(len(survey.questions), bool)
    chosen[[survey.positions[survey.question(name).id] for name in questions]] = True
    return chosen


def _chosen(
    people: People | PeopleBlocks, rule: Rule, people_tested: int | Sequence[str] | str | None, seed: int
) -> tuple[People, Eligibility]:
    """Return the people to test, and who could be."""
    if people_tested is None or isinstance(people_tested, int | str):
        if isinstance(people, PeopleBlocks):
            number = _number_in_blocks(people_tested)
            people, counted = candidates(people, rule, number, seed)
            rows, _ = _sample(people, np.ones(len(people), bool), counted, people_tested, seed)
            return people.take(rows), counted
        eligible, eligibility = rule.apply(people)
        rows, eligibility = _sample(people, eligible, eligibility, people_tested, seed)
        return people.take(rows), eligibility
    if isinstance(people, PeopleBlocks):
        some, counted = named(people, rule, people_tested)
        return some.take(_rows_of(some, people_tested)), counted
    return people.take(_rows_of(people, people_tested)), rule.apply(people)[1]


def _number_in_blocks(wanted: int | str | None) -> int:
    if wanted == "all":
        raise IndievalueError(
            "people who are read in blocks are not all tested: give a number (--people), or hold them in memory "
            "(--in-memory)"
        )
    return wanted if isinstance(wanted, int) else DEFAULT_PEOPLE


def _sample(
    people: People,
    eligible: NDArray[np.bool_],
    eligibility: Eligibility,
    wanted: int | str | None,
    seed: int,
) -> tuple[NDArray[np.int64], Eligibility]:
    if isinstance(wanted, str) and wanted != "all":
        raise IndievalueError(f"people_tested is a number, 'all', or a list of ids, and not {wanted!r}")
    if isinstance(wanted, int) and wanted < 1:
        raise IndievalueError("the number of people to test (--people) must be at least 1")
    rows = np.flatnonzero(eligible)
    rows = rows[np.argsort(keys(seed, "people", people.ids[rows].tolist()), kind="stable")]
    pools = {"": rows} if wanted == "all" else _capped_pools(people, rows)
    available = sum(len(pool) for pool in pools.values())
    eligibility = Eligibility(eligibility.people, eligibility.excluded, eligibility.eligible, available)
    number = available if wanted == "all" else wanted if isinstance(wanted, int) else min(DEFAULT_PEOPLE, available)
    if number > available or not available:
        raise IndievalueError(_too_few(people, number, eligibility))
    shares = _even_shares({name: len(pool) for name, pool in pools.items()}, number, people.survey.sampling.first)
    taken = [pools[name][:share] for name, share in shares.items()]
    chosen = np.concatenate(taken)
    return chosen[np.argsort(people.ids[chosen], kind="stable")], eligibility


def _capped_pools(people: People, rows: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """Eligible rows by continent, in drawing order, at most ``per_religion`` of one religion in each.

    The cap spreads places within continents that compete for them; where there is only one continent it does not apply.
    """
    sampling = people.survey.sampling
    if sampling.continent is None:
        return {"": rows}
    continents = np.array(people.demographics[sampling.continent].fill_null("").to_list())[rows]
    pools = {str(name): rows[continents == name] for name in np.unique(continents)}
    if sampling.religion is None or sampling.per_religion is None or len(pools) < 2:
        return pools
    religions = np.array(people.demographics[sampling.religion].fill_null("").to_list())
    return {name: _at_most(pool, religions[pool], sampling.per_religion) for name, pool in pools.items()}


def _at_most(pool: NDArray[np.int64], labels: NDArray[np.str_], most: int) -> NDArray[np.int64]:
    """``pool`` without those who come after ``most`` others of the same label; the empty label is never too many."""
    keep = np.ones(len(pool), bool)
    for label in np.unique(labels):
        if label:
            keep[np.flatnonzero(labels == label)[most:]] = False
    return pool[keep]


def _even_shares(sizes: dict[str, int], number: int, first: str | None) -> dict[str, int]:
    """How many of ``number`` places each pool gets: all of ``first``, then as evenly as the others' sizes allow."""
    shares = dict.fromkeys(sizes, 0)
    if first in sizes:
        shares[first] = min(sizes[first], number)
    left = number - sum(shares.values())
    open_pools = sorted(name for name in sizes if name != first)
    while left and open_pools:
        each, extra = divmod(left, len(open_pools))
        for place, name in enumerate(open_pools):
            shares[name] += min(each + (place < extra), sizes[name] - shares[name])
        left = number - sum(shares.values())
        open_pools = [name for name in open_pools if shares[name] < sizes[name]]
    return shares


def _too_few(people: People, number: int, eligibility: Eligibility) -> str:
    reasons = eligibility.reasons()
    text = f"{eligibility.eligible:,} of {eligibility.people:,} people are eligible"
    if eligibility.available < eligibility.eligible:
        cap = people.survey.sampling.per_religion
        text += (
            f", {eligibility.available:,} of them with at most {cap} of one religion in a continent"
            " (--people all takes everybody)"
        )
    elif number > eligibility.available:
        text = f"only {text}; --people all tests them"
    asked = f"{number:,} people were asked for: " if number else ""
    return f"{asked}{text}" + (f" ({reasons})" if reasons else "")


def _rows_of(people: People, ids: Sequence[str]) -> NDArray[np.int64]:
    if not ids:
        raise IndievalueError("the list of people to test is empty")
    unknown = [person for person in ids if person not in people.rows]
    if unknown:
        raise IndievalueError(f"{len(unknown):,} of the people to test are not in the data, first {unknown[0]!r}")
    if len(set(ids)) < len(ids):
        raise IndievalueError("the list of people to test names somebody twice")
    return np.array([people.rows[person] for person in ids], np.int64)


def _ranking(people: People | PeopleBlocks, tested: People, settings: Settings, rank: Rank | None) -> Ranking | None:
    """Return the ranking of statements, from the people who are not ``tested``; None if they are drawn."""
    if settings.show_by == "random":
        return None
    if rank is None:
        raise IndievalueError(
            f"show={settings.show!r} needs a ranking: give build_benchmark the argument ranking=rank_statements"
        )
    if isinstance(people, PeopleBlocks):
        return rank(sampled(people.without(tested.ids), RANKED_FROM, settings.seed), settings)
    return rank(people.take(~np.isin(people.ids, tested.ids)), settings)


def _setups(
    people: People, probes: list[NDArray[np.int64]], number: int, settings: Settings, ranking: Ranking | None
) -> list[Setup]:
    """Return the Setup of one number, or one Setup per probe if statements are drawn or chosen for every probe."""
    asked = probes[number]
    if settings.protocol == "strict":
        # A wrapped repeat of an earlier setup's probe is kept from the demonstrations, and asked and scored only once.
        numbers = settings.setups or ()
        earlier = [probes[other] for other in numbers[: numbers.index(number)]]
        asked = asked[~np.isin(asked, np.concatenate([*earlier, np.empty(0, np.int64)]))]
    if ranking is not None:
        allowed = np.ones((len(asked), len(people.survey.questions)), bool)
        allowed[np.arange(len(asked)), asked] = False
        if settings.demonstrations_from == "others":
            allowed[:, probes[number]] = False
        return chosen_for_each(people, settings, ranking, number, asked, allowed)
    if settings.demonstrations_from == "others":
        return [Setup(number, asked, _draw(people, probes[number], f"demonstrations {number}", settings))]
    names = [question.id for question in people.survey.questions]
    return [
        Setup(
            number,
            probe[None],
            _draw(people, probe[None], f"demonstrations {number} {names[probe]}", settings),
        )
        for probe in asked
    ]


def _draw(people: People, hidden: NDArray[np.int64], purpose: str, settings: Settings) -> NDArray[np.int16]:
    """Demonstrations (people × most) drawn at random from what each person answered outside ``hidden``."""
    available = people.options(settings.shown_form) >= 0
    available[:, hidden] = False
    questions = [question.id for question in people.survey.questions]
    order = key_table(settings.seed, purpose, people.ids.tolist(), questions)
    most = int(available.sum(axis=1).max(initial=0))
    if settings.demonstrations is not None:
        most = min(most, settings.demonstrations)
    return first_columns(order, available, most)
