"""What is read from files, to the letter: an unknown key is an error, and so is a count below 0."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

NO_OTHER_KEYS = ConfigDict(extra="forbid")
"""``__pydantic_config__`` of a dataclass that is read from a file: it refuses unknown keys."""

Count = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Percentage = Annotated[float, Field(ge=0, le=100.000001)]  # a bootstrapped one may be 100 and a rounding error


class StrictModel(BaseModel):
    """A frozen pydantic model that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)
