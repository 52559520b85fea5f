"""First-person statements for the answers of a scale. The sentences are the project's own, in three languages."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from indievalue.survey.draft import words
from indievalue.survey.draft.metadata import Language
from indievalue.survey.draft.scales import Answer, Scale
from indievalue.survey.draft.topics import is_question


@dataclass(frozen=True)
class Frame:
    """How questions of one kind are asked and answered; ``{topic}`` and ``{answer}`` are filled in.

    Attributes:
        answer: the statement of one answer in the words of its label; ``sides``: of the negative, neutral and positive
            side, None to name the labels together. degrees: of a weaker and a stronger answer, for ``{degree}`` in
            ``sides``, where that tells the refined answers apart.
    """

    asks: str
    answer: str
    sides: tuple[str, str, str] | None = None
    degrees: tuple[str, str] | None = None


_SAY: dict[Language, Frame] = {
    "en": Frame('What would you say on "{topic}"?', 'On "{topic}", I would say "{answer}".'),
    "es": Frame("¿Qué responde sobre «{topic}»?", "Si me preguntan por «{topic}», respondo «{answer}»."),
    "fr": Frame(
        "Que répondez-vous sur « {topic} » ?", "Si l'on me demande mon avis sur « {topic} », je réponds « {answer} »."
    ),
}
_ASKED: dict[Language, Frame] = {
    "en": Frame("{topic}", 'Asked "{topic}", I answer "{answer}".'),
    "es": Frame("{topic}", "Si me preguntan «{topic}», respondo «{answer}»."),
    "fr": Frame("{topic}", "Si l'on me demande « {topic} », je réponds « {answer} »."),
}
_OR: dict[Language, tuple[str, str, str]] = {
    "en": ('", "', '" or "', '"'),
    "es": ("», «", "» o «", "»"),
    "fr": (" », « ", " » ou « ", " »"),
}

_AGREEMENT: dict[Language, Frame] = {
    "en": Frame(
        'Do you agree or disagree with the statement "{topic}"?',
        'On the statement "{topic}", I say "{answer}".',
        (
            'I {degree}disagree with the statement "{topic}".',
            'I neither agree nor disagree with the statement "{topic}".',
            'I {degree}agree with the statement "{topic}".',
        ),
        ("somewhat ", "strongly "),
    ),
    "es": Frame(
        "¿Está de acuerdo con la frase «{topic}»?",
        "Si me presentan la frase «{topic}», respondo «{answer}».",
        (
            "Si me presentan la frase «{topic}», estoy {degree}en desacuerdo.",
            "Si me presentan la frase «{topic}», no estoy ni de acuerdo ni en desacuerdo.",
            "Si me presentan la frase «{topic}», estoy {degree}de acuerdo.",
        ),
        ("algo ", "totalmente "),
    ),
    "fr": Frame(
        "Êtes-vous d'accord avec la phrase « {topic} » ?",
        "Si l'on me présente la phrase « {topic} », je réponds « {answer} ».",
        (
            "Si l'on me présente la phrase « {topic} », je suis {degree}en désaccord.",
            "Si l'on me présente la phrase « {topic} », je ne suis ni d'accord ni en désaccord.",
            "Si l'on me présente la phrase « {topic} », je suis {degree}d'accord.",
        ),
        ("plutôt ", "tout à fait "),
    ),
}

_ENDS: dict[Language, tuple[Frame, tuple[str, str, str]]] = {
    # refined: nearest to an end, nearer to it than to the other, in the middle
    "en": (
        Frame(
            'Where do you stand on "{topic}"?',
            "",
            (
                'On "{topic}", I lean toward "{low}" rather than "{high}".',
                'On "{topic}", I am halfway between "{low}" and "{high}".',
                'On "{topic}", I lean toward "{high}" rather than "{low}".',
            ),
        ),
        ('On "{topic}", my answer is close to "{end}".', 'On "{topic}", my answer is a little nearer to "{end}".', ""),
    ),
    "es": (
        Frame(
            "¿Dónde se sitúa en «{topic}»?",
            "",
            (
                "Si me preguntan por «{topic}», me inclino por «{low}» más que por «{high}».",
                "Si me preguntan por «{topic}», me sitúo a medio camino entre «{low}» y «{high}».",
                "Si me preguntan por «{topic}», me inclino por «{high}» más que por «{low}».",
            ),
        ),
        (
            "Si me preguntan por «{topic}», me sitúo cerca de «{end}».",
            "Si me preguntan por «{topic}», me sitúo algo más cerca de «{end}».",
            "",
        ),
    ),
    "fr": (
        Frame(
            "Où vous situez-vous sur « {topic} » ?",
            "",
            (
                "Si l'on me demande mon avis sur « {topic} », je penche vers « {low} » plutôt que « {high} ».",
                "Si l'on me demande mon avis sur « {topic} », je suis à mi-chemin entre « {low} » et « {high} ».",
                "Si l'on me demande mon avis sur « {topic} », je penche vers « {high} » plutôt que « {low} ».",
            ),
        ),
        (
            "Si l'on me demande mon avis sur « {topic} », ma réponse est proche de « {end} ».",
            "Si l'on me demande mon avis sur « {topic} », ma réponse est un peu plus proche de « {end} ».",
            "",
        ),
    ),
}

_MENTIONED: dict[Language, Frame] = {
    "en": Frame('Do you mention "{topic}"?', "", ('I do not mention "{topic}".', "", 'I mention "{topic}".'), ("", "")),
    "es": Frame(
        "¿Menciona «{topic}»?",
        "",
        ("Si me preguntan, no menciono «{topic}».", "", "Si me preguntan, menciono «{topic}»."),
    ),
    "fr": Frame(
        "Citez-vous « {topic} » ?",
        "",
        ("Si l'on me demande, je ne cite pas « {topic} ».", "", "Si l'on me demande, je cite « {topic} »."),
    ),
}

_TWO_STATEMENTS = Frame(
    'Which side of "{topic}" do you agree with?',
    "",
    (
        'Of the two sides of "{topic}", I {degree}agree with the first.',
        'Of the two sides of "{topic}", I agree with neither.',
        'Of the two sides of "{topic}", I {degree}agree with the second.',
    ),
    ("", "very strongly "),
)

_SIDES_EN: dict[str, tuple[str, str, str]] = {
    "approval": ("I disapprove", "I neither approve nor disapprove", "I approve"),
    "favor": ("I am opposed", "I am neither in favor nor opposed", "I am in favor"),
    "satisfaction": ("I am dissatisfied", "I am neither satisfied nor dissatisfied", "I am satisfied"),
    "importance": ("I see this as of little importance", "I see this as of some importance", "I see this as important"),
    "likelihood": ("I think this is unlikely", "I think this may go either way", "I think this is likely"),
    "willingness": ("I am unwilling", "I am neither willing nor unwilling", "I am willing"),
    "interest": ("I have little or no interest", "I have middling interest", "I am interested"),
    "worry": ("I worry little or not at all", "I worry to a middling degree", "I am worried"),
    "happiness": ("I am unhappy", "I am neither happy nor unhappy", "I am happy"),
    "safety": ("I see a lack of safety", "I see middling safety", "I see safety"),
}

_SOFTER = (
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


def word(scale: Scale, topic: str, language: Language, *, softer: bool = False) -> Wording:
    """The templates for a scale and the form of a topic, in a language; {topic} is left to be filled.

    ``softer`` words answers without "not" and "never", for topics that have one already.
    """
    if scale.kind == "ends":
        return _ends(scale, language, with_topic=not softer)
    if scale.kind == "mentioned":
        return _both_sides(scale, _MENTIONED[language])
    if scale.kind == "like_me" and language == "en":
        return _like_me(scale, softer)
    if scale.kind == "agreement" and (agreement := _agreement(scale, _AGREEMENT[language])) is not None:
        return agreement
    if scale.kind == "two_statements" and language == "en":
        two = _agreement(scale, _TWO_STATEMENTS)
        if two is not None:
            return two
    frame = _ASKED[language] if is_question(topic) else _SAY[language]
    refined = tuple((a.codes, _said(frame.answer, a.label, softer)) for a in scale.answers)
    groups = _side_groups(scale)
    if len(groups) == len(scale.answers) or len(groups) < 2:
        return Wording(frame.asks, refined, None)
    polar = tuple((_codes(group), _polar(scale.kind, group, frame, language, softer)) for group in groups)
    return Wording(frame.asks, polar, refined)


def _polar(kind: str, group: Sequence[Answer], frame: Frame, language: Language, softer: bool) -> str:
    if language == "en" and kind in _SIDES_EN and len(group) > 1:
        predicate = _SIDES_EN[kind][group[0].side + 1]
        start = 'Asked "{topic}", ' if frame is _ASKED["en"] else 'On "{topic}", '
        if frame is not _ASKED["en"] and not (softer and re.search(r"\bnot\b", predicate)):
            return f"{start}{predicate}."
    comma, last, _ = _OR[language]
    negated = sum(words.NEGATION.search(answer.label.lower()) is not None for answer in group)
    labels = [_soft(answer.label) if softer or negated > 1 else answer.label for answer in group]
    joined = last.join([comma.join(labels[:-1]), labels[-1]]) if len(labels) > 1 else labels[0]
    return frame.answer.replace("{answer}", joined)


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
    polar = tuple((_codes(group), frame.sides[group[0].side + 1].replace("{degree}", "")) for group in groups)
    return Wording(frame.asks, polar, tuple(refined))


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
    frame, near = _ENDS[language]
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
