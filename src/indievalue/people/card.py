"""The dataset card of a catalog, with the front matter that Hugging Face's `datasets` reads."""

import re

import yaml

from indievalue.choices import FORMS
from indievalue.people.blocks import PeopleBlocks
from indievalue.people.people import People
from indievalue.safe_text import markdown_text
from indievalue.survey.survey import Survey

_LICENCES = re.compile(r"cc0-1\.0|cc-by(-nc)?(-sa|-nd)?-[1-4]\.0|odbl|pddl|mit|apache-2\.0|odc-by")
"""Identifiers of licences that Hugging Face knows."""

_LONGEST_NAME = 4
"""Words of the name of a licence; more are a sentence on it."""


def dataset_card(people: People | PeopleBlocks, *, text: str | None) -> str:
    """README.md of a catalog directory; ``text`` is the name of the file with everybody's statements, if any.

    The catalog of people in blocks has folders of parquet files in place of files.
    """
    survey, findings = people.survey, people.findings
    ending = "" if isinstance(people, People) else "/*"
    tables = ["people", *(f"answers_{form}" for form in FORMS)]
    files = {**{name: f"{name}{ending}.parquet" for name in tables}, "statements": "statements.parquet"}
    number = f"{len(people):,}"
    # No config for statements.jsonl: `datasets` takes all configs of a folder for the format of the first.
    options = sum(int(survey.form(form).starts[-1]) for form in FORMS)
    front = {
        **_licence(survey),
        "pretty_name": f"{survey.title}: value-expressing statements",
        "language": [survey.language],
        "configs": [
            {
                "config_name": name,
                "data_files": [{"split": "train", "path": path}],
                **({"default": True} if name == "people" else {}),
            }
            for name, path in files.items()
        ],
    }
    lines = [
        "---",
        yaml.safe_dump(front, sort_keys=False, allow_unicode=True).strip(),
        "---",
        f"# {markdown_text(survey.title)}: value-expressing statements",
        "",
        f"**Licence.** {markdown_text(survey.licence)}" if survey.licence else "",
        "",
        "| file | rows | what it is |",
        "|---|---|---|",
        f"| `{files['people']}` | {number} | person, weight and {len(survey.demographics)} demographics as labels |",
        *(
            f"| `{files[f'answers_{form}']}` | {number} | option of each question, {form}; -1 is missing |"
            for form in FORMS
        ),
        f"| `statements.parquet` | {options:,} | question, form, option, answer codes, statement, category |",
    ]
    if text:
        lines.append(f"| `{text}` | {number} | everybody's statements, and what is missing and why |")
    lines += [
        "",
        "```python",
        "import polars as pl",
        f'people = pl.read_parquet("{files["people"]}")',
        "",
        "from datasets import load_dataset",
        'answers = load_dataset("PATH OF THIS FOLDER", "answers_polar", split="train")',
        *([f'text = load_dataset("json", data_files="{text}", split="train")'] if text else []),
        "```",
        "",
        "## What was read",
        "",
        *(f"- {markdown_text(line)}" for line in findings.lines()),
        f"- SHA-256 of the source: `{findings.fingerprint}`",
        "",
    ]
    return "\n".join(lines)


def _licence(survey: Survey) -> dict[str, str]:
    """The licence as front matter: the identifier or name that the survey's licence line begins with, if it does."""
    name = re.split(r"[,;:(]|\.(?!\d)", survey.licence)[0]
    words = re.findall(r"[\w.]+", name.casefold())
    if not 0 < len(words) <= _LONGEST_NAME:
        return {"license": "other", "license_name": f"{survey.name}-derived-do-not-redistribute"}
    slug = "-".join(words)
    return {"license": slug} if _LICENCES.fullmatch(slug) else {"license": "other", "license_name": slug}
