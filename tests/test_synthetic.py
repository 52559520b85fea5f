"""Synthetic people: the same for a seed, decodable, and like the people the twin was fitted on."""

import shutil
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from threadpoolctl import threadpool_limits

from conftest import GARDEN, garden_answers
from indievalue.benchmark.protocol import protocol_probes
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.survey.survey import Survey
from indievalue.synthetic.generate import NEVER, SHARE, Twin, draw, load_twin, synthetic_people
from indievalue.synthetic.twin import FEWEST, fit_twin, main


@pytest.fixture(scope="module")
def people() -> People:
    return synthetic_people(6000, seed=1)


@pytest.fixture(scope="module")
def twin() -> Twin:
    return load_twin()[0]


def countries(twin: Twin) -> Iterator[tuple[int, int]]:
    return enumerate(twin.countries.tolist())


def refined_shares(people: People, question: str) -> np.ndarray:
    answers = people.options("refined")[:, people.survey.positions[question]]
    counts = np.bincount(answers[answers >= 0], minlength=len(people.survey.question(question).refined))
    return counts / counts.sum()


def eligible(people: People, asked: np.ndarray) -> np.ndarray:
    answered = people.options("refined") >= 0
    probes = np.unique(np.concatenate(protocol_probes(people.survey, asked)))
    return (answered.sum(axis=1) >= 239) & answered[:, probes].all(axis=1)


def test_as_many_people_as_asked_for_and_all_of_them_decodable(people: People) -> None:
    assert len(people) == len(people.demographics) == 6000
    assert people.ids[:2].tolist() == ["synthetic-000001", "synthetic-000002"]
    assert len(set(people.ids.tolist())) == 6000
    assert (people.weights == 1).all()
    assert people.findings.source == "synthetic"
    assert people.findings.unknown == ()
    assert people.findings.absent_questions == people.findings.absent_demographics == ()
    assert people.findings.blank == people.findings.unweighted == 0


def test_the_same_seed_gives_the_same_people_on_any_number_of_threads(people: People) -> None:
    for threads in (1, 2):
        with threadpool_limits(threads):
            again = synthetic_people(6000, seed=1)
        assert np.array_equal(again.codes, people.codes)
        assert again.demographics.equals(people.demographics)
        assert again.findings.fingerprint == people.findings.fingerprint


def test_another_seed_gives_other_people(people: People) -> None:
    other = synthetic_people(6000, seed=2)
    assert (other.codes != people.codes).any(axis=1).mean() > 0.99
    assert other.findings.fingerprint != people.findings.fingerprint


def test_countries_have_their_shares_even_of_few_people(twin: Twin) -> None:
    few = synthetic_people(14)
    assert len(few) == 14
    assert synthetic_people(1).codes.shape == (1, 253)
    many = draw(twin, few.survey, 10_000, 0)["B_COUNTRY"].to_numpy()
    for country, code in countries(twin):
        assert abs((many == code).sum() - 10_000 * twin.people[country] / twin.people.sum()) < 1


@pytest.mark.parametrize("n", [0, -3])
def test_fewer_than_one_person_is_refused(n: int) -> None:
    with pytest.raises(IndievalueError, match="at least 1"):
        synthetic_people(n)


def test_a_negative_seed_and_a_survey_without_a_twin_are_refused(tmp_path: Path) -> None:
    with pytest.raises(IndievalueError, match="seed"):
        synthetic_people(10, seed=-1)
    with pytest.raises(IndievalueError, match="no survey"):
        synthetic_people(10, survey=str(tmp_path))
    for file in GARDEN.glob("*.yaml"):
        shutil.copyfile(file, tmp_path / file.name)
    with pytest.raises(IndievalueError, match=r"twin\.npz"):
        synthetic_people(10, survey=str(tmp_path))
    (tmp_path / "twin.npz").write_bytes(b"nothing of the kind")
    with pytest.raises(IndievalueError, match="no twin"):
        load_twin(str(tmp_path))


def test_codes_have_the_stored_shares_in_every_country(twin: Twin, people: People) -> None:
    table = draw(twin, people.survey, 40_000, 3)
    names = twin.items.tolist()
    for question in ("Q1", "Q57", "Q106", "Q164", "Q240", "X003R", "Q289"):
        item = names.index(question)
        codes = twin.codes[twin.starts[item] : twin.starts[item + 1]]
        for country, code in countries(twin):
            stored = twin.shares[country, twin.starts[item] : twin.starts[item + 1]] / SHARE
            drawn = table.filter(pl.col("B_COUNTRY") == code)[question].to_numpy()
            if twin.absent[country, item]:
                assert (drawn == twin.absent[country, item]).all()
                continue
            answers = drawn[np.isin(drawn, codes)]
            found = np.array([(answers == one).mean() for one in codes])
            # Five standard errors: one code in a few million would be further off by chance.
            assert (np.abs(found - stored) < 5 * np.sqrt(stored / len(answers)) + 1e-3).all()


def test_questions_that_a_country_was_not_asked_stay_unasked(people: People) -> None:
    britain = people.take(people.demographics["country"].to_numpy() == "Great Britain")
    assert (britain.codes[:, britain.survey.positions["Q119"]] == -4).all()
    assert (britain.codes[:, britain.survey.positions["Q120"]] > 0).any()


def test_missing_answers_gather_in_some_people(people: People) -> None:
    germans = people.take(people.demographics["country"].to_numpy() == "Germany")
    missing = germans.options("refined") < 0
    if_independent = (missing.mean(axis=0) * (1 - missing.mean(axis=0))).sum()
    assert missing.sum(axis=1).var() > 5 * if_independent


def test_who_was_born_in_the_country_was_born_there(twin: Twin, people: People) -> None:
    table = draw(twin, people.survey, 5000, 4)
    told = table.filter((pl.col("Q266") > 0) & (pl.col("Q263") > 0))
    assert ((told["Q266"] != told["B_COUNTRY"]) == (told["Q263"] == 2)).all()


def test_the_shipped_twin_is_small_and_holds_nothing_of_a_person(twin: Twin, wvs7: Survey) -> None:
    content = twin.to_bytes()
    assert len(content) <= 400_000
    assert twin.people.min() >= FEWEST
    rows = int(twin.people.sum())
    assert all(rows not in getattr(twin, field.name).shape for field in fields(twin))
    # Of a demographic every stored cell is of 20 people or more; rounding may take half a unit off.
    questions = set(wvs7.positions)
    for item, name in enumerate(twin.items.tolist()):
        if name not in questions:
            shares = twin.shares[:, twin.starts[item] : twin.starts[item + 1]].astype(float)
            least = np.where(shares > 0, shares + 0.5, np.inf) / SHARE * twin.people[:, None]
            assert least.min() >= FEWEST, name
    degrees = np.where(twin.reluctance_shares > 0, twin.reluctance_shares + 0.5, np.inf) / SHARE
    assert (degrees * twin.people[:, None]).min() >= FEWEST


def test_a_twin_is_written_and_read_without_loss_or_pickle(twin: Twin, tmp_path: Path) -> None:
    twin.save(tmp_path / "twin.npz")
    again, _ = load_twin(str(tmp_path))
    for field in fields(Twin):
        one, other = getattr(again, field.name), getattr(twin, field.name)
        assert one.dtype == other.dtype
        assert np.array_equal(one, other)
    assert again.to_bytes() == twin.to_bytes()


def test_a_twin_of_any_survey_is_like_its_people(garden: Survey) -> None:
    table = garden_answers(3000).with_columns(HOME=pl.Series([276] * 2000 + [250] * 990 + [40] * 10))
    questions = [question.id for question in garden.questions]
    unanswered = pl.int_range(3000) % 4 == 0
    table = table.with_columns(pl.when(unanswered).then(-1).otherwise(pl.col(q)).alias(q) for q in questions)
    twin = fit_twin(table, garden)
    country = garden.demographic(garden.country or "country").columns[0]
    assert twin.country_column == country
    drawn = draw(twin, garden, 3000, 0)
    for name in ("P1", "A1"):
        assert abs((drawn[name] == -1).mean() - 0.25) < 0.04
    # Most leave every question unanswered or none: one in eighteen would if answers were missing independently.
    left = drawn.select(pl.sum_horizontal(pl.col(q) == -1 for q in questions)).to_series().to_numpy()
    assert np.isin(left, [0, len(questions)]).mean() > 0.8
    assert set(drawn["HOME"].unique()) == {276, 250}
    told = pl.col("P1") > 0, pl.col("A1") > 0
    real, synthetic = (np.corrcoef(one.filter(*told).select("P2", "A2").to_numpy().T)[0, 1] for one in (table, drawn))
    assert abs(real - synthetic) < 0.1


def test_codes_of_fewer_than_twenty_people_are_not_kept(garden: Survey) -> None:
    table = garden_answers(2000).with_columns(FAITH=pl.Series([1] * 19 + [2] * 1981))
    twin = fit_twin(table, garden)
    item = twin.items.tolist().index("FAITH")
    assert twin.codes[twin.starts[item] : twin.starts[item + 1]].tolist() == [2]


def test_a_country_of_fewer_than_twenty_people_is_not_kept(garden: Survey) -> None:
    column = garden.demographic(garden.country or "country").columns[0]
    codes = garden_answers(10)[column].unique().to_list()
    table = garden_answers(519).with_columns(pl.Series(column, [codes[0]] * 500 + [codes[-1]] * 19))
    assert fit_twin(table, garden).countries.tolist() == [codes[0]]
    with pytest.raises(IndievalueError, match="no country of at least 20"):
        fit_twin(table[:5], garden)


def test_items_that_all_answer_are_always_answered(twin: Twin, wvs7: Survey) -> None:
    intercepts = np.full_like(twin.intercepts, NEVER)
    table = draw(replace(twin, intercepts=intercepts), wvs7, 500, 0)
    assert (table["Q1"] > 0).all()


def test_fitting_from_the_command_line_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["only one"]) == 2
    assert main([str(tmp_path / "absent.csv"), str(tmp_path / "out.npz")]) == 1
    assert "absent.csv" in capsys.readouterr().err


def test_synthetic_people_are_like_the_real_ones(real_people: People, people: People) -> None:
    for question in ("Q2", "Q48", "Q112", "Q171", "Q199", "Q254"):
        assert np.abs(refined_shares(real_people, question) - refined_shares(people, question)).max() < 0.035
    real, synthetic = (eligible(one, real_people.asked).mean() for one in (real_people, people))
    assert abs(real - synthetic) < 0.06
    for name in ("sex", "age", "religion"):
        shares = [
            dict(one.demographics[name].value_counts(normalize=True).iter_rows()) for one in (real_people, people)
        ]
        assert all(abs(shares[0].get(group, 0) - share) < 0.035 for group, share in shares[1].items() if group)
