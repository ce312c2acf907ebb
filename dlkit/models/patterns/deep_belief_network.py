"""The deep belief network: layers that learn one after another what their input looks like, and then together what it is.

Hinton, Osindero and Teh (2006), "A fast learning algorithm for deep belief nets", Neural Computation 18.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import keras

from dlkit.errors import DlkitError
from dlkit.models.pattern import Pattern
from dlkit.models.restricted_boltzmann import RestrictedBoltzmannMachine
from dlkit.recipe.registry import Range, register

_SAMPLE = 1000  # training examples whose free energy is held against that of the validation split


@register(
    kind="pattern",
    layers=[
        {"mlp": {"units": "$units", "activation": "sigmoid", "name": "hidden"}},
        {"Dense": {"units": "$data.classes", "name": "readout"}},
    ],
    phases=["pretrain", "fine_tune"],
    replicas=False,
)
class DeepBeliefNetwork(Pattern):
    """Layers of sigmoid units, each pretrained as a restricted Boltzmann machine on what the layer below makes of the data.

    In a stage of phase `pretrain` the layers that are not frozen learn one after another, from below, for equal shares of
    the stage's steps: the optimizer of the stage is given the statistics of contrastive divergence in the place of
    gradients, and targets are not looked at. In a stage of phase `fine_tune` the network, with a readout for the classes,
    learns by backpropagation. Inputs are probabilities: values from 0 to 1, as `data.preprocess` makes them.

    Logged of a layer in `pretrain`: `loss`, the binary crossentropy of what comes back through it, a visible unit;
    `reconstruction_error`, its mean squared error; `free_energy`, at the end of the epoch, of the first 1,000 training
    examples of the stage, and `free_energy_gap`, by how much that of the validation split is higher, which rises when the
    layer over-fits; `layer`, which one it is.

    Args:
        units: Units of each hidden layer.
        steps: Steps of Gibbs sampling before the statistics of the model are taken, k of CD-k.
        chains: Number of persistent chains that go on from batch to batch (Tieleman, 2008); chains begin at the examples
            of every batch where it is not written.
    """

    def __init__(
        self,
        inputs: Any,
        outputs: Any,
        /,
        *,
        units: Annotated[list[int], Range(min=1, max=10_000_000)],
        steps: Annotated[int, Range(min=1, max=100)] = 1,
        chains: Annotated[int | None, Range(min=1, max=100_000)] = None,
        **kwargs: Any,
    ) -> None:
        self._pretrains = False
        super().__init__(inputs, outputs, **kwargs)
        if not units:
            raise DlkitError("A deep belief network has one hidden layer at least.", "Give it `units`.", "no-layers")
        hidden = [layer for layer in self.layers if isinstance(layer, keras.layers.Dense)][: len(units)]
        self.machines = [
            RestrictedBoltzmannMachine(dense, steps, chains, name=f"machine_{number}")
            for number, dense in enumerate(hidden, start=1)
        ]
        self._errors = [keras.metrics.Mean(name=name) for name in ("loss", "reconstruction_error", "free_energy")]
        self._done = self._counter("steps_done")
        self._at = self._counter("layer")
        self._kept = self._counter("sample_size")
        size = self.machines[0].visible_bias.shape[0]
        self._sample = self.add_weight(shape=(_SAMPLE, size), initializer="zeros", trainable=False, name="sample")
        self._learning: list[int] = []
        self._ends: list[int] = []

    def _counter(self, name: str) -> Any:
        return self.add_weight(shape=(), initializer="zeros", dtype="int32", trainable=False, name=name)

    def begin_stage(self, steps: int, phase: str | None) -> None:
        """Shares the steps of a pretraining among the layers that are not frozen.

        Raises:
            DlkitError: All layers are frozen (`nothing-to-learn`), or there are fewer steps than layers (`too-few-steps`).
        """
        self._pretrains = phase == "pretrain"
        for machine in self.machines:
            machine.visible_bias.trainable = self._pretrains
        if not self._pretrains:
            return
        self._learning = [number for number, machine in enumerate(self.machines) if machine.dense.trainable]
        layers = len(self._learning)
        if not layers:
            raise DlkitError(
                "All hidden layers are frozen, and a stage of phase `pretrain` is to teach them.",
                "Take the stage out, or `freeze` less in it.",
                "nothing-to-learn",
            )
        if steps < layers:
            raise DlkitError(
                f"The pretraining has {steps} steps for {layers} layers.", "Give it more epochs.", "too-few-steps"
            )
        self._ends = [steps * (number + 1) // layers for number in range(layers - 1)]
        state = [self._done, self._at, self._kept, self._sample]
        state += [machine.chains for machine in self.machines if machine.chains is not None]
        for variable in state:
            variable.assign(keras.ops.zeros_like(variable))

    def own_callbacks(self) -> Sequence[keras.callbacks.Callback]:
        return [_FreeEnergyGap()] if self._pretrains else []

    def compile(self, optimizer: Any = "rmsprop", **kwargs: Any) -> None:
        super().compile(optimizer=optimizer, **kwargs)
        if self._pretrains:  # the decay of weights is not for biases (Hinton, 2010, section 10)
            biases = [bias for machine in self.machines for bias in machine.learned[1:]]
            self.optimizer.exclude_from_weight_decay(var_list=biases)
            self.optimizer.build(self.trainable_variables)  # of all layers, before the first of them learns

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Those of the phase: what comes back of the inputs, or what is known of the targets."""
        if self._pretrains:
            return list(self._errors)
        own = {id(metric) for metric in self._errors}
        return [metric for metric in super().metrics if id(metric) not in own]

    def train_step(self, data: Any) -> dict[str, Any]:
        """A step of one layer in `pretrain`, else of all by backpropagation."""
        if not self._pretrains:
            return super().train_step(data)
        ops = keras.ops
        inputs = self._flat(data)
        at = ops.sum(ops.cast(self._done >= ops.convert_to_tensor([0, *self._ends]), "int32")) - 1
        self._done.assign_add(1)
        self._at.assign(at)
        self._keep(inputs)
        measured = ops.switch(at, [self._of_layer(number, learns=True) for number in self._learning], inputs)
        return self._logged(measured, inputs)

    def test_step(self, data: Any) -> dict[str, Any]:
        """Measures the layer that learned last in `pretrain`, else the network."""
        if not self._pretrains:
            return super().test_step(data)
        inputs = self._flat(data)
        branches = [self._of_layer(number, learns=False) for number in self._learning]
        return self._logged(keras.ops.switch(self._at, branches, inputs), inputs)

    @property
    def layer_in_training(self) -> int:
        """The layer that learned last, counted from 1."""
        return self._learning[int(keras.ops.convert_to_numpy(self._at))] + 1

    def sample(self) -> Any:
        """The first training examples of the stage, of shape (examples, values)."""
        return self._sample[: int(keras.ops.convert_to_numpy(self._kept))]

    def free_energy(self, visible: Any) -> float:
        """The mean free energy of examples in the layer that learned last.

        Args:
            visible: Of shape (examples, values).
        """
        at = self.layer_in_training - 1
        energies = self.machines[at].free_energy(self._up_to(at, visible))
        return float(keras.ops.convert_to_numpy(keras.ops.mean(energies)))

    def _flat(self, data: Any) -> Any:
        x, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        return keras.ops.cast(keras.ops.reshape(x, (keras.ops.shape(x)[0], -1)), "float32")

    def _keep(self, inputs: Any) -> None:
        """Puts inputs into the sample while there is room."""
        ops = keras.ops

        def fill() -> Any:
            self._sample.assign(ops.concatenate([inputs, self._sample])[:_SAMPLE])
            return ops.minimum(self._kept + ops.shape(inputs)[0], _SAMPLE)

        self._kept.assign(ops.cond(self._kept < _SAMPLE, fill, lambda: ops.convert_to_tensor(self._kept)))

    def _up_to(self, number: int, visible: Any) -> Any:
        """What a layer sees of inputs of the network: the probabilities of the layer below."""
        for below in self.machines[:number]:
            visible = below.hidden(visible)
        return visible

    def _of_layer(self, number: int, learns: bool) -> Callable[[Any], tuple[Any, ...]]:
        """What measures a layer on inputs of the network, and gives the optimizer what it learns from."""
        machine = self.machines[number]

        def run(visible: Any) -> tuple[Any, ...]:
            visible = self._up_to(number, visible)
            measured = _measured(machine, visible)
            if learns:
                gradients = [self.optimizer.scale_loss(gradient) for gradient in machine.gradients(visible)]
                self.optimizer.apply(gradients, machine.learned)
            return measured

        return run

    def _logged(self, measured: Sequence[Any], inputs: Any) -> dict[str, Any]:
        for metric, value in zip(self._errors, measured, strict=True):
            metric.update_state(value, sample_weight=keras.ops.shape(inputs)[0])
        return self.get_metrics_result()


def _measured(machine: RestrictedBoltzmannMachine, visible: Any) -> tuple[Any, Any, Any]:
    """Crossentropy and squared error of what comes back, and the free energy: means over a batch."""
    ops = keras.ops
    back = machine.reconstruction(visible)
    crossentropy = ops.mean(ops.binary_crossentropy(visible, back, from_logits=True))
    return crossentropy, ops.mean(ops.square(visible - ops.sigmoid(back))), ops.mean(machine.free_energy(visible))


class _FreeEnergyGap(keras.callbacks.Callback):
    """Logs which layer learned, and the free energy of training examples against that of the validation split.

    Both with the same weights, always of the same examples: the mean over the steps of an epoch would not do, as the
    partition function changes with each of them (Hinton, 2010, section 6).

    Raises:
        DlkitError: Inputs are no probabilities (`not-probabilities`).
    """

    def get_state(self) -> None:
        return None

    def set_state(self, state: None) -> None:
        pass

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        sample = keras.ops.convert_to_numpy(self.model.sample())
        low, high = float(sample.min()), float(sample.max())
        if low < 0 or high > 1:
            raise DlkitError(
                f"A restricted Boltzmann machine takes inputs from 0 to 1, and there are values from {low:.4g} to {high:.4g}.",
                "Scale them in `data.preprocess`, as pictures with `Rescaling: {scale: 1/255}`.",
                "not-probabilities",
            )
        if logs is None:
            return
        logs |= {"layer": self.model.layer_in_training, "free_energy": self.model.free_energy(sample)}
        if "val_free_energy" in logs:
            logs["free_energy_gap"] = logs["val_free_energy"] - logs["free_energy"]
