"""What demographics are called, asked and said in Spanish and French; English ones are in ``roles``."""

from indievalue.survey.draft.metadata import Language

_NAMES = (
    "sex", "age", "education", "marital_status", "employment", "occupation", "income", "religion", "region",
    "settlement", "ethnicity", "home_language", "born_here", "citizen", "class", "children", "party", "country",
)  # fmt: skip

_NOUNS: dict[Language, tuple[str, ...]] = {
    "es": (
        "sexo", "edad", "nivel de estudios", "estado civil", "situación laboral", "ocupación", "ingresos del hogar",
        "religión", "región", "lugar de residencia", "grupo étnico", "lengua en casa", "lugar de nacimiento",
        "nacionalidad", "clase social", "número de hijos", "partido", "país",
    ),
    "fr": (
        "sexe", "âge", "niveau d'études", "situation matrimoniale", "situation d'emploi", "profession",
        "revenus du ménage", "religion", "région", "lieu de résidence", "groupe ethnique", "langue à la maison",
        "lieu de naissance", "nationalité", "classe sociale", "nombre d'enfants", "parti", "pays",
    ),
}  # fmt: skip

_TEMPLATES: dict[Language, tuple[str, str]] = {
    "es": ("¿Cuál es su respuesta sobre «{noun}»?", "Si me preguntan «{noun}», respondo «{group}»."),
    "fr": ("Quelle est votre réponse sur « {noun} » ?", "Si l'on me demande « {noun} », je réponds « {group} »."),
}

AGES: dict[Language, tuple[str, str, str, str]] = {
    "en": ("under 30", "30 to 44", "45 to 59", "60 or more"),
    "es": ("menos de 30 años", "de 30 a 44 años", "de 45 a 59 años", "60 años o más"),
    "fr": ("moins de 30 ans", "de 30 à 44 ans", "de 45 à 59 ans", "60 ans ou plus"),
}
"""Labels of four groups of ages."""


def translated(name: str, asks: str, statement: str, language: Language) -> tuple[str, str]:
    """What is asked and said of the demographic ``name``; in English as given."""
    if language == "en":
        return asks, statement
    noun = _NOUNS[language][_NAMES.index(name)]
    asks, statement = _TEMPLATES[language]
    return asks.replace("{noun}", noun), statement.replace("{noun}", noun)
