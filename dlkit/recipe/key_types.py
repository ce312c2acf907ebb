"""What the sections of a recipe are made of: their base class and the types of their values."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from dlkit.recipe.slots import ComponentSlot, ListOf

NAME = r"[a-z0-9_]+(/[a-z0-9_]+)*"

Positive = Annotated[int, Field(ge=1, le=2**31 - 1)]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
Share = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Names = Annotated[list[str], Field(min_length=1)]
Loss = Annotated[Any, ComponentSlot(("loss",))]
Metrics = Annotated[list[Any], ListOf(ComponentSlot(("metric",)))]
Optimizer = Annotated[Any, ComponentSlot(("optimizer",))]


class Keys(BaseModel):
    """A section; a key it does not know is an error."""

    model_config = ConfigDict(extra="forbid", strict=True, arbitrary_types_allowed=True, populate_by_name=True)


def one_of(section: Keys, most: int) -> None:
    """Holds that a section has at least one of its keys, and at most so many.

    Raises:
        PydanticCustomError: It has none, or too many.
    """
    if not 1 <= len(section.model_fields_set) <= most:
        known = ", ".join(f"`{name}`" for name in type(section).model_fields)
        wanted = "one" if most == 1 else "at least one"
        raise PydanticCustomError("one_of", "{wanted} of {known} belongs here", {"wanted": wanted, "known": known})
