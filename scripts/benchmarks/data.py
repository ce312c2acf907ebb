"""How fast data is read and handed over, and how much memory it takes: dlkit beside what one would write by hand.

DLKIT_DATA_DIR=DIR python scripts/benchmarks/data.py [cifar10 | pictures | epochs | fingerprint]

Needs `cifar10/cifar10-images.zip` in DLKIT_DATA_DIR. Each comparison is taken in one run, in turn, and asserts nothing:

- cifar10: CIFAR-10 through dlkit's feed, and through `model.fit` on a float32 array: images a second of the same small
  model, and the largest memory of the process (whole, and above that of the imported framework).
- pictures: image_folder, and a bare loop of `tf.io.decode_jpeg` over the same files: pictures a second.
- fingerprint: that of 1 GiB in memory, and hashlib's SHA-256 of it.
- epochs: the time to the first batch of an epoch that begins at its end, and of one that begins at its beginning.
"""

from __future__ import annotations

import io
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROUNDS = 5
RECIPE = {
    "name": "benchmark",
    "data": {"source": "cifar10", "batch_size": 128, "validation": 0},
    "model": {
        "sequential": [
            {"Rescaling": {"scale": 1 / 255}},
            {"Conv2D": {"filters": 8, "kernel_size": 3, "strides": 2, "activation": "relu"}},
            "GlobalAveragePooling2D",
            {"Dense": {"units": "$data.classes"}},
        ]
    },
    "training": {"epochs": 3},
}


def main() -> None:
    """Prints the tables that are asked for."""
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(CHILDREN[sys.argv[2]]()))
        return
    for name in sys.argv[1:] or TABLES:
        TABLES[name]()


def _child(name: str) -> Any:
    """What a function gives in a process of its own, whose largest memory is its alone."""
    told = subprocess.run(
        [sys.executable, __file__, "--child", name], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    return json.loads(told.stdout.splitlines()[-1])


# CIFAR-10


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _prepared() -> tuple[Any, Any, float]:
    """The recipe with its data, its compiled model, and the memory of the framework alone."""
    import keras

    import dlkit
    from dlkit.training.determinism import seed_everything
    from dlkit.workflows.preparation import build_model, prepare
    from dlkit.workflows.stages import compile_stage, planned_stages

    seed_everything(1)
    keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(8, 3)])
    before = _megabytes()
    prepared = prepare(dlkit.load(RECIPE))
    model = build_model(prepared).model
    compile_stage(model, prepared, planned_stages(prepared.recipe)[0])
    return prepared, model, before


def _fit(model: Any, before: float, images: int, *data: Any, **how: Any) -> dict[str, float]:
    """Trains for some epochs, of which the first, with its tracing, does not count."""
    import keras

    began: list[float] = []
    told = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: began.append(time.perf_counter()))
    model.fit(*data, epochs=3, verbose=0, callbacks=[told], **how)
    seconds = (time.perf_counter() - began[1]) / 2
    return {"images a second": images / seconds, "MB": _megabytes(), "MB above": _megabytes() - before}


def _through_dlkit() -> dict[str, float]:
    from dlkit.workflows.feeding import train_feed

    prepared, model, before = _prepared()
    feed = train_feed(prepared)
    return _fit(model, before, len(prepared.splits.train), feed)


def _through_float32() -> dict[str, float]:
    prepared, model, before = _prepared()
    train = prepared.splits.train
    x, y = train.features["image"].astype("float32"), train.targets["label"]
    return _fit(model, before, len(x), x, y, batch_size=128, shuffle=True)


def _cifar10() -> None:
    pairs = [(_child("dlkit"), _child("float32")) for _ in range(ROUNDS)]
    print(f"\nCIFAR-10, {ROUNDS} pairs of processes, medians\n{'':<20}{'dlkit':>10}{'float32':>10}{'ratio':>8}")
    for name in pairs[0][0]:
        ours, theirs = (statistics.median(pair[side][name] for pair in pairs) for side in (0, 1))
        ratio = statistics.median(pair[0][name] / pair[1][name] for pair in pairs)
        print(f"{name:<20}{ours:>10,.0f}{theirs:>10,.0f}{ratio:>8.2f}")


# Pictures in a folder


def _write_pictures(folder: Path, count: int, side: int) -> None:
    """Pictures of CIFAR-10 as JPEG files in a folder a class: as they are, or made larger."""
    from PIL import Image

    with zipfile.ZipFile(Path(os.environ["DLKIT_DATA_DIR"], "cifar10", "cifar10-images.zip")) as archive:
        names = sorted(name for name in archive.namelist() if "train/" in name and name.endswith(".jpg"))
        for number, name in enumerate(names[:: max(1, len(names) // count)][:count]):
            path = folder / Path(name).parent.name / f"{number:05d}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            content = archive.read(name)
            if side != 32:
                larger = Image.open(io.BytesIO(content)).resize((side, side), Image.Resampling.BICUBIC)
                larger.save(path, quality=90)
            else:
                path.write_bytes(content)


def _pictures() -> None:
    import numpy as np
    import tensorflow as tf

    from dlkit.data.sources.image_folder import image_folder

    print(f"\nPictures a second, {ROUNDS} rounds in turn, medians")
    print(f"{'':<28}{'image_folder':>14}{'bare loop':>12}{'ratio':>8}")
    for side, count in ((32, 5_000), (256, 1_000)):
        with tempfile.TemporaryDirectory() as folder:
            _write_pictures(Path(folder), count, side)
            column = image_folder(path=folder).train.features["image"]
            files = sorted(str(file) for file in Path(folder).rglob("*.jpg"))

            def ours(column: Any = column) -> None:
                for start in range(0, len(column), 128):
                    column.read(np.arange(start, min(start + 128, len(column))))

            def bare(files: list[str] = files) -> None:
                for file in files:
                    tf.io.decode_jpeg(tf.io.read_file(file), channels=3)

            rates = [(count / _seconds(ours), count / _seconds(bare)) for _ in range(ROUNDS)]
            mine, theirs = (statistics.median(pair[place] for pair in rates) for place in (0, 1))
            ratio = statistics.median(a / b for a, b in rates)
            print(f"{f'{count:,} of {side} x {side}':<28}{mine:>14,.0f}{theirs:>12,.0f}{ratio:>8.2f}")


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


# The start of an epoch


def _epochs() -> None:
    import dlkit
    from dlkit.workflows.feeding import train_feed
    from dlkit.workflows.preparation import prepare

    feed = train_feed(prepare(dlkit.load(RECIPE)))

    def first_batch(start: int) -> float:
        feed.epoch, feed.start = feed.epoch + 1, start
        return _seconds(lambda: next(iter(feed)))

    positions = (0, feed.num_batches // 2, feed.num_batches - 1)
    for start in positions:
        first_batch(start)
    times = [[1000 * first_batch(start) for start in positions] for _ in range(40)]
    print(f"\nTo the first batch of an epoch of {feed.num_batches} batches, 40 rounds in turn")
    print(f"{'begins at batch':<20}{'median ms':>10}{'ratio':>8}")
    for place, start in enumerate(positions):
        ratio = statistics.median(row[place] / row[0] for row in times)
        print(f"{start:<20}{statistics.median(row[place] for row in times):>10.1f}{ratio:>8.2f}")


# The fingerprint


def _fingerprint() -> None:
    import hashlib

    import numpy as np

    from dlkit.data.arrays import Arrays, Splits
    from dlkit.data.fingerprint import fingerprint

    array = np.random.default_rng(1).integers(0, 256, (2**20, 2**10), np.uint8)
    splits = Splits(Arrays({"x": array}, {}))
    pairs = [
        (_seconds(lambda: fingerprint(splits)), _seconds(lambda: hashlib.sha256(array).digest())) for _ in range(ROUNDS)
    ]
    mine, theirs = (statistics.median(1 / pair[place] for pair in pairs) for place in (0, 1))
    print(f"\nFingerprint of 1 GiB, {ROUNDS} rounds in turn, medians in GiB a second")
    print(f"dlkit {mine:.2f}, hashlib.sha256 {theirs:.2f}, ratio {statistics.median(b / a for a, b in pairs):.2f}")


CHILDREN: dict[str, Callable[[], Any]] = {"dlkit": _through_dlkit, "float32": _through_float32}
TABLES: dict[str, Callable[[], None]] = {
    "cifar10": _cifar10,
    "pictures": _pictures,
    "epochs": _epochs,
    "fingerprint": _fingerprint,
}

if __name__ == "__main__":
    main()
