"""Names and options of models that vLLM reads: they are checked before it is needed, also where it is absent."""

import importlib.util
import subprocess
import sys

import pytest

from indievalue.errors import IndievalueError
from indievalue.predictors.blend import parts_of
from indievalue.predictors.local.options import read_name
from indievalue.predictors.registry import kind_of, make_predictor, reads_prompts
from indievalue.predictors.vllm.options import NUMBERS, VllmOptions
from indievalue.runs.repeat import path_within, without_folder


def test_options_follow_the_model_under_the_names_that_vllm_gives_them() -> None:
    written = "org/model:dtype=bfloat16,max_model_len=4096,gpu_memory_utilization=0.5,tensor_parallel_size=2,chat=no"
    where, options = read_name("vllm", written, VllmOptions, NUMBERS)
    assert where == "org/model"
    assert options == VllmOptions(
        dtype="bfloat16", max_model_len=4096, gpu_memory_utilization=0.5, tensor_parallel_size=2, chat="no"
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("vllm:", "vllm needs a model: vllm:PATH, vllm:HUB_ID or vllm:smollm2"),
        ("vllm:m:score=label", "vllm models have no option 'score'; they have adapter, dtype, max_model_len"),
        ("vllm:m:dtype=int8", "vllm: dtype is auto, float32, bfloat16 or float16, and not 'int8'"),
        ("vllm:m:max_model_len=long", "max_model_len is a number of tokens, and not 'long'"),
        ("vllm:m:gpu_memory_utilization=all", "gpu_memory_utilization is a share of the GPU's memory, .* not 'all'"),
        ("vllm:m:gpu_memory_utilization=1.5", "above 0 and at most 1, and not 1.5"),
        ("vllm:m:tensor_parallel_size=0", "tensor_parallel_size is a number of GPUs, at least 1, and not 0"),
        ("vllm:m:think=0", "think is a number of tokens, at least 1, and not 0"),
    ],
)
def test_what_is_wrong_is_reported_before_vllm_is_needed(name: str, message: str) -> None:
    with pytest.raises(IndievalueError, match=message):
        make_predictor(name)


def test_where_vllm_is_absent_an_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)  # type: ignore[arg-type]
    with pytest.raises(IndievalueError) as raised:
        make_predictor("vllm:smollm2")
    assert str(raised.value) == (
        "vllm models need vllm, which is not installed: install indievalue with its extra vllm, in a clone by pip "
        "install '.[vllm]'"
    )


def test_it_is_a_language_model_on_this_machine() -> None:
    assert kind_of("vllm:org/model").shown == "vllm:MODEL"
    assert reads_prompts("vllm:org/model:dtype=float32")
    assert parts_of("blend:gaussian+vllm:org/model:max_model_len=4096") == (
        "gaussian",
        "vllm:org/model:max_model_len=4096",
    )
    assert path_within("predictor", "vllm:models/tiny:dtype=float32") == ("vllm:", "models/tiny", ":dtype=float32")
    assert without_folder("vllm:/home/me/tiny:dtype=float32") == "vllm:tiny:dtype=float32"


@pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="vllm is not installed (extra vllm)")
def test_vllm_is_not_imported_before_a_model_is_loaded() -> None:
    code = "import sys, indievalue; indievalue.make_predictor('vllm:smollm2'); sys.exit('vllm' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
