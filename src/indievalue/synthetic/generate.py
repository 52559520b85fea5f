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
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit, ndtri

from indievalue.errors import IndievalueError
from indievalue.people.decode import decode
from indievalue.people.findings import SYNTHETIC
from indievalue.people.people import People
from indievalue.people.where import rows_where
from indievalue.survey.load import load_survey, shipped_surveys
from indievalue.survey.survey import Survey
from indievalue.synthetic.model import LOADING, LOG_ODDS, NEVER, SHARE, Twin

FILE = "twin.npz"
"""Name of a twin in the folder of its survey."""

_FACTOR_STEP = 1024

Codes = NDArray[np.int32]


@cache
def load_twin(survey: str | None = None) -> tuple[Twin, str]:
    """The twin of a shipped survey, or of the survey in a folder, and the SHA-256 of its file in hex.

    None is the first shipped survey that has one. Raises IndievalueError where the survey has no twin.
    """
    survey = survey or surveys_with_twin()[0]
    shipped = files("indievalue") / "surveys" / survey / FILE
    path = shipped if shipped.is_file() else Path(survey) / FILE
    if not path.is_file():
        raise IndievalueError(
            f"survey {survey} has no {FILE} to draw synthetic people from; "
            f"fit one to your file of the survey: indievalue twin DATA --survey {survey} --out FOLDER"
        )
    return _read(path.read_bytes(), str(path))


def surveys_with_twin() -> list[str]:
    """Names of the shipped surveys that people can be drawn of without any data."""
    return [name for name in shipped_surveys() if (files("indievalue") / "surveys" / name / FILE).is_file()]


def twin_in(path: Path, survey: str | None = None) -> tuple[Twin, str, Survey]:
    """The twin in a file, or in a folder with its survey; the SHA-256 of its file in hex; and its survey.

    ``survey`` is the name or folder of the survey, None for the one that the folder or the file tells. Raises
    IndievalueError where there is no twin, or nothing tells its survey.
    """
    file = path / FILE if path.is_dir() else path
    try:
        twin, digest = _read(file.read_bytes(), str(file))
    except OSError as error:
        raise IndievalueError(f"cannot read the twin {file}: {error.strerror or error}") from None
    if survey is None:
        survey = str(path) if path.is_dir() and (path / "survey.yaml").is_file() else twin.facts.get("survey")
    if not survey:
        raise IndievalueError(f"{path} does not tell its survey: give --survey with the survey that it was fitted with")
    spec = load_survey(survey)
    strange = sorted(set(twin.items.tolist()) - _names(spec))
    if strange:
        raise IndievalueError(
            f"{path} was fitted with another survey than {spec.name}, which has no {strange[0]} "
            f"({len(strange):,} of {len(twin.items):,} items are not in it)"
        )
    return twin, digest, spec


def _names(survey: Survey) -> set[str]:
    return {*survey.positions, *(demographic.columns[0] for demographic in survey.demographics)}


def _read(content: bytes, source: str) -> tuple[Twin, str]:
    return Twin.from_bytes(content, source), hashlib.sha256(content).hexdigest()


def synthetic_people(n: int = 10_000, seed: int = 0, survey: str | None = None) -> People:
    """Draw ``n`` synthetic people, as if read from a file: ids ``synthetic-000001`` …, weights 1.

    ``survey`` is a shipped survey, or a folder with a survey and its ``twin.npz``; None is the shipped one. The same
    arguments give the same people on any number of threads. Countries have the shares that they have in the
    data the twin was fitted on, and their people are shuffled. Raises IndievalueError if ``n`` is below 1, the seed is
    negative, or the survey has no twin.

    >>> synthetic_people(3).ids.tolist()
    ['synthetic-000001', 'synthetic-000002', 'synthetic-000003']
    """
    checked(n, seed)
    spec = load_survey(survey or surveys_with_twin()[0])
    twin, digest = load_twin(survey)
    return _people(twin, digest, spec, n, seed)


def people_of_twin(path: Path, n: int = 10_000, seed: int = 0, survey: str | None = None) -> People:
    """Draw ``n`` synthetic people of the twin at ``path`` as :func:`synthetic_people` does; see :func:`twin_in`."""
    checked(n, seed)
    twin, digest, spec = twin_in(path, survey)
    return _people(twin, digest, spec, n, seed)


def checked(n: int, seed: int) -> tuple[int, int]:
    """Return a number of people and a seed. Raises IndievalueError if ``n`` is below 1 or the seed is negative."""
    if n < 1:
        raise IndievalueError(f"there must be at least 1 synthetic person, not {n}")
    if seed < 0:
        raise IndievalueError(f"a seed is a number from 0 on, and not {seed}")
    return n, seed


def _people(twin: Twin, digest: str, survey: Survey, n: int, seed: int) -> People:
    fingerprint = hashlib.sha256(f"{digest} n={n} seed={seed}".encode()).hexdigest()
    return decode(draw(twin, survey, n, seed), survey, SYNTHETIC, fingerprint)


def draw(twin: Twin, survey: Survey, n: int, seed: int) -> pl.DataFrame:
    """Draw the raw columns of ``n`` synthetic people, as a data file of ``survey`` would hold them."""
    random = np.random.Generator(np.random.PCG64(seed))
    row_of = random.permutation(n)
    residence = str(twin.country_column)
    raw = {name: np.empty(n, np.int32) for name in [residence, *twin.items.tolist()] if name}
    ballot = np.zeros(n, np.int64)
    start = 0
    for country, people in enumerate(_quotas(twin.people, n).tolist()):
        rows = row_of[start : start + people]
        start += people
        drawn = _draw_country(twin, country, people, random)
        if twin.blocks.size:
            ballot[rows] = _leave_unasked(twin, country, drawn, random)
        for name in raw:
            raw[name][rows] = drawn[name]
    table: dict[str, NDArray[np.generic] | list[str] | pl.Series] = {}
    for number, column in enumerate(twin.ballot_columns.tolist()):
        table[column] = _cells(twin.ballot_cells[ballot, number])
    for column, cell in twin.cells.tolist():
        table[column] = _cells(np.full(n, cell))
    table |= _by_column(twin, survey, raw, pl.DataFrame(table))
    ids = [f"synthetic-{number:06d}" for number in range(1, n + 1)]
    for column in survey.person:
        table.setdefault(column, ids)
    for column in survey.weight_columns:
        table[column] = np.ones(n)
    return _with_texts(pl.DataFrame(table), survey)


def _with_texts(table: pl.DataFrame, survey: Survey) -> pl.DataFrame:
    """The table with codes that stand for a text, which a demographic has in place of numbers, as that text."""
    texts: dict[str, dict[str, str]] = {}
    for demographic in survey.demographics:
        for column in demographic.columns:
            texts.setdefault(column, {}).update({str(code): text for text, code in (demographic.texts or {}).items()})
    return table.with_columns(
        table[name].cast(pl.String).replace(texts[name]) for name in table.columns if texts.get(name)
    )


def _cells(cells: NDArray[np.str_]) -> pl.Series:
    return pl.Series(cells.tolist(), dtype=pl.String).replace({"": None})


def _by_column(twin: Twin, survey: Survey, raw: dict[str, Codes], given: pl.DataFrame) -> dict[str, Codes]:
    """The items as columns of a file, where several items may share one, each with its own condition."""
    named = dict(zip(twin.items.tolist(), twin.data_columns, strict=True))
    columns: dict[str, Codes] = {}
    for name, codes in raw.items():
        columns.setdefault(named.get(name, name), codes)
    shared = {column for column in columns if twin.data_columns.count(column) > 1}
    if not shared:
        return columns
    everything = pl.DataFrame(columns | given.to_dict())
    for question in survey.questions:
        column = named.get(question.id)
        if column in shared and set(question.where or ()) <= set(everything.columns):
            theirs = rows_where(everything, question.where or {}).to_numpy()
            columns[column] = np.where(theirs, raw[question.id], columns[column])
    return columns


def _leave_unasked(twin: Twin, country: int, drawn: dict[str, Codes], random: np.random.Generator) -> NDArray[np.int64]:
    """Draw the ballot of a country's people, and overwrite what they are not asked; the ballots (people,)."""
    n = len(drawn[twin.items[0].item()])
    ballot = random.choice(twin.ballot_shares.shape[1], n, p=_fractions(twin.ballot_shares[country]))
    if not twin.ballots.size:
        return ballot
    put = twin.ballots[ballot]
    asked = (put == 1) | ((put == 2) & (random.random(put.shape) < twin.block_shares[country] / SHARE))
    for item, name in enumerate(twin.items.tolist()):
        block = twin.blocks[item]
        if block >= 0 and not twin.absent[country, item]:
            drawn[name] = np.where(asked[:, block], drawn[name], twin.unasked[item]).astype(np.int32)
    return ballot


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
        code = np.broadcast_to(twin.born_abroad, len(twin.born))[column]
        before = np.where(drawn[immigrant] == code, abroad, 0).astype(np.int32)
        if not twin.absent[country, twin.items.tolist().index(name)]:
            drawn[name] = np.where(before > 0, before, twin.countries[country])
