"""How fast patterns learn: dlkit's beside a plain library doing the same work on the same examples.

DLKIT_DATA_DIR=DIR python scripts/benchmarks/patterns.py [extreme_learning_machine | echo_state_network | \
  self_organizing_map | fashion_mnist_som]

A case is a function that gives two functions without arguments, dlkit's and the plain one. Both run once unmeasured (TensorFlow
traces then), then in turn; the ratio is taken within a round. Nothing is asserted.

- extreme_learning_machine: 1,000 hidden units on 20,000 rows of 784 numbers, ten classes; NumPy with the same batches,
  hidden layer in float32, normal equations in float64.
- echo_state_network: 300 units on 2,000 windows of 100 steps; NumPy likewise.
- self_organizing_map, fashion_mnist_som: see self_organizing_map.py; each prints a table of its own. The second takes minutes,
  and is done where it is asked for.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import dlkit  # noqa: F401  first, as in the command: OpenBLAS is told how to wait before it is loaded

# isort: split
import numpy as np
from self_organizing_map import WORKS, som

ROUNDS = 15
MAP = "self_organizing_map"  # the one that is done where nothing is asked for
BATCHES = (500, 2_000)  # examples
RIDGE = 1e-2

Pair = tuple[Callable[[], Any], Callable[[], Any]]


def main() -> None:
    """Prints a line for each case that is asked for."""
    print(f"{'':<24}{'batch':>6}{'dlkit':>10}{'plain':>10}{'plain / dlkit':>16}   seconds, medians of {ROUNDS} rounds")
    asked = sys.argv[1:] or [*CASES, MAP]
    for name in asked:
        if name in WORKS:
            som(WORKS[name])
            continue
        for batch in BATCHES:
            pair = CASES[name](batch)
            for each in pair:
                each()
            rounds = [[_seconds(each) for each in pair] for _ in range(ROUNDS)]
            ours, plain = (statistics.median(times) for times in zip(*rounds, strict=True))
            ratio = statistics.median(plain / ours for ours, plain in rounds)
            print(f"{name:<24}{batch:>6}{ours:>10.3f}{plain:>10.3f}{ratio:>16.2f}")


def _seconds(run: Callable[[], Any]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def extreme_learning_machine(batch: int) -> Pair:
    """An extreme learning machine, in NumPy."""
    import keras

    from dlkit.models.patterns.extreme_learning_machine import ExtremeLearningMachine

    keras.utils.set_random_seed(1)
    drawn = np.random.default_rng(1)
    x, y = drawn.random((20_000, 784)).astype("float32"), drawn.integers(0, 10, 20_000).astype("int32")
    inputs = keras.Input((784,))
    hidden = keras.layers.Dense(1_000, activation="tanh", bias_initializer="uniform", trainable=False)
    model = ExtremeLearningMachine(inputs, keras.layers.Dense(10)(hidden(inputs)), units=1_000, ridge=RIDGE)
    kernel, bias = hidden.get_weights()
    codes = 2 * np.eye(10)[y] - 1
    plain = lambda: _solved((np.tanh(each @ kernel + bias) for each in _batches(x, batch)), codes, batch)  # noqa: E731
    return _fitting(model, x, y, batch), plain


def echo_state_network(batch: int) -> Pair:
    """An echo state network, in NumPy."""
    import keras

    from dlkit.models.layers.reservoir import Reservoir
    from dlkit.models.patterns.echo_state_network import EchoStateNetwork

    keras.utils.set_random_seed(1)
    x = np.random.default_rng(1).random((2_000, 100, 1)).astype("float32")
    y = x[:, -1] * x[:, -2]
    inputs, reservoir = keras.Input((100, 1)), Reservoir(300, leak=0.8)
    model = EchoStateNetwork(inputs, keras.layers.Dense(1)(reservoir(inputs)), units=300, ridge=RIDGE)
    kernel, recurrent, bias = reservoir.get_weights()

    def last_states(windows: np.ndarray) -> np.ndarray:
        state = np.zeros((len(windows), 300), "float32")
        for step in range(windows.shape[1]):
            state = 0.2 * state + 0.8 * np.tanh(windows[:, step] @ kernel + state @ recurrent + bias)
        return state

    return _fitting(model, x, y, batch), lambda: _solved(map(last_states, _batches(x, batch)), y, batch)


def _fitting(model: Any, x: np.ndarray, y: np.ndarray, batch: int) -> Callable[[], Any]:
    """A pass of `Model.fit` over the batches that a training of dlkit has, with the readout solved in the end."""
    import keras

    from dlkit.data.arrays import Arrays
    from dlkit.data.feed import Feed
    from dlkit.training.backend import call_numpy
    from dlkit.training.losses.readout_error import ReadoutError

    model.compile(keras.optimizers.SGD(0.0), loss=ReadoutError(), steps_per_execution=5_000 // batch)
    model.call_numpy = call_numpy
    feed = Feed(Arrays({model.inputs[0].name: x}, {"y": y}), batch_size=batch, shuffle=False)
    return lambda: model.fit(feed, verbose=0, callbacks=model.own_callbacks())


def _batches(x: np.ndarray, batch: int) -> list[np.ndarray]:
    return [x[start : start + batch] for start in range(0, len(x), batch)]


def _solved(made: Any, answers: np.ndarray, batch: int) -> np.ndarray:
    """The readout of the same normal equations, gathered in the same batches."""
    products: Any = 0.0
    moments: Any = 0.0
    for states, wanted in zip(made, _batches(answers, batch), strict=True):
        rows = np.concatenate([states, np.ones((len(states), 1))], axis=1, dtype="float64")
        products = products + rows.T @ rows
        moments = moments + rows.T @ wanted
    penalty = np.full(len(products), RIDGE)
    penalty[-1] = 0.0
    return np.linalg.solve(products + np.diag(penalty), moments)


CASES: dict[str, Callable[[int], Pair]] = {
    case.__name__: case for case in (extreme_learning_machine, echo_state_network)
}

if __name__ == "__main__":
    main()
