"""The masked model: what it says of gardeners, and what is left of a training that is stopped."""

import dataclasses
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from conftest import garden_answers
from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Settings, Task
from indievalue.errors import IndievalueError
from indievalue.people.decode import decode
from indievalue.people.people import People
from indievalue.predictors.columns import coarsening
from indievalue.predictors.predictions import predict
from indievalue.predictors.registry import make_predictor
from indievalue.survey.survey import Survey

torch = pytest.importorskip("torch", reason="the masked predictor needs torch (extra masked)")

from indievalue.predictors.masked import training  # noqa: E402 - it needs torch
from indievalue.predictors.masked.inputs import Shape  # noqa: E402
from indievalue.predictors.masked.masking import Hiding  # noqa: E402
from indievalue.predictors.masked.options import MaskedOptions  # noqa: E402
from indievalue.predictors.masked.predictor import Masked  # noqa: E402

TINY = {"epochs": 4, "hidden": 16, "blocks": 1, "members": 1}
SAID = pl.col("choice", "probabilities")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INDIEVALUE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def many(garden: Survey) -> People:
    return decode(garden_answers(900), garden, "garden.csv", "")


@pytest.fixture(scope="module")
def learned(many: People, tmp_path_factory: pytest.TempPathFactory) -> Masked:
    """A model of 700 gardeners that has learned what there is to learn."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INDIEVALUE_CACHE", str(tmp_path_factory.mktemp("cache")))
        return Masked(epochs=12, hidden=64, members=1, dropout=0.1, few=0.3).fit(
            many.take(range(700)), "polar", "polar"
        )


def _task(people: People, rows: range, **settings: object) -> Task:
    benchmark = build_benchmark(people, Settings(**settings), people.ids[rows].tolist())  # type: ignore[arg-type]
    return next(iter(benchmark.tasks()))[1]


def _weights(model: Masked) -> list[np.ndarray]:
    return [weight.numpy() for network in model.networks_ for weight in network.state_dict().values()]


def _same(one: Masked, other: Masked) -> bool:
    pairs = zip(_weights(one), _weights(other), strict=True)
    return one.overconfidence_ == other.overconfidence_ and all(np.array_equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("form", ["polar", "refined"])
@pytest.mark.parametrize("shown", ["polar", "refined"])
@pytest.mark.parametrize("context", ["none", "demographics", "statements", "both"])
def test_every_prediction_is_a_distribution_over_the_options_of_its_probe(
    many: People, learned: Masked, form: str, shown: str, context: str
) -> None:
    task = _task(many, range(700, 720), form=form, demonstrations_as=shown, context=context)
    guesses = learned.predict(task)
    assert guesses.probabilities is not None
    assert guesses.probabilities.sum(axis=2) == pytest.approx(1, abs=1e-5)
    assert (guesses.probabilities >= 0).all()
    past = np.arange(guesses.probabilities.shape[2])[None, :] >= task.counts[:, None]
    assert (guesses.probabilities[:, past] == 0).all()
    assert (guesses.choice >= 0).all()
    assert (guesses.choice < task.counts).all()


def test_polar_probabilities_are_sums_of_refined_ones(many: People, learned: Masked, garden: Survey) -> None:
    tasks = [_task(many, range(700, 720), form=form, demonstrations_as="refined") for form in ("polar", "refined")]
    polar, refined = (learned.predict(task).probabilities for task in tasks)
    assert polar is not None
    assert refined is not None
    within, fine, coarse = coarsening(garden, "polar"), garden.form("refined"), garden.form("polar")
    for at, probe in enumerate(tasks[0].probes):
        rows = slice(fine.starts[probe], fine.starts[probe + 1])
        columns = slice(coarse.starts[probe], coarse.starts[probe + 1])
        summed = refined[:, at, : fine.counts[probe]] @ within[rows, columns]
        assert polar[:, at, : coarse.counts[probe]] == pytest.approx(summed, abs=1e-5)


def test_the_forms_that_fit_is_given_make_no_difference(gardeners: People, cache: Path) -> None:
    polar = Masked(**TINY).fit(gardeners, "polar", "polar")
    assert len(list(cache.glob("masked/*"))) == 1
    assert _same(polar, Masked(**TINY).fit(gardeners, "refined", "refined"))
    assert len(list(cache.glob("masked/*"))) == 1


def test_who_likes_roses_likes_hedgehogs(many: People, learned: Masked) -> None:
    benchmark = build_benchmark(many, Settings(form="polar", demonstrations_as="refined"), many.ids[700:].tolist())
    said = {}
    for name, predictor in (("masked", learned), ("majority", make_predictor("majority"))):
        if name == "majority":
            predictor.fit(many.take(range(700)), "polar", "refined")
        table = predict(name, predictor, benchmark).filter(pl.col("question").is_in(["P1", "P2", "A1", "A2"]))
        said[name] = table.select((pl.col("choice") == pl.col("answer")).mean()).item()
    assert said["masked"] > said["majority"] + 0.15


def test_fewer_demonstrations_tell_less_and_none_tell_the_base_rates(many: People, learned: Masked) -> None:
    sure = []
    for number in (0, 1, 7):
        probabilities = learned.predict(_task(many, range(700, 900), demonstrations=number)).probabilities
        assert probabilities is not None
        sure.append(probabilities.max(axis=2).mean())
    assert sure[0] < sure[1] < sure[2]
    task = _task(many, range(700, 720), context="none")
    shares = learned.predict(task).probabilities
    assert shares is not None
    assert np.ptp(shares, axis=0).max() == 0
    learners = many.take(range(700)).options("polar")[:, task.probes]
    truth = [(learners == option).mean(axis=0) for option in range(shares.shape[2])]
    assert shares[0] == pytest.approx(np.stack(truth, axis=1), abs=0.1)


@pytest.fixture(scope="module")
def regional(garden: Survey) -> People:
    """Gardeners whose region alone decides whether they share their harvest."""
    table = garden_answers(600).with_columns(N2=(pl.col("REGION") == 1).cast(pl.Int64))
    return decode(table, garden, "garden.csv", "")


def test_demographics_alone_can_tell(regional: People, garden: Survey) -> None:
    model = Masked(epochs=20, hidden=128, members=1, dropout=0.1, rate=5e-3, bare=0.3).fit(
        regional.take(range(500)), "polar", "polar"
    )
    tested = regional.ids[500:].tolist()
    accuracy = {}
    for context in ("none", "demographics", "both"):
        table = predict("masked", model, build_benchmark(regional, Settings(context=context), tested))  # type: ignore[arg-type]
        table = table.filter(pl.col("question") == "N2")
        accuracy[context] = table.select((pl.col("choice") == pl.col("answer")).mean()).item()
    assert accuracy["none"] < 0.8
    assert accuracy["demographics"] > 0.95
    assert accuracy["both"] > 0.95


def test_the_order_of_people_makes_no_difference(gardeners: People, tmp_path: Path, cache: Path) -> None:
    shuffled = gardeners.take(np.random.default_rng(3).permutation(len(gardeners)))
    first = Masked(**TINY).fit(gardeners, "polar", "polar")
    cache.rename(tmp_path / "elsewhere")
    assert _same(first, Masked(**TINY).fit(shuffled, "polar", "polar"))


def test_another_seed_is_another_model(gardeners: People) -> None:
    one, other = (Masked(**TINY, seed=seed).fit(gardeners, "polar", "polar") for seed in (0, 1))
    assert not _same(one, other)


def test_the_truth_of_a_probe_is_never_seen(many: People, learned: Masked) -> None:
    benchmark = build_benchmark(many, Settings(setups=(0,)), many.ids[700:720].tolist())
    changed = benchmark.people.codes.copy()
    changed[:, benchmark.setups[0].probes] = 1  # a code that every one of the probes has
    other = dataclasses.replace(benchmark, people=dataclasses.replace(benchmark.people, codes=changed))
    assert predict("masked", learned, benchmark).select(SAID).equals(predict("masked", learned, other).select(SAID))


def test_torch_is_as_random_afterwards_as_it_was(gardeners: People) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    Masked(**TINY).fit(gardeners, "polar", "polar")
    assert torch.equal(torch.rand(3), expected)
    assert not torch.are_deterministic_algorithms_enabled()


KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from conftest import GARDEN, garden_answers
from indievalue.people.decode import decode
from indievalue.predictors.masked.checkpoint import Checkpoint
from indievalue.predictors.masked.predictor import Masked
from indievalue.survey.load import load_survey

write, written = Checkpoint.write, []
def then_die(self, state):
    write(self, state)
    written.append(state)
    if len(written) == {writes}:
        os.kill(os.getpid(), signal.SIGKILL)
Checkpoint.write = then_die
people = decode(garden_answers(60), load_survey(str(GARDEN)), "garden.csv", "fingerprint")
Masked(epochs=4, hidden=16, blocks=1, members=2).fit(people, "polar", "polar")
"""


@pytest.mark.parametrize("writes", [2, 7], ids=["in the first member", "in the second"])
def test_a_killed_training_goes_on_to_the_same_weights(
    gardeners: People, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], writes: int
) -> None:
    code = KILLED.replace("{writes}", str(writes))
    done = subprocess.run([sys.executable, "-c", code, str(Path(__file__).parent)], check=False, env=os.environ.copy())
    assert done.returncode == -signal.SIGKILL
    assert [file.name for file in cache.glob("masked/*/*")] == ["training.pt"]
    resumed = Masked(**TINY | {"members": 2}).fit(gardeners, "polar", "polar")
    assert "goes on after epoch" in capsys.readouterr().err
    assert [file.name for file in cache.glob("masked/*/*")] == ["model.pt"]
    cache.rename(tmp_path / "elsewhere")
    assert _same(resumed, Masked(**TINY | {"members": 2}).fit(gardeners, "polar", "polar"))


def test_a_finished_model_is_not_trained_again(
    gardeners: People, cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = Masked(**TINY).fit(gardeners, "polar", "polar")
    monkeypatch.setattr(Masked, "_train", lambda *args: pytest.fail("trained again"))
    assert _same(first, Masked(**TINY).fit(gardeners, "polar", "polar"))
    monkeypatch.undo()


@pytest.mark.parametrize("content", [b"", b"no model", b"half"], ids=["empty", "text", "cut short"])
def test_a_damaged_file_of_the_cache_is_not_used(
    gardeners: People, cache: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    first = Masked(**TINY).fit(gardeners, "polar", "polar")
    (kept,) = cache.glob("masked/*/model.pt")
    kept.write_bytes(kept.read_bytes()[: kept.stat().st_size // 2] if content == b"half" else content)
    assert _same(first, Masked(**TINY).fit(gardeners, "polar", "polar"))
    (line,) = capsys.readouterr().err.splitlines()
    assert "is damaged and is not used" in line


def test_nobody_s_answers_are_in_the_cache(gardeners: People, cache: Path) -> None:
    Masked(**TINY).fit(gardeners, "polar", "polar")
    (kept,) = cache.glob("masked/*/model.pt")
    assert not any(person.encode() in kept.read_bytes() for person in gardeners.ids.tolist())


def test_a_cache_that_cannot_be_written_is_said_once(
    gardeners: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("INDIEVALUE_CACHE", str(tmp_path / "file"))
    Masked(**TINY).fit(gardeners, "polar", "polar")
    assert capsys.readouterr().err.count("cannot write") == 2  # the training's state, and the model


def test_a_model_is_saved_loaded_and_pickled(many: People, learned: Masked, tmp_path: Path) -> None:
    learned.save(tmp_path / "model.pt")
    task = _task(many, range(700, 720))
    expected = learned.predict(task).probabilities
    for other in (Masked.load(tmp_path / "model.pt"), pickle.loads(pickle.dumps(learned))):
        assert np.array_equal(other.predict(task).probabilities, expected)
    (tmp_path / "other.pt").write_text("no model")
    with pytest.raises(IndievalueError, match="cannot read a masked model from"):
        Masked.load(tmp_path / "other.pt")
    with pytest.raises(IndievalueError, match=r"cannot read a masked model from .*: No such file or directory$"):
        Masked.load(tmp_path / "absent.pt")


def test_another_survey_is_refused(learned: Masked, wvs7: Survey, many: People) -> None:
    task = dataclasses.replace(_task(many, range(700, 702)), survey=wvs7)
    with pytest.raises(IndievalueError, match="not trained on the survey wvs7"):
        learned.predict(task)


def test_a_file_with_few_people_absent_questions_and_no_demographics(garden: Survey) -> None:
    table = garden_answers(40).drop("P2", "A3", "N1", "FAITH", "AGEGROUP", "AGE", "HOME", "WEIGHT")
    people = decode(table, garden, "garden.csv", "")
    nothing = people.demographics.with_columns(
        pl.lit(None, pl.String).alias(name) for name in people.demographics.columns
    )
    people = dataclasses.replace(people, demographics=nothing)
    model = Masked(**TINY).fit(people, "polar", "polar")
    task = _task(decode(garden_answers(10, seed=1), garden, "garden.csv", ""), range(5), form="refined", context="both")
    probabilities = model.predict(task).probabilities
    assert probabilities is not None
    assert probabilities.sum(axis=2) == pytest.approx(1, abs=1e-5)
    for at in np.flatnonzero(np.isin(task.probes, [garden.positions[name] for name in ("P2", "A3", "N1")])):
        count = task.counts[at]
        assert probabilities[:, at, :count] == pytest.approx(1 / count, abs=1e-5)


def test_answers_and_groups_that_nobody_had_tell_nothing(garden: Survey) -> None:
    table = garden_answers(80).with_columns(P1=pl.col("P1").clip(2, 4), REGION=pl.col("REGION").clip(1, 2))
    model = Masked(**TINY, coarse=0.0).fit(decode(table, garden, "garden.csv", ""), "polar", "polar")
    first = model.networks_[0].first.weight
    assert not first[:, garden.form("refined").starts[garden.positions["P1"]]].any()
    strange = decode(table.head(4).with_columns(P1=1, REGION=3), garden, "garden.csv", "")
    task = _task(strange, range(4), form="refined", context="both")
    assert np.isfinite(model.predict(task).probabilities).all()


def test_one_person_is_enough_to_run(gardeners: People) -> None:
    model = Masked(**TINY).fit(gardeners.take([0]), "polar", "polar")
    assert model.overconfidence_ == 0
    assert np.isfinite(model.predict(_task(gardeners, range(5))).probabilities).all()


def test_without_torch_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "indievalue.predictors.masked.predictor")
    with pytest.raises(IndievalueError, match=r"pip install '\.\[masked\]'"):
        make_predictor("masked")


def test_torch_is_not_imported_before_it_is_needed() -> None:
    code = "import sys, indievalue.predictors.registry; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_a_bar_on_a_terminal_and_a_line_now_and_then_elsewhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], terminal: bool
) -> None:
    from indievalue.predictors.masked import progress

    if not terminal:
        clock = iter(range(0, 1000, 20))
        monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    with progress.reporting(6, 2) as report:
        for epoch in (3, 4, 5):
            report(epoch, 0.5, 0.75)
    said = capsys.readouterr().err
    if terminal:
        assert "epoch 5 of 6" in said
    else:
        assert said == "masked: epoch 4 of 6, validation log loss 0.5000, accuracy 75.0 %, about 40 s left\n"


def test_some_are_shown_the_answers_of_whole_topics_only(many: People, garden: Survey) -> None:
    shape = Shape.of(many)
    hiding = Hiding(garden, shape, MaskedOptions(few=1, topics=1), torch.device("cpu"))
    torch.manual_seed(0)
    kept = hiding._kept(torch.Size((4000, len(garden.questions)))).numpy()
    topics = np.array([question.category for question in garden.questions])
    shown = np.stack([kept[:, topics == topic].mean(axis=1) for topic in garden.categories], axis=1)
    assert (shown.max(axis=1) > 0).mean() > 0.9
    assert ((shown > 0).sum(axis=1) == 1).mean() > 0.3  # most often one
    assert shown[shown > 0].mean() > 0.9  # and all of it
    at_random = Hiding(garden, shape, MaskedOptions(few=1, topics=0), torch.device("cpu"))
    apart = at_random._kept(torch.Size((4000, len(garden.questions)))).numpy()
    parts = np.stack([apart[:, topics == topic].mean(axis=1) for topic in garden.categories], axis=1)
    assert parts[parts > 0].mean() < 0.75


def test_half_precision_predicts_the_same_within_a_few_points(
    many: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for quick in (False, True):
        monkeypatch.setenv("INDIEVALUE_CACHE", str(tmp_path / str(quick)))
        monkeypatch.setattr(training, "multiplies_bfloat16", lambda device, quick=quick: quick)
        found.append(Masked(epochs=3, hidden=32, members=1, few=0.3).fit(many))
    assert not _same(*found)
    task = _task(many, range(200))
    one, other = (predictor.predict(task).probabilities for predictor in found)
    assert one is not None
    assert one == pytest.approx(other, abs=0.05)
