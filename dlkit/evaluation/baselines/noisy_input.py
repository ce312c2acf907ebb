"""What a denoising autoencoder is held against: to leave the noise as it is."""

from __future__ import annotations

import numpy as np

from dlkit.errors import DlkitError
from dlkit.evaluation.given import Given
from dlkit.recipe.registry import register


@register(kind="baseline", task="reconstruction")
def noisy_input(given: Given, /) -> np.ndarray:
    """What the network is given, noise included, as it is.

    Raises:
        DlkitError: There is no noise.
    """
    if given.inputs is None or not given.has_noise:
        raise DlkitError(
            "`evaluation.metrics: noisy_input` needs inputs with noise.",
            "write the autoencoder's `noise`, or leave the metric out",
            "no-baseline",
        )
    return given.inputs
