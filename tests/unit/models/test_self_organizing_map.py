"""The self-organizing map against the same rules in plain NumPy, and against MiniSom."""

from __future__ import annotations

from typing import Any

import keras
import minisom
import numpy as np
import pytest

from dlkit.errors import DlkitError
from dlkit.models.layer import make_layer
from dlkit.models.map_grid import neighbors, positions
from dlkit.models.map_units import set_units, units_of
from dlkit.models.patterns.self_organizing_map import SelfOrganizingMap
from dlkit.recipe.graph import Component
from dlkit.training.losses.quantization_error import QuantizationError

ROWS, COLUMNS, VALUES, EXAMPLES, EPOCHS, BATCH = 4, 6, 5, 50, 3, 16
DATA = np.random.default_rng(1).normal(size=(EXAMPLES, VALUES)).astype("float32")


def made(examples: np.ndarray = DATA, initial_weights: str = "examples", **arguments: Any) -> SelfOrganizingMap:
    x = keras.Input(examples.shape[1:])
    shape: dict[str, Any] = {"rows": ROWS, "columns": COLUMNS}
    layer = Component("layer", "unit_distances", {**shape, "initial_weights": initial_weights})
    return SelfOrganizingMap(x, make_layer(layer, "map", x, lambda: examples)(x), **shape, **arguments)


def weights(model: SelfOrganizingMap) -> np.ndarray:
    return keras.ops.convert_to_numpy(units_of(model))


def trained(**arguments: Any) -> tuple[np.ndarray, np.ndarray]:
    """The units before and after the training, which takes the examples in their order."""
    keras.utils.set_random_seed(1)
    model = made(**arguments)
    before = weights(model)
    model.begin_stage(EPOCHS * -(-EXAMPLES // BATCH), None)
    model.compile(optimizer=keras.optimizers.SGD(0.0), loss=QuantizationError())
    callbacks = list(model.own_callbacks())
    model.fit(DATA, DATA, batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0, callbacks=callbacks)
    return before, weights(model)


def place(unit: int, grid: str) -> tuple[float, float]:
    row, column = divmod(unit, COLUMNS)
    return (row * 0.75**0.5, column + 0.5 * (row % 2)) if grid == "hexagonal" else (row, column)


def nearness(unit: int, other: int, grid: str, radius: float) -> float:
    (down, across), (down2, across2) = place(unit, grid), place(other, grid)
    return float(np.exp(-((down - down2) ** 2 + (across - across2) ** 2) / (2 * radius**2)))


@pytest.mark.parametrize("grid", ["rectangular", "hexagonal"])
def test_the_batch_rule_is_that_of_numpy(grid: str) -> None:
    before, after = trained(grid=grid, radius=3.0, final_radius=0.8, decay="exponential")
    units = before.astype(np.float64)
    for epoch in range(EPOCHS):
        radius = 3.0 * (0.8 / 3.0) ** (epoch / (EPOCHS - 1))
        nearest = [int(np.argmin([np.linalg.norm(x - unit) for unit in units])) for x in DATA]
        units = np.array(
            [
                np.average(DATA, axis=0, weights=[nearness(unit, winner, grid, radius) for winner in nearest])
                for unit in range(ROWS * COLUMNS)
            ]
        )
    np.testing.assert_allclose(after, units, atol=1e-5)


@pytest.mark.parametrize("decay", ["linear", "exponential", "inverse"])
def test_the_online_rule_is_that_of_numpy(decay: str) -> None:
    """Example by example, as MiniSom does it: only that here a batch of 2 that ends an epoch lasts as long as one of 16."""
    ends = {"radius": 3.0, "final_radius": 1.0, "learning_rate": 0.6, "final_learning_rate": 0.2}
    before, after = trained(rule="online", grid="hexagonal", decay=decay, **ends)
    units, batches = before.astype(np.float64), -(-EXAMPLES // BATCH)

    def now(name: str, at: float) -> float:
        first, last = ends[name], ends[f"final_{name}"]
        exponential = first * (last / first) ** at
        return {"linear": first * (1 - at) + last * at, "inverse": 1 / ((1 - at) / first + at / last)}.get(
            decay, exponential
        )

    for epoch in range(EPOCHS):
        for number, x in enumerate(DATA):
            batch = number // BATCH
            size = min(BATCH, EXAMPLES - batch * BATCH)
            at = (epoch * batches + batch + number % BATCH / size) / (EPOCHS * batches)
            winner = int(np.argmin(np.linalg.norm(units - x, axis=1)))
            for unit in range(ROWS * COLUMNS):
                pull = now("learning_rate", at) * nearness(unit, winner, "hexagonal", now("radius", at))
                units[unit] += pull * (x - units[unit])
    np.testing.assert_allclose(after, units, atol=1e-5)


def test_the_online_rule_is_that_of_minisom() -> None:
    keras.utils.set_random_seed(1)
    model = made(rule="online", radius=2.0)
    model.begin_stage(EPOCHS * EXAMPLES // 10, None)
    model.compile(optimizer=keras.optimizers.SGD(0.0), loss=QuantizationError())
    decays = {"decay_function": "inverse_decay_to_zero", "sigma_decay_function": "inverse_decay_to_one"}
    theirs = minisom.MiniSom(ROWS, COLUMNS, VALUES, sigma=2.0, learning_rate=0.5, random_seed=1, **decays)
    theirs._weights = weights(model).astype(np.float64).reshape(ROWS, COLUMNS, VALUES)
    model.fit(DATA, DATA, batch_size=10, epochs=EPOCHS, shuffle=False, verbose=0)
    theirs.train(DATA, EPOCHS * EXAMPLES)
    np.testing.assert_allclose(weights(model).reshape(ROWS, COLUMNS, VALUES), theirs._weights, atol=1e-5)
    assert float(np.min(model.predict(DATA, verbose=0), axis=-1).mean()) == pytest.approx(
        theirs.quantization_error(DATA), rel=1e-5
    )


def test_the_error_of_an_epoch_is_the_mean_over_its_examples() -> None:
    """The units of the batch rule stay what they are until the pass is over; its last batch is smaller."""
    keras.utils.set_random_seed(1)
    model = made()
    nearest = np.linalg.norm(DATA[:, None] - weights(model)[None], axis=-1).min(axis=-1)
    means = [nearest[first : first + BATCH].mean() for first in range(0, EXAMPLES, BATCH)]
    assert abs(np.mean(means) - nearest.mean()) > 0.01
    model.begin_stage(4, None)
    model.compile(optimizer=keras.optimizers.SGD(0.0), loss=QuantizationError())
    told = model.fit(DATA, DATA, batch_size=BATCH, shuffle=False, verbose=0, callbacks=list(model.own_callbacks()))
    assert told.history["loss"] == pytest.approx([nearest.mean()], rel=1e-3)


def test_a_unit_that_no_example_is_near_to_stays() -> None:
    keras.utils.set_random_seed(1)
    model = made(final_radius=0.1, radius=0.1)
    far = np.concatenate([DATA[: ROWS * COLUMNS - 1], np.full((1, VALUES), 1e3, "float32")])
    set_units(model, far)
    model.begin_stage(1, None)
    model.compile(optimizer=keras.optimizers.SGD(0.0), loss=QuantizationError())
    model.fit(DATA, DATA, batch_size=EXAMPLES, verbose=0, callbacks=list(model.own_callbacks()))
    np.testing.assert_array_equal(weights(model)[-1], far[-1])


def test_units_begin_as_examples_of_their_own_or_along_principal_components() -> None:
    keras.utils.set_random_seed(1)
    drawn = weights(made())
    found = [np.flatnonzero((unit == DATA).all(axis=1)).tolist() for unit in drawn]
    assert len({row for (row,) in found}) == ROWS * COLUMNS
    again = weights(made())
    assert (drawn != again).any()  # by the generator, not by a seed of their own

    sheet = weights(made(initial_weights="principal_components")).reshape(ROWS, COLUMNS, VALUES)
    spread, axes = np.linalg.eigh(np.cov(DATA.T.astype(np.float64)))
    across, down = sheet[0, -1] - sheet[0, 0], sheet[-1, 0] - sheet[0, 0]  # the longer side has the first component
    for way, number in ((across, -1), (down, -2)):
        expected = 2 * np.sqrt(spread[number]) * axes[:, number]
        np.testing.assert_allclose(np.abs(way), np.abs(expected), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(sheet.mean(axis=(0, 1)), DATA.mean(axis=0), atol=1e-5)


def test_distances_are_euclidean() -> None:
    model = made()
    expected = np.linalg.norm(DATA[:, None] - weights(model)[None], axis=-1)
    np.testing.assert_allclose(model.predict(DATA, verbose=0), expected, atol=2e-3)


def test_neighbors_on_both_grids() -> None:
    inner = 2 * COLUMNS + 3
    assert neighbors(ROWS, COLUMNS, "hexagonal")[inner].sum() == 6
    assert neighbors(ROWS, COLUMNS, "rectangular")[inner].sum() == 8
    assert neighbors(ROWS, COLUMNS, "rectangular")[0].sum() == 3
    assert not neighbors(1, 1, "hexagonal").any()
    with pytest.raises(ValueError, match="Received: grid='round'"):
        positions(2, 2, "round")


def test_the_batch_rule_has_no_learning_rate() -> None:
    with pytest.raises(DlkitError, match="no learning rate"):
        made(learning_rate=0.1)
