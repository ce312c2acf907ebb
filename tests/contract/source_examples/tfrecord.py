"""Record files of pictures and what belongs to them."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


def feature(value: Any) -> Any:
    import tensorflow as tf

    values = value if isinstance(value, list) else [value]
    if isinstance(values[0], bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
    if isinstance(values[0], float):
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def arguments(folder: Path) -> dict[str, object]:
    import tensorflow as tf

    draw = np.random.default_rng(1)
    for split, shards in (("train", 2), ("test", 1)):
        for shard in range(shards):
            with tf.io.TFRecordWriter(str(folder / f"shapes-{split}.tfrecord-{shard:05}-of-{shards:05}")) as file:
                for row in range(45):
                    png = io.BytesIO()
                    Image.fromarray(draw.integers(0, 256, (5, 6, 3), np.uint8)).save(png, "PNG")
                    entries = {
                        "image/encoded": png.getvalue(),
                        "image/class/label": row % 3,
                        "size": draw.random(2).tolist(),
                        "words": draw.integers(1, 9, row % 4).tolist(),
                        "caption": f"shape {row}".encode(),
                        "tags": [1, row % 2],
                    }
                    made = {key: feature(value) for key, value in entries.items() if value != []}
                    file.write(tf.train.Example(features=tf.train.Features(feature=made)).SerializeToString())
    return {
        "path": str(folder),
        "features": {
            "image": {"kind": "image", "key": "image/encoded"},
            "size": {"kind": "vector", "columns": ["height", "width"]},
            "words": {"kind": "sequence"},
            "caption": {"kind": "text"},
        },
        "targets": {
            "label": {"kind": "classes", "key": "image/class/label", "labels": ["circle", "square", "star"]},
            "tags": {"kind": "multi_label", "labels": ["big", "red"]},
        },
    }
