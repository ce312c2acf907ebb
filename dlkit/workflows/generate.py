"""Continues a text with a run's language model, token by token."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from dlkit.data.tokens import UNKNOWN, Tokenizer, Tokens, tokenizer_of
from dlkit.errors import DlkitError
from dlkit.evaluation.probabilities import class_probabilities, log_probabilities
from dlkit.recipe.load import Recipe
from dlkit.recipe.task_metrics import task_of
from dlkit.runs.folder import RunFolder
from dlkit.workflows.predict import load_model
from dlkit.workflows.recipe_file import raw_features_of, recipe_of

if TYPE_CHECKING:
    import keras

_SOURCE = "text_corpus"  # the source whose labels are the tokens of a text


def generate(
    run: RunFolder,
    prompt: str,
    *,
    length: int = 500,
    temperature: float = 0.8,
    top_k: int | None = None,
    seed: int | None = None,
    which: str = "best",
    allow_plugins: bool = False,
) -> str:
    """Continues a text; the same model and arguments give the same text.

    Args:
        prompt: The beginning, one token at least.
        length: Tokens to write.
        temperature: Divides the logits: below 1 likely tokens become more likely, at 0 the most likely one is taken.
        top_k: So many of the most likely tokens may be chosen (Fan, Lewis and Dauphin, 2018, arXiv:1805.04833); None: all.
        seed: Of the choice; None: that of the recipe.
        which: `best` or `last`.

    Returns:
        What comes behind the prompt.

    Raises:
        DlkitError: The run's model is no language model, or the prompt is empty or has a character that it does not know.
    """
    recipe = recipe_of(run, allow_plugins)
    target = _language_target(run, recipe)
    tokenizer = _tokenizer(recipe, target)
    numbers = tokenizer.encode(prompt).tolist()
    if not numbers:
        raise DlkitError("The prompt is empty.", "Give it a text of one token at least.", "empty-prompt")
    (feature,) = recipe.graphs["model"].inputs
    (window,) = raw_features_of(run)[feature].shape or (None,)
    assert window is not None
    model = load_model(run, recipe, which)
    random = np.random.Generator(np.random.Philox(recipe.config.seed if seed is None else seed))
    never = [number for number, label in enumerate(tokenizer.labels) if label == UNKNOWN]
    before = len(tokenizer.decode(numbers))
    for _ in range(length):
        logs = _next(model, numbers[-window:], window, recipe.supervisions[target].logits)
        logs[never] = -np.inf
        numbers.append(int(random.choice(len(logs), p=shares(logs, temperature, top_k))))
    return tokenizer.decode(numbers)[before:]


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


def _next(model: keras.Model, numbers: list[int], window: int, logits: bool) -> np.ndarray:
    """The log-probabilities of the token behind these; what fills up the window lies behind them and is not seen."""
    row = np.zeros((1, window), np.int32)
    row[0, : len(numbers)] = numbers
    return log_probabilities(model.predict_on_batch(row)[0, len(numbers) - 1], logits)


def _language_target(run: RunFolder, recipe: Recipe) -> str:
    """The only target, which is the next token at every place."""
    if recipe.config.data.source.name == _SOURCE and len(recipe.supervisions) == 1:
        (name,) = recipe.supervisions
        if task_of(recipe.facts.targets[name]) == "language_modelling":
            return name
    raise DlkitError(
        f"The model of {run.path} does not write texts: it was not trained to predict the next token.",
        "Give it files, as `dlkit predict RUN INPUT...`; or train a language model, as `dlkit train shakespeare/gpt`.",
        "no-language-model",
    )


def _tokenizer(recipe: Recipe, target: str) -> Tokenizer:
    """The tokenizer that the run's data were read with."""
    labels = recipe.facts.targets[target].labels
    assert labels is not None
    return tokenizer_of(labels, cast(Tokens, recipe.config.data.source.arguments.get("tokens", "character")))
