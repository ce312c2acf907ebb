"""The variational autoencoder (Kingma and Welling, 2013, "Auto-Encoding Variational Bayes", arXiv:1312.6114)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import keras

from dlkit.models.pattern import Network, Pattern
from dlkit.recipe.registry import Range, register


@register(
    kind="pattern",
    learns="inputs",
    classes=True,
    layers=[
        "encoder",
        {"Flatten": {"name": "encoded"}},
        {"Dense": {"units": "$latent_size", "name": "mean"}},
        {"Dense": {"units": "$latent_size", "name": "log_variance", "from": "encoded"}},
        {"Concatenate": {"name": "moments", "from": ["mean", "log_variance"]}},
        {"gaussian_code": {"kl_weight": "$beta", "name": "code"}},
        "decoder",
    ],
    loss="bernoulli_likelihood",
    measures=["elbo", "importance_weighted_bound", "kl_divergence"],
    unused=["data.class_weight", "data.targets"],
    generates="decoder",
)
class VariationalAutoencoder(Pattern):
    """An autoencoder whose code is drawn at random, so that codes drawn from a normal distribution give new examples.

    What it is given is what `data.preprocess` makes of it. The loss is how unlikely that is under what the decoder tells,
    and how far the distribution of the code is from the standard normal one: the negative evidence lower bound (ELBO).
    `training.loss` says what the decoder tells: `bernoulli_likelihood`, of values between 0 and 1, or
    `gaussian_likelihood`. Validation draws its codes too, always the same, and the whole divergence counts there.

    Args:
        latent_size: How many numbers the code has.
        encoder: Makes what the mean and the log variance of the code are told from, by a Dense layer each.
        decoder: Takes the code; its output has the shape of the input.
        beta: What the divergence is multiplied by; above 1 the numbers of the code are less mixed up, and what comes back
            is worse (Higgins et al., 2017, "beta-VAE").
        annealing: The share of a stage's steps in which the divergence grows from nothing to its weight (Bowman et al.,
            2016, arXiv:1511.06349).
    """

    def __init__(
        self,
        inputs: Any,
        outputs: Any,
        /,
        *,
        latent_size: Annotated[int, Range(min=1)],
        encoder: Network,
        decoder: Network,
        beta: Annotated[float, Range(min=0)] = 1.0,
        annealing: Annotated[float, Range(min=0, max=1)] = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(inputs, outputs, **kwargs)
        self._code = self.get_layer("code")
        self._annealing = annealing
        self._annealing_steps = 0
        encoded = self.get_layer("encoded")(encoder.output)
        moments = [self.get_layer(name)(encoded) for name in ("mean", "log_variance")]
        self._parts = {"encoder": keras.Model(encoder.input, moments, name="encoder"), "decoder": decoder}

    def begin_stage(self, steps: int, phase: str | None) -> None:
        self._annealing_steps = round(self._annealing * steps)
        self._code.share.assign(0.0 if self._annealing_steps else 1.0)

    def train_step(self, data: Any) -> dict[str, Any]:
        """A step on the divergence's share of now."""
        if self._annealing_steps:
            share = self._code.share
            share.assign(keras.ops.minimum(share + 1.0 / self._annealing_steps, 1.0))
        return super().train_step(data)

    def test_step(self, data: Any) -> dict[str, Any]:
        """The negative ELBO of a draw for each example: at the mean of the codes it would look better than it is."""
        self._code.draws = True
        try:
            return super().test_step(data)
        finally:
            self._code.draws = False

    def networks(self) -> Mapping[str, keras.Model]:
        return self._parts
