"""What a question is about, from its wording: without item codes, instructions, and the stem that a battery shares."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import unescape
from itertools import pairwise

from indievalue.survey.draft.metadata import Language
from indievalue.survey.draft.shorthand import spelled_out

MOST_WORDS = 32

SHORTEST_STEM = 8
"""Words of a stem that is taken off."""

FEWEST_WORDS = 4
"""Words that tell what a question is about without its stem."""

_ITEM_CODE = re.compile(
    r"^[A-Za-z]{0,12}[-_]?\d*[A-Za-z0-9_./-]*\d[A-Za-z0-9_]*(?:[-_][A-Za-z0-9]+)*\s*[.:)]\s+"
    r"|^[A-Z]{1,2}\d+[A-Za-z]*(?:[._-][A-Za-z0-9]+)*\s+(?=¿?[A-ZÀ-Ý])|^[A-Z0-9_]{3,}[a-z]?(F\d)?\s*[.:]\s+|^[A-Za-z0-9][.)]\s+|^\d+[a-z]?[.)]?\s+"
)
_LETTERED = re.compile(
    r"(?:^|(?<=[a-z.?!:…;,)' ]))\s*(?<![A-Z]\.)\(?\b(?:[A-Z]\.\)?\s+(?=[\"'(A-Z])|[A-Z]…\s*)"
    r"|(?<=[?!:…])\s\d{1,2}\.\s+(?=[A-Z])"
)
"""The letter before a part of a question, as in ``Do you believe in: D. Hell``."""

_SHORTEST_PART = 4

_STATES = re.compile(
    r"^(?:convinced|confident|ashamed|satisfied|proud|happy|worried|afraid|able|willing)\b", re.IGNORECASE
)

_JUDGED = re.compile(
    r"^(?:(?:dis)?approv(?:e|al)(?: (?:or|and) (?:dis)?approv(?:e|al))?(?: (?:if|of|that))?|favou?r(?: or|,)? oppose"
    r"|for or against)\s+",
    re.IGNORECASE,
)

_ASKED_WHETHER = re.compile(
    r"^.*?\b(?:agree|disagree|de acuerdo|desacuerdo|d'accord|d[ée]saccord)\b[^:;]*?"
    r"(?:\b(?:that|con que|en que|que|avec l'id[ée]e que|this statement|following statements?|la siguiente frase"
    r"|statements?)\b\s*[:;,]?\s*)",
    re.IGNORECASE,
)

_STAGE = re.compile(r"^(?:[A-Z][A-Z0-9/ +-]{2,30}:\s*)+")
_ASKED_OF_CLAIMS = re.compile(
    r"^(agree[ /]*(or )?disagree|acuerdo o desacuerdo|d'accord ou non)\s*[:–-]\s*", re.IGNORECASE
)
_INSTRUCTION = re.compile(
    r"\((?:[^()]*\b(?:READ|CODE|CIRCLE|PROBE|CARD|SHOW|ITEM|IF|USE|HAND)\b[^()]*)\)|\b(?:READ EACH"
    r"|CODE ONE|CIRCLE ONE|HAND CARD)[^.]*\.?"
)


_CAPITALS = re.compile(r"(?:(?<!\()\b[A-Z][A-Z']+\b(?!\))[ ,;.–-]+){4,}")
"""An instruction among other words."""


@dataclass(frozen=True)
class Topic:
    """What a question is about; ``cut`` says that words are lacking, ``stem`` what its battery shares."""

    text: str
    cut: bool = False
    stem: str = ""


def topics_of(wordings: Sequence[tuple[str, str]], language: Language = "en") -> list[Topic]:
    """The topic of each (name, label) of questions that stand next to each other with one scale."""
    texts = [cleaned(label or name, name, language) for name, label in wordings]
    found = []
    for text, stem in zip(texts, _stems(texts), strict=True):
        if (lettered := _topic(text)).stem or not stem:
            found.append(lettered)
            continue
        rest = re.sub(r"^An?\b", lambda article: article[0].lower(), _after(text, stem).rstrip("? "))
        short, cut = _shortened(rest)
        found.append(Topic(short, cut or len(rest.split()) < FEWEST_WORDS, _stem(stem)))
    return found


def _stems(texts: Sequence[str]) -> list[str]:
    """What each text begins with like all others or, if these are several batteries, like one next to it; or ""."""
    shared = _shared_stem(texts)
    if _is_stem(shared, texts):
        return [shared] * len(texts)
    pairs = [_shared_stem(pair) if _is_stem(_shared_stem(pair), pair) else "" for pair in pairwise(texts)]
    return [max(before, after, key=len) for before, after in zip(["", *pairs], [*pairs, ""], strict=True)]


def _is_stem(stem: str, texts: Sequence[str]) -> bool:
    return len(stem.split()) >= SHORTEST_STEM and all(len(_after(text, stem)) > 2 for text in texts)


def _stem(text: str) -> str:
    """The last sentence before the topics of a battery, without the end that they complete."""
    sentences = [part for part in re.split(r"(?<=[.?!])\s+", text) if part.strip(" .?!:…")]
    last = sentences[-1] if sentences and len(sentences[-1].split()) >= FEWEST_WORDS else text
    last = re.sub(r"^(?:First|Next|Now|And|Finally)\b[…,]*\s*", "", last)
    short = _shortened(last)[0].rstrip("?.:…, ")
    return short[:1].upper() + short[1:]


def _topic(text: str) -> Topic:
    """The topic of a single wording: the last of its lettered parts, after what comes before them."""
    parts = list(_LETTERED.finditer(text))
    rest = text[parts[-1].end() :].strip(" …") if parts else ""
    if len(rest) < _SHORTEST_PART:
        return Topic(*_shortened(text))
    stem = _stem(text[: parts[0].start()].strip(" :…")) if parts[0].start() else ""
    rest = re.sub(r"^(?:A|An|The|To|Your|My)\b", lambda first: first[0].lower(), rest) if stem else rest
    short, cut = _shortened(rest)
    if not stem or (is_question(short) and len(short.split()) >= SHORTEST_STEM):
        return Topic(short, cut)
    return Topic(short.rstrip("?"), cut, stem)


def claim_of(about: Topic) -> Topic:
    """The topic without a question before its claim, as in ``Do you agree or disagree that …?``."""
    text = about.text
    if (asked := _ASKED_WHETHER.match(text)) is not None and len(text) - asked.end() > _SHORTEST_PART:
        text = text[asked.end() :].rstrip("?. ")
    text = re.sub(r"^that ", "", text)
    if (state := _STATES.match(text)) is not None:
        text = f"I am {text[0].lower()}{text[1 : state.end()]}{text[state.end() :]}"
    text = text.rstrip("? ")
    return replace(about, text=text[:1].upper() + text[1:])


def judged_in(about: Topic) -> Topic:
    """The topic without the question whether it is approved or favored, as in ``Approve if a person …``."""
    text = _JUDGED.sub("", about.text)
    text = text[:1].upper() + text[1:] if about.text[:1].isupper() else text
    return replace(about, text=text) if len(text) > _SHORTEST_PART else about


def is_question(topic: str) -> bool:
    """Whether a topic is a question by itself."""
    return topic.endswith("?")


def cleaned(label: str, name: str, language: Language = "en") -> str:
    """A label without item codes, instructions and what else is no part of the wording."""
    text = " ".join(unescape(label).replace("\ufffd", "'").replace("ï¿½", " ").split())
    if re.search(r"\d", name) and text.casefold().startswith(name.casefold() + " "):
        text = text[len(name) :].strip(" .:-")
    for _ in range(2):
        text = _ITEM_CODE.sub("", _STAGE.sub("", text)) or text
    text = _ASKED_OF_CLAIMS.sub("", text).replace("_", " ")
    text = _INSTRUCTION.sub("", text)
    text = _CAPITALS.sub(" ", text) if _CAPITALS.sub("", text).strip() else text
    text = re.sub(r"\s*\((?:Are|Is|Do|Does|Would|Very|Strongly)\b[^()]*\)\s*$", "", text)
    text = re.sub(r"^\([^()]*\)[\s:.]*(?=\w)", "", text)
    text = re.sub(r" or not(?= that\b)", "", text)
    text = re.sub(r",? (or|whether or|if) not(?=[?,.…]|$)|, if at all", "", text)
    text = re.sub(r"\bU\.S\.(A\.)?", "US", text)
    text = re.sub(r"\s*(?:\. ?){2,}", "… ", text)
    text = re.sub(r"\[([^\[\]]*)\]", r"\1", text)
    text = text.replace('"', "'").replace("“", "'").replace("”", "'").replace("«", "'").replace("»", "'")
    text = text.replace("{", "(").replace("}", ")")
    return spelled_out(" ".join(text.split()).strip(" -–"), language)


def _shared_stem(texts: Sequence[str]) -> str:
    """The words that all texts begin with, up to the last end of a sentence or clause among them."""
    if len(texts) < 2:
        return ""
    split = [text.split() for text in texts]
    shared: list[str] = []
    for together in zip(*split, strict=False):
        if len(set(together)) > 1:
            break
        shared.append(together[0])
    while shared and not re.search(r"[.?!:,…;]$", shared[-1]):
        shared.pop()
    return " ".join(shared)


def _after(text: str, stem: str) -> str:
    rest = text[len(stem) :].strip()
    return _ITEM_CODE.sub("", rest) or rest


def _shortened(text: str) -> tuple[str, bool]:
    """One clause without the end of a sentence inside, of 32 words at most."""
    cut = False
    sentences = re.split(r"(?<=[.?!…])\s+", text)
    while len(" ".join(sentences).split()) > MOST_WORDS and len(sentences) > 1:
        sentences = sentences[1:] if len(sentences[-1].split()) >= 4 or len(sentences) > 2 else sentences[:1]
        cut = True
    short = " ".join(sentences)
    words = short.split()
    if len(words) > MOST_WORDS:
        short, cut = " ".join(words[:MOST_WORDS]) + " …", True
    short = _ITEM_CODE.sub("", short) or short
    short = re.sub(r"[.!](?=\s+[\"']?[A-ZÀ-Ý¿¡])", ";", short)
    short = re.sub(r"\?(?=\s+[\"']?[A-ZÀ-Ý¿¡])", ":", short)
    return short.strip().rstrip(".:;,").strip(), cut
