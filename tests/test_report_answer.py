"""The first screen of a report is its answer: what the best predictor gets right, how surely, and of whom."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from indievalue.report.answer import answer, lead, sentence
from indievalue.report.page import report_html
from indievalue.runs.names import run_names
from indievalue.runs.run import Run
from indievalue.runs.storage import load_run
from rundirs import PREDICTORS, make_run, some_people

SKILL = {"majority": 0.3, "resemble:k=35": 0.7}
LONG = "local:HuggingFaceTB/SmolLM2-1.7B-Instruct:score=label,calibrate=contextual"


def run_of(folder: Path, **given: Any) -> Run:
    return load_run(make_run(folder, "wvs7", **{"people": some_people(120), "skill": SKILL, **given}))


def first_screen(*runs: Run) -> str:
    """The text before the navigation."""
    page = report_html(list(runs))
    header = page[page.index("<header") : page.index("</header>")]
    return " ".join(re.sub(r"<[^>]+>", " ", header.replace("<wbr>", "")).split())


def title(*runs: Run) -> str:
    return answer(runs, run_names(runs)).title


def test_the_answer_has_the_accuracy_the_paired_lead_the_people_and_the_data(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run")
    best, majority = (run.scores[name] for name in ("resemble:k=35", "majority"))
    text = first_screen(run)
    assert text.startswith("How well can a person’s answers be predicted? resemble:k=35 predicts ")
    assert f"resemble:k=35 predicts {best.accuracy:.1f}% of answers" in text
    assert f"95% interval {best.accuracy_low:.1f}–{best.accuracy_high:.1f}%" in text
    assert f"{best.accuracy - majority.accuracy:.1f} points (" in text
    assert "above the most common answer." in text
    assert "3 answers of each of 120 people in the World Values Survey" in text
    assert f"<title>resemble:k=35 predicts {best.accuracy:.1f}% of answers" in report_html([run])


def test_the_interval_of_the_lead_is_paired_by_person(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run")
    found = lead(run)
    assert found is not None
    row = run.compare("resemble:k=35", "majority").table.row(by_predicate=pl.col("measure") == "accuracy", named=True)
    assert found.points == pytest.approx(row["difference"])
    assert (found.low, found.high) == pytest.approx((row["low"], row["high"]))


def test_a_single_predictor_leads_nobody(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", predictors=["resemble:k=35"])
    assert lead(run) is None
    assert (
        sentence(run)
        == f"95% interval {run.scores[run.best].accuracy_low:.1f}–{run.scores[run.best].accuracy_high:.1f}%"
    )


def test_without_the_most_common_answer_the_lead_is_on_the_next_best(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", predictors=["resemble:k=35", "random"])
    assert " above random, the next best" in sentence(run)
    assert "most common answer" not in first_screen(run).split("Two predictors")[0]


def test_if_nobody_beats_the_most_common_answer_that_is_the_answer(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", skill={"majority": 0.7}, predictors=["majority", "random"])
    share = f"{run.scores['majority'].accuracy:.1f}%"
    assert title(run) == f"The most common answer is right in {share}, and no predictor does better"
    assert "above random, the next best" in sentence(run)
    alone = run_of(tmp_path / "alone", predictors=["majority"])
    assert title(alone) == f"majority predicts {alone.scores['majority'].accuracy:.1f}% of answers"


def test_a_lead_that_may_be_chance_is_said_to_be(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", skill={}, predictors=["majority", "random"])
    found = lead(run)
    assert found is not None
    assert found.low is not None
    assert found.low < 0
    assert "which may be chance" in sentence(run)
    assert re.search(r"points \(−\d+\.\d to \+\d+\.\d\) above", sentence(run))


def test_invalid_and_unanswered_outputs_of_the_best_are_told(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", skill={"openai/gpt-4o": 0.9})
    assert run.best == "openai/gpt-4o"
    assert "3 of its 360 outputs name no option and count as wrong" in sentence(run)
    scores = {**run.scores, run.best: replace(run.scores[run.best], unanswered=5)}
    assert "5 of 365 not answered and not scored" in sentence(replace(run, scores=scores))


def test_a_lead_over_rows_that_not_both_answered_is_over_those_that_both_did(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run")
    lacking = (pl.col("predictor") == "majority") & (pl.col("person") == "p5")
    partly = replace(run, predictions=run.predictions.filter(~lacking))
    found = lead(partly)
    assert found is not None
    assert found.shared == 357
    both = partly.predictions.filter(pl.col("person") != "p5").with_columns(right=pl.col("choice") == pl.col("answer"))
    shares = dict(both.group_by("predictor").agg(100 * pl.col("right").mean()).iter_rows())
    assert found.points == pytest.approx(shares["resemble:k=35"] - shares["majority"])
    assert "on the 357 answers that both predicted" in sentence(partly)


def test_weights_are_those_of_the_scores(tmp_path: Path) -> None:
    people = some_people(120, country=["Brazil", "Canada", "Germany", "Japan", "Singapore"])
    people = people.with_columns(weight=pl.Series(np.random.default_rng(0).uniform(0.2, 3, 120)))
    run = run_of(tmp_path / "run", people=people).weighted("equal")
    found = lead(run)
    assert found is not None
    expected = run.scores["resemble:k=35"].accuracy - run.scores["majority"].accuracy
    assert found.points == pytest.approx(expected)
    assert "Results weight people by survey weight, with the same total for every country" in first_screen(run)


def test_two_forms_have_both_accuracies_in_the_title(tmp_path: Path) -> None:
    runs = [run_of(tmp_path / form, form=form) for form in ("polar", "refined")]
    polar, refined = (f"{run.scores['resemble:k=35'].accuracy:.1f}%" for run in runs)
    assert title(*runs) == f"resemble:k=35 predicts {polar} in polar form and {refined} in refined form"
    text = first_screen(*runs)
    assert f"Polar form {polar}; 95% interval" in text
    assert f"Refined form {refined}; 95% interval" in text


def test_several_settings_have_the_range_in_the_title_and_a_line_each(tmp_path: Path) -> None:
    runs = [
        run_of(tmp_path / str(shown), demonstrations=shown, shown=shown, skill={"resemble:k=35": skill})
        for shown, skill in ((0, 0.3), (50, 0.5), (200, 0.9))
    ]
    accuracies = [run.scores["resemble:k=35"].accuracy for run in runs]
    assert title(*runs) == f"resemble:k=35 predicts {min(accuracies):.1f}% to {max(accuracies):.1f}% of answers"
    assert [name for name, _ in answer(runs, run_names(runs)).lines] == [
        "Polar form, 0 demonstrations",
        "Polar form, 50 demonstrations",
        "Polar form, 200 demonstrations",
    ]


def test_many_runs_are_not_listed_one_by_one(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run")
    found = answer([run] * 11, run_names([run] * 11))
    assert (len(found.lines), found.more) == (8, 3)
    assert "3 more below." in first_screen(*[run] * 11)


def test_different_predictors_that_are_best_are_not_given_one_name(tmp_path: Path) -> None:
    runs = [
        run_of(tmp_path / form, form=form, skill={best: 0.9})
        for form, best in (("polar", "resemble:k=35"), ("refined", "openai/gpt-4o"))
    ]
    assert title(*runs).startswith("The best predictor predicts ")
    polar, refined = (line for _, line in answer(runs, run_names(runs)).lines)
    assert polar.startswith(f"resemble:k=35 {runs[0].scores['resemble:k=35'].accuracy:.1f}%; 95% interval")
    assert refined.startswith(f"openai/gpt-4o {runs[1].scores['openai/gpt-4o'].accuracy:.1f}%; 95% interval")


def test_synthetic_people_are_marked_at_once(tmp_path: Path) -> None:
    data = {"source": "synthetic", "survey": "wvs7", "fingerprint": "", "rows": 40, "people": 40}
    assert "Synthetic people" in first_screen(run_of(tmp_path / "run", data=data))
    assert "Synthetic people" not in first_screen(run_of(tmp_path / "real"))


def test_long_names_can_be_broken_after_their_signs(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", predictors=[*PREDICTORS[:2], LONG], skill={LONG: 0.9})
    page = report_html([run])
    heading = page[page.index("<h1") : page.index("</h1>")]
    assert "local:<wbr>HuggingFaceTB/<wbr>SmolLM2-<wbr>1.7B-<wbr>Instruct:<wbr>score=<wbr>label," in heading
    assert LONG in heading.replace("<wbr>", "")
