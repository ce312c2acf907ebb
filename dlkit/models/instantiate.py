"""From a component of a recipe to the Keras object it stands for."""

from __future__ import annotations

from typing import Any

import keras

from dlkit.recipe import registry
from dlkit.recipe.catalogue import catalogue
from dlkit.recipe.graph import Component

_HOMES = {
    "layer": keras.layers,
    "optimizer": keras.optimizers,
    "loss": keras.losses,
    "metric": keras.metrics,
    "callback": keras.callbacks,
    "schedule": keras.optimizers.schedules,
    "initializer": keras.initializers,
    "regularizer": keras.regularizers,
    "constraint": keras.constraints,
    "application": keras.applications,
}


def instantiate(component: Component, **more: Any) -> Any:
    """The Keras object of a component, the components among its arguments included.

    Args:
        component: Checked against the catalogue.
        **more: Further arguments, which take the place of written ones.

    Raises:
        ValueError: Keras refuses the arguments.
    """
    return component_class(component)(**{**arguments_of(component), **more})


def arguments_of(component: Component) -> dict[str, Any]:
    """The arguments of a component, the components among them made into objects."""
    return {name: _value(value) for name, value in component.arguments.items()}


def component_class(component: Component) -> Any:
    """The class or function behind a component: Keras's, dlkit's own, or a plugin's that was imported."""
    spec = catalogue().find(component.kind, component.name)
    if spec is not None:
        return getattr(_HOMES[component.kind], spec.alias_of or spec.name)
    return registry.find(component.kind, component.name).target


def _value(value: Any) -> Any:
    match value:
        case Component():
            return instantiate(value)
        case list():
            return [_value(item) for item in value]
        case dict():
            return {key: _value(item) for key, item in value.items()}
    return value
