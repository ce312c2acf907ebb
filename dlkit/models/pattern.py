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
    loss: The loss where the recipe writes none.
    best: The metric by which the best epoch is chosen where the recipe does not say.
    measures: What is measured besides what belongs to the task, by names.
    noise: The argument that tells the deviation of the noise that its inputs have in training, and the name of the layer that
        adds it: the model is measured with that noise too, always the same.
    task: What is measured in the end, one of `dlkit.evaluation.tasks`, where the target does not tell.
    unused: Paths of the recipe that it does not use.
    replicas: False where the rule is for one device.
    phases: What `phase` of a stage may be, in their order: where there are any, every stage says its phase, and the last
        stage is of the last one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import keras

Network: TypeAlias = keras.Model  # the annotation of an argument that takes a network


class Pattern(keras.Model):
    """A model with a rule of learning of its own.

    Args:
        inputs: As of a functional `keras.Model`.
        outputs: Likewise.
    """

    def __init__(self, inputs: Any, outputs: Any, /, **kwargs: Any) -> None:
        super().__init__(inputs=inputs, outputs=outputs, **kwargs)

    def begin_stage(self, steps: int, phase: str | None) -> None:
        """Told before each stage is compiled.

        Args:
            steps: Training steps of the stage.
            phase: Its phase, one of those that are declared.
        """

    def own_callbacks(self) -> Sequence[keras.callbacks.Callback]:
        """What has to be done between steps; they come before those of the recipe."""
        return ()

    def networks(self) -> Mapping[str, keras.Model]:
        """Its parts by name, each a model of its own, that lie in the run beside the whole."""
        return {}
