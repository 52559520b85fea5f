"""Guard against data leakage: nobody who is tested may be trained on."""

from collections.abc import Mapping, Set
from itertools import combinations
from pathlib import Path

from indievalue.errors import IndievalueError
from indievalue.parsing import parse_json


def check_disjoint(people: Mapping[str, Set[str]]) -> None:
    """Raise IndievalueError if a person is in two of the named sets of ids."""
    for (one, those), (other, these) in combinations(people.items(), 2):
        both = sorted(those & these)
        if both:
            raise IndievalueError(
                f"{len(both):,} people are in {one} and in {other}, for example {both[0]!r}: people who are tested "
                "must not be trained on; write the training set again and keep that benchmark out of it (--benchmark)"
            )


def people_of_benchmark(directory: str | Path) -> set[str]:
    """Return the ids of the people tested by a saved benchmark or run.

    Raises IndievalueError if ``directory`` holds neither.
    """
    folder = Path(directory)
    for file in (folder / "benchmark.json", folder / "benchmark" / "benchmark.json"):
        try:
            return set(map(str, parse_json(file.read_text(encoding="utf-8"))["people"]))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise IndievalueError(f"cannot read {file}: {error}") from None
    raise IndievalueError(
        f"{folder} holds no benchmark: it has no benchmark.json; give a directory written by `benchmark` or `evaluate`"
    )
