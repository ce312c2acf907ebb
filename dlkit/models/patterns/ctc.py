"""Connectionist temporal classification (Graves, Fernández, Gomez and Schmidhuber, 2006, ICML)."""

from __future__ import annotations

from typing import Any

from dlkit.models.pattern import Network, Pattern
from dlkit.recipe.registry import register


@register(
    kind="pattern",
    layers=["network"],
    loss="CTC",
    unused=["training.loss", "training.losses", "training.metrics"],
)
class CTC(Pattern):
    """A network that reads a sequence of which nobody says where each part of it is, as the letters in a picture.

    It learns by Keras's loss `CTC`; the same network with `training.loss: CTC` learns the same.

    Args:
        network: Gives the logits of every class, of shape (batch, steps, classes), at more steps than a sequence is long;
            class 0 is the blank.
    """

    def __init__(self, inputs: Any, outputs: Any, /, *, network: Network, **kwargs: Any) -> None:
        super().__init__(inputs, outputs, **kwargs)
