"""Durations: `{epochs: 20}` and `{share: 0.05}` as numbers of optimizer updates, once the data is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dlkit.recipe.components import Components
from dlkit.recipe.graph import Component


def in_updates(component: Component, components: Components, epochs: int, updates_per_epoch: int) -> Component:
    """The component with its durations, and those of the components inside it, counted in optimizer updates.

    Args:
        components: Tells which arguments are durations.
        epochs: Epochs of the stage, which a share is taken of.
        updates_per_epoch: Optimizer updates an epoch.
    """
    spec = components.find(component.kind, component.name)
    made = {}
    for name, value in component.arguments.items():
        is_duration = spec is not None and name in spec.arguments and "duration" in spec.arguments[name].type
        made[name] = _converted(value, is_duration, components, epochs, updates_per_epoch)
    return replace(component, arguments=made)


def _converted(value: Any, is_duration: bool, components: Components, epochs: int, updates_per_epoch: int) -> Any:
    match value:
        case Component():
            return in_updates(value, components, epochs, updates_per_epoch)
        case {"epochs": number} if is_duration:
            return max(1, round(number * updates_per_epoch))
        case {"share": number} if is_duration:
            return max(1, round(number * epochs * updates_per_epoch))
        case list():
            return [_converted(item, is_duration, components, epochs, updates_per_epoch) for item in value]
    return value
