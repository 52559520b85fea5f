"""The benchmark as an Inspect task: ``inspect eval indievalue/individual_values --model PROVIDER/NAME -T …``."""

import numpy as np
from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample

from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Benchmark, Settings
from indievalue.choices import Context, FormName, Language, OptionOrder, Protocol, ScaleDirection, Voice
from indievalue.predictors.asking import RETRIES, AskingOptions
from indievalue.predictors.chat.log import add_truth
from indievalue.predictors.chat.metrics import GROUPED, metrics_of, prediction_scorer
from indievalue.predictors.chat.solver import Asker, ask, prompts_in, samples_of
from indievalue.predictors.chat.store import Store
from indievalue.prompts.pool import Pool
from indievalue.prompts.prompt import PromptStyle
from indievalue.synthetic.source import people_from


# Inspect passes a task's options as keyword arguments, so that a dataclass cannot be used here.
@task
def individual_values(
    data: str = "synthetic:3000",
    people: int = 20,
    form: FormName = "polar",
    setup: str = "0",
    demonstrations: int = 200,
    demonstrations_as: FormName | None = None,
    context: Context = "statements",
    protocol: Protocol = "strict",
    template: str = "single",
    batched: bool = False,
    voice: Voice = "first",
    option_order: OptionOrder = "fixed",
    scale_direction: ScaleDirection = "forward",
    paraphrase: int = 1,
    language: Language = "en",
    retries: int = RETRIES,
    skip_failed: bool = False,
    survey: str | None = None,
    seed: int = 0,
) -> Task:
    """Predict people's answers; ``setup`` is e.g. ``0`` or ``0,1,2``; other options as in ``indievalue evaluate``."""
    everyone = people_from(str(data), survey, seed)
    settings = Settings(
        form=form,
        protocol=protocol,
        setups=tuple(int(one) for one in str(setup).split(",")),
        demonstrations=demonstrations,
        demonstrations_as=demonstrations_as,
        context=context,
        seed=seed,
    )
    style = PromptStyle(template, batched, voice, option_order, scale_direction, paraphrase, language)
    options = AskingOptions(style=style, retries=retries, skip_failed=skip_failed)
    benchmark = build_benchmark(everyone, settings, people)
    others = everyone.take(~np.isin(everyone.ids, benchmark.people.ids))
    return task_of(benchmark, options, Pool(style, others))


def task_of(benchmark: Benchmark, options: AskingOptions, pool: Pool | None = None) -> Task:
    """Return the Inspect task of a benchmark: one sample per call, in the order of people."""
    grouped = [name for name in GROUPED if name in benchmark.people.demographics.columns]
    return Task(
        name="individual_values",
        dataset=MemoryDataset(scored_samples(benchmark, options, pool), name=benchmark.survey.name),
        solver=ask(Asker(options, Store())),
        scorer=prediction_scorer(),
        metrics=metrics_of(grouped),
        metadata={"form": benchmark.settings.form, "protocol": benchmark.settings.protocol},
    )


def scored_samples(benchmark: Benchmark, options: AskingOptions, pool: Pool | None = None) -> list[Sample]:
    """Return one sample per call, with the person's groups and the true options in ``metadata``."""
    prompts = prompts_in((asked for _, asked in benchmark.tasks()), options, pool)
    samples = list(samples_of(prompts, together=options.style.together))
    add_truth(samples, benchmark)
    return samples
