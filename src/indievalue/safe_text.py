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
    """Escape ``text`` for Markdown, as one line that holds no HTML."""
    text = terminal_text(_one_line(text)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join("\\" + sign if sign in "\\`*_[]|" else sign for sign in text)


def markdown_code(text: str) -> str:
    """Return ``text`` as code within a line of Markdown, in more backticks than it holds itself.

    >>> markdown_code("smollm2"), markdown_code("a`b")
    ('`smollm2`', '``a`b``')
    """
    text = terminal_text(_one_line(text))
    fence = "`" * (_most_backticks(text) + 1)
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{space}{text}{space}{fence}"


def markdown_block(text: str, language: str) -> str:
    """Return lines of text as a block of code in Markdown, within a fence longer than any that they hold."""
    fence = "`" * max(3, _most_backticks(text) + 1)
    return f"{fence}{language}\n{terminal_text(text).rstrip()}\n{fence}"


def _one_line(text: str) -> str:
    return re.sub(r"\s*[\n\r\v\f\x85\u2028\u2029]\s*", " ", text)


def _most_backticks(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
