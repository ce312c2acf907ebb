"""The TensorBoard callback of a recipe that names none."""

from __future__ import annotations

from pathlib import Path

import keras


class _EpochTensorBoard(keras.callbacks.TensorBoard):
    """Keras's, which goes through its scalars after every batch even where it writes once an epoch."""

    on_train_batch_end = keras.callbacks.Callback.on_train_batch_end

    def get_state(self) -> None:
        return None  # it counts batches, which nothing that it writes depends on

    def set_state(self, state: None) -> None:
        pass


def default_tensorboard(folder: Path) -> keras.callbacks.TensorBoard:
    """Writes the curves of metrics and learning rate, once an epoch, and the graph of layers into a folder."""
    return _EpochTensorBoard(str(folder), histogram_freq=0, write_graph=True, update_freq="epoch")
