"""Learning from people who do not fit memory: all of them by block, or a sample of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from indievalue.benchmark.model import Benchmark
from indievalue.errors import IndievalueError
from indievalue.people.blocks import Others, PeopleBlocks, sampled
from indievalue.people.findings import Findings
from indievalue.people.join import stacked
from indievalue.people.people import People
from indievalue.predictors.protocol import LearnsInBlocks, Predictor
from indievalue.runs.elsewhere import Elsewhere
from indievalue.runs.folds import Learning

SAMPLE = 100_000
"""Most people that a predictor learns from who cannot learn from blocks."""


@dataclass(frozen=True)
class LearningInBlocks(Learning):
    """The people that predictors learn from, who are read in blocks.

    A predictor that counts people (:class:`indievalue.predictors.protocol.LearnsInBlocks`) learns from all who are not
    tested. Any other learns from :data:`SAMPLE` of these, drawn by the benchmark's seed and their ids.

    Args:
        blocks: everybody in the data. Raises IndievalueError for several folds. ``people`` are those of the benchmark
            and the sample, and the other arguments as in :class:`indievalue.runs.folds.Learning`.
    """

    blocks: PeopleBlocks = field(kw_only=True)

    @classmethod
    def of(
        cls, blocks: PeopleBlocks, benchmark: Benchmark, folds: int | None, elsewhere: Elsewhere | None = None
    ) -> "LearningInBlocks":
        """Draw the sample of the people who are not tested."""
        if folds not in (None, 1):
            raise IndievalueError(
                f"people who are read in blocks are not divided into {folds} folds: leave out --folds, or hold them in "
                "memory (--in-memory)"
            )
        if benchmark.settings.unseen_questions:
            raise IndievalueError(
                "unseen questions are of people held in memory, not of those read in blocks (--in-memory)"
            )
        others = sampled(blocks.without(benchmark.people.ids), SAMPLE, benchmark.settings.seed)
        return cls(stacked([benchmark.people, others]), benchmark, 1, elsewhere, blocks=blocks)

    @property
    def everybody(self) -> Others:
        """Everybody in the data who is not tested, in blocks."""
        return self.blocks.without(self.benchmark.people.ids)

    @property
    def fewest(self) -> int:
        """The number of people who are not tested."""
        return len(self.everybody) if self.elsewhere is None else len(self.untested)

    @cached_property
    def untested(self) -> People:
        """The sample of the people who are not tested, or those of other files."""
        if self.elsewhere is not None:
            return self.elsewhere.people
        return self.people.take(range(len(self.benchmark.people), len(self.people)))

    def parts(self) -> Iterator[tuple[People, Benchmark]]:
        """Yield the sample, or the people of other files, and the benchmark."""
        yield self.untested, self.benchmark

    def sample_of(self, predictor: Predictor) -> int | None:
        """Return how many people the predictor learns from, if that is a sample of those there are."""
        learns_all = isinstance(predictor, LearnsInBlocks) or not predictor.learns or self.elsewhere is not None
        return None if learns_all or len(self.untested) == self.fewest else len(self.untested)

    def fitted(self, name: str, predictor: Predictor, training: People) -> Predictor:
        """Return the predictor, fitted on everybody by block, or on the people for ``training``."""
        form, shown_form = self.benchmark.settings.form, self.benchmark.settings.shown_form
        if self.elsewhere is None and isinstance(predictor, LearnsInBlocks):
            return predictor.fit_blocks(self.everybody, form, shown_form)
        return super().fitted(name, predictor, training)

    def explained(self) -> list[str]:
        """Say that people are read in blocks, and from how many the ceiling is estimated."""
        sample = f"a sample of {len(self.untested):,}"
        lines = [f"Learning in blocks from {self.fewest:,} people, or {sample} where a predictor says so"]
        if self.elsewhere is not None:
            lines = super().explained()
        elif self.fewest == len(self.untested):
            return []
        ranked = self.benchmark.settings.show_by == "relevant"
        what = "The ceiling and the ranking of statements are" if ranked else "The ceiling is"
        return [*lines, f"{what} estimated from {sample}"]

    @property
    def findings(self) -> Findings:
        """What was found while reading everybody."""
        return self.blocks.findings

    def digest(self) -> str:
        """Return a hash of everything that is learned from."""
        return super().digest() + self.blocks.findings.fingerprint + repr(self.blocks.options.rows)
