"""Trainings with a teacher's targets, and from base rates: the loss, resuming, and what `local:` predicts."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import GARDEN, garden_answers, write_yaml

pytest.importorskip("trl", reason="training needs trl (extra train)")

import torch
from datasets import Dataset
from safetensors.torch import load_file

from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Settings
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.predictors.local.wording import Wording
from indievalue.predictors.registry import make_predictor
from indievalue.reasoner.draw import TRAIN
from indievalue.reasoner.model import load_model, load_tokenizer, source_of
from indievalue.reasoner.prior import read_base_rates
from indievalue.reasoner.settings import TrainingSettings, load_settings
from indievalue.reasoner.soft import soft_cross_entropy
from indievalue.reasoner.tokens import write_tokens
from indievalue.reasoner.trainer import ReasonerTrainer, make_trainer
from indievalue.reasoner.training import RESULT, last_checkpoint, train
from indievalue.reasoner.training_set import load_training_set


def test_the_loss_against_a_soft_target_is_that_computed_by_hand() -> None:
    """Logits log 1, log 2, log 5 of three tokens: probabilities 1/8, 2/8, 5/8."""
    logits = torch.tensor([[1.0, 2.0, 5.0], [1.0, 2.0, 5.0]]).log()
    options, targets = torch.tensor([[0, 2], [1, -1]]), torch.tensor([[0.3, 0.7], [1.0, 0.0]])
    by_hand = -(0.3 * math.log(1 / 8) + 0.7 * math.log(5 / 8) + math.log(2 / 8))
    assert float(soft_cross_entropy(logits, options, targets)) == pytest.approx(by_hand)
    # With offsets log 2 and log 1, the options of the first answer have 2 and 5 of 7; the second has one option alone.
    offsets = torch.tensor([[2.0, 1.0], [3.0, 1.0]]).log()
    by_hand = -(0.3 * math.log(2 / 7) + 0.7 * math.log(5 / 7))
    assert float(soft_cross_entropy(logits, options, targets, offsets)) == pytest.approx(by_hand)


@pytest.fixture
def settings(tmp_path: Path, tiny_model: Path) -> Callable[..., TrainingSettings]:
    """Returns settings of a training of four steps on gardeners."""
    garden_answers(120).write_csv(tmp_path / "garden.csv")

    def load(name: str, recipe: dict[str, Any] | None = None, **keys: Any) -> TrainingSettings:
        drawn = {"people_per_question": 8, "validation_per_question": 3, "demonstrations": [2, 4], "seed": 3}
        plain = {
            "data": str(tmp_path / "garden.csv"), "survey": str(GARDEN), "tested": 20, "recipe": drawn | (recipe or {}),
            "model": str(tiny_model), "out": str(tmp_path / name), "length": 1024, "steps": 4, "batch": 4,
            "rate": 0.003, "lora": {"rank": 4, "alpha": 8}, "validate_every": 4, "save_every": 2, "log_every": 1,
        }  # fmt: skip
        return load_settings(write_yaml(tmp_path, f"{name}.yaml", **(plain | keys)))

    return load


def trainer_of(chosen: TrainingSettings, data: Path, folder: Path, *, soft: bool) -> tuple[ReasonerTrainer, Dataset]:
    source = source_of(chosen.model)
    wording = Wording(load_tokenizer(source), True, "label")
    examples = load_training_set(data).examples(TRAIN)
    tokens = write_tokens(folder / f"{soft}.arrow", wording, examples, chosen.length, soft=soft)
    return make_trainer(chosen, load_model(source, chosen), wording.tokenizer, tokens, [], folder, print), tokens


def test_if_all_is_on_the_own_answer_the_loss_is_that_of_plain_labels(
    settings: Callable[..., TrainingSettings], small_set: Path, tmp_path: Path
) -> None:
    chosen = settings("loss", training_set=str(small_set), data=None)
    losses = []
    for soft in (False, True):
        trainer, tokens = trainer_of(chosen, small_set, tmp_path, soft=soft)
        assert trainer.model is not None
        batch = trainer.data_collator([tokens[at] for at in range(4)])
        losses.append([trainer.compute_loss(trainer.model, batch, num_items_in_batch=n).item() for n in (None, 20)])
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


def test_a_taught_training_that_stops_resumes_to_the_same_weights(
    settings: Callable[..., TrainingSettings], tmp_path: Path
) -> None:
    taught = {"teacher": "majority", "turns": 2, "prior_offset": True}
    train(settings("whole", taught), print)

    def stop(line: str) -> None:
        if line.startswith("step 3 of"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(settings("stopped", taught), stop)
    assert last_checkpoint(tmp_path / "stopped" / "checkpoints") is not None
    assert not (tmp_path / "stopped" / RESULT).exists()
    said: list[str] = []
    train(settings("stopped", taught), said.append)
    assert any(line.startswith("Resuming from step") for line in said)
    whole, resumed = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "stopped"))
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_with_a_prior_offset_a_reasoner_starts_from_the_base_rates_and_local_applies_them(
    settings: Callable[..., TrainingSettings], tmp_path: Path, garden_people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is shown, so that each question has one prompt, and the mean over prompts is that prompt's."""
    monkeypatch.setenv("INDIEVALUE_CACHE", str(tmp_path / "cache"))
    nothing = {"demonstrations": [0, 0], "contexts": ["none"], "prior_offset": True}
    result = train(settings("prior", nothing, steps=1, rate=1e-12, calibrate=False), print)
    data = load_training_set(tmp_path / "prior" / "training-set")
    rates = read_base_rates(data.folder)["polar"]
    by_hand = [
        math.log(rates[question][labels.index(message["content"])])
        for example in data.examples("validation")
        for question, labels, message in zip(
            example["questions"], example["labels"], example["messages"][1::2], strict=True
        )
    ]
    assert result.validations[0][1].log_loss == pytest.approx(-sum(by_hand) / len(by_hand), abs=1e-4)
    free = [person for person in garden_people.ids.tolist() if person in data.people_in("tested")]
    asked = build_benchmark(garden_people, Settings(demonstrations=0, context="none"), free)
    for folder in (tmp_path / "prior", tmp_path / "prior" / "adapter"):
        reasoner = make_predictor(f"local:{folder}")
        for _, task in asked.tasks():
            probabilities = reasoner.predict(task).probabilities
            assert probabilities is not None
            for place, probe in enumerate(task.probes):
                wanted = rates[garden_people.survey.questions[probe].id]
                assert probabilities[0, place, : len(wanted)] == pytest.approx(wanted, abs=0.01)


@pytest.mark.parametrize("chat", ["no", "yes"])
def test_local_gives_an_answer_the_probability_that_the_training_validated_but_at_its_temperature(
    chat: str, settings: Callable[..., TrainingSettings], tmp_path: Path, garden_people: People
) -> None:
    """Nothing is shown, so that each question has one prompt."""
    nothing = {"demonstrations": [0, 0], "contexts": ["none"], "teacher": "majority", "questions": ["setup 0"]}
    said: list[str] = []
    result = train(settings("asked", nothing, chat=chat), said.append)
    assert (tmp_path / "asked" / "chat_template.jinja").exists() == (chat == "yes")
    (temperature,) = json.loads((tmp_path / "asked" / "temperature.json").read_text()).values()
    assert temperature != pytest.approx(1.0, abs=0.01)
    assert any(f"at a temperature of {temperature:.2f}" in line for line in said)
    assert json.loads((tmp_path / "asked" / RESULT).read_text())["temperatures"] == {"polar": temperature}
    data = load_training_set(tmp_path / "asked" / "training-set")
    free = [person for person in garden_people.ids.tolist() if person in data.people_in("tested")]
    asked = build_benchmark(garden_people, Settings(demonstrations=0, context="none"), free)
    for folder in (tmp_path / "asked", tmp_path / "asked" / "adapter"):
        reasoner = make_predictor(f"local:{folder}:keep=no")
        with pytest.raises(IndievalueError, match="was trained on"):
            reasoner.predict(
                next(build_benchmark(garden_people, people_tested=sorted(data.people_in(TRAIN))).tasks())[1]
            )
        given = {}
        for _, task in asked.tasks():
            probabilities = reasoner.predict(task).probabilities
            assert probabilities is not None
            for place, probe in enumerate(task.probes):
                given[garden_people.survey.questions[probe].id] = probabilities[0, place]
        losses: dict[bool, list[float]] = {False: [], True: []}
        for example in data.examples("validation"):
            replies = [message["content"] for message in example["messages"][1::2]]
            for question, labels, reply in zip(example["questions"], example["labels"], replies, strict=True):
                kept = given[question][: len(labels)]
                before = kept**temperature / (kept**temperature).sum()
                losses[False].append(-math.log(before[labels.index(reply)]))
                losses[True].append(-math.log(kept[labels.index(reply)]))
        last = result.validations[-1][1]
        assert sum(losses[False]) / last.answers == pytest.approx(last.log_loss, abs=1e-4)
        assert sum(losses[True]) < sum(losses[False])


def test_packing_is_for_plain_labels(settings: Callable[..., TrainingSettings]) -> None:
    chosen = settings("packed", {"teacher": "majority"}, packing=True, attention="flash_attention_2")
    with pytest.raises(IndievalueError, match="`packing` works with plain labels alone"):
        train(chosen, print)
