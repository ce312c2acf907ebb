"""Whether a network gives as many steps as connectionist temporal classification needs for its targets."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np

from dlkit.data.arrays import Arrays
from dlkit.recipe.diagnostics import Diagnostic, RecipeError
from dlkit.recipe.supervision import Supervision

_CURE = "let the network keep more steps, as by fewer poolings along the width, or give it larger examples"


def check_ctc_steps(model: keras.Model, supervisions: Mapping[str, Supervision], examples: Arrays) -> None:
    """Looks whether every sequence has a path: otherwise its loss is infinite, and Keras goes on with some large number.

    Args:
        model: A built model.
        supervisions: What each of its outputs is held against, by target.
        examples: Those that it learns from.

    Raises:
        RecipeError: An output has fewer steps than some sequence needs (`too-few-steps`).
    """
    shapes = model.output_shape
    found = []
    for target, held in supervisions.items():
        steps = (shapes[target] if isinstance(shapes, dict) else shapes)[1] if held.ctc else None
        needed = steps_needed(np.asarray(examples.targets[target])).max() if steps is not None else 0
        if steps is not None and steps < needed:
            message = f"the output has {steps} steps, and the longest `{target}` needs {needed}"
            told = f"{message}: one for each entry, and a blank between two that are alike"
            found.append(Diagnostic("too-few-steps", told, held.loss.span, _CURE))
    if found:
        raise RecipeError(found)


def steps_needed(tokens: np.ndarray) -> np.ndarray:
    """The steps of the shortest path of each sequence: one for each token, and a blank between two that are alike.

    Args:
        tokens: Of shape (sequences, length); 0 is padding.
    """
    repeated = (tokens[:, 1:] == tokens[:, :-1]) & (tokens[:, 1:] != 0)
    return np.count_nonzero(tokens, axis=1) + repeated.sum(axis=1)
