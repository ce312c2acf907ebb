"""What a function of the user's hands over. It runs only where plugins are allowed."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from dlkit.data.arrays import Splits, Values
from dlkit.data.columns import Column
from dlkit.data.reading.named_arrays import Plan, Said, as_splits, plan
from dlkit.errors import DlkitError
from dlkit.recipe import registry
from dlkit.recipe.diagnostics import did_you_mean
from dlkit.recipe.registry import register

_SPLITS = ("train", "validation", "test")
_RETURNS = (
    "return (x, y), ((x_train, y_train), (x_test, y_test)), a dict of arrays as `x_train`, or dlkit.data.arrays.Splits"
)

# By split, by role (`features`, `targets`), the arrays by name.
Parts = dict[str, dict[str, dict[str, Values]]]


@register(kind="source", runs_code=True)
def python(
    function: str,
    arguments: dict[str, Any] | None = None,
    features: list[str] | None = None,
    targets: list[str] | None = None,
    kinds: dict[str, str] | None = None,
    labels: list[str] | None = None,
) -> Splits:
    """Arrays that a function of yours returns; it runs only with `--allow-plugins` or `DLKIT_ALLOW_PLUGINS=1`.

    The function returns `(x, y)`; `((x_train, y_train), (x_test, y_test))`, where three pairs are training, validation
    and test; a dict of arrays, named as in `npz`; or `dlkit.data.arrays.Splits`. `x` and `y` may be dicts of arrays by
    feature and by target, and `y` may be None. Kinds are told by shape and type, as in `npz`.

    Args:
        function: `module:name`. The module is a file that the recipe lists under `plugins`, without its `.py`, or one
            that Python can import.
        arguments: What the function is called with, by name.
        features: Of a dict of arrays, those to learn from, without the names of splits.
        targets: Of a dict of arrays, those to predict.
        kinds: The kind of a feature or target whose array would tell another, as in `npz`.
        labels: The names of the classes, in the order of their numbers; left out, the numbers.

    Raises:
        DlkitError: There is no such function, it fails, or what it returns is of no such form.
    """
    place = f"`{function}`"
    try:
        returned = _find(function)(**(arguments or {}))
    except DlkitError:
        raise
    except Exception as error:  # it is the user's code
        raise DlkitError(
            f"The function {place} fails: {type(error).__name__}: {error}",
            "correct it; --debug shows where it fails",
            "plugin-failed",
        ) from error
    if isinstance(returned, Splits) and returned.facts is not None:
        return returned
    said = Said(features, targets, kinds or {}, labels)
    if isinstance(returned, Mapping):
        arrays = {str(name): _array(values, f"{place}: {name}") for name, values in returned.items()}
        planned = plan(arrays, said, f"what {place} returns")
        return as_splits(planned, arrays, said, lambda name: f"{place}: {name}")
    if features or targets:
        raise DlkitError(
            f"{place} returns no dict of arrays, from which `features` and `targets` choose",
            "leave these out, or return a dict",
        )
    planned, arrays = _planned(_parts(returned, place))
    made = as_splits(planned, arrays, said, lambda name: f"{place}: {name}")
    return replace(made, ordered=returned.ordered, gap=returned.gap) if isinstance(returned, Splits) else made


def _find(function: str) -> Callable[..., Any]:
    module_name, _, name = function.partition(":")
    if not module_name or not name:
        raise DlkitError(f"`function: {function}` is no `module:name`", "write it as `my_data:load`")
    try:
        module = sys.modules.get(registry.plugin_modules.get(module_name, "")) or importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name != module_name.split(".")[0] and error.name != module_name:
            raise
        raise DlkitError(
            f"`function: {function}`: there is no module `{module_name}`",
            f"list its file in the recipe, `plugins: [{module_name}.py]`, or install it",
        ) from None
    found = getattr(module, name, None)
    if not callable(found):
        known = [word for word, value in vars(module).items() if callable(value) and not word.startswith("_")]
        raise DlkitError(
            f"`function: {function}`: the module `{module_name}` has no function `{name}`",
            did_you_mean(name, known, otherwise="write the name of one that it has"),
        )
    return found


def _array(values: Any, place: str) -> Values:
    """One array, of numbers or texts."""
    import numpy as np

    if isinstance(values, Column):
        return values
    try:
        made = np.asarray(values)
    except (ValueError, TypeError) as error:
        raise DlkitError(f"{place} is no array: {str(error).split('. ')[0]}", "give all examples one shape") from None
    if values is None or (made.dtype == object and not all(isinstance(value, str) for value in made.flat)):
        raise DlkitError(
            f"{place} is {type(values).__name__}, and no array of numbers or texts",
            "return NumPy arrays; in an array of objects, all are to be texts",
        )
    return made


def _parts(returned: Any, place: str) -> Parts:
    """The splits that a function returned, with the names of arrays that have none: `x` and `y`."""
    if isinstance(returned, Splits):
        return {
            split: {"features": dict(part.features), "targets": dict(part.targets)}
            for split, part in returned.named().items()
        }
    if not isinstance(returned, tuple):
        raise DlkitError(f"{place} returns {_told(returned)}, which are no examples", _RETURNS)
    if all(isinstance(part, tuple) for part in returned) and 1 < len(returned) < 4:
        splits = _SPLITS if len(returned) == 3 else ("train", "test")
        return {split: _pair(pair, place, f"_{split}") for split, pair in zip(splits, returned, strict=True)}
    return {"train": _pair(returned, place, "")}


def _pair(pair: tuple[Any, ...], place: str, ending: str) -> dict[str, dict[str, Values]]:
    if len(pair) != 2:
        raise DlkitError(f"{place} returns {_told(pair)}, where a pair is expected", _RETURNS)
    return {
        role: _group(values, name, f"{place}: {name}{ending}")
        for role, name, values in zip(("features", "targets"), "xy", pair, strict=True)
    }


def _group(values: Any, name: str, place: str) -> dict[str, Values]:
    if isinstance(values, Mapping):
        return {str(inner): _array(array, f"{place}[{inner!r}]") for inner, array in values.items()}
    return {} if values is None and name == "y" else {name: _array(values, place)}


def _told(value: Any) -> str:
    kind = type(value).__name__
    return f"a {kind} of {len(value)}" if isinstance(value, tuple | list) else "None" if value is None else f"a {kind}"


def _planned(parts: Parts) -> tuple[Plan, dict[str, Values]]:
    """The plan of arrays whose roles are known, and the arrays under names that tell their splits."""
    arrays: dict[str, Values] = {}
    roles: dict[str, dict[str, dict[str, str]]] = {"features": {}, "targets": {}}
    for split, groups in parts.items():
        for role, group in groups.items():
            for name, values in group.items():
                whole = f"{name}_{split}" if len(parts) > 1 else name
                arrays[whole] = values
                roles[role].setdefault(name, {})[split] = whole
    return Plan(roles["features"], roles["targets"]), arrays
