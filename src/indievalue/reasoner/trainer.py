"""Trainer for reasoners, based on TRL: arguments, progress lines, and validation of predicted answers."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from numpy.typing import NDArray
from peft import LoraConfig
from torch import Tensor
from torch.nn import Linear
from torch.nn.functional import cross_entropy
from transformers import (
    EarlyStoppingCallback,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PrinterCallback,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.trainer_utils import EvalLoopOutput
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from indievalue.predictors.local.prior_offset import Offsets, offset_of
from indievalue.predictors.local.scorer import Reader
from indievalue.predictors.local.temperature import best_temperature
from indievalue.progress import duration
from indievalue.reasoner.model import dtype_of
from indievalue.reasoner.settings import TrainingSettings
from indievalue.reasoner.soft import Collate, soft_loss
from indievalue.reasoner.tokens import IGNORED, SOFT_COLUMNS, TokenizedExample
from indievalue.reasoner.validation import Processes, ValidationScore, label_scores, reader_of, validate

Notify = Callable[[str], None]
"""Called with each line of progress."""

_SHORT = 8192
"""Greatest number of tokens of a batch that is read in one step of a CPU: its activations are held together."""

_TOKENS = 400
"""Tokens that a CPU reads at once where examples are shorter: more and fewer were slower on two cores."""


def make_trainer(
    settings: TrainingSettings,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    tokens: Dataset,
    validation: list[TokenizedExample],
    checkpoints: Path,
    notify: Notify,
) -> "ReasonerTrainer":
    """Return a trainer of ``model`` on the dataset ``tokens``, validated on the examples in ``validation``."""
    callbacks: list[TrainerCallback] = [_ProgressLines(notify)]
    soft = "targets" in tokens.column_names
    if validation and settings.patience:
        callbacks.append(EarlyStoppingCallback(settings.patience))
    trainer = ReasonerTrainer(
        model=model,
        args=_arguments(settings, checkpoints, validates=bool(validation), soft=soft),
        train_dataset=tokens,
        eval_dataset=tokens.select([0]) if validation else None,
        processing_class=tokenizer,
        peft_config=None if settings.tuning == "full" else _adapter(settings, model),
        callbacks=callbacks,
    )
    trainer.remove_callback(PrinterCallback)
    if soft:
        trainer.data_collator = Collate(trainer.data_collator)
    trainer.validation, trainer.pad, trainer.notify = validation, int(str(tokenizer.pad_token_id)), notify
    return trainer


def _arguments(settings: TrainingSettings, checkpoints: Path, *, validates: bool, soft: bool) -> SFTConfig:
    best = validates and settings.patience > 0
    # On a CPU, several long examples in one pass halve the speed: without padding, attention needs no mask but the
    # causal one, and the arrays are small enough not to be allocated again in every step. Short ones are read in parts.
    short = settings.batch * settings.length <= _SHORT
    together = settings.batch if short or torch.cuda.is_available() else 1
    return SFTConfig(
        output_dir=str(checkpoints),
        per_device_train_batch_size=together,
        per_device_eval_batch_size=together,
        gradient_accumulation_steps=settings.accumulate * settings.batch // together,
        num_train_epochs=settings.epochs,
        max_steps=settings.steps or -1,
        learning_rate=settings.rate,
        lr_scheduler_type="constant_with_warmup" if settings.schedule == "constant" else settings.schedule,
        warmup_steps=settings.warmup,
        weight_decay=settings.decay,
        max_grad_norm=settings.clip,
        bf16=dtype_of(settings) == torch.bfloat16,
        **_checkpointing(TrainingArguments, on=settings.checkpointing),
        train_sampling_strategy="group_by_length" if settings.by_length else "random",
        packing=settings.packing,
        remove_unused_columns=not soft,  # those that Collate reads are no arguments of the model
        max_length=settings.length,
        dataset_kwargs=None if settings.packing else {"skip_prepare_dataset": True},
        eval_strategy="steps" if validates else "no",
        eval_steps=settings.validate_every or None,
        save_strategy="steps",
        save_steps=settings.save_every,
        save_total_limit=settings.keep,
        load_best_model_at_end=best,
        metric_for_best_model="accuracy" if best else None,
        greater_is_better=True if best else None,
        logging_steps=settings.log_every,
        include_num_input_tokens_seen="non_padding",
        seed=settings.seed,
        data_seed=settings.seed,
        disable_tqdm=True,
        report_to=[],
        log_level="error",
        use_cpu=not torch.cuda.is_available(),
    )


def _checkpointing(arguments: type, *, on: bool) -> dict[str, Any]:
    """Return the argument that turns activation checkpointing, on by default in TRL, on or off.

    Early versions of transformers 5 call it gradient checkpointing.
    """
    known = getattr(arguments, "__dataclass_fields__", {})
    return {"activation_checkpointing" if "activation_checkpointing" in known else "gradient_checkpointing": on}


def _parts(batch: Mapping[str, Tensor]) -> Iterator[dict[str, Tensor]]:
    """Yield the examples of a padded batch in parts of similar length, about :data:`_TOKENS` each, with less padding.

    Each part is faster to read than its examples one by one, and than all examples padded to the longest.
    """
    lengths = batch["attention_mask"].sum(dim=1)
    left = lengths.argsort(descending=True, stable=True)
    padded = batch["input_ids"].shape[1]
    while len(left):
        longest = int(lengths[left[0]])
        number = max(1, _TOKENS // longest)
        rows, left = left[:number], left[number:]
        yield {
            name: value[rows, :longest] if value.ndim == 2 and value.shape[1] == padded else value[rows]
            for name, value in batch.items()
        }


def _summed_loss(model: torch.nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
    """Return the sum of the loss over the answers of a batch, for which no other position is projected."""
    labels = batch["labels"]
    learned = (labels[:, 1:] != IGNORED).any(dim=0).nonzero()[:, 0]
    read = {name: value for name, value in batch.items() if name not in ("labels", "offsets", *SOFT_COLUMNS)}
    logits = model(**read, logits_to_keep=learned, use_cache=False).logits.float()
    if "targets" in batch:
        return soft_loss(logits, learned, batch)
    return cross_entropy(logits.flatten(0, 1), labels[:, learned + 1].flatten(), ignore_index=IGNORED, reduction="sum")


class ReasonerTrainer(SFTTrainer):  # type: ignore[misc, unused-ignore]
    """A trainer that validates the accuracy of predicted answers.

    Attributes:
        validation: examples to validate on. pad: id of the padding token. notify: called with progress lines.
        untrained: score before the first step; None if it was not measured.
        offsets: what is added to the logit of each option, if the model starts from base rates.
    """

    validation: list[TokenizedExample]
    pad: int
    notify: Notify
    untrained: ValidationScore | None = None
    offsets: Offsets | None = None
    _reader: Reader | None = None

    def start_from(self, offsets: Offsets) -> None:
        """Add ``offsets`` to the logits of the options, in the training and in validations."""
        assert isinstance(self.data_collator, Collate)  # the dataset has the columns that it reads
        self.offsets, self.data_collator = offsets, replace(self.data_collator, offsets=offsets)

    @property
    def sharded(self) -> bool:
        """Whether the model is spread over several devices, and complete on none before the training starts."""
        return bool(self.is_fsdp_enabled or self.is_deepspeed_enabled)

    @property
    def network(self) -> torch.nn.Module:
        """The model in the form that can be called: wrapped if it is sharded."""
        model = self.model_wrapped if self.sharded else self.model
        assert model is not None  # make_trainer gives one
        return model

    def label_scores(self, examples: list[TokenizedExample]) -> list[list[list[float]]]:
        """Return the model's log probability of each label, for each answer of each example."""
        model = self.network
        training = model.training
        model.eval()
        scores = label_scores(reader_of(model, bfloat16=self.args.bf16), examples)
        model.train(training)
        return scores

    def temperatures(self) -> dict[str, float]:
        """Return the temperature of each form with the least log loss on the validation answers."""
        answers: dict[str, list[tuple[NDArray[np.float64], int]]] = {}
        for one, scores in zip(self.validation, self.label_scores(self.validation), strict=True):
            for found, asked, (_, right) in zip(scores, one.asked, one.candidates, strict=True):
                added = offset_of(self.offsets or {}, asked, len(found))
                answers.setdefault(asked[0], []).append((np.asarray(found) + added, right))
        return {form: best_temperature(*zip(*found, strict=True)) for form, found in answers.items()}

    def validate_untrained(self) -> None:
        """Validate before the first step, for comparison."""
        self.untrained = self._validate(0)

    def validate_trained(self) -> None:
        """Validate after the last step, unless that was just done or the best weights of all steps were restored."""
        last = max((step for step, _ in self.validations()), default=-1)
        if self.validation and not self.args.load_best_model_at_end and last < self.state.global_step:
            self.evaluate()

    def validations(self) -> list[tuple[int, ValidationScore]]:
        """Return step and score of every validation, including those before the training was resumed."""
        scores = [] if self.untrained is None else [(0, self.untrained)]
        for line in self.state.log_history:
            if "eval_accuracy" in line:
                answers = int(line["eval_answers"])
                score = ValidationScore(answers, round(answers * line["eval_accuracy"]), line["eval_log_loss"])
                scores.append((int(line["step"]), score))
        return scores

    def evaluation_loop(self, *arguments: object, **named: object) -> EvalLoopOutput:
        """Validate when the trainer evaluates; early stopping and the best checkpoint are decided by these figures."""
        score = self._validate(self.state.global_step)
        metrics = {
            "eval_accuracy": score.accuracy,
            "eval_log_loss": score.log_loss,
            "eval_answers": float(score.answers),
        }
        nothing: Any = None  # predictions, which EvalLoopOutput declares as an array
        return EvalLoopOutput(nothing, nothing, metrics, len(self.validation))

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, Tensor],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """Return the mean negative log-likelihood of the answers' tokens, or the mean loss of ``soft_loss``.

        On a CPU, TRL projects every position onto the vocabulary, although only a hundredth of them counts in the loss.
        For a small model that costs a third as much as all of its layers, and most of the memory.
        """
        soft = "targets" in inputs
        if not soft and (return_outputs or inputs["input_ids"].device.type != "cpu"):
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)  # type: ignore[no-untyped-call, unused-ignore]
        parts = _parts(inputs) if inputs["input_ids"].device.type == "cpu" else [inputs]
        total = torch.stack([_summed_loss(model, part) for part in parts]).sum()
        if num_items_in_batch is None:
            return total / (inputs["labels"][:, 1:] != IGNORED).sum()
        # The count is over all processes, whose gradients are then averaged.
        return total * self.accelerator.num_processes / num_items_in_batch

    def _shared_reader(self, model: torch.nn.Module) -> Reader | None:
        """Return what reads prompts as `local:` does.

        None if the model is sharded, and no process can read alone; and on a GPU, where large batches are faster.
        """
        if self.sharded or self.accelerator.device.type != "cpu":
            return None
        if self._reader is None:
            self._reader = reader_of(model, bfloat16=self.args.bf16)
        return self._reader

    def _validate(self, step: int) -> ValidationScore:
        model = self.network
        training = model.training
        model.eval()
        state = self.accelerator
        score = validate(
            model,
            self.validation,
            pad=self.pad,
            batch=self.args.per_device_eval_batch_size,
            device=state.device,
            processes=Processes(state.process_index, state.num_processes, lambda total: state.reduce(total, "sum")),
            reader=self._shared_reader(model),
            offsets=self.offsets,
        )
        model.train(training)
        low, high = score.interval
        self.notify(
            f"step {step:,}: {100 * score.accuracy:.1f} % of {score.answers:,} validation answers predicted correctly "
            f"({100 * low:.1f} to {100 * high:.1f}), log loss {score.log_loss:.3f}"
        )
        return score


class _ProgressLines(TrainerCallback):
    """Report the loss and the remaining time at intervals."""

    def __init__(self, notify: Notify) -> None:
        self.notify = notify
        self.last: tuple[float, int] | None = None

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, float] | None = None,
        **_: object,
    ) -> None:
        if not logs or "loss" not in logs:
            return
        now, step = time.monotonic(), state.global_step
        text = f"step {step:,} of {state.max_steps:,}: loss {logs['loss']:.4f}"
        if self.last and step > self.last[1]:
            each = (now - self.last[0]) / (step - self.last[1])
            text += f", {each:.2f} s per step, about {duration(each * (state.max_steps - step))} left"
        self.last = now, step
        self.notify(text)


def _adapter(settings: TrainingSettings, model: PreTrainedModel) -> LoraConfig:
    lora = settings.lora
    targets: str | list[str] = lora.targets if isinstance(lora.targets, str) else list(lora.targets)
    layers = None
    if lora.last_layers is not None:
        count = int(model.config.get_text_config().num_hidden_layers)
        layers = list(range(max(0, count - lora.last_layers), count))
        if isinstance(targets, str):  # peft does not accept "all-linear" together with layers
            head = model.get_output_embeddings()  # type: ignore[no-untyped-call, unused-ignore]
            linear = (
                name for name, module in model.named_modules() if isinstance(module, Linear) and module is not head
            )
            targets = sorted({name.rpartition(".")[2] for name in linear})
    return LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=targets,
        layers_to_transform=layers,
        task_type="CAUSAL_LM",
    )
