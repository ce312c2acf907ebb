"""The TensorBoard callback of a recipe that names none."""

from __future__ import annotations

import keras

from dlkit.runs.folder import RunFolder


class _EpochTensorBoard(keras.callbacks.TensorBoard):
    """Keras's, which goes through its scalars after every batch even where it writes once an epoch."""

    on_train_batch_end = keras.callbacks.Callback.on_train_batch_end


def default_tensorboard(run: RunFolder) -> keras.callbacks.TensorBoard:
    """Writes the curves of metrics and learning rate, once an epoch, and the graph of layers into `run.tensorboard`."""
    return _EpochTensorBoard(str(run.tensorboard), histogram_freq=0, write_graph=True, update_freq="epoch")
