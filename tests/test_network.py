"""Nothing leaves the machine: every socket that a command opens is watched, and goes to loopback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from conftest import GARDEN, garden_answers
from indievalue.telemetry import OFF
from loopback import Loopback, serving

WATCHED = """
import json, os, sys

def watch(event, details):
    if event in ("socket.connect", "socket.sendto"):
        name, where = event, details[1] if event == "socket.connect" else details[-1]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        name, where = event, details[0]
    else:
        return
    with open(os.environ["WATCHED"], "a") as file:
        file.write(json.dumps([name, where], default=str) + "\\n")

sys.addaudithook(watch)
from indievalue.cli import main
main()
"""


def opened(tmp_path: Path, *command: str) -> list[tuple[str, object]]:
    """What the command connects to or looks up, with none of the variables set that turn reporting off."""
    file = tmp_path / "sockets.jsonl"
    file.touch()
    usual = {name: value for name, value in os.environ.items() if name not in OFF and not name.startswith("HF_HUB_")}
    environment = {**usual, "WATCHED": str(file), "INDIEVALUE_CACHE": str(tmp_path / "cache"), "LOOPBACK_API_KEY": "no"}
    done = subprocess.run([sys.executable, "-c", WATCHED, *command], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return [tuple(json.loads(line)) for line in file.read_text().splitlines()]


def outside(found: list[tuple[str, object]]) -> list[tuple[str, object]]:
    """Those that are neither loopback nor a socket in the file system."""
    ours = ("127.0.0.1", "::1", "localhost", None)
    return [
        (event, where)
        for event, where in found
        if not (where in ours or (isinstance(where, list) and where[0] in ours) or str(where).startswith("/"))
    ]


def test_the_demo_opens_no_socket(tmp_path: Path) -> None:
    assert opened(tmp_path, "demo", "synthetic:1200", "--out", str(tmp_path / "run")) == []


def test_an_evaluation_speaks_to_the_models_server_alone(tmp_path: Path) -> None:
    pytest.importorskip("inspect_ai", reason="Inspect AI is not installed")
    garden_answers(40).write_csv(tmp_path / "garden.csv")
    with serving(Loopback(lambda prompt: "A")) as loopback:
        options = ["--survey", str(GARDEN), "--people", "2", "--base-url", loopback.url, "--out", str(tmp_path / "run")]
        predictors = ["--predictor", "openai-api/loopback/parrot", "--predictor", "majority"]
        found = opened(tmp_path, "evaluate", str(tmp_path / "garden.csv"), *predictors, *options)
        port = int(loopback.url.split(":")[2].split("/")[0])
    assert outside(found) == []
    assert {where[1] for event, where in found if event == "socket.connect" and isinstance(where, list)} == {port}


def test_a_training_speaks_to_nobody(tmp_path: Path, tiny_model: Path) -> None:
    pytest.importorskip("trl", reason="training needs trl")
    garden_answers(60).write_csv(tmp_path / "garden.csv")
    settings = {
        "data": str(tmp_path / "garden.csv"),
        "survey": str(GARDEN),
        "tested": 10,
        "recipe": {"people_per_question": 4, "validation_per_question": 2, "demonstrations": [2, 4]},
        "model": str(tiny_model),
        "out": str(tmp_path / "reasoner"),
        "length": 1024,
        "steps": 2,
        "batch": 2,
        "lora": {"rank": 2},
    }
    (tmp_path / "train.yaml").write_text(yaml.safe_dump(settings))
    assert outside(opened(tmp_path, "train", str(tmp_path / "train.yaml"))) == []


def test_what_the_user_has_set_stays(tmp_path: Path) -> None:
    ask = "import os, indievalue; print(os.environ['HF_HUB_DISABLE_TELEMETRY'], os.environ['VLLM_NO_USAGE_STATS'])"
    usual = {name: value for name, value in os.environ.items() if name not in OFF}
    environment = {**usual, "HF_HUB_DISABLE_TELEMETRY": "0"}
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.split() == ["0", "1"]
