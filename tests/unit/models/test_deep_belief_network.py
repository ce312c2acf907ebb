"""How the layers of a deep belief network share a pretraining, and what of it is logged."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest

from dlkit.errors import DlkitError
from dlkit.models.patterns.deep_belief_network import DeepBeliefNetwork

BATCH, STEPS = 8, 4
X = np.random.default_rng(0).random((BATCH * STEPS, 2, 3)).astype("float32")
Y = np.zeros(BATCH * STEPS, "int32")


def network(steps: int = STEPS, frozen: int | None = None, **how: int) -> DeepBeliefNetwork:
    keras.utils.set_random_seed(1)
    inputs = keras.Input((2, 3))
    x = keras.layers.Flatten()(inputs)
    for units in (5, 4):
        x = keras.layers.Dense(units, activation="sigmoid")(x)
    made = DeepBeliefNetwork(inputs, keras.layers.Dense(3)(x), units=[5, 4], **how)
    if frozen is not None:
        made.machines[frozen].dense.trainable = False
    made.begin_stage(steps, "pretrain")
    made.compile(keras.optimizers.SGD(0.1, momentum=0.5, weight_decay=0.5), loss="mse")
    return made


def weights(made: DeepBeliefNetwork) -> list[list[np.ndarray]]:
    return [[keras.ops.convert_to_numpy(each).copy() for each in machine.learned] for machine in made.machines]


def have_changed(before: list[list[np.ndarray]], after: list[list[np.ndarray]]) -> list[bool]:
    pairs = zip(before, after, strict=True)
    return [any((one != other).any() for one, other in zip(*pair, strict=True)) for pair in pairs]


def fit(made: DeepBeliefNetwork, epochs: int = 1, x: np.ndarray = X) -> dict[str, list[float]]:
    how = {"batch_size": BATCH, "shuffle": False, "verbose": 0}
    told = made.fit(x, Y, epochs=epochs, validation_data=(x[:8], Y[:8]), callbacks=list(made.own_callbacks()), **how)
    return told.history


def test_each_layer_learns_in_its_share_of_the_steps() -> None:
    made = network(steps=2 * STEPS)
    readout = [each.copy() for each in made.layers[-1].get_weights()]
    stages = [weights(made)]
    for _ in range(2):
        logs = fit(made)
        stages.append(weights(made))
        assert logs["layer"] == [len(stages) - 1]
    assert [have_changed(*pair) for pair in itertools.pairwise(stages)] == [[True, False], [False, True]]
    assert all((one == other).all() for one, other in zip(readout, made.layers[-1].get_weights(), strict=True))


def test_frozen_layers_have_no_share() -> None:
    made = network(frozen=0)
    before = weights(made)
    assert fit(made)["layer"] == [2]
    assert have_changed(before, weights(made)) == [False, True]


def test_a_step_is_that_of_the_optimizer_and_decay_spares_biases() -> None:
    made = network(steps=2)
    machine = made.machines[0]
    before = weights(made)[0]
    state = keras.ops.convert_to_numpy(machine.draws.state)
    gradients = [keras.ops.convert_to_numpy(each) for each in machine.gradients(X[:BATCH].reshape(BATCH, -1))]
    machine.draws.state.assign(state)
    made.train_on_batch(X[:BATCH], Y[:BATCH])
    decays = (0.5, 0, 0)
    expected = [w - 0.1 * decay * w - 0.1 * g for w, g, decay in zip(before, gradients, decays, strict=True)]
    for one, other in zip(weights(made)[0], expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_what_is_logged_is_measured_on_the_layer_that_learned_last() -> None:
    made = network()
    logs = {name: values[-1] for name, values in fit(made).items()}
    below, machine = made.machines
    visible = below.hidden(X[:8].reshape(8, -1))
    back = keras.ops.convert_to_numpy(machine.visible(machine.hidden(visible)))
    visible = keras.ops.convert_to_numpy(visible)
    crossentropy = -(visible * np.log(back) + (1 - visible) * np.log(1 - back)).mean()
    assert logs["val_loss"] == pytest.approx(crossentropy, rel=1e-4)
    assert logs["val_reconstruction_error"] == pytest.approx(((visible - back) ** 2).mean(), rel=1e-4)
    assert logs["val_free_energy"] == pytest.approx(np.mean(machine.free_energy(visible)), rel=1e-4)
    assert logs["free_energy_gap"] == pytest.approx(logs["val_free_energy"] - logs["free_energy"])
    assert logs.keys() == {
        *("loss", "reconstruction_error", "free_energy", "layer", "free_energy_gap"),
        *("val_loss", "val_reconstruction_error", "val_free_energy"),
    }


def test_the_free_energy_is_that_of_the_first_examples_with_the_weights_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dlkit.models.patterns.deep_belief_network._SAMPLE", 12)
    made = network()
    found = fit(made)["free_energy"][-1]
    kept = np.concatenate([X[BATCH : 2 * BATCH], X[:4]]).reshape(12, -1)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(made.sample()), kept)
    below, machine = made.machines
    assert found == pytest.approx(np.mean(machine.free_energy(below.hidden(kept))), rel=1e-5)


def test_in_fine_tuning_it_learns_as_any_network() -> None:
    made = network()
    made.begin_stage(STEPS, "fine_tune")
    made.compile("sgd", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    assert fit(made).keys() == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert len(made.trainable_variables) == 6


def test_what_is_refused() -> None:
    with pytest.raises(DlkitError, match=r"values from 0\.04655 to 16\.95"):
        fit(network(), x=X * 17)
    with pytest.raises(DlkitError) as raised:
        network(steps=1)
    assert raised.value.code == "too-few-steps"
    made = network()
    for machine in made.machines:
        machine.dense.trainable = False
    with pytest.raises(DlkitError) as raised:
        made.begin_stage(STEPS, "pretrain")
    assert raised.value.code == "nothing-to-learn"
