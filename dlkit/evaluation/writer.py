"""Continues a text with a language model, token by token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from dlkit.data.tokens import UNKNOWN, Tokenizer, Tokens, tokenizer_of
from dlkit.evaluation.probabilities import class_probabilities, log_probabilities
from dlkit.recipe.load import Recipe
from dlkit.recipe.task_metrics import task_of

if TYPE_CHECKING:
    import keras

_SOURCE = "text_corpus"  # the source whose labels are the tokens of a text
TEMPERATURE = 0.8  # of what is written where nobody says another


@dataclass(frozen=True, slots=True)
class Writer:
    """A language model with what it needs to write.

    Args:
        model: Takes token numbers of shape (1, window), and gives something for the next token at every place.
        tokenizer: That of its data.
        window: Tokens that the model sees.
        logits: Whether it gives logits.
    """

    model: keras.Model
    tokenizer: Tokenizer
    window: int
    logits: bool

    def go_on(
        self,
        before: Sequence[int],
        length: int,
        seed: int,
        temperature: float = TEMPERATURE,
        top_k: int | None = None,
    ) -> str:
        """What comes behind these tokens, one at least; the arguments are those of `generate`."""
        numbers = list(before)
        random = np.random.Generator(np.random.Philox(seed))
        never = [number for number, label in enumerate(self.tokenizer.labels) if label == UNKNOWN]
        for _ in range(length):
            logs = self._next(numbers[-self.window :])
            logs[never] = -np.inf
            numbers.append(int(random.choice(len(logs), p=shares(logs, temperature, top_k))))
        return self.tokenizer.decode(numbers)[len(self.tokenizer.decode(list(before))) :]

    def _next(self, numbers: list[int]) -> np.ndarray:
        """The log-probabilities of the token behind these; what fills up the window lies behind them and is not seen."""
        row = np.zeros((1, self.window), np.int32)
        row[0, : len(numbers)] = numbers
        return log_probabilities(self.model.predict_on_batch(row)[0, len(numbers) - 1], self.logits)


def writer_of(recipe: Recipe, target: str, model: keras.Model) -> Writer:
    """A recipe's language model with what it needs to write.

    Args:
        recipe: With the facts of its data.
        target: What `language_target` gives.
        model: Its model.
    """
    (window,) = recipe.facts.targets[target].shape or (None,)
    assert window is not None
    return Writer(model, tokenizer_for(recipe, target), window, recipe.supervisions[target].logits)


def shares(logs: np.ndarray, temperature: float = 1.0, top_k: int | None = None) -> np.ndarray:
    """The probabilities that the next token is chosen by, float64 of shape (tokens,).

    Args:
        logs: Logarithms of the probabilities that the model gives, of shape (tokens,).
        temperature: Divides them; at 0 all goes to the most likely token.
        top_k: Tokens beyond so many of the most likely ones get nothing; of equal ones those that come first are kept.
    """
    if temperature < 0 or (top_k is not None and top_k < 1):
        raise ValueError(f"`temperature` is 0 or more, `top_k` 1 or more. Received: {temperature=}, {top_k=}")
    if temperature == 0:
        return np.eye(len(logs))[logs.argmax()]
    scaled = logs / temperature
    if top_k is not None:
        scaled[np.argsort(-scaled, kind="stable")[top_k:]] = -np.inf
    return class_probabilities(scaled, logits=True)


def language_target(recipe: Recipe) -> str | None:
    """The only target, if that is the next token at every place of a text."""
    if recipe.config.data.source.name == _SOURCE and len(recipe.supervisions) == 1:
        (name,) = recipe.supervisions
        if task_of(recipe.facts.targets[name]) == "language_modelling":
            return name
    return None


def tokenizer_for(recipe: Recipe, target: str) -> Tokenizer:
    """The tokenizer that the run's data were read with."""
    labels = recipe.facts.targets[target].labels
    assert labels is not None
    return tokenizer_of(labels, cast(Tokens, recipe.config.data.source.arguments.get("tokens", "character")))
