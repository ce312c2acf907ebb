"""Durations: `{epochs: 20}` and `{share: 0.05}` as numbers of steps, once the data is known.

Durations count optimizer updates. Keras asks a schedule for the rate of a step, and where gradients are accumulated over
several steps there is an update only in the last of them: so a number of updates is so many times as many steps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from dlkit.recipe.components import Components
from dlkit.recipe.graph import Component


@dataclass(frozen=True, slots=True)
class Steps:
    """How steps are counted.

    Args:
        epochs: Epochs of the stage, which a share is taken of.
        per_epoch: Steps of an epoch; a part of one, where an optimizer is not asked in each.
        per_update: Steps whose gradients are accumulated for one update.
    """

    epochs: int
    per_epoch: float
    per_update: int = 1

    def of(self, duration: Any) -> Any:
        """A duration in steps; what is none stays as it is."""
        match duration:
            case {"epochs": number}:
                return max(1, round(number * self.per_epoch))
            case {"share": number}:
                return max(1, round(number * self.epochs * self.per_epoch))
            case int():
                return duration * self.per_update
            case list():
                return [self.of(item) for item in duration]
        return duration


def in_steps(component: Component, components: Components, steps: Steps) -> Component:
    """The component with its durations, and those of the components inside it, counted in steps.

    Args:
        component: An optimizer.
        components: Tells which arguments are durations.
        steps: How they are counted.
    """
    spec = components.find(component.kind, component.name)
    made = {}
    for name, value in component.arguments.items():
        is_duration = spec is not None and name in spec.arguments and "duration" in spec.arguments[name].type
        made[name] = steps.of(value) if is_duration else _inside(value, components, steps)
    return replace(component, arguments=made)


def _inside(value: Any, components: Components, steps: Steps) -> Any:
    match value:
        case Component():
            return in_steps(value, components, steps)
        case list():
            return [_inside(item, components, steps) for item in value]
    return value
