"""Synthetic people: nobody's answers, drawn from a small statistical twin of everybody's.

The twin (see :mod:`indievalue.synthetic.twin` for how it is fitted, and what it does not hold) is a Gaussian copula
with common factors. A person of a country has factor scores f ~ N(0, I); the latent score of item j is
l_j · f + u_j e_j, of unit variance, and the country's thresholds cut it into a code. Whether an item stays
unanswered is one more draw, with log-odds a_j + s, where s is the person's own reluctance, so that missing
answers gather in the same people.

What it has not: clusters of near-identical interviews, and styles of answering such as choosing the ends of scales. So
its people are a little harder to predict from one another than real ones (see benchmarks/synthetic.py).
"""

import hashlib
import io
import zipfile
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit, ndtri

from indievalue.errors import IndievalueError
from indievalue.files import new_file
from indievalue.people.decode import decode
from indievalue.people.findings import SYNTHETIC
from indievalue.people.people import People
from indievalue.survey.load import load_survey
from indievalue.survey.survey import Survey

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

_FACTOR_STEP = 1024
_EPOCH = 1980, 1, 1, 0, 0, 0


@dataclass(frozen=True)
class Twin:
    """What is kept of the real answers: C countries in S continents, I items with T codes in all, K factors.

    Attributes:
        items: str (I,), data columns. codes: int32 (T,), every item's codes in the order of its latent scale.
        starts: int32 (I + 1,), where each item's codes start.
        countries: int32 (C,), codes in the country column. continents: int8 (C,). people: int32 (C,), people fitted on.
        shares: uint16 (C × T), of every code among an item's answers, in 1/10,000.
        loadings: int8 (S × I × K), in 1/128.
        absent: int8 (C × I), the missing code that everybody in the country has; 0 where the item was asked.
        intercepts: int16 (C × I), log-odds of an unanswered item, in 1/100; ``NEVER`` where it is always answered.
        reluctance: int16 (G,), what a person's reluctance adds to these, in 1/100.
        reluctance_shares: uint16 (C × G), how it is spread over people, in 1/10,000.
        missing_codes: int8 (M,). missing_shares: uint16 (C × I × M), of each among unanswered ones, in 1/10,000.
        country_column: str (), the data column of the country.
        born: str (B × 2), columns of a country of birth, each with the column that says whether it is another one than
            that of residence. born_abroad: int32 (), the code that says so.
        born_codes: int32 (N,). born_shares: uint16 (C + 1 × B × N), of each among those born abroad, in 1/10,000, by
            country of residence; the last row is for people of all countries.
        born_alike: uint16 (B,), among those who were born abroad as was the person of the column before, the share who
            were born in the same country, in 1/10,000.
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

    def to_bytes(self) -> bytes:
        """The twin as an .npz file without pickled objects; equal twins give equal bytes."""
        whole = io.BytesIO()
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for field in fields(self):
                one = io.BytesIO()
                np.save(one, getattr(self, field.name), allow_pickle=False)
                entry = zipfile.ZipInfo(f"{field.name}.npy", _EPOCH)
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, one.getvalue())
        return whole.getvalue()

    def save(self, path: str | Path) -> None:
        """Write the twin to ``path``. Raises IndievalueError where that cannot be done."""
        with new_file(Path(path)) as beside:
            beside.write_bytes(self.to_bytes())

    @classmethod
    def from_bytes(cls, content: bytes, source: str) -> "Twin":
        """The twin that :meth:`to_bytes` wrote. Raises IndievalueError, naming ``source``, for anything else."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                return cls(**{field.name: arrays[field.name] for field in fields(cls)})
        except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise IndievalueError(f"{source} is no twin of a survey: {error}") from None


@cache
def load_twin(survey: str = "wvs7") -> tuple[Twin, str]:
    """The twin of a shipped survey, or of the survey in a folder, and the SHA-256 of its file in hex.

    Raises IndievalueError where the survey has none.
    """
    shipped = files("indievalue") / "surveys" / survey / "twin.npz"
    path = shipped if shipped.is_file() else Path(survey) / "twin.npz"
    if not path.is_file():
        raise IndievalueError(
            f"survey {survey} has no twin.npz to draw synthetic people from; "
            "fit one: python -m indievalue.synthetic.twin DATA OUT.npz"
        )
    content = path.read_bytes()
    return Twin.from_bytes(content, str(path)), hashlib.sha256(content).hexdigest()


def synthetic_people(n: int = 10_000, seed: int = 0, survey: str = "wvs7") -> People:
    """Draw ``n`` synthetic people, as if read from a file: ids ``synthetic-000001`` …, weights 1.

    The same arguments give the same people on any number of threads. Countries have the shares that they have in the
    data the twin was fitted on, and their people are shuffled. Raises IndievalueError if ``n`` is below 1, the seed is
    negative, or the survey has no twin.

    >>> synthetic_people(3).ids.tolist()
    ['synthetic-000001', 'synthetic-000002', 'synthetic-000003']
    """
    if n < 1:
        raise IndievalueError(f"there must be at least 1 synthetic person, not {n}")
    if seed < 0:
        raise IndievalueError(f"a seed is a number from 0 on, and not {seed}")
    spec = load_survey(survey)
    twin, digest = load_twin(survey)
    fingerprint = hashlib.sha256(f"{digest} n={n} seed={seed}".encode()).hexdigest()
    return decode(draw(twin, spec, n, seed), spec, SYNTHETIC, fingerprint)


def draw(twin: Twin, survey: Survey, n: int, seed: int) -> pl.DataFrame:
    """Draw the raw columns of ``n`` synthetic people, as a data file of ``survey`` would hold them."""
    random = np.random.Generator(np.random.PCG64(seed))
    row_of = random.permutation(n)
    raw = {name: np.empty(n, np.int32) for name in [str(twin.country_column), *twin.items.tolist()]}
    start = 0
    for country, people in enumerate(_quotas(twin.people, n).tolist()):
        rows = row_of[start : start + people]
        start += people
        for name, codes in _draw_country(twin, country, people, random).items():
            raw[name][rows] = codes
    table: dict[str, NDArray[np.generic] | list[str]] = dict(raw)
    for column in survey.person:
        table[column] = [f"synthetic-{number:06d}" for number in range(1, n + 1)]
    for column in survey.weight_columns:
        table[column] = np.ones(n)
    return pl.DataFrame(table)


def _quotas(people: NDArray[np.int32], n: int) -> NDArray[np.int64]:
    """``n`` shared out over countries in proportion to ``people``, by largest remainder."""
    exact = people.astype(np.int64) * n
    whole = exact // people.sum()
    last = np.argsort(-(exact % people.sum()), kind="stable")[: n - whole.sum()]
    whole[last] += 1
    return np.asarray(whole)


def _draw_country(twin: Twin, country: int, n: int, random: np.random.Generator) -> dict[str, NDArray[np.int32]]:
    """Raw codes (n,) of every column for the people of one country."""
    latent = _latent(twin.loadings[twin.continents[country]], n, random)
    reluctant = random.choice(len(twin.reluctance), n, p=_fractions(twin.reluctance_shares[country]))
    log_odds = (twin.intercepts[country].astype(np.float64) + twin.reluctance[:, None]) / LOG_ODDS
    chance = np.where(twin.intercepts[country] == NEVER, 0.0, expit(log_odds))  # reluctance × items
    drawn = {str(twin.country_column): np.full(n, twin.countries[country])}
    missing: dict[str, NDArray[np.bool_]] = {}
    for item, name in enumerate(twin.items.tolist()):
        here = slice(twin.starts[item], twin.starts[item + 1])
        if twin.absent[country, item]:
            drawn[name] = np.full(n, twin.absent[country, item], np.int32)
            continue
        thresholds = ndtri(_fractions(twin.shares[country, here]).cumsum()[:-1])
        drawn[name] = twin.codes[here][np.searchsorted(thresholds, latent[:, item])]
        missing[name] = random.random(n) < chance[reluctant, item]
    _fill_births(twin, country, drawn, random)
    for item, name in enumerate(twin.items.tolist()):
        if name in missing and missing[name].any():
            kinds = _fractions(twin.missing_shares[country, item])
            drawn[name][missing[name]] = random.choice(twin.missing_codes, int(missing[name].sum()), p=kinds)
    return drawn


def _latent(loadings: NDArray[np.int8], n: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Latent scores (n × items) of unit variance.

    Factor scores are rounded to 1/1024. Products with the loadings are then sums of whole numbers far below 2**53,
    which are exact in whatever order a matrix library adds them up.
    """
    scores = np.rint(random.standard_normal((n, loadings.shape[1])) * _FACTOR_STEP)
    whole = loadings.astype(np.float64)
    unique = np.sqrt(np.maximum(LOADING**2 - (whole**2).sum(axis=1), 0.0)) / LOADING
    latent = (scores @ whole.T) / (_FACTOR_STEP * LOADING)
    latent += random.standard_normal(latent.shape) * unique
    return np.asfortranarray(latent)


def _fractions(shares: NDArray[np.uint16]) -> NDArray[np.float64]:
    return np.asarray(shares / shares.sum(dtype=np.int64))


def _fill_births(twin: Twin, country: int, drawn: dict[str, NDArray[np.int32]], random: np.random.Generator) -> None:
    """Fill in where people and their parents were born: in the country they live in, or else drawn from its list.

    A mother who was born abroad is first likely to be of her child's country of birth, a father of the mother's.
    """
    before = np.zeros(n := len(drawn[str(twin.country_column)]), np.int32)
    for column, (name, immigrant) in enumerate(twin.born.tolist()):
        lists = twin.born_shares[[country, -1], column].copy()
        lists[:, twin.born_codes == twin.countries[country]] = 0
        listed = lists[0] if lists[0].any() else lists[1]
        where = random.choice(twin.born_codes, n, p=_fractions(listed)) if listed.any() else before
        alike = (before > 0) & (random.random(n) < twin.born_alike[column] / SHARE)
        abroad = np.where(alike, before, where)
        before = np.where(drawn[immigrant] == twin.born_abroad, abroad, 0).astype(np.int32)
        if not twin.absent[country, twin.items.tolist().index(name)]:
            drawn[name] = np.where(before > 0, before, twin.countries[country])
