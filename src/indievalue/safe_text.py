"""Text made safe for where it is shown: a terminal, Markdown."""

import re

_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that a terminal obeys rather than shows, or that reverse what follows; tab and line feed are not."""


def terminal_text(text: str) -> str:
    """Return ``text`` with what could steer a terminal made visible, whoever wrote it: a model, a survey, a file.

    >>> terminal_text("\x1b]0;title\x07 and \x1b[2J")
    '␛]0;title␇ and ␛[2J'
    """
    return _STEERING.sub(lambda found: _visible(ord(found[0])), text)


def _visible(code: int) -> str:
    return chr(0x2400 + code) if code < 0x20 else "␡" if code == 0x7F else "\ufffd"


def markdown_text(text: str) -> str:
    """Escape ``text`` for Markdown."""
    text = terminal_text(text.replace("\n", " ")).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join("\\" + sign if sign in "\\`*_[]|" else sign for sign in text)
