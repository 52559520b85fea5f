"""Count the tokens that a language model reads for each probe of a cell."""

import numpy as np

from indievalue.benchmark.model import Benchmark
from indievalue.benchmark.narrow import with_people
from indievalue.benchmark.storage import asked_texts
from indievalue.prompts.prompt import PromptStyle, prompts_of
from indievalue.prompts.tokens import counter

COUNTED = 20
"""People whose prompts are counted, spread evenly over those tested."""


def tokens_for_each_probe(benchmark: Benchmark, style: PromptStyle) -> float:
    """Return the mean number of tokens of prompts for each probe, estimated at four characters each."""
    count, _ = counter(None)
    people = len(benchmark.people)
    chosen = np.zeros(people, bool)
    chosen[np.unique(np.linspace(0, people - 1, min(COUNTED, people)).astype(int))] = True
    some = with_people(benchmark, chosen)
    prompts = [
        prompt
        for _, task in some.tasks()
        for text in asked_texts(task)
        for prompt in prompts_of(text, style, task.seed)
    ]
    probes = sum(len(prompt.probes) for prompt in prompts)
    return sum(count(prompt.text) for prompt in prompts) / max(1, probes)
