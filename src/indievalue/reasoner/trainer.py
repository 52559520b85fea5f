"""TRL's trainer as reasoners are trained with it: what it is told, what it says, and how it validates."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig
from torch.nn import Linear
from torch.nn.functional import cross_entropy
from transformers import EarlyStoppingCallback, PrinterCallback, TrainerCallback
from transformers.trainer_utils import EvalLoopOutput
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from indievalue.reasoner.model import dtype_of
from indievalue.reasoner.settings import TrainingSettings
from indievalue.reasoner.tokens import IGNORED, Read
from indievalue.reasoner.validation import Score, validate

Say = Callable[[str], None]


def make_trainer(
    settings: TrainingSettings, model: Any, tokenizer: Any, tokens: Any, asked: list[Read], checkpoints: Path, say: Say
) -> "Trainer":
    """A trainer of ``model`` on the dataset ``tokens``, which validates by ``asked``."""
    best = bool(asked) and settings.patience > 0
    # Without a GPU nothing is gained by several examples in one pass, and what is lost is half of the speed: with no
    # padding among them attention is causal alone, and memory is small enough not to be fetched anew in every step.
    together = settings.batch if torch.cuda.is_available() else 1
    arguments = SFTConfig(
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
        activation_checkpointing=settings.checkpointing,
        train_sampling_strategy="group_by_length" if settings.by_length else "random",
        packing=settings.packing,
        max_length=settings.length,
        dataset_kwargs=None if settings.packing else {"skip_prepare_dataset": True},
        eval_strategy="steps" if asked else "no",
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
    callbacks: list[TrainerCallback] = [_Lines(say)]
    if best:
        callbacks.append(EarlyStoppingCallback(settings.patience))
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=tokens,
        eval_dataset=tokens.select([0]) if asked else None,
        processing_class=tokenizer,
        peft_config=None if settings.tuning == "full" else _adapter(settings, model),
        callbacks=callbacks,
    )
    trainer.remove_callback(PrinterCallback)
    trainer.asked, trainer.pad, trainer.say = asked, tokenizer.pad_token_id, say
    return trainer


class Trainer(SFTTrainer):  # type: ignore[misc, unused-ignore]
    """Validates by asking: how often is the most probable of the labels the person's own?"""

    asked: list[Read]
    pad: int
    say: Say
    first: Score | None = None

    @property
    def sharded(self) -> bool:
        """Whether each device holds a part of the model only, and none before the training begins."""
        return bool(self.is_fsdp_enabled or self.is_deepspeed_enabled)

    def validate_untrained(self) -> None:
        """Validate before the first step, to have something to compare with."""
        self.first = self._ask(0)

    def validate_trained(self) -> None:
        """Validate after the last step, unless that was done just now, or the best of all steps is back."""
        last = max((step for step, _ in self.validations()), default=-1)
        if self.asked and not self.args.load_best_model_at_end and last < self.state.global_step:
            self.evaluate()

    def validations(self) -> list[tuple[int, Score]]:
        """Step and score of every validation, also of those before a training was resumed."""
        found = [] if self.first is None else [(0, self.first)]
        for line in self.state.log_history:
            if "eval_accuracy" in line:
                answers = int(line["eval_answers"])
                score = Score(answers, round(answers * line["eval_accuracy"]), line["eval_log_loss"])
                found.append((int(line["step"]), score))
        return found

    def evaluation_loop(self, *arguments: Any, **named: Any) -> EvalLoopOutput:
        """What the trainer calls to evaluate; its early stopping and choice of the best go by these figures."""
        score = self._ask(self.state.global_step)
        metrics = {
            "eval_accuracy": score.accuracy,
            "eval_log_loss": score.log_loss,
            "eval_answers": float(score.answers),
        }
        nothing: Any = None
        return EvalLoopOutput(nothing, nothing, metrics, len(self.asked))

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The mean negative log-likelihood of what is taught.

        Without a GPU, TRL projects every position onto the vocabulary, though a hundredth of them is taught: for a
        small model that is as much work as a third of its layers, and most of the memory.
        """
        if return_outputs or inputs["input_ids"].device.type != "cpu":
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)  # type: ignore[no-untyped-call, unused-ignore]
        labels = inputs["labels"]
        taught = (labels[:, 1:] != IGNORED).any(dim=0).nonzero()[:, 0]
        read = {name: value for name, value in inputs.items() if name != "labels"}
        logits = model(**read, logits_to_keep=taught, use_cache=False).logits.float()
        total = cross_entropy(
            logits.flatten(0, 1), labels[:, taught + 1].flatten(), ignore_index=IGNORED, reduction="sum"
        )
        if num_items_in_batch is None:
            return total / (labels[:, 1:] != IGNORED).sum()
        # The count is of all processes, whose gradients are then averaged.
        return total * self.accelerator.num_processes / num_items_in_batch

    def _ask(self, step: int) -> Score:
        model: Any = self.model_wrapped if self.sharded else self.model
        training = model.training
        model.eval()
        state = self.accelerator
        score = validate(
            model,
            self.asked,
            self.pad,
            state.device,
            self.args.per_device_eval_batch_size,
            rank=state.process_index,
            ranks=state.num_processes,
            together=lambda total: state.reduce(total, "sum"),
        )
        model.train(training)
        low, high = score.interval
        self.say(
            f"step {step:,}: {100 * score.accuracy:.1f} % of {score.answers:,} validation answers predicted "
            f"({100 * low:.1f} to {100 * high:.1f}), log loss {score.log_loss:.3f}"
        )
        return score


class _Lines(TrainerCallback):
    """A line at times, which says how far it is."""

    def __init__(self, say: Say) -> None:
        self.say = say
        self.since: tuple[float, int] | None = None

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, float] | None = None, **_: Any) -> None:
        if not logs or "loss" not in logs:
            return
        now, step = time.monotonic(), state.global_step
        text = f"step {step:,} of {state.max_steps:,}: loss {logs['loss']:.4f}"
        if self.since and step > self.since[1]:
            each = (now - self.since[0]) / (step - self.since[1])
            text += f", {each:.2f} s a step, about {_minutes(each * (state.max_steps - step))} left"
        self.since = now, step
        self.say(text)


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _adapter(settings: TrainingSettings, model: Any) -> LoraConfig:
    lora = settings.lora
    targets: str | list[str] = lora.targets if isinstance(lora.targets, str) else list(lora.targets)
    layers = None
    if lora.last_layers is not None:
        every = int(model.config.get_text_config().num_hidden_layers)
        layers = list(range(max(0, every - lora.last_layers), every))
        if isinstance(targets, str):  # which peft does not take together with layers
            head = model.get_output_embeddings()
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
