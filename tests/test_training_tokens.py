"""Training examples as tokens, what the loss counts in them, and the score of a validation."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("trl", reason="training needs trl (extra train)")

import torch

from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Settings
from indievalue.benchmark.storage import task_texts
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.predictors.local.wording import Wording
from indievalue.prompts.prompt import prompts_of
from indievalue.reasoner.conversations import conversations
from indievalue.reasoner.draw import TRAIN, draw_parts
from indievalue.reasoner.model import load_tokenizer, source_of
from indievalue.reasoner.recipe import Recipe
from indievalue.reasoner.tokens import IGNORED, preview, tokenize, tokenize_first, write_tokens
from indievalue.reasoner.training_set import load_training_set
from indievalue.reasoner.validation import Processes, reader_of, validate
from tinymodel import save_tiny, tokenizer_of


@pytest.mark.parametrize("chat", [True, False])
@pytest.mark.parametrize("turns", [1, 3])
def test_the_loss_is_on_the_answers_alone(garden_people: People, chat: bool, turns: int) -> None:
    recipe = Recipe(people_per_question=3, validation_per_question=0, demonstrations=(2, 2), turns=turns)
    drawn = draw_parts(garden_people, recipe, np.zeros(120, bool))[TRAIN]
    examples = list(conversations(garden_people, recipe, drawn))
    wording = Wording(tokenizer_of(chat=chat), chat, "label")
    decode = wording.tokenizer.decode
    for example, one in zip(examples, tokenize(wording, examples), strict=True):
        answers = [message["content"] for message in example["messages"][1::2]]
        end = "</s>" if chat else "\n\n"
        taught = [decode(one.tokens[start:stop]) for start, stop in one.answers]
        assert taught == [answer + (end if turn + 1 < len(answers) else "</s>") for turn, answer in enumerate(answers)]
        assert [one.tokens[at] if label == IGNORED else label for at, label in enumerate(one.labels)] == one.tokens
        assert sum(label != IGNORED for label in one.labels) == sum(stop - start for start, stop in one.answers)
        for (options, truth), (start, _), labels, answer in zip(
            one.candidates, one.answers, example["labels"], answers, strict=True
        ):
            assert [decode([token]).strip() for token in options] == list(labels)
            assert one.tokens[start] == options[truth]
            assert labels[truth] == answer


@pytest.mark.parametrize("chat", [True, False])
def test_what_is_read_before_the_first_answer_is_what_a_local_model_is_asked(garden_people: People, chat: bool) -> None:
    benchmark = build_benchmark(garden_people, Settings(demonstrations=3, setups=(0,)), 4)
    wording = Wording(tokenizer_of(chat=chat), chat, "label")
    for task in task_texts(benchmark):
        prompts = list(prompts_of(task, Recipe().style))
        asked = wording.items([wording.text(prompt) for prompt in prompts], prompts)
        examples = [
            {
                "messages": [{"role": "user", "content": prompt.text}, {"role": "assistant", "content": "A"}],
                "labels": [prompt.probes[0].labels],
                "form": "polar",
                "questions": [prompt.probes[0].question],
            }
            for prompt in prompts
        ]
        for items, one in zip(asked, tokenize(wording, examples), strict=True):
            assert tuple(one.tokens[: one.answers[0][0]]) == items[0][0].context
            taught = one.tokens[one.answers[0][0]]
            assert taught == one.candidates[0][0][0]
            assert (taught,) in [item.continuation for item in items[0]]


def test_too_long_an_example_is_refused_with_the_length_that_would_do(small_set: Path, tmp_path: Path) -> None:
    wording = Wording(tokenizer_of(chat=True), True, "label")
    data = load_training_set(small_set)
    longest = max(len(one.tokens) for one in tokenize_first(wording, data.examples(TRAIN), 10_000))
    with pytest.raises(IndievalueError, match=f"1?[0-9]+ of 80 examples are longer than .*set `length: {longest}`"):
        write_tokens(tmp_path / "tokens.arrow", wording, data.examples(TRAIN), longest - 1)
    assert not list(tmp_path.glob("*tokens*"))
    assert len(write_tokens(tmp_path / "tokens.arrow", wording, data.examples(TRAIN), longest)) == 80


def test_an_example_that_teaches_nothing_is_refused(small_set: Path, tmp_path: Path) -> None:
    def silent() -> Iterator[dict[str, Any]]:
        for example in load_training_set(small_set).examples(TRAIN):
            yield {**example, "messages": example["messages"][:1], "labels": []}

    with pytest.raises(IndievalueError, match="80 of 80 examples hold no answer to learn"):
        write_tokens(tmp_path / "tokens.arrow", Wording(tokenizer_of(chat=True), True, "label"), silent(), 2000)


def test_a_template_that_rewrites_earlier_turns_is_refused(garden_people: People) -> None:
    recipe = Recipe(people_per_question=3, validation_per_question=0, demonstrations=(2, 2), turns=3)
    drawn = draw_parts(garden_people, recipe, np.zeros(120, bool))[TRAIN]
    tokenizer = tokenizer_of(chat=True)
    tokenizer.chat_template = "{{ messages|length }}" + tokenizer.chat_template
    with pytest.raises(IndievalueError, match="one turn per example"):
        tokenize(Wording(tokenizer, True, "label"), list(conversations(garden_people, recipe, drawn)))


def test_the_preview_marks_what_is_taught(small_set: Path) -> None:
    wording = Wording(tokenizer_of(chat=True), True, "label")
    shown = preview(wording, tokenize_first(wording, load_training_set(small_set).examples(TRAIN), 1)[0])
    example = next(load_training_set(small_set).examples(TRAIN))
    question, answer = (message["content"] for message in example["messages"])
    assert shown == f"<s><user>{question}<model>⟦{answer}</s>⟧"


@pytest.mark.parametrize("ranks", [1, 3])
def test_validation_is_that_of_one_plain_call_an_answer(garden_people: People, tmp_path: Path, ranks: int) -> None:
    recipe = Recipe(people_per_question=2, validation_per_question=0, demonstrations=(1, 4), turns=2)
    drawn = draw_parts(garden_people, recipe, np.zeros(120, bool))[TRAIN]
    wording = Wording(tokenizer_of(chat=True), True, "label")
    examples = tokenize(wording, list(conversations(garden_people, recipe, drawn))[:7])
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(save_tiny(tmp_path / "tiny")).eval()
    right, loss, answers = 0, 0.0, 0
    for one in examples:
        for (start, _), (options, truth) in zip(one.answers, one.candidates, strict=True):
            with torch.no_grad():
                logs = model(torch.tensor([one.tokens[:start]])).logits[0, -1, options].log_softmax(-1)
            right, loss, answers = right + (int(logs.argmax()) == truth), loss - float(logs[truth]), answers + 1
    totals: list[torch.Tensor] = []

    def gather(total: torch.Tensor) -> torch.Tensor:
        totals.append(total)
        return torch.stack(totals).sum(dim=0)

    for rank in range(ranks):
        processes = Processes(rank, ranks, gather)
        score = validate(model, examples, pad=0, batch=2, device=torch.device("cpu"), processes=processes)
    assert (score.answers, score.right) == (answers, right)
    assert score.log_loss == pytest.approx(loss / answers, rel=1e-4)
    low, high = score.interval
    assert low < score.accuracy < high


def test_a_validation_reads_what_short_prompts_have_in_common_once(garden_people: People, tmp_path: Path) -> None:
    recipe = Recipe(people_per_question=4, validation_per_question=0, demonstrations=(0, 1))
    drawn = draw_parts(garden_people, recipe, np.zeros(120, bool))[TRAIN]
    wording = Wording.of(load_tokenizer(source_of(str(save_tiny(tmp_path / "tiny")))))
    examples = tokenize(wording, list(conversations(garden_people, recipe, drawn)))
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tmp_path / "tiny").eval()
    reader = reader_of(model)
    offsets = {"polar": {question.id: [0.5, -0.5] for question in garden_people.survey.questions[:3]}}
    for added in (None, offsets):
        alone, together = (
            validate(model, examples, pad=0, batch=3, device=torch.device("cpu"), reader=one, offsets=added)
            for one in (None, reader)
        )
        assert (alone.answers, alone.right) == (together.answers, together.right)
        assert alone.log_loss == pytest.approx(together.log_loss, rel=1e-5)
    assert 0 < reader.computed < 2 * 0.9 * sum(len(one.tokens) for one in examples)
    shifted = validate(model, examples, pad=0, batch=3, device=torch.device("cpu"), offsets=offsets)
    assert shifted.log_loss != pytest.approx(
        validate(model, examples, pad=0, batch=3, device=torch.device("cpu")).log_loss
    )
