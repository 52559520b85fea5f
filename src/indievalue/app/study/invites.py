"""The file of raters' links, the only place where they are: the database has hashes of them."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from indievalue.app.study.raters import Invite
from indievalue.app.study.settings import INVITES, write_private

LOOPBACK_ADDRESS = "http://127.0.0.1:8000"
"""Where links lead if no address is given: where ``study serve`` listens if nothing else is said."""


def write_invites(folder: Path, address: str | None, invites: Sequence[Invite]) -> None:
    """Add links of raters to a study's ``invites.csv``; an address, if given, is that of the earlier links, too."""
    rows = read_invites(folder)
    if address is not None:
        rows = [(name, _link(address, link.rpartition("/")[2])) for name, link in rows]
    rows += [(one.name, _link(address or LOOPBACK_ADDRESS, one.token)) for one in invites]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("rater", "link"), *rows])
    write_private(folder / INVITES, text.getvalue())


def read_invites(folder: Path) -> list[tuple[str, str]]:
    """Return the name and link of each rater invited so far; none without the file."""
    file = folder / INVITES
    if not file.exists():
        return []
    with file.open(encoding="utf-8", newline="") as opened:
        return [(row["rater"], row["link"]) for row in csv.DictReader(opened)]


def leading_elsewhere(folder: Path, address: str) -> str | None:
    """Return the address to which most links lead that do not lead to ``address``; None if all do."""
    bases = [link.rpartition("/r/")[0] for _, link in read_invites(folder)]
    others = [base for base in bases if base != address.rstrip("/")]
    return max(others, key=others.count) if others else None


def _link(address: str, token: str) -> str:
    return f"{address.rstrip('/')}/r/{token}"
