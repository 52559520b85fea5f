"""Tasks of one probe each, which can be predicted together."""

from collections.abc import Iterator, Sequence

from indievalue.benchmark.model import Task


def together(tasks: Sequence[Task], most: int | None = None) -> Iterator[list[Task]]:
    """Yield the tasks in groups: those of one probe each, of one setup and about the same people, or any other alone.

    Groups are of at most ``most`` people times tasks.
    """
    group: list[Task] = []
    for task in tasks:
        full = most is not None and (len(group) + 1) * len(task.people) > most
        if group and (full or not _are_alike(group[0], task)):
            yield group
            group = []
        group.append(task)
    if group:
        yield group


def _are_alike(one: Task, other: Task) -> bool:
    single = len(one.probes) == len(other.probes) == 1
    return single and one.setup == other.setup and one.people is other.people
