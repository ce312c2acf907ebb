"""What every model has in common that learns in a way of its own.

A pattern is a class of `dlkit/models/patterns/`, one file each. Its decorator declares the network that it learns, written
as in a recipe; networks that a recipe gives it stand in there as blocks of their arguments' names. So everything that
works on a network works on that of a pattern. The class is that of the model that is trained; what is saved as
best.keras is a plain Keras model of the same layers.

    @register(kind="pattern", layers=["encoder", "decoder"], learns="inputs")
    class Autoencoder(Pattern):
        def __init__(self, inputs, outputs, /, *, encoder: Network, decoder: Network, **kwargs): ...

The decorator's words:
    layers: The network, as the list of layers of a `sequential`; `$name` stands for the argument of that name.
    learns: `targets` (those of the data, the default), or `inputs`: the network is to give back what it is given.
    classes: True where what it learned without targets is held against the classes of the data, or shown beside them, if
        these have one target of classes.
    loss: The loss where the recipe writes none, with its arguments where it has any; `$name` as in `layers`.
    best: The metric by which the best epoch is chosen where the recipe does not say; `epoch` chooses the last one.
    logs: What is logged besides the loss and the metrics of the recipe, by names.
    measures: What is measured besides what belongs to the task, by names.
    noise: The argument that tells the deviation of the noise that its inputs have in training, and the name of the layer that
        adds it: the model is measured with that noise too, always the same.
    task: What is measured in the end, one of `dlkit.evaluation.tasks`, where the target does not tell.
    gradients: False where it learns without gradients of a loss: a recipe has no optimizer and no loss to write.
    optimizers: The networks that have an optimizer each, which `training.optimizers` names; one for everything where it
        is not written.
    unused: Paths of the recipe that it does not use besides.
    replicas: False where the rule is for one device.
    generates: The name, in `networks()`, of the network that makes new examples from standard normal codes.
    phases: What `phase` of a stage may be, in their order: where there are any, every stage says its phase, and the last
        stage is of the last one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import keras
import numpy as np

Network: TypeAlias = keras.Model  # the annotation of an argument that takes a network
# Takes a function and the variables or tensors that it depends on. Gives what the function does, and the gradients of
# that, or of its first part where it is a tuple. May be used within such a function.
Differentiate: TypeAlias = Callable[[Callable[[], Any], Sequence[Any]], tuple[Any, list[Any]]]
# Takes a function and tensors, and has the function called with them as arrays, in every step.
CallNumpy: TypeAlias = Callable[[Callable[..., None], Sequence[Any]], None]


class Pattern(keras.Model):
    """A model with a rule of learning of its own.

    Args:
        inputs: As of a functional `keras.Model`.
        outputs: Likewise.

    Attributes:
        differentiate: Gives gradients, for a rule that asks for others than Keras does; set before training, since every
            backend has a way of its own.
        call_numpy: Calls a function of NumPy within a step, likewise.
        optimizers: Those of its networks, by name, once it is compiled with several; `optimizer` is None then.
        made: Pictures that it has made at the end of an epoch, to be looked at, of shape
            (pictures, height, width, channels), from 0 for black to 1 for white; None: it makes none.
    """

    differentiate: Differentiate
    call_numpy: CallNumpy

    def __init__(self, inputs: Any, outputs: Any, /, **kwargs: Any) -> None:
        super().__init__(inputs=inputs, outputs=outputs, **kwargs)
        self.made: np.ndarray | None = None
        self.optimizers: dict[str, keras.optimizers.Optimizer] = {}

    def compile(self, optimizer: Any = "rmsprop", **kwargs: Any) -> None:
        """As Keras's, which also takes a mapping of optimizers by the names of networks."""
        several = isinstance(optimizer, Mapping)
        super().compile(optimizer=None if several else optimizer, **kwargs)
        self.optimizers = {name: self._scaling(each) for name, each in optimizer.items()} if several else {}

    def _scaling(self, optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
        """Scales the loss in 16-bit floats, as Keras does for a single optimizer."""
        is_small = self.dtype_policy.name == "mixed_float16"
        return keras.optimizers.LossScaleOptimizer(optimizer) if is_small else optimizer

    def begin_stage(self, steps: int, phase: str | None) -> None:
        """Told before each stage is compiled.

        Args:
            steps: Training steps of the stage.
            phase: Its phase, one of those that are declared.
        """

    def steps_of_update(self, network: str) -> int:
        """Training steps for each update of a network that has an optimizer of its own."""
        return 1

    def own_callbacks(self) -> Sequence[keras.callbacks.Callback]:
        """What has to be done between steps; they come before those of the recipe."""
        return ()

    def networks(self) -> Mapping[str, keras.Model]:
        """Its parts by name, each a model of its own, that lie in the run beside the whole."""
        return {}
