"""The blend: a weighted geometric mean of predictions, with weights from held-out people."""

from typing import Self

import numpy as np
import pytest

from conftest import garden_answers
from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Benchmark, Settings, Task
from indievalue.choices import FormName
from indievalue.errors import IndievalueError
from indievalue.people.decode import decode
from indievalue.people.people import People
from indievalue.predictors.blend import Blend, parts_of
from indievalue.predictors.gaussian import Gaussian
from indievalue.predictors.majority import Majority
from indievalue.predictors.predictions import predict
from indievalue.predictors.protocol import Guesses, StatisticalPredictor
from indievalue.predictors.registry import make_predictor
from indievalue.predictors.resemble import Resemble
from indievalue.predictors.shared_only import SharedOnly
from indievalue.scoring.accuracy import score
from indievalue.survey.survey import Survey


class Noise(StatisticalPredictor):
    """Probabilities that have nothing to do with the person, and are far too sure; None if ``silent``."""

    def __init__(self, silent: bool = False) -> None:
        self.silent = silent

    def fit(self, people: People, form: FormName = "polar", shown_form: FormName | None = None) -> Self:
        return self

    def predict(self, task: Task) -> Guesses:
        most = int(task.counts.max(initial=1))
        exists = np.arange(most) < task.counts[:, None]
        random = np.random.default_rng(len(task.people)).dirichlet(np.full(most, 0.2), (len(task.people), len(exists)))
        guesses = Guesses.most_probable(random * exists / (random * exists).sum(axis=2, keepdims=True))
        return Guesses(guesses.choice, None) if self.silent else guesses


@pytest.fixture(scope="module")
def many(garden: Survey) -> People:
    return decode(garden_answers(1500, seed=5), garden, "garden.csv", "")


@pytest.fixture(scope="module")
def benchmark(many: People) -> Benchmark:
    return build_benchmark(many, Settings(demonstrations=None), many.ids[:400].tolist())


@pytest.fixture(scope="module")
def others(many: People, benchmark: Benchmark) -> People:
    return many.take(~np.isin(many.ids, benchmark.people.ids))


def test_a_predictor_that_knows_nothing_gets_no_weight(benchmark: Benchmark, others: People) -> None:
    blend = Blend({"gaussian": Gaussian(), "noise": Noise()}).fit(others)
    assert abs(blend.weights_[:, 1]).max() < 0.2
    pooled, alone = (
        score(predict(name, predictor, benchmark), survey=others.survey)
        for name, predictor in (("blend", blend), ("gaussian", Gaussian().fit(others)))
    )
    assert pooled.accuracy == pytest.approx(alone.accuracy, abs=1)
    assert pooled.log_loss is not None
    assert alone.log_loss is not None
    assert pooled.log_loss < alone.log_loss + 0.01
    assert pooled.ece is not None
    assert pooled.ece < 0.05


def test_overconfident_members_are_toned_down(benchmark: Benchmark, others: People) -> None:
    blend = Blend({"one": Noise(), "other": Majority()}).fit(others)
    noise, pooled = (
        score(predict(name, predictor, benchmark), survey=others.survey)
        for name, predictor in (("noise", Noise()), ("blend", blend))
    )
    assert noise.ece is not None
    assert pooled.ece is not None
    assert noise.ece > 0.2
    assert pooled.ece < 0.06


def test_with_few_people_it_is_the_geometric_mean(many: People) -> None:
    tested, training = many.take(range(20)), many.take(range(20, 100))
    members = {"gaussian": Gaussian(), "resemble": Resemble(k=5)}
    blend = Blend(members).fit(training)
    assert blend.weights_.tolist() == [[0.5, 0.5], [0, 0]]
    small = build_benchmark(tested, Settings(setups=(0,), demonstrations=4), tested.ids.tolist())
    ((_, task),) = small.tasks()
    one, other = (member.predict(task).probabilities for member in members.values())
    assert one is not None
    assert other is not None
    mean = np.sqrt(np.maximum(one, 1e-3) * np.maximum(other, 1e-3)) * (np.arange(one.shape[2]) < task.counts[:, None])
    said = blend.predict(task).probabilities
    assert said == pytest.approx(mean / mean.sum(axis=2, keepdims=True), abs=1e-6)


def test_every_member_learns_from_everybody_in_the_end(others: People) -> None:
    asked: list[int] = []

    class Counting(Majority):
        def fit(self, people: People, form: FormName = "polar", shown_form: FormName | None = None) -> Self:
            asked.append(len(people))
            return super().fit(people, form, shown_form)

    Blend({"one": Counting(), "other": Majority()}).fit(others)
    assert asked == [len(others) - len(others) // 10, len(others)]


def test_the_order_of_the_file_makes_no_difference(benchmark: Benchmark, others: People) -> None:
    shuffled = others.take(np.random.default_rng(1).permutation(len(others)))
    tables = [
        predict("blend", make_predictor("blend:gaussian+resemble").fit(people), benchmark)
        for people in (others, shuffled)
    ]
    one, other = (np.concatenate(table["probabilities"].to_list()) for table in tables)
    assert one == pytest.approx(other, abs=1e-5)


def test_a_member_without_probabilities_is_refused(others: People) -> None:
    with pytest.raises(IndievalueError, match="blend: noise gives no probabilities, which a blend needs"):
        Blend({"gaussian": Gaussian(), "noise": Noise(silent=True)}).fit(others)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("blend:gaussian", "blend pools two or more predictors"),
        ("blend:gaussian+gaussian", "a predictor is named twice"),
        ("blend:gausian+majority", r"'gausian' is none of them.*gaussian"),
        ("blend:gaussian+openai/gpt-4o", "'openai/gpt-4o' is none of them"),
        ("blend:gaussian+blend", "'blend' is none of them"),
        ("blend:gaussian+resemble:n=3", "has no option 'n'"),
    ],
)
def test_a_wrong_name_is_refused(name: str, said: str) -> None:
    with pytest.raises(IndievalueError, match=said):
        make_predictor(name)


def test_names_of_blends() -> None:
    assert parts_of("blend") == ("masked", "gaussian", "resemble:k=35")
    assert parts_of("blend:logistic+resemble:k=5") == ("logistic", "resemble:k=5")
    assert repr(make_predictor("blend:gaussian+resemble")) == "Blend(Gaussian(), Resemble(k=35))"


class Heavy(Majority):
    """A predictor that needs memory and several GPUs, and notes that it was readied for a worker."""

    def __init__(self, memory: int | None, gpus: int, ready: bool = False) -> None:
        super().__init__()
        self.bytes, self.cards, self.ready = memory, gpus, ready

    def memory(self) -> int | None:
        return self.bytes

    def gpus(self) -> int:
        return self.cards

    def for_shard(self) -> "Heavy":
        return Heavy(self.bytes, self.cards, ready=True)


def test_a_worker_with_a_blend_needs_what_its_predictors_need() -> None:
    blend = Blend({"a": Heavy(300, 2), "b": Heavy(400, 4), "c": Heavy(0, 1)})
    assert (blend.memory(), blend.gpus()) == (700, 4)
    on_worker = blend.for_shard()
    assert all(isinstance(member, Heavy) and member.ready for member in on_worker.members.values())
    assert not any(isinstance(member, Heavy) and member.ready for member in blend.members.values())
    assert Blend({"a": Heavy(300, 2), "b": Majority()}).memory() is None
    asked = SharedOnly(blend, np.ones(3, bool))
    assert (asked.memory(), asked.gpus()) == (700, 4)
    assert SharedOnly(Majority(), np.ones(3, bool)).gpus() == 1
