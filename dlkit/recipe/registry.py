"""The register of components that are not Keras's: dlkit's own, those of installed packages, and those of a user's plugins.

A component of dlkit is one file named after it, in the folder of its kind; that file's presence is its registration.
Figures, which are small, share a file with others of their subject:

    # dlkit/models/architectures/mlp.py
    @register(kind="architecture")
    def mlp(units: list[int], activation: str = "relu") -> list: ...

What stands before a `/` in a signature is not the recipe's: dlkit gives it (a batch, a seed, a network).

A user's file says the same with ``@dlkit.register``; where the kind can be told from the base class, it need not be
written. The arguments, their types and their defaults are read from the source text (see `declarations`), so nothing is
imported until a component is used.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, overload

T = TypeVar("T")

# Kind of component -> the package that holds dlkit's own.
HOMES = {
    "source": "dlkit.data.sources",
    "augmentation": "dlkit.data.augmentations",
    "layer": "dlkit.models.layers",
    "architecture": "dlkit.models.architectures",
    "pattern": "dlkit.models.patterns",
    "schedule": "dlkit.training.schedules",
    "loss": "dlkit.training.losses",
    "baseline": "dlkit.evaluation.baselines",
    "rollout": "dlkit.evaluation.rollouts",
    "algorithm": "dlkit.tuning.algorithms",
    "generation": "dlkit.evaluation.generation",
    "view": "dlkit.evaluation.views",
    "figure": "dlkit.reporting.figures",
    "export_format": "dlkit.export.formats",
}
BY_SUBJECT = ("figure",)  # kinds whose files hold several components each
# Kinds whose names stand where no others may: blocks and other components may have them too.
APART = ("view", "figure", "export_format")
# The name of a base class, as written in the `class` line -> the kind of component.
KIND_OF_BASE = {
    "Layer": "layer",
    "Model": "layer",
    "Loss": "loss",
    "Metric": "metric",
    "Callback": "callback",
    "Optimizer": "optimizer",
    "LearningRateSchedule": "schedule",
    "Initializer": "initializer",
    "Regularizer": "regularizer",
    "Constraint": "constraint",
}
KINDS = (*HOMES, *dict.fromkeys(kind for kind in KIND_OF_BASE.values() if kind not in HOMES))


# A number of optimizer updates; recipes may write it as `{epochs: 20}` or as `{share: 0.3}` of the run.
Duration = int


@dataclass(frozen=True, slots=True)
class Range:
    """The values a number may take: ``rate: Annotated[float, Range(min=0, below=1)]``."""

    min: float | None = None
    max: float | None = None
    above: float | None = None
    below: float | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """A component that was imported: its class or function and what its decorator declared."""

    kind: str
    name: str
    target: Any
    declared: dict[str, Any]


# Modules of plugins are called so: a recipe's plugins are its own, and give way to those of the recipe that runs now.
PLUGIN_MODULE = "dlkit_plugin_"

_registered: dict[tuple[str, str], Registered] = {}
_of_plugins: dict[str, list[Registered]] = {}
# The file of a plugin that ran last, without its `.py` -> the module it is.
plugin_modules: dict[str, str] = {}


def snake_case(name: str) -> str:
    """The name a component is written with: `GaussianMixture` becomes `gaussian_mixture`, by the rule of Keras."""
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)).lower()


@overload
def register(target: T, /) -> T: ...
@overload
def register(*, kind: str | None = None, name: str | None = None, **declared: Any) -> Callable[[T], T]: ...
def register(target: Any = None, /, *, kind: str | None = None, name: str | None = None, **declared: Any) -> Any:
    """Registers a class or function as a component of recipes, under its name in snake_case.

    Args:
        kind: One of `KINDS`; may be left out for a class whose base class tells it.
        name: Another name than that of the class or function.
        **declared: What a kind of component wants to be known without being imported, as literals: a source gives its
            `features` and `targets`.

    Raises:
        ValueError: The kind is unknown or cannot be told, or another component has that name.
    """
    if target is None:
        return lambda made: _add(made, kind, name, declared)
    return _add(target, kind, name, declared)


def _add(target: Any, kind: str | None, name: str | None, declared: dict[str, Any]) -> Any:
    written = name or snake_case(target.__name__)
    bases = [base.__name__ for base in target.__mro__[1:]] if inspect.isclass(target) else []
    told = kind or next((KIND_OF_BASE[base] for base in bases if base in KIND_OF_BASE), None)
    if told not in KINDS:
        raise ValueError(
            f"What kind of component is `{written}`? Write @register(kind=...) with one of {', '.join(KINDS)}. "
            f"Received: kind={kind!r}"
        )
    made = Registered(told, written, target, declared)
    before = _registered.get((told, written))
    if before and not _gives_way(before, made):
        raise ValueError(f"The {told} `{written}` is registered already, by {before.target.__module__}")
    if target.__module__.startswith(PLUGIN_MODULE):
        _of_plugins.setdefault(target.__module__, []).append(made)
    _registered[told, written] = made
    return target


def _gives_way(before: Registered, made: Registered) -> bool:
    """Whether a component may take the place of another: of itself, loaded anew, and a plugin's of a plugin's."""
    (old, old_name), (new, new_name) = ((c.target.__module__, c.target.__qualname__) for c in (before, made))
    if str(old).startswith(PLUGIN_MODULE):
        return str(new).startswith(PLUGIN_MODULE)
    return (str(old), str(old_name)) == (new, new_name)


def reinstate(module: str) -> None:
    """Registers the components of a plugin again, in the place of those that other plugins registered since."""
    for made in _of_plugins.get(module, ()):
        _registered[made.kind, made.name] = made


def find(kind: str, name: str) -> Registered:
    """The registered component of that kind and name; imports dlkit's own file for it on first use.

    Raises:
        KeyError: No such component was registered.
    """
    if (kind, name) not in _registered and kind in HOMES and name.isidentifier():
        module = f"{HOMES[kind]}.{name}"
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name != module:
                raise
    return _registered[kind, name]
