"""Autoencoders (Hinton and Salakhutdinov, 2006, Science 313), denoising ones too (Vincent et al., 2008, ICML)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import keras

from dlkit.models.noise import noisy
from dlkit.models.pattern import Network, Pattern
from dlkit.recipe.registry import Range, register


@register(
    kind="pattern",
    learns="inputs",
    classes=True,
    layers=[{"GaussianNoise": {"stddev": "$noise", "name": "noise"}}, "encoder", "decoder"],
    noise="noise",
    unused=["data.class_weight", "data.targets"],
)
class Autoencoder(Pattern):
    """An encoder and a decoder that are to give back what they are given.

    What they are given is what `data.preprocess` makes of it: the decoder gives values in that range.

    Args:
        encoder: Makes the code.
        decoder: Takes the code; its output has the shape of the input.
        noise: Deviation of the normal noise that is added to the input, in the units of the input; the decoder is to give
            back what there was before (a denoising autoencoder). It is new in every training step, and always the same
            where the model is validated and tested. The saved model adds none.
    """

    def __init__(
        self,
        inputs: Any,
        outputs: Any,
        /,
        *,
        encoder: Network,
        decoder: Network,
        noise: Annotated[float, Range(min=0)] = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(inputs, outputs, **kwargs)
        self._parts = {"encoder": encoder, "decoder": decoder}
        self._noise = noise

    def test_step(self, data: Any) -> dict[str, Any]:
        """What comes back of noisy inputs, held against the clean ones."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        given = noisy(x, self._noise) if self._noise else x
        return super().test_step(keras.utils.pack_x_y_sample_weight(given, y, sample_weight))

    def networks(self) -> Mapping[str, keras.Model]:
        return self._parts
