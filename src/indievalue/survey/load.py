"""Load a :class:`Survey` from its YAML files. The format is described in docs/specification.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from pydantic import ValidationError

from indievalue.errors import IndievalueError, did_you_mean, problems_of
from indievalue.parsing import read_yaml
from indievalue.survey.background import demographic_of
from indievalue.survey.codes import (
    LARGEST_CODE,
    missing_code,
    missing_reasons,
    parse_codes,
    parse_values,
)
from indievalue.survey.model import Option, Question, SameAs, Sampling
from indievalue.survey.same_as import parse_same_as, same_as_problems
from indievalue.survey.spec import AS_WRITTEN, SAME, BatterySpec, Codes, DemographicSpec, Slot, Spec, SurveySpec
from indievalue.survey.survey import Survey
from indievalue.survey.template import filled

SAME_AS = "same_as"

_SHIPPED = Path(str(files("indievalue"))) / "surveys"


def shipped_surveys() -> list[str]:
    """Names of the surveys that come with the package."""
    folder = files("indievalue") / "surveys"
    return sorted(entry.name for entry in folder.iterdir() if (entry / "survey.yaml").is_file())


@cache
def load_survey(name: str, *, linked: bool = True) -> Survey:
    """Load the shipped survey called ``name``, or the survey in the folder whose path is ``name``.

    A folder holds ``survey.yaml``, ``questions.yaml`` and, optionally, ``demographics.yaml``. A survey that
    is not shipped is validated; raises IndievalueError listing every problem found. The surveys that its ``same_as``
    names are looked for among those that ship and beside the folder, unless ``linked`` is False, as for a copy.

    >>> load_survey("wvs7").name
    'wvs7'
    """
    if name in shipped_surveys():
        return _read(files("indievalue") / "surveys" / name)
    folder = Path(name)
    if not (folder / "survey.yaml").is_file():
        shipped = shipped_surveys()
        raise IndievalueError(
            f"there is no survey {name!r}: give one of {', '.join(shipped)}, or a folder with survey.yaml and "
            f"questions.yaml{did_you_mean(name, shipped)}"
        )
    survey = _read(folder)
    problems = survey.validate()
    if linked:
        problems += same_as_problems(survey, surveys_named(survey))
    if problems:
        raise IndievalueError(f"{folder}: {len(problems)} problems in the survey spec\n  " + "\n  ".join(problems))
    return survey


def surveys_named(survey: Survey) -> dict[str, Survey | None]:
    """The surveys that ``same_as`` names: those that ship, and those in folders beside the survey's, not validated."""

    def found(name: str) -> Survey | None:
        if name in shipped_surveys():
            return load_survey(name)
        beside = Path(survey.folder or _SHIPPED / survey.name).resolve().parent / name
        return _read(beside) if (beside / "survey.yaml").is_file() else None

    return {name: found(name) for name in {same.survey for q in survey.questions for same in q.same_as}}


def _read(folder: Traversable) -> Survey:
    spec = _parse(folder / "survey.yaml", SurveySpec)
    batteries = _parse_list(folder / "questions.yaml", BatterySpec)
    demographics: list[DemographicSpec] = []
    if (folder / "demographics.yaml").is_file():
        demographics = _parse_list(folder / "demographics.yaml", DemographicSpec)
    return Survey(
        name=spec.name,
        title=spec.title,
        licence=spec.licence,
        person=tuple([spec.person] if isinstance(spec.person, str) else spec.person or ()),
        weight=tuple(spec.weight) if isinstance(spec.weight, list) else spec.weight,
        language=spec.language,
        rounds={name: tuple(columns) for name, columns in spec.rounds.items()},
        country=spec.country,
        region=spec.region,
        year=spec.year,
        recognised_by=tuple(spec.recognised_by),
        missing=missing_reasons(spec.missing, f"{folder / 'survey.yaml'}"),
        not_asked=spec.not_asked,
        blank=spec.blank,
        categories=tuple(spec.categories),
        questions=tuple(question for battery in batteries for question in _questions(battery, folder)),
        demographics=tuple(demographic_of(item, f"{folder}/demographics.yaml, {item.name}") for item in demographics),
        sampling=Sampling(**spec.sampling.model_dump()),
        inequity=tuple([item.name for item in demographics] if spec.inequity is None else spec.inequity),
        repeated_ids=spec.repeated_ids,
        where=_where(spec.where, f"{folder / 'survey.yaml'}"),
        folder=str(folder) if isinstance(folder, Path) and folder.parent != _SHIPPED else None,
    )


def _questions(battery: BatterySpec, folder: Traversable) -> list[Question]:
    where = f"{folder}/questions.yaml, {battery.battery or battery.question}"
    if (battery.question is None) == (not battery.questions):
        raise IndievalueError(f"{where}: give either `question: ID` or `battery: NAME` with `questions:`")
    slots_by_id = battery.questions or {str(battery.question): {}}
    condition = None if battery.where is None else _where(battery.where, where)
    refined = battery.polar if battery.refined == SAME else battery.refined
    assert isinstance(refined, dict)
    missing = None if battery.missing is None else missing_reasons(battery.missing, where)
    try:
        blank = None if battery.blank is None else missing_code(battery.blank)
        made = []
        for id, values in slots_by_id.items():  # noqa: A001 - the survey's own word
            place = _columns(id, values, battery)
            slots = {name: value for name, value in values.items() if isinstance(value, str)}
            made.append(
                Question(
                    id=id,
                    category=battery.category,
                    type=battery.type,
                    asks=_sentence(battery.asks, slots),
                    polar=_options(battery.polar, slots),
                    refined=_options(refined, slots),
                    ordered=battery.ordered is not False,
                    codes_in_order=battery.ordered != AS_WRITTEN,
                    left_out=battery.left_out,
                    missing=missing,
                    blank=blank,
                    columns=place.columns,
                    one_column=place.one_column,
                    rounds=place.rounds,
                    where=condition,
                    same_as=_same_as(values, battery),
                    battery=battery.battery,
                )
            )
        return made
    except KeyError as slot:
        raise IndievalueError(f"{where}: a question gives no value for the slot {slot}") from None
    except ValueError as error:
        raise IndievalueError(f"{where}: {error}") from None


@dataclass(frozen=True)
class _Columns:
    """The data columns of a question as in :class:`Question`."""

    columns: tuple[str, ...] = ()
    one_column: bool = False
    rounds: Mapping[str, str] | None = None


def _columns(id: str, values: Mapping[str, Slot], battery: BatterySpec) -> _Columns:  # noqa: A002
    """The data columns of a question: its own or its battery's, with ``{id}`` and slots filled in."""
    texts = {name: value for name, value in values.items() if isinstance(value, str)}
    other = [name for name in values if name not in texts and name not in ("column", "columns", SAME_AS)]
    if other:
        raise ValueError(f"{id} has a list as its {other[0]}; only column and columns can be one, and {SAME_AS}")
    column, columns = values.get("column"), values.get("columns")
    if column is None and columns is None:
        column, columns = battery.column, battery.columns
    if column is not None and columns is not None:
        raise ValueError(
            f"{id} has both column and columns: keep column for names in other files, or columns for parts"
        )
    if columns is not None and not isinstance(columns, list):
        raise ValueError(f"{id} has one text as its columns: call it column, or write a list such as [Q1, Q2]")
    slots = {"id": id, **texts}
    if isinstance(column, dict):
        rounds = {name: filled(one, slots) for name, one in column.items()}
        return _Columns(tuple(dict.fromkeys(rounds.values())), rounds=rounds)
    given = columns if columns is not None else [column] if isinstance(column, str) else column
    if given == []:
        raise ValueError(f"{id} has an empty list of columns")
    return _Columns(tuple(filled(name, slots) for name in given or []), one_column=columns is None)


def _same_as(values: Mapping[str, Slot], battery: BatterySpec) -> tuple[SameAs, ...]:
    """The same item in other surveys: of the question, or else of its battery, with slots filled in."""
    slots = {name: value for name, value in values.items() if isinstance(value, str)}
    given = values.get(SAME_AS, battery.same_as) or []
    if isinstance(given, dict):
        raise ValueError(f"{SAME_AS} is a text such as wvs7.Q46, or a list of them")
    return tuple(parse_same_as(filled(text, slots)) for text in ([given] if isinstance(given, str) else given))


def _where(condition: Mapping[str, Codes], where: str) -> dict[str, tuple[str, ...]]:
    try:
        return {column: parse_values(values) for column, values in condition.items()}
    except ValueError as error:
        raise IndievalueError(f"{where}, where: {error}") from None


def _options(options: dict[Codes, str], slots: dict[str, str]) -> tuple[Option, ...]:
    made = tuple(Option(parse_codes(codes), _sentence(text, slots)) for codes, text in options.items())
    beyond = [code for option in made for code in option.codes if abs(code) > LARGEST_CODE]
    if beyond:
        raise ValueError(f"{beyond[0]} is no answer code; they go up to {LARGEST_CODE:,}")
    return made


def _sentence(template: str, slots: dict[str, str]) -> str:
    text = filled(template, slots)
    return text[:1].upper() + text[1:]


def _parse(file: Traversable, spec: type[Spec]) -> Spec:
    return _validate(file, spec, read_yaml(file, "a survey"), "")


def _parse_list(file: Traversable, spec: type[Spec]) -> list[Spec]:
    content = read_yaml(file, "a survey")
    if not isinstance(content, list):
        raise IndievalueError(f"{file}: expected a list of items that start with '- '")
    return [_validate(file, spec, item, f", item {number}") for number, item in enumerate(content, 1)]


def _validate(file: Traversable, spec: type[Spec], content: object, where: str) -> Spec:
    try:
        return spec.model_validate(content)
    except ValidationError as error:
        raise IndievalueError(f"{file}{where}: {'; '.join(problems_of(error))}") from None
