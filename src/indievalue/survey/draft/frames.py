"""The sentences of statements, in three languages. All of them are the project's own."""

from dataclasses import dataclass

from indievalue.survey.draft.metadata import Language


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


SAY: dict[Language, Frame] = {
    "en": Frame('What would you say on "{topic}"?', 'On "{topic}", I would say "{answer}".'),
    "es": Frame("¿Qué responde sobre «{topic}»?", "Si me preguntan por «{topic}», respondo «{answer}»."),
    "fr": Frame(
        "Que répondez-vous sur « {topic} » ?", "Si l'on me demande mon avis sur « {topic} », je réponds « {answer} »."
    ),
}
ASKED: dict[Language, Frame] = {
    "en": Frame("{topic}", 'Asked "{topic}", I answer "{answer}".'),
    "es": Frame("{topic}", "Si me preguntan «{topic}», respondo «{answer}»."),
    "fr": Frame("{topic}", "Si l'on me demande « {topic} », je réponds « {answer} »."),
}
OR: dict[Language, tuple[str, str, str]] = {
    "en": ('", "', '" or "', '"'),
    "es": ("», «", "» o «", "»"),
    "fr": (" », « ", " » ou « ", " »"),
}

AGREEMENT: dict[Language, Frame] = {
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

ENDS: dict[Language, tuple[Frame, tuple[str, str, str]]] = {
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

MENTIONED: dict[Language, Frame] = {
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

TWO_STATEMENTS = Frame(
    'Which side of "{topic}" do you agree with?',
    "",
    (
        'Of the two sides of "{topic}", I {degree}agree with the first.',
        'Of the two sides of "{topic}", I agree with neither.',
        'Of the two sides of "{topic}", I {degree}agree with the second.',
    ),
    ("", "very strongly "),
)

_SIDES: dict[Language, dict[str, tuple[str, str, str]]] = {
    "en": {
        "approval": ("I disapprove", "I neither approve nor disapprove", "I approve"),
        "favor": ("I am opposed", "I am neither in favor nor opposed", "I am in favor"),
        "satisfaction": ("I am dissatisfied", "I am neither satisfied nor dissatisfied", "I am satisfied"),
        "importance": (
            "I see this as of little importance",
            "I see this as of some importance",
            "I see this as important",
        ),
        "likelihood": ("I think this is unlikely", "I think this may go either way", "I think this is likely"),
        "willingness": ("I am unwilling", "I am neither willing nor unwilling", "I am willing"),
        "interest": ("I have little or no interest", "I have middling interest", "I am interested"),
        "worry": ("I worry little or not at all", "I worry to a middling degree", "I am worried"),
        "happiness": ("I am unhappy", "I am neither happy nor unhappy", "I am happy"),
        "fairness": ("I find this unfair", "I find this neither fair nor unfair", "I find this fair"),
        "thermometer": ("I feel cold rather than warm", "I feel neither warm nor cold", "I feel warm"),
    },
    "es": {
        "approval": ("lo desapruebo", "ni lo apruebo ni lo desapruebo", "lo apruebo"),
        "favor": ("estoy en contra", "no estoy ni a favor ni en contra", "estoy a favor"),
        "satisfaction": (
            "mi respuesta es de insatisfacción",
            "mi respuesta no es ni de satisfacción ni de insatisfacción",
            "mi respuesta es de satisfacción",
        ),
        "importance": ("le doy poca o ninguna importancia", "le doy cierta importancia", "le doy importancia"),
        "likelihood": ("lo veo poco probable", "lo veo incierto", "lo veo probable"),
        "interest": ("tengo poco o ningún interés", "tengo un interés mediano", "tengo interés"),
        "worry": ("me preocupa poco o nada", "me preocupa a medias", "me preocupa"),
        "trust": ("tengo poca o ninguna confianza", "tengo una confianza media", "tengo confianza"),
        "goodness": ("mi opinión es mala", "mi opinión no es ni buena ni mala", "mi opinión es buena"),
        "happiness": ("me declaro infeliz", "no me declaro ni feliz ni infeliz", "me declaro feliz"),
        "safety": ("veo inseguridad", "veo una seguridad mediana", "veo seguridad"),
        "thermometer": ("siento más frialdad que simpatía", "no siento ni frialdad ni simpatía", "siento simpatía"),
    },
    "fr": {
        "approval": ("je désapprouve", "je n'approuve ni ne désapprouve", "j'approuve"),
        "favor": ("je suis contre", "je ne suis ni pour ni contre", "je suis pour"),
        "satisfaction": (
            "ma réponse est plutôt l'insatisfaction",
            "ma réponse n'est ni la satisfaction ni l'insatisfaction",
            "ma réponse est plutôt la satisfaction",
        ),
        "importance": (
            "j'y attache peu ou pas d'importance",
            "j'y attache une certaine importance",
            "j'y attache de l'importance",
        ),
        "likelihood": ("cela me paraît peu probable", "cela me paraît incertain", "cela me paraît probable"),
        "interest": ("j'ai peu ou pas d'intérêt", "j'ai un intérêt moyen", "j'ai de l'intérêt"),
        "worry": ("cela m'inquiète peu ou pas", "cela m'inquiète moyennement", "cela m'inquiète"),
        "trust": ("j'ai peu ou pas confiance", "j'ai une confiance moyenne", "j'ai confiance"),
        "goodness": ("mon avis est mauvais", "mon avis n'est ni bon ni mauvais", "mon avis est bon"),
        "happiness": ("je ne me dis pas heureux", "je me dis entre les deux", "je me dis heureux"),
        "safety": ("je ressens de l'insécurité", "je ressens une sécurité moyenne", "je ressens de la sécurité"),
        "thermometer": (
            "j'éprouve plus de froideur que de sympathie",
            "je n'éprouve ni froideur ni sympathie",
            "j'éprouve de la sympathie",
        ),
    },
}
"""What all answers on one side say: negative, neutral and positive."""

INTRODUCED: dict[Language, tuple[str, str]] = {
    "en": ('On "{topic}", {said}.', 'Asked "{topic}", {said}.'),
    "es": ("Si me preguntan por «{topic}», {said}.", "Si me preguntan «{topic}», {said}."),
    "fr": ("Si l'on me demande mon avis sur « {topic} », {said}.", "Si l'on me demande « {topic} », {said}."),
}
"""How a statement begins on a topic, and on a question."""

SIDE_OF: dict[Language, str] = {
    "en": 'my answer is on the side of "{core}"',
    "es": "mi respuesta va en el sentido de «{core}»",
    "fr": "ma réponse va dans le sens de « {core} »",
}
"""What all answers say that differ in degree alone."""

BOUNDS: dict[Language, tuple[str, str]] = {
    "en": ('I would say "{answer}" at most', 'I would say at least "{answer}"'),
    "es": ("respondo «{answer}» como mucho", "respondo «{answer}» como mínimo"),
    "fr": ("je réponds tout au plus « {answer} »", "je réponds au moins « {answer} »"),
}
"""What all answers say that are little, and all that are much."""

REACH: dict[Language, tuple[str, str]] = {
    "en": ('my answer goes no further than "{answer}"', 'my answer is "{answer}" or goes further'),
    "es": ("mi respuesta no pasa de «{answer}»", "mi respuesta llega a «{answer}» o más allá"),
    "fr": ("ma réponse ne va pas au-delà de « {answer} »", "ma réponse va jusqu'à « {answer} » ou au-delà"),
}
"""The same, for labels that say at least or at most themselves."""

THERMOMETER: dict[Language, tuple[str, str, str, str, str]] = {
    "en": (
        "I feel very cold",
        "I feel rather cold",
        "I feel neither warm nor cold",
        "I feel rather warm",
        "I feel very warm",
    ),
    "es": (
        "siento mucha frialdad",
        "siento algo de frialdad",
        "no siento ni frialdad ni simpatía",
        "siento algo de simpatía",
        "siento mucha simpatía",
    ),
    "fr": (
        "j'éprouve beaucoup de froideur",
        "j'éprouve un peu de froideur",
        "je n'éprouve ni froideur ni sympathie",
        "j'éprouve un peu de sympathie",
        "j'éprouve beaucoup de sympathie",
    ),
}
"""Five feelings from coldest to warmest."""

RATING: dict[Language, tuple[str, str]] = {
    "en": ("I give a number from {low} to {high} out of {most}", "I give {low} out of {most}"),
    "es": ("doy una cifra de {low} a {high} sobre {most}", "doy {low} sobre {most}"),
    "fr": ("je donne une note de {low} à {high} sur {most}", "je donne {low} sur {most}"),
}
"""An answer of a scale whose ends nothing tells of."""


def sides_of(language: Language, kind: str) -> tuple[str, str, str] | None:
    """What all answers on the negative, neutral and positive side of a kind of scale say."""
    return _SIDES[language].get(kind)
