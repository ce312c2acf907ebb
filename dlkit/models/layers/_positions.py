"""The numbers of the steps of a sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def positions_of(x: keras.KerasTensor) -> keras.KerasTensor:
    """0, 1, 2, ... as int32 of shape (1, steps), for a tensor of shape (batch, steps) or (batch, steps, channels)."""
    from keras import ops

    of_one = x[:1, :] if len(x.shape) == 2 else x[:1, :, 0]
    return ops.cumsum(ops.ones_like(of_one, dtype="int32"), axis=1) - 1


def sinusoids(position: keras.KerasTensor, channels: int, max_wavelength: float) -> keras.KerasTensor:
    """Sines at even channels and cosines at odd ones, float32 of shape (1, steps, channels)."""
    import numpy as np
    from keras import ops

    channel = np.arange(channels)
    rates = max_wavelength ** (-2.0 * (channel // 2) / channels)
    angle = ops.expand_dims(ops.cast(position, "float32"), -1) * rates.astype("float32")
    return ops.where(channel % 2 == 0, ops.sin(angle), ops.cos(angle))
