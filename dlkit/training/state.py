"""The exact state of a training: all that decides what happens next, so that it may go on elsewhere bit for bit.

Keras's own means do not hold enough: `BackupAndRestore` forgets seed generators, the position in the data and the
counters of callbacks; `get_state_tree` raises where two outputs have a metric of one name.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.src.random.seed_generator import global_seed_generator

from dlkit.errors import DlkitError
from dlkit.training.callback_state import restore_callback, state_of_callback
from dlkit.training.optimizers import optimizers_of

Tree = Any  # of mappings, lists, arrays and plain values


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """How far a training is: so many stages, epochs of the next stage and steps of the next epoch are done."""

    stage: int = 0
    epoch: int = 0
    step: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """The exact state of a training between two steps.

    Args:
        position: Where it is.
        variables: The values of `trainable`, `non_trainable`, `optimizer` and `metrics` variables, in Keras's order.
        callbacks: The state of each callback, with the name of its class, in their order.
        generators: Of Python, NumPy, TensorFlow and Keras.
        stop_training: Whether a callback has ended the stage.
    """

    position: Position
    variables: Mapping[str, list[np.ndarray]]
    callbacks: Sequence[tuple[str, Tree]]
    generators: Mapping[str, Tree]
    stop_training: bool = False

    @classmethod
    def of(
        cls, model: keras.Model, callbacks: Sequence[keras.callbacks.Callback], position: Position, trained: bool = True
    ) -> State:
        """The state as it is now: a copy, which goes on training does not change.

        Args:
            model: A compiled model, built with its optimizer and metrics.
            callbacks: Those that have a state.
            position: Where the training is.
            trained: Whether to copy what only training steps change, too: see `with_trained`.
        """
        return cls(
            position,
            {**_all_values(model, trained), "metrics": _metric_values(model)},
            [(type(callback).__name__, _copied(state_of_callback(callback))) for callback in callbacks],
            _generators(),
            bool(model.stop_training),
        )

    def with_trained(self, model: keras.Model) -> State:
        """The state with what only training steps change, which was left out when it was taken."""
        return replace(self, variables={**_all_values(model, True), **self.variables})

    def restore(self, model: keras.Model, callbacks: Sequence[keras.callbacks.Callback]) -> None:
        """Puts everything back.

        Raises:
            DlkitError: The state is of another model or of other callbacks (`state-differs`).
        """
        for group, variables in _groups(model, True).items():
            _assign(group, variables, self.variables[group])
        _assign_metrics(model, self.variables["metrics"])
        names = [type(callback).__name__ for callback in callbacks]
        if names != [name for name, _ in self.callbacks]:
            told = ", ".join(name for name, _ in self.callbacks)
            raise _differs(f"it has the callbacks {told}, and the training has {', '.join(names)}")
        for callback, (_, kept) in zip(callbacks, self.callbacks, strict=True):
            restore_callback(callback, kept)
        _restore_generators(self.generators)
        model.stop_training = self.stop_training


def _groups(model: keras.Model, trained: bool) -> dict[str, list[keras.Variable]]:
    """The variables by what they belong to; those that only training steps change are groups of their own."""
    learned = {id(variable) for variable in model.trainable_variables}
    groups = {
        "non_trainable": [variable for variable in model.variables if id(variable) not in learned],
    }
    if trained:
        groups |= {"trainable": model.trainable_variables, "optimizer": _optimizer_variables(model)}
    return groups


def _optimizer_variables(model: keras.Model) -> list[keras.Variable]:
    return [variable for found in optimizers_of(model).values() for variable in found.optimizer.variables]


def _assign(group: str, variables: Sequence[keras.Variable], values: Sequence[np.ndarray]) -> None:
    _check(group, variables, values, lambda variable: tuple(variable.shape))
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _check(
    group: str,
    variables: Sequence[keras.Variable],
    values: Sequence[np.ndarray],
    shape_of: Callable[[keras.Variable], tuple[int, ...]],
) -> None:
    if len(variables) != len(values):
        raise _differs(f"it has {len(values)} {group} variables, and the training has {len(variables)}")
    for variable, value in zip(variables, values, strict=True):
        kept, here = (value.dtype.name, value.shape), (variable.dtype, shape_of(variable))
        if kept != here:
            raise _differs(
                f"`{variable.path}` is {here[0]} of shape {here[1]}, and {kept[0]} of {kept[1]} in the state"
            )


def _copied(tree: Tree) -> Tree:
    """The tree, whose lists and mappings callbacks go on to change; arrays they replace."""
    match tree:
        case dict():
            return {key: _copied(value) for key, value in tree.items()}
        case list() | tuple():
            return [_copied(value) for value in tree]
    return tree


def _all_values(model: keras.Model, trained: bool) -> dict[str, list[np.ndarray]]:
    return {
        group: [np.asarray(variable.value.numpy()) for variable in variables]
        for group, variables in _groups(model, trained).items()
    }


def _metric_values(model: keras.Model) -> list[np.ndarray]:
    """The values of the metrics' variables. Where several devices train, each keeps a part: one entry for each of them.

    Where several processes do, all of them must ask at the same time.
    """
    strategy, variables = model.distribute_strategy, model.metrics_variables
    if strategy.num_replicas_in_sync == 1:
        return [np.asarray(variable.value.numpy()) for variable in variables]
    # In one vector, and in float64, which holds them all exactly: every value gathered by itself would be traced anew.
    row = strategy.run(
        lambda: tf.concat([tf.reshape(tf.cast(v.value, tf.float64), [1, -1]) for v in variables], axis=1)
    )
    rows = strategy.gather(row, axis=0).numpy()
    parts = np.split(rows, np.cumsum([math.prod(variable.shape) for variable in variables])[:-1], axis=1)
    return [
        part.reshape(len(rows), *variable.shape).astype(variable.dtype)
        for variable, part in zip(variables, parts, strict=True)
    ]


def _assign_metrics(model: keras.Model, values: Sequence[np.ndarray]) -> None:
    strategy, variables = model.distribute_strategy, model.metrics_variables
    replicas = strategy.num_replicas_in_sync
    if replicas == 1:
        _assign("metrics", variables, values)
        return
    _check("metrics", variables, values, lambda variable: (replicas, *variable.shape))

    def assign() -> None:
        number = tf.distribute.get_replica_context().replica_id_in_sync_group
        for variable, value in zip(variables, values, strict=True):
            variable.assign(tf.constant(value)[number])

    strategy.run(assign)


def _differs(how: str) -> DlkitError:
    return DlkitError(
        f"The state does not fit the training: {how}.",
        "Resume with the recipe, the plugins and the versions that the run was started with.",
        "state-differs",
    )


def _generators() -> dict[str, Tree]:
    name, keys, *rest = np.random.get_state()
    version, internal, gauss = random.getstate()
    return {
        "python": [version, np.array(internal, np.uint32), gauss],
        "numpy": [name, keys, *rest],
        "tensorflow": tf.random.get_global_generator().state.numpy(),
        "keras": global_seed_generator().state.value.numpy(),
    }


def _restore_generators(kept: Mapping[str, Tree]) -> None:
    version, internal, gauss = kept["python"]
    random.setstate((version, tuple(int(number) for number in internal), gauss))
    np.random.set_state(tuple(kept["numpy"]))
    tf.random.get_global_generator().state.assign(kept["tensorflow"])
    global_seed_generator().state.assign(kept["keras"])
