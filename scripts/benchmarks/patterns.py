"""How fast patterns learn, beside what does the same work without dlkit.

DLKIT_DATA_DIR=DIR python scripts/benchmarks/patterns.py [som]

Both work on the same examples in one run, in turn; ratios are taken within a round, and nothing is asserted.

- som: a map of 20 x 20 units on 5,000 pictures of Fashion-MNIST. MiniSom (`pip install minisom`) and the online rule go
  over them twice, in the same order from the same weights with the same decays: their quantization errors agree. The batch
  rule goes over them ten times.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

ROUNDS = 3


def main() -> None:
    """Prints the tables that are asked for."""
    for name in sys.argv[1:] or CASES:
        CASES[name]()


def som() -> None:
    """The self-organizing map against MiniSom."""
    from minisom import MiniSom

    rows, columns, passes = 20, 20, 2
    times: dict[str, list[float]] = {}
    errors: dict[str, float] = {}
    for _ in range(ROUNDS):
        model, feed = _map(rows, columns, passes, rule="online")
        examples, order = _examples(feed, 1), _examples(feed, passes)
        theirs = MiniSom(
            rows,
            columns,
            examples.shape[1],
            sigma=max(rows, columns) / 2,
            learning_rate=0.5,
            decay_function="inverse_decay_to_zero",
            sigma_decay_function="inverse_decay_to_one",
        )
        theirs._weights = _units(model).astype("float64").reshape(rows, columns, -1)
        times.setdefault("MiniSom", []).append(_seconds(lambda: theirs.train(order.astype("float64"), len(order))))
        times.setdefault("online rule", []).append(_seconds(lambda: _fit(model, feed, passes)))
        batch, feed = _map(rows, columns, 5 * passes, rule="batch")
        times.setdefault("batch rule", []).append(_seconds(lambda: _fit(batch, feed, 5 * passes)))
        units = theirs._weights.reshape(rows * columns, -1)
        found = {"MiniSom": units, "online rule": _units(model), "batch rule": _units(batch)}
        errors = {name: _error(examples, weights) for name, weights in found.items()}
    print("| | seconds | MiniSom's time by it | quantization error |\n| --- | --- | --- | --- |")
    for name, taken in times.items():
        ratio = statistics.median(one / other for one, other in zip(times["MiniSom"], taken, strict=True))
        print(f"| {name} | {statistics.median(taken):.1f} | {ratio:.1f} | {errors[name]:.4f} |")


def _map(rows: int, columns: int, epochs: int, **arguments: Any) -> tuple[Any, Any]:
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
            "model": {"self_organizing_map": {"rows": rows, "columns": columns, **arguments}},
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


CASES: dict[str, Callable[[], None]] = {"som": som}

if __name__ == "__main__":
    main()
