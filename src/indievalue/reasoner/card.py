"""What is written beside a reasoner: a model card."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from indievalue import __version__
from indievalue.reasoner.settings import TrainingSettings


def write_card(folder: Path, settings: TrainingSettings, data: Mapping[str, Any], done: Mapping[str, Any]) -> None:
    """Write ``README.md``: what the reasoner is, what it was trained on and how, and how it did."""
    front = {
        "base_model": settings.model,
        "license": "other",
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["indievalue", "values", *(["lora"] if settings.tuning != "full" else [])],
    }
    recipe, part = data["recipe"], data["parts"]["train"]
    rows = "\n".join(
        f"| {line['step']} | {100 * line['accuracy']:.1f} | {line['log_loss']:.3f} | {line['answers']:,} |"
        for line in done["validations"]
    )
    common = done["majority"]
    beside = f"Always giving the most common answer of the training part: {100 * common:.1f} %." if common else ""
    results = f"| step | accuracy, % | log loss | answers |\n|---|---|---|---|\n{rows}\n\n{beside}" if rows else "None."
    options = yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    text = f"""---
{yaml.safe_dump(front, sort_keys=False)}---

# A reasoner: predicts what a person says about their values

Made by indievalue {__version__} from `{settings.model}`. It is shown some of what a person said in a survey, and
answers a question as that person would, with the letter of an option. Evaluate it with
`indievalue evaluate DATA --predictor local:{folder.name} --out RUN`; it refuses people it was trained on
(`trained-on.json` holds hashes of their ids).

## Data

Survey {data["survey"]}: {part["examples"]:,} examples of {part["people"]:,} people and {part["questions"]:,} questions.
Probes: {" and ".join(recipe["forms"])}. Demonstrations: {recipe["demonstrations"][0]} to {recipe["demonstrations"][1]},
{" and ".join(recipe["demonstrations_as"]) or "in the probe's own form"}. Context: {" and ".join(recipe["contexts"])}.
{data["tested"]:,} people were kept out, to be tested.

## Results on people it was not trained on

{results}

It is of step {done["step"]:,} of {done["steps"]:,}. {done["tokens"]:,} tokens were read in {done["seconds"]:,.0f} s;
{done["trained_parameters"]:,} of {done["parameters"]:,} parameters were trained.

## What it is not for

It predicts answers of people of the kind it was trained on, and is wrong about many. A guess is not an opinion that
somebody holds, and must not be taken for one. It may be right about some groups more often than about others:
`indievalue inequity RUN` says about which.

## Settings

```yaml
{options}```
"""
    (folder / "README.md").write_text(text, encoding="utf-8")
