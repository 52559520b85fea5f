"""Rank the predictors of several runs, or of shared results, on one page."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import hypot
from pathlib import Path

from indievalue.errors import IndievalueError
from indievalue.files import new_file
from indievalue.report.environment import page_template
from indievalue.report.figures.lettering import printable
from indievalue.report.figures.styles import PredictorStyle, predictor_styles
from indievalue.report.numbers import interval, number, signed, signed_interval
from indievalue.report.share import Shared, described, paired, publicly_named
from indievalue.report.tips import PART
from indievalue.report.wording import count, listed, with_article
from indievalue.runs.run import Run
from indievalue.scoring.accuracy import PredictorScore, Score


@dataclass(frozen=True)
class Entrant:
    """Results that take part, under the ``name`` of their folder: what is known of them, and each predictor's score.

    ``run`` has the people's answers, which a shared folder has not.
    """

    name: str
    about: Shared
    scores: Mapping[str, PredictorScore]
    run: Run | None = None


@dataclass(frozen=True)
class Behind:
    """How far a predictor is behind the first: the difference in accuracy, in points, with its 95% interval.

    ``person_by_person`` says whether both were compared on each person's answers, or by their own intervals alone.
    """

    predictor: str
    difference: float
    low: float
    high: float
    person_by_person: bool

    @property
    def tip(self) -> str:
        kind = "person by person" if self.person_by_person else "as if other people had been tested"
        ends = signed_interval(self.low, self.high)
        return PART.join([self.predictor, f"{signed(self.difference)} points", f"95% interval {ends}", kind])


@dataclass(frozen=True)
class Place:
    """A row of the leaderboard.

    ``first`` and ``last`` are the ranks that the intervals allow. ``sources`` are the names of the entrants.
    """

    predictor: str
    score: PredictorScore
    sources: tuple[str, ...]
    first: int
    last: int

    @property
    def rank(self) -> str:
        """The rank, or the ranks that cannot be told apart."""
        return str(self.first) if self.first == self.last else f"{self.first}–{self.last}"

    @property
    def scored(self) -> dict[str, object]:
        return asdict(self.score)


def entrant(name: str, run: Run) -> Entrant:
    """Return the results of a run as an entrant."""
    run = publicly_named(run)
    return Entrant(name, described(run), run.scores, run)


def ranked(entrants: Sequence[Entrant]) -> list[Place]:
    """Return the predictors of all ``entrants``, most accurate first.

    A predictor with the same scores in several of them has one place. Its ranks are those that its interval allows: it
    is behind everybody whose interval is wholly above its own, and ahead of everybody whose interval is wholly below.
    Raises IndievalueError, with what differs, if they are not results of one benchmark.
    """
    check_alike(entrants)
    rows: dict[str, tuple[str, PredictorScore, list[str]]] = {}
    for one in entrants:
        for predictor, score in one.scores.items():
            key = json.dumps([predictor, score.as_dict()], sort_keys=True)
            rows.setdefault(key, (predictor, score, []))[2].append(one.name)
    ordered = sorted(rows.values(), key=lambda row: -row[1].accuracy)
    scores = [score for _, score, _ in ordered]
    return [
        Place(
            predictor,
            score,
            tuple(sources),
            1 + sum(other.accuracy_low > score.accuracy_high for other in scores),
            len(scores) - sum(other.accuracy_high < score.accuracy_low for other in scores),
        )
        for predictor, score, sources in ordered
    ]


def behind_first(places: Sequence[Place], entrants: Sequence[Entrant]) -> list[Behind]:
    """Return how far each predictor is behind the first.

    They are compared person by person where one folder has the difference, or where both are in runs. Where only their
    scores were shared, the interval is that of :func:`unpaired`.
    """
    first, *others = places
    return [_behind(place, first, {one.name: one for one in entrants}) for place in others]


def _behind(place: Place, first: Place, entrant_of: Mapping[str, Entrant]) -> Behind:
    for source in place.sources:
        if source in first.sources:
            for one in entrant_of[source].about.paired:
                if (one.a, one.b) == (place.predictor, first.predictor):
                    return Behind(one.a, one.difference, one.low, one.high, person_by_person=True)
    runs = [[run for source in of.sources if (run := entrant_of[source].run) is not None] for of in (place, first)]
    if all(runs) and (found := paired(runs[0][0], place.predictor, runs[1][0], first.predictor)) is not None:
        return Behind(found.a, found.difference, found.low, found.high, person_by_person=True)
    return Behind(place.predictor, *unpaired(place.score, first.score), person_by_person=False)


def unpaired(a: Score, b: Score) -> tuple[float, float, float]:
    """Return the difference in accuracy, a − b, and its 95% interval as if each had been tested on other people.

    The interval is made of those of both (MOVER: Zou and Donner 2008). The same people are easy to predict for most
    predictors; where both were tested on the same people, it is therefore rather too wide than too narrow.
    """
    difference = a.accuracy - b.accuracy
    low = difference - hypot(a.accuracy - a.accuracy_low, b.accuracy_high - b.accuracy)
    high = difference + hypot(a.accuracy_high - a.accuracy, b.accuracy - b.accuracy_low)
    return difference, low, high


def check_alike(entrants: Sequence[Entrant]) -> None:
    """Raise IndievalueError, with what differs, unless all ``entrants`` are results of one benchmark, scored alike."""
    for one in entrants:
        if one.about.benchmark is None:
            raise IndievalueError(f"{one.name} has no hash of its benchmark: evaluate it again with this version")
    first = entrants[0]
    for other in entrants[1:]:
        if differing := list(_differences(first.about, other.about)):
            raise IndievalueError(
                f"{first.name} and {other.name} are not results of one benchmark, and cannot be ranked together; they "
                f"differ in {'; '.join(differing)}"
            )


def _differences(a: Shared, b: Shared) -> Iterator[str]:
    """Yield what differs, with both values."""
    for name, key in (("survey", "survey"), ("form", "form"), ("weights", "weights")):
        values = getattr(a, key), getattr(b, key)
        if values[0] != values[1]:
            yield f"{name} ({values[0]} and {values[1]})"
    if a.survey == b.survey and a.survey_hash != b.survey_hash:
        yield f"the questions of survey {a.survey} (hashes {a.survey_hash[:8]}… and {b.survey_hash[:8]}…)"
    if a.data != b.data:
        yield f"data (SHA-256 {a.data[:8]}… and {b.data[:8]}…)"
    settings = [
        f"{name} ({_word(a.settings[name])} and {_word(b.settings.get(name))})"
        for name in a.settings
        if _word(a.settings[name]) != _word(b.settings.get(name))
    ]
    yield from settings
    if a.benchmark != b.benchmark:
        if a.people != b.people:
            yield f"the number of people tested ({a.people:,} and {b.people:,})"
        elif not settings and a.data == b.data and a.form == b.form:
            yield "the people, probes or statements drawn"
        yield f"the hash of the benchmark ({str(a.benchmark)[:8]}… and {str(b.benchmark)[:8]}…)"


def _word(value: object) -> str:
    return "all" if value is None else json.dumps(value) if isinstance(value, list | tuple) else str(value)


def write_leaderboard(entrants: Sequence[Entrant], out: str | Path) -> None:
    """Write a self-contained HTML page that ranks the predictors of ``entrants``.

    Raises IndievalueError as :func:`ranked` does, or if ``out`` cannot be written.
    """
    html = leaderboard_html(entrants)
    with new_file(Path(out)) as beside:
        beside.write_text(html, encoding="utf-8")


def leaderboard_html(entrants: Sequence[Entrant]) -> str:
    """Return the HTML of :func:`write_leaderboard`."""
    places = ranked(entrants)
    styles = predictor_styles(place.predictor for place in places)
    html = page_template("leaderboard.html.jinja").render(
        places=places,
        styles=styles,
        dark_fellows=_dark_fellows(styles),
        title=_title(places),
        lead=_lead(places),
        facts=_facts(places, entrants),
        entrants=entrants,
        behind=behind_first(places, entrants),
        synthetic=entrants[0].about.synthetic,
        left_out=any(place.score.invalid or place.score.not_answered for place in places),
    )
    return printable(html)


def _dark_fellows(styles: Mapping[str, PredictorStyle]) -> list[tuple[str, str]]:
    return list(dict.fromkeys((style.colour, style.dark) for style in styles.values()))


def _title(places: Sequence[Place]) -> str:
    best = places[0]
    share = f"{number(best.score.accuracy)}%"
    if len(places) == 1:
        return f"{best.predictor} predicts {share} of answers"
    return f"{best.predictor} leads with {share} of answers"


def _lead(places: Sequence[Place]) -> str:
    best = places[0].score
    text = f"95% interval {interval(best.accuracy_low, best.accuracy_high)}%"
    near = [place.predictor for place in places[1:] if place.first == 1]
    if near:
        return f"{text}; the interval of {listed(near)} reaches as far."
    return f"{text}; every other interval is below it." if len(places) > 1 else f"{text}."


def _facts(places: Sequence[Place], entrants: Sequence[Entrant]) -> str:
    about = entrants[0].about
    probes = max(place.score.probes for place in places)
    kind = "synthetic people modelled on" if about.synthetic else "people in"
    return (
        f"{count(len(places), 'predictor').capitalize()} from {count(len(entrants), 'folder')}, on the same "
        f"{probes:,} answers of {about.people:,} {kind} {with_article(about.title)}, in {about.form} form"
        + ("." if about.weights == "none" else f", weights: {about.weights}.")
    )
