"""What a question is about, from its wording: without item codes, instructions, and the stem that a battery shares."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape

MOST_WORDS = 32

SHORTEST_STEM = 8
"""Words of a stem that is taken off."""

FEWEST_WORDS = 4
"""Words that tell what a question is about without its stem."""

_ITEM_CODE = re.compile(
    r"^[A-Za-z]{0,12}[-_]?\d*[A-Za-z0-9_./-]*\d[A-Za-z0-9_]*(?:[-_][A-Za-z0-9]+)*\s*[.:)]\s+"
    r"|^[A-Z0-9_]{3,}[a-z]?(F\d)?\s*[.:]\s+|^[A-Za-z0-9][.)]\s+|^\d+[a-z]?[.)]?\s+"
)
_STAGE = re.compile(r"^(?:[A-Z][A-Z0-9/ +-]{2,30}:\s*)+")
_ASKED_OF_CLAIMS = re.compile(
    r"^(agree[ /]*(or )?disagree|acuerdo o desacuerdo|d'accord ou non)\s*[:–-]\s*", re.IGNORECASE
)
_INSTRUCTION = re.compile(
    r"\((?:[^()]*\b(?:READ|CODE|CIRCLE|PROBE|CARD|SHOW|ITEM|IF|USE|HAND)\b[^()]*)\)|\b(?:READ EACH"
    r"|CODE ONE|CIRCLE ONE|HAND CARD)[^.]*\.?"
)


@dataclass(frozen=True)
class Topic:
    """What a question is about; ``cut`` says that words are lacking, ``stem`` what its battery shares."""

    text: str
    cut: bool = False
    stem: str = ""


def topics_of(wordings: Sequence[tuple[str, str]]) -> list[Topic]:
    """The topic of each (name, label) of questions that stand next to each other with one scale."""
    cleaned = [_cleaned(label or name, name) for name, label in wordings]
    stem = _shared_stem(cleaned)
    rests = [_after(text, stem) for text in cleaned]
    if len(stem.split()) < SHORTEST_STEM or not all(len(rest) > 2 for rest in rests):
        return [Topic(*_shortened(text)) for text in cleaned]
    shown = _shortened(stem)[0].rstrip("?.:…, ")
    topics = [(*_shortened(rest), len(rest.split())) for rest in rests]
    return [Topic(text, cut or words < FEWEST_WORDS, shown) for text, cut, words in topics]


def is_question(topic: str) -> bool:
    """Whether a topic is a question by itself."""
    return topic.endswith("?")


def _cleaned(label: str, name: str) -> str:
    text = " ".join(unescape(label).replace("\ufffd", "'").replace("ï¿½", " ").split())
    if re.search(r"\d", name) and text.casefold().startswith(name.casefold() + " "):
        text = text[len(name) :].strip(" .:-")
    for _ in range(2):
        text = _ITEM_CODE.sub("", _STAGE.sub("", text)) or text
    text = _ASKED_OF_CLAIMS.sub("", text)
    text = _INSTRUCTION.sub("", text)
    text = re.sub(r"\s*\b(SPLIT BALLOT|recoded?)\b\.?\s*$", "", text)
    text = re.sub(r",? (or|whether or|if) not(?=[?,.…]|$)|, if at all", "", text)
    text = re.sub(r"\bU\.S\.(A\.)?", "US", text)
    text = re.sub(r"\[([^\[\]]*)\]", r"\1", text)
    text = text.replace('"', "'").replace("“", "'").replace("”", "'").replace("«", "'").replace("»", "'")
    text = re.sub(r"\b([Rr]espondent|[Rr])'s\b", "my", text)
    text = text.replace("{", "(").replace("}", ")")
    return " ".join(text.split()).strip(" -–")


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
