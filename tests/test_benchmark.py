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
from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.eligible import answered_threshold
from indievalue.benchmark.model import NOBODY, Benchmark, Settings
from indievalue.benchmark.narrow import with_demonstrations_about, with_first_demonstrations
from indievalue.benchmark.protocol import protocol_probes
from indievalue.benchmark.storage import asked_texts, benchmark_hash, load_benchmark, save_benchmark, task_texts
from indievalue.errors import IndievalueError
from indievalue.evaluation import evaluate
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
        ([], "should be an object"),
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
        ({"setups": [{"number": 128, "probes": []}]}, "setups.0.number"),
        ({"setups": [{"number": "0", "probes": []}]}, "setups.0.number"),
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


@pytest.mark.parametrize(
    ("sizes", "number", "shares"),
    [
        # (island, valley, hills); the island comes first, then places are shared evenly, and what is over goes by name
        ((5, 9, 9), 3, (3, 0, 0)),
        ((5, 9, 9), 5, (5, 0, 0)),
        ((5, 9, 9), 12, (5, 3, 4)),
        ((3, 12, 2), 13, (3, 8, 2)),  # the hills have only two, so the valley takes three more than its five
        ((0, 9, 9), 7, (0, 3, 4)),
        ((5, 9, 9), 23, (5, 9, 9)),
    ],
)
def test_places_are_shared_out_as_evenly_as_the_regions_allow(
    garden: Survey, sizes: tuple[int, int, int], number: int, shares: tuple[int, int, int]
) -> None:
    survey = dataclasses.replace(garden, sampling=dataclasses.replace(garden.sampling, per_religion=None))
    island, valley, hills = sizes
    table = garden_answers(sum(sizes)).with_columns(REGION=pl.Series([3] * island + [1] * valley + [2] * hills))
    tested = build_benchmark(decode(table, survey, "garden.csv", ""), Settings(), number).people
    drawn = dict(tested.demographics["region"].value_counts().iter_rows())
    assert tuple(drawn.get(name, 0) for name in ("Island", "Valley", "Hills")) == shares
    assert tested.ids.tolist() == sorted(tested.ids.tolist())


def test_a_benchmark_can_show_the_first_demonstrations_or_those_of_one_category(
    garden: Survey, garden_table: pl.DataFrame
) -> None:
    # The first person has not answered P2; the probes are P1, A1 and N1, so that P2, P3 and P4 can be shown of Plants.
    people = decode(garden_table.with_columns(P2=pl.Series([-1] + [1] * 59)), garden, "garden.csv", "")
    drawn = build_benchmark(people, Settings(setups=(0,), demonstrations=None), ["g0000", "g0001", "g0002"])
    names = np.array([*(question.id for question in garden.questions), None])  # -1 is nobody's question
    shown = names[drawn.setups[0].demonstrations].tolist()
    assert [len(row) - row.count(None) for row in shown] == [6, 7, 7]
    first = with_first_demonstrations(drawn, 2)
    assert names[first.setups[0].demonstrations].tolist() == [row[:2] for row in shown]
    plants = with_demonstrations_about(drawn, "Plants").setups[0].demonstrations
    kept = [[question for question in row if question in ("P2", "P3", "P4")] for row in shown]
    assert sorted(kept[1]) == ["P2", "P3", "P4"]
    assert names[plants].tolist() == [[*kept[0], None], kept[1], kept[2]]
    assert plants.dtype == np.int16
    # Of Animals nothing is left to show where only Plants were shown.
    only_plants = with_demonstrations_about(drawn, "Plants")
    assert with_demonstrations_about(only_plants, "Animals").setups[0].demonstrations.shape == (3, 0)
    with pytest.raises(IndievalueError, match="no category 'Moss'; it has Plants; Animals; Neighbors"):
        with_demonstrations_about(drawn, "Moss")


def test_a_benchmark_and_a_task_say_what_they_are(gardeners: People) -> None:
    drawn = build_benchmark(gardeners, Settings(setups=(0, 2), demonstrations=4, seed=5), 9)
    assert repr(drawn) == (
        "Benchmark: 9 people of garden, 6 probes each, 4 demonstrations\n"
        "  polar form, strict protocol, context statements, seed 5"
    )
    assert "all demonstrations" in repr(build_benchmark(gardeners, Settings(demonstrations=None), 9))
    assert [repr(task) for _, task in drawn.tasks()] == [
        f"Task: 9 people × 3 probes of garden, setup {number}, 4 demonstrations" for number in (0, 2)
    ]


def test_a_task_has_what_the_settings_say(gardeners: People) -> None:
    for protocol in ("strict", "paper"):
        settings = Settings(protocol=protocol, form="refined", seed=3, setups=(1,))  # type: ignore[arg-type]
        _, task = next(build_benchmark(gardeners, settings, 9).tasks())
        assert (task.missing_votes, task.seed, task.setup) == (protocol == "paper", 3, 1)
        assert (task.form, task.shown_form) == ("refined", "refined")
        assert task.counts.tolist() == [4, 4, 2]  # P2, A2 and N2
        assert task.asked.all()


def test_probes_that_a_person_did_not_answer_are_not_asked_and_not_in_the_texts(
    garden: Survey, garden_table: pl.DataFrame
) -> None:
    table = garden_table.with_columns(
        P1=pl.Series([-1, -1] + [1] * 58), A1=pl.Series([1, -1] + [1] * 58), N1=pl.Series([1, -1] + [1] * 58)
    )
    people = decode(table, garden, "garden.csv", "")
    drawn = build_benchmark(people, Settings(setups=(0,)), ["g0000", "g0001", "g0002"])
    ((setup, task),) = drawn.tasks()
    assert drawn.answers(setup).tolist() == [[-1, 0, 0], [-1, -1, -1], [0, 0, 0]]
    assert task.asked.tolist() == [[False, True, True], [False] * 3, [True] * 3]
    scored = [[(probe["question"], probe["answer"]) for probe in text["probes"]] for text in task_texts(drawn)]
    assert scored == [[("A1", 0), ("N1", 0)], [], [("P1", 0), ("A1", 0), ("N1", 0)]]
    asked = [(text["person"], [probe["question"] for probe in text["probes"]]) for text in asked_texts(task)]
    assert asked == [("g0000", ["A1", "N1"]), ("g0002", ["P1", "A1", "N1"])]
    assert all("answer" not in probe for text in asked_texts(task) for probe in text["probes"])


def test_reasons_that_hold_for_different_people_are_not_said_to_overlap(garden: Survey) -> None:
    # With one setup the probes are P1, A1 and N1: two people lack P1, and three others have answered 7 of 10.
    survey = dataclasses.replace(garden, sampling=dataclasses.replace(garden.sampling, setups=1))
    table = garden_answers(20).with_columns(
        P1=pl.Series([-5] * 2 + [1] * 18),
        **{name: pl.Series([1] * 2 + [-5] * 3 + [1] * 15) for name in ("P2", "P3", "P4")},
    )
    found = build_benchmark(decode(table, survey, "garden.csv", ""), Settings(), 5).eligibility
    assert (found.people, found.eligible) == (20, 15)
    assert found.reasons() == "2 did not answer every one of the 3 probes; 3 answered fewer than 8 of 10 questions"


def test_a_benchmark_without_demonstrations_is_loaded_as_it_was(gardeners: People, tmp_path: Path) -> None:
    benchmark = build_benchmark(gardeners, Settings(demonstrations=0), 9)
    save_benchmark(benchmark, tmp_path / "saved")
    loaded = load_benchmark(tmp_path / "saved", gardeners)
    assert [setup.demonstrations.shape for setup in loaded.setups] == [(9, 0)] * 3
    assert list(task_texts(loaded)) == list(task_texts(benchmark))
    assert benchmark_hash(loaded) == benchmark_hash(benchmark)
    assert len(benchmark_hash(benchmark)) == 32  # 128 bits
    # Where nothing is shown, columns of text had no type in files of earlier versions.
    file = tmp_path / "saved" / "demonstrations.parquet"
    untyped = pl.read_parquet(file).with_columns(pl.lit(None).alias(name) for name in ("person", "question"))
    untyped.clear().write_parquet(file)
    assert benchmark_hash(load_benchmark(tmp_path / "saved", gardeners)) == benchmark_hash(benchmark)


def test_a_benchmark_with_a_setup_that_shows_or_asks_nothing_is_loaded_as_it_was(
    garden: Survey, garden_table: pl.DataFrame, tmp_path: Path
) -> None:
    # The first person answered P1 alone, which is a probe of setup 0, so that only setups 1 and 2 can show it.
    others = [question.id for question in garden.questions if question.id != "P1"]
    table = garden_table.with_columns(pl.Series(name, [-1, *garden_table[name][1:]]) for name in others)
    people = decode(table, garden, "garden.csv", "")
    shows_nothing = build_benchmark(people, Settings(demonstrations=3), ["g0000"])
    assert [setup.demonstrations.tolist() for setup in shows_nothing.setups] == [[[]], [[0]], [[0]]]
    # Without P4 every category has three questions, and setup 3 wraps to the probes of setup 0.
    sampling = dataclasses.replace(garden.sampling, setups=4)
    three = decode(garden_table.drop("P4"), dataclasses.replace(garden, sampling=sampling), "garden.csv", "")
    asks_nothing = build_benchmark(three, Settings(setups=(0, 3)), ["g0000"])
    assert _probe_ids(asks_nothing) == [(0, ["P1", "A1", "N1"]), (3, [])]
    for name, benchmark in (("shows", shows_nothing), ("asks", asks_nothing)):
        save_benchmark(benchmark, tmp_path / name)
        loaded = load_benchmark(tmp_path / name, benchmark.people)
        assert benchmark_hash(loaded) == benchmark_hash(benchmark)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"part": 3}, "row 1: there is no setup at place 3"),
        ({"part": -1}, "row 1: there is no setup at place -1"),
        ({"place": 10}, "row 1: place 10 is beyond the survey's questions"),
    ],
)
def test_demonstrations_one_beyond_the_three_setups_and_ten_questions_are_refused(
    gardeners: People, tmp_path: Path, change: dict[str, int], complaint: str
) -> None:
    save_benchmark(build_benchmark(gardeners, Settings(), 9), tmp_path / "saved", text=False)
    file = tmp_path / "saved" / "demonstrations.parquet"
    pl.read_parquet(file).with_columns(**{name: pl.lit(value) for name, value in change.items()}).write_parquet(file)
    with pytest.raises(IndievalueError, match=re.escape(complaint)):
        load_benchmark(tmp_path / "saved", gardeners)


def test_the_tables_of_a_saved_benchmark_name_setup_place_and_option(gardeners: People, tmp_path: Path) -> None:
    drawn = build_benchmark(gardeners, Settings(setups=(2,), demonstrations=2, form="refined"), ["g0003", "g0001"])
    save_benchmark(drawn, tmp_path / "saved", text=False)
    assert not (tmp_path / "saved" / "tasks.jsonl").exists()
    options, at = drawn.people.options("refined"), gardeners.survey.positions
    probes = pl.read_parquet(tmp_path / "saved" / "probes.parquet")
    asked = ["P3", "A3", "N3"]
    assert probes.rows() == [
        (0, 2, person, question, options[row, at[question]])
        for row, person in enumerate(("g0003", "g0001"))
        for question in asked
    ]
    shown = pl.read_parquet(tmp_path / "saved" / "demonstrations.parquet")
    names = [question.id for question in gardeners.survey.questions]
    assert shown.rows() == [
        (0, 2, person, place, names[column], options[row, column])
        for row, person in enumerate(("g0003", "g0001"))
        for place, column in enumerate(drawn.setups[0].demonstrations[row].tolist())
    ]


def test_that_nobody_is_eligible_is_said_with_the_reason(garden: Survey) -> None:
    table = garden_answers(3).with_columns(P1=pl.Series([-1, -1, 1]), P2=pl.Series([1, 1, -1]))
    with pytest.raises(
        IndievalueError, match=r"^0 of 3 people are eligible \(3 did not answer every one of the 9 probes\)$"
    ):
        build_benchmark(decode(table, garden, "garden.csv", ""), Settings(), "all")


def _half_asked(garden: Survey, **sampling: Any) -> People:
    """Forty gardeners of a split ballot: one half was not asked P1, the other A1; the first three only P2 and P3."""
    half, few = np.arange(40) % 2, np.arange(40) < 3
    table = garden_answers(40)
    table = table.with_columns(
        P1=pl.Series(np.where(half == 0, -4, table["P1"])), A1=pl.Series(np.where(half == 1, -4, table["A1"]))
    ).with_columns(pl.Series(name, np.where(few, -4, table[name])) for name in ("P4", "A2", "A3", "N1", "N2", "N3"))
    survey = dataclasses.replace(garden, sampling=dataclasses.replace(garden.sampling, answered=2, **sampling))
    return decode(table, survey, "garden.csv", "")


def test_in_a_split_ballot_nobody_answers_every_probe(garden: Survey) -> None:
    with pytest.raises(IndievalueError, match="40 did not answer every one of the 9 probes"):
        build_benchmark(_half_asked(garden), Settings(), "all")


def test_people_of_a_split_ballot_are_tested_on_the_probes_that_they_answered(garden: Survey) -> None:
    people = _half_asked(garden, probes="answered", answered_probes=2)
    benchmark = build_benchmark(people, Settings(demonstrations=None), "all")
    assert benchmark.eligibility.reasons().startswith("3 did not answer 2 or more of the probes of every setup")
    assert len(benchmark.people) == 37
    setup, task = next(benchmark.tasks())
    assert [benchmark.survey.questions[probe].id for probe in setup.probes] == ["P1", "A1", "N1"]
    assert task.asked.sum(axis=1).tolist() == [2] * 37
    assert (task.asked[:, 0] ^ task.asked[:, 1]).all()
    assert (task.shown[:, setup.probes] == -1).all()


def test_predictions_are_of_the_answered_probes_alone(garden: Survey) -> None:
    people = _half_asked(garden, probes="answered", answered_probes=2)
    benchmark = build_benchmark(people, Settings(setups=[0]), "all")
    run = evaluate(people, benchmark, [Majority(), Gaussian()])
    for _, predictions in run.predictions.group_by("predictor"):
        assert len(predictions) == 37 * 2
        assert (predictions["answer"] >= 0).all()


def test_a_person_who_answered_too_few_probes_is_refused_with_the_number_that_is_wanted(garden: Survey) -> None:
    people = _half_asked(garden, probes="answered", answered_probes=3)
    with pytest.raises(IndievalueError, match="40 did not answer 3 or more of the probes of every setup"):
        build_benchmark(people, Settings(), "all")
