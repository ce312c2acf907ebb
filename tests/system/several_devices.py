"""Trains on two logical devices and on one, and prints what came out as JSON: see test_devices.py, which runs this."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlkit.recipe.load import load
from dlkit.runs.folder import RunFolder
from dlkit.training.devices import local_devices, set_logical_devices
from dlkit.training.loop import Loop
from dlkit.training.replicas import prepare_for_replicas
from dlkit.workflows.preparation import prepare
from dlkit.workflows.resume import resume
from dlkit.workflows.run import Run
from dlkit.workflows.train import train

PLAIN: dict[str, Any] = {
    "name": "test/devices",
    "data": {"source": "digits", "batch_size": 48, "class_weight": "balanced"},
    "model": {
        "sequential": [
            {"Rescaling": {"scale": 0.0625}},
            {"Conv2D": {"filters": 8, "kernel_size": 3, "use_bias": False}},
            "BatchNormalization",
            "ReLU",
            "Flatten",
            {"Dense": {"units": 10}},
        ]
    },
    "training": {"epochs": 2, "optimizer": {"SGD": {"learning_rate": 0.01, "momentum": 0.9}}},
}
NOISY = {
    **PLAIN,
    "model": {"sequential": [*PLAIN["model"]["sequential"][:-1], {"Dropout": {"rate": 0.5}}, {"Dense": {"units": 10}}]},
    "training": {
        "epochs": 3,
        "optimizer": {"Adam": {"use_ema": True, "ema_momentum": 0.9}},
        "checkpoint": {"every": {"steps": 4}},
        "strategy": "mirrored",
    },
}


class Losses(keras.callbacks.Callback):
    """The mean loss of the epoch after each step."""

    def __init__(self) -> None:
        super().__init__()
        self.losses: list[float] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.losses.append(float(logs["loss"]))


class Killed(BaseException):
    pass


def trained(root: Path, recipe: dict[str, Any], **settings: Any) -> tuple[Run, list[float]]:
    told = Losses()
    init = Loop.__init__

    def with_losses(self: Loop, callbacks: Any, **arguments: Any) -> None:
        init(self, [*callbacks, told], **arguments)

    Loop.__init__ = with_losses  # type: ignore[method-assign]
    try:
        return train(
            load(recipe, {f"training.{key}": value for key, value in settings.items()}), runs_dir=root
        ), told.losses
    finally:
        Loop.__init__ = init  # type: ignore[method-assign]


def killed_and_resumed(root: Path, recipe: dict[str, Any]) -> Run:
    begin, seen, folder = Loop.on_train_batch_begin, [0], RunFolder.create(root, "test/devices")

    def dies(self: Loop, batch: int, logs: Any = None) -> None:
        seen[0] += 1
        if seen[0] == 16:
            raise Killed
        begin(self, batch, logs)

    Loop.on_train_batch_begin = dies  # type: ignore[method-assign]
    try:
        train(load(recipe), folder=folder)
    except Killed:
        pass
    finally:
        Loop.on_train_batch_begin = begin  # type: ignore[method-assign]
    return resume(folder)


def weights(run: Run) -> str:
    return b"".join(array.tobytes() for array in run.model.get_weights()).hex()


def masks() -> list[list[float]]:
    """What a Dropout layer makes of ones on each device."""
    devices = local_devices("mirrored")
    with devices.scope():
        model = keras.Sequential([keras.Input((40,)), keras.layers.Dropout(0.5, seed=1)])
    prepare_for_replicas(model)
    made = devices.strategy.run(tf.function(lambda: model(tf.ones((1, 40)), training=True)))
    return [np.asarray(part)[0].tolist() for part in devices.strategy.experimental_local_results(made)]


def main(root: Path) -> None:
    set_logical_devices(2)
    one, losses_of_one = trained(root, PLAIN)
    two, losses_of_two = trained(root, PLAIN, strategy="mirrored")
    noisy, _ = trained(root, NOISY)
    few = {**PLAIN, "data": {**PLAIN["data"], "limit": 300}}
    odd, _ = trained(root, few, strategy="mirrored", epochs=1)
    again = killed_and_resumed(root, NOISY)
    alone = keras.models.load_model(noisy.folder.last_model)
    small = np.random.default_rng(0).integers(0, 17, (6, 8, 8, 1), np.uint8)
    print(
        json.dumps(
            {
                "one": losses_of_one,
                "two": losses_of_two,
                "metrics": [dict(one.metrics), dict(two.metrics)],
                "odd": [prepare(load(few)).recipe.facts.validation_size, dict(odd.metrics)],
                "masks": masks(),
                "same": weights(noisy) == weights(again),
                "same metrics": noisy.folder.metrics.read_text() == again.folder.metrics.read_text(),
                "one strategy": local_devices("mirrored").strategy is local_devices("auto").strategy,
                "synchronized": [
                    layer.synchronized for layer in alone.layers if isinstance(layer, keras.layers.BatchNormalization)
                ],
                "prediction": alone.predict(small, verbose=0).shape,
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
