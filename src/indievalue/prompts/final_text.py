"""Find the part of a model's output that is its answer, after any thoughts, and spell it plainly."""

import re
import unicodedata
from dataclasses import dataclass

_NAMES = "think|thinking|thought|thoughts|reasoning|reasoner|reflection|analysis|scratchpad"
_OPENED = re.compile(rf"<(?:{_NAMES})>|\[THINK\]|◁think▷", re.I)
_CLOSED = re.compile(rf"</(?:{_NAMES})>|\[/THINK\]|◁/think▷", re.I)
_CHANNEL = re.compile(r"<\|channel\|>\s{0,5}(\w{1,20})")
_MESSAGE = re.compile(r"[^<]*<\|message\|>")
_MESSAGE_END = re.compile(r"<\|(?:end|return|call|start)\|>")
_BARE_CHANNEL = re.compile(r"\s{0,20}analysis(?=[A-Z])")
"""The channel's name where a program has removed the special tokens around it: ``analysisThe person …``."""
_BARE_FINAL = "assistantfinal"

_MARK = re.compile(r"<\|[^|<>\n]{1,40}\|>|</?(?:s|bos|eos|pad|start_of_turn|end_of_turn)>", re.I)
_PLAIN = str.maketrans("“”„‟«»「」『』《》‘’‚。、，；：—–‑\ufeff\u200b\u2060", '"' * 12 + "'''.,,;:---   ")


@dataclass(frozen=True)
class FinalText:
    """An answer without thoughts.

    Attributes:
        text: the answer, plainly spelled: no marks of chat formats, ASCII quotes and full-width forms.
        start: place in the model's output at which it begins; every character keeps its distance from it.
        after_thought: whether a thought ended before it.
    """

    text: str
    start: int
    after_thought: bool


def final_text(output: str) -> FinalText | None:
    """Return the answer in ``output``; None if it ends within a thought.

    A thought may lack its opening tag, which many chat templates put into the prompt.

    >>> final_text("A fits.</think> B</s>").text.strip()
    'B'
    >>> final_text("<think>A fits, and yet") is None
    True
    """
    span = _span(output)
    if span is None:
        return None
    start, end = span
    return FinalText(_plain(output[start:end]), start, after_thought=start > 0)


def _span(output: str) -> tuple[int, int] | None:
    channels = list(_CHANNEL.finditer(output))
    if channels:
        last = channels[-1]
        message = _MESSAGE.match(output, last.end())
        if last[1].lower() != "final" or message is None:
            return None
        end = _MESSAGE_END.search(output, message.end())
        return message.end(), end.start() if end else len(output)
    if _BARE_CHANNEL.match(output):
        place = output.rfind(_BARE_FINAL)
        return (place + len(_BARE_FINAL), len(output)) if place >= 0 else None
    start = max((closed.end() for closed in _CLOSED.finditer(output)), default=0)
    return None if _OPENED.search(output, start) else (start, len(output))


def _plain(text: str) -> str:
    """Spell ``text`` plainly, character by character, so that places stay the same."""
    text = _MARK.sub(lambda mark: " " * len(mark[0]), text)
    if not text.isascii():
        composed = (unicodedata.normalize("NFKC", character) for character in text)
        text = "".join(one if len(one) == 1 else old for one, old in zip(composed, text, strict=True))
    return text.translate(_PLAIN)
