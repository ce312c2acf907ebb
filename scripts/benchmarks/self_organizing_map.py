"""How fast a self-organizing map learns, beside MiniSom.

DLKIT_DATA_DIR=DIR python scripts/benchmarks/patterns.py self_organizing_map

Both work on the same examples in one run, in turn; ratios are taken within a round, and nothing is asserted.

A map of 20 x 20 units on 5,000 pictures of Fashion-MNIST. MiniSom (`pip install minisom`) and the online rule go
  over them twice, in the same order from the same weights with the same decays: their quantization errors agree. The batch
  rule goes over them ten times.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

ROUNDS = 3


# The self-organizing map

ROWS, COLUMNS, PASSES, PASSES_OF_BATCH = 20, 20, 2, 10


def som() -> None:
    """The self-organizing map against MiniSom."""
    rounds = [_round_of_maps() for _ in range(ROUNDS)]
    print("| | seconds | MiniSom's time by it | quantization error |\n| --- | --- | --- | --- |")
    for name, (_, error) in rounds[-1].items():
        seconds = statistics.median(each[name][0] for each in rounds)
        ratio = statistics.median(each["MiniSom"][0] / each[name][0] for each in rounds)
        print(f"| {name} | {seconds:.1f} | {ratio:.1f} | {error:.4f} |")


def _round_of_maps() -> dict[str, tuple[float, float]]:
    """Seconds and quantization error of each."""
    from minisom import MiniSom

    online, feed = _map(PASSES, rule="online")
    examples, in_order = _examples(feed, 1), _examples(feed, PASSES).astype("float64")
    decays = {"decay_function": "inverse_decay_to_zero", "sigma_decay_function": "inverse_decay_to_one"}
    theirs = MiniSom(ROWS, COLUMNS, examples.shape[1], sigma=max(ROWS, COLUMNS) / 2, learning_rate=0.5, **decays)
    theirs._weights = _units(online).astype("float64").reshape(ROWS, COLUMNS, -1)
    batch, feed_of_batch = _map(PASSES_OF_BATCH, rule="batch")
    seconds = {
        "MiniSom": _seconds(lambda: theirs.train(in_order, len(in_order))),
        "online rule": _seconds(lambda: _fit(online, feed, PASSES)),
        "batch rule": _seconds(lambda: _fit(batch, feed_of_batch, PASSES_OF_BATCH)),
    }
    units = {
        "MiniSom": theirs._weights.reshape(ROWS * COLUMNS, -1),
        "online rule": _units(online),
        "batch rule": _units(batch),
    }
    return {name: (taken, _error(examples, units[name])) for name, taken in seconds.items()}


def _map(epochs: int, **arguments: Any) -> tuple[Any, Any]:
    """A map that is ready to learn, and its examples."""
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
                "limit": 5000,
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
    return model, train_feed(prepared)


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
