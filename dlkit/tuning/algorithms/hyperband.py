"""Hyperband."""

from __future__ import annotations

from typing import Annotated

import keras_tuner

from dlkit.errors import DlkitError
from dlkit.recipe.registry import Range, register
from dlkit.tuning.oracle import Asked, Unsaved


class _Hyperband(Unsaved, keras_tuner.oracles.HyperbandOracle):
    pass


@register(kind="algorithm", unused=["tune.early_stop"])
def hyperband(
    asked: Asked,
    /,
    max_epochs: Annotated[int | None, Range(min=1)] = None,
    factor: Annotated[int, Range(min=2)] = 3,
    iterations: Annotated[int, Range(min=1)] = 1,
) -> keras_tuner.Oracle:
    """Many trials of few epochs, of which the best go on (Li et al., 2018, "Hyperband", JMLR 18).

    A trial that goes on does so from its exact state. Schedules are laid out for the recipe's whole training, whatever
    epoch a trial ends at.

    Args:
        max_epochs: The epochs of the best trials; those of the recipe where it is left out.
        factor: One of so many trials goes on, with so many times the epochs.
        iterations: How often all of it is done.

    Raises:
        DlkitError: The recipe has fewer epochs (`too-many-epochs`).
    """
    epochs = max_epochs or asked.epochs
    if epochs > asked.epochs:
        raise DlkitError(
            f"`tune.algorithm.hyperband.max_epochs` is {epochs}, and the recipe trains {asked.epochs} epochs.",
            f"Leave it out, or write `training.epochs: {epochs}`.",
            "too-many-epochs",
        )
    return _Hyperband(max_epochs=epochs, factor=factor, hyperband_iterations=iterations, **asked.arguments)
