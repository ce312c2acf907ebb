"""How fast recipes train: dlkit beside what one would write by hand with the same network, data and batch size.

DLKIT_DATA_DIR=DIR python scripts/benchmarks/training.py [images | table] [CONTESTANT ...]

Examples a second of whole epochs without validation, the first epoch (tracing) left out. Every contestant runs in a
process of its own, in turn, and the ratios to the first two are taken within a round; nothing is asserted.

- images: fashion_mnist/cnn on 12,800 pictures. table: adult/mlp on all rows, whose steps are short.
- by hand: NumPy arrays into `Model.fit`. careful: a tf.data pipeline of the same arrays, shuffled, batched, prefetched.
- careful, exact: the same with TensorFlow's deterministic operations, which dlkit has unless told otherwise.
- dlkit: `dlkit.train` with all that it does: metrics, display, TensorBoard, exact states, best model. auto: the same with
  precision, jit_compile and steps_per_execution on `auto`. auto in 32 bits: without the precision. fused: dlkit, and dlkit auto,
  with `fused_batch_normalization`.
- bare loop: one `tf.function` over tensors in memory, which measures nothing and keeps nothing.
- PyTorch: the same network, eager, where torch is installed.
"""

from __future__ import annotations

import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROUNDS = 3
CASES: dict[str, tuple[str, dict[str, Any], int]] = {
    "images": ("fashion_mnist/cnn", {"data.limit": 12_800}, 3),
    "table": ("adult/mlp", {}, 5),
}
COMMON = {"data.validation": 0, "training.best": {"monitor": "loss"}, "training.callbacks": []}
AUTO = {"training.jit_compile": "auto", "training.steps_per_execution": "auto"}
FUSED = {"training.fused_batch_normalization": True}
OF_IMAGES = ("fused", "fused auto", "PyTorch")


def main() -> None:
    """Prints the tables that are asked for."""
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(CONTESTANTS[sys.argv[3]](*CASES[sys.argv[2]])))
        return
    chosen = [name for name in sys.argv[1:] if name not in CASES] or list(CONTESTANTS)
    for case in [name for name in sys.argv[1:] if name in CASES] or CASES:
        _table(case, chosen)


def _table(case: str, chosen: list[str]) -> None:
    names = [name for name in chosen if case == "images" or name not in OF_IMAGES]
    if not _has_torch():
        names = [name for name in names if name != "PyTorch"]
    rounds = [{name: _child(case, name) for name in names} for _ in range(ROUNDS)]
    print(f"\n{CASES[case][0]}: examples a second, {ROUNDS} rounds, medians; ratios to {' and to '.join(names[:2])}")
    for name in names:
        rate = statistics.median(each[name] for each in rounds)
        ratios = (statistics.median(each[name] / each[other] for each in rounds) for other in names[:2])
        print(f"{name:<18}{rate:>12,.0f}" + "".join(f"{ratio:>8.2f}" for ratio in ratios))
    if case == "images" and "PyTorch" in chosen and not _has_torch():
        print("PyTorch: torch is not installed")


def _child(case: str, name: str) -> float:
    told = subprocess.run(
        [sys.executable, __file__, "--child", case, name], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    return float(json.loads(told.stdout.splitlines()[-1]))


def _has_torch() -> bool:
    return importlib.util.find_spec("torch") is not None


class Clock:
    """A display that notes when epochs end."""

    def __init__(self) -> None:
        self.ended: list[float] = []

    def start(self, plan: Any) -> None: ...

    def step(self, epoch: int, steps_done: int, values: Any) -> None: ...

    def validating(self, steps_done: int) -> None: ...

    def epoch_done(self, epoch: int, values: Any, is_best: bool) -> None:
        self.ended.append(time.perf_counter())

    def stopping(self) -> None: ...

    def stop(self) -> None: ...


def _rate(ended: list[float], examples: int) -> float:
    return examples * (len(ended) - 1) / (ended[-1] - ended[0])


def _dlkit(recipe: str, settings: dict[str, Any], epochs: int, **more: Any) -> float:
    import dlkit

    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        loaded = dlkit.load(recipe, {**settings, **COMMON, "training.epochs": epochs, **more})
        run = dlkit.train(loaded, runs_dir=Path(folder), display=clock)
        return _rate(clock.ended, run.recipe.facts.train_size or 0)


def _prepared(recipe: str, settings: dict[str, Any]) -> tuple[Any, Any, dict[str, Any], Any]:
    """The prepared recipe, its compiled model, features and target."""
    import keras

    import dlkit
    from dlkit.workflows.preparation import build_model, prepare
    from dlkit.workflows.stages import compile_stage, planned_stages

    keras.utils.set_random_seed(1)
    prepared = prepare(dlkit.load(recipe, {**settings, **COMMON}))
    model = build_model(prepared).model
    compile_stage(model, prepared, planned_stages(prepared.recipe)[0])
    train = prepared.splits.train
    features = {name: _array(values) for name, values in train.features.items()}
    return prepared, model, features, _array(next(iter(train.targets.values())))


def _array(values: Any) -> Any:
    import numpy as np

    return np.asarray(values)


def _ended(fit: Callable[..., Any], epochs: int, **how: Any) -> list[float]:
    import keras

    ended: list[float] = []
    told = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: ended.append(time.perf_counter()))
    fit(epochs=epochs, verbose=0, callbacks=[told], **how)
    return ended


def _one_or_all(features: dict[str, Any]) -> Any:
    return features if len(features) > 1 else next(iter(features.values()))


def _by_hand(recipe: str, settings: dict[str, Any], epochs: int) -> float:
    prepared, model, features, y = _prepared(recipe, settings)
    size = prepared.recipe.config.data.batch_size
    return _rate(_ended(model.fit, epochs, x=_one_or_all(features), y=y, batch_size=size), len(y))


def _careful(recipe: str, settings: dict[str, Any], epochs: int) -> float:
    import tensorflow as tf

    prepared, model, features, y = _prepared(recipe, settings)
    data = tf.data.Dataset.from_tensor_slices((_one_or_all(features), y)).shuffle(len(y), seed=1)
    data = data.batch(prepared.recipe.config.data.batch_size).prefetch(tf.data.AUTOTUNE)
    return _rate(_ended(model.fit, epochs, x=data), len(y))


def _careful_and_deterministic(*case: Any) -> float:
    import tensorflow as tf

    tf.keras.utils.set_random_seed(1)
    tf.config.experimental.enable_op_determinism()
    return _careful(*case)


def _bare(recipe: str, settings: dict[str, Any], epochs: int) -> float:
    import tensorflow as tf

    prepared, model, features, y = _prepared(recipe, settings)
    size, count = prepared.recipe.config.data.batch_size, len(y)
    x, y = tf.nest.map_structure(tf.constant, features), tf.constant(y)
    model.optimizer.build(model.trainable_variables)
    loss_of = model.loss

    @tf.function
    def epoch() -> None:
        order = tf.random.shuffle(tf.range(count))
        for step in tf.range(count // size):
            rows = order[step * size : (step + 1) * size]
            batch = {name: tf.gather(values, rows) for name, values in x.items()}
            with tf.GradientTape() as tape:
                loss = loss_of(tf.gather(y, rows), model(_one_or_all(batch), training=True))
            variables = model.trainable_variables
            model.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))

    ended = []
    for _ in range(epochs):
        epoch()
        model.trainable_variables[0].numpy()
        ended.append(time.perf_counter())
    return _rate(ended, count // size * size)


def _pytorch(recipe: str, settings: dict[str, Any], epochs: int) -> float:
    """The network of fashion_mnist/cnn in PyTorch, layer by layer."""
    import torch
    from torch import nn

    prepared, model, features, labels = _prepared(recipe, settings)
    layers: list[Any] = []
    shape: tuple[int, ...] = (1, 28, 28)
    for layer in model.layers:
        made = _torch_layer(layer, shape, nn)
        if made is not None:
            layers.append(made)
            shape = tuple(nn.Sequential(*layers).eval()(torch.zeros(1, 1, 28, 28)).shape[1:])
    network = nn.Sequential(*layers).train()
    x = torch.from_numpy(next(iter(features.values()))).permute(0, 3, 1, 2)
    y = torch.from_numpy(labels).long()
    size, optimizer, loss_of = (
        prepared.recipe.config.data.batch_size,
        torch.optim.Adam(network.parameters()),
        nn.CrossEntropyLoss(),
    )
    ended = []
    for _ in range(epochs):
        for rows in torch.randperm(len(y)).split(size):
            optimizer.zero_grad(set_to_none=True)
            loss_of(network(x[rows].float()), y[rows]).backward()
            optimizer.step()
        ended.append(time.perf_counter())
    return _rate(ended, len(y))


def _torch_layer(layer: Any, shape: tuple[int, ...], nn: Any) -> Any:
    match type(layer).__name__:
        case "Conv2D":
            padding = "same" if layer.padding == "same" else 0
            return nn.Conv2d(shape[0], layer.filters, layer.kernel_size, layer.strides, padding, bias=layer.use_bias)
        case "BatchNormalization":
            return nn.BatchNorm2d(shape[0])
        case "ReLU":
            return nn.ReLU()
        case "MaxPooling2D":
            return nn.MaxPool2d(layer.pool_size, layer.strides)
        case "GlobalAveragePooling2D":
            return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        case "Flatten":
            return nn.Flatten()
        case "Dropout":
            return nn.Dropout(layer.rate)
        case "Dense":
            linear = nn.Linear(shape[0], layer.units)
            return nn.Sequential(linear, nn.ReLU()) if layer.activation.__name__ == "relu" else linear
        case "Rescaling" | "RandomFlip" | "RandomTranslation":
            return None
    raise ValueError(f"no layer of PyTorch is known for it. Received: {layer}")


CONTESTANTS: dict[str, Callable[..., float]] = {
    "by hand": _by_hand,
    "careful": _careful,
    "careful, exact": _careful_and_deterministic,
    "dlkit": _dlkit,
    "dlkit auto": lambda *case: _dlkit(*case, **AUTO, **{"training.precision": "auto"}),
    "auto in 32 bits": lambda *case: _dlkit(*case, **AUTO),
    "fused": lambda *case: _dlkit(*case, **FUSED),
    "fused auto": lambda *case: _dlkit(*case, **AUTO, **FUSED, **{"training.precision": "auto"}),
    "bare loop": _bare,
    "PyTorch": _pytorch,
}

if __name__ == "__main__":
    main()
