"""Assign people to the groups of a demographic, pooling or dropping small groups."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.choices import MEASURES, SMALL, Measure, Small
from indievalue.errors import IndievalueError, did_you_mean

MINIMUM = 30
"""Default minimum number of people for a group to be reported on its own."""

DRAWS = 1000
"""Default number of permutations and of bootstrap draws."""


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
        measure: what is compared between groups: ``accuracy``, ``log_loss`` or ``calibration``.
        minimum: minimum number of people for a group to be reported on its own.
        small: what to do with smaller groups: ``pool`` merges them into one, ``drop`` leaves them out.
        weights: weight of each person (people,), 0 or more; None for equal weights. Nobody of weight 0 is in any figure
            or count.
        draws: number of permutations and of bootstrap draws. seed: seed of both.
    """

    measure: Measure = "accuracy"
    minimum: int = MINIMUM
    small: Small = "pool"
    weights: NDArray[np.float64] | None = None
    draws: int = DRAWS
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the values. Raises IndievalueError that names the option."""
        if self.measure not in MEASURES:
            raise IndievalueError(f"there is no measure {self.measure!r}; choose {', '.join(MEASURES)}")
        if self.draws < 1:
            raise IndievalueError(f"draws must be at least 1, not {self.draws}")


NO_GROUP = -1

CROSS = " × "
"""Separator between the names, and between the group labels, of crossed demographics."""


@dataclass(frozen=True)
class Groups:
    """The groups of one demographic.

    Attributes:
        name: name of the demographic; of crossed ones such as ``country × sex``.
        labels: labels of the groups, sorted; the pooled group is last.
        group: int64 (people,), index of each person's group in ``labels``; :data:`NO_GROUP` for none.
        note: who was pooled or left out, in words; empty if nobody was.
    """

    name: str
    labels: tuple[str, ...]
    group: NDArray[np.int64]
    note: str

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Number of people in each group (groups,)."""
        return np.bincount(self.group[self.group >= 0], minlength=len(self.labels))

    @property
    def known(self) -> NDArray[np.int64]:
        """Indices of the people who are in a group."""
        return np.flatnonzero(self.group >= 0)

    def membership(self) -> NDArray[np.float64]:
        """Return an indicator matrix (people × groups), 1 for the members of a group."""
        return np.asarray(self.group[:, None] == np.arange(len(self.labels)), np.float64)


def check_demographics(people: pl.DataFrame, demographics: Sequence[str | tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Return each distinct demographic as a tuple of columns of ``people``: one, or several that are crossed.

    A single name may be given as a string. Raises IndievalueError if none is given, or one is not a column of
    ``people``.
    """
    if isinstance(demographics, str):
        demographics = [demographics]
    if not isinstance(demographics, Sequence):
        raise IndievalueError(
            f"demographics must be a list of names, such as ['sex', 'age'], not {type(demographics).__name__}"
        )
    known = [column for column in people.columns if column not in ("person", "weight")]
    if not known:
        raise IndievalueError("these people have no demographics, so there are no groups to compare")
    wanted = [(item,) if isinstance(item, str) else tuple(item) for item in demographics]
    if not wanted or not all(wanted):
        raise IndievalueError(f"name at least one demographic; these people have {', '.join(known)}")
    for name in (name for names in wanted for name in names):
        if name not in known:
            close = did_you_mean(name, known)
            raise IndievalueError(f"these people have no demographic {name!r}; they have {', '.join(known)}{close}")
    return list(dict.fromkeys(wanted))


def group_people(
    people: pl.DataFrame, columns: tuple[str, ...], minimum: int = MINIMUM, small: Small = "pool"
) -> Groups:
    """Return the groups of a demographic, or of crossed ones, among the rows of ``people``.

    People with a null label are in no group. Groups of fewer than ``minimum`` people are merged into one, ``other (n
    groups)``, or left out if ``small`` is ``drop`` or the merged group would still be too small. Raises
    IndievalueError if ``minimum`` is below 1 or ``small`` is unknown.
    """
    if minimum < 1 or small not in SMALL:
        raise IndievalueError(f"a group needs at least 1 person, and small ones are {' or '.join(SMALL)}ped")
    labels, place = _labels(people, columns)
    sizes = np.bincount(place[place >= 0], minlength=len(labels))
    few = np.flatnonzero(sizes < minimum)
    kept = np.flatnonzero(sizes >= minimum)
    pooled = bool(len(few)) and small == "pool" and int(sizes[few].sum()) >= minimum
    names = [labels[at] for at in kept]
    target = np.full(len(labels) + 1, NO_GROUP)  # the last entry is for NO_GROUP itself
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
    """Return the sorted labels of the groups, and the index of each person's group, -1 for a null label."""
    parts = [people[column].cast(pl.String) for column in columns]
    joined = pl.select(pl.concat_str(parts, separator=CROSS).alias("label"))["label"]
    labels = sorted(joined.drop_nulls().unique().to_list())
    places = {label: at for at, label in enumerate(labels)}
    return labels, np.array([places.get(label, NO_GROUP) for label in joined.to_list()], np.int64)


def _people(number: int) -> str:
    return f"{number:,} {'person' if number == 1 else 'people'}"
