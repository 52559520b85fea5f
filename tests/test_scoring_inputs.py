"""The scoring functions name what they expect when they are given something else."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from answers import people_of, predictions_of
from indievalue import Majority, Run, Settings, build_benchmark, check_predictor, evaluate
from indievalue.errors import IndievalueError
from indievalue.people.catalog import people_table
from indievalue.people.people import People
from indievalue.scoring.accuracy import score
from indievalue.scoring.calibration import option_scales, reliability
from indievalue.scoring.distributions import distributions
from indievalue.scoring.flattening import flattening
from indievalue.scoring.inequity import inequity
from indievalue.scoring.paired import compare
from indievalue.testing import made_up_people, small_survey

PREDICTIONS = predictions_of(np.array([[0, 0], [0, 1], [1, 1], [0, 0]]))
FRAME = people_of(sex=["female", "female", "male", "male"])

TAKES_PREDICTIONS: dict[str, Callable[..., object]] = {
    "score": score,
    "reliability": reliability,
    "compare": lambda predictions: compare(predictions, PREDICTIONS),
    "inequity": lambda predictions: inequity(predictions, FRAME, ["sex"]),
    "flattening": lambda predictions: flattening(predictions, FRAME, ["sex"], {}),
    "distributions": lambda predictions: distributions(predictions, FRAME, ["sex"], {}),
}
TAKES_PEOPLE: dict[str, Callable[..., object]] = {
    "compare": lambda people: compare(PREDICTIONS, PREDICTIONS, people, ["sex"]),
    "inequity": lambda people: inequity(PREDICTIONS, people, ["sex"]),
    "flattening": lambda people: flattening(PREDICTIONS, people, ["sex"], {}),
    "distributions": lambda people: distributions(PREDICTIONS, people, ["sex"], {}),
}


@pytest.fixture(scope="module")
def people() -> People:
    return made_up_people(small_survey(), 300)


@pytest.fixture(scope="module")
def run(people: People) -> Run:
    return evaluate(people, build_benchmark(people, Settings(setups=(0,), demonstrations=3), 40), "majority")


@pytest.mark.parametrize("function", TAKES_PREDICTIONS)
@pytest.mark.parametrize(
    ("wrong", "kind"),
    [("predictions.parquet", "str"), ([1, 2], "list"), (None, "NoneType"), (pd.DataFrame(), r"pandas\S*DataFrame")],
)
def test_predictions_must_be_a_table(function: str, wrong: object, kind: str) -> None:
    message = rf"^{function}: predictions must be a polars DataFrame, such as run.predictions, not {kind}$"
    with pytest.raises(IndievalueError, match=message):
        TAKES_PREDICTIONS[function](wrong)


@pytest.mark.parametrize("function", TAKES_PREDICTIONS)
def test_people_are_not_predictions(function: str, people: People) -> None:
    with pytest.raises(IndievalueError, match=rf"^{function}: predictions must be .*, not People$"):
        TAKES_PREDICTIONS[function](people)
    with pytest.raises(IndievalueError, match=rf"^{function}: predictions must have the columns .*choice, answer"):
        TAKES_PREDICTIONS[function](FRAME)


@pytest.mark.parametrize("function", TAKES_PREDICTIONS)
def test_of_a_run_the_predictions_are_wanted(function: str, run: Run) -> None:
    with pytest.raises(IndievalueError, match=rf"^{function}: .* not Run; pass its attribute predictions$"):
        TAKES_PREDICTIONS[function](run)


@pytest.mark.parametrize("function", TAKES_PEOPLE)
@pytest.mark.parametrize(("wrong", "kind"), [("people.parquet", "str"), ([1, 2], "list"), ({"sex": []}, "dict")])
def test_people_must_be_people_or_a_table(function: str, wrong: object, kind: str) -> None:
    message = rf"^{function}: people must be a People or a polars DataFrame with a column 'person' .*, not {kind}$"
    with pytest.raises(IndievalueError, match=message):
        TAKES_PEOPLE[function](wrong)


@pytest.mark.parametrize("function", TAKES_PEOPLE)
def test_a_table_of_people_needs_a_column_person(function: str, run: Run) -> None:
    with pytest.raises(IndievalueError, match=f"^{function}: people must have the column person; this table has sex$"):
        TAKES_PEOPLE[function](FRAME.drop("person", "weight"))
    with pytest.raises(IndievalueError, match=f"^{function}: .* not Run; pass its attribute people$"):
        TAKES_PEOPLE[function](run)


def test_people_give_the_same_as_their_table(run: Run, people: People) -> None:
    table = people_table(people)
    scales = option_scales(run.predictions, people.survey)
    a, b = (inequity(run.predictions, each, ["region"], minimum=2, draws=20) for each in (people, table))
    assert_frame_equal(a.table, b.table)
    c, d = (flattening(run.predictions, each, ["region"], scales, [], minimum=2, draws=20) for each in (people, table))
    assert_frame_equal(c.table, d.table)
    e, f = (
        compare(run.predictions, run.predictions, each, ["region"], minimum=2, draws=20) for each in (people, table)
    )
    assert_frame_equal(e.table, f.table)


def test_one_demographic_may_be_a_plain_name() -> None:
    one = inequity(PREDICTIONS, FRAME, "sex", minimum=2, draws=20)
    assert_frame_equal(one.table, inequity(PREDICTIONS, FRAME, ["sex"], minimum=2, draws=20).table)
    with pytest.raises(IndievalueError, match=r"^demographics must be a list of names, such as .*, not int$"):
        inequity(PREDICTIONS, FRAME, 3)  # type: ignore[arg-type]


def test_scales_and_surveys_are_checked(people: People) -> None:
    with pytest.raises(IndievalueError, match=r"^flattening: scales must map each question .*, not Survey$"):
        flattening(PREDICTIONS, FRAME, ["sex"], people.survey)  # type: ignore[arg-type]
    with pytest.raises(IndievalueError, match=r"^score: survey must be a Survey, .*, not str$"):
        score(PREDICTIONS, survey="wvs7")  # type: ignore[arg-type]


def test_probabilities_are_needed_only_where_they_are_measured() -> None:
    without = PREDICTIONS.drop("probabilities")
    assert len(inequity(without, FRAME, ["sex"], minimum=2, draws=20).table) == 1
    with pytest.raises(IndievalueError, match="predictions must have the column probabilities"):
        inequity(without, FRAME, ["sex"], measure="log_loss")


def test_check_predictor_takes_what_makes_a_predictor() -> None:
    with pytest.raises(IndievalueError, match=r"^check_predictor takes a class or a function .*, not Majority\(\)$"):
        check_predictor(Majority())  # type: ignore[arg-type]


def test_an_empty_table_is_named() -> None:
    with pytest.raises(IndievalueError, match="this table has no columns"):
        score(pl.DataFrame())
