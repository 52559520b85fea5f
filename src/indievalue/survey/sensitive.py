"""Questions that people tend to answer as they should: ``sensitive.yaml`` in the folder of a survey."""

from importlib.resources import files
from pathlib import Path

from pydantic import Field, TypeAdapter, ValidationError

from indievalue.errors import IndievalueError, problems_of
from indievalue.parsing import read_yaml
from indievalue.strict import StrictModel
from indievalue.survey.survey import Survey

FILE = "sensitive.yaml"

SENSITIVE, OTHER = "as they should", "others"
"""Names of the two kinds of questions."""


class Sensitive(StrictModel):
    """Questions that are sensitive for one reason."""

    reason: str
    questions: list[str] = Field(min_length=1)


def sensitive_questions(survey: Survey) -> dict[str, str]:
    """Return the questions that people tend to answer as they should, with the reason.

    Raises IndievalueError if the survey has no ``sensitive.yaml``, or one with a question that it does not have.

    >>> from indievalue.survey.load import load_survey
    >>> sensitive_questions(load_survey("wvs7"))["Q221"]
    'voting and taking part are duties of a good citizen'
    """
    folder = files("indievalue") / "surveys" / survey.name if survey.folder is None else Path(survey.folder)
    file = folder / FILE
    if not file.is_file():
        raise IndievalueError(
            f"survey {survey.name} does not say which questions people answer as they should: list them in {FILE} "
            "beside its questions.yaml (docs: A survey as YAML)"
        )
    try:
        listed = TypeAdapter(list[Sensitive]).validate_python(read_yaml(file, "a survey"))
    except ValidationError as error:
        raise IndievalueError(f"{file}: {'; '.join(problems_of(error))}") from None
    found = {question: one.reason for one in listed for question in one.questions}
    for question in found:
        survey.question(question)
    return found
