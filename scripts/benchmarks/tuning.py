"""How many trials an hour a sweep makes, and whether a worker's memory grows.

python scripts/benchmarks/tuning.py [trials | memory]

Every measurement runs in processes of its own; nothing is asserted.

- trials: the same 12 trials of digits/cnn, 10 epochs each: stock Keras Tuner with a hand-written `build_model`, which loads the
  data once and has both cores, and `dlkit tune` with one worker and with two. From the start of the process to its end, and
  trials an hour. The values are those that Keras Tuner's random search draws, alike for both.
- memory: the memory that one worker holds after 3, and after 30 trials of 2 epochs, in a process that is never renewed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

TRIALS, EPOCHS = 12, 10
ROUNDS = 2
RATE, RATES = "training.optimizer.learning_rate.initial_learning_rate", (2e-4, 2e-2)


def main() -> None:
    """Prints the tables that are asked for."""
    if sys.argv[1:2] == ["--child"]:
        CHILDREN[sys.argv[2]]()
        return
    for name in sys.argv[1:] or TABLES:
        TABLES[name]()


def trials() -> None:
    """The same trials by Keras Tuner and by dlkit."""
    ways = {
        "Keras Tuner, stock": [sys.executable, __file__, "--child", "stock"],
        "dlkit tune": _tune(1),
        "dlkit tune --workers 2": _tune(2),
    }
    print(f"{'':<26}{'seconds':>10}{'trials/h':>10}{'ratio':>8}   medians of {ROUNDS} rounds")
    rounds = [{name: _seconds(command) for name, command in ways.items()} for _ in range(ROUNDS)]
    for name in ways:
        times = sorted(each[name] for each in rounds)
        ratios = sorted(each["Keras Tuner, stock"] / each[name] for each in rounds)
        middle, ratio = times[len(times) // 2], ratios[len(ratios) // 2]
        print(f"{name:<26}{middle:>10.1f}{TRIALS * 3600 / middle:>10.0f}{ratio:>8.2f}")


def memory() -> None:
    """What a worker holds after few and after many trials."""
    told = subprocess.run([sys.executable, __file__, "--child", "worker"], check=True, capture_output=True, text=True)
    print(told.stdout.strip())


def _tune(workers: int) -> list[str]:
    settings = {
        "tune.algorithm": f"{{random: {{trials: {TRIALS}}}}}",
        "tune.space": f"{{{RATE}: {{float: [{RATES[0]}, {RATES[1]}], sampling: log}}}}",
        "training.epochs": str(EPOCHS),
    }
    words = [word for path, value in settings.items() for word in ("--set", f"{path}={value}")]
    return [sys.executable, "-m", "dlkit", "tune", "digits/cnn", "--workers", str(workers), *words]


def _seconds(command: list[str]) -> float:
    with tempfile.TemporaryDirectory() as runs:
        began = time.perf_counter()
        environment = {**os.environ, "DLKIT_RUNS_DIR": runs, "TF_CPP_MIN_LOG_LEVEL": "3"}
        subprocess.run(command, check=True, env=environment, cwd=runs, capture_output=True)
        return time.perf_counter() - began


def stock() -> None:
    """What people write with Keras Tuner: the network, the data and the training of digits/cnn, by hand."""
    import keras
    import keras_tuner
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    pictures = digits.images.astype("uint8")[..., None]
    x, _, y, _ = train_test_split(pictures, digits.target, test_size=0.2, stratify=digits.target, random_state=0)
    x, x_val, y, y_val = train_test_split(x, y, test_size=0.1, stratify=y, random_state=0)
    steps = -(-len(x) // 32) * EPOCHS

    def block(filters: int) -> list[keras.layers.Layer]:
        convolution = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False)
        return [convolution, keras.layers.BatchNormalization(momentum=0.9), keras.layers.ReLU()]

    def build_model(hp: keras_tuner.HyperParameters) -> keras.Model:
        rate = hp.Float("learning_rate", *RATES, sampling="log")
        model = keras.Sequential(
            [
                keras.layers.Rescaling(1 / 16),
                keras.layers.RandomTranslation(0.1, 0.1, fill_mode="constant"),
                keras.layers.RandomRotation(0.04, fill_mode="constant"),
                *block(32),
                *block(64),
                keras.layers.MaxPooling2D(),
                keras.layers.Dropout(0.25),
                *block(64),
                keras.layers.Flatten(),
                keras.layers.Dropout(0.5),
                keras.layers.Dense(10),
            ]
        )
        model.compile(
            keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, steps)),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
        return model

    with tempfile.TemporaryDirectory() as folder:
        tuner = keras_tuner.RandomSearch(
            build_model, objective="val_loss", max_trials=TRIALS, seed=2, directory=folder, project_name="stock"
        )
        tuner.search(x, y, epochs=EPOCHS, batch_size=32, validation_data=(x_val, y_val), verbose=0)


def worker() -> None:
    """A worker in this process, which tells what it holds after each trial."""
    import gc

    from dlkit.recipe.load import load
    from dlkit.tuning.trials import Trial
    from dlkit.workflows.train import Trialled
    from dlkit.workflows.trial import carry_out_trial, memory_held
    from dlkit.workflows.tune import begin_sweep

    with tempfile.TemporaryDirectory() as runs:
        recipe = load("digits/cnn", {"training.epochs": 2})
        folder, trialled = begin_sweep(recipe, Path(runs), 1), Trialled()
        recipe = load(folder.recipe)
        for number in range(1, 31):
            settings = {RATE: RATES[0] * 1.1**number}
            carry_out_trial(folder, recipe, Trial(number, {}, settings, settings), trialled)
            gc.collect()
            if number in (1, 3, 10, 30):
                print(f"after {number:>2} trials {memory_held() / 2**20:,.0f} MiB")


TABLES: dict[str, Callable[[], None]] = {"trials": trials, "memory": memory}
CHILDREN: dict[str, Callable[[], None]] = {"stock": stock, "worker": worker}

if __name__ == "__main__":
    main()
