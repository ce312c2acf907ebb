"""The optimizers of a model: one for everything, or one for each network of a pattern."""

from __future__ import annotations

from typing import NamedTuple

import keras

from dlkit.models.pattern import Pattern


class Optimized(NamedTuple):
    """An optimizer with the variables that it changes."""

    optimizer: keras.optimizers.Optimizer
    variables: list[keras.Variable]


def optimizers_of(model: keras.Model) -> dict[str, Optimized]:
    """The optimizers of a compiled model, by the names of the networks; under no name, where it is one for everything."""
    if isinstance(model, Pattern) and model.optimizers:
        networks = model.networks()
        return {
            name: Optimized(optimizer, networks[name].trainable_variables)
            for name, optimizer in model.optimizers.items()
        }
    is_one = isinstance(model.optimizer, keras.optimizers.Optimizer)
    return {"": Optimized(model.optimizer, model.trainable_variables)} if is_one else {}


def learning_rates(model: keras.Model) -> dict[str, float]:
    """The learning rates of now, as they are logged: `learning_rate`, or `generator_learning_rate` and so on."""
    return {
        f"{name}_learning_rate" if name else "learning_rate": float(
            keras.ops.convert_to_numpy(optimized.optimizer.learning_rate)
        )
        for name, optimized in optimizers_of(model).items()
    }


def end_averaging(model: keras.Model) -> None:
    """Puts averaged weights, where there are any, in the place of those that were trained."""
    for optimizer, variables in optimizers_of(model).values():
        optimizer.finalize_variable_values(variables)
