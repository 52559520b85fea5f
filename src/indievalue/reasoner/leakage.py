"""Guard against data leakage: nobody who is tested may be trained on."""

from collections.abc import Mapping, Set
from itertools import combinations
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, TypeAdapter

from indievalue.errors import IndievalueError
from indievalue.parsing import parse_json_as


class _Tested(BaseModel):
    """What says who is tested; a benchmark holds more."""

    people: Annotated[list[str], Field(min_length=1)]


_TESTED = TypeAdapter(_Tested)


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
            return set(parse_json_as(_TESTED, file.read_text(encoding="utf-8")).people)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise IndievalueError(f"cannot read {file}: {error.strerror or error}") from None
        except ValueError as error:
            raise IndievalueError(f"{file} does not say who is tested: {error}; save the benchmark again") from None
    raise IndievalueError(
        f"{folder} holds no benchmark: it has no benchmark.json; give a directory written by `benchmark` or `evaluate`"
    )
