"""First-person statements for the answers of a scale. The sentences are the project's own, in three languages."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from indievalue.survey.draft import words
from indievalue.survey.draft.frames import (
    AGREEMENT,
    ASKED,
    BOUNDS,
    ENDS,
    INTRODUCED,
    MENTIONED,
    OR,
    RATING,
    REACH,
    SAY,
    SIDE_OF,
    THERMOMETER,
    TWO_STATEMENTS,
    Frame,
    sides_of,
)
from indievalue.survey.draft.labels import Answer, Scale, plain
from indievalue.survey.draft.metadata import Language
from indievalue.survey.draft.topics import is_question

_YES_OR_NO = re.compile(r"(yes|s[íi]|oui)\b|(no|non)(,|$)")

_BOUND = re.compile(r"(at (least|most)|less|more|al menos|menos|más|au moins|moins|plus)\b")
"""How labels begin that are a bound themselves."""

_NOT = re.compile(r"\b(not|no|neither|nor)\b")

_DEGREES = frozenset(
    ("amount", "frequency", "importance", "interest", "trust", "worry", "goodness", "satisfaction", "confidence",
     "closeness", "pride", "likelihood", "willingness", "justification", "truth", "happiness", "safety", "attachment",
     "problem", "ease", "religion", "freedom", "optimism", "like_me")
)  # fmt: skip
"""Kinds of scales on which "at most" and "at least" have a meaning."""

_DEGREE: dict[Language, re.Pattern[str]] = {
    "en": re.compile(
        r"\b(very strongly|strongly|very|somewhat|fairly|extremely|a great deal|a good deal"
        r"|(?<!too )much|a lot|slightly|rather"
        r"|quite|moderately|pretty|mostly|completely|totally|definitely|probably|absolutely|a little|a bit|at all|far"
        r"|generally|entirely|really|highly|to some extent|in some ways|gotten|get|stayed|tend to|just)\b"
    ),
    "es": re.compile(
        r"\b(muy|bastante|algo|totalmente|completamente|más bien|mucho|un poco|extremadamente|del todo|probablemente"
        r"|seguramente)\b"
    ),
    "fr": re.compile(
        r"\b(très|plutôt|assez|tout à fait|totalement|complètement|extrêmement|un peu|fortement|vraiment|du tout"
        r"|beaucoup|certainement|probablement)\b"
    ),
}
"""Words of degree, without those that deny."""

_NO_CORES = ("not", "pas", "non", "well", "bien", "not well", "badly", "poorly", "often", "of the time")

_SOFTER = (
    (r"\b(ha(?:s|ve)|d(?:id|oes|o))n't (\w+) much\b", r"\1 \2 little"),
    (r"\b(ha(?:s|ve|d)|is|are|was|were|d(?:id|oes|o)|would|should|could)n't\b", r"\1 in no way"),
    (r"\bnot (very )?much\b", "little"),
    (r"\bnot very\b|\bnot too\b", "hardly"),
    (r"\bnot at all\b", "in absolutely no way"),
    (r"\bnot\b(?=.* at all\b)", "in absolutely no way"),
    (r"\bnot\b", "in no way"),
    (r"\bnever\b", "at no time"),
    (r"\bno one\b|\bnobody\b", "no person"),
    (r"\bnone\b", "zero"),
    (r"\bcannot\b|\bcan't\b", "can hardly"),
)


@dataclass(frozen=True)
class Wording:
    """The templates of one question: what it asks, and ``codes → statement`` of both forms, in order.

    ``refined`` is None where it is the same as polar.
    """

    asks: str
    polar: tuple[tuple[tuple[int, ...], str], ...]
    refined: tuple[tuple[tuple[int, ...], str], ...] | None


def word(scale: Scale, topic: str, language: Language, *, stem: str = "", softer: bool = False) -> Wording:
    """The templates for a scale and the form of a topic, in a language; {topic} is left to be filled.

    ``stem`` is what a battery asks of each of its topics. ``softer`` words answers without "not" and "never", for
    topics that have one already.
    """
    if scale.kind == "mentioned":
        return _both_sides(scale, MENTIONED[language])
    if scale.kind == "like_me" and language == "en":
        return _like_me(scale, softer)
    if scale.kind == "agreement" and (agreement := _agreement(scale, AGREEMENT[language])) is not None:
        return agreement
    if scale.kind == "two_statements" and language == "en" and (two := _agreement(scale, TWO_STATEMENTS)) is not None:
        return two
    if scale.kind == "ends":
        return _asking(_ends(scale, language, with_topic=bool(stem) or not softer), stem, end="")
    if scale.kind in ("thermometer", "rating"):
        return _asking(_rated(scale, language), stem, end="")
    question = is_question(topic) or bool(stem)
    return _asking(_labelled(scale, language, question=question, softer=softer), stem, end="?")


def _labelled(scale: Scale, language: Language, *, question: bool, softer: bool) -> Wording:
    """Answers in the words of their labels."""
    frame = ASKED[language] if question else SAY[language]
    refined = tuple((a.codes, _said(frame.answer, a.label, softer)) for a in scale.answers)
    groups = _side_groups(scale)
    if len(groups) == len(scale.answers) or len(groups) < 2:
        return Wording(frame.asks, refined, None)
    polar = tuple((_codes(group), _polar(scale.kind, group, frame, language, softer)) for group in groups)
    return Wording(frame.asks, polar, refined)


def _asking(wording: Wording, stem: str, end: str) -> Wording:
    """The wording with what a battery asks before its topic."""
    if not stem:
        return wording

    def said(text: str) -> str:
        return text.replace("{topic}", f"{stem}: {{topic}}{end}")

    refined = wording.refined and tuple((codes, said(text)) for codes, text in wording.refined)
    return Wording(said(wording.asks), tuple((codes, said(text)) for codes, text in wording.polar), refined)


def _polar(kind: str, group: Sequence[Answer], frame: Frame, language: Language, softer: bool) -> str:
    """What all answers of a group say."""
    introduced = INTRODUCED[language][frame is ASKED[language]]
    if len(group) == 1:
        return _said(frame.answer, group[0].label, softer)
    sides = None if any(_YES_OR_NO.match(plain(answer.label)) for answer in group) else sides_of(language, kind)
    if sides is not None and not (softer and language == "en" and _NOT.search(sides[group[0].side + 1])):
        return introduced.replace("{said}", sides[group[0].side + 1])
    if core := _core([answer.label for answer in group], language):
        return introduced.replace("{said}", SIDE_OF[language].replace("{core}", _soft(core) if softer else core))
    if kind in _DEGREES and group[0].side:
        nearest = min(group, key=lambda answer: answer.strength)
        label = _soft(nearest.label) if softer else nearest.label
        label = re.sub(r"^(?:only|just) ", "", label, flags=re.IGNORECASE) if group[0].side > 0 else label
        bounds = REACH if _BOUND.match(plain(label)) else BOUNDS
        return introduced.replace("{said}", bounds[language][group[0].side > 0].replace("{answer}", label))
    comma, last, _ = OR[language]
    negated = sum(words.NEGATION.search(answer.label.lower()) is not None for answer in group)
    labels = [_soft(answer.label) if softer or negated > 1 else answer.label for answer in group]
    return frame.answer.replace("{answer}", last.join([comma.join(labels[:-1]), labels[-1]]))


def _core(labels: Sequence[str], language: Language) -> str:
    """What labels have in common that differ in degree alone, such as "worse" of "worse" and "much worse"."""
    cores = {" ".join(_DEGREE[language].sub(" ", plain(label)).strip(" ,").split()) for label in labels}
    core = cores.pop()
    return core if not cores and re.search(r"\w{3}", core) and core not in _NO_CORES else ""


def _side_groups(scale: Scale) -> list[list[Answer]]:
    """Answers next to each other on the same side."""
    groups: list[list[Answer]] = []
    for answer in scale.answers:
        if groups and scale.kind != "other" and groups[-1][-1].side == answer.side:
            groups[-1].append(answer)
        else:
            groups.append([answer])
    return groups


def _agreement(scale: Scale, frame: Frame) -> Wording | None:
    """Agreement in its own words, where they tell all answers apart."""
    assert frame.sides is not None
    assert frame.degrees is not None
    refined = []
    for answer in scale.answers:
        template = frame.sides[answer.side + 1]
        if answer.side == 0 and frame.answer and words.UNDECIDED.search(plain(answer.label)):
            template = frame.answer.replace("{answer}", answer.label)
        same = [other for other in scale.answers if other.side == answer.side]
        degree = "" if len(same) < 2 or answer.side == 0 else _degree(answer, same, frame.degrees)
        refined.append((answer.codes, template.replace("{degree}", degree)))
    if len({statement for _, statement in refined}) < len(refined):
        return None
    groups = _side_groups(scale)
    if len(groups) < 2:
        return None
    if len(groups) == len(refined):
        return Wording(frame.asks, tuple(refined), None)
    said = dict(refined)
    polar = tuple(
        (_codes(group), said[group[0].codes] if len(group) == 1 else frame.sides[group[0].side + 1]) for group in groups
    )
    return Wording(frame.asks, tuple((codes, text.replace("{degree}", "")) for codes, text in polar), tuple(refined))


def _degree(answer: Answer, same: Sequence[Answer], degrees: tuple[str, str]) -> str:
    ranked = sorted(same, key=lambda one: one.strength)
    place = ranked.index(answer)
    if len(ranked) == 2:
        weak, strong = (degrees[0] if ranked[0].strength <= 0.5 else "", degrees[1] if ranked[1].strength > 0.7 else "")
        return (weak, strong)[place]
    return (degrees[0], "", degrees[1])[min(place, 2)]


def _both_sides(scale: Scale, frame: Frame) -> Wording:
    assert frame.sides is not None
    return Wording(frame.asks, tuple((a.codes, frame.sides[a.side + 1]) for a in scale.answers), None)


def _like_me(scale: Scale, softer: bool) -> Wording:
    asks = 'How much is this like you: "{topic}"?'
    refined = tuple(
        (a.codes, _said('I say of "{topic}" that it is {answer}.', _lower(a.label), softer)) for a in scale.answers
    )
    groups = _side_groups(scale)
    if not 2 <= len(groups) < len(refined):
        return Wording(asks, refined, None)
    said = (
        'I say of "{topic}" that it is unlike me.',
        'I say of "{topic}" that I am in the middle.',
        'I say of "{topic}" that it is at least a little like me.',
    )
    return Wording(asks, tuple((_codes(group), said[group[0].side + 1]) for group in groups), refined)


def _ends(scale: Scale, language: Language, *, with_topic: bool) -> Wording:
    frame, near = ENDS[language]
    assert frame.sides is not None
    low, high = scale.answers[0].label.split("|")

    def filled(template: str, end: str = "") -> str:
        kept = template if with_topic else template[template.index("{topic}") :].partition(", ")[2]
        return kept.replace("{end}", end).replace("{low}", low).replace("{high}", high)

    refined = []
    for answer in scale.answers:
        end = high if answer.side > 0 else low
        template = frame.sides[1] if answer.side == 0 else near[0] if answer.strength == 1 else near[1]
        refined.append((answer.codes, filled(template, end)))
    polar = tuple((_codes(group), filled(frame.sides[group[0].side + 1])) for group in _side_groups(scale))
    return Wording(frame.asks, polar, tuple(refined))


def _rated(scale: Scale, language: Language) -> Wording:
    """A thermometer, or numbers whose ends nothing tells of."""
    introduced = INTRODUCED[language][0]
    groups = _side_groups(scale)
    sides = sides_of(language, scale.kind)
    if sides is not None:
        feelings = dict(zip((-2, -1, 0, 1, 2), THERMOMETER[language], strict=True))
        refined = [(a.codes, feelings[a.side * (2 if a.strength == 1 else 1)]) for a in scale.answers]
        polar = [(_codes(group), sides[group[0].side + 1]) for group in groups]
    else:
        refined = [(a.codes, _number(a.codes, scale, language)) for a in scale.answers]
        polar = [(_codes(group), _number(_codes(group), scale, language)) for group in groups]

    def said(options: Sequence[tuple[tuple[int, ...], str]]) -> tuple[tuple[tuple[int, ...], str], ...]:
        return tuple((codes, introduced.replace("{said}", text)) for codes, text in options)

    return Wording(SAY[language].asks, said(polar), said(refined))


def _number(codes: Sequence[int], scale: Scale, language: Language) -> str:
    several, one = RATING[language]
    most = str(scale.answers[-1].codes[-1])
    text = several if len(codes) > 1 else one
    return text.replace("{low}", str(codes[0])).replace("{high}", str(codes[-1])).replace("{most}", most)


def _codes(group: Sequence[Answer]) -> tuple[int, ...]:
    return tuple(code for answer in group for code in answer.codes)


def _said(template: str, label: str, softer: bool) -> str:
    return template.replace("{answer}", _soft(label) if softer else label)


def _soft(label: str) -> str:
    for pattern, instead in _SOFTER:
        label = re.sub(pattern, instead, label, flags=re.IGNORECASE)
    return " ".join(label.split())


def _lower(label: str) -> str:
    return label[:1].lower() + label[1:]
