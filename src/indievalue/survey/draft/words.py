"""The words by which scales, missing answers and degrees are recognised, in English, Spanish and French.

All labels are compared in lower case, with typographic apostrophes made plain.
"""

import re

MISSING = re.compile(
    r"^\(?(dk|dk/na|na|n/a|n\.? ?s|n\.? ?c|n\.? ?r|nsp|n\.?s\.? ?/ ?n\.?[cr]|nsp/nr|rf|ref|sr|missing|iap)\.?\)?$"
    r"|\b(don'?t know|do not know|refus\w*|no answer|not applicable|inapplicable|not asked|not ascertained"
    r"|missing|not available|can'?t choose|cannot choose|can'?t say|no response|did not answer|skipped|not stated"
    r"|haven'?t heard|haven'?t thought|never heard|don'?t understand"
    r"|do not understand( the)? question|no post-election|not reached|not determined"
    r"|item nonresponse|unit nonresponse|breakoff|sufficient partial|can'?t determine|no data|dk/ref\w*"
    r"|no sabe|no contesta|no responde|no aplica|sin respuesta|rehus\w*|se niega|no procede|no corresponde|sin dato"
    r"|no preguntad[oa]|no recuerda"
    r"|ne sai[ts] pas|sans r[ée]ponse|non[- ]r[ée]ponse|ne r[ée]pond pas|sans objet|non concern[ée]e?"
    r"|pas de r[ée]ponse"
    r"|non pos[ée]e?|manquante?|ne veut pas r[ée]pondre|ne se prononce pas)\b"
)
"""Labels of codes that are no answer."""

KINDS: dict[str, tuple[str, str]] = {
    # kind: (words of its positive side, words of its negative side)
    "like_me": (
        r"\b(like me|characteristic of me|describes me|true of me|se parece a m[íi]|me ressemble)\b",
        r"\b(uncharacteristic of me|unlike me)\b",
    ),
    "agreement": (
        r"\b(agrees?|de acuerdo|d'accord)\b",
        r"\b(disagrees?|en desacuerdo|desacuerdo|pas d'accord|en d[ée]saccord)\b",
    ),
    "approval": (r"\b(approves?|aprueba|approuve)\b", r"\b(disapproves?|desaprueba|d[ée]sapprouve)\b"),
    "favor": (
        r"\b(favou?rs?|in favou?r|supports?|a favor|favorable|pour)\b",
        r"\b(opposes?|opposed|against|en contra|contre|oppos[ée]e?|d[ée]favorable)\b",
    ),
    "satisfaction": (
        r"\b(satisfied|satisfech[oa]s?|satisfaite?s?)\b",
        r"\b(dissatisfied|unsatisfied|insatisfech[oa]s?|insatisfaite?s?|m[ée]contente?s?)\b",
    ),
    "importance": (
        r"\b(important|importance|priority|importante|essential|prioritaire|prioridad|priorit[ée])\b",
        r"\b(unimportant|should not be done|sin importancia)\b",
    ),
    "likelihood": (
        r"\b(likely|probable|probably|definitely|certainly|vraisemblable|probablement|probablemente|seguramente)\b",
        r"\b(unlikely|improbable|invraisemblable)\b",
    ),
    "willingness": (r"\bwilling\b", r"\bunwilling\b"),
    "trust": (
        r"\b(trusts?|confidence|confianza|conf[íi]a|confiance|conf[íi]o)\b",
        r"\b(distrusts?|mistrusts?|desconfianza|desconf[íi]a|m[ée]fiance|m[ée]fie)\b",
    ),
    "justification": (
        r"\b(justifi\w+|acceptable|aceptable|right)\b",
        r"\b(wrong|unacceptable|unjustifi\w+|inaceptable|injustifi\w+|punishable)\b",
    ),
    "truth": (r"\b(true|verdadero|cierto|vrai)\b", r"\b(false|falso|faux)\b"),
    "affect": (r"\b(likes?|me gusta|aime)\b", r"\b(dislikes?|disgusta|d[ée]teste)\b"),
    "interest": (r"\b(interested|interesad[oa]|interesa|int[ée]ress[ée]e?)\b", r"\b(uninterested|desinteresad[oa])\b"),
    "worry": (
        r"\b(worried|concerned|afraid|preocupad[oa]|preocupa|inqui[eè]te?|pr[ée]occup[ée]e?)\b",
        r"\b(unworried|unconcerned)\b",
    ),
    "happiness": (r"\b(happy|feliz|heureu(x|se))\b", r"\b(unhappy|infeliz|malheureu(x|se))\b"),
    "safety": (r"\b(safe|segur[oa]|en s[ée]curit[ée])\b", r"\b(unsafe|insegur[oa]|dangerous|peligroso)\b"),
    "ease": (r"\b(easy|easier|f[áa]cil|facile)\b", r"\b(difficult|hard|harder|dif[íi]cil|difficile)\b"),
    "closeness": (r"\b(close|closer|cercan[oa]|cerca|proche)\b", r"\b(distant|lejan[oa]|lejos|[ée]loign[ée]e?)\b"),
    "pride": (r"\b(proud|orgullos[oa]|fi[eè]re?)\b", r"\b(ashamed)\b"),
    "confidence": (r"\b(confident|able|capaz|capable)\b", r"\b(unable|incapaz|incapable)\b"),
    "optimism": (r"\b(optimistic|optimista|optimiste)\b", r"\b(pessimistic|pesimista|pessimiste)\b"),
    "liberal": (r"\b(conservative|conservador|conservateur)\b", r"\b(liberal|progresista|progressiste)\b"),
    "change": (
        r"\b(better|improved?|more|increased?|grow|grown|larger|stronger|mejor(es)?|m[áa]s|meilleure?s?|mieux"
        r"|plus(?! mauvais)|aument\w+|augment\w+)\b",
        r"\b(worse|less|fewer|decreased?|reduced?|smaller|weaker|peor(es)?|menos"
        r"|pires?|plus mauvais\w*|moins|disminu\w+|diminu\w+)\b",
    ),
    "enough": (
        r"\btoo (much|many)\b|\bdemasiad[oa]s?\b(?! poc)|\btrop\b(?! peu)",
        r"\btoo (little|few)\b|\btrop peu\b|\bmuy poco\b|\bdemasiado poco\b"
        r"|\bnot enough\b|\bpas assez\b|\bno (lo )?suficiente\b",
    ),
    "goodness": (
        r"\b(good|excellent|well|positive|buen[oa]?|bien|bon(?:ne)?s?|excelente|positiv[oa]|positif|positive)\b",
        r"\b(bad|badly|poor|poorly|negative|terrible|mal[oa]?|negativ[oa]|mauvaise?s?|n[ée]gatif|n[ée]gative)\b",
    ),
    "fairness": (r"\b(fair|fairly|just[oa]s?)\b", r"\b(unfair|unfairly|injust[oa]s?|injustes?)\b"),
    "religion": (r"\b(religious|religios[oa]|religieu(x|se)|spiritual)\b", r"\b(irreligious|atheist)\b"),
    "problem": (r"\b(problem|problema|probl[eè]me|dangerous|serious|grave)\b", r"(?!x)x"),
    "freedom": (r"\b(free|libre|freedom)\b", r"\b(unfree)\b"),
    "attachment": (r"\b(attached|strong|strongly|extremely|moderately)\b", r"\b(weak)\b"),
    "happening": (r"\b(will|would|happen|allowed?|should)\b", r"(?!x)x"),
}
"""Kinds of scales whose labels name a side; the first that fits all labels counts."""

FREQUENCY = (
    (0.0, r"\b(never|at no time|nunca|jam[áa]s|jamais)\b"),
    (0.1, r"\b(almost never|hardly ever|less than once a year|casi nunca|presque jamais|less often)\b"),
    (
        0.25,
        (
            r"\b(rarely|seldom|less than once a month|once a year|rara vez|raramente|rarement|(just "
            r"|only )?once|once or twice|une ou deux fois|una o dos veces|just once or twice|only once|one or two)\b"
        ),
    ),
    (
        0.55,
        (
            r"\b(sometimes|occasionally|only sometimes|some of the time|a few times|half the time"
            r"|half of the time|several times|once a month|times a month|times a year|twice a year"
            r"|algunas veces|quelques fois|certaines fois|a veces|parfois"
            r"|occasionnellement|ocasionalmente|plusieurs fois|varias veces|quelquefois"
            r"|de vez en cuando|de temps en temps|holy days"
            r"|holidays)\b"
        ),
    ),
    (
        0.8,
        (
            r"\b(often|frequently|most of the time|mostly|usually|many times|weekly|once a week|twice a week"
            r"|times a week|nearly every week|every week|a menudo|con frecuencia|frecuentemente|muchas veces"
            r"|souvent|fr[ée]quemment|la mayor parte del tiempo|la plupart du temps)\b"
        ),
    ),
    (
        0.95,
        (
            r"\b(always|very often|all of the time|all the time|daily|every day|almost every day|siempre"
            r"|muy a menudo|todos los d[íi]as|cada d[íi]a|toujours|tr[eè]s souvent|tous les jours|constantly"
            r"|almost always)\b"
        ),
    ),
)
"""How often, from never to always; of several patterns that fit a label, the longest match counts."""

AMOUNT = (
    (
        0.0,
        (
            r"\bnone\b|^(none|none of them|no|nothing|zero|not at all|none at all|no one|ninguno|ninguna|nada|aucune?"
            r"|rien|pas du tout|no trust|not)\b|\b(not at all|at all|en absoluto)\b"
        ),
    ),
    (
        0.25,
        (
            r"\b(a little|a little bit|just a little|very little|little|hardly any|only a few|few|not much"
            r"|not very much|slightly|poc[oa]s?|un peu|peu|pas beaucoup|minor|once)\b"
        ),
    ),
    (
        0.6,
        (
            r"\b(some|somewhat|only some|some of them|several|a moderate amount|moderately|algo|algun[oa]s"
            r"|quelques-un(e)?s|certains?|certaines|quelque peu|quelques"
            r"|moyennement|partiellement|parcialmente|a fair amount|to some extent|half)\b"
        ),
    ),
    (
        0.8,
        (
            r"\b(a lot|quite a lot|quite a bit|most|most of them|many|much|fairly|bastante|assez|la plupart"
            r"|la mayor[íi]a|pretty|major|plut[ôo]t)\b"
        ),
    ),
    (
        1.0,
        (
            r"\b(a great deal|very much|all|all of them|complete|completely|extremely|everything|much[oa]s?"
            r"|much[íi]simo|todos|beaucoup|[ée]norm[ée]ment|tous|a good many|very|tout [àa] fait)\b"
        ),
    ),
)
"""How much, from nothing to all."""

STRONG = re.compile(
    r"\b(very|strongly|strong|extremely|completely|fully|definitely|absolutely|totally|entirely|much|far|major|top"
    r"|a great deal|great|certainly|always|muy|totalmente|completamente|mucho|muchísimo|tr[eè]s"
    r"|tout [àa] fait|totalement"
    r"|enti[eè]rement|fortement|beaucoup|excellent)\b"
)
WEAK = re.compile(
    r"\b(somewhat|slightly|a little|a bit|fairly|rather|moderately|probably|tend to|minor|quite|pretty|mostly|weakly"
    r"|algo|m[áa]s bien|bastante|un poco|plut[ôo]t|assez|un peu)\b"
)
LITTLE = re.compile(r"\b(a little|slightly|only a little|un poco|un peu)\b")
SCANT = re.compile(r"\b(hardly|poco|poca|peu|low|lower|little)\b")
NONE_AT_ALL = re.compile(r"\b(not at all|at all|nada|ningun[oa]?|en absoluto|pas du tout|aucunement|aucune?)\b")
NEGATION = re.compile(
    r"\b(not|no|never|none|cannot|hasn't|isn't|won't|nada|ningun[oa]?|nunca|pas|aucune?|jamais|non)\b|n't\b"
)
NEUTRAL = re.compile(
    r"\bneither\b|\bni\b.*\bni\b|\b(neutral|undecided|about the same|the same|stayed? the same"
    r"|kept the same|no change"
    r"|same|about right|right amount|just about right|in the middle|middle of the road|uncertain"
    r"|unsure|average|it depends|equal"
    r"|no difference|no effect|moderate|indeciso|igual(es)?|pareil(le)?s?|identiques?|lo justo"
    r"|ce qu'il faut|suficiente|depende|neutre|neutro"
    r"|(hard|difficult) to say|dif[íi]cil (de )?decir|difficile [àa] dire"
    r"|inchang[ée]e?s?|sin cambios?|indiff[ée]rente?|would not care|both)\b"
)

UNDECIDED = re.compile(r"\b((hard|difficult) to say|dif[íi]cil (de )?decir|difficile [àa] dire|it depends|depende)\b")
"""Labels in the middle of a scale of agreement that do not say neither."""

YES = re.compile(r"^(yes|s[íi]|oui|true|agree)\b")
NO = re.compile(r"^(no|non)\b")
NOT_MENTIONED = re.compile(
    r"^(not (mentioned|marked|selected|chosen|checked|named)|no mencion\w*|no marcad\w*|no señalad\w*"
    r"|non cit[ée]e?|pas cit[ée]e?|non mentionn[ée]e?)$"
)
MENTIONED = re.compile(
    r"^(mentioned|marked|selected|chosen|checked|named|menciona\w*|marcad\w*|señalad\w*|cit[ée]e?|mentionn[ée]e?)$"
)

_UNITS = (
    (365.0, r"(days?|d[íi]as?|jours?)|daily"),
    (52.0, r"(weeks?|semanas?|semaines?)|weekly"),
    (12.0, r"(months?|mes(es)?|mois)|monthly"),
    (1.0, r"(years?|a[ñn]os?|an|ann[ée]es?)|yearly"),
)
_COUNTS = (
    (1.5, r"once or twice|una o dos veces|une ou deux fois|one or two times"),
    (2.0, r"twice|dos veces|deux fois"),
    (1.0, r"once|una vez|une fois|every|each|cada|todos los|tous les|chaque|daily|weekly|monthly|yearly"),
    (3.0, r"a few times|algunas veces|quelques fois"),
    (4.0, r"several|varias|plusieurs|many times|muchas"),
)


SELDOM = re.compile(r"\b(less often|less frequently|seldom|rarely|menos frecuen\w+|rara vez|moins souvent|rarement)\b")


def times_a_year(text: str) -> float | None:
    """How often in a year a label says, such as ``2-3 times a month``; None where it names no number and period."""
    if re.match(r"(never|not at all|nunca|jam[áa]s|jamais)\b", text):
        return 0.0
    unit = next((times for times, word in _UNITS if re.search(rf"\b({word})\b", text)), None)
    if unit is None:
        return None
    numbers = [float(number) for number in re.findall(r"\d+", text)]
    count = next((times for times, word in _COUNTS if re.search(rf"\b({word})\b", text)), None)
    if numbers:
        count = sum(numbers[:2]) / len(numbers[:2])
    if count is None:
        return None
    if re.search(r"\b(less|menos|moins)\b", text):
        count *= 0.6
    elif re.search(r"\b(nearly|almost|casi|presque)\b", text):
        count *= 0.9
    elif re.search(r"\b(more|m[áa]s|plus)\b", text):
        count *= 1.5
    return unit * count
