"""How likely a variational autoencoder finds examples: bounds of the log-likelihood, by drawing codes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from dlkit.models.layers.gaussian_code import GaussianCode

DRAWS = 16  # codes of an example
MEASURES = ("elbo", "importance_weighted_bound", "kl_divergence")


@dataclass(frozen=True, slots=True)
class Halves:
    """The two halves of a variational autoencoder.

    Args:
        encoder: Gives the means and then the log variances of a code.
        decoder: Takes a code.
    """

    encoder: keras.Model
    decoder: keras.Model

    @classmethod
    def of(cls, model: keras.Model) -> Halves | None:
        """Those of a saved model; None where it has no random code."""
        code = next((layer for layer in model.layers if isinstance(layer, GaussianCode)), None)
        if code is None:
            return None
        return cls(keras.Model(model.inputs[0], code.input), keras.Model(code.output, model.outputs[0]))

    def moments(self, x: Any) -> tuple[np.ndarray, np.ndarray]:
        """Mean and log variance of the codes of a batch, float64 of shape (batch, size)."""
        mean, log_variance = np.split(np.asarray(self.encoder.predict_on_batch(x), np.float64), 2, axis=-1)
        return mean, log_variance

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """What codes of shape (codes, size) stand for."""
        return np.asarray(self.decoder.predict_on_batch(codes.astype(np.float32)))


def variational_bounds(
    halves: Halves, loss: Callable[[Any, Any], Any], batches: Iterable[Any], seed: int, draws: int = DRAWS
) -> dict[str, np.ndarray]:
    """The bounds of each example, in nats.

    Args:
        halves: The model.
        loss: The negative log-likelihood of each example of a batch, of the truth and of what a code stands for.
        batches: Pairs of what the model takes and of what it is to give back.
        seed: Of the draws.
        draws: Codes of an example.

    Returns:
        By name, arrays of shape (examples,): `elbo`, the mean log-likelihood over the draws less the divergence, which is
        known in closed form (Kingma and Welling, 2013, arXiv:1312.6114, equation 7); `importance_weighted_bound`, which
        lies between that and the log-likelihood (Burda, Grosse and Salakhutdinov, 2016, arXiv:1509.00519, equation 8);
        `kl_divergence`, of the distribution of the code from the standard normal one.
    """
    generator = np.random.default_rng(seed)
    found: dict[str, list[np.ndarray]] = {name: [] for name in MEASURES}
    for x, y in batches:
        mean, log_variance = halves.moments(x)
        divergence = 0.5 * (mean**2 + np.exp(log_variance) - log_variance - 1).sum(axis=-1)
        likelihoods, weights = [], []
        for _ in range(draws):
            noise = generator.standard_normal(mean.shape)
            code = mean + np.exp(0.5 * log_variance) * noise
            likelihood = -keras.ops.convert_to_numpy(loss(y, halves.decode(code))).astype(np.float64)
            likelihoods.append(likelihood)
            # The logarithm of the prior's density over the posterior's; what both have in common is left out.
            weights.append(likelihood + 0.5 * (noise**2 + log_variance - code**2).sum(axis=-1))
        found["elbo"].append(np.mean(likelihoods, axis=0) - divergence)
        found["importance_weighted_bound"].append(np.logaddexp.reduce(weights, axis=0) - np.log(draws))
        found["kl_divergence"].append(divergence)
    return {name: np.concatenate(parts) for name, parts in found.items()}
