"""Answer codes as people write them in a survey spec: ``1``, ``1-5``, ``"0, 3-4"``."""

import re
from collections.abc import Iterable

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
        codes.extend(range(first, last + 1))
    return tuple(codes)


def format_codes(codes: Iterable[int]) -> str:
    """The shortest text that :func:`parse_codes` reads back as the same set: ``(0, 3, 4, 5)`` → ``"0, 3-5"``."""
    runs: list[list[int]] = []
    for code in sorted(codes):
        if runs and code == runs[-1][1] + 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)
