"""A set in the format of tensorflow-datasets, made here."""

import contextlib
import importlib.resources
import sys
from pathlib import Path
from typing import Any

import numpy as np


def write(folder: Path, count: int = 90, **changes: Any) -> None:
    """Writes the set `shapes/small`, version 1.0.0."""
    sys.modules.setdefault("importlib_resources", importlib.resources)  # which tensorflow-datasets forgets to ask for
    import tensorflow as tf
    import tensorflow_datasets as tfds

    draw = np.random.default_rng(1)
    columns = {
        "image": draw.integers(0, 256, (count, 5, 4, 3), np.uint8),
        "label": np.arange(count) % 3,
        "caption": np.array([f"shäpe {row}".encode() for row in range(count)], object),
        "sides": draw.random((count, 2), np.float32),
        "weight": draw.random(count, np.float32),
        **changes,
    }
    made = tfds.features
    features = {
        "image": made.Image(shape=(None, None, 3)),
        "label": made.ClassLabel(names=["circle", "square", "star"]),
        "caption": made.Text(),
        "sides": made.Tensor(shape=(2,), dtype=np.float32),
        "weight": made.Scalar(np.float32),
        "boxes": made.Sequence(made.BBoxFeature()),
    }
    data = tf.data.Dataset.from_tensor_slices(
        {key: tf.constant(values) for key, values in {**columns, "boxes": np.zeros((count, 1, 4), np.float32)}.items()}
    )
    tfds.disable_progress_bar()
    with contextlib.redirect_stdout(sys.stderr):
        tfds.dataset_builders.store_as_tfds_dataset(
            name="shapes",
            version="1.0.0",
            config="small",
            data_dir=folder,
            features=made.FeaturesDict(features),
            split_datasets={"train": data.take(count), "test": data.take(count // 3)},
            disable_shuffling=True,
        )


def arguments(folder: Path) -> dict[str, object]:
    write(folder)
    return {"name": "shapes/small", "path": str(folder)}
