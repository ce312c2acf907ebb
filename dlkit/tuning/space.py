"""What a search may try: `tune.space` of a recipe, and what the values of a trial make of the recipe."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from dlkit.recipe.load import Recipe, conditions_of
from dlkit.recipe.search_keys import Range

if TYPE_CHECKING:
    import keras_tuner

Value: TypeAlias = float | int | str | bool  # what a trial's value is told by
_DIGITS = 12  # of a float: 0.3 instead of 0.30000000000000004


@dataclass(frozen=True, slots=True)
class Dimension:
    """One entry of a space.

    Args:
        path: Of the recipe's value.
        kind: `float`, `int`, `choice` or `bool`.
        low: The smallest number.
        high: The largest one.
        step: Between numbers; what they are multiplied by where the sampling is logarithmic.
        sampling: `linear`, `log` or `reverse_log`.
        choices: What is tried, by what it is told by: a number or a word is told as it is, a component by its name.
        only_with: By path, the values of other dimensions with which this one exists.
    """

    path: str
    kind: str
    low: float | None = None
    high: float | None = None
    step: float | None = None
    sampling: str = "linear"
    choices: Mapping[Value, Any] = field(default_factory=dict)
    only_with: Mapping[str, Sequence[Value]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Space:
    """Everything that is searched; a dimension stands behind those that it depends on."""

    dimensions: tuple[Dimension, ...]

    @classmethod
    def of(cls, recipe: Recipe) -> Space:
        """The space of a recipe that has one."""
        if recipe.config.tune is None:
            raise ValueError(f"The recipe must have `tune`. Received: {recipe.name!r}")
        conditions = conditions_of(recipe)
        made: dict[str, Dimension] = {}
        for path, written in sorted(
            recipe.config.tune.space.items(), key=lambda entry: len(conditions.get(entry[0], ()))
        ):
            only_with = {
                other: tuple(list(made[other].choices)[number] for number in numbers)
                for other, numbers in conditions.get(path, {}).items()
            }
            made[path] = _dimension(path, written, only_with)
        return cls(tuple(made.values()))

    def settings(self, values: Mapping[str, Value]) -> dict[str, Any]:
        """What the recipe's values are in a trial, by path, in an order in which they can be set."""
        found = {}
        for dimension in self.dimensions:
            if dimension.path in values:
                value = values[dimension.path]
                found[dimension.path] = dimension.choices[value] if dimension.kind == "choice" else value
        return found

    def told(self, values: Mapping[str, Any]) -> dict[str, Value]:
        """The values of the space among those that an oracle tells, floats without the noise of their last digits."""
        found: dict[str, Value] = {}
        for dimension in self.dimensions:
            if dimension.path in values:
                value = values[dimension.path]
                found[dimension.path] = float(f"{value:.{_DIGITS}g}") if dimension.kind == "float" else value
        return found

    def hyperparameters(self) -> keras_tuner.HyperParameters:
        """The space as Keras Tuner has it."""
        import keras_tuner

        made = keras_tuner.HyperParameters()
        for each in self.dimensions:
            with contextlib.ExitStack() as conditions:
                for path, among in each.only_with.items():
                    conditions.enter_context(made.conditional_scope(path, list(among)))
                if each.kind == "bool":
                    made.Boolean(each.path)
                elif each.kind == "choice":
                    made.Choice(each.path, list(each.choices))
                elif each.kind == "int":
                    assert each.low is not None and each.high is not None
                    step = None if each.step is None else int(each.step)
                    made.Int(each.path, int(each.low), int(each.high), step=step, sampling=each.sampling)
                else:
                    made.Float(each.path, each.low, each.high, step=each.step, sampling=each.sampling)
        return made


def _dimension(path: str, written: Range | str, only_with: Mapping[str, Sequence[Value]]) -> Dimension:
    if isinstance(written, str) or written.bool_:
        return Dimension(path, "bool", only_with=only_with)
    if written.choice is not None:
        return Dimension(path, "choice", choices=_labelled(written.choice), only_with=only_with)
    kind, ends = ("float", written.float_) if written.float_ else ("int", written.int_)
    assert ends is not None
    low, high = ends
    return Dimension(path, kind, low, high, written.step, written.sampling or "linear", only_with=only_with)


def _labelled(choices: Sequence[Any]) -> dict[Value, Any]:
    """What each choice is told by: itself where all are words or all numbers, else its name or its text."""
    for kind in (str, int, float):
        if all(type(choice) is kind for choice in choices):
            return {choice: choice for choice in choices}
    if all(type(choice) in (int, float) for choice in choices):
        return {float(choice): choice for choice in choices}
    names = [_name(choice) for choice in choices]
    return {
        name if names.count(name) == 1 else _text(choice): choice for name, choice in zip(names, choices, strict=True)
    }


def _name(choice: Any) -> str:
    """The name of a component; of anything else its text."""
    if isinstance(choice, Mapping) and len(choice) == 1:
        return str(next(iter(choice)))
    return _text(choice)


def _text(choice: Any) -> str:
    return choice if isinstance(choice, str) else json.dumps(choice)
