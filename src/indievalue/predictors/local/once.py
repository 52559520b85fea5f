"""Score a prompt once, though several people share it: with few statements chosen for a probe, most do."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from indievalue.predictors.local.cache import Scores, key_of
from indievalue.prompts.prompt import Prompt

MOST = 100_000
"""Prompts whose scores are held in memory; beyond that, those held longest are scored again."""


class Once:
    """The scores of prompts so far, by what a model reads.

    Attributes:
        shared: number of prompts that needed no reading, since the same one was read for somebody else.
    """

    def __init__(self) -> None:
        self._known: dict[str, list[float]] = {}
        self.shared = 0

    def scores(
        self, people: Sequence[list[Prompt]], score: Callable[[list[list[Prompt]]], Iterable[Scores]]
    ) -> Iterator[Scores]:
        """Yield the scores of each person's prompts; ``score`` is given those that are new, person by person."""
        for key in list(islice(self._known, max(0, len(self._known) - MOST))):
            del self._known[key]
        keys = [[key_of(what_is_read(prompt)) for prompt in prompts] for prompts in people]
        new: list[dict[str, Prompt]] = []
        found: set[str] = set()
        for prompts, of_person in zip(people, keys, strict=True):
            mine = {
                key: prompt
                for key, prompt in zip(of_person, prompts, strict=True)
                if key not in self._known and key not in found
            }
            found |= mine.keys()
            new.append(mine)
            self.shared += len(prompts) - len(mine)
        unread = [list(mine.values()) for mine in new if mine]
        computed = iter(score(unread) if unread else ())
        for mine, of_person in zip(new, keys, strict=True):
            if mine:
                self._known.update(zip(mine, next(computed), strict=True))
            yield [self._known[key] for key in of_person]


def what_is_read(prompt: Prompt) -> list[object]:
    """Return all of a prompt that its scores depend on: two with the same have the same scores."""
    (probe,) = prompt.probes
    return [prompt.text, prompt.answer, probe.statements, probe.order]
