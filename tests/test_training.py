"""A training from a survey to a reasoner that is evaluated, and experiments that train reasoners."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from conftest import GARDEN, garden_answers, write_yaml

pytest.importorskip("trl", reason="training needs trl (extra train)")

import torch
from safetensors.torch import load_file
from trl.trainer.sft_config import SFTConfig

from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Settings
from indievalue.benchmark.storage import save_benchmark
from indievalue.errors import IndievalueError
from indievalue.experiments.reasoners import settings_of
from indievalue.experiments.run import run_experiment
from indievalue.experiments.spec import load_experiment, shipped_experiments
from indievalue.files import only_writer
from indievalue.people.people import People
from indievalue.predictors.asking import AskingOptions
from indievalue.predictors.local.wording import Wording
from indievalue.predictors.predictions import predict
from indievalue.predictors.ranking import rank_statements
from indievalue.predictors.registry import make_predictor
from indievalue.prompts.prompt import PromptStyle
from indievalue.reasoner.draw import TRAIN
from indievalue.reasoner.leakage import people_of_benchmark
from indievalue.reasoner.model import load_model, load_tokenizer, source_of
from indievalue.reasoner.settings import load_settings
from indievalue.reasoner.tokens import write_tokens
from indievalue.reasoner.trainer import _checkpointing, make_trainer
from indievalue.reasoner.training import RESULT, last_checkpoint, train
from indievalue.reasoner.training_set import load_training_set
from indievalue.synthetic.source import people_from

COMMAND = [sys.executable, "-c", "from indievalue.cli import main; main()"]


@pytest.fixture
def settings(tmp_path: Path, tiny_model: Path) -> Callable[..., Path]:
    """Writes a training's YAML: twelve steps on gardeners."""
    garden_answers(120).write_csv(tmp_path / "garden.csv")

    def write(name: str, **keys: Any) -> Path:
        recipe = {"people_per_question": 8, "validation_per_question": 3, "demonstrations": [2, 4], "seed": 3}
        plain = {
            "data": str(tmp_path / "garden.csv"), "survey": str(GARDEN), "tested": 20, "recipe": recipe,
            "model": str(tiny_model), "out": str(tmp_path / name), "length": 1024, "steps": 12, "batch": 4,
            "rate": 0.003, "lora": {"rank": 4, "alpha": 8, "dropout": 0.1}, "validate_every": 4, "save_every": 2,
            "log_every": 2,
        }  # fmt: skip
        return write_yaml(tmp_path, f"{name}.yaml", **(plain | keys))

    return write


def run(file: Path, **keys: Any) -> Any:
    said: list[str] = []
    result = train(load_settings(file), said.append, **keys)
    return result, said


@pytest.mark.slow
def test_from_a_survey_to_a_reasoner_that_is_killed_resumed_merged_and_evaluated(
    settings: Callable[..., Path], tmp_path: Path
) -> None:
    result, said = run(settings("whole"))
    whole = tmp_path / "whole"
    assert [step for step, _ in result.validations] == [0, 4, 8, 12]
    assert any("⟦" in line for line in said)

    file = settings("stopped")
    process = subprocess.Popen([*COMMAND, "train", str(file)], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while last_checkpoint(tmp_path / "stopped" / "checkpoints") is None and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.002)
    process.kill()
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "stopped" / RESULT).exists()
    torn = tmp_path / "stopped" / "checkpoints" / "checkpoint-11"
    torn.mkdir()
    (torn / "trainer_state.json").write_text('{"global_step": 1')
    again = subprocess.run([*COMMAND, "train", str(file)], capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert "Resuming from step" in again.stderr
    for name in ("model.safetensors", "adapter/adapter_model.safetensors"):
        ours, theirs = load_file(tmp_path / "stopped" / name), load_file(whole / name)
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours), name

    plain = load_file(Path(load_settings(file).model) / "model.safetensors")
    merged = load_file(whole / "model.safetensors")
    changed = [key for key in merged if key in plain and not torch.equal(merged[key], plain[key])]
    assert any("q_proj" in key for key in changed)

    run_dir = tmp_path / "run"
    call = [
        *COMMAND,
        "evaluate",
        str(tmp_path / "garden.csv"),
        "--survey",
        str(GARDEN),
        "--predictor",
        f"local:{whole}",
    ]
    evaluated = subprocess.run(
        [*call, "--seed", "3", "--people", "20", "--demonstrations", "3", "--out", str(run_dir)],
        capture_output=True, text=True,
        env={**os.environ, "INDIEVALUE_CACHE": str(tmp_path / "cache")},
    )  # fmt: skip
    assert evaluated.returncode == 0, evaluated.stderr
    assert 20 < json.loads((run_dir / "summary.json").read_text())[f"local:{whole}"]["accuracy"] < 80
    assert people_of_benchmark(run_dir) == set(pl.read_parquet(run_dir / "predictions.parquet")["person"].to_list())
    leaked = subprocess.run([*call, "--people", "all", "--out", str(tmp_path / "no")], capture_output=True, text=True)
    assert leaked.returncode == 1
    assert "was trained on" in leaked.stderr
    card = (whole / "README.md").read_text()
    assert "| 12 |" in card
    assert "g00" not in (whole / "trained-on.json").read_text()
    assert not (whole / ".tokens").exists()
    with pytest.raises(IndievalueError, match="finished reasoner"):
        run(settings("whole"))


def test_a_training_learns_what_there_is_to_learn(settings: Callable[..., Path], tmp_path: Path) -> None:
    """After some hundred steps it knows which answers are given often; with patience, it keeps the best."""
    recipe = {"people_per_question": 60, "validation_per_question": 8, "demonstrations": [0, 0], "contexts": ["none"]}
    file = settings(
        "learned", tuning="full", steps=60, rate=0.003, recipe=recipe, save_every=20, validate_every=20, patience=6
    )
    result, _ = run(file)
    first, last = result.validations[0][1], max(result.validations, key=lambda one: one[1].accuracy)
    assert last[1].accuracy > result.majority - 0.06
    assert last[1].log_loss < first.log_loss - 0.3
    assert result.step == last[0]
    done = json.loads((tmp_path / "learned" / RESULT).read_text())
    assert done["trained_parameters"] == done["parameters"]
    assert done["step"] == result.step


def test_what_came_of_the_last_step_is_validated_too(settings: Callable[..., Path]) -> None:
    result, _ = run(settings("odd", steps=5, validate_every=2, save_every=5))
    assert [step for step, _ in result.validations] == [0, 2, 4, 5]


def test_an_adapter_alone_and_some_layers(settings: Callable[..., Path], tmp_path: Path) -> None:
    lora = {"rank": 2, "last_layers": 1, "targets": ["q_proj", "v_proj"]}
    result, said = run(settings("adapter", merge=False, steps=2, lora=lora, validate_every=0, checkpointing=True))
    assert result.validations == ()
    assert not any("predicted" in line for line in said)
    weights = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    assert weights
    assert all("layers.1." in key for key in weights)
    assert not (tmp_path / "adapter" / "model.safetensors").exists()
    from indievalue.predictors.local.source import find_source

    assert find_source(str(tmp_path / "adapter")).adapter == str(tmp_path / "adapter")


def test_the_last_layers_alone_and_brief_prompts_as_plain_text(
    settings: Callable[..., Path], tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = {"people_per_question": 8, "validation_per_question": 3, "seed": 3, "show": "relevant:2"}
    brief = recipe | {"template": "brief", "demonstrations_as": ["refined"], "teacher": "majority"}
    keys = {"tuning": "full", "last_layers": 1, "chat": False, "recipe": brief, "steps": 2, "validate_every": 0}
    _, said = run(settings("last", **keys))
    (hint,) = (line for line in said if line.startswith("Reasoner"))
    assert f"local:{tmp_path / 'last'} --show relevant:2 --demonstrations-as refined --template brief --out" in hint
    (read,) = (line for line in said if "⟦" in line and "\n\nAnswer:⟦" in line)
    assert "<|im_start|>" not in read
    before, after = (load_file(folder / "model.safetensors") for folder in (tiny_model, tmp_path / "last"))
    changed = {name for name, value in after.items() if not torch.equal(value, before[name].to(value.dtype))}
    assert changed
    assert all("layers.1." in name or name == "model.norm.weight" for name in changed)
    name = f"local:{tmp_path / 'last'}:keep=no"
    model = make_predictor(name, AskingOptions(style=PromptStyle("brief")))
    people = people_from(str(tmp_path / "garden.csv"), survey=str(GARDEN))
    asked = Settings(show="relevant:2", demonstrations_as="refined", setups=(0,), seed=3)
    benchmark = build_benchmark(people, asked, 3, ranking=rank_statements)
    assert predict("last", model, benchmark)["choice"].is_not_null().all()
    assert "trained on prompts" not in capsys.readouterr().err
    for unlike, wanted in (
        (Settings(demonstrations=2), "--show relevant:2 --demonstrations-as refined"),
        (Settings(show="relevant:1", demonstrations_as="refined"), "--show relevant:2"),
        (Settings(context="demographics"), "--show relevant:2"),
    ):
        other = build_benchmark(people, replace(unlike, setups=(0,), seed=3), 3, ranking=rank_statements)
        predict("last", make_predictor(name, AskingOptions(style=PromptStyle("brief"))), other)
        assert f"was trained on prompts of {wanted}, and is asked other ones" in capsys.readouterr().err
    elsewhere = AskingOptions(style=PromptStyle("brief", scale_direction="reversed", paraphrase=2, language="es"))
    predict("last", make_predictor(name, elsewhere), benchmark)
    wanted = "--scale-direction forward --paraphrase 1 --language en"
    assert f"was trained on prompts of {wanted}, and is asked other ones" in capsys.readouterr().err
    predict("last", make_predictor(name), benchmark)
    told = capsys.readouterr().err
    assert told.count("was trained on prompts of --template brief, and is asked other ones") == 1


def test_layers_to_tune_are_those_of_full_tuning(settings: Callable[..., Path]) -> None:
    with pytest.raises(IndievalueError, match="`last_layers` is for `tuning: full`"):
        load_settings(settings("wrong", last_layers=1))


@dataclass
class EarlierArguments:
    """The name that transformers 5.17 has for activation checkpointing."""

    gradient_checkpointing: bool = True


def test_activation_checkpointing_is_set_whatever_transformers_calls_it() -> None:
    assert _checkpointing(EarlierArguments, on=False) == {"gradient_checkpointing": False}
    for on in (True, False):
        (name,) = chosen = _checkpointing(SFTConfig, on=on)
        assert getattr(SFTConfig(**chosen, use_cpu=True), name) is on


def test_who_is_tested_is_never_trained_on(
    settings: Callable[..., Path], small_set: Path, garden_people: People, tmp_path: Path
) -> None:
    data = load_training_set(small_set)
    trained = sorted(data.people_in(TRAIN))[:2]
    save_benchmark(build_benchmark(garden_people, Settings(), trained), tmp_path / "asked")
    alone = {"data": None, "survey": None, "training_set": str(small_set), "steps": 1}
    with pytest.raises(IndievalueError, match=r"2 people are in the train part of .* and in the benchmark"):
        run(settings("one", **alone, benchmarks=[str(tmp_path / "asked")]))
    lines = (small_set / "train.jsonl").read_text().splitlines()
    swapped = {**json.loads(lines[5]), "person": garden_people.ids[0]}
    (small_set / "train.jsonl").write_text("\n".join([*lines[:5], json.dumps(swapped), *lines[6:], ""]))
    with pytest.raises(IndievalueError, match="was changed; write it again"):
        run(settings("two", **alone))
    people = pl.read_parquet(small_set / "people.parquet")
    both = pl.concat([people, people.filter(part="tested").head(3).with_columns(part=pl.lit("train"))])
    both.write_parquet(small_set / "people.parquet")
    with pytest.raises(IndievalueError, match="3 people are in train and in tested"):
        run(settings("three", **alone))
    assert not list(tmp_path.glob("*/checkpoints"))


def test_what_cannot_be_trained_fails_before_it_begins(settings: Callable[..., Path], tmp_path: Path) -> None:
    for keys, message in (
        ({"model": str(tmp_path / "absent")}, "there is no model"),
        ({"length": 5000}, "more than the 2,048 tokens"),
        ({"length": 60}, "examples are longer than `length: 60`"),
        ({"tuning": "qlora"}, "qlora` needs"),
        ({"data": str(tmp_path / "absent.csv")}, "absent.csv"),
        ({"training_set": str(tmp_path), "data": None}, "holds no training set"),
    ):
        with pytest.raises(IndievalueError, match=message):
            run(settings(f"wrong{len(message)}", **keys))


def test_a_training_that_cannot_start_leaves_nothing_behind(settings: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(IndievalueError, match=r"absent\.csv"):
        run(settings("nothing", data=str(tmp_path / "absent.csv")))
    assert not (tmp_path / "nothing").exists()


def test_two_trainings_in_one_folder(settings: Callable[..., Path], tmp_path: Path) -> None:
    file = settings("shared")
    with (
        only_writer(tmp_path / "shared"),
        pytest.raises(IndievalueError, match=rf"\(process {os.getpid()} on .*choose another `out`"),
    ):
        run(file)
    assert not (tmp_path / "shared").exists()


def test_what_was_put_right_goes_on_in_the_same_folder(settings: Callable[..., Path], tmp_path: Path) -> None:
    """Until something is learned there is nothing to lose: no other settings are refused, and none is forgotten."""
    drawn = tmp_path / "mended" / "training-set" / "manifest.json"
    for keys, message in (
        ({"data": str(tmp_path / "absent.csv")}, "absent.csv"),
        ({"length": 60}, "examples are longer than `length: 60`"),
    ):
        with pytest.raises(IndievalueError, match=message):
            run(settings("mended", **keys))
    stamp = drawn.stat().st_mtime_ns
    with pytest.raises(IndievalueError, match="examples are longer than `length: 70`"):
        run(settings("mended", length=70))
    assert drawn.stat().st_mtime_ns == stamp
    recipe = {"people_per_question": 6, "validation_per_question": 2, "demonstrations": [1, 2], "seed": 3}
    result, _ = run(settings("mended", steps=1, recipe=recipe))
    assert result.step == 1
    assert load_training_set(drawn.parent).manifest.recipe.demonstrations == (1, 2)
    assert load_settings(tmp_path / "mended" / "settings.yaml").length == 1024


def test_several_gpus_want_a_launcher(
    settings: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(IndievalueError, match="2 GPUs, and one process: `accelerate launch`"):
        run(settings("many"))
    assert not (tmp_path / "many").exists()


def test_a_folder_of_something_else_is_left_alone(settings: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(IndievalueError, match="exists already"):
        run(settings("mine"), force=True)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"
    run(settings("first", steps=1, validate_every=0))
    (tmp_path / "first" / RESULT).unlink()
    with pytest.raises(IndievalueError, match="training with another rate"):
        run(settings("first", steps=1, validate_every=0, rate=0.1))
    result, _ = run(settings("first", steps=1, validate_every=0, rate=0.1), force=True)
    assert result.step == 1


@pytest.mark.slow
def test_two_processes_train_one_reasoner(settings: Callable[..., Path], tmp_path: Path) -> None:
    """The way of many GPUs, on two CPU processes."""
    file = settings("shared", steps=4, batch=2, validate_every=2, save_every=4)
    launch = [
        sys.executable,
        "-m",
        "accelerate.commands.launch",
        "--cpu",
        "--num_processes",
        "2",
        "--num_machines",
        "1",
    ]
    more = [
        "--mixed_precision",
        "no",
        "--dynamo_backend",
        "no",
        "--main_process_port",
        "0",
        "-m",
        "indievalue",
        "train",
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    done = subprocess.run([*launch, *more, str(file)], capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    assert (
        done.stderr.count("validation answers predicted correctly") == 3
    )  # before the first step, and twice after; said once
    alone, _ = run(settings("alone", steps=4, batch=4, validate_every=2, save_every=4))
    shared = json.loads((tmp_path / "shared" / RESULT).read_text())
    assert shared["steps"] == 4
    assert shared["validations"][0]["accuracy"] == pytest.approx(alone.validations[0][1].accuracy)
    assert shared["validations"][0]["log_loss"] == pytest.approx(alone.validations[0][1].log_loss, rel=1e-4)


def test_the_loss_is_that_of_trl(settings: Callable[..., Path], small_set: Path, tmp_path: Path) -> None:
    """Without a GPU the vocabulary is asked for only where something is taught; no figure may change by that."""
    chosen = load_settings(settings("loss", training_set=str(small_set), data=None, lora={"rank": 4, "alpha": 8}))
    source = source_of(chosen.model)
    wording = Wording(load_tokenizer(source), True, "label")
    data = load_training_set(small_set)
    tokens = write_tokens(tmp_path / "tokens.arrow", wording, data.examples(TRAIN), chosen.length)
    trainer = make_trainer(chosen, load_model(source, chosen), wording.tokenizer, tokens, [], tmp_path, print)
    found = []
    for loss_of in (trainer.compute_loss, super(type(trainer), trainer).compute_loss):
        for items in (None, 20):
            batch = trainer.data_collator([tokens[at] for at in range(4)])
            assert len({len(tokens[at]["input_ids"]) for at in range(4)}) > 1  # some of it is padding
            trainer.model.zero_grad()
            loss = loss_of(trainer.model, batch, num_items_in_batch=items and torch.tensor(items))
            loss.backward()
            slopes = [weights.grad.clone() for weights in trainer.model.parameters() if weights.grad is not None]
            found.append((loss.detach(), slopes))
    for at in (0, 1):
        torch.testing.assert_close(found[at], found[at + 2], rtol=1e-4, atol=1e-6)
    assert any(slope.abs().max() > 1e-4 for slope in found[0][1])


# --- experiments -----------------------------------------------------------------------------------------


def test_an_experiment_trains_its_reasoners_once(
    settings: Callable[..., Path], garden_people: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INDIEVALUE_CACHE", str(tmp_path / "cache"))
    experiment = write_yaml(
        tmp_path, "mine.yaml", title="Mine?", asks="Something.",
        predictors=["majority", "reasoner:a=2", "reasoner:b=4"],
        reasoners={"a=2": {"recipe.people_per_question": 2}, "b=4": {"recipe.where": {"region": ["Hills"]}}},
        settings={"demonstrations": 3, "setups": [0]}, by="region", table={"across": "region"},
        figure={"kind": "heat-map", "rows": "predictor", "columns": "region"},
        compare=[{"from": {"predictor": "reasoner:a=2"}, "to": {"predictor": "reasoner:b=4"}}],
    )  # fmt: skip
    people = garden_people.ids[:12].tolist()

    def run_it(training: Path | None) -> list[str]:
        said: list[str] = []
        run_experiment(
            load_experiment(str(experiment)), garden_people, tmp_path / "out", tested=people, training=training,
            say=said.append,
        )  # fmt: skip
        return said

    said = run_it(settings("training", steps=2, validate_every=0))
    assert [line for line in said if line.startswith("Training")] == [
        "Training the reasoner a=2",
        "Training the reasoner b=4",
    ]
    table = pl.read_csv(tmp_path / "out" / "table.csv")
    assert set(table["predictor"]) == {"majority", "reasoner:a=2", "reasoner:b=4"}
    for row in table.filter(pl.col("region") != "all").iter_rows(named=True):
        there = garden_people.demographics["region"].to_numpy()[:12] == row["region"]
        assert row["people"] == there.sum()
    trained = load_training_set(tmp_path / "out" / "training-sets" / "b=4")
    assert not trained.people_in(TRAIN) & set(people)
    where = dict(zip(garden_people.ids.tolist(), garden_people.demographics["region"].to_list(), strict=True))
    assert {where[person] for person in trained.people_in(TRAIN)} == {"Hills"}
    again = run_it(settings("training", steps=2, validate_every=0, log_every=7))
    assert not [line for line in again if line.startswith("Training")]
    with pytest.raises(IndievalueError, match="was computed with other training"):
        run_it(settings("training", steps=3, validate_every=0))
    with pytest.raises(IndievalueError, match="trains 2 reasoners: give their settings with --training"):
        run_it(None)


def test_experiments_that_ship_train_what_can_be_trained(tmp_path: Path, settings: Callable[..., Path]) -> None:
    for name in shipped_experiments():
        experiment = load_experiment(name)
        assert set(experiment.trained) == set(experiment.reasoners)
        if experiment.trained:
            assert len(settings_of(experiment, settings("any"), tmp_path)) == len(experiment.reasoners)
