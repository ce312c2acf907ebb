"""What is it called, and which paper is it from?"""

from __future__ import annotations

from typing import Annotated, Any

from dlkit.recipe.registry import Range, register


@register(kind="architecture")
def some_name(units: Annotated[int, Range(min=1)] = 64, activation: str = "relu") -> list[Any]:
    """What are its layers, in one line?

    Args:
        units: Units of the hidden layer.
        activation: Their activation.

    Returns:
        The layers, as a recipe writes them.
    """
    return ["Flatten", {"Dense": {"units": units, "activation": activation, "name": "hidden"}}]
