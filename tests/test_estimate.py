"""`indievalue estimate` end to end: who was asked, what predictors may learn and see, figures, files and errors."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner, Result

import indievalue as iv
from conftest import GARDEN, garden_answers
from indievalue.benchmark.model import Settings, Task
from indievalue.cli import app
from indievalue.estimation.asked import asked_of, may_be_shown
from indievalue.estimation.estimate import EstimateOptions
from indievalue.estimation.targets import parse_target
from indievalue.people.decode import decode
from indievalue.people.people import People
from indievalue.predictors.protocol import BasePredictor, Guesses
from indievalue.runs.storage import write_run
from indievalue.survey.survey import Survey


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    """600 gardeners, of whom only the first 150 were asked about moles (A2), and 10 of these said nothing."""
    row = pl.int_range(pl.len())
    return garden_answers(600).with_columns(
        A2=pl.when(row >= 150).then(-5).when(row < 10).then(-1).otherwise("A2").cast(pl.Int64)
    )


@pytest.fixture(scope="module")
def some_asked(table: pl.DataFrame, garden: Survey) -> People:
    return decode(table, garden, "garden.csv", "fingerprint")


@pytest.fixture(scope="module")
def all_asked(garden: Survey) -> People:
    return decode(garden_answers(600), garden, "garden.csv", "fingerprint")


class Watched(BasePredictor):
    """Counts how often each answer is given, and remembers who it learned from and what it was shown."""

    def __init__(self) -> None:
        self.learned: list[tuple[set[str], set[str]]] = []
        self.shown: set[str] = set()

    def fit(self, people: People, form: str = "polar", shown_form: str | None = None) -> Self:
        self.people = people
        return self

    def predict(self, task: Task) -> Guesses:
        assert task.asked.all()
        self.learned.append((set(self.people.ids.tolist()), set(task.people.tolist())))
        self.shown |= {task.survey.questions[at].id for at in np.unique(task.order[task.order >= 0])}
        options = self.people.options(task.form)[:, task.probes[0]]
        shares = np.bincount(options[options >= 0], minlength=task.counts[0]) / (options >= 0).sum()
        return Guesses.most_probable(np.tile(shares, (len(task.people), 1, 1)))


def test_whoever_has_an_answer_or_declined_was_asked(some_asked: People) -> None:
    found = asked_of(some_asked, "A2", None, 0, weighted=False)
    assert np.flatnonzero(found.asked).tolist() == list(range(150))
    assert np.flatnonzero(found.others).tolist() == list(range(150, 600))
    assert not found.known.any()


def test_the_answers_of_some_can_be_set_aside_and_the_same_are_drawn_for_any_question(all_asked: People) -> None:
    found = asked_of(all_asked, "A2", 100, 0, weighted=False)
    assert found.asked.sum() == 100
    assert (found.known == ~found.asked).all()
    assert (asked_of(all_asked, "P1", 100, 0, weighted=False).asked == found.asked).all()
    assert (asked_of(all_asked, "A2", 100, 1, weighted=False).asked != found.asked).any()
    listed = asked_of(all_asked, "A2", ["g0003", "g0001"], 0, weighted=False)
    assert all_asked.ids[listed.asked].tolist() == ["g0001", "g0003"]
    with pytest.raises(iv.IndievalueError, match="1 of the people asked are not in the data, first 'nobody'"):
        asked_of(all_asked, "A2", ["nobody"], 0, weighted=False)


def test_a_country_of_which_nobody_was_asked_is_left_out(all_asked: People) -> None:
    """The garden survey takes regions for countries."""
    island = (all_asked.demographics["region"] == "Island").to_numpy()
    codes = all_asked.codes.copy()
    codes[island | (np.arange(600) % 2 == 0), all_asked.survey.positions["A2"]] = -4
    found = asked_of(replace(all_asked, codes=codes), "A2", None, 0, weighted=False)
    assert not found.others[island].any()
    assert found.notes == (f"A2 was asked of nobody in Island ({island.sum()}): estimates are about the others",)


def test_a_question_of_the_same_module_is_shown_of_nobody(table: pl.DataFrame, garden: Survey) -> None:
    module = table.with_columns(A3=pl.when(pl.int_range(pl.len()) >= 150).then(-4).otherwise("A3"))
    people = decode(module, garden, "garden.csv", "fingerprint")
    allowed, unlike = may_be_shown(people, "A2", asked_of(people, "A2", None, 0, weighted=False))
    assert unlike == ["A3"]
    shown = [question.id for question, may in zip(garden.questions, allowed, strict=True) if may]
    assert shown == ["P1", "P2", "P3", "P4", "A1", "N1", "N2", "N3"]
    watched = Watched()
    found = iv.estimate(people, "mean:A2", {"watched": watched})
    assert watched.shown == set(shown)
    assert "not shown to the predictor of A2" in found.notes[0]
    assert found.notes[0].endswith(": A3")


def test_who_answered_a_question_decides_and_not_what_they_said(table: pl.DataFrame, garden: Survey) -> None:
    """Those asked A2 and the others answer P1 unlike each other; A3 was put to half of the others."""
    asked, half = pl.int_range(pl.len()) < 150, pl.int_range(pl.len()) % 2 == 0
    unlike = table.with_columns(
        P1=pl.when(asked).then(1).otherwise(4), A3=pl.when(~asked & half).then(-4).otherwise("A3")
    )
    people = decode(unlike, garden, "garden.csv", "fingerprint")
    allowed, left_out = may_be_shown(people, "A2", asked_of(people, "A2", None, 0, weighted=False))
    assert left_out == ["A3"]
    assert allowed[garden.positions["P1"]]


def test_nobodys_answer_is_in_their_own_prediction(some_asked: People) -> None:
    watched = Watched()
    iv.estimate(some_asked, "mean:A2", {"watched": watched}, folds=4)
    answered = set(some_asked.ids[10:150].tolist())
    assert len(watched.learned) == 4
    for learned, predicted in watched.learned:
        assert learned == answered - predicted
        assert len(learned) == 105
        assert len(predicted) == pytest.approx(150, abs=2)
    assert set.union(*(predicted for _, predicted in watched.learned)) == set(some_asked.ids.tolist())


def test_answers_that_are_set_aside_are_learned_by_nobody(all_asked: People) -> None:
    watched = Watched()
    found = iv.estimate(all_asked, "mean:A2", {"watched": watched}, 100)
    asked = set(all_asked.ids[asked_of(all_asked, "A2", 100, 0, weighted=False).asked].tolist())
    assert set.union(*(learned for learned, _ in watched.learned)) == asked
    codes = all_asked.codes[:, all_asked.survey.positions["A2"]]
    row = found.table.row(0, named=True)
    assert row["everybody"] == pytest.approx(codes.mean())
    assert row["classical"] == pytest.approx(codes[np.isin(all_asked.ids, list(asked))].mean())


def test_answers_that_are_set_aside_are_not_shown_for_another_question(all_asked: People) -> None:
    watched = Watched()
    found = iv.estimate(all_asked, ["mean:A2", "mean:A1"], {"watched": watched}, 100)
    assert watched.shown == {"P1", "P2", "P3", "P4", "A3", "N1", "N2", "N3"}
    assert found.table["target"].to_list() == ["mean:A2", "mean:A1"]
    assert [note[-2:] for note in found.notes] == ["A1", "A2"]


def test_predictions_make_the_interval_narrower_and_are_worth_respondents(some_asked: People) -> None:
    found = iv.estimate(some_asked, ["mean:A2", "share:A2=6-10 by faith", "difference:A2 by age"], "gaussian")
    assert found.table["target"].unique(maintain_order=True).len() == 3
    row = found.table.row(0, named=True)
    assert (row["asked"], row["others"], row["unit"]) == (140, 450, "code")
    assert row["high"] - row["low"] < 0.95 * (row["classical_high"] - row["classical_low"])
    assert row["asked"] < row["effective_low"] < row["effective"] < row["effective_high"]
    assert found.sentences()[0].startswith("mean:A2: gaussian is worth ")
    groups = found.table.filter(target="share:A2=6-10 by faith")
    assert groups["group"].to_list() == ["moon", "no moon"]
    assert groups["asked"].sum() == 140
    share = float((some_asked.codes[10:150, some_asked.survey.positions["A2"]] >= 6).mean())
    assert np.average(groups["classical"], weights=groups["asked"]) == pytest.approx(100 * share)
    assert found.table["group"][3] == "40 or more − under 40"


def test_a_regression_has_the_coefficients_of_least_squares(some_asked: People) -> None:
    lines: list[str] = []
    found = iv.estimate(some_asked, "ols:A2 ~ age + P1", {"watched": Watched()}, progress=lines.append, folds=3).table
    assert lines == ["watched …", *(f"watched, A2: fold {number} of 3" for number in (1, 2, 3))]
    assert found["group"].to_list() == ["(intercept)", "age = 40 or more", "P1"]
    old = (some_asked.demographics["age"] == "40 or more").to_numpy()[10:150]
    roses = some_asked.codes[10:150, some_asked.survey.positions["P1"]]
    design = np.column_stack([np.ones(140), old, roses])
    answers = some_asked.codes[10:150, some_asked.survey.positions["A2"]]
    assert found["classical"].to_numpy() == pytest.approx(np.linalg.lstsq(design, answers, rcond=None)[0])


def test_weights_by_country_give_each_country_the_same_total(some_asked: People) -> None:
    row = iv.estimate(some_asked, "mean:A2", {"watched": Watched()}, weights="equal").table.row(0, named=True)
    rows = pl.DataFrame(
        {
            "region": some_asked.demographics["region"],
            "weight": some_asked.weights,
            "code": some_asked.codes[:, some_asked.survey.positions["A2"]],
        }
    )
    means = rows[10:150].group_by("region").agg((pl.col("code") * pl.col("weight")).sum() / pl.col("weight").sum())
    asked = rows[:150].group_by("region").agg(pl.col("weight").sum())
    answered = rows[10:150].group_by("region").agg(pl.col("weight").sum().alias("answered"))
    each = means.join(asked, "region").join(answered, "region")
    right = np.average(each["code"], weights=each["answered"] / each["weight"])
    assert row["classical"] == pytest.approx(right)


def test_a_choice_without_probabilities_is_enough(some_asked: People) -> None:
    class Chooses(BasePredictor):
        learns = False

        def predict(self, task: Task) -> Guesses:
            likes = task.shown[:, task.survey.positions["P1"]]
            return Guesses(np.where(likes < 2, 3, 0).astype(np.int8)[:, None], None)

    row = iv.estimate(some_asked, "mean:A2", {"chooses": Chooses()}).table.row(0, named=True)
    assert row["effective"] > row["asked"]


def test_a_run_has_predictions_of_people_whose_answers_can_be_set_aside(all_asked: People) -> None:
    benchmark = iv.build_benchmark(all_asked, form="refined", people_tested=all_asked.ids[:400].tolist(), setups=[0])
    run = iv.evaluate(all_asked, benchmark, ["majority", iv.Resemble(k=9)])
    found = iv.estimate(all_asked, "mean:A1", run, 100, model="resemble:k=9")
    row = found.table.row(0, named=True)
    assert (row["asked"], row["others"], found.predictor) == (100, 300, "resemble:k=9")
    tested = all_asked.take(np.isin(all_asked.ids, benchmark.people.ids))
    assert row["everybody"] == pytest.approx(tested.codes[:, all_asked.survey.positions["A1"]].mean())
    for wanted, given, complaint in (
        ("mean:A1", {}, "the run has several predictors: choose one of majority, resemble:k=9"),
        ("mean:A1", {"model": "resembel"}, "the run has no predictor 'resembel'; it has majority"),
        ("mean:A2", {"model": "majority"}, "the run predicts no answers to A2; it has"),
    ):
        with pytest.raises(iv.IndievalueError, match=complaint):
            iv.estimate(all_asked, wanted, run, 100, **given)
    with pytest.raises(iv.IndievalueError, match="give --ask N to see what the answers of N people would tell, 400"):
        iv.estimate(all_asked, "mean:A1", run, model="majority")
    other = replace(all_asked, codes=np.roll(all_asked.codes, 1, axis=0))
    with pytest.raises(iv.IndievalueError, match=r"answers to A1 in the run differ from those in garden\.csv"):
        iv.estimate(other, "mean:A1", run, 100, model="majority")


@pytest.mark.parametrize(
    ("target", "complaint"),
    [
        ("median:A1", "a target is mean:QUESTION, share:QUESTION=CODES"),
        ("mean:A9", "survey garden has no question 'A9'"),
        ("mean:N1", "N1 has no mean, for its answers are no scale; estimate a share, such as share:N1=1"),
        ("mean:A1=1-3", "a mean has no codes; share:A1=1-3 is a share"),
        ("share:A1", "is incomplete"),
        ("share:A1=1-12", "A1 has no code 11-12; it has 1-10"),
        ("share:A1=1-10", "these are all codes of A1"),
        ("difference:A1", "is incomplete"),
        ("difference:A1 by colour", "survey garden has no demographic 'colour'"),
        ("ols:A1", "is incomplete"),
        ("ols:A1 ~ age + age", "has a term twice"),
        ("ols:A1 ~ A1", "A1 is on both sides"),
        ("ols:A1 ~ N1", "N1 has no mean"),
    ],
)
def test_a_target_that_cannot_be_read_is_explained(garden: Survey, target: str, complaint: str) -> None:
    with pytest.raises(iv.IndievalueError) as raised:
        parse_target(target, garden)
    assert complaint in str(raised.value)


def test_a_target_is_read_with_its_codes_groups_and_terms(garden: Survey) -> None:
    share = parse_target("share:A1=1-3,5 by age", garden)
    assert (share.codes, share.by) == ({1, 2, 3, 5}, "age")
    assert share.option_values(garden, "refined").tolist() == [100, 50, 0, 0]
    assert parse_target("mean:A1", garden).option_values(garden, "polar").tolist() == [3, 8]
    assert parse_target('ols:"A1 ~ age + P1"', garden).terms == ("age", "P1")


def test_terms_that_determine_each_other_are_refused(some_asked: People) -> None:
    twice = replace(some_asked, codes=some_asked.codes.copy())
    positions = some_asked.survey.positions
    twice.codes[:, positions["P2"]] = twice.codes[:, positions["P1"]]
    with pytest.raises(iv.IndievalueError, match="its terms determine each other"):
        iv.estimate(twice, "ols:A2 ~ P1 + P2", {"watched": Watched()})


def test_people_who_were_not_asked_at_random_are_suspected(all_asked: People) -> None:
    """Only those who like roses were asked about hedgehogs, and they like hedgehogs, too."""
    positions, codes = all_asked.survey.positions, all_asked.codes.copy()
    codes[(codes[:, positions["P1"]] > 1) & (np.arange(600) % 10 > 0), positions["A1"]] = -4
    row = iv.estimate(replace(all_asked, codes=codes), "mean:A1", "resemble:k=20").table.row(0, named=True)
    assert "those asked may be no random sample" in row["warning"]


def test_a_share_with_few_on_one_side_is_not_trusted(all_asked: People) -> None:
    row = iv.estimate(all_asked, "share:P1=4", {"watched": Watched()}, 35).table.row(0, named=True)
    assert "are on one side: the interval is too narrow" in row["warning"]


def test_answers_that_are_all_the_same_have_no_interval(some_asked: People) -> None:
    codes = some_asked.codes.copy()
    codes[:150, some_asked.survey.positions["A2"]] = 7
    found = iv.estimate(replace(some_asked, codes=codes), "mean:A2", {"watched": Watched()})
    row = found.table.row(0, named=True)
    assert row["estimate"] == pytest.approx(7)
    assert (row["low"], row["classical_low"], row["effective"], row["untuned"]) == (None, None, None, None)
    assert found.sentences() == [f"mean:A2: {row['warning']}"]
    assert row["warning"].startswith("all answers that it rests on are the same")


def _run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["estimate", *map(str, arguments)], env={"COLUMNS": "80"})


@pytest.fixture(scope="module")
def file(table: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("garden") / "garden.csv"
    table.with_columns(pl.when(pl.col("A2") == -5).then(None).otherwise("A2").alias("A2")).write_csv(path)
    return path


def test_the_command_prints_and_writes_a_figure_of_a_file_with_blank_cells(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "found.json"
    said = _run(file, "--survey", GARDEN, "--target", "mean:A2", "--target", "share:A2=6-10 by age", "--out", out)
    assert said.exit_code == 0, said.output
    assert "gaussian, A2: fold 5 of 5" in said.stderr
    for text in ("Estimate", "Asked alone", "Worth", "everybody", "under 40", "further respondents"):
        assert text in said.stdout
    assert max(map(len, said.stdout.partition("mean:A2: ")[0].splitlines())) <= 80
    found = json.loads(out.read_text(encoding="utf-8"))
    assert found.keys() == {"predictor", "estimates", "notes"}
    assert [row["group"] for row in found["estimates"]] == ["everybody", "under 40", "40 or more"]
    assert list(found["estimates"][0]) == [
        *("target", "group", "estimate", "low", "high", "classical", "classical_low", "classical_high", "predicted"),
        *("lambda", "asked", "others", "effective", "effective_low", "effective_high", "error", "classical_error"),
        *("correlation", "untuned", "drift", "everybody", "unit", "warning"),
    ]


@pytest.mark.parametrize(
    ("options", "code", "complaint"),
    [
        (["--target", "mean:A2", "--ask", "9", "--asked", "ids.txt"], 2, "give --ask or --asked, not both"),
        (["--target", "mean:A2", "--out", "found.xlsx"], 2, "--out takes a file that ends in"),
        (["--target", "mean:A2", "--ask", "20"], 1, "below 30 intervals are not valid"),
        (["--target", "mean:A2", "--ask", "700"], 1, "--ask 700 is not a number below the 150 people who were asked"),
        (["--target", "mean:P1"], 1, "0 people were not asked P1, so there is nothing to gain: give --ask N"),
        (["--target", "mean:A2", "--others", "5"], 1, "others (--others) is a number from 30 on"),
    ],
)
def test_what_cannot_be_estimated_is_explained(file: Path, options: Sequence[str], code: int, complaint: str) -> None:
    said = CliRunner().invoke(app, ["estimate", str(file), "--survey", str(GARDEN), *options])
    assert said.exit_code == code
    assert complaint in (str(said.exception) + said.output)


def test_a_plan_says_how_many_must_answer_for_a_wanted_interval() -> None:
    """With a variance of 4, a correlation of ½ and 1,000 people: 3 / n + 1 / 1,000 is (0.2 / 1.96)², for n = 319."""
    row = {"target": "mean:A1", "group": "everybody", "asked": 100, "others": 900, "correlation": 0.5}
    found = iv.Estimates("gaussian", pl.DataFrame([row | {"classical_error": 0.2}]))
    assert found.plan(0.2).row(0) == ("mean:A1", "everybody", 319, 385)
    assert found.plan(0.05).row(0)[2:] == (None, 6147)  # 4 / n is (0.05 / 1.96)²
    assert found.plan(3).row(0)[2:] == (30, 30)
    with pytest.raises(iv.IndievalueError, match="is a number above 0, not 0"):
        found.plan(0)


def test_the_command_takes_the_predictions_of_a_run_and_the_ids_of_those_asked(
    all_asked: People, tmp_path: Path
) -> None:
    data, ids = tmp_path / "garden.csv", tmp_path / "asked.txt"
    garden_answers(600).write_csv(data)
    ids.write_text("\n".join(all_asked.ids[:90].tolist()), encoding="utf-8")
    tested = all_asked.ids[:300].tolist()
    benchmark = iv.build_benchmark(all_asked, form="refined", people_tested=tested, setups=[0])
    write_run(iv.evaluate(all_asked, benchmark, "resemble:k=9"), tmp_path / "run")
    said = _run(data, "--survey", GARDEN, "--target", "mean:A1", "--run", tmp_path / "run", "--asked", ids)
    assert said.exit_code == 0, said.output
    assert "to the 90 who answered" in said.stdout
    assert "did so from the answers of 300 people" in said.stdout
    mean = all_asked.codes[:300, all_asked.survey.positions["A1"]].mean()
    assert f" {mean:.2f} " in said.stdout


def test_the_command_prints_the_plan(file: Path) -> None:
    said = _run(file, "--survey", GARDEN, "--target", "mean:A2", "--predictor", "majority", "--plan", "0.5")
    assert said.exit_code == 0, said.output
    assert "For an interval of ± 0.5" in said.stdout
    assert re.search(r"mean:A2: \d+ must answer with predictions as good as these, \d+ without", said.stdout)


def test_the_cost_of_a_language_model_is_that_of_everybody(file: Path) -> None:
    pytest.importorskip("inspect_ai")
    said = _run(
        *(file, "--survey", GARDEN, "--target", "mean:A2", "--predictor", "mockllm/model"),
        *("--others", "50", "--dry-run"),
    )
    assert said.exit_code == 0, said.output
    assert "mockllm/model: 200 calls" in said.stderr


def test_two_folds_are_enough_and_one_is_not() -> None:
    assert EstimateOptions(folds=2).folds == 2
    with pytest.raises(iv.IndievalueError, match="is a number from 2 on, not 1"):
        EstimateOptions(folds=1)


def test_the_number_shown_is_that_of_the_options_or_of_show() -> None:
    assert EstimateOptions(demonstrations=5).settings.demonstrations == 5
    assert EstimateOptions().settings.demonstrations is None
    chosen = EstimateOptions(show="relevant:3", demonstrations=5).settings
    assert chosen == Settings(show="relevant:3", form=chosen.form, setups=(0,), context=chosen.context)
