"""Find the statements of options that an answer repeats, and whether it means them."""

import re
from dataclasses import dataclass

from indievalue.prompts.prompt import AskedProbe

_SENTENCE_END = re.compile(r"[.!?]\s|\n")
_DOUBT = re.compile(
    r"\b(?:whether|if|unlikely|not|never|neither|nor|cannot|doubts?|unclear|unsure|uncertain|unable|either|or|"
    r"rather than|instead of|sorry|wrong|incorrect|false|impossible|could|might|may|hard to|difficult)\b|n't\b",
    re.I,
)
_NEAR = 200
"""Characters before and after a statement that are searched for words of doubt."""


@dataclass(frozen=True)
class Stated:
    """Options whose statements are ``named``, and those of them that the text neither denies nor doubts."""

    named: set[int]
    sure: set[int]


def stated_options(text: str, probe: AskedProbe) -> Stated:
    """Return the options whose statement is in ``text``, but for statements that are only part of a longer one."""
    spans = {option: _spans(text, probe.statements[option]) for option in probe.order}
    whole = {
        option: [span for span in mine if not _within_another(span, option, spans)] for option, mine in spans.items()
    }
    named = {option: places for option, places in whole.items() if places}
    sure = {option for option, places in named.items() if not any(_is_doubted(text, span) for span in places)}
    return Stated(set(named), sure)


def _spans(text: str, statement: str) -> list[tuple[int, int]]:
    words = re.findall(r"\w+", statement)
    pattern = r"(?<!\w)" + r"\W{1,5}".join(map(re.escape, words)) + r"(?!\w)"
    return [found.span() for found in re.finditer(pattern, text, re.I)] if words else []


def _within_another(span: tuple[int, int], option: int, spans: dict[int, list[tuple[int, int]]]) -> bool:
    return any(
        start <= span[0] and span[1] <= end and (start, end) != span
        for other, places in spans.items()
        if other != option
        for start, end in places[:50]
    )


def _is_doubted(text: str, span: tuple[int, int]) -> bool:
    """Whether the sentence around a statement denies or doubts it."""
    before = _SENTENCE_END.split(text[max(0, span[0] - _NEAR) : span[0]])[-1]
    after = text[span[1] : span[1] + _NEAR]
    ends = re.match(r"[.!?,]?[\"'*_`)\]]*(?:[.!?](?:\s|$)|\n|$)|[.!?][\"'*_`)\]]*\s+(?=[A-Z])", after)
    after = "" if ends else _SENTENCE_END.split(after.lstrip(".!?"))[0]
    return bool(_DOUBT.search(before) or _DOUBT.search(after) or re.search(r"\bholds\b", after))
