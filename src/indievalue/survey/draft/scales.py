"""Recognises a scale from the labels of its answers: its kind, its direction, and which answers belong together."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from indievalue.survey.draft import words
from indievalue.survey.draft.labels import Answer, Scale, missing_codes, plain, shown
from indievalue.survey.draft.metadata import Column
from indievalue.survey.draft.numeric import numeric_scale

MOST_LABELS = 12
"""Labelled answers of an attitude question at most; longer lists are parties, occupations or countries."""

_LONGEST_DEGREE = 7
"""Words of a label that says how often or how much."""

_MOST_UNLABELLED = 3

_LONGEST_SIDE = 9
"""Words of a label that is on one side of a scale."""

_MIDDLES = {"goodness": ("fair", "regular", "moyen", "moyenne", "ok")}
"""Labels in the middle of the scales of one kind."""

_TWO_STATEMENTS = re.compile(r"\bwith (?:statement )?(1|2|a|b|neither|both)\b|^statement (1|2|a|b)$")


def scale_of(column: Column) -> Scale | None:
    """The scale of a column; None where its answers are no scale of an attitude."""
    missing = missing_codes(column)
    scale = _scale(column, missing)
    return None if scale is None else replace(scale, missing=frozenset(missing.keys() & scale.left_out.keys()))


def _scale(column: Column, left_out: dict[int, str]) -> Scale | None:
    labels = {code: label for code, label in column.answers.items() if code not in left_out and label.strip()}
    held = sorted({code for code in column.counts if code not in left_out} | labels.keys())
    if len(held) < 2:
        return None
    if (numeric := numeric_scale(column, held, labels, left_out)) is not None:
        return numeric
    unlabelled = [code for code in held if code not in labels]
    if labels:
        left_out = left_out | dict.fromkeys(unlabelled, "no label in the file")
    answered = sum(column.counts.get(code, 0) for code in held)
    if not 2 <= len(labels) <= MOST_LABELS or len(unlabelled) > len(labels) + _MOST_UNLABELLED:
        return None
    if sum(column.counts.get(code, 0) for code in unlabelled) > answered / 2:
        return None
    texts = [plain(label) for label in labels.values()]
    if len(set(texts)) < len(texts) or not any(re.search(r"[^\W\d_]", text) for text in texts):
        return None
    doubts = (_unlabelled(unlabelled),) if unlabelled and labels else ()
    return _labelled(labels, left_out, doubts)


def _unlabelled(codes: Sequence[int]) -> str:
    if len(codes) == 1:
        return f"code {codes[0]} has no label in the file and is left out"
    return f"codes {', '.join(map(str, codes))} have no label in the file and are left out"


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
    longest = max(len(text.split()) for text in texts)
    for kind, (for_it, against_it) in words.KINDS.items():
        if longest > _LONGEST_SIDE and kind not in ("like_me", "agreement"):
            break
        scores = [_side_score(text, for_it, against_it, _MIDDLES.get(kind, ())) for text in texts]
        if None not in scores and _tells(found := [score for score in scores if score is not None]):
            return kind, found if kind == "like_me" else _spread(found, texts, against_it)
    for kind, table in (("frequency", words.FREQUENCY), ("amount", words.AMOUNT)):
        levels = [_level(text, table) if len(text.split()) <= _LONGEST_DEGREE else None for text in texts]
        if kind == "frequency" and any(words.times_a_year(text) for text in texts):
            levels = _between_rates([_how_often(text) for text in texts])
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


def _how_often(text: str) -> float | None:
    """A level from 0 to 1 of a label among others that say how often in a year; None where it does not."""
    times = words.times_a_year(text)
    if times is None:
        return 0.05 if words.SELDOM.search(text) else None
    return min(math.log(1 + times) / math.log(1 + 1000), 1.0)


def _between_rates(levels: Sequence[float | None]) -> list[float | None]:
    """The levels, with one that is not known halfway between those beside it."""
    found = list(levels)
    for place in range(1, len(levels) - 1):
        before, after = levels[place - 1], levels[place + 1]
        if levels[place] is None and before is not None and after is not None:
            found[place] = (before + after) / 2
    return found


def _monotone(levels: Sequence[float]) -> bool:
    rising = all(a <= b for a, b in pairwise(levels))
    return rising or all(a >= b for a, b in pairwise(levels))


def _around_the_middle(levels: Sequence[float]) -> list[float]:
    """Levels from 0 to 1 as scores around a cut between few and many, with answers on both sides."""
    cut = 0.4
    if min(levels) > cut or max(levels) < cut:
        cut = (min(levels) + max(levels)) / 2
    return [level - cut if level != cut else 0.01 for level in levels]
