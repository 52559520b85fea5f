"""Contexts made of blocks: which words they have, what they show, and which predictors can use what."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from conftest import garden_answers
from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.country_facts import (
    FACTS,
    country_facts,
    fact_sources,
    fact_statements,
    facts_about,
    facts_table,
    other_sources,
)
from indievalue.benchmark.model import Benchmark, Settings
from indievalue.benchmark.storage import load_benchmark, save_benchmark, task_texts
from indievalue.context import Blocks, UnusableBlockError, parse_context
from indievalue.errors import IndievalueError
from indievalue.evaluation import evaluate
from indievalue.experiments.answer import answer_of
from indievalue.experiments.engine import CellInputs, plan
from indievalue.experiments.folder import Folder
from indievalue.experiments.spec import parse_experiment
from indievalue.experiments.wording import plan_lines
from indievalue.people.decode import decode
from indievalue.people.join import joined
from indievalue.people.people import People
from indievalue.predictors.boosting import Boosting
from indievalue.predictors.clues import Clues
from indievalue.predictors.fact_columns import FactColumns
from indievalue.predictors.gaussian import Gaussian
from indievalue.predictors.logistic import Logistic
from indievalue.predictors.majority import Majority
from indievalue.predictors.masked import make_masked
from indievalue.predictors.predictions import predict
from indievalue.predictors.protocol import Predictor
from indievalue.predictors.registry import adopt, make_predictor
from indievalue.predictors.resemble import Resemble
from indievalue.report.described import described
from indievalue.report.wording import shown
from indievalue.survey.survey import Survey
from indievalue.testing import made_up_people, small_survey

COUNTRIES = {"north": "Germany", "south": "Iraq", "west": "Canada"}


@pytest.fixture(scope="module")
def citizens() -> People:
    """Made-up people of three countries, interviewed in a year of their country or the year after."""
    people = made_up_people(small_survey(), 300)
    region = people.demographics["region"].replace_strict(COUNTRIES, default=None)
    years = (
        region.replace_strict({"Germany": 2017, "Iraq": 2018, "Canada": 2020}, default=0).to_numpy().astype(np.int16)
    )
    survey = replace(people.survey, year="YEAR")
    return replace(people, survey=survey, demographics=people.demographics.with_columns(region), years=years)


def _drawn(people: People, context: str, number: int = 40, demonstrations: int = 3) -> Benchmark:
    settings = Settings(setups=(0,), demonstrations=demonstrations, context=context)
    return build_benchmark(people, settings, people.ids[:number].tolist())


def _said(people: People, context: str) -> list[list[str]]:
    return [text["demographics"] for text in task_texts(_drawn(people, context))]


@pytest.mark.parametrize(
    ("written", "blocks"),
    [
        ("none", Blocks()),
        ("both", Blocks(statements=True, demographics=())),
        ("statements", Blocks(statements=True)),
        (
            "statements+demographics:income+education+country-facts",
            Blocks(statements=True, demographics=("education", "income"), country_facts=True),
        ),
        ("demographics:region", Blocks(demographics=("region",))),  # the first word is a name, whatever it is
        ("demographics:age+region", Blocks(demographics=("age",), region=True)),  # any other that is a block ends them
        ("demographics:age+demographics:year", Blocks(demographics=("age", "year"))),
        ("country-facts+region+year", Blocks(region=True, year=True, country_facts=True)),
        ("both+year", Blocks(statements=True, demographics=(), year=True)),
    ],
)
def test_a_context_is_made_of_blocks(written: str, blocks: Blocks) -> None:
    assert parse_context(written) == blocks
    assert parse_context(blocks.name) == blocks


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("none", "none"),
        ("demographics", "demographics"),
        ("demographics+statements", "both"),
        ("both+year", "statements+demographics+year"),
        ("country-facts+demographics:b+a+statements", "statements+demographics:a+b+country-facts"),
        ("demographics:year+demographics:region+a", "demographics:a+demographics:region+demographics:year"),
    ],
)
def test_the_same_blocks_have_one_name(written: str, name: str) -> None:
    assert parse_context(written).name == name
    assert Settings(context=written).context == name


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("", "there|others join blocks"),
        ("statement", "did you mean 'statements'"),
        (
            "statements+age",
            "no block 'age', but statements, demographics.*names of demographics follow `demographics:`",
        ),
        ("statements+none", "`none` shows nothing, and stands alone"),
        ("year+year", "it has the block 'year' twice"),
        ("both+statements", "short for statements\\+demographics"),
        ("demographics:age+demographics", "it shows all demographics"),
        ("demographics:age+sex+age", "it names the demographic 'age' twice"),
        ("demographics:", "a name is missing"),
        ("demographics:age++sex", "a name is missing"),
    ],
)
def test_what_is_no_context_is_refused_with_the_reason(written: str, complaint: str) -> None:
    with pytest.raises(IndievalueError, match=complaint):
        parse_context(written)


def test_demographics_are_shown_by_name(gardeners: People) -> None:
    benchmark = build_benchmark(gardeners, Settings(context="statements+demographics:faith+age"), 10)
    (_, task), *_ = benchmark.tasks()
    assert task.demographics is not None
    assert task.demographics.columns == ["faith", "age"]  # in the survey's order
    assert (task.shown >= 0).any()
    assert benchmark.settings.context == "statements+demographics:age+faith"
    assert all("garden is" not in text for texts in task_texts(benchmark) for text in texts["demographics"])
    with pytest.raises(IndievalueError, match=r"has no demographic 'fate'; .*did you mean 'faith'"):
        build_benchmark(gardeners, Settings(context="demographics:fate"), 10)


def test_the_region_is_the_demographic_that_the_survey_names(gardeners: People, wvs7: Survey) -> None:
    ((_, task), *_) = build_benchmark(gardeners, Settings(context="region"), 10).tasks()
    assert task.demographics is not None
    assert task.demographics.columns == ["region"]
    elsewhere = replace(gardeners, survey=replace(gardeners.survey, region="birth_country"))
    ((_, task), *_) = build_benchmark(elsewhere, Settings(context="region"), 10).tasks()
    assert task.demographics is not None
    assert task.demographics.columns == ["birth_country"]
    with pytest.raises(UnusableBlockError, match="survey wvs7 names no demographic for the region"):
        build_benchmark(replace(gardeners, survey=wvs7), Settings(context="region"), 10)
    wrong = replace(gardeners.survey, region="hemisphere")
    assert "region names 'hemisphere', which is no demographic" in wrong.validate()


def test_the_year_is_read_from_the_column_that_the_survey_names(garden: Survey) -> None:
    survey = replace(garden, year="YEAR")
    table = garden_answers(6).with_columns(YEAR=pl.Series(["2018", "2018.0", "", "-4", "n/a", "2021"]))
    people = decode(table, survey, "garden.csv", "")
    assert people.years is not None
    assert people.years.tolist() == [2018, 2018, 0, 0, 0, 2021]
    assert people.take([5, 0]).years.tolist() == [2021, 2018]  # type: ignore[union-attr]
    other = decode(garden_answers(3).with_columns(pl.col("ID") + "b"), survey, "other.csv", "")
    assert other.years is None
    assert joined([people, other]).years.tolist() == [2018, 2018, 0, 0, 0, 2021, 0, 0, 0]  # type: ignore[union-attr]
    (_, task), *_ = build_benchmark(people, Settings(context="year"), people.ids.tolist()).tasks()
    assert task.facts is not None
    assert task.facts["year"].to_list() == [2018, 2018, None, None, None, 2021]
    with pytest.raises(UnusableBlockError, match=r"other\.csv has no column YEAR with the year of the interview"):
        build_benchmark(other, Settings(context="year"), other.ids.tolist())
    with pytest.raises(UnusableBlockError, match="survey garden names no column or demographic for the year"):
        build_benchmark(decode(table, garden, "garden.csv", ""), Settings(context="year"), 3)


def test_a_row_that_holds_nothing_but_its_year_is_empty(garden: Survey) -> None:
    table = garden_answers(4).with_columns(YEAR=pl.lit(2018))
    blank = table[:1].select(pl.when(False).then(pl.col(name)).alias(name) for name in table.columns if name != "YEAR")
    both = pl.concat([table, blank.with_columns(YEAR=pl.lit(2018)).select(table.columns)])
    assert decode(both, replace(garden, year="YEAR"), "garden.csv", "").findings.empty_rows == 1


def test_the_year_may_be_a_demographic(gardeners: People) -> None:
    people = replace(gardeners, survey=replace(gardeners.survey, year="age"))
    (_, task), *_ = build_benchmark(people, Settings(context="year"), 10).tasks()
    assert task.facts is None
    assert task.demographics is not None
    assert task.demographics.columns == ["age"]


def test_what_a_person_says_of_the_year_and_the_country(citizens: People) -> None:
    row = citizens.demographics["region"].to_list().index("Iraq")
    (said,) = [text["demographics"] for text in task_texts(_drawn(citizens.take([row]), "year+country-facts", 1))]
    assert said == [
        "I am answering these questions in 2018.",
        "I live in a country with a gross domestic product of about 5,600 US dollars per person a year.",
        "I live in a country of about 40 million people.",
        "I live in a country that is a parliamentary republic.",
        "I live in a country where Muslims are the largest religious group.",
    ]
    assert list(fact_statements({"population": 0.075, "religion": "none"})) == [
        "I live in a country of about 75,000 people.",
        "I live in a country where people without a religion outnumber the followers of any religion.",
    ]
    unknown = citizens.demographics["region"].to_list().index(None)
    assert [_said(citizens, "year+country-facts")[unknown]] == [[]]


def test_countries_that_are_not_in_the_table_have_no_facts(gardeners: People) -> None:
    with pytest.raises(UnusableBlockError, match=r"none of the countries in garden\.csv, such as '"):
        build_benchmark(gardeners, Settings(context="country-facts"), 10)
    homeless = replace(gardeners, survey=replace(gardeners.survey, country=None))
    with pytest.raises(UnusableBlockError, match="names no demographic for the country"):
        build_benchmark(homeless, Settings(context="country-facts"), 10)


def test_the_table_of_facts_is_complete_and_has_sources(wvs7: Survey) -> None:
    every = country_facts()
    assert len({one.code for one in every}) == len({one.iso for one in every}) == len(every) == 121
    names = [group.label for group in wvs7.demographic("country").groups]
    assert [name for name in names if facts_about(name) is None] == []
    assert facts_about("Northern Ireland") is facts_about("GB") is facts_about("gbr")
    assert facts_about("Atlantis") is None
    assert set(fact_sources()) == set(FACTS)
    assert {of.licence for of in (*fact_sources().values(), *other_sources())} == {"CC BY 4.0", "public domain"}
    assert all(of.iso == "TWN" for of in other_sources())
    known = {fact: sum(getattr(one, fact) is not None for one in every) for fact in FACTS}
    assert known == {"income": 120, "population": 121, "regime": 116, "religion": 119}
    assert facts_table(pl.Series(["Norway", None, "Atlantis"]))["income"].to_list() == [83, None, None]


def test_countries_with_other_facts_are_less_likely() -> None:
    clues = Clues.of(["Norway", "Denmark", "Iraq"], np.zeros(0, np.int64))
    evidence = clues.evidence(facts_table(pl.Series(["Norway", "Iraq", "Atlantis"])))
    assert evidence[0].argmax() == 0
    assert evidence[1].argmax() == 2
    assert evidence[0, 1] > evidence[0, 2]
    assert evidence[2].tolist() == [0, 0, 0]


def test_a_year_is_as_likely_as_its_share_of_a_country_s_people(citizens: People) -> None:
    numbers = citizens.demographics["region"].replace_strict({"Germany": 0, "Iraq": 1}, default=-1).to_numpy()
    clues = Clues.of(["Germany", "Iraq"], numbers, citizens)
    assert clues.years.tolist() == [2017, 2018, 2020]
    germans = int((numbers == 0).sum())
    assert clues.shares[0] == pytest.approx(np.array([germans + 1, 1, 1]) / (germans + 3))
    evidence = clues.evidence(pl.DataFrame({"year": [2018, 1999, None]}))
    assert evidence[0] == pytest.approx(np.log(clues.shares[:, 1]))
    assert not evidence[1:].any()
    with pytest.raises(IndievalueError, match="whose year of the interview is not known: leave out the block year"):
        Clues.of(["Germany", "Iraq"], numbers).evidence(pl.DataFrame({"year": [2018]}))


def test_facts_are_columns_of_numbers() -> None:
    facts = facts_table(pl.Series(["Germany", "Iraq", None])).with_columns(year=pl.Series([2016, 2018, None]))
    columns = FactColumns.of(facts).apply(facts)
    assert columns.shape == (3, 3 + 1 + 2)  # three numbers; both are parliamentary republics; two religions
    assert columns[:2, :3].mean(axis=0) == pytest.approx(0, abs=1e-6)
    assert columns[0, 3:].tolist() == [1, 1, 0]
    assert np.isnan(columns[2]).all()


@pytest.fixture(scope="module")
def gaussian(citizens: People) -> Gaussian:
    return Gaussian().fit(citizens.take(range(20, 300)))


@pytest.fixture(scope="module", params=[Gaussian, Logistic, Boosting])
def learned(request: pytest.FixtureRequest, citizens: People, gaussian: Gaussian) -> Predictor:
    if request.param is Gaussian:
        return gaussian
    made = Boosting(trees=2) if request.param is Boosting else Logistic()
    return made.fit(citizens.take(range(20, 300)))


@pytest.mark.parametrize("context", ["year", "country-facts", "demographics:age", "both+year+country-facts"])
def test_what_the_context_shows_changes_the_predictions_of_those_who_can_use_it(
    citizens: People, learned: Predictor, context: str
) -> None:
    drawn = [_drawn(citizens, used, 20, demonstrations=0) for used in (context, "none")]
    said = [learned.predict(task).probabilities for one in drawn for _, task in one.tasks()]
    assert said[0] is not None
    assert np.isfinite(said[0]).all()
    assert np.abs(said[0] - said[1]).max() > 1e-3


def test_demographics_by_name_are_used_like_those_of_people_who_gave_no_others(
    citizens: People, gaussian: Gaussian
) -> None:
    reticent = replace(citizens, demographics=citizens.demographics.with_columns(region=pl.lit(None, pl.String)))
    drawn = _drawn(citizens, "demographics:age", 20), _drawn(reticent, "demographics", 20)
    named, all_that_is_known = (predict("g", gaussian, one)["probabilities"] for one in drawn)
    assert named.equals(all_that_is_known)


@pytest.mark.parametrize(
    ("predictor", "context", "unused"),
    [
        (Resemble(), "statements+demographics:age", "demographics"),
        (Resemble(), "statements+region", "demographics"),
        (Resemble(), "both+year+country-facts", "year and country-facts"),
        (make_masked(), "year", "year"),
        (make_predictor("blend:resemble+masked"), "country-facts", "country-facts"),
    ],
    ids=str,
)
def test_a_predictor_that_cannot_use_a_block_refuses_it(
    citizens: People, predictor: Predictor, context: str, unused: str
) -> None:
    with pytest.raises(UnusableBlockError, match=f"cannot use {unused} of the context"):
        evaluate(citizens, _drawn(citizens, context), {"mine": predictor})


def test_a_predictor_of_one_s_own_states_what_it_uses(citizens: People) -> None:
    class Own:
        def fit(self, people: People, form: str, shown_form: str) -> "Own":
            self.model = Majority().fit(people)
            return self

        def predict(self, task):  # type: ignore[no-untyped-def]
            return self.model.predict(task)

    with pytest.raises(UnusableBlockError, match="states what it uses in `reads`"):
        evaluate(citizens, _drawn(citizens, "year"), Own())
    Own.reads = {"year"}  # type: ignore[attr-defined]
    assert len(evaluate(citizens, _drawn(citizens, "year"), Own()).predictions)
    assert adopt(Majority()).reads == frozenset()  # type: ignore[attr-defined]
    evaluate(citizens, _drawn(citizens, "year"), "majority")  # it uses nothing of anybody, whatever is shown


def test_a_run_names_its_context_and_tells_what_was_shown(citizens: People, tmp_path) -> None:  # type: ignore[no-untyped-def]
    drawn = _drawn(citizens, "demographics:age+country-facts+statements")
    run = evaluate(citizens, drawn, "majority")
    assert run.predictions["context"].unique().to_list() == ["statements+demographics:age+country-facts"]
    assert shown(run) == "given the person’s age, facts about their country and 3 of the person’s other statements"
    assert run.examples[0].demographics == tuple(next(task_texts(drawn))["demographics"])
    save_benchmark(drawn, tmp_path / "benchmark")
    again = load_benchmark(tmp_path / "benchmark", citizens)
    assert list(task_texts(again)) == list(task_texts(drawn))


def test_an_experiment_describes_blocks_in_words() -> None:
    assert described({"context": "statements+demographics:marital_status+year"}) == "with marital status and year"
    assert described({"context": "region+country-facts"}) == "region and country facts alone"


BLOCKS = """
title: Which blocks?
asks: What do blocks add?
predictors: [resemble, logistic]
grid: {context: [statements, both, "statements+demographics:age", both+year]}
compare:
  - {from: {context: statements}, to: {context: "statements+demographics:age"}}
  - {from: {context: both}, to: {context: both+year}}
answer: differences
figure: {kind: dots, rows: context, colour: predictor}
"""


def test_an_experiment_leaves_out_cells_that_the_data_or_a_predictor_have_no_use_for(gardeners: People) -> None:
    experiment = parse_experiment(BLOCKS, "blocks", "blocks.yaml")
    planned = plan(experiment, CellInputs(gardeners, 10, 0), Folder(Path("nowhere")))
    assert [(cell.predictor, cell.axes["context"]) for cell in planned.cells] == [
        ("resemble", "statements"),
        ("resemble", "both"),
        ("logistic", "statements"),
        ("logistic", "both"),
        ("logistic", "statements+demographics:age"),
    ]
    assert len(planned.experiment.compare) == 1
    _, cells, *left_out = plan_lines(planned)
    assert cells.startswith("5 cells: resemble, logistic, up to 3 settings each")
    assert left_out == [
        "1 cell is left out: resemble cannot use demographics of the context statements+demographics:age.",
        "2 cells are left out: survey garden names no column or demographic for the year of the interview (`year` in "
        "survey.yaml).",
    ]
    alone = experiment.model_copy(update={"grid": {"context": ("year",)}, "compare": ()})
    with pytest.raises(UnusableBlockError, match="names no column or demographic for the year"):
        plan(alone, CellInputs(gardeners, 10, 0), Folder(Path("nowhere")))


def test_an_experiment_may_answer_with_the_largest_difference() -> None:
    experiment = parse_experiment(BLOCKS, "blocks", "blocks.yaml")
    rows = [
        ("logistic, 0 statements", "without demographics", "with age", 1.0, 0.5, 1.5),
        ("logistic, 0 statements", "without demographics", "with year", 2.0, 1.4, 2.6),
        ("logistic, 9 statements", "without demographics", "with age", -0.3, -0.5, 0.0),
        ("logistic, 9 statements", "with demographics", "with demographics and year", 9.0, 8.0, 10.0),
    ]
    names = ("where", "from", "to", "difference", "difference_low", "difference_high")
    compared = pl.DataFrame(rows, names, orient="row")
    assert answer_of(experiment, pl.DataFrame(), compared) == (
        "Compared with predictions without demographics, accuracy changes most with year for logistic, 0 statements "
        "(+2.0 points, 95% interval +1.4 to +2.6) and with age for logistic, 9 statements (−0.3 points, 95% interval "
        "−0.5 to 0.0)."
    )
