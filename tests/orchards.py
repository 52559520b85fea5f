"""A made-up survey that has three of the garden survey's questions under other names and on other scales."""

from pathlib import Path

import numpy as np
import polars as pl

from conftest import GARDEN

SURVEY = """\
name: orchard
title: An orchard survey of four questions
person: NR
country: region
recognised_by: [ORCHARD]
missing: {-1: don't know, -4: not asked, -5: missing}
not_asked: -4
blank: -5
categories: [Everything]
sampling: {setups: 1, per_category: 2}
"""

DEMOGRAPHICS = """\
- id: ORCHARD
  name: region
  asks: Where is your orchard?
  statement: My orchard is in the {group}.
  groups:
    - {codes: 1, label: Hills}
    - {codes: 2, label: Coast}
"""

QUESTIONS = """\
- battery: loves
  category: Everything
  type: mc_3
  asks: Do you love {plant}?
  polar:
    1: "I love {plant}."
    2-3: "I do not love {plant}."
  refined:
    1: "I love {plant}."
    2: "I do not mind {plant}."
    3: "I do not love {plant}."
  same_as: "garden.{there}"
  questions:
    ROSES: {plant: roses, there: P1}
    NETTLES: {plant: nettles, there: P2}

- question: HOGS
  category: Everything
  type: mc_2
  asks: Do you feed hedgehogs?
  polar:
    1: I feed hedgehogs.
    2: I do not feed hedgehogs.
  refined: same as polar
  same_as: garden.A1 reversed

- question: CIDER
  category: Everything
  type: mc_2
  asks: Do you make cider?
  polar:
    0: I make cider.
    1: I do not make cider.
  refined: same as polar
"""


def orchard_survey(folder: Path, changes: tuple[str, str] = ("", "")) -> Path:
    """A folder with the orchard survey beside a link to the garden's, and ``changes`` made to its questions."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "garden").exists():
        (folder / "garden").symlink_to(GARDEN)
    orchard = folder / "orchard"
    orchard.mkdir(exist_ok=True)
    (orchard / "survey.yaml").write_text(SURVEY)
    (orchard / "demographics.yaml").write_text(DEMOGRAPHICS)
    (orchard / "questions.yaml").write_text(QUESTIONS.replace(*changes) if changes[0] else QUESTIONS)
    return orchard


def orchard_answers(people: int, seed: int = 0) -> pl.DataFrame:
    """Raw codes of made-up people, nine in ten of whom love roses and hedgehogs, or neither."""
    rng = np.random.default_rng(seed)
    fond = rng.random(people) < 0.5
    agrees = rng.random((3, people)) < 0.9
    return pl.DataFrame(
        {
            "NR": [f"o{number:04d}" for number in range(people)],
            "ORCHARD": rng.integers(1, 3, people),
            "ROSES": np.where(fond == agrees[0], 1, 3),
            "NETTLES": np.where(fond == agrees[1], 1, 3),
            "HOGS": np.where(fond == agrees[2], 1, 2),
            "CIDER": rng.integers(0, 2, people),
        }
    )
