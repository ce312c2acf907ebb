"""The keys of `tune` and of what stands in it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from dlkit.recipe.key_types import Finite, Keys, Positive, one_of
from dlkit.recipe.slots import ANY, ComponentSlot, ListOf


class Range(Keys):
    """The values a search may choose; one of `float`, `int`, `choice`, `bool`."""

    float_: Annotated[list[Finite], Field(min_length=2, max_length=2)] | None = Field(
        None, alias="float", description="The smallest and the largest number.", examples=[[1e-4, 1e-2]]
    )
    int_: Annotated[list[int], Field(min_length=2, max_length=2)] | None = Field(
        None, alias="int", description="The smallest and the largest whole number.", examples=[[32, 256]]
    )
    choice: Annotated[list[Any], Field(min_length=1), ListOf(ANY)] | None = Field(
        None, description="The values, of any type.", examples=[["relu", "gelu"]]
    )
    bool_: Literal[True] | None = Field(
        None, alias="bool", description="True and false; a path may also have `bool` itself.", examples=[True]
    )
    step: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = Field(
        None,
        description="The distance of two numbers, beside `float` or `int`; with `sampling: log`, their ratio.",
        examples=[32],
    )
    sampling: Literal["linear", "log", "reverse_log"] | None = Field(
        None, description="How numbers are spread between the two; `linear` by default.", examples=["log"]
    )


class EarlyStop(Keys):
    """Ends trials that fall behind the median of the others."""

    after: Positive = Field(1, description="The epochs that every trial is given.", examples=[3])


class Budget(Keys):
    """The most a search may spend."""

    trials: Positive | None = Field(None, description="Trials, at most.", examples=[50])
    minutes: Annotated[float, Field(gt=0)] | None = Field(None, description="Minutes, at most.", examples=[60])
    epochs: Positive | None = Field(None, description="Epochs of all trials together, at most.", examples=[500])

    @model_validator(mode="after")
    def _holds_some(self) -> Budget:
        one_of(self, most=3)
        return self


class Tune(Keys):
    """A search over values of this recipe."""

    algorithm: Annotated[Any, ComponentSlot(("algorithm",))] = Field(
        description="How values are chosen.", examples=[{"random": {"trials": 30}}]
    )
    objective: str = Field("val_loss", description="The metric that is made best.", examples=["val_accuracy"])
    direction: Literal["auto", "min", "max"] = Field(
        "auto", description="Whether small or large is good; `auto`: as the metric tells.", examples=["max"]
    )
    space: dict[str, Range | Literal["bool"]] = Field(
        description="Paths of this recipe and the values to try.",
        examples=[
            {
                "training.optimizer.learning_rate": {"float": [1e-4, 1e-2], "sampling": "log"},
                "model.sequential.dropout.rate": {"float": [0.0, 0.6], "step": 0.1},
            }
        ],
    )
    early_stop: bool | EarlyStop | None = Field(
        None, description="Ends trials that fall behind the median of the others.", examples=[{"after": 3}]
    )
    seeds: Positive = Field(1, description="Runs of each trial, with seeds of their own.", examples=[3])
    budget: Budget | None = Field(None, description="The most a search may spend.", examples=[{"minutes": 60}])
