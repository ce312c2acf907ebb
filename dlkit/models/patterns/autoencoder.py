"""Autoencoders (Hinton and Salakhutdinov, 2006, Science 313), denoising ones too (Vincent et al., 2008, ICML)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import keras

from dlkit.models.pattern import Network, Pattern
from dlkit.recipe.registry import Range, register


@register(
    kind="pattern",
    learns="inputs",
    layers=[{"GaussianNoise": {"stddev": "$noise", "name": "noise"}}, "encoder", "decoder"],
    unused=["training.optimizers", "data.class_weight", "data.targets"],
)
class Autoencoder(Pattern):
    """An encoder and a decoder that are to give back what they are given.

    What they are given is what `data.preprocess` makes of it: the decoder gives values in that range.

    Args:
        encoder: Makes the code.
        decoder: Takes the code; its output has the shape of the input.
        noise: Deviation of the normal noise that is added to the input in a training step, in the units of the
            input; the decoder is to give back what there was before (a denoising autoencoder).
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

    def networks(self) -> Mapping[str, keras.Model]:
        return self._parts
