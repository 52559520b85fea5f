"""The README.md written beside a training set and beside a reasoner."""

from pathlib import Path

import yaml

from indievalue import __version__
from indievalue.progress import duration
from indievalue.reasoner.manifest import Manifest
from indievalue.reasoner.recipe import Recipe
from indievalue.reasoner.record import TrainingRecord
from indievalue.reasoner.settings import TrainingSettings
from indievalue.safe_text import markdown_block, markdown_code, markdown_text


def training_set_card(manifest: Manifest) -> str:
    """Return the card of a training set, with which ``datasets.load_dataset`` finds its parts."""
    front = "\n".join(f"      - split: {name.replace('-', '_')}\n        path: {name}.jsonl" for name in manifest.parts)
    parts = "\n".join(
        f"| {name} | {part.examples:,} | {part.people:,} | {part.questions:,} | {part.tokens.median:,} |"
        for name, part in manifest.parts.items()
    )
    survey = markdown_text(manifest.survey)
    taught = ""
    if manifest.recipe.teacher:
        taught = (
            "\n`targets` in the part `train` are the probabilities to be learned, one for each label: a mix of the "
            f"person's own answer and what {markdown_code(manifest.recipe.teacher)}\n"
            "predicts, fitted on other people.\n"
        )
    return f"""---
license: other
configs:
  - config_name: default
    data_files:
{front}
---

# Survey answers as conversations, to train a reasoner

Made by indievalue {markdown_text(manifest.indievalue)} from answers to the survey {survey}. Each line is a conversation
(`messages`): what a person stated, a question, and the letter of their own answer. `manifest.json` describes how it
was drawn, and `people.parquet` lists who is in which part; {manifest.tested:,} people who are tested are in none.
It is made from people's answers to a survey: do not share it unless the survey's licence allows it.
{taught}
| part | examples | people | questions | median tokens |
|---|---|---|---|---|
{parts}
"""


def write_model_card(folder: Path, settings: TrainingSettings, manifest: Manifest, record: TrainingRecord) -> None:
    """Write ``README.md``: what the reasoner is, what it was trained on and how, and how well it did."""
    front = {
        "base_model": settings.model,
        "license": "other",
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["indievalue", "values", *(["lora"] if settings.tuning != "full" else [])],
    }
    recipe, part = manifest.recipe, manifest.parts["train"]
    options = yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    survey, model = markdown_text(manifest.survey), markdown_code(settings.model)
    command = markdown_code(recipe.evaluation(f"local:{folder.name}"))
    text = f"""---
{yaml.safe_dump(front, sort_keys=False)}---

# A reasoner: predicts a person's answers about their values

Made by indievalue {__version__} from {model}. Given some statements of a person from a survey, it answers a
question as that person would, with the letter of an option. Evaluate it with
{command}; it refuses to predict people it was trained on
(`trained-on.json` holds hashes of their ids).

## Data

Survey {survey}: {part.examples:,} examples of {part.people:,} people and {part.questions:,} questions.
Probes: {" and ".join(recipe.forms)}. Demonstrations: {recipe.demonstrations[0]} to {recipe.demonstrations[1]},
{" and ".join(recipe.demonstrations_as) or "in the probe's own form"}{_chosen(recipe)}.
Context: {" and ".join(recipe.contexts)}.
{manifest.tested:,} people were left out, to be tested.

## Results on people it was not trained on

{_results(record)}

These are its weights after step {record.step:,} of {record.steps:,}. It read {record.tokens:,} tokens
in {duration(record.seconds)}; {record.trained_parameters:,} of {record.parameters:,} parameters were trained.

## Limitations

It predicts answers of people like those it was trained on, and is wrong about many. A prediction is not an opinion that
somebody holds, and must not be used as one. It may be more accurate for some groups than for others:
`indievalue inequity RUN` shows for which.

## Settings

{markdown_block(options, "yaml")}
"""
    (folder / "README.md").write_text(text, encoding="utf-8")


def _chosen(recipe: Recipe) -> str:
    """Say how the statements were chosen; nothing where they were drawn at random."""
    return "" if recipe.show == "random" else f", chosen as `{recipe.show}`"


def _results(record: TrainingRecord) -> str:
    if not record.validations:
        return "None."
    rows = "\n".join(
        f"| {line.step} | {100 * line.accuracy:.1f} | {line.log_loss:.3f} | {line.answers:,} |"
        for line in record.validations
    )
    majority = (
        f"Always predicting the training part's most common answer: {100 * record.majority:.1f} %."
        if record.majority
        else ""
    )
    temperatures = " ".join(
        f"Its probabilities of {form} answers are those at a temperature of {found:.2f}, which fits these answers best."
        for form, found in record.temperatures.items()
    )
    return f"| step | accuracy, % | log loss | answers |\n|---|---|---|---|\n{rows}\n\n{majority}\n{temperatures}"
