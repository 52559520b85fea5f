"""Recognises a scale from the labels of its answers: its kind, its direction, and which answers belong together."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from indievalue.survey.draft import words
from indievalue.survey.draft.metadata import Column

MOST_LABELS = 12
"""Labelled answers of an attitude question at most; longer lists are parties, occupations or countries."""

_LONGEST_DEGREE = 7
"""Words of a label that says how often or how much."""

_MIDDLES = {"goodness": ("fair", "regular", "moyen", "moyenne", "ok")}
"""Labels in the middle of the scales of one kind."""

_TWO_STATEMENTS = re.compile(r"\bwith (?:statement )?(1|2|a|b|neither|both)\b|^statement (1|2|a|b)$")

_NUMBERED = re.compile(r"^\s*-?\d+\s*([.):=]\s*|\s-\s+)(?=\D)")


@dataclass(frozen=True)
class Answer:
    """One answer of a scale: its codes, its label, and its side: -1, 0 or 1."""

    codes: tuple[int, ...]
    label: str
    side: int = 0
    strength: float = 0.0


@dataclass(frozen=True)
class Scale:
    """The answers of a question, in the order of the scale.

    Attributes:
        kind: such as ``agreement``; ``ends`` where only the ends are labelled; ``other`` where none is recognised.
        left_out: codes that are no answer → why.
        ordered: whether the answers are steps in the order of their codes.
        doubts: what should be checked, with the reason.
    """

    kind: str
    answers: tuple[Answer, ...]
    left_out: Mapping[int, str]
    ordered: bool = True
    doubts: tuple[str, ...] = ()

    def side(self, side: int) -> tuple[Answer, ...]:
        """Answers on one side."""
        return tuple(answer for answer in self.answers if answer.side == side)


def plain(label: str) -> str:
    """A label as it is compared: lower case, plain apostrophes, without the number some programs put in front."""
    text = label.replace("’", "'").replace("´", "'").replace("‘", "'")
    text = _NUMBERED.sub("", text, count=1) or text
    return " ".join(text.casefold().split())


def shown(label: str) -> str:
    """A label as it stands in a statement."""
    text = _NUMBERED.sub("", label.strip(), count=1) or label.strip()
    text = re.sub(r"\b([A-Z])\.([A-Z])\.", r"\1\2", text)
    text = re.sub(r"([.!?])(?= +[A-ZÀ-Ý])", ";", text)
    text = re.sub(r"\s*\((vol\w*\.?|if volunteered|ne pas lire|no leer)\)", "", text, flags=re.IGNORECASE)
    return " ".join(text.split()).rstrip(".:;,").replace("{", "(").replace("}", ")").replace('"', "'")


def missing_codes(column: Column) -> dict[int, str]:
    """Codes of a column that are no answer → why: declared, labelled so, or without a label among labelled ones."""
    found = dict(column.missing)
    for code, label in column.answers.items():
        if words.MISSING.search(plain(label)):
            found[code] = shown(label).lower()
    return found


def scale_of(column: Column) -> Scale | None:
    """The scale of a column; None where its answers are no scale of an attitude."""
    left_out = missing_codes(column)
    labels = {code: label for code, label in column.answers.items() if code not in left_out and label.strip()}
    held = sorted({code for code in column.counts if code not in left_out} | labels.keys())
    if len(held) < 2:
        return None
    if (ends := _ends(held, labels, left_out)) is not None:
        return ends
    unlabelled = [code for code in held if code not in labels]
    if labels:
        left_out |= dict.fromkeys(unlabelled, "no label in the file")
    if not 2 <= len(labels) <= MOST_LABELS:
        return None
    texts = [plain(label) for label in labels.values()]
    if len(set(texts)) < len(texts):
        return None
    doubts = tuple(f"code {code} has no label in the file and is left out" for code in unlabelled if labels)
    return _labelled(labels, left_out, doubts)


def _ends(held: Sequence[int], labels: Mapping[int, str], left_out: Mapping[int, str]) -> Scale | None:
    """A scale of numbers whose ends are labelled, such as 0 to 10."""
    worded = {code: label for code, label in labels.items() if not _numeric(label)}
    if not worded or len(worded) > 3:
        return None
    low = min(worded)
    for high in sorted(worded, reverse=True):
        points = range(low, high + 1)
        inside = [code for code in held if code in points and code not in worded]
        if 5 <= len(points) <= 11 and inside and held[0] >= low and not any(code in points for code in left_out):
            break
    else:
        return None
    if sum(code not in worded for code in points) < 2:
        return None
    lowest, highest = shown(worded[low]), shown(worded[high])
    answers = tuple(
        Answer(tuple(codes), f"{lowest}|{highest}", side, strength) for codes, side, strength in _cut(points)
    )
    beyond = {code: shown(labels.get(code, "no label in the file")).lower() for code in held if code > high}
    return Scale("ends", answers, {**left_out, **beyond})


def _cut(points: Sequence[int]) -> list[tuple[Sequence[int], int, float]]:
    """Steps of a scale in four or five groups: (codes, side, strength)."""
    half, middle = divmod(len(points), 2)
    near = half // 2 if half > 2 else 1
    groups = [
        (points[: half - near], -1, 1.0),
        (points[half - near : half], -1, 0.5),
        (points[half : half + middle], 0, 0.0),
        (points[half + middle : half + middle + near], 1, 0.5),
        (points[half + middle + near :], 1, 1.0),
    ]
    return [group for group in groups if group[0]]


def _numeric(label: str) -> bool:
    return re.fullmatch(r"\s*-?\d+\s*", label) is not None


def _labelled(labels: Mapping[int, str], left_out: Mapping[int, str], doubts: tuple[str, ...]) -> Scale:
    texts = {code: plain(label) for code, label in labels.items()}
    kind, scores = _recognised(list(texts.values()))
    if kind == "other":
        answers = tuple(Answer((code,), shown(label)) for code, label in labels.items())
        if len(labels) > 2:
            doubts = (
                *doubts,
                "scale not recognised: if the answers are steps, say ordered: true and put some together",
            )
        return Scale(kind, answers, left_out, False, doubts)
    answers = tuple(
        Answer((code,), shown(label), (score > 0) - (score < 0), abs(score))
        for (code, label), score in zip(labels.items(), scores, strict=True)
    )
    sides = [answer.side for answer in answers]
    ordered = sides in (sorted(sides), sorted(sides, reverse=True))
    if not ordered:
        by_score = dict(zip(answers, scores, strict=True))
        first = scores[0] < scores[-1]
        answers = tuple(sorted(answers, key=lambda answer: by_score[answer] if first else -by_score[answer]))
        if kind != "two_statements":
            doubts = (*doubts, "the codes are not in the order of the scale: is this order right?")
    return Scale(kind, answers, left_out, ordered, doubts)


def _recognised(texts: Sequence[str]) -> tuple[str, list[float]]:
    """(kind, score of each label from -1 to 1); the kind is ``other`` where no words fit."""
    if len(texts) == 2:
        for kind, yes, no in (("yes_no", words.YES, words.NO), ("mentioned", words.MENTIONED, words.NOT_MENTIONED)):
            for sign, (first, second) in ((1.0, texts), (-1.0, (texts[1], texts[0]))):
                if yes.match(first) and no.match(second):
                    return kind, [sign, -sign]
    if (sides := [_TWO_STATEMENTS.search(text) for text in texts]) and all(sides):
        named = [match[1] or match[2] for match in sides if match]
        return "two_statements", [
            0.0 if name in ("neither", "both") else (-1.0 if name in "1a" else 1.0) * (1.0 if "very" in text else 0.5)
            for name, text in zip(named, texts, strict=True)
        ]
    for kind, (for_it, against_it) in words.KINDS.items():
        scores = [_side_score(text, for_it, against_it, _MIDDLES.get(kind, ())) for text in texts]
        if None not in scores and _tells(found := [score for score in scores if score is not None]):
            return kind, found if kind == "like_me" else _spread(found, texts, against_it)
    for kind, table in (("frequency", words.FREQUENCY), ("amount", words.AMOUNT)):
        levels = [_level(text, table) if len(text.split()) <= _LONGEST_DEGREE else None for text in texts]
        if sum(level is None for level in levels) == 0:
            known = [level for level in levels if level is not None]
            if _monotone(known) and len(set(known)) > 1:
                return kind, _around_the_middle(known)
    if len(texts) >= 3 and all(re.match(r"^(yes|no|s[íi]|oui|non)\b", text) for text in texts):
        return "yes_no", [-1.0 if words.NO.match(text) else 1.0 for text in texts]
    return "other", []


def _side_score(text: str, for_it: str, against_it: str, neutral: Sequence[str] = ()) -> float | None:
    """Where a label stands, from -1 to 1, by the words of a kind; None where it has none of them."""
    if words.NEUTRAL.search(text) or text in neutral:
        return 0.0
    text = re.sub(r",? but not .*", " somewhat", text)
    against = re.search(against_it, text)
    if not against and not re.search(for_it, text):
        bare = re.fullmatch(r"(not at all|no|none|nada|pas du tout|ninguno?a?|aucune?|hardly at all)", text)
        return -1.0 if bare else None
    sign = -1.0 if against else 1.0
    rest = re.sub(against_it, " ", text) if against else text
    if words.NONE_AT_ALL.search(rest):
        return -sign
    if words.NEGATION.search(rest):
        return -sign * (1.0 if re.search(r"\b(definitely|strongly)\b", rest) else 0.4)
    if words.SCANT.search(rest) and not words.LITTLE.search(rest):
        return -sign * 0.4
    if words.WEAK.search(rest):
        return sign * (0.3 if words.LITTLE.search(rest) else 0.5)
    return sign * (1.0 if words.STRONG.search(rest) else 0.7)


def _tells(scores: Sequence[float]) -> bool:
    """Whether the labels have two sides, and the codes follow them but for a middle that may stand at the end."""
    sides = [score for score in scores if score]
    signs = [score > 0 for score in sides]
    return min(scores) < 0 < max(scores) and signs in (sorted(signs), sorted(signs, reverse=True))


def _spread(scores: list[float], texts: Sequence[str], against_it: str) -> list[float]:
    """Of a scale without a word for its other side, "a little" is on that side."""
    if any(re.search(against_it, text) for text in texts) or len(texts) < 5:
        return scores
    return [
        -0.2 if words.LITTLE.search(text) and score > 0 else score for text, score in zip(texts, scores, strict=True)
    ]


def _level(text: str, table: Sequence[tuple[float, str]]) -> float | None:
    best: tuple[int, float] | None = None
    for level, pattern in table:
        for match in re.finditer(pattern, text):
            if best is None or len(match[0]) >= best[0]:
                best = len(match[0]), level
    return None if best is None else best[1]


def _monotone(levels: Sequence[float]) -> bool:
    rising = all(a <= b for a, b in pairwise(levels))
    return rising or all(a >= b for a, b in pairwise(levels))


def _around_the_middle(levels: Sequence[float]) -> list[float]:
    """Levels from 0 to 1 as scores around a cut between few and many, with answers on both sides."""
    cut = 0.4
    if min(levels) > cut or max(levels) < cut:
        cut = (min(levels) + max(levels)) / 2
    return [level - cut if level != cut else 0.01 for level in levels]
