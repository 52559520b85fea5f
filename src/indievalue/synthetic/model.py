"""What is kept of a survey's real answers: constants, and the arrays of a twin as one file."""

import io
import json
import zipfile
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indievalue.errors import IndievalueError
from indievalue.files import new_file

FEWEST = 20
"""People. A twin keeps nothing that rests on fewer."""
SHARE = 10_000
"""Shares are stored as whole numbers of 1/10,000."""
LOADING = 128
"""Loadings are stored as whole numbers of 1/128."""
LOG_ODDS = 100
"""Log-odds are stored as whole numbers of 1/100."""
NEVER = -32768
"""Log-odds of an item that nobody leaves unanswered."""

_EPOCH = 1980, 1, 1, 0, 0, 0


_SHAPES = {
    **{"items": "I", "codes": "T", "starts": "J", "countries": "C", "continents": "C", "people": "C", "shares": "CT"},
    **{"loadings": "SIK", "absent": "CI", "intercepts": "CI", "reluctance": "G", "reluctance_shares": "CG"},
    **{"missing_codes": "M", "missing_shares": "CIM", "country_column": "", "born": "B2", "born_codes": "N"},
    **{"born_shares": "HBN", "born_alike": "B", "columns": "I", "cells": "F2", "blocks": "I", "unasked": "I"},
    **{"block_shares": "CD", "ballots": "PD", "ballot_shares": "CP", "ballot_columns": "W", "ballot_cells": "PW"},
}
"""Sides of the arrays; the same letter is the same length."""


@dataclass(frozen=True)
class Twin:
    """What is kept of the real answers: C countries in S continents, I items with T codes in all, K factors.

    Attributes:
        items: str (I,), data columns. codes: int32 (T,), every item's codes in the order of its latent scale.
        starts: int32 (I + 1,), where each item's codes start.
        countries: int32 (C,), codes in the country column. continents: int8 (C,). people: int32 (C,), people fitted on.
        shares: uint16 (C × T), of every code among an item's answers, in 1/10,000.
        loadings: int8 (S × I × K), in 1/128.
        absent: int8 or int32 (C × I), the missing code that everybody in the country has; 0 where the item was asked.
        intercepts: int16 (C × I), log-odds of an unanswered item, in 1/100; ``NEVER`` where it is always answered.
        reluctance: int16 (G,), what a person's reluctance adds to these, in 1/100.
        reluctance_shares: uint16 (C × G), how it is spread over people, in 1/10,000.
        missing_codes: int8 or int32 (M,). missing_shares: uint16 (C × I × M), of each among unanswered, in 1/10,000.
        country_column: str (), the data column of the country; empty where the survey has none.
        born: str (B × 2), columns of a country of birth, each with the column that says whether it is another one than
            that of residence. born_abroad: int32 () or (B,), the code that says so.
        born_codes: int32 (N,). born_shares: uint16 (C + 1 × B × N), of each among those born abroad, in 1/10,000, by
            country of residence; the last row is for people of all countries.
        born_alike: uint16 (B,), among those who were born abroad as was the person of the column before, the share who
            were born in the same country, in 1/10,000.

    Empty where a survey has nothing of the kind, and then not in the file:

        columns: str (I,), the data column of each item, where it is not called as the item.
        cells: str (F × 2), columns with the cell that everybody has in them.
        blocks: int16 (I,), the block of questions that an item belongs to; -1 where everybody was asked.
        unasked: int32 (I,), the code of an item that was not put.
        block_shares: uint16 (C × B), share of people who were asked a block, in 1/10,000; those of a ballot are 0.
        ballots: uint8 (P × B), whether those with a ballot were asked a block; 2 where it does not go by ballot.
        ballot_shares: uint16 (C × P), in 1/10,000.
        ballot_columns: str (W,), columns that tell the ballot. ballot_cells: str (P × W), what they hold.
        about: str (), what the twin is of, as JSON: survey, title, licence, people.
    """

    items: NDArray[np.str_]
    codes: NDArray[np.int32]
    starts: NDArray[np.int32]
    countries: NDArray[np.int32]
    continents: NDArray[np.int8]
    people: NDArray[np.int32]
    shares: NDArray[np.uint16]
    loadings: NDArray[np.int8]
    absent: NDArray[np.int8]
    intercepts: NDArray[np.int16]
    reluctance: NDArray[np.int16]
    reluctance_shares: NDArray[np.uint16]
    missing_codes: NDArray[np.int8]
    missing_shares: NDArray[np.uint16]
    country_column: NDArray[np.str_]
    born: NDArray[np.str_]
    born_abroad: NDArray[np.int32]
    born_codes: NDArray[np.int32]
    born_shares: NDArray[np.uint16]
    born_alike: NDArray[np.uint16]
    columns: NDArray[np.str_] = field(default_factory=lambda: np.empty(0, "<U1"))
    cells: NDArray[np.str_] = field(default_factory=lambda: np.empty((0, 2), "<U1"))
    blocks: NDArray[np.int16] = field(default_factory=lambda: np.empty(0, np.int16))
    unasked: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    block_shares: NDArray[np.uint16] = field(default_factory=lambda: np.empty((0, 0), np.uint16))
    ballots: NDArray[np.uint8] = field(default_factory=lambda: np.empty((0, 0), np.uint8))
    ballot_shares: NDArray[np.uint16] = field(default_factory=lambda: np.empty((0, 0), np.uint16))
    ballot_columns: NDArray[np.str_] = field(default_factory=lambda: np.empty(0, "<U1"))
    ballot_cells: NDArray[np.str_] = field(default_factory=lambda: np.empty((0, 0), "<U1"))
    about: NDArray[np.str_] = field(default_factory=lambda: np.empty(0, "<U1"))

    @property
    def data_columns(self) -> list[str]:
        """The data column of each item."""
        names: list[str] = (self.columns if self.columns.size else self.items).tolist()
        return names

    @property
    def facts(self) -> dict[str, Any]:
        """What the twin is of: ``survey``, ``title``, ``licence`` and ``people``, as far as it is known."""
        known: dict[str, Any] = json.loads(str(self.about)) if self.about.size else {}
        return known

    def to_bytes(self) -> bytes:
        """The twin as an .npz file without pickled objects; equal twins give equal bytes."""
        whole = io.BytesIO()
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for one_field in fields(self):
                array = getattr(self, one_field.name)
                if not array.size and one_field.default_factory is not MISSING:
                    continue
                one = io.BytesIO()
                np.save(one, array, allow_pickle=False)
                entry = zipfile.ZipInfo(f"{one_field.name}.npy", _EPOCH)
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, one.getvalue())
        return whole.getvalue()

    def _check(self) -> None:
        """Raise ValueError where arrays do not fit each other, so that people could not be drawn."""
        sides = {"2": 2}
        for name, letters in _SHAPES.items():
            array = getattr(self, name)
            default = next(one for one in fields(self) if one.name == name).default_factory is not MISSING
            if not array.size and default:
                continue
            text = name in ("items", "country_column", "born", "columns", "cells", "ballot_columns", "ballot_cells")
            if array.ndim != len(letters) or array.dtype.kind not in ("U" if text else "iu"):
                raise ValueError(f"{name} is of the shape {array.shape} and the type {array.dtype}")
            for letter, length in zip(letters, array.shape, strict=True):
                if sides.setdefault(letter, length) != length:
                    raise ValueError(f"{name} has {length} of what others have {sides[letter]} of")
        if sides["J"] != sides["I"] + 1 or sides["H"] != sides["C"] + 1 or not sides["C"] or not sides["I"]:
            raise ValueError("starts, born_shares, countries and items do not fit each other")
        places = self.starts.tolist()
        if places[0] or places[-1] != sides["T"] or places != sorted(places):
            raise ValueError("starts are no places in codes")
        if not 0 <= int(self.continents.min()) <= int(self.continents.max()) < sides["S"]:
            raise ValueError("continents are none that have loadings")
        if self.blocks.size and not -1 <= int(self.blocks.min()) <= int(self.blocks.max()) < sides.get("D", 0):
            raise ValueError("blocks are none that ballots have")
        summing = [self.people, self.reluctance_shares.sum(axis=1), self.missing_shares.sum(axis=2)]
        if self.blocks.size:
            summing.append(self.ballot_shares.sum(axis=1))
        if any(not one.size or int(one.min()) <= 0 for one in summing):
            raise ValueError("people or shares sum to nothing")
        asked = np.add.reduceat(np.c_[self.shares, np.zeros(sides["C"])], self.starts[:-1], axis=1)
        if bool((~((np.diff(self.starts) > 0) & (asked > 0)) & (self.absent == 0)).any()):
            raise ValueError("an item has no shares where it was asked")

    def save(self, path: str | Path) -> None:
        """Write the twin to ``path``. Raises IndievalueError where that cannot be done."""
        with new_file(Path(path)) as beside:
            beside.write_bytes(self.to_bytes())

    @classmethod
    def from_bytes(cls, content: bytes, source: str) -> "Twin":
        """The twin that :meth:`to_bytes` wrote. Raises IndievalueError, naming ``source``, for anything else."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                needed = [one for one in fields(cls) if one.default_factory is MISSING or one.name in arrays]
                twin = cls(**{one.name: arrays[one.name] for one in needed})
                twin._check()
                return twin
        except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise IndievalueError(f"{source} is no twin of a survey: {error}") from None
