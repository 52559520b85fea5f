"""Nobody is trained on who is tested: looked up when a set is made, and again before it is trained on."""

import json
from collections.abc import Mapping, Set
from itertools import combinations
from pathlib import Path

from indievalue.errors import IndievalueError


def check_apart(people: Mapping[str, Set[str]]) -> None:
    """Raise IndievalueError where somebody is in two of the sets named."""
    for (one, those), (other, these) in combinations(people.items(), 2):
        both = sorted(those & these)
        if both:
            raise IndievalueError(
                f"{len(both):,} people are in {one} and in {other}, first {both[0]!r}: nobody who is tested may be "
                "trained on; make the training set anew with that benchmark (--benchmark)"
            )


def people_of_benchmark(directory: str | Path) -> set[str]:
    """Ids of the people whom a saved benchmark or a run tests. Raises IndievalueError where there is none."""
    folder = Path(directory)
    for file in (folder / "benchmark.json", folder / "benchmark" / "benchmark.json"):
        try:
            return set(map(str, json.loads(file.read_text(encoding="utf-8"))["people"]))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise IndievalueError(f"cannot read {file}: {error}") from None
    raise IndievalueError(f"{folder} holds no benchmark: there is no benchmark.json")
