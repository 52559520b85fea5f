"""Runs the commands of a page of the docs, as they are printed and in their order, in a folder of its own."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from indievalue.people.people import People

NOT_RUN = {
    "In a clone": "sets up the project itself",
    "Needs a key": "an account with a provider",
    "Needs a server": "a server of the reader's own",
    "Needs a GPU": "a GPU",
    "An hour": "takes too long",
}
"""Titles of code blocks that are for the reader only, and what stands against running them."""

FENCE = re.compile(r'^```(?P<language>sh|python)(?: title="(?P<title>[^"]*)")?\n(?P<code>.*?)^```$', re.M | re.S)


@dataclass(frozen=True)
class Block:
    """A block of commands, with its line in the page."""

    language: str
    title: str | None
    code: str
    line: int

    @property
    def is_run(self) -> bool:
        return self.title not in NOT_RUN


def blocks_of(page: Path) -> list[Block]:
    """The code blocks of a page, in their order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(found["language"], found["title"], found["code"], text[: found.start()].count("\n") + 1)
        for found in FENCE.finditer(text)
    ]


def run_page(page: Path, folder: Path, **environment: str) -> list[str]:
    """Run the blocks of a page in ``folder``, and return what each printed; one that fails is an AssertionError."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    private = {"INDIEVALUE_CACHE": str(folder / "cache"), "HF_HUB_OFFLINE": "1", "PATH": path}
    printed = []
    for block in blocks_of(page):
        if not block.is_run:
            continue
        command = ["bash", "-euo", "pipefail", "-c"] if block.language == "sh" else [sys.executable, "-c"]
        done = subprocess.run(
            [*command, block.code],
            cwd=folder,
            env={**os.environ, **private, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0, f"{page.name}, line {block.line}, exit code {done.returncode}:\n{said[-3000:]}"
        printed.append(said)
    return printed


def write_survey_file(people: People, file: Path) -> None:
    """Write synthetic people as a survey file, with ids like those of the United States in WVS-7."""
    survey = people.survey
    columns: dict[str, object] = {
        survey.person[0]: range(840070001, 840070001 + len(people.ids)),
        str(survey.weight): people.weights,
    }
    for demographic in survey.demographics:
        column = demographic.columns[0]
        codes = {group.label: group.codes[column][0] for group in demographic.groups if column in group.codes}
        labels = people.demographics[demographic.name]
        columns.setdefault(column, labels.replace_strict(codes, default=-1, return_dtype=pl.Int64))
    for question, answers in zip(survey.questions, people.codes.T, strict=True):
        columns[question.id] = answers
    pl.DataFrame(columns).write_csv(file)
