"""Questions that nobody is asked but those who are tested: ``--unseen-questions``, and predictors that go by texts."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner, Result

from conftest import GARDEN, garden_answers
from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import NOBODY, Settings
from indievalue.benchmark.questions import columns_of
from indievalue.benchmark.storage import load_benchmark, save_benchmark
from indievalue.cli import app
from indievalue.errors import IndievalueError
from indievalue.evaluation import evaluate
from indievalue.people.people import People
from indievalue.people.read import read_people
from indievalue.predictors.blend import Blend
from indievalue.predictors.gaussian import Gaussian
from indievalue.predictors.majority import Majority
from indievalue.predictors.protocol import BasePredictor
from indievalue.predictors.random import Random
from indievalue.predictors.ranking import rank_statements
from indievalue.predictors.registry import make_predictor
from indievalue.runs.folds import Learning
from indievalue.runs.storage import load_run
from indievalue.survey.families import families
from indievalue.survey.load import load_survey, shipped_surveys
from indievalue.survey.sensitive import sensitive_questions
from indievalue.survey.survey import Survey
from orchards import orchard_answers, orchard_survey

EMBEDDING, SIMILAR = "embedding:model=hashing", "similar-majority:k=2,model=hashing"


@pytest.fixture(scope="module")
def gardeners(tmp_path_factory: pytest.TempPathFactory) -> People:
    folder = tmp_path_factory.mktemp("garden")
    garden_answers(400).write_csv(folder / "garden.csv")
    people = read_people(folder / "garden.csv", str(GARDEN))
    everywhere = replace(people.survey.sampling, continent=None, religion=None, first=None, per_religion=None)
    return replace(people, survey=replace(people.survey, sampling=everywhere))


def ids(people: People, columns: np.ndarray) -> list[str]:
    return [people.survey.questions[at].id for at in columns]


# --- names of questions ------------------------------------------------------------------------------------


def test_a_battery_is_named(gardeners: People) -> None:
    assert ids(gardeners, columns_of(gardeners, ["battery animals", "N2"])) == ["A1", "A2", "A3", "N2"]
    with pytest.raises(IndievalueError, match="no battery 'animal'; it has animals, likes; did you mean 'animals'"):
        columns_of(gardeners, ["battery animal"])


@pytest.mark.parametrize("kind", ["batteries", "questions"])
def test_parts_are_drawn_by_the_seed_and_have_every_question_once(gardeners: People, kind: str) -> None:
    parts = [columns_of(gardeners, [f"{kind} {number}/3"], seed=1) for number in (1, 2, 3)]
    assert sorted(np.concatenate(parts).tolist()) == list(range(10))
    others = [columns_of(gardeners, [f"{kind} {number}/3"], seed=2).tolist() for number in (1, 2, 3)]
    assert [part.tolist() for part in parts] != others
    with pytest.raises(IndievalueError, match=rf"'{kind} 4/3': there are 3 parts; choose {kind} 1/3 to 3/3"):
        columns_of(gardeners, [f"{kind} 4/3"])


def test_parts_of_batteries_divide_no_battery(gardeners: People) -> None:
    for seed in range(5):
        for number in (1, 2, 3):
            part = set(ids(gardeners, columns_of(gardeners, [f"batteries {number}/3"], seed)))
            assert {"P1", "P2", "P3", "P4"} <= part or not {"P1", "P2", "P3", "P4"} & part


def test_batteries_worded_alike_are_one_family() -> None:
    for name, one, other in (
        ("wvs7", "Q71", "Q83"),  # confidence in the government, and in the United Nations
        ("gss2018", "spkath", "colath"),  # who may give a speech, and who may teach
        ("ess9", "ageadlt_women", "ageadlt_men"),
    ):
        survey = load_survey(name)
        family = families(survey)
        assert family[survey.positions[one]] == family[survey.positions[other]], name
    wvs7 = load_survey("wvs7")
    family = families(wvs7)
    assert family[wvs7.positions["Q1"]] != family[wvs7.positions["Q182"]]


# --- the benchmark -----------------------------------------------------------------------------------------


def test_unseen_questions_are_all_probes_and_never_shown(gardeners: People) -> None:
    benchmark = build_benchmark(
        gardeners, Settings(demonstrations=None), 30, unseen_questions=["battery animals", "N1"]
    )
    assert benchmark.settings.unseen_questions == ("A1", "A2", "A3", "N1")
    (setup,) = benchmark.setups
    assert ids(gardeners, setup.probes) == ["A1", "A2", "A3", "N1"]
    shown = set(setup.demonstrations[setup.demonstrations != NOBODY].tolist())
    assert shown == set(range(10)) - set(setup.probes.tolist())


def test_the_same_people_are_tested_as_without_unseen_questions(gardeners: People) -> None:
    usual = build_benchmark(gardeners, people_tested=30)
    unseen = build_benchmark(gardeners, people_tested=30, unseen_questions=["N3"])
    assert usual.people.ids.tolist() == unseen.people.ids.tolist()


def test_nobody_learned_from_has_answers_to_unseen_questions(gardeners: People) -> None:
    benchmark = build_benchmark(gardeners, people_tested=30, unseen_questions=["P1", "N3"])
    at = [gardeners.survey.positions[name] for name in ("P1", "N3")]
    for folds in (1, 3):
        for training, _ in Learning(gardeners, benchmark, folds).parts():
            assert not (training.options("refined")[:, at] >= 0).any()
            assert (training.options("refined")[:, 1] >= 0).any()
    assert (Learning(gardeners, benchmark, 1, knowing=True).untested.options("refined")[:, at] >= 0).any()


def test_a_saved_benchmark_keeps_its_unseen_questions(gardeners: People, tmp_path: Path) -> None:
    benchmark = build_benchmark(gardeners, people_tested=20, unseen_questions=["battery animals"])
    save_benchmark(benchmark, tmp_path / "saved")
    assert load_benchmark(tmp_path / "saved", gardeners).settings == benchmark.settings
    usual = build_benchmark(gardeners, people_tested=20)
    assert "unseen_questions" not in usual.settings.stored()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"unseen_questions": ["A9"]}, "no question, category or setup 'A9'"),
        ({"unseen_questions": ["A1"], "setups": (1,)}, "the probes of the only setup"),
        ({"unseen_questions": ["A1"], "show": "relevant:2"}, "unseen questions have none"),
        ({"unseen_questions": ["A1"], "demonstrations_from": "siblings"}, "no answer to an unseen question is shown"),
        ({"unseen_questions": ["Plants", "Animals", "Neighbors"]}, "all questions of the data are unseen"),
    ],
)
def test_what_cannot_be_is_refused(gardeners: People, settings: dict, said: str) -> None:
    with pytest.raises(IndievalueError, match=said):
        build_benchmark(gardeners, people_tested=20, ranking=rank_statements, **settings)


# --- predictors --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["majority", "resemble:k=5", "gaussian", "logistic", "blend:gaussian+resemble"])
def test_a_predictor_that_needs_answers_says_so(gardeners: People, name: str) -> None:
    benchmark = build_benchmark(gardeners, people_tested=20, unseen_questions=["A1"])
    kind = "gaussian" if name.startswith("blend") else name.partition(":")[0]
    with pytest.raises(IndievalueError, match=f"{kind} cannot predict a question that nobody answered: .*; ask emb"):
        evaluate(gardeners, benchmark, name)


def test_a_predictor_of_ones_own_is_given_people_without_the_answers(gardeners: People) -> None:
    seen = []

    class Own(BasePredictor):
        def fit(self, people: People, form: str = "polar", shown_form: str | None = None) -> "Own":
            seen.append(people.asked.tolist())
            self.fitted = Majority().fit(people, form)
            return self

        def predict(self, task):  # type: ignore[no-untyped-def]
            return self.fitted.predict(task)

    benchmark = build_benchmark(gardeners, people_tested=20, unseen_questions=["A1", "N3"])
    run = evaluate(gardeners, benchmark, {"own": Own()})
    assert [name for name, asked in zip(gardeners.survey.positions, seen[0], strict=True) if not asked] == ["A1", "N3"]
    assert run.record.unseen_questions == ("A1", "N3")


def test_a_reference_knows_the_questions(gardeners: People) -> None:
    benchmark = build_benchmark(gardeners, people_tested=60, unseen_questions=["P1", "A1"])
    run = evaluate(gardeners, benchmark, ["random", EMBEDDING], references=["majority", "gaussian"])
    assert run.record.references == ("majority, knowing", "gaussian, knowing")
    scores = {name: score.accuracy for name, score in run.scores.items()}
    assert scores["gaussian, knowing"] > scores["random"] + 10
    assert scores[EMBEDDING] > scores["random"] + 10, "P1 is asked like P2, and people who like one like the other"
    usual = build_benchmark(gardeners, people_tested=60)
    with pytest.raises(IndievalueError, match=r"references .* are of use with unseen questions"):
        evaluate(gardeners, usual, "random", references="gaussian")


def test_correlations_with_a_question_of_the_same_battery_are_told_by_its_text(gardeners: People) -> None:
    benchmark = build_benchmark(gardeners, people_tested=60, unseen_questions=["P1"], demonstrations=None)
    fitted = make_predictor(EMBEDDING).fit(Learning(gardeners, benchmark, 1).untested, "polar", "polar")
    ((_, task),) = benchmark.tasks()
    likes = fitted.predict(task).probabilities[:, 0, 0]
    others = (task.shown[:, 1:4] == 0).sum(axis=1)  # options 0 of P2 to P4: I like it
    assert np.corrcoef(likes, others)[0, 1] > 0.5


def test_scales_that_run_the_other_way_are_unlike() -> None:
    from indievalue.predictors.embedding.scales import Scales
    from indievalue.predictors.embedding.texts import Texts
    from indievalue.predictors.similarity import hashed_ngrams

    survey = load_survey(str(GARDEN))
    texts = Texts.of(Scales.of(survey), hashed_ngrams)
    turned = Texts(texts.topic, -texts.direction, texts.asks, texts.statements)
    alike = texts.alike(texts, 2.0)
    assert np.allclose(np.diag(alike), 1)
    assert np.allclose(texts.alike(turned, 2.0), -alike)
    assert alike[0, 1] > alike[0, -1], "two plants are more alike than a plant and mowing on Sundays"


def test_shares_are_carried_over_by_place_in_the_direction_that_statements_say() -> None:
    from indievalue.predictors.embedding.similar_majority import Wordings, carried
    from indievalue.predictors.similarity import hashed_ngrams

    survey = load_survey(str(GARDEN))
    polar, refined = (Wordings.of(survey, form, hashed_ngrams) for form in ("polar", "refined"))
    p1, p2, a1 = (survey.positions[name] for name in ("P1", "P2", "A1"))
    assert carried(polar, p1, polar, p2, np.array([0.8, 0.2])).tolist() == [0.8, 0.2]
    assert np.allclose(carried(polar, p1, refined, p2, np.array([0.5, 0.3, 0.1, 0.1])), [0.8, 0.2])
    # `I would rather keep moles out` is at the start of its scale, and so is `I like roses`: only the words tell.
    assert sorted(carried(polar, p1, polar, a1, np.array([0.7, 0.3])).tolist()) == [0.3, 0.7]


def test_a_blend_is_weighed_on_questions_that_are_hidden_as_well(gardeners: People) -> None:
    asked: list[set[str]] = []

    class Spy(Random):
        learns = True

        def fit(self, people: People, form: str = "polar", shown_form: str | None = None) -> "Spy":
            asked.append({name for name, one in zip(people.survey.positions, people.asked, strict=True) if one})
            return self

    benchmark = build_benchmark(gardeners, people_tested=40, unseen_questions=["P1", "N3"])
    blend = Blend({"spy": Spy(), "embedding": make_predictor(EMBEDDING)})
    run = evaluate(gardeners, benchmark, {"blend": blend})
    while_weighed, at_last = asked
    assert at_last == set(gardeners.survey.positions) - {"P1", "N3"}
    assert while_weighed < at_last
    assert run.scores["blend"].log_loss is not None


def test_a_language_model_and_a_blend_with_one_need_no_change(gardeners: People, tiny_model: Path) -> None:
    pytest.importorskip("transformers")
    benchmark = build_benchmark(gardeners, people_tested=3, unseen_questions=["A1", "N3"], demonstrations=2)
    local = f"local:{tiny_model}:keep=no"
    run = evaluate(gardeners, benchmark, [local, f"blend:{EMBEDDING}+{local}"])
    assert run.predictions.height == 2 * 3 * 2
    assert set(run.predictions["question"]) == {"A1", "N3"}


def test_a_reasoner_is_refused_unless_its_training_held_the_questions_out(
    gardeners: People, tiny_model: Path, tmp_path: Path
) -> None:
    pytest.importorskip("transformers")
    from indievalue.predictors.local.trained_on import write_held_out, write_trained_on

    reasoner = tmp_path / "reasoner"
    shutil.copytree(tiny_model, reasoner)
    write_trained_on(reasoner, ["nobody"])
    benchmark = build_benchmark(gardeners, people_tested=3, unseen_questions=["A1", "N3"], demonstrations=2)
    name = f"reasoner:{reasoner}:keep=no"
    with pytest.raises(IndievalueError, match=r"without holding out 2 of the unseen questions, first 'A1': .* --seed"):
        evaluate(gardeners, benchmark, name)
    write_held_out(reasoner, ["A1", "N3", "P1"])
    assert evaluate(gardeners, benchmark, name).predictions.height == 6


# --- across surveys ----------------------------------------------------------------------------------------


def test_another_survey_teaches_unseen_questions_but_not_the_same_item(gardeners: People, tmp_path: Path) -> None:
    orchard_answers(400).write_csv(tmp_path / "orchard.csv")
    others = read_people(tmp_path / "orchard.csv", str(orchard_survey(tmp_path)))
    benchmark = build_benchmark(gardeners, people_tested=60, unseen_questions=["P1", "N3"], demonstrations=None)
    run = evaluate(gardeners, benchmark, [EMBEDDING, SIMILAR], learn_from=others)
    assert set(run.predictions["question"]) == {"P1", "N3"}
    from indievalue.runs.elsewhere import elsewhere

    hidden = [gardeners.survey.positions["P1"]]
    taught = elsewhere([others], gardeners.survey, []).across_surveys(hidden)
    assert taught.survey.name == "orchard"
    assert [question.id for question, asked in zip(taught.survey.questions, taught.asked, strict=True) if asked] == [
        "NETTLES",
        "HOGS",
        "CIDER",
    ]


# --- the command -------------------------------------------------------------------------------------------


def evaluated(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


def test_the_command_records_what_is_unseen_and_repeats_it(gardeners: People, tmp_path: Path) -> None:
    garden_answers(120).write_csv(tmp_path / "garden.csv")
    asked = [tmp_path / "garden.csv", "--survey", GARDEN, "--people", 20, "--unseen-questions", "battery animals"]
    wanted = ["--predictor", EMBEDDING, "--reference", "majority"]
    found = evaluated(*asked, "--unseen-questions", "N1", *wanted, "--out", tmp_path / "run")
    assert found.exit_code == 0, found.output
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["unseen_questions"] == ["A1", "A2", "A3", "N1"]
    assert record["references"] == ["majority, knowing"]
    page = (tmp_path / "run" / "report.html").read_text()
    assert "No answers to the 4 questions predicted were learned from, except by majority, knowing." in page
    assert set(load_run(tmp_path / "run").predictions["question"]) == {"A1", "A2", "A3", "N1"}
    again = evaluated("--config", tmp_path / "run" / "evaluate.yaml", "--out", tmp_path / "again")
    assert again.exit_code == 0, again.output
    first, second = (pl.read_parquet(tmp_path / name / "predictions.parquet") for name in ("run", "again"))
    assert first.equals(second)


def test_a_benchmark_has_its_own_unseen_questions(tmp_path: Path) -> None:
    garden_answers(60).write_csv(tmp_path / "garden.csv")
    found = evaluated(
        *[tmp_path / "garden.csv", "--survey", GARDEN, "--benchmark", tmp_path, "--unseen-questions", "N1"],
        *["--predictor", "random", "--out", tmp_path / "run"],
    )
    assert found.exit_code == 2
    assert "--benchmark has its own" in " ".join(found.output.split())


# --- questions that are answered as one should -------------------------------------------------------------


@pytest.mark.parametrize("name", shipped_surveys())
def test_each_survey_that_ships_lists_them_with_reasons(name: str) -> None:
    survey = load_survey(name)
    listed = sensitive_questions(survey)
    assert 10 <= len(listed) < len(survey.questions) / 2
    assert all(listed.values())


def test_a_survey_of_ones_own_may_list_them(garden: Survey, tmp_path: Path) -> None:
    with pytest.raises(IndievalueError, match=r"survey garden does not say .*sensitive\.yaml"):
        sensitive_questions(garden)
    shutil.copytree(GARDEN, tmp_path / "garden")
    (tmp_path / "garden" / "sensitive.yaml").write_text("- reason: neighbors listen\n  questions: [N2, N3]\n")
    assert sensitive_questions(load_survey(str(tmp_path / "garden"))) == {
        "N2": "neighbors listen",
        "N3": "neighbors listen",
    }


def test_known_questions_are_predicted_from_their_own_answers(gardeners: People) -> None:
    benchmark = build_benchmark(gardeners, Settings(setups=(0,), demonstrations=None), 60)
    run = evaluate(gardeners, benchmark, [EMBEDDING, "majority", "gaussian"])
    scores = {name: score.accuracy for name, score in run.scores.items()}
    assert scores[EMBEDDING] > scores["majority"]
    assert abs(scores[EMBEDDING] - scores["gaussian"]) < 6
    assert isinstance(make_predictor("gaussian"), Gaussian)
