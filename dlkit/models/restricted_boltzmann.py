"""The restricted Boltzmann machine, and how it learns: by contrastive divergence, or with persistent chains.

Smolensky (1986), "Information processing in dynamical systems"; Hinton (2002), "Training products of experts by minimizing
contrastive divergence", Neural Computation 14; Tieleman (2008), "Training restricted Boltzmann machines using
approximations to the likelihood gradient", ICML; Hinton (2010), "A practical guide to training restricted Boltzmann
machines", UTML TR 2010-003.
"""

from __future__ import annotations

from typing import Any

import keras


class RestrictedBoltzmannMachine(keras.layers.Layer):
    """Bernoulli units in two layers, each unit of one joined to every unit of the other.

    The energy of the states v and h is `-v·a - h·b - vWh`: W and b are those of a layer of sigmoid units, which gives the
    probabilities of the hidden states, a is the bias of the visible ones.

    Args:
        dense: A built `Dense` layer of sigmoid units.
        steps: Steps of Gibbs sampling, k of CD-k.
        chains: Number of persistent chains; None: chains begin at the examples of every batch.

    Attributes:
        visible_bias: Of shape (visible,).
        chains: The visible states of the persistent chains, of shape (chains, visible); None where there are none.
    """

    def __init__(self, dense: keras.layers.Dense, steps: int = 1, chains: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        visible = dense.kernel.shape[0]
        self.dense = dense
        self.steps = steps
        self.visible_bias = self.add_weight(shape=(visible,), initializer="zeros", name="visible_bias")
        self.chains = (
            None
            if chains is None
            else self.add_weight(shape=(chains, visible), initializer="zeros", trainable=False, name="chains")
        )
        self.draws = keras.random.SeedGenerator()
        self.built = True

    @property
    def learned(self) -> list[Any]:
        """What it learns: the weights, the biases of the hidden and of the visible units."""
        return [self.dense.kernel, self.dense.bias, self.visible_bias]

    def hidden(self, visible: Any) -> Any:
        """The probabilities of the hidden units, of shape (batch, hidden)."""
        return keras.ops.sigmoid(self._input(visible))

    def visible(self, hidden: Any) -> Any:
        """The probabilities of the visible units, of shape (batch, visible)."""
        return keras.ops.sigmoid(self._logits(hidden))

    def reconstruction(self, visible: Any) -> Any:
        """The logits of what comes back from the probabilities of the hidden units; nothing is drawn."""
        return self._logits(self.hidden(visible))

    def free_energy(self, visible: Any) -> Any:
        """The energy of each example with the hidden states summed out, of shape (batch,).

        `exp(-F(v))` is proportional to the probability of v: the partition function cancels in differences.
        """
        ops = keras.ops
        seen = ops.matmul(visible, ops.expand_dims(self.visible_bias, -1))[:, 0]
        return -seen - ops.sum(ops.softplus(self._input(visible)), axis=-1)

    def gradients(self, visible: Any) -> list[Any]:
        """What an optimizer is given for `learned`: the statistics of the chains less those of the data.

        The hidden states of a chain are drawn. Of the visible states the probabilities are taken where chains begin at
        the examples, as Hinton (2010, section 3) has it; persistent chains are to have the distribution of the model, so
        that theirs are drawn too.

        Args:
            visible: Examples of shape (batch, visible), values from 0 to 1.
        """
        hidden = self.hidden(visible)
        seen, believed = self._chain(visible, hidden) if self.chains is None else self._go_on(self.chains)
        return [
            model - data for model, data in zip(_statistics(seen, believed), _statistics(visible, hidden), strict=True)
        ]

    def _chain(self, visible: Any, believed: Any) -> tuple[Any, Any]:
        for _ in range(self.steps):
            visible = self.visible(self._drawn(believed))
            believed = self.hidden(visible)
        return visible, believed

    def _go_on(self, chains: Any) -> tuple[Any, Any]:
        visible = keras.ops.convert_to_tensor(chains)
        for _ in range(self.steps):
            visible = self._drawn(self.visible(self._drawn(self.hidden(visible))))
        chains.assign(visible)
        return visible, self.hidden(visible)

    def _input(self, visible: Any) -> Any:
        return keras.ops.matmul(visible, self.dense.kernel) + self.dense.bias

    def _logits(self, hidden: Any) -> Any:
        return keras.ops.matmul(hidden, keras.ops.transpose(self.dense.kernel)) + self.visible_bias

    def _drawn(self, probabilities: Any) -> Any:
        """States that are 1 with these probabilities, else 0."""
        ops = keras.ops
        draws = keras.random.uniform(ops.shape(probabilities), dtype=probabilities.dtype, seed=self.draws)
        return ops.cast(draws < probabilities, probabilities.dtype)


def _statistics(visible: Any, hidden: Any) -> tuple[Any, Any, Any]:
    """The means over examples of what the weights and the biases are learned from, in the order of `learned`."""
    ops = keras.ops
    pairs = ops.matmul(ops.transpose(visible), hidden) / ops.cast(ops.shape(visible)[0], visible.dtype)
    return pairs, ops.mean(hidden, axis=0), ops.mean(visible, axis=0)
