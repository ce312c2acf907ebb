"""How fast a self-organizing map learns, and how well, beside MiniSom.

DLKIT_DATA_DIR=DIR python scripts/benchmarks/patterns.py self_organizing_map
DLKIT_DATA_DIR=DIR python scripts/benchmarks/patterns.py fashion_mnist_som

All work on the same examples in one run, in turn; ratios are taken within a round, and nothing is asserted. MiniSom (`pip
install minisom`) and the online rule go over them in the same order from the same weights with the same decays: their
quantization errors, on the 10,000 test pictures of Fashion-MNIST, agree. The batch rule begins with the same weights.

- self_organizing_map: a map of 20 x 20 units on 5,000 pictures; two passes, ten of the batch rule; three rounds.
- fashion_mnist_som: the same map on all 60,000 training pictures; one pass, 15 of the batch rule, as in
  recipes/fashion_mnist/som.yaml; one round.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

ROWS, COLUMNS = 20, 20


@dataclass(frozen=True)
class Work:
    """What is done.

    Args:
        examples: Pictures to learn from; None: all.
        passes: Of MiniSom and the online rule.
        passes_of_batch: Of the batch rule.
        rounds: How often all of it is done.
    """

    examples: int | None
    passes: int
    passes_of_batch: int
    rounds: int


WORKS = {"self_organizing_map": Work(5000, 2, 10, 3), "fashion_mnist_som": Work(None, 1, 15, 1)}


def som(work: Work) -> None:
    """Prints a table of self-organizing maps beside MiniSom."""
    rounds = [_round_of_maps(work) for _ in range(work.rounds)]
    print("| | seconds | MiniSom's time by it | test quantization error |\n| --- | --- | --- | --- |")
    for name, (_, error) in rounds[-1].items():
        seconds = statistics.median(each[name][0] for each in rounds)
        ratio = statistics.median(each["MiniSom"][0] / each[name][0] for each in rounds)
        print(f"| {name} | {seconds:.1f} | {ratio:.1f} | {error:.4f} |")


def _round_of_maps(work: Work) -> dict[str, tuple[float, float]]:
    """Seconds and quantization error of each."""
    from minisom import MiniSom

    online, feed, test = _map(work, work.passes, rule="online")
    in_order = _examples(feed, work.passes).astype("float64")
    decays = {"decay_function": "inverse_decay_to_zero", "sigma_decay_function": "inverse_decay_to_one"}
    theirs = MiniSom(ROWS, COLUMNS, in_order.shape[1], sigma=max(ROWS, COLUMNS) / 2, learning_rate=0.5, **decays)
    theirs._weights = _units(online).astype("float64").reshape(ROWS, COLUMNS, -1)
    batch, feed_of_batch, _ = _map(work, work.passes_of_batch, rule="batch")
    seconds = {
        "MiniSom": _seconds(lambda: theirs.train(in_order, len(in_order))),
        "online rule": _seconds(lambda: _fit(online, feed, work.passes)),
        "batch rule": _seconds(lambda: _fit(batch, feed_of_batch, work.passes_of_batch)),
    }
    units = {
        "MiniSom": theirs._weights.reshape(ROWS * COLUMNS, -1),
        "online rule": _units(online),
        "batch rule": _units(batch),
    }
    return {name: (taken, _error(test, units[name])) for name, taken in seconds.items()}


def _map(work: Work, epochs: int, **arguments: Any) -> tuple[Any, Any, Any]:
    """A map that is ready to learn, its examples, and the test pictures, a row each."""
    from dlkit.recipe.load import load
    from dlkit.training.determinism import seed_everything
    from dlkit.workflows.feeding import train_feed
    from dlkit.workflows.preparation import build_model, prepare
    from dlkit.workflows.stages import compile_stage, planned_stages

    recipe = load(
        {
            "name": "benchmark",
            "data": {
                "source": "fashion_mnist",
                "limit": work.examples,
                "validation": 0,
                "batch_size": 250,
                "preprocess": {"image": [{"Rescaling": {"scale": 1 / 255}}]},
            },
            "model": {"self_organizing_map": {"rows": ROWS, "columns": COLUMNS, **arguments}},
            "training": {"epochs": epochs, "best": {"monitor": "loss"}},
        }
    )
    seed_everything(recipe.config.seed)
    prepared = prepare(recipe)
    model = build_model(prepared).model
    compile_stage(model, prepared, planned_stages(prepared.recipe)[0])
    test = prepared.raw.test.features["image"].reshape(-1, 784).astype("float32") / 255
    return model, train_feed(prepared), test


def _examples(feed: Any, passes: int) -> Any:
    """What the feed hands over, row by row, in its order."""
    import numpy as np

    batches = []
    for epoch in range(passes):
        feed.epoch = epoch
        batches += [x.numpy() for x, _ in feed]
    feed.epoch = 0
    values = np.concatenate(batches)
    return values.reshape(len(values), -1)


def _fit(model: Any, feed: Any, epochs: int) -> None:
    model.fit(feed, epochs=epochs, verbose=0, shuffle=False, callbacks=list(model.own_callbacks()))


def _units(model: Any) -> Any:
    from keras import ops

    from dlkit.models.map_units import units_of

    return ops.convert_to_numpy(units_of(model))


def _error(examples: Any, units: Any) -> float:
    import numpy as np

    return float(np.mean([np.linalg.norm(units - x, axis=1).min() for x in examples]))


def _seconds(work: Callable[[], None]) -> float:
    before = time.perf_counter()
    work()
    return time.perf_counter() - before
