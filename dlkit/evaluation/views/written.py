"""A text as a language model goes on with it."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlkit.data.arrays import take
from dlkit.evaluation.subject import Subject
from dlkit.evaluation.writer import TEMPERATURE, language_target, writer_of
from dlkit.recipe.registry import register

_PROMPT, _WRITTEN = 32, 250  # tokens that the model is given, and goes on with


@register(kind="view")
def written(subject: Subject, /) -> dict[str, Any]:
    """How a language model goes on with the beginning of the split."""
    recipe, target = subject.recipe, language_target(subject.recipe)
    if target is None:
        return {}
    (tokens,) = subject.split.features.values()
    writer = writer_of(recipe, target, subject.model)
    prompt = np.asarray(take(tokens, np.arange(1)))[0][:_PROMPT].tolist()
    told = {
        "prompt": writer.tokenizer.decode(prompt),
        "text": writer.go_on(prompt, _WRITTEN, recipe.config.seed),
        "temperature": TEMPERATURE,
    }
    return {"written": told}
