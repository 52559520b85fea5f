"""The YAML files of a survey as pydantic models; docs/specification.md describes the format."""

from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from indievalue.survey.codes import LARGEST_CODE

SAME = "same as polar"

AS_WRITTEN = "as written"


def _no_boolean(value: object) -> object:
    if isinstance(value, bool):
        written = "YES, ON or TRUE" if value else "NO, OFF or FALSE"
        raise ValueError(f"YAML reads {written} without quotes as {str(value).lower()}: put it in quotes")
    return value


Codes = Annotated[int | str, BeforeValidator(_no_boolean)]


class Base(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


Spec = TypeVar("Spec", bound=Base)


class SamplingSpec(Base):
    setups: int = Field(default=3, ge=1)
    per_category: int = Field(default=3, ge=1)
    answered: int | None = Field(default=None, ge=1)
    continent: str | None = None
    religion: str | None = None
    first: str | None = None
    per_religion: int | None = Field(default=None, ge=1)
    probes: Literal["all", "answered"] = "all"
    answered_probes: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _needs_answered(self) -> Self:
        if "answered_probes" in self.model_fields_set and self.probes == "all":
            raise ValueError("answered_probes is only of use with probes: answered; give both or neither")
        return self


class SurveySpec(Base):
    name: str
    title: str
    licence: str = ""
    where: dict[str, Codes] = Field(default_factory=dict)
    person: str | list[str] | None = None
    repeated_ids: int = Field(default=0, ge=0)
    weight: str | list[str] | dict[str, str] | None = None
    language: Annotated[str, BeforeValidator(_no_boolean), Field(pattern="^[a-z]{2,3}$")] = "en"
    country: str | None = None
    region: str | None = None
    year: str | None = None
    rounds: dict[str, list[str]] = Field(default_factory=dict)
    recognised_by: list[str] = Field(default_factory=list)
    missing: dict[Codes, str]
    not_asked: int = Field(ge=-LARGEST_CODE, le=LARGEST_CODE)
    blank: int = Field(ge=-LARGEST_CODE, le=LARGEST_CODE)
    categories: list[str]
    sampling: SamplingSpec = SamplingSpec()
    inequity: list[str] | None = None


Slot = str | list[str] | dict[str, str]
"""The value of a slot of a battery: a text, or the columns of a question, or the items in other surveys it is."""


class BatterySpec(Base):
    battery: str | None = None
    question: str | None = None
    category: str
    type: str
    asks: str
    ordered: bool | Literal["as written"] = True
    polar: dict[Codes, str]
    refined: dict[Codes, str] | Literal["same as polar"]
    questions: dict[str, dict[str, Slot]] = Field(default_factory=dict)
    column: str | list[str] | dict[str, str] | None = None
    columns: list[str] | None = None
    same_as: str | list[str] | None = None
    where: dict[str, Codes] | None = None
    left_out: dict[int, str] = Field(default_factory=dict)
    missing: dict[Codes, str] | None = None
    blank: Codes | None = None


class GroupSpec(Base):
    codes: Codes | dict[str, Codes]
    label: str
    statement: str | None = None


class DemographicSpec(Base):
    id: str
    name: str
    asks: str
    column: dict[str, str] | None = None
    columns: list[str] | None = None
    statement: str | None = None
    groups: list[GroupSpec]
    otherwise: Literal["country", "continent"] | None = None
    abroad: dict[str, int] | None = Field(default=None, min_length=1, max_length=1)
    left_out: dict[Codes, str] = Field(default_factory=dict)
    missing: dict[Codes, str] | None = None
