"""A blend of statistics and a language model on this machine."""

import json
from pathlib import Path

import numpy as np
import pytest

from conftest import garden_answers
from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Benchmark, Settings
from indievalue.errors import IndievalueError
from indievalue.people.decode import decode
from indievalue.people.people import People
from indievalue.predictors.blend import ASKED, SHOWN_TO_MODEL, parts_of
from indievalue.predictors.registry import make_predictor, reads_prompts
from indievalue.survey.survey import Survey

pytest.importorskip("torch", reason="a local model needs torch (extra lm)")

from indievalue.predictors.local.trained_on import write_trained_on
from tinymodel import save_tiny


@pytest.fixture(scope="module")
def many(garden: Survey) -> People:
    return decode(garden_answers(300, seed=5), garden, "garden.csv", "")


@pytest.fixture(scope="module")
def benchmark(many: People) -> Benchmark:
    return build_benchmark(many, Settings(demonstrations=2, setups=(0,)), many.ids[:8].tolist())


@pytest.fixture(scope="module")
def others(many: People) -> People:
    return many.take(range(8, len(many)))


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A random model, in a folder whose name has the sign that stands between the predictors of a blend."""
    monkeypatch.setenv("INDIEVALUE_CACHE", str(tmp_path / "cache"))
    return save_tiny(tmp_path / "a+b")


def test_weights_are_chosen_on_people_the_model_was_not_trained_on(
    benchmark: Benchmark, others: People, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A random model knows nothing: it gets hardly any weight, unless nobody is left to find that out."""
    write_trained_on(model, others.ids[:250].tolist())
    blend = make_predictor(f"blend:majority+local:{model}").fit(others)
    weights = abs(np.asarray(blend.weights_[0]))  # type: ignore[attr-defined]
    assert weights[1] < 0.3 * weights[0]
    ((_, task),) = benchmark.tasks()
    found, again = blend.predict(task), next(iter(blend.predict_all([task])))
    assert found.probabilities is not None
    assert found.probabilities.sum(axis=2) == pytest.approx(1)
    assert np.array_equal(found.choice, again.choice)
    assert capsys.readouterr().err.count("same weight") == 0
    write_trained_on(model, others.ids[:280].tolist())
    alone = make_predictor(f"blend:majority+local:{model}").fit(others)
    assert alone.weights_.tolist() == [[0.5, 0.5], [0, 0]]  # type: ignore[attr-defined]
    assert "only 12 people are neither tested nor in the language model's training set" in capsys.readouterr().err


def test_what_a_model_will_read_is_told_before(benchmark: Benchmark, model: Path) -> None:
    blend = make_predictor(f"blend:majority+local:{model}")
    cost = blend.cost(task for _, task in benchmark.tasks())
    assert cost is not None
    probes = len(benchmark.setups[0].probes)
    assert cost.calls == 8 * probes + ASKED * len(SHOWN_TO_MODEL) * probes
    assert cost.input_tokens > 20 * cost.calls
    assert cost.dollars == 0
    assert make_predictor("blend:majority+random").cost(task for _, task in benchmark.tasks()) is None


def test_its_predictions_depend_on_the_models_files_and_on_the_prompts(model: Path) -> None:
    name = f"blend:majority+local:{model}"
    before = make_predictor(name).identity()
    assert before is not None
    assert "model.safetensors" in before
    (model / "prior-offset.json").write_text(json.dumps({"space": "", "offsets": {}}))
    assert make_predictor(name).identity() != before
    assert [reads_prompts(one) for one in (name, "blend", "local:smollm2", "gaussian")] == [True, False, True, False]


def test_a_plus_in_a_path_is_part_of_it(model: Path) -> None:
    local = f"local:{model}"
    assert parts_of(f"blend:{local}+resemble") == (local, "resemble:k=35")
    assert parts_of(f"blend:gaussian+{local}:chat=no") == ("gaussian", f"{local}:chat=no")
    with pytest.raises(IndievalueError, match="there is no model"):
        make_predictor(f"blend:gaussian+local:{model.parent / 'absent'}")
