"""Shorthand of variable labels spelled out: abbreviations, R for the respondent, capitals, markers of half samples."""

import re

from indievalue.survey.draft.labels import without_capitals
from indievalue.survey.draft.metadata import Language

_EN = (
    (r"\bfed(?:eral|\.)? ?gov'?t?\b\.?", "federal government"),
    (r"\bgov'?t?\b\.?", "government"),
    (r"\bGov'?t\b\.?", "Government"),
    (r"\b[Pp]res Dem cand\b\.?", "Democratic presidential candidate"),
    (r"\b[Pp]res Rep cand\b\.?", "Republican presidential candidate"),
    (r"\b[Pp]res(?:idential)?\.? [Cc]and\b\.?", "presidential candidate"),
    (r"\bcand\b\.?", "candidate"),
    (r"\bPres\b\.?", "President"),
    (r"\bDems?\b\.?", "Democratic"),
    (r"\bReps?\b\.?(?! ?[a-z]*resent)", "Republican"),
    (r"\bw/o\b\s*", "without "),
    (r"\bw/\s*", "with "),
    (r"\bb/c\b", "because"),
    (r"\bbtwn?\b", "between"),
    (r"\bfreq\b\.?(?: of)?", "frequency of"),
    (r"\brelig\b\.?", "religious"),
    (r"\bsvcs?\b\.?", "services"),
    (r"\byrs\b\.?", "years"),
    (r"\bmos\b\.?", "months"),
    (r"\bhrs\b\.?", "hours"),
    (r"\battn\b\.?", "attention"),
    (r"\b(\d+) ?pt\b\.?", r"\1-point"),
    (r"\bdiscrim\b\.?", "discrimination"),
    (r"\binsur\b\.?", "insurance"),
    (r"\becon\b\.?", "economy"),
    (r"\b(self-)?pla?ce?me?n?t\b", r"\1placement"),
    (r"\bstrng\b\.?", "strength"),
    (r"\bpref\b\.?", "preference"),
    (r"\bappr\b\.?(?: (?=disappr))", "approve or "),
    (r"\bdisappr?\b\.?", "disapprove"),
    (r"\bforeign rel\b\.?", "foreign relations"),
    (r"\bvs\b\.?", "versus"),
    (r"\bWash\b\.?", "Washington"),
    (r"\bsci\b\.?", "science"),
    (r"\brsch\b\.?", "research"),
    (r"\benvir\b\.?", "the environment"),
    (r"\bconfid\b\.?", "confidence"),
    (r"\bexec\b\.?", "executive"),
    (r"\baff\b\.? action", "affirmative action"),
    (r"\b[Pp]ubl?\b\.?(?= )", "public"),
    (r"\bfavors?(?: or)? opposes?\b", "favor or oppose"),
    (r"\bnat'?l\b\.?", "national"),
    (r"\bint'?l\b\.?", "international"),
    (r"\borgs?\b\.?", "organizations"),
    (r"\bdepts?\b\.?", "departments"),
    (r"\beduc\b\.?", "education"),
    (r"\binfo\b", "information"),
    (r"\btech\b\.?", "technology"),
    (r"\bpol\b\.?", "political"),
    (r"\bmed\b\.?", "medical"),
    (r"\bhh\b", "household"),
    (r"\b(do|does|did|is|was|has|have|would|should|could|are)nt\b", r"\1n't"),
    (r"\bdiff between\b", "difference between"),
    (r"\bcompetetive\b", "competitive"),
    (r"\brecieve", "receive"),
    (r"\bprob(s?)\b", r"problem\1"),
    (r"\babt\b\.?", "about"),
    (r"\bpty\b\.?", "party"),
    (r"\bcands\b\.?", "candidates"),
    (r"\bpolit\b\.?", "political"),
    (r"\bopp\.? race", "opposite race"),
    (r"\bu\.s\.(?:a\.)?", "US"),
    (r"\bthe us\b", "the US"),
    (r"\bunited states\b", "United States"),
)
_ES = (
    (r"\bEE\.? ?UU\.?", "Estados Unidos"),
    (r"\b[Gg]ob\.", "gobierno"),
    (r"\b[Pp]dte\.", "presidente"),
    (r"\b[Pp]art\.? pol[íi]t\.?", "partidos políticos"),
    (r"\bp\. ?ej\.", "por ejemplo"),
    (r"\b[Nn]ac\.", "nacional"),
)
_FR = (
    (r"\b[Gg](?:ou)?vt\b\.?", "gouvernement"),
    (r"\b[Nn]b\b\.?(?: de)?", "nombre de"),
    (r"\b[Qq]qn\b", "quelqu'un"),
    (r"\b[Qq]qch\b", "quelque chose"),
    (r"\b[Pp]dt\b\.?", "président"),
    (r"\bp\. ?ex\.", "par exemple"),
)
_SPELLED: dict[Language, tuple[tuple[str, str], ...]] = {"en": _EN, "es": _ES, "fr": _FR}

_NAMES = re.compile(
    r"\b(i|i'm|i've|i'd|i'll|god(?='s|\b)|jesus|bible|america\w*|american\w*|english|spanish|chinese|china|muslims?"
    r"|christians?|christianity|jews?|jewish|catholics?|protestants?|hindus?|buddhists?|hispanics?|asians?|africans?"
    r"|europe|european|congress|internet|africa)\b"
)

_HALF_MARK = re.compile(
    r"\s*[.,]?\s*[-–(\[]*\s*\b(?:SPLIT BALLOT|split ballot|version [a-zA-Z0-9]|VERSION \d?[A-Z]?|[Ff]orm [A-F1-9]"
    r"|recoded?)\b[)\]]*\.?\s*$"
)
_ORDINAL = re.compile(r"\s*\((?:\d+(?:st|nd|rd|th)|\d+(?:er|e|[èe]me|º|ª)|first|second|third)\)")
_STAGE = re.compile(r"^(?:STD|REV|CSES|DHS|SSQ|PRE|POST|CASI|VERSION \d?[A-Z]?)\b(?: placement)?\s*[:\-–]?\s*")

_AUX = {"does": "do", "do": "do", "did": "did", "is": "are", "are": "are", "was": "were", "has": "have", "had": "had"}
_AUX |= {word: word for word in ("have", "would", "should", "will", "can", "could")}
_R = r"(?:R\.?|r|[Tt]he respondent|[Rr]espondent)(?![\w'/.&-])"
_ASKS_R = re.compile(rf"\b({'|'.join(_AUX)})\s+{_R}", re.IGNORECASE)
_R_DOES = re.compile(rf"(?<![\w'/.&-]){_R}(\s+(?:also|ever|often|usually|personally|currently|always)\b)?\s+([a-z]+)\b")
_AFTER_OBJECT = r"(?= (?:about|for|to|with|by|in|on|at|from|if|when|that|or|and|as)\b|\s*[?.,;:)]|\s*$)"
_R_OBJECT = re.compile(rf"(?<=[a-z]) {_R}{_AFTER_OBJECT}")
_R_ALONE = re.compile(rf"(?<![\w'/.&-]){_R}")
_BASE = re.compile(
    r"favor|oppose|be|been|can|could|did|do|ever|feel|felt|find|get|go|got|had|have|heard|hold|know|like|lived?|look|made?|make|may"
    r"|talk|contribute|attend|wear|display|sign|join|give|gave|discuss|consider|intend|choose|chose|receive|own|belong"
    r"|might|must|need|never|often|read|saw|see|should|spend|spoke|take|think|thought|trust|used?|voted?|want|was|watch"
    r"|were|will|worked|would"
)
"""Verbs in forms that do not end in s."""

_INVOLVED = re.compile(r"\bI ((?!voted|lived|worked|believed|participated|used)[a-z]+ed) (in|with|by|as|about)\b")
_IRREGULAR = {"is": "am", "has": "have", "does": "do", "goes": "go", "was": "was", "are": "am"}

_JUDGED_BY = re.compile(
    r"(?<!\babout)(?<!\bof)(?<!\bfor)(?<!\bthe)(?<!\bby)(?<!\bdoes)"
    r"(?:\s+scale)?\s*[:-]?\s+(self-placement|(?:Democratic|Republican) (?:presidential candidate|party))$"
)

_OPENS = re.compile(
    r"^(?:(?:how|what|which|who|why|where|when)\b(?: (?!I\b|R\b)[\w'-]+)? )?"
    r"(?:do|does|did|is|are|was|were|has|have|had|would|should|will|can|could) (?!not\b|hire\b|be\b|have\b)\w"
    r"|^(?:how|what|which|who|why|where|when)\b(?: [\w'-]+){2,4} (?:do|does|did|are|have|would|should|will|can|could) "
    r"(?:you|we|they|people|most)\b",
    re.IGNORECASE,
)


def spelled_out(label: str, language: Language) -> str:
    """A label without shorthand, as a question where it is one."""
    text = _ORDINAL.sub("", _HALF_MARK.sub("", _STAGE.sub("", label)))
    text = without_capitals(text)
    for pattern, instead in _SPELLED[language]:
        text = re.sub(pattern, instead, text)
    if language == "en":
        text = _in_first_person(text)
        text = _INVOLVED.sub(r"I am \1 \2", text)
        text = re.sub(r"^\d+-point scale:?\s*(\w)", lambda first: first[1].upper(), text)
        text = _JUDGED_BY.sub(r": \1", text).replace(" candidate trait ", " candidate: ")
        if not re.search(r"[A-Z]{2}", text) or text == text.lower():
            text = _NAMES.sub(lambda name: name[0][0].upper() + name[0][1:], text)
        text = re.sub(r"\bx s\b", "X's", text)
        text = re.sub(r"\b([A-Za-z]{3,}) s\b", r"\1's", text)
        text = re.sub(r"\bx\b", "X", text)
        if _OPENS.match(text) and not re.search(r"[?!:…]", text):
            text = f"{text.rstrip('. ')}?"
    text = " ".join(text.split())
    return text[:1].upper() + text[1:] if label[:1].isupper() else text


def spelled_label(text: str, language: Language) -> str:
    """A label of an answer without abbreviations."""
    spelled = text
    for pattern, instead in _SPELLED[language]:
        spelled = re.sub(pattern, instead, spelled)
    if language == "en":
        spelled = re.sub(r"\bi\b(?=[' ]|$)", "I", spelled)
        spelled = _NAMES.sub(lambda name: name[0][0].upper() + name[0][1:], spelled) if text.islower() else spelled
    return spelled[:1].upper() + spelled[1:] if text[:1].isupper() else spelled


def is_shorthand(text: str) -> bool:
    """Whether a label still has words that nobody would say, such as abbreviations without vowels."""
    words = re.findall(r"(?<![\w'’])[a-zA-Z]{3,}(?![\w'’])", text)
    odd = [word for word in words if not re.search(r"[aeiouyAEIOUY]", word) and not re.fullmatch(r"[A-Z]+s?", word)]
    return bool(odd) or re.search(r"\b[a-z]+/[a-z]+/[a-z]+|\b(?:Rs?|iwr|resp)\b(?!')", text) is not None


def _in_first_person(text: str) -> str:
    """R and the respondent as the one who speaks, or as the one who is asked where the label is a question."""
    asked = _ASKS_R.search(text)
    if asked is not None:
        text = _ASKS_R.sub(lambda match: f"{_cased(_AUX[match[1].lower()], match[1])} you", text)
    asks = asked is not None or _OPENS.match(text) is not None
    own, subject, other = ("your", "you", "you") if asks else ("my", "I", "me")
    had = _R_ALONE.search(text) is not None or asked is not None
    text = re.sub(r"(?<![\w'])(?:[Tt]he )?(?:[Rr]|[Rr]espondent)['’`]s?(?= )", own, text)
    text = _R_OBJECT.sub(f" {other}", text)
    text = _R_DOES.sub(
        lambda match: (
            f"{subject}{match[1] or ''} {_verb(match[2], subject)}" if _is_verb(match) else f"{own} {match[2]}"
        ),
        text,
    )
    text = _R_ALONE.sub(subject, text)
    if had:
        text = re.sub(r"\b(?:their|his/her|his or her)\b", own, text)
        text = re.sub(r"\bthey\b(?= (?:need|want|had|have|would|were|are)\w*\b)", subject, text)
        text = re.sub(r"\b(?:himself/herself|themselves|him/herself)\b", f"{own}self", text)
    return text


def _is_verb(match: re.Match[str]) -> bool:
    return (
        match[1] is not None
        or _BASE.fullmatch(match[2]) is not None
        or re.search(r"(?<!s)s$|ed$", match[2]) is not None
    )


def _verb(word: str, subject: str) -> str:
    """A verb in the third person as one in the first or second."""
    if word in _IRREGULAR:
        return "are" if subject == "you" and _IRREGULAR[word] == "am" else _IRREGULAR[word]
    if word.endswith(("ss", "us", "always", "sometimes", "perhaps")) or not word.endswith("s"):
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-2] if word.endswith(("sses", "ches", "shes", "xes")) else word[:-1]


def _cased(word: str, like: str) -> str:
    return word.capitalize() if like[:1].isupper() else word
