"""Twins of any survey: what is fitted on a file of one's own, drawn, written, read back, and kept private."""

import hashlib
import os
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from conftest import GARDEN, ROOT, garden_answers, real_file
from indievalue.cli import app
from indievalue.errors import IndievalueError
from indievalue.people.decode import decode
from indievalue.people.people import People
from indievalue.people.read import read_people, read_table
from indievalue.runs.repeat import path_within
from indievalue.survey.codes import TAGS
from indievalue.survey.load import load_survey
from indievalue.survey.survey import Survey
from indievalue.synthetic.check import check_twin, privacy
from indievalue.synthetic.copula import completed
from indievalue.synthetic.generate import draw, load_twin, twin_in
from indievalue.synthetic.model import FEWEST, SHARE, Twin
from indievalue.synthetic.source import people_from
from indievalue.synthetic.twin import described, fit_twin
from indievalue.synthetic.written import write_survey_file

SURVEY = """
name: orchard
title: A survey of orchards in two forms
licence: CC0, made up
person: ID
weight: [W1, W2]
where: {ROUND: 8}
missing: {-1: don't know, -4: not asked, -5: missing, .d: don't know}
not_asked: -4
blank: -5
categories: [Fruit]
sampling: {setups: 1, per_category: 3, probes: answered}
"""

QUESTIONS = """
- battery: likes
  category: Fruit
  type: mc_4
  asks: How much do you like {fruit}?
  polar: {1-2: "I like {fruit}.", 3-4: "I do not like {fruit}."}
  refined:
    1: I like {fruit} very much.
    2: I like {fruit} somewhat.
    3: I do not like {fruit} very much.
    4: I do not like {fruit} at all.
  missing: {8: don't know, 9: refused}
  questions: {C1: {fruit: apples}, C2: {fruit: pears}, C3: {fruit: plums}, C4: {fruit: figs}}

- battery: likes of the first form
  category: Fruit
  type: mc_2
  asks: Do you like {fruit}?
  polar: {1: "I like {fruit}.", 2: "I do not like {fruit}."}
  refined: same as polar
  where: {FORM: 1}
  questions: {A1: {fruit: limes}, A2: {fruit: dates}, A3: {fruit: nuts}, XA: {fruit: red grapes, column: X}}

- battery: likes of the second form
  category: Fruit
  type: mc_2
  asks: Do you like {fruit}?
  polar: {1: "I like {fruit}.", 2: "I do not like {fruit}."}
  refined: same as polar
  where: {FORM: 2}
  questions: {B1: {fruit: kiwis}, B2: {fruit: melons}, B3: {fruit: berries}, XB: {fruit: white grapes, column: X}}

- battery: likes of some
  category: Fruit
  type: scale
  asks: How much do you like {fruit}?
  polar: {0-4: "I do not like {fruit}.", 5-10: "I like {fruit}."}
  refined: {0-2: "I hate {fruit}.", 3-4: "I dislike {fruit}.", 5-7: "I like {fruit}.", 8-10: "I love {fruit}."}
  missing: {66: not applicable, 77: refused}
  questions: {D1: {fruit: quinces}, D2: {fruit: medlars}}

- question: T1
  category: Fruit
  type: mc_3
  asks: Where do you pick fruit?
  ordered: false
  columns: [T1_F1, T1_F2]
  polar: {1: I pick fruit at home., 2: I pick fruit in the woods., 3: I pick fruit in the shop.}
  refined: same as polar
  left_out: {8: don't know}
"""

DEMOGRAPHICS = """
- id: KIND
  name: kind
  asks: What do you grow?
  statement: I grow {group}.
  groups: [{codes: "AP, apple", label: apples}, {codes: PE, label: pears}]

- id: AGE
  name: age
  asks: How old are you?
  statement: I am {group} years old.
  groups: [{codes: 18-39, label: under 40}, {codes: 40-99, label: 40 or more}]
"""


@pytest.fixture(scope="module")
def orchard(tmp_path_factory: pytest.TempPathFactory) -> Survey:
    """A survey without a country, in two forms, whose missing codes are answers elsewhere, with texts for codes."""
    folder = tmp_path_factory.mktemp("surveys") / "orchard"
    folder.mkdir()
    for name, text in (("survey", SURVEY), ("questions", QUESTIONS), ("demographics", DEMOGRAPHICS)):
        (folder / f"{name}.yaml").write_text(text)
    return load_survey(str(folder))


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return orchard_answers(900)


@pytest.fixture(scope="module")
def twin(table: pl.DataFrame, orchard: Survey) -> Twin:
    return described(fit_twin(table, orchard), orchard)


@pytest.fixture(scope="module")
def drawn(twin: Twin, orchard: Survey) -> pl.DataFrame:
    return draw(twin, orchard, 1500, 3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, orchard: Survey, table: pl.DataFrame) -> Path:
    """What ``indievalue twin`` writes for a file."""
    place = tmp_path_factory.mktemp("twins")
    table.write_csv(place / "orchard.csv")
    ran(["twin", str(place / "orchard.csv"), "--survey", str(orchard.folder), "--out", str(place / "t"), "--no-check"])
    return place / "t"


def orchard_answers(people: int, seed: int = 0) -> pl.DataFrame:
    """Cells of made-up people who like all fruit, or none; a third are asked about quinces and medlars."""
    rng = np.random.default_rng(seed)
    fond = rng.standard_normal(people)
    form = rng.integers(1, 3, people)

    def steps(cuts: list[float]) -> np.ndarray:
        return np.digitize(0.8 * fond + 0.6 * rng.standard_normal(people), cuts)

    cells: dict[str, np.ndarray | pl.Series] = {
        "ID": np.array([f"o{number}" for number in range(people)]),
        "ROUND": np.full(people, 8),
        "W1": np.ones(people),
        "W2": rng.uniform(0.5, 1.5, people).round(2),
        "FORM": form,
        "KIND": rng.choice(["AP", "pe"], people),
        "AGE": rng.integers(18, 90, people),
    }
    for name in ("C1", "C2", "C3", "C4"):
        cells[name] = np.where(rng.random(people) < 0.1, 8, 4 - steps([-1, 0, 1]))
    for name, asked in (("A1", 1), ("A2", 1), ("A3", 1), ("B1", 2), ("B2", 2), ("B3", 2)):
        cells[name] = np.where(form == asked, 2 - steps([0]), -4)
    cells["X"] = 2 - steps([0])
    third = rng.random(people) < 1 / 3
    for name in ("D1", "D2"):
        told = np.where(third, steps([-2, -1.5, -1, -0.5, 0, 0.4, 0.8, 1.2, 1.6, 2]), 66).astype(str)
        cells[name] = np.where(third & (rng.random(people) < 0.2), ".d", told)
    where = rng.choice([1, 2, 3, 8], people, p=[0.5, 0.3, 0.15, 0.05])
    cells["T1_F1"] = pl.Series([int(code) if of == 1 else None for code, of in zip(where, form, strict=True)])
    cells["T1_F2"] = pl.Series([int(code) if of == 2 else None for code, of in zip(where, form, strict=True)])
    return pl.DataFrame(cells)


def ran(arguments: list[str], code: int = 0) -> str:
    """What a command prints; an error that it raises where it does not end with 0."""
    result = CliRunner().invoke(app, arguments)
    if code:
        assert isinstance(result.exception, IndievalueError), result.output
        return str(result.exception)
    assert result.exit_code == 0, result.output + repr(result.exception)
    return " ".join(result.output.split())


def answered(people: People, question: str) -> np.ndarray:
    return people.options("refined")[:, people.survey.positions[question]] >= 0


def test_the_twin_that_ships_and_its_people_are_the_same_to_the_byte(wvs7: Survey) -> None:
    shipped = ROOT / "src" / "indievalue" / "surveys" / "wvs7" / "twin.npz"
    assert hashlib.sha256(shipped.read_bytes()).hexdigest().startswith("2262ce5d247aa00ebfefb1d422d7137c")
    cells = draw(load_twin()[0], wvs7, 300, 0).write_csv().encode()
    assert hashlib.sha256(cells).hexdigest() == "b93adb0c1964dacf4d585babbfca46bf0166bfde797fff6bc9c5caec6188b850"


def test_the_code_that_draws_people_names_no_survey_and_none_of_its_columns() -> None:
    for file in (ROOT / "src" / "indievalue" / "synthetic").glob("*.py"):
        assert not re.search(r"wvs|world values|\bQ\d+|B_COUNTRY", file.read_text(), re.IGNORECASE), file


def test_people_are_like_those_of_the_file_though_codes_are_missing_in_some_questions_alone(
    orchard: Survey, table: pl.DataFrame, drawn: pl.DataFrame
) -> None:
    real, synthetic = (decode(one, orchard, "", "") for one in (table, drawn))
    assert synthetic.findings.unknown == synthetic.findings.left_out[1:] == ()
    for question in orchard.questions:
        options = [people.options("refined")[:, orchard.positions[question.id]] for people in (real, synthetic)]
        shares = [np.bincount(one + 1, minlength=len(question.refined) + 1) / len(one) for one in options]
        assert np.abs(shares[0] - shares[1]).max() < 0.06, question.id
    assert set(drawn["D1"].unique()) <= {*range(11), 66, 77, TAGS["d"], -5}
    known = [answered(people, "C1") & answered(people, "C2") for people in (real, synthetic)]
    correlations = [
        np.corrcoef(people.codes[both][:, [0, 1]].T)[0, 1]
        for people, both in zip((real, synthetic), known, strict=True)
    ]
    assert abs(correlations[0] - correlations[1]) < 0.1


def test_questions_of_two_forms_are_never_put_to_one_person(orchard: Survey, drawn: pl.DataFrame) -> None:
    people = decode(drawn, orchard, "", "")
    for first, second in (("A1", "B1"), ("A3", "B2"), ("XA", "XB")):
        assert answered(people, first).any()
        assert answered(people, second).any()
        assert not (answered(people, first) & answered(people, second)).any()
    assert np.array_equal(answered(people, "XA"), answered(people, "A1"))
    assert set(drawn["FORM"].unique()) == {"1", "2"}


def test_questions_after_a_filter_are_put_to_the_same_people(orchard: Survey, drawn: pl.DataFrame) -> None:
    unasked = drawn.select(pl.col("D1", "D2") == 66)
    assert unasked["D1"].equals(unasked["D2"].alias("D1"))
    assert abs(unasked["D1"].mean() - 2 / 3) < 0.05


def test_questions_never_put_together_correlate_as_what_was_put_with_both_lets_expect() -> None:
    loading = np.array([0.8] * 6 + [0.7] * 3 + [0.6] * 3)
    truth = np.outer(loading, loading)
    together = np.ones((12, 12), bool)
    together[6:9, 9:] = together[9:, 6:9] = False
    filled = completed(np.where(together, truth, 0), together)
    assert (filled[6:9, 9:] > 0.36).all()
    assert (filled[6:9, 9:] <= 0.42).all()  # 0.7 × 0.6; components know the factor not quite
    assert np.array_equal(filled[together], truth[together])
    assert np.allclose(filled, filled.T)
    unrelated = np.where(together, truth, 0)
    unrelated[:6, 6:] = unrelated[6:, :6] = 0
    assert not completed(unrelated, together)[6:9, 9:].any()
    nothing_shared = together.copy()
    nothing_shared[:6] = nothing_shared[:, :6] = False
    assert not completed(np.where(nothing_shared, truth, 0), nothing_shared)[6:9, 9:].any()


def test_answers_of_two_forms_hang_together_through_what_all_were_asked(orchard: Survey, twin: Twin) -> None:
    names = twin.items.tolist()
    loadings = twin.loadings[0] / 128
    between = loadings[names.index("A1")] @ loadings[names.index("B1")]
    assert 0.4 < between < 0.85  # 0.64 in truth


def test_nothing_that_fewer_than_twenty_people_share_is_kept(orchard: Survey) -> None:
    assert FEWEST >= 10
    people = 900
    table = orchard_answers(people).with_columns(
        FORM=pl.Series([3] * 19 + [1] * 400 + [2] * (people - 419)),
        C1=pl.Series([4] * 12 + [1] * 400 + [2] * (people - 412)),
        KIND=pl.Series(["apple"] * 5 + ["AP"] * 95 + ["PE"] * 800),
    )
    twin = fit_twin(table, orchard)
    assert (twin.ballot_shares[twin.ballot_shares > 0] / SHARE * people >= FEWEST - 1).all()
    assert "3" not in twin.ballot_cells
    drawn = draw(twin, orchard, 2000, 0)
    assert set(drawn["C1"].unique()) - {8, 9, -1, -4, -5} == {1, 2}
    # Of a group all of whose codes are rare, such as an age in years, nobody is lost.
    assert decode(drawn, orchard, "", "").demographics["age"].null_count() == 0
    shares = np.where(twin.shares > 0, twin.shares / SHARE * people, FEWEST)
    assert shares.min() >= FEWEST / 2


@pytest.mark.parametrize("ending", [".csv", ".sav", ".parquet"])
def test_a_file_of_synthetic_people_is_read_back_by_their_survey(
    ending: str, orchard: Survey, drawn: pl.DataFrame, tmp_path: Path
) -> None:
    file = tmp_path / f"people{ending}"
    write_survey_file(drawn, orchard, file)
    people, again = decode(drawn, orchard, "", ""), read_people(file, orchard)
    assert again.ids.tolist() == people.ids.tolist()
    assert np.array_equal(again.codes, people.codes)
    assert again.demographics.equals(people.demographics)
    assert again.demographics["kind"].null_count() == 0
    assert again.findings.unknown == ()
    assert again.findings.unweighted == 0


def test_texts_and_tags_are_written_as_such_and_labels_into_spss(
    orchard: Survey, drawn: pl.DataFrame, tmp_path: Path
) -> None:
    import pyreadstat

    write_survey_file(drawn, orchard, tmp_path / "people.csv")
    cells = pl.read_csv(tmp_path / "people.csv", infer_schema=False)
    assert set(cells["KIND"].unique()) == {"ap", "pe"}
    assert ".d" in cells["D1"].to_list()
    write_survey_file(drawn, orchard, tmp_path / "people.sav")
    _, about = pyreadstat.read_sav(tmp_path / "people.sav", metadataonly=True)
    assert about.column_names_to_labels["C1"] == "How much do you like apples?"
    assert about.variable_value_labels["C1"][1] == "I like apples very much."
    assert about.variable_value_labels["C1"][8] == "don't know"
    with pytest.raises(IndievalueError, match=r"ends in \.csv, \.parquet or \.sav"):
        write_survey_file(drawn, orchard, tmp_path / "people.xlsx")


def test_synthetic_people_are_no_nearer_to_those_fitted_on_than_others_are(
    orchard: Survey, table: pl.DataFrame
) -> None:
    found = check_twin(table, orchard)
    assert found.privacy.passed
    assert found.privacy.near_synthetic <= found.privacy.near_held_out + 0.05
    assert found.marginals < found.real_marginals + 0.03
    assert found.questions == len(orchard.questions)
    with pytest.raises(IndievalueError, match="too few"):
        check_twin(table[:60], orchard)


def test_copies_and_near_copies_of_people_fail_the_check() -> None:
    rng = np.random.default_rng(0)
    fitted, held_out, others = (rng.integers(0, 4, (300, 40), dtype=np.int32) for _ in range(3))
    alike = privacy(others, fitted, held_out)
    assert alike.passed
    assert abs(alike.drawn_to_fitted - 0.5) < 0.1
    assert alike.copies_synthetic == alike.copies_held_out == 0
    copies = privacy(fitted, fitted, held_out)
    assert not copies.passed
    assert copies.copies_synthetic == copies.drawn_to_fitted == copies.near_synthetic == 1
    # One in five is a person fitted on with a few answers changed.
    some = others.copy()
    some[:60] = fitted[:60]
    some[:60, :5] = rng.integers(0, 4, (60, 5))
    near = privacy(some, fitted, held_out)
    assert not near.passed
    assert near.copies_synthetic < 0.1


def test_distances_are_shares_of_items_that_differ() -> None:
    fitted = np.array([[0, 0, 0, 0], [1, 1, 1, 1]], np.int32)
    held_out = np.array([[0, 0, 1, 1], [1, 1, 1, 0]], np.int32)
    found = privacy(np.array([[1, 1, 1, 1], [0, 2, 0, 0]], np.int32), fitted, held_out)
    assert found.synthetic == pytest.approx((0 / 4 + 1 / 4) / 2)
    assert found.held_out == pytest.approx((2 / 4 + 1 / 4) / 2)
    assert found.drawn_to_fitted == 1.0


def test_the_command_says_what_is_in_the_twin_and_under_which_terms(
    orchard: Survey, table: pl.DataFrame, tmp_path: Path
) -> None:
    table[:400].write_csv(tmp_path / "orchard.csv")
    file = tmp_path / "orchard.npz"
    shown = ran(["twin", str(tmp_path / "orchard.csv"), "--survey", str(orchard.folder), "--out", str(file)])
    assert "Fitted on 400 people of A survey of orchards in two forms: 15 questions, 2 demographics" in shown
    assert "anything that fewer than 20 people share" in shown
    assert (
        "Licence: aggregates of A survey of orchards in two forms, under the terms of its data: CC0, made up" in shown
    )
    assert "synthetic people lie no nearer to real people than other real people do" in shown
    twin, _, _ = twin_in(file, orchard.folder)
    assert twin.facts == {"survey": "", "title": orchard.title, "licence": "CC0, made up", "people": 400}
    assert "does not tell its survey" in ran(["people", str(file), "--out", str(tmp_path / "p.csv")], 1)
    other = ["people", str(file), "--survey", str(GARDEN), "--out", str(tmp_path / "p.csv")]
    assert "fitted with another survey than garden" in ran(other, 1)
    again = ["twin", str(tmp_path / "orchard.csv"), "--survey", str(orchard.folder), "--out", str(file)]
    assert "exists already" in ran(again, 1)


def test_people_of_a_twin_are_drawn_wherever_data_are_read(folder: Path, tmp_path: Path) -> None:
    assert {file.name for file in folder.iterdir()} == {
        *("survey.yaml", "questions.yaml", "demographics.yaml", "twin.npz", "LICENCE.txt")
    }
    people = people_from(f"{folder}:40", seed=2)
    assert len(people) == 40
    assert people.findings.synthetic
    ran(["people", f"{folder}:40", "--seed", "2", "--out", str(tmp_path / "people.csv")])
    again = read_people(tmp_path / "people.csv", str(folder))
    assert np.array_equal(again.codes, people.codes)
    assert np.array_equal(people_from(f"{folder / 'twin.npz'}:40", str(folder), 2).codes, people.codes)
    assert np.array_equal(people_from("synthetic:40", str(folder), 2).codes, people.codes)
    assert (people_from(f"{folder}:40", seed=3).codes != people.codes).any()
    ran(["catalog", f"{folder}:30", "--out", str(tmp_path / "catalog")])
    with pytest.raises(IndievalueError, match="not read together"):
        people_from([f"{folder}:40", "synthetic"])
    assert "nothing to draw people from" in ran(["people", str(tmp_path / "people.csv"), "--out", "x.csv"], 1)


def test_a_configuration_finds_the_twin_from_the_folder_of_its_run(folder: Path, tmp_path: Path) -> None:
    assert path_within("data", "people/twin:800") == ("", "people/twin", ":800")
    assert path_within("data", "synthetic:800") == ("", "synthetic:800", "")
    options = ["--predictor", "majority", "--people", "5", "--setup", "0", "--form", "polar"]
    ran(["evaluate", f"{folder}:120", *options, "--out", str(tmp_path / "run")])
    given = (tmp_path / "run" / "evaluate.yaml").read_text()
    assert f"data: {os.path.relpath(folder, tmp_path / 'run')}:120" in given


def test_people_of_a_shipped_twin_are_written_as_a_file_of_its_survey(tmp_path: Path) -> None:
    ran(["people", "synthetic:30", "--out", str(tmp_path / "people.csv")])
    again = read_people(tmp_path / "people.csv")
    assert np.array_equal(again.codes, people_from("synthetic:30").codes)


ROUNDS = """
name: rounds
title: A survey whose columns change their names
person: [CNT, ID]
country: country
rounds: {r8: [DATE8], r7: [DATE7]}
missing: {-4: not asked, -5: missing}
not_asked: -4
blank: -5
categories: [Fruit]
"""

ROUNDS_QUESTIONS = """
- battery: likes
  category: Fruit
  type: mc_2
  asks: Do you like {fruit}?
  polar: {1: "I like {fruit}.", 2: "I do not like {fruit}."}
  refined: same as polar
  questions: {T1: {fruit: figs, column: {r8: Q41A, r7: Q43A}}, T2: {fruit: nuts, column: [Z2, z_2]}}
"""

COUNTRY = """
- id: CNT
  name: country
  asks: Where do you live?
  statement: I live in {group}.
  groups: [{codes: XK, label: Kosovo}, {codes: atlantis, label: Atlantis}]
  otherwise: country
"""


def test_people_of_a_round_have_the_columns_of_its_file_and_countries_as_texts(tmp_path: Path) -> None:
    for name, text in (("survey", ROUNDS), ("questions", ROUNDS_QUESTIONS), ("demographics", COUNTRY)):
        (tmp_path / f"{name}.yaml").write_text(text)
    survey = load_survey(str(tmp_path))
    rng = np.random.default_rng(0)
    cells = {"CNT": rng.choice(["EE", "atlantis", "XK"], 300), "ID": np.arange(300), "DATE7": np.full(300, "May")}
    table = pl.DataFrame(cells | {name: rng.integers(1, 3, 300) for name in ("Q43A", "z_2")})
    drawn = draw(fit_twin(table, survey), survey, 60, 0)
    assert set(drawn.columns) == {"CNT", "ID", "DATE7", "Q43A", "z_2"}
    assert drawn["DATE7"].null_count() == 60
    people = decode(drawn, survey, "", "")
    write_survey_file(drawn, survey, tmp_path / "people.csv")
    again = read_people(tmp_path / "people.csv", survey)
    assert again.ids.tolist() == people.ids.tolist()
    assert np.array_equal(again.codes, people.codes)
    assert set(again.demographics["country"]) == {"Estonia", "Atlantis", "Kosovo"}


def test_a_form_that_hardly_anybody_had_is_drawn_and_a_file_of_the_twin_is_read(
    orchard: Survey, tmp_path: Path
) -> None:
    table = orchard_answers(900).with_columns(FORM=pl.Series([2] * 30 + [1] * 870), D1=5, D2=5)
    fit_twin(table, orchard).save(tmp_path / "orchard.npz")
    twin, _, _ = twin_in(tmp_path / "orchard.npz", orchard.folder)
    assert 5 < (draw(twin, orchard, 900, 0)["FORM"] == "2").sum() < 80


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("shares", np.zeros((1, 3), np.uint16)),
        ("starts", np.arange(18)[::-1]),
        ("continents", np.array([4], np.int8)),
        ("people", np.array([0], np.int32)),
        ("blocks", np.full(17, 9, np.int16)),
        ("loadings", np.zeros((1, 17, 2))),
        ("absent", None),
    ],
)
def test_a_file_whose_arrays_do_not_fit_each_other_is_refused(
    name: str, array: np.ndarray | None, twin: Twin, orchard: Survey, tmp_path: Path
) -> None:
    twin.save(tmp_path / "whole.npz")
    arrays = dict(np.load(tmp_path / "whole.npz"))
    arrays |= {name: array} if array is not None else {name: np.zeros_like(arrays[name])[:, 1:]}
    np.savez(tmp_path / "damaged.npz", **arrays)
    with pytest.raises(IndievalueError, match=r"damaged\.npz is no twin of a survey"):
        twin_in(tmp_path / "damaged.npz", orchard.folder)


def test_a_birth_country_is_drawn_with_what_says_that_it_is_another(garden: Survey, tmp_path: Path) -> None:
    for file in GARDEN.glob("*.yaml"):
        (tmp_path / file.name).write_text(file.read_text())
    born = tmp_path / "demographics.yaml"
    born.write_text(born.read_text().replace("- id: HOME", "- id: HOME\n  abroad: {FAITH: 2}"))
    survey = load_survey(str(tmp_path))
    homes = np.random.default_rng(1).choice([276, 250], 800)
    table = garden_answers(800).with_columns(HOME=homes, REGION=pl.Series([1] * 800))
    drawn = draw(fit_twin(table, survey), survey, 400, 0)
    native = drawn["FAITH"] == 1
    assert (drawn["HOME"].filter(native) == 1).all()  # the code of the region, where they live
    assert set(drawn["HOME"].filter(~native).unique()) == {276, 250}
    born.write_text(born.read_text().replace("{FAITH: 2}", "{GENDER: 2}"))
    load_survey.cache_clear()
    with pytest.raises(IndievalueError, match="abroad names 'GENDER', the first column of no demographic"):
        load_survey(str(tmp_path))


def test_real_people_are_no_nearer_to_synthetic_ones_than_to_others(tmp_path: Path) -> None:
    file = real_file("others/pew_atp_w41/ATP_W41.sav")
    ran(["survey", "draft", str(file), "--out", str(tmp_path / "pew")])
    table, survey = read_table(file, str(tmp_path / "pew"))
    found = check_twin(table, survey)
    assert found.privacy.passed
    assert found.privacy.copies_synthetic == 0
    assert found.marginals < 0.04
    assert found.correlations < 0.06
