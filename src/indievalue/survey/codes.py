"""Answer codes as people write them in a survey spec: ``1``, ``1-5``, ``"0, 3-4"``."""

import re
from collections.abc import Iterable, Mapping

from indievalue.errors import IndievalueError

LARGEST_CODE = 32_000
"""Largest code of a question's option, up or down: answers have 16 bits, whose ends stand for other things."""

FIRST_TEXT_CODE = 20_001
"""Codes from here on stand for the texts that a demographic has in place of numbers."""

TAGS = {letter: -32_100 - place for place, letter in enumerate("abcdefghijklmnopqrstuvwxyz")}
"""Codes of Stata's extended missing values ``.a`` to ``.z``, which no answer can have."""

_ITEM = re.compile(r"(-?\d+)(?:-(\d+))?")


def parse_codes(text: int | str) -> tuple[int, ...]:
    """Codes named by ``text``, in the order written: ``"0, 3-5"`` → ``(0, 3, 4, 5)``.

    Raises ValueError where ``text`` is not a list of codes and rising ranges.
    """
    codes: list[int] = []
    for item in str(text).split(","):
        match = _ITEM.fullmatch(item.strip())
        if match is None:
            raise ValueError(f"{text!r} is not a list of codes such as 1, 1-5 or '0, 3-4'")
        first = int(match[1])
        last = first if match[2] is None else int(match[2])
        if last < first:
            raise ValueError(f"the range {item.strip()!r} runs backwards")
        if last - first > LARGEST_CODE:
            raise ValueError(f"the range {item.strip()!r} has more than {LARGEST_CODE:,} codes")
        codes.extend(range(first, last + 1))
    return tuple(codes)


def parse_values(text: int | str) -> tuple[str, ...]:
    """Values of cells named by ``text``, as texts: codes where it is a list of them, else what stands between commas.

    Raises ValueError where nothing stands there.
    """
    try:
        return tuple(str(code) for code in parse_codes(text))
    except ValueError:
        values = tuple(part.strip() for part in str(text).split(","))
        if "" in values:
            raise ValueError(f"{text!r} is no list of codes or texts, such as 1-3 or 'EE, LV'") from None
        return values


def format_codes(codes: Iterable[int]) -> str:
    """The shortest text that :func:`parse_codes` reads back as the same set: ``(0, 3, 4, 5)`` → ``"0, 3-5"``."""
    runs: list[list[int]] = []
    for code in sorted(codes):
        if runs and code == runs[-1][1] + 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def missing_code(key: int | str) -> int:
    """The code of a missing answer: a whole number, or one of Stata's ``.a`` to ``.z``. Raises ValueError otherwise."""
    text = str(key).strip().lower()
    if text[:1] == "." and text[1:] in TAGS:
        return TAGS[text[1:]]
    codes = parse_codes(text)
    if len(codes) != 1:
        raise ValueError(f"{key!r} is not one missing code, such as -1 or .a")
    return codes[0]


def missing_codes(key: int | str) -> tuple[int, ...]:
    """The codes of missing answers that ``key`` names: ``-1``, ``7-9`` or ``".d, .r"``. Raises ValueError otherwise."""
    codes: list[int] = []
    for item in str(key).split(","):
        text = item.strip().lower()
        if text[:1] == ".":
            codes.append(missing_code(text))
        else:
            codes.extend(parse_codes(text))
    return tuple(codes)


def missing_reasons(reasons: Mapping[int | str, str], where: str, largest: int | None = LARGEST_CODE) -> dict[int, str]:
    """What each missing code means; ``largest`` is the largest that there may be, up or down.

    Raises IndievalueError, beginning with ``where`` it stands, for what is no code.
    """
    found: dict[int, str] = {}
    try:
        for key, reason in reasons.items():
            codes = missing_codes(key)
            twice = found.keys() & set(codes)
            if twice:
                raise ValueError(f"the code {code_text(min(twice))} occurs twice")
            found |= dict.fromkeys(codes, reason)
    except ValueError as error:
        raise IndievalueError(f"{where}, missing: {error}") from None
    beyond = [code for code in found if largest and abs(code) > largest and code not in TAGS.values()]
    if beyond:
        raise IndievalueError(f"{where}, missing: {beyond[0]} is no code; they go up to {largest:,}")
    return found


def code_text(code: int) -> str:
    """A code as the file has it: ``.a`` for the tag of that letter."""
    letters = {tag: letter for letter, tag in TAGS.items()}
    return f".{letters[code]}" if code in letters else str(code)
