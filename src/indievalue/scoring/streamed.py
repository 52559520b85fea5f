"""Score more predictions than fit memory: sums for each person, and a histogram of probabilities, block by block.

The scores are those of :mod:`indievalue.scoring.accuracy`: accuracy, its interval, and all counts exactly, means up to
rounding, and the calibration error in the same bins; only its floor is computed instead of simulated.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.choices import Weights
from indievalue.errors import IndievalueError
from indievalue.predictors.protocol import INVALID
from indievalue.scoring.accuracy import LEAST_PROBABILITY, PredictorScore, Score
from indievalue.scoring.bootstrap import cluster_intervals
from indievalue.scoring.calibration import option_scales
from indievalue.scoring.exact import fixed
from indievalue.scoring.groups import GroupOptions
from indievalue.scoring.histogram import Histogram
from indievalue.scoring.inequity import Inequity, inequity_of
from indievalue.scoring.measures import Sums
from indievalue.scoring.weighting import effective_size
from indievalue.survey.survey import Survey

Floats = NDArray[np.float64]

Key = tuple[str, int | None]
"""A predictor, and a setup; None for all of them."""

_CHECKED = 1_000_000_000
"""Most pairs of a person and a question, over predictors and setups, of which it is noted that they were seen."""

_COUNTS = ("probes", "right", "invalid", "given", "ordered")
_MEANS = ("loss", "brier", "ordinal")


@dataclass
class PersonSums:
    """Sums over the rows of each person, of one predictor and setup, or of several.

    Attributes:
        sums: name → (people,): the numbers of ``probes``, of those ``right`` and ``invalid``, with probabilities
            (``given``), and of ``ordered`` questions; and sums of log ``loss``, ``brier`` score and ``ordinal`` error.
        chosen: the histogram of the chosen options' probabilities. calibration_rows: rows in it.
    """

    sums: dict[str, NDArray[np.int32] | Floats]
    chosen: Histogram = field(default_factory=Histogram)
    calibration_rows: int = 0

    @classmethod
    def none(cls, people: int) -> "PersonSums":
        """Return the sums of no rows."""
        counts = {name: np.zeros(people, np.int32) for name in _COUNTS}
        return cls(counts | {name: np.zeros(people) for name in _MEANS})

    def __add__(self, other: "PersonSums") -> "PersonSums":
        sums = {name: values + other.sums[name] for name, values in self.sums.items()}
        return PersonSums(sums, self.chosen + other.chosen, self.calibration_rows + other.calibration_rows)


@dataclass
class StreamedScores:
    """Scores of predictions that are given block by block, each block twice: to :meth:`add`, then :meth:`add_again`.

    Args:
        people: one row a person, with a column ``person`` and one per demographic. survey: of the predictions. seed: of
            the bootstrap. weights: of each row of ``people``; by default everybody counts the same, and people of
            weight 0 are left out. weighting: name of the weights.
    """

    people: pl.DataFrame
    survey: Survey
    seed: int = 0
    weights: Floats | None = None
    weighting: Weights = "none"
    _parts: dict[Key, PersonSums] = field(default_factory=dict, init=False)
    _seen: dict[Key, NDArray[np.bool_]] = field(default_factory=dict, init=False)
    _form: str | None = field(default=None, init=False)

    def add(self, predictions: pl.DataFrame) -> None:
        """Count some rows. Raises IndievalueError if they are of somebody else than ``people``, or of another form."""
        self._check_form(predictions)
        steps = self._steps(predictions)
        for key, rows in self._by_part(predictions):
            part = self._parts.setdefault(key, PersonSums.none(len(self.people)))
            self._note(key, rows)
            self._count(part, rows, steps)

    def add_again(self, predictions: pl.DataFrame) -> None:
        """Count the same rows once more, for the calibration error."""
        wholes = self._of_predictors
        for key, rows in self._by_part(predictions):
            chosen = _chosen(rows)
            for one in {id(part): part for part in (self._parts[key], wholes[key[0]])}.values():
                one.chosen.add_again(*chosen)

    def begin_second(self) -> None:
        """Tell that all rows were given to :meth:`add`. Raises IndievalueError if there are none, or some twice."""
        if not self._parts:
            raise IndievalueError("there are no predictions to score")
        for key, seen in self._seen.items():
            twice = int(self._parts[key].sums["probes"].sum()) - int(seen.sum())
            if twice:
                raise IndievalueError(
                    f"{twice:,} rows of {key[0]} in setup {key[1]} predict the same question of the same person a "
                    "second time: leave out files that hold the same rows"
                )
        for part in (*self._parts.values(), *self._of_predictors.values()):
            part.chosen.begin_second()

    @property
    def rows(self) -> int:
        """Number of rows."""
        return sum(int(part.sums["probes"].sum()) for part in self._parts.values())

    def scores(self) -> dict[str, PredictorScore]:
        """Return the score of each predictor, over all rows and in each setup."""
        every: dict[Key, PersonSums] = {(name, None): part for name, part in self._of_predictors.items()}
        found = self._scored(every | dict(sorted(self._parts.items(), key=lambda item: item[0][1] or 0)))
        return {
            name: PredictorScore(
                **found[name, None].as_dict(),  # type: ignore[arg-type]
                setups={str(at): one for (other, at), one in found.items() if other == name and at is not None},
            )
            for name in self._of_predictors
        }

    def inequity(self, demographics: Sequence[str | tuple[str, ...]], options: GroupOptions) -> Inequity:
        """Measure how unevenly predictors perform (see :func:`indievalue.scoring.inequity.inequity`).

        Raises IndievalueError if ``options`` ask for the calibration error, which is not summed by person.
        """
        if options.measure == "calibration":
            raise IndievalueError(
                "inequity of calibration needs all rows in memory: measure accuracy or log_loss of so many predictions"
            )
        sums = {
            name: (self._sums(part, options.measure == "accuracy"), int(part.sums["probes"].sum()))
            for name, part in self._of_predictors.items()
        }
        return inequity_of(sums, self.people, demographics, options)

    @cached_property
    def _of_predictors(self) -> dict[str, PersonSums]:
        """The sums of each predictor over all of its setups, in the order of first occurrence."""
        found: dict[str, PersonSums] = {}
        for (name, _), part in self._parts.items():
            found[name] = found[name] + part if name in found else part
        return found

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        """The rows of ``people`` in the order of ids."""
        return np.argsort(self._names, kind="stable")

    @cached_property
    def _names(self) -> NDArray[np.str_]:
        return self.people["person"].to_numpy().astype(np.str_)

    @cached_property
    def _kinds(self) -> tuple[pl.Enum, pl.Enum]:
        """The people and questions as enumerations, whose numbers are rows of ``people`` and of questions."""
        return pl.Enum(self.people["person"]), pl.Enum([question.id for question in self.survey.questions])

    def _by_part(self, predictions: pl.DataFrame) -> Iterator[tuple[Key, pl.DataFrame]]:
        """Yield the rows of each predictor and setup, with people and questions by number."""
        person, question = self._kinds
        try:
            rows = predictions.with_columns(
                pl.col("person").cast(person).to_physical(), pl.col("question").cast(question).to_physical()
            )
        except pl.exceptions.InvalidOperationError as error:
            said = str(error).splitlines()[0]
            raise IndievalueError(f"predictions of somebody who is not in people.parquet: {said}") from None
        if self.weights is not None:
            rows = rows.with_columns(weight=pl.Series(self.weights[rows["person"].to_numpy()])).filter(
                pl.col("weight") > 0
            )
        for (predictor, setup), part in rows.partition_by(["predictor", "setup"], as_dict=True).items():
            yield (str(predictor), int(setup)), part

    def _note(self, key: Key, rows: pl.DataFrame) -> None:
        """Note which questions of which people are predicted, as far as memory allows."""
        pairs = len(self.people) * len(self.survey.questions)
        if key not in self._seen and (len(self._seen) + 1) * pairs <= _CHECKED:
            self._seen[key] = np.zeros(pairs, bool)
        if key in self._seen:
            person, question = rows["person"].to_numpy().astype(np.int64), rows["question"].to_numpy()
            self._seen[key][person * len(self.survey.questions) + question] = True

    def _check_form(self, predictions: pl.DataFrame) -> None:
        forms = predictions["form"].unique().to_list()
        self._form = self._form or forms[0]
        if forms != [self._form]:
            raise IndievalueError(
                f"predictions of several forms cannot be scored together: {self._form} and {forms[-1]}"
            )

    def _steps(self, predictions: pl.DataFrame) -> Floats:
        """Return by how much the options of each question can differ; 0 if they are not ordered (questions,)."""
        found = np.zeros(len(self.survey.questions))
        for name, (ordered, options) in option_scales(predictions, self.survey).items():
            if ordered and options > 1:
                found[self.survey.positions[name]] = options - 1
        return found

    def _count(self, part: PersonSums, rows: pl.DataFrame, steps: Floats) -> None:
        people, at = np.unique(rows["person"].to_numpy(), return_inverse=True)
        answer, choice = (rows[name].to_numpy().astype(np.int64) for name in ("answer", "choice"))
        step = steps[rows["question"].to_numpy()]
        apart = np.where(choice == INVALID, 1.0, np.abs(choice - answer) / np.maximum(step, 1))
        given, true, squares = _given(rows["probabilities"], answer)
        loss, brier = np.zeros(len(rows)), np.zeros(len(rows))
        loss[given] = -np.log(np.clip(true, LEAST_PROBABILITY, 1).astype(np.float64))
        brier[given] = squares - 2 * true.astype(np.float64) + 1
        values: dict[str, NDArray[np.generic]] = {
            "probes": np.ones(len(rows)),
            "right": choice == answer,
            "invalid": choice < 0,
            "given": given,
            "ordered": step > 0,
            "loss": loss,
            "brier": brier,
            "ordinal": np.where(step > 0, apart, 0.0),
        }
        for name, each in values.items():
            total = part.sums[name]
            total[people] += np.bincount(at, each.astype(np.float64), len(people)).astype(total.dtype)
        chosen = _chosen(rows)
        part.chosen.add(*chosen)
        part.calibration_rows += len(chosen[0])

    def _scored(self, parts: dict[Key, PersonSums]) -> dict[Key, Score]:
        intervals = self._intervals(parts)
        return {key: self._score(part, *intervals[key]) for key, part in parts.items()}

    def _asked(self, part: PersonSums) -> NDArray[np.int64]:
        """Return the rows of people with a probe, in the order of ids."""
        return self._order[part.sums["probes"][self._order] > 0]

    def _weighted(self, part: PersonSums, asked: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Return the numbers of right rows and of all rows of the people ``asked``, weighted."""
        counts = [part.sums[name][asked].astype(np.float64) for name in ("right", "probes")]
        if self.weights is not None:
            each = self.weights[asked]
            counts = [fixed(each / each.mean() * count, len(each)) for count in counts]
        return counts[0], counts[1]

    def _intervals(self, parts: dict[Key, PersonSums]) -> dict[Key, tuple[float, float]]:
        """Return the interval of the accuracy of each part; parts of the same people share the draws."""
        alike: dict[bytes, list[Key]] = {}
        for key, part in parts.items():
            alike.setdefault(self._asked(part).tobytes(), []).append(key)
        found: dict[Key, tuple[float, float]] = {}
        for keys in alike.values():
            asked = self._asked(parts[keys[0]])
            counts = [self._weighted(parts[key], asked) for key in keys]
            right, probes = (np.stack(each, axis=1) for each in zip(*counts, strict=True))
            low, high = cluster_intervals(right, probes, self.seed)
            found |= dict(zip(keys, zip(low.tolist(), high.tolist(), strict=True), strict=True))
        return found

    def _score(self, part: PersonSums, low: float, high: float) -> Score:
        asked = self._asked(part)
        right, probes = self._weighted(part, asked)
        each = np.ones(len(asked)) if self.weights is None else self.weights[asked]

        def mean(total: str, count: str) -> float | None:
            rows = float((each * part.sums[count][asked]).sum())
            return float((each * part.sums[total][asked]).sum()) / rows if rows else None

        calibrated = part.chosen.calibration()
        return Score(
            accuracy=100 * float(right.sum() / probes.sum()),
            accuracy_low=100 * low,
            accuracy_high=100 * high,
            log_loss=mean("loss", "given"),
            invalid=int(part.sums["invalid"].sum()),
            people=len(asked),
            probes=int(part.sums["probes"].sum()),
            brier=mean("brier", "given"),
            ece=calibrated.error if calibrated else None,
            ece_floor=calibrated.floor if calibrated else None,
            ordinal_error=mean("ordinal", "ordered"),
            weights=self.weighting,
            effective_people=effective_size(each),
            probability_rows=int(part.sums["given"].sum()),
            calibration_rows=part.calibration_rows,
        )

    def _sums(self, part: PersonSums, of_accuracy: bool) -> Sums | None:
        """Return each person's contributions to accuracy or to log loss; None without probabilities."""
        count = part.sums["probes" if of_accuracy else "given"]
        asked = self._order[count[self._order] > 0]
        if not len(asked):
            return None
        rows = count[asked].astype(np.int64)
        total = part.sums["right" if of_accuracy else "loss"][asked].astype(np.float64)
        parts = np.stack([total if of_accuracy else fixed(total, len(asked)), rows.astype(np.float64)])
        unused = int(part.sums["probes"].sum()) - int(rows.sum())
        return Sums("accuracy" if of_accuracy else "log_loss", self._names[asked], parts, rows, unused)


def streamed_scores(
    tables: Iterable[pl.DataFrame],
    people: pl.DataFrame,
    survey: Survey,
    seed: int = 0,
    weights: Floats | None = None,
    weighting: Weights = "none",
) -> StreamedScores:
    """Score predictions that come as blocks of rows; ``tables`` is iterated twice.

    The other arguments are as in :class:`StreamedScores`. Raises IndievalueError if there are no rows, or some twice.

    >>> import indievalue as iv
    >>> people = iv.synthetic_people(300)
    >>> run = iv.evaluate(people, iv.build_benchmark(people, people_tested=40, setups=[0]), "majority", folds=1)
    >>> blocks = list(run.predictions.iter_slices(500))
    >>> found = streamed_scores(blocks, run.people, run.survey).scores()["majority"]
    >>> found.accuracy == run.scores["majority"].accuracy
    True
    """
    found = StreamedScores(people, survey, seed, weights, weighting)
    for table in tables:
        found.add(table)
    found.begin_second()
    for table in tables:
        found.add_again(table)
    return found


def _flat(probabilities: pl.Series) -> tuple[NDArray[np.bool_], NDArray[np.float32], NDArray[np.int64]]:
    """Return which rows have probabilities (rows,), these one after the other, and where each row of them starts."""
    given = probabilities.is_not_null().to_numpy()
    lists = probabilities.drop_nulls()
    if not len(lists):
        return given, np.zeros(0, np.float32), np.zeros(0, np.int64)
    flat = lists.explode().cast(pl.Float32).to_numpy()
    lengths = lists.list.len().to_numpy().astype(np.int64)
    return given, flat, np.cumsum(lengths) - lengths


def _given(
    probabilities: pl.Series, answer: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.float32], Floats]:
    """Return which rows have probabilities, that of the true option, and the sum of their squares."""
    given, flat, starts = _flat(probabilities)
    if not len(starts):
        return given, np.zeros(0, np.float32), np.zeros(0)
    return given, flat[starts + answer[given]], np.add.reduceat(flat.astype(np.float64) ** 2, starts)


def _chosen(rows: pl.DataFrame) -> tuple[NDArray[np.float32], NDArray[np.bool_], Floats | None]:
    """Return the probability of the chosen option, whether it is right, and the weight, of rows that have one."""
    given, flat, starts = _flat(rows["probabilities"])
    choice, answer = rows["choice"].to_numpy(), rows["answer"].to_numpy()
    valid = choice[given] != INVALID
    which = np.flatnonzero(given)[valid]
    probability = flat[starts[valid] + choice[which]]
    weight = rows["weight"].to_numpy()[which] if "weight" in rows.columns else None
    return probability, choice[which] == answer[which], weight
