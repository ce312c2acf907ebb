"""Language models (Bengio et al., 2003, "A neural probabilistic language model", Journal of Machine Learning Research 3)."""

from __future__ import annotations

from typing import Any

from dlkit.models.pattern import Network, Pattern
from dlkit.recipe.registry import register


@register(kind="pattern", layers=["network"])
class LanguageModel(Pattern):
    """A network that predicts the next token at every place of a text.

    It learns by the crossentropy of each token; `dlkit predict RUN --prompt TEXT` goes on with a text. The same network
    without this pattern learns the same: the name tells what it is.

    Args:
        network: Takes tokens of shape (batch, steps), and gives the logits of the next one at every place, of shape (batch,
            steps, tokens). Later places must not have a say in earlier ones.
    """

    def __init__(self, inputs: Any, outputs: Any, /, *, network: Network, **kwargs: Any) -> None:
        super().__init__(inputs, outputs, **kwargs)
