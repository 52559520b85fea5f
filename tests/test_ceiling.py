"""How often anybody could be right: noise in answers, bands for the best possible predictor, and gaps it explains."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import indievalue as iv
from indievalue.choices import FormName
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.runs.run import Run
from indievalue.scoring.ceiling import Ceiling, Ceilings, estimate_ceilings
from indievalue.scoring.explained import Scores, _usual
from indievalue.scoring.halves import concordance, same_order, stepped_up
from indievalue.scoring.noise import explained, latent_share, normal_scores, reach
from indievalue.synthetic.generate import synthetic_people
from indievalue.synthetic.known_noise import people_with_noise
from indievalue.testing import made_up_people, small_survey


@pytest.mark.parametrize("reliability", [0.1, 0.5, 0.9])
def test_two_equally_common_steps(reliability: float) -> None:
    """The sign of a normal variable: known in closed form (Sheppard 1899).

    Two variables of correlation r have the same sign with probability 1 − arccos(r) / π. Two answers of a person have
    correlation ``reliability``, an answer and the opinion its square root.
    """
    found = reach(np.array([0.5, 0.5]), np.array(reliability))
    assert found.accuracy == pytest.approx(1 - np.arccos(np.sqrt(reliability)) / np.pi, abs=2e-3)
    assert found.agreement == pytest.approx(1 - np.arccos(reliability) / np.pi, abs=2e-3)


def test_without_noise_and_without_opinion() -> None:
    shares = np.array([[0.6, 0.3, 0.1, 0.0], [0.25, 0.25, 0.25, 0.25]])
    for ordered in (True, False):
        nothing, everything = (reach(shares, np.full(2, known), np.full(2, ordered)) for known in (0.0, 1.0))
        assert nothing.accuracy == pytest.approx([0.6, 0.25])
        assert nothing.agreement == pytest.approx([0.46, 0.25])
        assert everything.accuracy == pytest.approx([1, 1])
        assert everything.agreement == pytest.approx([1, 1])


def test_options_that_are_no_scale() -> None:
    """By hand: with reliability 0.25 half of the answers are opinions; the others are drawn from 0.6, 0.4.

    Who holds the first opinion says it with probability 0.5 + 0.5 · 0.6 = 0.8, the second with 0.7; the best predictor
    is right in 0.6 · 0.8 + 0.4 · 0.7 = 0.76. Two answers agree in 0.25 + 0.75 · (0.36 + 0.16) = 0.64.
    """
    found = reach(np.array([0.6, 0.4]), np.array(0.25), False)
    assert (float(found.accuracy), float(found.agreement)) == pytest.approx((0.76, 0.64))


def test_a_rare_opinion_that_is_mostly_noise_is_not_predicted() -> None:
    """By hand: reliability 0.01, so 0.1 opinion. Option 2, of 0.1, is said with 0.1 + 0.9 · 0.1 = 0.19 by those who
    hold it, and option 1 with 0.81: the best predictor always says option 1, which is right in 0.9.
    """
    assert float(reach(np.array([0.9, 0.1]), np.array(0.01), False).accuracy) == pytest.approx(0.9)


def test_shares_of_scores_and_of_what_underlies_them() -> None:
    shares = np.array([[0.5, 0.5, 0, 0], [0.1, 0.2, 0.3, 0.4], [0.9, 0.05, 0.05, 0]])
    assert (shares * normal_scores(shares)).sum(axis=1) == pytest.approx([0, 0, 0])
    known = np.array([0.2, 0.5, 0.8])
    lost = explained(shares, known)
    assert (lost < known).all()  # steps are coarser than what underlies them
    assert latent_share(shares, lost) == pytest.approx(known, abs=0.01)


def _rows(people: People, form: FormName = "refined") -> pl.DataFrame:
    names = [question.id for question in people.survey.questions]
    return pl.DataFrame(
        {
            "person": np.repeat(people.ids, len(names)).tolist(),
            "question": names * len(people),
            "answer": people.options(form).ravel(),
        }
    )


@pytest.mark.parametrize(("people", "seed", "mixed"), [(1500, 0, 0.0), (400, 1, 0.0), (1500, 2, 0.4)])
def test_the_band_holds_the_best_possible_accuracy(people: int, seed: int, mixed: float) -> None:
    asked, best = (made := people_with_noise(people, seed, mixed)).people, made.best
    found = estimate_ceilings(asked, asked.ids[:50].tolist())
    number = len(asked.survey.questions)
    bands = found.of(_rows(asked), "refined", np.tile(np.arange(number), people), number)
    ordered = found.questions["ordered"].to_numpy()
    held = np.array(
        [band is not None and band.low <= truth <= band.high for band, truth in zip(bands, best, strict=True)]
    )
    assert held[ordered].mean() >= 0.9
    wide = np.array([band.high - band.low for band in bands if band is not None])
    assert 5 < wide.mean() < 30  # neither certain nor empty


def test_groups_of_noisier_people_have_lower_ceilings() -> None:
    asked, noise = (made := people_with_noise(1200, 3, 0.5)).people, made.noise
    found = estimate_ceilings(asked, asked.ids.tolist())
    rank = np.argsort(np.argsort(noise[np.argsort(asked.ids)]))
    relative = found.people["distance"].to_numpy() / found.people["usual_distance"].to_numpy()
    assert np.corrcoef(rank, relative)[0, 1] > 0.5
    noisy = (noise > np.median(noise)).astype(np.int64)
    bands = found.of(_rows(asked), "refined", np.repeat(noisy, len(asked.survey.questions)), 2)
    steady, unsteady = bands
    assert steady is not None
    assert unsteady is not None
    assert unsteady.low < steady.low - 1


def test_nothing_depends_on_the_order_of_people() -> None:
    asked = people_with_noise(300, 4).people
    tested = asked.ids[:60].tolist()
    shuffled = asked.take(np.random.default_rng(0).permutation(len(asked)))
    once, again = estimate_ceilings(asked, tested), estimate_ceilings(shuffled, tested[::-1])
    assert once.questions.equals(again.questions)
    assert once.people.equals(again.people)


def test_the_ceilings_of_the_same_people_are_estimated_once() -> None:
    people = synthetic_people(150)
    first = estimate_ceilings(people, people.ids[:20].tolist())
    assert estimate_ceilings(people, people.ids[19::-1].tolist()) is first
    assert estimate_ceilings(people, people.ids[:21].tolist()).people.height == 21
    assert estimate_ceilings(people, people.ids[:20].tolist(), 1) is not first


def test_questions_that_are_never_asked_together_explain_no_more_than_there_is() -> None:
    """All are of one opinion, half noise; each person is asked a third of them and one of two other thirds."""
    rng, base = np.random.default_rng(2), synthetic_people(900)
    opinion, ballot = rng.standard_normal((900, 1)), np.arange(900) % 2
    answers = opinion + rng.standard_normal((900, len(base.survey.questions)))
    codes = base.codes.copy()
    for at, question in enumerate(base.survey.questions):
        options = len(question.refined)
        step = np.searchsorted(np.quantile(answers[:, at], np.arange(1, options) / options), answers[:, at])
        codes[:, at] = np.array([option.codes[0] for option in question.refined])[step]
    whole = replace(base, codes=codes)
    split = replace(base, codes=np.where(ballot[:, None] == np.arange(codes.shape[1]) % 3, -4, codes).astype(np.int16))
    tested = base.ids[:50].tolist()
    for people in (whole, split):
        found = estimate_ceilings(people, tested).questions.filter("ordered")
        assert 0.3 < found["explained"].mean() < 0.52
        assert found["explained_limit"].max() < 0.7


def test_questions_that_say_the_same_are_nearest() -> None:
    asked = people_with_noise(600, 5).people
    codes = asked.codes.copy()
    first, second = 0, 5
    assert len(asked.survey.questions[first].refined) == len(asked.survey.questions[second].refined)
    codes[:, second] = codes[:, first]
    found = estimate_ceilings(replace(asked, codes=codes), []).questions
    row = found.row(first, named=True)
    assert row["nearest"] == asked.survey.questions[second].id
    assert row["nearest_correlation"] == pytest.approx(1, abs=1e-3)
    assert row["explained"] > 0.9


@pytest.mark.parametrize("number", [1, 2, 3, 20])
def test_too_few_people_leave_published_reliabilities(number: int) -> None:
    people = made_up_people(small_survey(), number)
    found = estimate_ceilings(people, people.ids[:1].tolist())
    assert found.questions["explained"].null_count() == len(people.survey.questions)
    assert found.questions["reliability_low"].unique().to_list() == [0.3]
    (band,) = found.of(_rows(people).filter(pl.col("answer") >= 0), "refined")
    assert band is not None
    assert band.most_common <= band.low <= band.high <= 100


def test_a_question_that_everybody_answers_alike() -> None:
    asked = people_with_noise(300, 6).people
    codes = asked.codes.copy()
    codes[:, 0] = asked.survey.questions[0].refined[0].codes[0]
    same = replace(asked, codes=codes)
    found = estimate_ceilings(same, [])
    rows = _rows(same).filter(pl.col("question") == same.survey.questions[0].id)
    (band,) = found.of(rows, "refined")
    assert band is not None
    assert band.most_common == band.high == 100
    assert band.way(100) == (None, None)


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    people = synthetic_people(500)
    benchmark = iv.build_benchmark(people, people_tested=120, setups=[0])
    out = tmp_path_factory.mktemp("runs") / "run"
    return iv.evaluate(people, benchmark, ["majority", "resemble:k=5"], out), out


def test_a_run_says_how_far_it_is_to_the_ceiling(evaluated: tuple[Run, Path]) -> None:
    run, out = evaluated
    told = json.loads((out / "summary.json").read_text())
    score = told["resemble:k=5"]
    way = [
        100
        * (score["accuracy"] - score["ceiling"]["most_common"])
        / (score["ceiling"][end] - score["ceiling"]["most_common"])
        for end in ("high", "low")
    ]
    assert [score["way_low"], score["way_high"]] == pytest.approx(way, abs=1e-5)
    assert told["majority"]["way_low"] == 0  # it is the most common answer
    loaded = iv.load_run(out)
    assert loaded.scores == run.scores
    assert run.ceilings is not None
    assert loaded.ceilings is not None
    assert loaded.ceilings.questions.equals(run.ceilings.questions)
    assert loaded.ceilings.people.equals(run.ceilings.people)
    row = run.summary.filter(predictor="resemble:k=5").row(0, named=True)
    assert row["ceiling_low"] == score["ceiling"]["low"]


def test_weights_count_in_the_ceiling(evaluated: tuple[Run, Path]) -> None:
    run, _ = evaluated
    weighted = run.weighted("equal").scores["majority"]
    plain = run.scores["majority"].ceiling
    assert weighted.ceiling is not None
    assert plain is not None
    assert weighted.ceiling.most_common == pytest.approx(weighted.accuracy)
    assert weighted.ceiling.most_common != plain.most_common


def test_a_run_of_an_earlier_version_has_no_ceiling(evaluated: tuple[Run, Path], tmp_path: Path) -> None:
    run, _ = evaluated
    scores = {name: replace(one, ceiling=None, way_low=None, way_high=None) for name, one in run.scores.items()}
    replace(run, ceilings=None, scores=scores).save(tmp_path / "old")
    assert not (tmp_path / "old" / "ceiling").exists()
    assert "way_low" not in (tmp_path / "old" / "summary.json").read_text()
    old = iv.load_run(tmp_path / "old")
    assert old.ceilings is None
    assert "noise_low" not in old.inequity(["sex"]).table.columns


@pytest.mark.parametrize(
    ("file", "damage", "said"),
    [
        ("questions", lambda table: table.drop("ordered"), "its columns must be"),
        ("questions", lambda table: table.with_columns(reliability_low=pl.lit(1.5)), "reliability_low is 1.5"),
        ("questions", lambda table: table.with_columns(most_common_polar=pl.lit(99)), "most_common_polar"),
        ("questions", lambda table: table.head(3), "questions predicted"),
        ("questions", lambda table: pl.concat([table, table]), "question is missing or double"),
        ("people", lambda table: table.with_columns(distance=pl.lit(-1.0)), "distance is -1"),
        ("people", lambda table: table.with_columns(person=pl.lit(None, pl.String)), "person is missing"),
    ],
)
def test_damaged_files_of_the_ceiling_are_named(
    evaluated: tuple[Run, Path], tmp_path: Path, file: str, damage: object, said: str
) -> None:
    run, _ = evaluated
    run.save(tmp_path / "run")
    path = tmp_path / "run" / "ceiling" / f"{file}.parquet"
    damage(pl.read_parquet(path)).write_parquet(path)  # type: ignore[operator]
    with pytest.raises(IndievalueError, match=f"{file}.parquet") as error:
        iv.load_run(tmp_path / "run")
    assert said in str(error.value)


def test_a_missing_file_of_the_ceiling_is_named(evaluated: tuple[Run, Path], tmp_path: Path) -> None:
    run, _ = evaluated
    run.save(tmp_path / "run")
    (tmp_path / "run" / "ceiling" / "people.parquet").unlink()
    with pytest.raises(IndievalueError, match=r"people\.parquet is missing"):
        iv.load_run(tmp_path / "run")


def test_noise_explains_the_gap_between_ceilings(evaluated: tuple[Run, Path]) -> None:
    run, _ = evaluated
    found = run.inequity(["sex", "age"], minimum=10)
    groups = found.groups.filter(predictor="resemble:k=5", demographic="sex")
    worst, best = groups.sort("value").to_dicts()
    apart = sorted(
        100 * (best[end] - worst[end]) / (best["value"] - worst["value"]) for end in ("ceiling_low", "ceiling_high")
    )
    row = found.table.filter(predictor="resemble:k=5", demographic="sex").row(0, named=True)
    assert [row["noise_low"], row["noise_high"]] == pytest.approx(apart)
    sigmas = sorted(abs(best[end] - worst[end]) / np.sqrt(2) for end in ("ceiling_low", "ceiling_high"))
    assert [row["ceiling_sigma_low"], row["ceiling_sigma_high"]] == pytest.approx(sigmas)
    assert groups["way_low"].to_list() == [
        pytest.approx(100 * (one["value"] - one["most_common"]) / (one["ceiling_high"] - one["most_common"]), abs=1e-5)
        for one in groups.to_dicts()
    ]
    assert "noise_low" not in run.inequity(["sex"], measure="log_loss").table.columns


def test_crossed_and_weighted_groups_have_ceilings(evaluated: tuple[Run, Path]) -> None:
    run, _ = evaluated
    found = run.weighted("equal").inequity([("sex", "age")], minimum=5)
    assert found.groups["ceiling_low"].null_count() == 0
    assert (found.groups["ceiling_low"] <= found.groups["ceiling_high"]).all()


def test_reliability_of_groups_values() -> None:
    """By hand: halves of (60, 70, 80) and (64, 70, 76) correlate perfectly; (60, 70, 80) and (80, 70, 60) by −1."""
    same = np.array([[[60.0, 70, 80], [64, 70, 76]]])
    opposite = np.array([[[60.0, 70, 80], [80, 70, 60]]])
    assert stepped_up(same) == pytest.approx(1)
    assert stepped_up(opposite) == 0
    assert stepped_up(np.concatenate([same, opposite, same, same])) == pytest.approx(2 * 0.5 / 1.5)
    assert stepped_up(same[..., :2]) is None


def test_agreement_on_the_order_of_demographics() -> None:
    """By hand: ranks 123, 123, 213 sum to 4, 5, 9 around 6; W = 12 · 14 / (9 · 24) = 0.778."""
    assert concordance(np.array([[1.0, 2, 3], [0.1, 0.2, 0.3], [5, 4, 9]])) == pytest.approx(12 * 14 / (9 * 24))
    assert concordance(np.array([[1.0, 2, 3], [2, 3, 7]])) == pytest.approx(1)
    assert concordance(np.array([[1.0, 2, 3]])) is None
    assert concordance(np.array([[1.0, 2], [1, 2]])) is None
    growing = [np.array([[[70.0, 70 + size], [70, 70 + 2 * size]]]) for size in (1, 2, 3)]
    assert same_order(growing) == pytest.approx(1)
    assert same_order(growing[:2]) is None
    assert same_order([np.full((1, 2, 2), 70.0)] * 3) is None


def test_the_way_there() -> None:
    band = Ceiling(most_common=60, low=70, high=85, questions=1, answers=10)
    assert band.way(65) == (20, 50)
    assert band.way(60) == (0, 0)
    assert Ceiling(60, 60, 80, 1, 10).way(65) == (25, None)


def test_groups_without_answers_have_no_ceiling() -> None:
    people = made_up_people(small_survey(), 40)
    found: Ceilings = estimate_ceilings(people, people.ids.tolist())
    rows = _rows(people).filter(pl.col("answer") >= 0)
    bands = found.of(rows, "refined", np.where(np.arange(len(rows)) % 2, 2, -1), 4)
    assert [band is None for band in bands] == [True, True, False, True]
    assert found.of(rows, "refined", np.full(len(rows), -1), 2) == [None, None]
    assert found.of(rows, "refined", np.full(len(rows), -1), 0) == []


def test_halves_of_a_split_ballot_explain_no_more_than_one_of_them_does() -> None:
    """Two questions that each go with a third were put to different halves of the people."""
    random = np.random.default_rng(3)
    people = made_up_people(small_survey(), 2000)
    codes = random.integers(1, 3, people.codes.shape).astype(np.int16)
    opinion = random.normal(size=2000)
    for name in ("T1", "T3", "T7"):  # of four options
        answer = opinion + 0.6 * random.normal(size=2000)
        codes[:, people.survey.positions[name]] = 1 + np.searchsorted(np.quantile(answer, [0.25, 0.5, 0.75]), answer)
    whole = replace(people, codes=codes.copy())
    codes[::2, people.survey.positions["T3"]] = people.survey.not_asked
    codes[1::2, people.survey.positions["T7"]] = people.survey.not_asked
    split = replace(people, codes=codes)

    def explained_of(asked: People) -> float:
        questions = estimate_ceilings(asked, asked.ids[:50].tolist()).questions
        return float(questions.filter(pl.col("question") == "T1")["explained"].item())

    assert 0.4 < explained_of(split) < explained_of(whole) < 0.75, "1 / (1 + 0.36) = 0.74 of an answer is opinion"


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.8])
def test_the_variance_expected_of_an_answer_of_two_is_that_of_a_coin(ordered: bool, share: float) -> None:
    """Scores of two answers are a and b; one that is b with probability p has the mean m and the variance
    (m - a)(b - m), however much is known of the normal variable that underlies it.
    """
    options = np.array([[0]] * 70 + [[1]] * 30, np.int8)
    table = np.array([[-np.sqrt(3 / 7), np.sqrt(7 / 3)]])  # mean 0, variance 1
    scores = Scores(np.array([[0.7, 0.3]]), table, np.array([ordered]), options)
    expected = np.array([[0.0]])
    assert _usual(scores, expected, np.array([share])).item() == pytest.approx(1, abs=0.03)
    if share:
        expected = np.array([[0.2]])
        by_hand = (0.2 - table[0, 0]) * (table[0, 1] - 0.2)
        assert _usual(scores, expected, np.array([share])).item() == pytest.approx(by_hand, abs=0.03)
