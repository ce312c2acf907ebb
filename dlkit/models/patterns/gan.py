"""Generative adversarial networks (Goodfellow et al., 2014, arXiv:1406.2661; Gulrajani et al., 2017, arXiv:1704.00028)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import keras
import numpy as np

from dlkit.errors import DlkitError
from dlkit.models.distances import mean_distance
from dlkit.models.pattern import Network, Pattern
from dlkit.recipe.registry import Range, register

_SHOWN = 64  # pictures of an epoch, and the real ones that they are held against
_SEED = 20_140_610  # of the codes that are the same in every epoch
_LEAST = 1e-12  # of a squared norm, whose root has no slope at 0


@register(
    kind="pattern",
    learns="inputs",
    layers=[
        "discriminator",
        {"normal_codes": {"size": "$latent_size", "name": "codes", "from": "input"}},
        "generator",
        {"Identity": {"name": "generated"}},
        {"reuse": {"layer": "discriminator", "name": "of_generated"}},
        {"Concatenate": {"name": "scores", "from": ["discriminator", "of_generated"]}},
    ],
    loss={"adversarial_loss": {"gradient_penalty": "$gradient_penalty", "label_smoothing": "$label_smoothing"}},
    task="generation",
    best="epoch",
    logs=["generator_loss", "real_accuracy", "generated_accuracy", "gradient_penalty", "diversity"],
    generates="generator",
    optimizers=["generator", "discriminator"],
    replicas=False,
    unused=[
        "training.loss",
        "training.losses",
        "training.loss_weights",
        "training.metrics",
        "training.metrics_by_output",
        "data.class_weight",
        "data.targets",
    ],
)
class GAN(Pattern):
    """A generator that makes examples of random codes, against a discriminator that tells them from real ones.

    In a step the discriminator learns from a batch of real examples and from as many generated ones, by itself each, so
    that batch normalization takes the statistics of either (Chintala's "How to train a GAN", 4); then the generator learns
    from new codes and the discriminator as it is now. The generator's loss is that of being told generated: the
    non-saturating one of Goodfellow et al., section 3, or what a critic's score is below 0.

    Logged: `loss`, that of the discriminator, without the penalty; `generator_loss`; `real_accuracy` and
    `generated_accuracy`, how often the discriminator is right (a critic's scores are held against their mean over the
    batch, since they have no zero); `gradient_penalty` of a critic, before its weight; `diversity`, the mean distance of
    two of 64 pictures made of the same codes in every epoch, as a share of that of 64 real ones.

    Args:
        latent_size: How many numbers a code has.
        generator: Makes an example of a code, with values in the range that `data.preprocess` gives the real ones.
        discriminator: Gives an example a score, a single number without an activation: the logit of being real, or of a
            critic any number.
        gradient_penalty: Above 0, the discriminator is a critic, which learns the Wasserstein distance, and this is the
            weight of its penalty; 10 in Gulrajani et al.
        label_smoothing: What the discriminator is to say of real examples is 1 less this (Salimans et al., 2016,
            arXiv:1606.03498); not for a critic.
        discriminator_steps: Steps of the discriminator, on a batch each, for one of the generator; 5 in Gulrajani et al.

    Raises:
        DlkitError: A network does not fit the other or the examples (`wrong-network`), or an argument has no meaning for a
            critic (`unused-argument`).
    """

    def __init__(
        self,
        inputs: Any,
        outputs: Any,
        /,
        *,
        latent_size: Annotated[int, Range(min=1)],
        generator: Network,
        discriminator: Network,
        gradient_penalty: Annotated[float, Range(min=0)] = 0.0,
        label_smoothing: Annotated[float, Range(min=0, below=0.5)] = 0.0,
        discriminator_steps: Annotated[int, Range(min=1)] = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(inputs, outputs, **kwargs)
        _check(generator, discriminator, gradient_penalty, label_smoothing)
        self._generator, self._discriminator = generator, discriminator
        self._codes = self.get_layer("codes")
        self._penalty_weight = gradient_penalty
        self._discriminator_steps = discriminator_steps
        self._between = keras.random.SeedGenerator()
        self.validation_draws = keras.random.SeedGenerator(_SEED)
        self._steps = self.add_weight((), "zeros", "int32", trainable=False, name="steps")
        self._kept = self.add_weight((), "zeros", "int32", trainable=False, name="kept")
        shape = (_SHOWN, *generator.output_shape[1:])
        self._sample = self.add_weight(shape, "zeros", "float32", trainable=False, name="sample", autocast=False)
        names = [
            "generator_loss",
            "real_accuracy",
            "generated_accuracy",
            *["gradient_penalty"] * bool(gradient_penalty),
        ]
        self._means = {name: keras.metrics.Mean(name=name) for name in names}

    def begin_stage(self, steps: int, phase: str | None) -> None:
        self._steps.assign(0)

    def own_callbacks(self) -> Sequence[keras.callbacks.Callback]:
        return [_LooksAtWhatIsMade()]

    def networks(self) -> Mapping[str, keras.Model]:
        return {"generator": self._generator, "discriminator": self._discriminator}

    def steps_of_update(self, network: str) -> int:
        return self._discriminator_steps if network == "generator" else 1

    def train_step(self, data: Any) -> dict[str, Any]:
        """A step of the discriminator, and where it is due one of the generator."""
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        self._keep(x)
        self._teach_discriminator(x, y)
        if self._discriminator_steps == 1:
            self._teach_generator(x)
        else:
            self._steps.assign_add(1)
            is_due = self._steps % self._discriminator_steps == 0
            keras.ops.cond(is_due, lambda: self._teach_generator(x), lambda: 0)
        return self.get_metrics_result()

    def test_step(self, data: Any) -> dict[str, Any]:
        """Measures both on the examples of a batch and as many codes, which are the same in every validation."""
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        size = keras.ops.shape(x)[0]
        codes = keras.random.normal((size, self._codes.size), seed=self.validation_draws)
        scores = self._scores(x, self._generator(codes, training=False), training=False)
        self._note(scores, self.compute_loss(x, y, scores), size)
        self._means["generator_loss"].update_state(self._generator_loss(scores[:, 1]), sample_weight=size)
        told = self.get_metrics_result()
        told.pop("gradient_penalty", None)
        return told

    def generate(self, codes: Any) -> np.ndarray:
        """What the generator makes of codes of shape (codes, size)."""
        return np.asarray(keras.ops.convert_to_numpy(self._generator(codes, training=False)), np.float32)

    def real(self) -> np.ndarray:
        """The first training examples, 64 at most."""
        return np.asarray(self._sample[: int(keras.ops.convert_to_numpy(self._kept))])

    def _teach_discriminator(self, x: Any, y: Any) -> None:
        generated = self._generator(self._codes(x, training=True), training=True)
        optimizer, variables = self.optimizers["discriminator"], self._discriminator.trainable_variables

        def loss() -> tuple[Any, ...]:
            scores = self._scores(x, generated, training=True)
            told = self.compute_loss(x, y, scores)
            if not self._penalty_weight:
                return optimizer.scale_loss(told), scores, told
            penalty = self._penalty(x, generated)
            self._means["gradient_penalty"].update_state(penalty, sample_weight=keras.ops.shape(x)[0])
            return optimizer.scale_loss(told + self._penalty_weight * penalty), scores, told

        (_, scores, told), gradients = self.differentiate(loss, variables)
        if variables:  # a stage may freeze it
            optimizer.apply(gradients, variables)
        self._note(scores, told, keras.ops.shape(x)[0])

    def _teach_generator(self, x: Any) -> int:
        optimizer, variables = self.optimizers["generator"], self._generator.trainable_variables

        def loss() -> tuple[Any, ...]:
            generated = self._generator(self._codes(x, training=True), training=True)
            told = sum(self._generator.losses, self._generator_loss(self._score(generated, training=True)))
            return optimizer.scale_loss(told), told

        (_, told), gradients = self.differentiate(loss, variables)
        if variables:
            optimizer.apply(gradients, variables)
        self._means["generator_loss"].update_state(told, sample_weight=keras.ops.shape(x)[0])
        return 0

    def _generator_loss(self, scores: Any) -> Any:
        losses = -scores if self._penalty_weight else keras.ops.softplus(-scores)
        return keras.ops.mean(losses)

    def _penalty(self, real: Any, generated: Any) -> Any:
        """How far the slopes of the critic are from 1 between real and generated examples: their mean squared distance."""
        ops = keras.ops
        one_each = (ops.shape(real)[0], *[1] * (len(real.shape) - 1))
        shares = keras.random.uniform(one_each, seed=self._between)
        real, generated = ops.cast(real, "float32"), ops.cast(generated, "float32")
        between = shares * real + (1 - shares) * generated
        _, (slopes,) = self.differentiate(lambda: ops.sum(self._score(between, training=True)), [between])
        norms = ops.sqrt(ops.sum(ops.square(slopes), axis=tuple(range(1, len(real.shape)))) + _LEAST)
        return ops.mean(ops.square(norms - 1))

    def _score(self, examples: Any, training: bool) -> Any:
        """The scores of examples, float32 of shape (batch,)."""
        return keras.ops.cast(self._discriminator(examples, training=training)[:, 0], "float32")

    def _scores(self, real: Any, generated: Any, training: bool) -> Any:
        """Of shape (batch, 2), as the whole network gives them."""
        return keras.ops.stack([self._score(each, training) for each in (real, generated)], axis=-1)

    def _note(self, scores: Any, loss: Any, size: Any) -> None:
        ops = keras.ops
        middle = ops.mean(scores) if self._penalty_weight else 0.0
        self._loss_tracker.update_state(loss, sample_weight=size)
        self._means["real_accuracy"].update_state(ops.cast(scores[:, 0] > middle, "float32"))
        self._means["generated_accuracy"].update_state(ops.cast(scores[:, 1] < middle, "float32"))

    def _keep(self, x: Any) -> None:
        """Puts real examples into the sample while there is room."""
        ops = keras.ops

        def fill() -> Any:
            self._sample.assign(ops.concatenate([ops.cast(x, "float32"), self._sample])[:_SHOWN])
            return ops.minimum(self._kept + ops.shape(x)[0], _SHOWN)

        self._kept.assign(ops.cond(self._kept < _SHOWN, fill, lambda: ops.convert_to_tensor(self._kept)))


def _check(generator: keras.Model, discriminator: keras.Model, gradient_penalty: float, smoothing: float) -> None:
    """Refuses networks and arguments that do not fit each other."""
    taken, made = (tuple(shape[1:]) for shape in (discriminator.input_shape, generator.output_shape))
    given = discriminator.output_shape
    last = discriminator.layers[-1]
    if not discriminator.inputs[0].dtype.startswith("float"):
        raise DlkitError(
            f"The examples are {discriminator.inputs[0].dtype}, and the generator makes floating-point numbers.",
            "Bring them into its range: `data: {preprocess: {image: [{Rescaling: {scale: 1/127.5, offset: -1}}]}}`.",
            "wrong-network",
        )
    if taken != made:
        cure = "Let its last layer give the shape of the examples."
        raise DlkitError(
            f"The generator makes examples of shape {made}, and real ones have {taken}.", cure, "wrong-network"
        )
    if given[1:] != (1,):
        cure = "Let it end in `Flatten` and `Dense: {units: 1}`."
        raise DlkitError(f"The discriminator gives {given[1:]}, and a score is one number.", cure, "wrong-network")
    if getattr(last, "activation", None) is keras.activations.sigmoid:
        cure = f"Take `activation: sigmoid` out of its last layer, `{last.name}`."
        raise DlkitError("The discriminator ends in a sigmoid, and its scores are logits.", cure, "wrong-network")
    if not gradient_penalty:
        return
    if any(isinstance(layer, keras.layers.BatchNormalization) for layer in discriminator._flatten_layers()):
        raise DlkitError(
            "The discriminator has BatchNormalization, and the gradient penalty is of each example by itself.",
            "Take it out, or write `LayerNormalization` (Gulrajani et al., 2017, section 4).",
            "wrong-network",
        )
    if smoothing:
        cure = "Take it out, or `gradient_penalty`."
        raise DlkitError("`label_smoothing` has no meaning for a critic.", cure, "unused-argument")


class _LooksAtWhatIsMade(keras.callbacks.Callback):
    """Has the generator make examples of the same codes after every epoch, and tells how different they are."""

    def get_state(self) -> None:
        return None

    def set_state(self, state: None) -> None:
        pass

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        draws = self.model.validation_draws
        draws.state.assign(keras.ops.convert_to_tensor([_SEED, 0], dtype=draws.state.dtype))

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        model = self.model
        size = model.get_layer("codes").size
        codes = np.random.default_rng(_SEED).standard_normal((_SHOWN, size)).astype(np.float32)
        made, real = model.generate(codes), model.real()
        apart = mean_distance(real) if len(real) > 1 else 0.0
        if logs is not None and apart:
            logs["diversity"] = mean_distance(made) / apart
        if made.ndim == 4 and made.shape[-1] in (1, 3):
            low, high = min(0.0, float(real.min())), float(real.max())
            model.made = (made - low) / ((high - low) or 1.0)
