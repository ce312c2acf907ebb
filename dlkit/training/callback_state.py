"""What callbacks remember from epoch to epoch, for exact states.

A callback of dlkit or of a plugin tells it by `get_state`, which gives mappings and lists of numbers, texts and arrays,
and takes it back by `set_state`, which is called after `on_train_begin`. Of Keras's own the attributes that count are
known here: not those that they compute from others (`monitor_op`, `min_delta`).
"""

from __future__ import annotations

from typing import Any

import keras

_REMEMBERED: dict[type[keras.callbacks.Callback], tuple[str, ...]] = {
    keras.callbacks.EarlyStopping: ("best", "wait", "stopped_epoch", "best_epoch", "best_weights"),
    keras.callbacks.ReduceLROnPlateau: ("best", "wait", "cooldown_counter"),
    keras.callbacks.ModelCheckpoint: ("best", "_batches_seen_since_last_saving", "_last_batch_seen"),
    keras.callbacks.CSVLogger: ("keys",),
    keras.callbacks.TensorBoard: ("_global_train_batch", "_global_test_batch", "_should_trace"),
    keras.callbacks.TerminateOnNaN: (),
    keras.callbacks.History: ("epoch", "history"),
}


def has_state(callback: keras.callbacks.Callback) -> bool:
    """Whether a callback can be put back to where it was."""
    return (hasattr(callback, "get_state") and hasattr(callback, "set_state")) or type(callback) in _REMEMBERED


def state_of_callback(callback: keras.callbacks.Callback) -> Any:
    """What a callback remembers.

    Raises:
        TypeError: The callback does not tell (see `has_state`).
    """
    if hasattr(callback, "get_state"):
        return callback.get_state()
    if type(callback) not in _REMEMBERED:
        raise TypeError(f"A callback without `get_state` has no exact state. Received: {callback!r}")
    return {name: getattr(callback, name) for name in _REMEMBERED[type(callback)]}


def restore_callback(callback: keras.callbacks.Callback, kept: Any) -> None:
    """Gives a callback back what it remembered."""
    if hasattr(callback, "set_state"):
        callback.set_state(kept)
        return
    for name, value in kept.items():
        setattr(callback, name, value)
