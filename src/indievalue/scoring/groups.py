"""Who is in which group of a demographic, when groups of few people are pooled or left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.choices import MEASURES, SMALL, Measure, Small
from indievalue.errors import IndievalueError

MINIMUM = 30
"""People that a group needs to be looked at by itself, unless something else is asked for."""

DRAWS = 1000
"""Permutations, and bootstrap draws, unless something else is asked for."""


class GroupFields(TypedDict, total=False):
    """The fields of :class:`GroupOptions` as keyword arguments."""

    measure: Measure
    minimum: int
    small: Small
    weights: NDArray[np.float64] | None
    draws: int
    seed: int


@dataclass(frozen=True)
class GroupOptions:
    """How groups are compared.

    Attributes:
        measure: what is compared between groups. minimum: people that a group needs to be reported on its own.
        small: what happens to smaller groups: ``pool`` makes one of them, ``drop`` leaves them out.
        weights: how often each person counts (people,); None counts everybody once.
        draws: number of permutations and of bootstrap draws. seed: of both.
    """

    measure: Measure = "accuracy"
    minimum: int = MINIMUM
    small: Small = "pool"
    weights: NDArray[np.float64] | None = None
    draws: int = DRAWS
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises IndievalueError, naming the option, for a value that it cannot have."""
        if self.measure not in MEASURES:
            raise IndievalueError(f"there is no measure {self.measure!r}; choose {', '.join(MEASURES)}")
        if self.draws < 1:
            raise IndievalueError(f"chance needs at least 1 draw, not {self.draws}")


NO_GROUP = -1

CROSS = " × "
"""Between the names of two demographics, and between the labels of their groups, where they are crossed."""


@dataclass(frozen=True)
class Groups:
    """The groups of one demographic.

    Attributes:
        name: of the demographic; of two that are crossed, ``country × sex``.
        labels: of the groups, sorted; the pooled one is last.
        group: int64 (people,), each person's place in ``labels``; :data:`NO_GROUP` where they are in none of them.
        note: who was pooled or left out, for people to read; empty where nobody was.
    """

    name: str
    labels: tuple[str, ...]
    group: NDArray[np.int64]
    note: str

    @property
    def sizes(self) -> NDArray[np.int64]:
        """People in each group (groups,)."""
        return np.bincount(self.group[self.group >= 0], minlength=len(self.labels))

    @property
    def known(self) -> NDArray[np.int64]:
        """Rows of the people who are in a group."""
        return np.flatnonzero(self.group >= 0)

    def membership(self) -> NDArray[np.float64]:
        """Who is in which group, as 0 and 1 (people × groups)."""
        return np.asarray(self.group[:, None] == np.arange(len(self.labels)), np.float64)


def check_demographics(people: pl.DataFrame, demographics: Sequence[str | tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Each demographic as a tuple of columns of ``people``, two or more where they are crossed; once each.

    Raises IndievalueError where none is given or one is not a column of ``people``.
    """
    known = [column for column in people.columns if column not in ("person", "weight")]
    if not known:
        raise IndievalueError("these people have no demographics, and so there are no groups to compare")
    wanted = [(item,) if isinstance(item, str) else tuple(item) for item in demographics]
    if not wanted or not all(wanted):
        raise IndievalueError(f"name at least one demographic; these people have {', '.join(known)}")
    for name in (name for names in wanted for name in names):
        if name not in known:
            raise IndievalueError(f"these people have no demographic {name!r}; they have {', '.join(known)}")
    return list(dict.fromkeys(wanted))


def group_people(
    people: pl.DataFrame, columns: tuple[str, ...], minimum: int = MINIMUM, small: Small = "pool"
) -> Groups:
    """The groups of a demographic, or of two or more that are crossed, among the rows of ``people``.

    A person is in no group where a label is null. Groups of fewer than ``minimum`` people become one, ``other (n
    groups)``, or with ``small`` ``drop`` none; so does the pooled one where it is still too small. Raises
    IndievalueError where ``minimum`` is below 1 or ``small`` is unknown.
    """
    if minimum < 1 or small not in SMALL:
        raise IndievalueError(f"a group needs at least 1 person, and small ones are {' or '.join(SMALL)}ped")
    labels, place = _labels(people, columns)
    sizes = np.bincount(place[place >= 0], minlength=len(labels))
    few = np.flatnonzero(sizes < minimum)
    kept = np.flatnonzero(sizes >= minimum)
    pooled = bool(len(few)) and small == "pool" and int(sizes[few].sum()) >= minimum
    names = [labels[at] for at in kept]
    target = np.full(len(labels) + 1, NO_GROUP)  # the last place is that of NO_GROUP itself
    target[kept] = np.arange(len(kept))
    notes = []
    if len(few):
        groups = f"{len(few)} group{'' if len(few) == 1 else 's'}"
        under = f"{groups} of fewer than {minimum} people"
        if pooled:
            target[few] = len(kept)
            names.append(f"other ({groups})")
            notes.append(f"{under} pooled as other")
        else:
            left = int(sizes[few].sum())
            notes.append(f"{under} left out ({_people(left)} in all)")
    missing = int((place < 0).sum())
    if missing:
        notes.append(f"{_people(missing)} without a known group left out")
    return Groups(CROSS.join(columns), tuple(names), target[place], "; ".join(notes))


def _labels(people: pl.DataFrame, columns: tuple[str, ...]) -> tuple[list[str], NDArray[np.int64]]:
    """(labels of the groups, sorted; the place of each person among them, -1 where a label is null)."""
    parts = [people[column].cast(pl.String) for column in columns]
    joined = pl.select(pl.concat_str(parts, separator=CROSS).alias("label"))["label"]
    labels = sorted(joined.drop_nulls().unique().to_list())
    places = {label: at for at, label in enumerate(labels)}
    return labels, np.array([places.get(label, NO_GROUP) for label in joined.to_list()], np.int64)


def _people(number: int) -> str:
    return f"{number:,} {'person' if number == 1 else 'people'}"
