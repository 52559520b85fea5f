"""Guesses what a column is: an attitude item, a demographic, the weight, the country, the id, or none of these."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from indievalue.survey.draft import words
from indievalue.survey.draft.labels import Scale, plain
from indievalue.survey.draft.metadata import Column
from indievalue.survey.draft.scales import MOST_LABELS, scale_of

Role = Literal["attitude", "demographic", "weight", "country", "id", "left out"]

_SAMPLE, _TEXT = "about the sample", "text of an answer"

_TECHNICAL = (
    (r"\b(interviewer|enqu[êe]teur|enquêtrice|encuestador|entrevistador)", "about the interview"),
    (
        r"\b(date of|time (interview )?(started|ended)|start time|end time|interview (started|ended)"
        r"|length of interview"
        r"|duration|number of calls|unsuccessful call|reason for unsuccessful|mode of interview"
        r"|language of (interview|survey)"
        r"|device type|consent|this interview|fecha de|hora de|date d'entretien|heure de"
        r"|recording|contact attempt|respondent (friendly|interested|cooperative|patient|at ease|honest)"
        r"|check with others|others present|influence by others|survey sponsor|understanding of the questions"
        r"|proportion difficulty|elapse|screen ?size|approached by community|feel threatened|physically threatened"
        r"|present during|type of structure|dwelling type)",
        "about the interview",
    ),
    (
        r"\b(psu|psu/ea|strat[ua]m?|sampling|sample|primary sampling|ballot|split ballot"
        r"|administration of|form value"
        r"|edition|title of dataset|essround|ess round|production date|enumeration area|cluster|variance"
        r"|panel form|filter variable"
        r"|post-?stratification|belt ?code|design effect|record(ed)?|restricted|conglomerado|unidad primaria|grappe)\b",
        _SAMPLE,
    ),
    (r"\b(verbatim|other specify|specify\b|open[- ]end|redacted|coded)", _TEXT),
    (
        r"(person in (the )?household|in household: (first|second|third|fourth|fifth|sixth)"
        r"|member of (the )?household \d"
        r"|household (member )?\d|(second|third|fourth|fifth|sixth|seventh|eighth|ninth"
        r"|tenth)( and)? .*person|roof of|type of shelter"
        r"|head of household|chef de m[ée]nage|jefe de(l)? hogar|correct answer|incorrect)",
        "about the household",
    ),
)

_ABOUT_OTHERS = re.compile(
    r"\b(partner|husband|wife|spouse|father|mother|parents?|conjoint|p[èe]re|m[èe]re|padre|madre"
    r"|c[óo]nyuge|when respondent 14)('s)?\b"
)

_ANY_FACT = ("other", "yes_no", "mentioned", "amount", "attachment", "change", "closeness", "happening")
"""Kinds of scales that facts may have as well as opinions."""

_FACT = re.compile(
    r"^(q\w+\. )?(which letter|own|ever (lived|had|been|married|given|unemployed)|are or ever been|year"
    r"|doing last 7 days|partner|father|mother"
    r"|number of|any period|paid (work|employment)|employment relation|employer of|establishment size"
    r"|in any job|relationship with"
    r"|responsible for supervising|electric|other source of electricity|source of water"
    r"|location of toilet|mobile phone access"
    r"|other spoken languages|member of trade union|respondent's main source|have any great grand"
    r"|what type of organisation|have a set|allowed to decide how daily|road surface"
    r"|religion or denomination belonging to in)\b"
    r"|\b(household|in paid work|spouse's|last 7 days)\b"
)

_RATED = re.compile(
    r"\b(r|respondent)'?s? (grooming|(physical )?attractiveness|understanding of (the )?questions|weight|health) rating"
    r"|\b(r|respondent)'?s? understanding of (the )?questions|\binterviewer'?s? (rating|assessment|impression)"
)
"""What interviewers say of the people that they asked."""

_TESTED = re.compile(r"^(in)?correct( answer)?$|^(respuesta |r[ée]ponse )(in)?correct[ae]$|^(right|wrong) answer$")
"""Labels of answers that are right or wrong."""

_WEIGHT = re.compile(r"\b(weight\w*|weighting|ponderaci[óo]n|pond[ée]ration|factor de expansi[óo]n|poids|peso)\b")
_WEIGHT_NAME = re.compile(
    r"(^|_)(w(eigh)?t\w*|\w*weight\w*|pspwght|dweight|anweight|wtss\w*|\w+wgh?t|ponde?r\w*|poids|peso)(_|$|\d)"
)
_ID = re.compile(
    r"\b(id|identification|identifier|identifiant|identificador|respondent number"
    r"|questionnaire number|case ?id|folio)\b"
)
_ID_NAME = re.compile(
    r"^(id|idno|respid|respno|caseid|case_id|resp_id|qkey|uuid|serial|folio|ident\w*|person_?id|v160001\w*)$"
)
_COUNTRY = re.compile(
    r"^(country|pa[íi]s|pays)( \(?code\)?| of (residence|interview|survey))?$|\b(country code"
    r"|country of residence|iso code)\b"
)
_COUNTRY_NAME = re.compile(r"^(c_?ntry|cntry|country|b_country|pais|pays|iso\w*|countrycode)$")


@dataclass(frozen=True)
class Kind:
    """A kind of demographic: how it is recognised, what it is called and asked, and the template of its statement."""

    name: str
    label: str
    column: str
    asks: str
    statement: str


DEMOGRAPHICS = (
    Kind(
        "sex",
        r"^(sex|gender|sexo|g[ée]nero|sexe|genre)( .{0,14})?$|\b(respondent'?s? sex|(gender|sex|sexo"
        r"|sexe) (of respondent|del encuestado|du r[ée]pondant)|self-identified gender|what is your (sex"
        r"|gender))\b",
        r"^(sex|gender|gndr|sexo|sexe|genre|f_sex\w*)$",
        "What is your sex?",
        "My sex is {group}.",
    ),
    Kind(
        "age",
        r"^(q\w*\.? )?(age|edad|[âa]ge)( of respondent|,.*)?$|\b(respondent'?s? age|age category"
        r"|age group|age, calculated|age of respondent|edad del|[âa]ge du|how old are you|years old"
        r"|quel [âa]ge|qu[ée] edad|cu[áa]ntos a[ñn]os"
        r"|tranche d'[âa]ge|grupos? de edad)\b",
        r"^(age|agea|edad|f_agecat\w*|age_?\w{0,3})$",
        "How old are you?",
        "My age is {group}.",
    ),
    Kind(
        "education",
        r"^education( of respondent| level.*)?$|\b(education(al)? (level|attainment|category)|highest (degree|level)"
        r"|years of (full-time )?(education|school)|respondent'?s (degree|education)|education of respondent"
        r"|nivel (de estudios|educativo)|estudios|niveau d'([ée]tudes|[ée]ducation|instruction)"
        r"|dipl[ôo]me|escolaridad)\b",
        r"^(educ\w*|eisced|edulvl\w*|degree|f_educcat\w*|education)$",
        "What is your highest level of education?",
        'My highest level of education is "{group}".',
    ),
    Kind(
        "marital_status",
        r"\b(marital|legal marital|estado civil|situation (matrimoniale|familiale)|[ée]tat civil|married, widowed)\b",
        r"^(marital\w*|maritalb|f_marital)$",
        "What is your marital status?",
        'My marital status is "{group}".',
    ),
    Kind(
        "employment",
        r"\b(employment status|main activity|labou?r force status|situaci[óo]n laboral"
        r"|situation professionnelle|statut d'emploi|employment situation|ocupaci[óo]n actual)\b",
        r"^(mnactic|wrkstat|employ\w*)$",
        "What is your employment status?",
        'My employment status is "{group}".',
    ),
    Kind(
        "occupation",
        r"^(q\w*\.? )?(occupation|profession|ocupaci[óo]n)( of respondent)?\b",
        r"^(occup\w*|isco\w*)$",
        "What is your occupation?",
        'My occupation is "{group}".',
    ),
    Kind(
        "income",
        r"\b(household'?s? (total )?(net )?income|family income|total family income|income (summary|group"
        r"|level|decile)|ingresos|revenus?|tramo de renta)\b",
        r"^(hinctnta|income\w*|f_income\w*|realinc)$",
        "What is the income of your household?",
        'The income of my household is "{group}".',
    ),
    Kind(
        "religion",
        r"\b(religion (or denomination belonging to at present|of respondent)|religious (preference"
        r"|denomination|affiliation)|religi[óo]n (del|de la persona)|quelle est votre religion"
        r"|confession)\b|^(religion|religi[óo]n|denomination)$",
        r"^(rlgdnm|relig|religion|f_relig|denom)$",
        "What is your religion?",
        'My religion is "{group}".',
    ),
    Kind(
        "region",
        r"^(province or )?(region|province|regi[óo]n|r[ée]gion|provincia|departamento"
        r"|comunidad aut[óo]noma)\b|\b(census region|region of interview|r[ée]gion de)\b",
        r"^(region|f_cregion|province|reg|provincia)$",
        "In which region do you live?",
        'My region is "{group}".',
    ),
    Kind(
        "settlement",
        r"\b(urban or rural|urban/rural|domicile|metropolitan area|type of (community|settlement)"
        r"|size of (town|place)|tama[ñn]o (del? )?(municipio|h[áa]bitat|localidad)|milieu de r[ée]sidence"
        r"|h[áa]bitat|what type of area)\b",
        r"^(urbrur|domicil|f_metro|urban|size|habitat)$",
        "What kind of place do you live in?",
        'The place where I live is "{group}".',
    ),
    Kind(
        "ethnicity",
        r"^(race|ethnic(ity| group)|etnia|origine ethnique)\b|\b(race of respondent|respondent'?s? race|race-ethnicity"
        r"|combining race|self-identified race|(belong to|minority) ethnic group"
        r"|ethnic minority|race or ethnic group)\b",
        r"^(race\w*|ethnic\w*|f_racecmb|f_racethn)$",
        "What is your ethnic group?",
        'My ethnic group is "{group}".',
    ),
    Kind(
        "home_language",
        r"\b(language (most often )?spoken (in|at) (the )?home|home language|lengua (materna|en casa)"
        r"|langue parl[ée]e)\b",
        r"^(lnghom1|language)$",
        "What language do you speak at home?",
        "The language I speak at home is {group}.",
    ),
    Kind(
        "born_here",
        r"^(born in (the )?country|.*\bwere you born in this country|nativity\b.*|.*\bwhere were you born)",
        r"^(brncntr|born|f_nativity)$",
        "Were you born in the country where you live?",
        'My answer on being born in the country where I live is "{group}".',
    ),
    Kind(
        "citizen",
        r"^(citizen(ship)?( of country)?|nationalit[ée]|nacionalidad)$",
        r"^(ctzcntr|f_citizen|citizen)$",
        "Are you a citizen of the country where you live?",
        'My answer on citizenship is "{group}".',
    ),
    Kind(
        "class",
        r"\b(subjective (social )?class|social class|clase social|classe sociale)\b",
        r"^class$",
        "To which social class do you belong?",
        'My social class is "{group}".',
    ),
    Kind(
        "children",
        r"^(number of children|how many children|nombre d'enfants|n[úu]mero de hijos)\b",
        r"^childs$",
        "How many children do you have?",
        "The number of my children is {group}.",
    ),
    Kind(
        "party",
        r"\b(party (id|summary|identification|affiliation)|partido .* vot[óo]|which party (feel closer to"
        r"|voted)|party voted for|vote for which party|political party preference)\b|^(party|parti"
        r"|partido)$",
        r"^(partyid|f_party\w*)$",
        "Which political party do you side with?",
        'The party I side with is "{group}".',
    ),
)
"""Demographics in the order in which they are looked for; each is taken once."""

MOST_GROUPS = 60


@dataclass(frozen=True)
class Guess:
    """What a column is taken to be, with the reason; the scale of an attitude item, the kind of a demographic."""

    column: Column
    role: Role
    reason: str = ""
    scale: Scale | None = None
    kind: Kind | None = None


def guess_roles(columns: Sequence[Column], rows: int) -> list[Guess]:
    """What each column is."""
    return [_guess(column, rows) for column in columns]


def _guess(column: Column, rows: int) -> Guess:
    label, name = column.label.casefold().replace("’", "'").replace("_", " "), column.name.casefold()
    if column.distinct == 0:
        return Guess(column, "left out", "empty")
    own = not _ABOUT_OTHERS.search(label)
    if _may_weigh(column) and (_WEIGHT.search(label) or _WEIGHT_NAME.search(name)):
        return Guess(column, "weight")
    if _may_identify(column, label, name):
        return Guess(column, "id")
    if (_COUNTRY_NAME.search(name) or _COUNTRY.search(label)) and own:
        return Guess(column, "country")
    if column.distinct == 1:
        return Guess(column, "left out", "one answer only")
    scale = scale_of(column) if column.holds == "codes" else None
    opinion = scale is not None and scale.kind not in _ANY_FACT
    named = _demographic_kind(label, name, by_label=False) if own else None
    if _RATED.search(label):
        return Guess(column, "left out", "about the interview")
    if not opinion:
        for pattern, reason in _TECHNICAL:
            if reason == _TEXT and named is not None:
                continue
            if re.search(pattern, label) or (reason == _SAMPLE and re.match(r"ea_", name)):
                return Guess(column, "left out", reason)
    if own and (kind := _demographic_kind(label, name, by_label=not opinion)) is not None:
        return Guess(column, "demographic", kind=kind)
    if not opinion and _FACT.search(label):
        return Guess(column, "left out", "facts of life")
    if not opinion and words.MISSING.search(label.rpartition(":")[2].strip()):
        return Guess(column, "left out", "missing answers of a list")
    if scale is not None and any(_TESTED.search(plain(answer.label)) for answer in scale.answers):
        return Guess(column, "left out", "a test of knowledge")
    if scale is None or (column.distinct >= 0.9 * rows and rows > 30):
        return Guess(column, "left out", _why_no_scale(column))
    return Guess(column, "attitude", scale=scale)


def _may_identify(column: Column, label: str, name: str) -> bool:
    """Whether a column is the id of people: one for each, or numbers without labels that start over somewhere."""
    if column.filled < 2 or not (_ID_NAME.search(name) or _ID.search(label)):
        return False
    technical = any(re.search(pattern, label) for pattern, _ in _TECHNICAL)
    repeats = column.distinct > 1 and column.holds != "fractions" and not column.answers and not technical
    return column.distinct >= 0.98 * column.filled or repeats


def _may_weigh(column: Column) -> bool:
    numbers = column.holds == "fractions" or (column.holds in ("codes", "numbers") and not column.answers)
    return numbers and column.lowest >= 0


def _why_no_scale(column: Column) -> str:
    if column.holds != "codes":
        return {"text": "text", "fractions": "numbers with fractions"}.get(column.holds, "numbers")
    return "no labels" if not column.answers else f"no scale of 2 to {MOST_LABELS} labelled answers"


def _demographic_kind(label: str, name: str, *, by_label: bool) -> Kind | None:
    bare = re.sub(r"^[a-z]{0,8}[-_]?\d+[a-z0-9_]*[.:)]\s+", "", label)
    for kind in DEMOGRAPHICS:
        if re.search(kind.column, name):
            return kind
    if len(bare.split()) > 14 or not by_label:
        return None
    return next((kind for kind in DEMOGRAPHICS if re.search(kind.label, bare)), None)
