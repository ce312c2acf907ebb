"""What is it called, and which paper is it from?"""

from __future__ import annotations

from typing import Any

from dlkit.models.pattern import Network, Pattern
from dlkit.recipe.registry import register


@register(kind="pattern", name="some_name", layers=["network"])
class SomeName(Pattern):
    """What learns how, in one line?

    Args:
        network: Gives the outputs.
    """

    def __init__(self, inputs: Any, outputs: Any, /, *, network: Network, **kwargs: Any) -> None:
        super().__init__(inputs, outputs, **kwargs)

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step of its rule, by now that of Keras."""
        return dict(super().train_step(data))
