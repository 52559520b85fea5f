"""Find the label that an answer names in plain text, as in ``B``, ``(B)``, ``B. I trust …`` or ``The answer is B``."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

_WRAP = r"[\s*_`~\"'(\[{$>#-]{0,20}+"
_UNWRAP = r"[\s*_`~\"')\]}$.:;!,]{0,20}+"
_BE = r"(?:is|was|would be|will be|must be|should be|has to be)"
_SURELY = r"(?:(?:most|very)?\s?(?:likely|probably|clearly|definitely|certainly|therefore|thus|simply)\s)?"
_NOUN = r"(?:answer|choice|response|letter|selection|reply|respuesta|réponse|antwort|resposta|risposta)"
_VERB = (
    r"(?:(?:would|will|'d|'ll|should|must|do|does)\s)?(?:(?:most )?(?:likely|probably|definitely|therefore)\s)?"
    r"(?:say|says|choose|chooses|pick|picks|select|selects|answer|answers|go with|goes with|go for|opt for|opts for)"
)
_ANNOUNCED = (
    rf"(?:\b(?:{_NOUN}\b|option\b(?=\s{_BE}))[*_`\"']{{0,5}}(?:\s(?:to|for)\s[\w\[\]]{{1,40}})?\s?"
    rf"(?:{_BE}|es|est|ist|é|è)?(?:\s?[:=-])?"
    r"|(?:答案|回答|选择)(?:是|为)?\s?:?"
    rf"|\b(?:i|they|he|she|(?:person|respondent|participant|individual)(?:\s\w{{1,20}}){{0,3}}?)(?:\s|(?=')){_VERB})"
    rf"[\s*_`\"']{{0,9}}:?\s{{0,5}}{_SURELY}(?:the\s)?(?:(?:{_NOUN}|option)\s)?"
)
_HEDGE = r"(?:(?:probably|most likely|likely|definitely|certainly|it is|it's)\s){0,2}"
_BEST = r"(?:(?:most|likely|best|correct|right|final|closest|probable)\s){0,3}"
_CALLED = rf"(?:(?:the|my)\s{_BEST}(?:{_NOUN}|option|one)|correct|right|(?:the\s)?most\slikely|(?:the\s)?best)"
_END = (
    r"(?=\s{0,20}(?:$|[)\]:;!*_`~\"}$,\n]|\.(?!\w)|'(?!\w)|-\s)"
    r"|\s{1,5}(?:because|since|as|for|given|based|though|although|but|over|rather|in|or)\s)"
)
_OR = re.compile(r"[\s*_`~\"')\]}.,$]{0,9}\bor\b", re.I)
_REASON = re.compile(
    r"\s{1,5}(?:because|since|given|based|though|although|rather)\s"
    r"|\s{1,5}or\s{1,5}(?:(?i:answer|option|the)\b|\W{0,9}[A-Z](?!\w))"
)
_JOIN = r"[\s*_`~\"')\]}.,$]{0,9}(?:/|&|\b(?:or|and|to|nor|vs|versus)\b|,|(?=[\[(]))\s{0,5}(?:(?:or|and)\b)?"
_DENIED = re.compile(
    r"[\s*_`~\"')\]}.,:;$-]{0,9}(?:(?:is|are|was|seems?|looks?|would be|can be|does)\b\s?)?(?:n't|n’t|clearly\s)?\s?"
    r"(?:not(?!\s(?:option\s)?(?-i:[A-Z])(?!\w))|"
    r"isn't|doesn't|can't|cannot|won't|wrong|incorrect|false|unlikely|less likely|ruled out|excluded|impossible|"
    r"too\s\w+)\b",
    re.I,
)
_TAKEN_BACK = re.compile(
    r"[^\w?]{0,20}\?|[^\w]{0,20}(?:no\s?[,.:;]|no$|wait\b|actually\b|hmm|sorry\b|on second thought|correction)"
    r"|[\s\"'*_`)]{0,9}[:=]\s{0,5}[\"']?\.?\d",
    re.I,
)
"""What follows a label that is taken back or asked about, or that is only given a probability."""

_DOUBT = re.compile(
    r"\b(?:whether|if|unless|not|never|neither|nor|cannot|unlikely|doubt|unclear|unsure|unable|either|between|"
    r"rather than|instead of|wrong|impossible)\b|n't\b",
    re.I,
)
_CLAUSE_END = re.compile(r"[.,;:!?\n]")


@dataclass(frozen=True)
class Label:
    """A label that is given as the answer, and its place in the text."""

    letter: str
    place: int


class UnclearError(ValueError):
    """Several labels are given as the answer, or only labels that are turned down."""


@dataclass(frozen=True)
class _Patterns:
    leading: re.Pattern[str]
    alone: re.Pattern[str]
    announced: re.Pattern[str]
    subject: re.Pattern[str]
    option: re.Pattern[str]
    another: re.Pattern[str]


def answer_label(text: str, labels: str, question: str) -> Label | None:
    """Return the label that ``text`` gives as the answer, or None if it has none.

    Raises UnclearError if there are several, or one that the text turns down.
    """
    patterns = _patterns(labels, question)
    given: dict[str, int] = {}
    denied = False
    for found in _places(text, patterns):
        if _is_word(found, text):
            continue
        another = patterns.another.match(text, found.end(1))
        if _OR.match(text, found.end(1)) or (another and another[1].upper() != found[1].upper()):
            raise UnclearError
        if _is_denied(found, text):
            denied = True
        else:
            given.setdefault(found[1].upper(), found.start(1))
    if len(given) > 1 or (denied and not given):
        raise UnclearError
    return next((Label(letter, place) for letter, place in given.items()), None)


def _places(text: str, patterns: _Patterns) -> Iterator[re.Match[str]]:
    """Yield each place that may give an answer: the start, the last line, and after words that announce a label."""
    lines = list(patterns.leading.finditer(text))
    first = len(text) - len(text.lstrip())
    at_start = [found for found in lines[:1] if found.start() <= first]
    announced = [*patterns.announced.finditer(text), *patterns.subject.finditer(text)]
    listed = len({found[1].upper() for found in lines}) > 1
    last = patterns.alone.match(text, text.rfind("\n", 0, len(text.rstrip())) + 1)
    if at_start and not (listed and announced):
        yield at_start[0]
    yield from announced
    if last:
        yield last
    if not (at_start or announced or last):
        yield from patterns.option.finditer(text)


def _is_word(found: re.Match[str], text: str) -> bool:
    """Whether the letter is the article or the pronoun rather than a label: ``I, as an AI``."""
    rest = text[found.end(1) : found.end(1) + 20]
    if found[1] in "Ii":
        return re.match(r"\s{0,5}(?:,|-\s?\w)|[ \t]{1,5}\w|'\w", rest) is not None and not _REASON.match(rest)
    return found[1] == "a" and re.match(r"[ \t]{1,5}\w|\s{0,5}-\s?\w", rest) is not None and not _REASON.match(rest)


def _is_denied(found: re.Match[str], text: str) -> bool:
    clause = _CLAUSE_END.split(text[max(0, found.start(1) - 120) : found.start(1)].rstrip(" :*_`\"'(["))[-1]
    after = found.end(1)
    return bool(_DENIED.match(text, after) or _TAKEN_BACK.match(text, after) or _DOUBT.search(clause))


@lru_cache(maxsize=256)
def _patterns(labels: str, question: str) -> _Patterns:
    one, flags = f"([{labels}{labels.lower()}])", re.I
    capital = f"((?-i:[{labels}]))"
    named = rf"(?:\[?{re.escape(question)}\]?\s?[:=.)-]?\s{{1,5}})?" if question else ""
    return _Patterns(
        leading=re.compile(rf"^{_WRAP}{named}{_WRAP}{_HEDGE}(?:option\s)?{_WRAP}{one}{_END}", flags | re.M),
        alone=re.compile(rf"{_WRAP}(?:option\s)?{_WRAP}(?<!\w){one}(?!\w){_UNWRAP}\Z", flags),
        announced=re.compile(rf"{_ANNOUNCED}{_WRAP}(?<!\w){one}{_END}", flags),
        subject=re.compile(rf"(?<![\w'])(?:option\s)?{capital}{_UNWRAP}(?:is|seems|would be|fits)\s{_CALLED}\b", flags),
        option=re.compile(rf"\boption\s{_WRAP}{capital}(?!\w)", flags),
        another=re.compile(
            rf"{_JOIN}{_WRAP}(?:option\s)?{_WRAP}{capital}(?![\w'])"
            r"(?!\s(?!or|and|are|both|fit|would|could|all|seem)[a-z])",
            flags,
        ),
    )
