"""The random code of a variational autoencoder."""

from __future__ import annotations

from typing import Annotated, Any

import keras

from dlkit.recipe.registry import Range, register

_SEED = 20_131_220  # of the draws that are the same in every pass


@keras.saving.register_keras_serializable("dlkit")
@register(kind="layer")
class GaussianCode(keras.layers.Layer):
    """Draws a code from the normal distribution that an encoder tells, and adds its divergence to the loss.

    A draw is `mean + exp(log_variance / 2) * noise`, so that gradients reach both (the reparameterization of Kingma and
    Welling, 2013, "Auto-Encoding Variational Bayes", arXiv:1312.6114). In training the noise is new in every step;
    otherwise the code is the mean. The loss is the Kullback-Leibler divergence to the standard normal distribution in
    nats, summed over the code and averaged over the batch (there, appendix B):
    `(mean^2 + exp(log_variance) - log_variance - 1) / 2`.

    It takes means and then log variances, together of shape (batch, 2 * size), and gives codes of shape (batch, size).

    Args:
        kl_weight: What the divergence is multiplied by: the beta of Higgins et al., 2017, "beta-VAE".
        seed: Of the noise.

    Attributes:
        share: The share of the divergence that counts in training, 1 unless a rule of learning changes it.
        draws: Whether there is noise outside of training too: then it is the same in every batch.
    """

    def __init__(self, kl_weight: Annotated[float, Range(min=0)] = 1.0, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kl_weight = kl_weight
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.draws = False

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        if len(input_shape) != 2 or input_shape[1] is None or input_shape[1] % 2:
            raise ValueError(
                f"It takes as many log variances as means, of shape (batch, 2 * size). Received: input_shape={input_shape}"
            )
        self.share = self.add_weight(
            name="share",
            shape=(),
            initializer="ones",
            dtype="float32",
            autocast=False,
            trainable=False,
            aggregation="only_first_replica",
        )

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        ops = keras.ops
        mean, log_variance = ops.split(ops.cast(inputs, "float32"), 2, axis=-1)
        divergence = 0.5 * ops.sum(ops.square(mean) + ops.exp(log_variance) - log_variance - 1.0, axis=-1)
        weight = self.kl_weight * self.share if training else self.kl_weight
        self.add_loss(weight * ops.mean(divergence))
        code = mean
        if training or self.draws:
            noise = keras.random.normal(
                ops.shape(mean), dtype="float32", seed=self.seed_generator if training else _SEED
            )
            code = mean + ops.exp(0.5 * log_variance) * noise
        return ops.cast(code, self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        batch, both = input_shape
        return batch, None if both is None else both // 2

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "kl_weight": self.kl_weight, "seed": self.seed}
