"""A step of a generative adversarial network, against the same by hand: networks of one layer have slopes in closed form."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from scipy.spatial.distance import pdist

from dlkit.errors import DlkitError
from dlkit.models.distances import mean_distance
from dlkit.models.patterns.gan import GAN
from dlkit.recipe.load import load
from dlkit.training.build import build_state
from dlkit.training.stage import planned_stages
from dlkit.workflows.feeding import train_feed
from dlkit.workflows.preparation import build_model, prepare
from dlkit.workflows.stages import compile_stage

RATE, SIZE, EXAMPLES = 0.1, 3, 5
DENSE = {"Dense": {"units": 64, "kernel_initializer": {"RandomNormal": {"seed": 1}}}}
GENERATOR = [DENSE, {"Reshape": {"target_shape": [8, 8, 1]}}]
DISCRIMINATOR = ["Flatten", {"Dense": {"units": 1, "kernel_initializer": {"RandomNormal": {"seed": 2, "stddev": 0.3}}}}]
PREPROCESS = {"image": [{"Rescaling": {"scale": 0.125, "offset": -1}}]}


def made(
    generator: list[Any] | None = None,
    discriminator: list[Any] | None = None,
    preprocess: Any = PREPROCESS,
    epochs: int = 1,
    optimizers: dict[str, Any] | None = None,
    **arguments: Any,
) -> GAN:
    networks = {"generator": generator or GENERATOR, "discriminator": discriminator or DISCRIMINATOR}
    rates = {name: {"SGD": {"learning_rate": RATE}} for name in networks}
    recipe = load(
        {
            "name": "test/gan",
            "data": {"source": "digits", "limit": 160, "batch_size": 16, "preprocess": preprocess},
            "model": {"gan": {"latent_size": SIZE, **{n: {"sequential": s} for n, s in networks.items()}, **arguments}},
            "training": {"epochs": epochs, "optimizers": rates if optimizers is None else optimizers},
        }
    )
    prepared = prepare(recipe)
    model = build_model(prepared).model
    (planned,) = planned_stages(prepared.recipe)
    compile_stage(model, prepared, planned)
    assert isinstance(model, GAN)
    build_state(model, train_feed(prepared))
    return model


class ByHand:
    """The two networks of one layer each, and the codes that the next step will draw."""

    def __init__(self, model: GAN) -> None:
        networks = model.networks()
        self.v, self.c = (np.array(weights, np.float64) for weights in networks["generator"].get_weights())
        (w, b) = networks["discriminator"].get_weights()
        self.w, self.b = w[:, 0].astype(np.float64), float(b[0])
        codes = model.get_layer("codes")
        state = np.asarray(codes.seed_generator.state)
        shape = (EXAMPLES, 1)
        self.codes, self.next_codes = (np.asarray(codes(np.zeros(shape), training=True)) for _ in range(2))
        codes.seed_generator.state.assign(state)

    def generated(self, codes: np.ndarray) -> np.ndarray:
        return codes @ self.v + self.c

    def scores(self, examples: np.ndarray) -> np.ndarray:
        return examples @ self.w + self.b


def step(model: GAN) -> tuple[np.ndarray, dict[str, float]]:
    x = np.random.default_rng(3).uniform(-1, 1, (EXAMPLES, 8, 8, 1)).astype(np.float32)
    logs = model.train_step((x, x))
    return x.reshape(EXAMPLES, -1), {name: float(value) for name, value in logs.items()}


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_a_step_of_both_networks_with_the_non_saturating_loss(smoothing: float) -> None:
    model = made(label_smoothing=smoothing)
    hand = ByHand(model)
    real, logs = step(model)
    generated = hand.generated(hand.codes)
    of_real, of_generated = hand.scores(real), hand.scores(generated)
    told, label = sigmoid(of_real), 1 - smoothing
    loss = -(label * np.log(told) + smoothing * np.log(1 - told)) - np.log(1 - sigmoid(of_generated))
    assert logs["loss"] == pytest.approx(loss.mean(), rel=1e-5)
    assert logs["real_accuracy"] == pytest.approx((of_real > 0).mean())
    assert logs["generated_accuracy"] == pytest.approx((of_generated < 0).mean())
    slope = ((told - label)[:, None] * real + sigmoid(of_generated)[:, None] * generated).mean(axis=0)
    hand.w = hand.w - RATE * slope
    hand.b -= RATE * float((told - label + sigmoid(of_generated)).mean())
    (w, b) = model.networks()["discriminator"].get_weights()
    np.testing.assert_allclose(w[:, 0], hand.w, atol=1e-6)
    assert b[0] == pytest.approx(hand.b, abs=1e-6)
    # The generator learns from new codes and the discriminator as it is now.
    scores = hand.scores(hand.generated(hand.next_codes))
    assert logs["generator_loss"] == pytest.approx(-np.log(sigmoid(scores)).mean(), rel=1e-5)
    weights = -sigmoid(-scores)[:, None] * hand.next_codes / EXAMPLES
    v, _ = model.networks()["generator"].get_weights()
    np.testing.assert_allclose(v, hand.v - RATE * weights.T @ np.tile(hand.w, (EXAMPLES, 1)), atol=1e-6)


def test_a_step_of_a_critic_with_a_gradient_penalty() -> None:
    model = made(gradient_penalty=10)
    hand = ByHand(model)
    real, logs = step(model)
    generated = hand.generated(hand.codes)
    assert logs["loss"] == pytest.approx((hand.scores(generated) - hand.scores(real)).mean(), rel=1e-4)
    length = float(np.linalg.norm(hand.w))  # of the slope of a linear critic, wherever it is taken
    assert logs["gradient_penalty"] == pytest.approx((length - 1) ** 2, rel=1e-5)
    slope = generated.mean(axis=0) - real.mean(axis=0) + 10 * 2 * (length - 1) * hand.w / length
    w, _ = model.networks()["discriminator"].get_weights()
    np.testing.assert_allclose(w[:, 0], hand.w - RATE * slope, atol=1e-5)
    hand.w = w[:, 0].astype(np.float64)
    scores = hand.scores(hand.generated(hand.next_codes))
    assert logs["generator_loss"] == pytest.approx(-scores.mean(), rel=1e-3, abs=1e-5)


def test_what_is_logged_of_the_generator_is_the_mean_over_examples() -> None:
    """Of batches of 4 and of 1 example, each with its size for a loss."""
    model = made()
    model._generator_loss = lambda scores: (
        0.0 * keras.ops.sum(scores) + keras.ops.cast(keras.ops.shape(scores)[0], "float32")
    )
    x = np.zeros((EXAMPLES, 8, 8, 1), np.float32)
    expected = pytest.approx((4 * 4 + 1 * 1) / EXAMPLES)
    assert model.evaluate(x, x, batch_size=4, verbose=0, return_dict=True)["generator_loss"] == expected
    assert model.fit(x, x, batch_size=4, verbose=0).history["generator_loss"] == [expected]


def test_the_penalty_of_a_critic_that_is_not_linear() -> None:
    discriminator = ["Flatten", {"Dense": {"units": 4, "activation": "tanh"}}, {"Dense": {"units": 1}}]
    model = made(discriminator=discriminator, gradient_penalty=1)
    (w1, b1, w2, _) = model.networks()["discriminator"].get_weights()
    x = np.random.default_rng(3).uniform(-1, 1, (EXAMPLES, 8, 8, 1)).astype(np.float32)
    slopes = ((1 - np.tanh(x.reshape(EXAMPLES, -1) @ w1 + b1) ** 2) * w2[:, 0]) @ w1.T
    # Between two equal examples there is only that example.
    found = float(model._penalty(keras.ops.convert_to_tensor(x), keras.ops.convert_to_tensor(x)))
    assert found == pytest.approx(((np.linalg.norm(slopes, axis=1) - 1) ** 2).mean(), rel=1e-5)


def test_the_generator_learns_in_every_so_many_steps_and_its_schedule_counts_its_updates() -> None:
    schedule = {"CosineDecay": {"initial_learning_rate": RATE, "decay_steps": {"share": 1}}}
    optimizers = {name: {"SGD": {"learning_rate": schedule}} for name in ("generator", "discriminator")}
    model = made(optimizers=optimizers, discriminator_steps=3, epochs=6)  # of ten steps
    before = model.networks()["generator"].get_weights()[0]
    changed = []
    for _ in range(6):
        step(model)
        after = model.networks()["generator"].get_weights()[0]
        changed.append(not np.array_equal(before, after))
        before = after
    assert changed == [False, False, True, False, False, True]
    decays = {name: optimizer._learning_rate.decay_steps for name, optimizer in model.optimizers.items()}
    assert [int(optimizer.iterations) for optimizer in model.optimizers.values()] == [2, 6]
    steps = decays["discriminator"]
    assert decays == {"generator": round(steps / 3), "discriminator": steps}
    rates = {name: float(optimizer.learning_rate) for name, optimizer in model.optimizers.items()}
    assert rates["generator"] == pytest.approx(RATE * (1 + np.cos(np.pi * 2 / decays["generator"])) / 2)
    assert rates["discriminator"] == pytest.approx(RATE * (1 + np.cos(np.pi * 6 / steps)) / 2)


def test_an_optimizer_that_is_not_written_is_adam() -> None:
    model = made(optimizers={"generator": {"SGD": {"learning_rate": 0.5}}})
    kinds = {name: type(optimizer) for name, optimizer in model.optimizers.items()}
    assert kinds == {"generator": keras.optimizers.SGD, "discriminator": keras.optimizers.Adam}


def test_batches_of_real_and_of_generated_examples_are_normalized_by_themselves() -> None:
    normalization = {"BatchNormalization": {"momentum": 0.5, "name": "norm"}}
    model = made(discriminator=["Flatten", normalization, {"Dense": {"units": 1}}])
    norm = model.get_layer("discriminator.norm")
    hand_codes = model.get_layer("codes")
    state = np.asarray(hand_codes.seed_generator.state)
    codes = [np.asarray(hand_codes(np.zeros((EXAMPLES, 1)), training=True)) for _ in range(2)]
    hand_codes.seed_generator.state.assign(state)
    generator = model.networks()["generator"]
    means = [np.asarray(generator(each)).reshape(EXAMPLES, -1).mean(axis=0) for each in codes]
    real, _ = step(model)
    expected = np.zeros(64)
    for mean in (real.mean(axis=0), *means):
        expected = 0.5 * expected + 0.5 * mean
    np.testing.assert_allclose(np.asarray(norm.moving_mean), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ({"preprocess": None}, "wrong-network", "preprocess"),
        ({"generator": [{"Dense": {"units": 64}}, {"Reshape": {"target_shape": [4, 16, 1]}}]}, "wrong-network", "(8, 8, 1)"),
        ({"discriminator": ["Flatten", {"Dense": {"units": 1, "activation": "sigmoid"}}]}, "wrong-network", "sigmoid"),
        ({"discriminator": ["Flatten", {"Dense": {"units": 2}}]}, "wrong-network", "one number"),
        ({"discriminator": ["Flatten", "BatchNormalization", {"Dense": {"units": 1}}], "gradient_penalty": 10}, "wrong-network", "BatchNormalization"),
        ({"gradient_penalty": 10, "label_smoothing": 0.1}, "unused-argument", "critic"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(arguments: dict[str, Any], code: str, words: str) -> None:
    with pytest.raises(DlkitError) as raised:
        made(**arguments)
    assert raised.value.code == code
    assert words in f"{raised.value} {raised.value.cure}"


def test_the_mean_distance_of_examples() -> None:
    examples = np.random.default_rng(0).normal(3.0, 1.0, (20, 4, 4, 1)).astype(np.float32)
    assert mean_distance(examples) == pytest.approx(pdist(examples.reshape(20, -1)).mean())
    assert mean_distance(np.ones((5, 3))) == 0.0
