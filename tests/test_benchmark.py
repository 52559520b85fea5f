"""The protocols: who is tested, with which probes, and what is shown of them."""

import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from conftest import garden_answers, real_file
from indievalue.benchmark.build import answered_threshold, build_benchmark, protocol_probes
from indievalue.benchmark.model import NOBODY, Benchmark, Settings
from indievalue.benchmark.storage import benchmark_hash, load_benchmark, save_benchmark, task_texts
from indievalue.errors import IndievalueError
from indievalue.people.decode import decode
from indievalue.people.people import People
from indievalue.predictors.gaussian import Gaussian
from indievalue.predictors.majority import Majority
from indievalue.survey.survey import Survey


def _probe_ids(benchmark: Benchmark) -> list[tuple[int, list[str]]]:
    questions = benchmark.survey.questions
    return [(setup.number, [questions[probe].id for probe in setup.probes]) for setup in benchmark.setups]


def test_each_setup_takes_the_next_questions_of_each_category_and_wraps(wvs7: Survey) -> None:
    probes = protocol_probes(wvs7, np.ones(253, bool))
    ids = [[wvs7.questions[probe].id for probe in setup] for setup in probes]
    assert [len(setup) for setup in ids] == [39, 39, 39]
    assert ids[0][:6] == ["Q1", "Q2", "Q3", "Q46", "Q47", "Q48"]
    assert ids[1][9:12] == ["Q109", "Q110", "Q111"]
    assert ids[2][9:12] == ["Q106", "Q107", "Q108"]  # six economic questions: the third setup wraps to the first three


def test_questions_that_nobody_answered_are_not_probes(garden: Survey, garden_table: pl.DataFrame) -> None:
    people = decode(garden_table.drop("P1").with_columns(A1=pl.lit(-4)), garden, "garden.csv", "")
    benchmark = build_benchmark(people, Settings(), "all")
    assert _probe_ids(benchmark) == [(0, ["P2", "A2", "N1"]), (1, ["P3", "A3", "N2"]), (2, ["P4", "N3"])]


def test_a_wrapped_repeat_is_asked_once_in_strict_and_again_in_paper(gardeners: People) -> None:
    with_four_setups = dataclasses.replace(
        gardeners,
        survey=dataclasses.replace(gardeners.survey, sampling=dataclasses.replace(gardeners.survey.sampling, setups=4)),
    )
    strict = build_benchmark(with_four_setups, Settings(setups=(0, 3)), "all")
    paper = build_benchmark(with_four_setups, Settings(setups=(0, 3), protocol="paper"), "all")
    assert _probe_ids(strict) == [(0, ["P1", "A1", "N1"]), (3, ["P4"])]
    assert _probe_ids(paper) == [(0, ["P1", "A1", "N1"]), (3, ["P4", "A1", "N1"])]
    hidden = [gardeners.survey.positions[question] for question in ("P4", "A1", "N1")]
    assert not np.isin(
        strict.setups[1].demonstrations, hidden
    ).any()  # a repeat is kept from the demonstrations all the same


def test_demonstrations_are_answered_questions_outside_the_probes(garden: Survey, garden_table: pl.DataFrame) -> None:
    people = decode(garden_table.with_columns(P3=pl.lit(-1)), garden, "garden.csv", "")
    for setup, task in build_benchmark(people, Settings(form="refined", demonstrations=None), "all").tasks():
        assert not np.isin(setup.demonstrations, setup.probes).any()
        assert (task.shown[:, setup.probes] == -1).all()
        drawn = np.sort(setup.demonstrations, axis=1)
        assert (np.diff(drawn, axis=1) > 0).all()  # nothing is shown twice
        assert ((task.shown >= 0).sum(axis=1) == (setup.demonstrations != NOBODY).sum(axis=1)).all()
        assert (task.shown[:, garden.positions["P3"]] == -1).all()


def test_fewer_demonstrations_are_the_first_of_more(gardeners: People) -> None:
    few = build_benchmark(gardeners, Settings(demonstrations=2), 20)
    many = build_benchmark(gardeners, Settings(demonstrations=5), 20)
    for two, five in zip(few.setups, many.setups, strict=True):
        assert (two.demonstrations == five.demonstrations[:, :2]).all()


def test_siblings_are_drawn_anew_for_each_probe_and_may_show_the_others(gardeners: People) -> None:
    benchmark = build_benchmark(gardeners, Settings(demonstrations_from="siblings", demonstrations=None), "all")
    assert [len(setup.probes) for setup in benchmark.setups] == [1] * 9
    first = benchmark.setups[0]
    assert not np.isin(first.demonstrations, first.probes).any()
    assert (first.demonstrations != NOBODY).sum(axis=1).tolist() == [9] * 60


@pytest.mark.parametrize("context", ["none", "demographics", "statements", "both"])
def test_context_decides_what_is_shown(gardeners: People, context: str) -> None:
    settings = dataclasses.replace(Settings(), context=context)  # type: ignore[arg-type]
    for _, task in build_benchmark(gardeners, settings, 10).tasks():
        assert bool((task.shown >= 0).any()) == (context in ("statements", "both"))
        assert (task.demographics is not None) == (context in ("demographics", "both"))


def test_demonstrations_may_be_of_the_other_form(gardeners: People) -> None:
    benchmark = build_benchmark(gardeners, Settings(form="polar", demonstrations_as="refined"), 10)
    for _, task in benchmark.tasks():
        refined = benchmark.people.options("refined")
        assert (task.shown == np.where(task.shown >= 0, refined, -1)).all()
        assert task.shown.max() > 1


def test_people_are_shared_out_evenly_with_all_of_the_first_region(garden: Survey) -> None:
    # 3 islanders, 10 in the valley, 4 in the hills (of whom the cap of 4 per faith keeps 4); everybody's faith differs.
    table = garden_answers(17).with_columns(
        REGION=pl.Series([3] * 3 + [1] * 10 + [2] * 4), FAITH=pl.Series([1, 2, 1] + [1] * 5 + [2] * 5 + [1] * 4)
    )
    people = decode(table, garden, "garden.csv", "")
    regions = build_benchmark(people, Settings(), 13).people.demographics["region"]
    assert dict(regions.value_counts().iter_rows()) == {"Island": 3, "Valley": 6, "Hills": 4}
    with pytest.raises(
        IndievalueError, match="17 of 17 people are eligible, 15 of them with at most 4 of one religion"
    ):
        build_benchmark(people, Settings(), 16)
    assert len(build_benchmark(people, Settings()).people) == 15
    assert len(build_benchmark(people, Settings(), "all").people) == 17


def test_the_cap_does_not_apply_where_there_is_one_region(garden: Survey) -> None:
    table = garden_answers(30).with_columns(REGION=pl.lit(1), FAITH=pl.lit(1))
    assert len(build_benchmark(decode(table, garden, "garden.csv", ""), Settings()).people) == 30


def test_who_is_not_eligible_and_why(garden: Survey) -> None:
    table = garden_answers(20).with_columns(
        P1=pl.Series([-1] * 3 + [1] * 17),
        P4=pl.Series([1] * 16 + [-5] * 4),
        N3=pl.Series([1] * 16 + [-5] * 2 + [1] * 2),
    )
    people = decode(table, garden, "garden.csv", "")
    with pytest.raises(IndievalueError) as error:
        build_benchmark(people, Settings(), 16)
    assert "16 people were asked for: only 15 of 20 people are eligible" in str(error.value)
    assert "5 did not answer every one of the 9 probes" in str(error.value)


def test_the_threshold_of_answers_shrinks_with_the_questions_in_the_file(wvs7: Survey) -> None:
    everything = np.ones(253, bool)
    assert answered_threshold(wvs7, everything) == 239
    assert answered_threshold(wvs7, np.arange(253) < 101) == 96


@pytest.mark.parametrize(
    ("tested", "complaint"),
    [
        (0, "at least 1"),
        (["nobody"], "1 of the people to test are not in the data, first 'nobody'"),
        (["g0001", "g0001"], "names somebody twice"),
        ([], "is empty"),
    ],
)
def test_people_who_cannot_be_tested(gardeners: People, tested: int | list[str], complaint: str) -> None:
    with pytest.raises(IndievalueError, match=complaint):
        build_benchmark(gardeners, Settings(), tested)


def test_an_unknown_setup_is_refused(gardeners: People) -> None:
    with pytest.raises(IndievalueError, match=r"no setup \[5\]; the protocol has 0 to 2"):
        build_benchmark(gardeners, Settings(setups=(0, 5)))


def test_listed_people_are_taken_in_their_order_whoever_they_are(gardeners: People) -> None:
    assert build_benchmark(gardeners, Settings(), ["g0007", "g0002"]).people.ids.tolist() == ["g0007", "g0002"]


def test_the_order_of_the_file_makes_no_difference(gardeners: People) -> None:
    shuffled = gardeners.take(np.random.default_rng(1).permutation(len(gardeners)))
    one, other = build_benchmark(gardeners, Settings(), 9), build_benchmark(shuffled, Settings(), 9)
    assert one.people.ids.tolist() == other.people.ids.tolist()
    assert list(task_texts(one)) == list(task_texts(other))
    assert list(task_texts(one)) != list(task_texts(build_benchmark(gardeners, Settings(seed=1), 9)))


def test_a_saved_benchmark_is_loaded_as_it_was(gardeners: People, tmp_path: Path) -> None:
    benchmark = build_benchmark(gardeners, Settings(form="refined", context="both", demonstrations=3), 9)
    save_benchmark(benchmark, tmp_path / "saved")
    loaded = load_benchmark(tmp_path / "saved", gardeners)
    assert loaded.settings == benchmark.settings
    assert loaded.eligibility == benchmark.eligibility
    assert list(task_texts(loaded)) == list(task_texts(benchmark))
    lines = (tmp_path / "saved" / "tasks.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == list(task_texts(benchmark))
    first = json.loads(lines[0])
    assert [len(first["demonstrations"]), len(first["probes"]), len(first["demographics"])] == [3, 3, 4]


def test_a_benchmark_of_other_data_is_refused(gardeners: People, garden: Survey, tmp_path: Path) -> None:
    save_benchmark(build_benchmark(gardeners, Settings(), 9), tmp_path / "saved", text=False)
    with pytest.raises(IndievalueError, match="other answers to the probes"):
        load_benchmark(tmp_path / "saved", decode(garden_answers(60, seed=1), garden, "other.csv", ""))
    with pytest.raises(IndievalueError, match="is of other data"):
        load_benchmark(tmp_path / "saved", gardeners.take([0, 1]))
    with pytest.raises(IndievalueError, match="holds no benchmark"):
        load_benchmark(tmp_path, gardeners)


def test_the_same_seed_gives_the_same_bytes_on_any_number_of_threads(tmp_path: Path) -> None:
    garden_answers(60).write_csv(tmp_path / "garden.csv")
    survey = Path(__file__).parent / "surveys" / "garden"
    for threads in ("1", "2"):
        command = ["benchmark", str(tmp_path / "garden.csv"), "--survey", str(survey), "--out", str(tmp_path / threads)]
        subprocess.run(
            [sys.executable, "-c", "from indievalue.cli import main; main()", *command],
            env={**os.environ, "POLARS_MAX_THREADS": threads, "OMP_NUM_THREADS": threads},
            check=True,
            capture_output=True,
        )
    for file in ("benchmark.json", "probes.parquet", "demonstrations.parquet", "tasks.jsonl"):
        assert (tmp_path / "1" / file).read_bytes() == (tmp_path / "2" / file).read_bytes(), file


def test_on_real_people_the_paper_s_sample_is_drawn() -> None:
    from indievalue.people.read import read_people

    people = read_people(real_file("wvs7_14countries.csv.gz"))
    benchmark = build_benchmark(people, Settings(), 800)
    assert [len(setup.probes) for setup in benchmark.setups] == [39, 39, 30]
    continents = dict(benchmark.people.demographics["continent"].value_counts().iter_rows())
    assert sum(continents.values()) == 800
    assert continents["Oceania"] == 88  # all who are eligible
    religions = benchmark.people.demographics.group_by("continent", "religion").len()
    assert max(religions["len"].to_list()) <= 80
    answered = (benchmark.people.options("refined") >= 0).sum(axis=1)
    assert answered.min() >= 239
    assert all((benchmark.answers(setup) >= 0).all() for setup in benchmark.setups)


def test_a_survey_of_two_setups_has_two_by_default(gardeners: People) -> None:
    sampling = dataclasses.replace(gardeners.survey.sampling, setups=2)
    people = dataclasses.replace(gardeners, survey=dataclasses.replace(gardeners.survey, sampling=sampling))
    benchmark = build_benchmark(people, Settings(), 9)
    assert [setup.number for setup in benchmark.setups] == [0, 1]
    assert benchmark.settings.setups == (0, 1)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ([], "valid dictionary"),
        ({"format": 9}, "format 9; this version reads 1"),
        ({"format": None}, "format None; this version reads 1"),
        ({"settings": None}, "settings: "),
        ({"settings": {"form": "round"}}, "form"),
        ({"settings": {"setups": "x"}}, "setups"),
        ({"settings": {"demonstrations": float("nan")}}, "demonstrations"),
        ({"settings": {"colour": "red"}}, "settings: unknown key 'colour'"),
        ({"eligibility": {"people": "many"}}, "eligibility"),
        ({"people": "g0001"}, "people: "),
        ({"people": []}, "people: "),
        ({"people": [1, 2]}, "people"),
        ({"people": ["g0001", "g0001"]}, "names 'g0001' twice"),
        ({"people": ["nobody"]}, "1 of its people are not in this one, first 'nobody'"),
        ({"survey": "wvs7"}, "is a benchmark of survey wvs7, and the data of garden"),
        ({"setups": {"number": 0}}, "setups: "),
        ({"setups": [{"number": 0}]}, "'setups.0.probes' is missing"),
        ({"setups": [{"number": -1, "probes": []}]}, "setups.0.number"),
        ({"setups": [{"number": 0, "probes": ["P1", "P1"]}]}, "asks 'P1' twice"),
        ({"setups": [{"number": 0, "probes": ["Z9"]}]}, "the survey has no question 'Z9'"),
        ({"setups": [{"number": 0, "probes": ["P1"]}]}, "no setup at place"),
    ],
)
def test_a_benchmark_that_somebody_has_changed_is_refused(
    gardeners: People, tmp_path: Path, change: Any, complaint: str
) -> None:
    save_benchmark(build_benchmark(gardeners, Settings(), 9), tmp_path / "saved", text=False)
    file = tmp_path / "saved" / "benchmark.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **change} if isinstance(change, dict) else change))
    with pytest.raises(IndievalueError, match=re.escape(complaint)) as told:
        load_benchmark(tmp_path / "saved", gardeners)
    assert str(tmp_path / "saved") in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("key", ["format", "settings", "eligibility", "people", "setups"])
def test_a_key_that_a_benchmark_lacks_is_named(gardeners: People, tmp_path: Path, key: str) -> None:
    save_benchmark(build_benchmark(gardeners, Settings(), 9), tmp_path / "saved", text=False)
    file = tmp_path / "saved" / "benchmark.json"
    about = json.loads(file.read_text())
    del about[key]
    file.write_text(json.dumps(about))
    with pytest.raises(IndievalueError, match=f"benchmark.json is no benchmark that can be read: '{key}' is missing"):
        load_benchmark(tmp_path / "saved", gardeners)


def test_a_benchmark_nested_without_end_is_refused(gardeners: People, tmp_path: Path) -> None:
    save_benchmark(build_benchmark(gardeners, Settings(), 9), tmp_path / "saved", text=False)
    (tmp_path / "saved" / "benchmark.json").write_text("[" * 100_000)
    with pytest.raises(IndievalueError, match="holds no benchmark"):
        load_benchmark(tmp_path / "saved", gardeners)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"person": pl.lit("nobody")}, "row 1: 'nobody' is not tested"),
        ({"question": pl.lit("Z9")}, "row 1: the survey has no question 'Z9'"),
        ({"question": pl.lit("P1")}, "is shown twice"),
        ({"place": pl.lit(30_000)}, "row 1: place 30000 is beyond the survey's questions"),
        ({"place": pl.lit(-1)}, "row 1: place -1"),
        ({"place": pl.lit(0)}, "is given twice"),
        ({"place": pl.lit("first")}, "place must be a column of whole numbers"),
        ({"part": pl.lit(7)}, "row 1: there is no setup at place 7"),
        ({"person": pl.lit(None, pl.String)}, "row 1: a value is missing"),
    ],
)
def test_demonstrations_that_cannot_be_are_refused(
    gardeners: People, tmp_path: Path, change: dict[str, pl.Expr], complaint: str
) -> None:
    save_benchmark(build_benchmark(gardeners, Settings(), 9), tmp_path / "saved", text=False)
    file = tmp_path / "saved" / "demonstrations.parquet"
    pl.read_parquet(file).with_columns(**change).write_parquet(file)
    with pytest.raises(IndievalueError, match=rf"demonstrations\.parquet.*{re.escape(complaint)}"):
        load_benchmark(tmp_path / "saved", gardeners)


def test_people_excluded_for_two_reasons_are_counted_in_both_which_is_said(garden: Survey) -> None:
    """Three have not answered P1, a probe; two of these have not answered two more, and so fewer than 8 of 10."""
    table = garden_answers(20).with_columns(
        P1=pl.Series([-5] * 3 + [1] * 17), N3=pl.Series([-5] * 2 + [1] * 18), N2=pl.Series([-5] * 2 + [1] * 18)
    )
    people = decode(table, garden, "garden.csv", "")
    found = build_benchmark(people, Settings(), 5).eligibility
    assert (found.people, found.eligible) == (20, 17)
    assert found.reasons() == (
        "3 did not answer every one of the 9 probes; 2 answered fewer than 8 of 10 questions "
        "(2 of them are counted twice)"
    )
    with pytest.raises(IndievalueError, match=r"2 of them are counted twice"):
        build_benchmark(people, Settings(), 18)


def test_a_survey_needs_no_demographics(garden: Survey) -> None:
    bare = dataclasses.replace(
        garden,
        demographics=(),
        inequity=(),
        sampling=dataclasses.replace(garden.sampling, continent=None, religion=None, first=None, per_religion=None),
    )
    people = decode(garden_answers(60), bare, "garden.csv", "")
    for context in ("statements", "both"):
        drawn = build_benchmark(people, Settings(context=context), 9)
        assert [text["demographics"] for text in task_texts(drawn)] == [[]] * 27
        training = people.take(~np.isin(people.ids, drawn.people.ids))
        for predictor in (Majority(), Gaussian()):
            fitted = predictor.fit(training, "polar", "polar")
            for setup, task in drawn.tasks():
                assert fitted.predict(task).choice.shape == (9, len(setup.probes))


def test_the_hash_of_a_benchmark_tells_whatever_is_asked_shown_or_true(gardeners: People) -> None:
    drawn = build_benchmark(gardeners, people_tested=6, demonstrations=2, seed=1)
    assert benchmark_hash(drawn) == benchmark_hash(
        build_benchmark(gardeners, people_tested=6, demonstrations=2, seed=1)
    )
    first, *others = drawn.setups
    row, place = np.argwhere(first.demonstrations != NOBODY)[0]
    shown = first.demonstrations.copy()
    shown[row, place] = next(at for at in range(10) if at not in (*shown[row], *first.probes))
    codes = drawn.people.codes.copy()
    codes[0, first.probes[0]] = 1 if codes[0, first.probes[0]] != 1 else 4
    changed = {
        "settings": dataclasses.replace(drawn.settings, seed=2),
        "setups": (dataclasses.replace(first, demonstrations=shown), *others),
        "people": dataclasses.replace(drawn.people, codes=codes),
    }
    apart = [benchmark_hash(dataclasses.replace(drawn, **{name: value})) for name, value in changed.items()]
    apart.append(benchmark_hash(dataclasses.replace(drawn, setups=drawn.setups[::-1])))
    apart.append(
        benchmark_hash(dataclasses.replace(drawn, people=dataclasses.replace(drawn.people, ids=drawn.people.ids[::-1])))
    )
    assert len({benchmark_hash(drawn), *apart}) == 6


def test_up_to_200_statements_are_shown_by_default() -> None:
    assert Settings().demonstrations == 200
    assert Settings(demonstrations=0).demonstrations == 0


def test_as_many_people_as_are_available_can_be_tested(gardeners: People) -> None:
    available = build_benchmark(gardeners, Settings(), 5).eligibility.available
    assert len(build_benchmark(gardeners, Settings(), available).people) == available
    with pytest.raises(IndievalueError):
        build_benchmark(gardeners, Settings(), available + 1)


def test_a_survey_without_continents_draws_from_everybody(gardeners: People) -> None:
    sampling = dataclasses.replace(gardeners.survey.sampling, continent=None, religion=None)
    people = dataclasses.replace(gardeners, survey=dataclasses.replace(gardeners.survey, sampling=sampling))
    assert len(build_benchmark(people, Settings(), 9).people) == 9


def test_a_saved_benchmark_is_replaced_only_by_force(gardeners: People, tmp_path: Path) -> None:
    benchmark = build_benchmark(gardeners, Settings(), 3)
    save_benchmark(benchmark, tmp_path / "benchmark")
    with pytest.raises(IndievalueError, match="exists already"):
        save_benchmark(benchmark, tmp_path / "benchmark")
    save_benchmark(benchmark, tmp_path / "benchmark", force=True)
