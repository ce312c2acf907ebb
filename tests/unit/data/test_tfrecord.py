"""Record files: what their entries are, and which files and records are refused."""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dlkit.data.arrays import Splits
from dlkit.data.sources.tfrecord import tfrecord
from dlkit.errors import DlkitError

tf = pytest.importorskip("tensorflow")

PIXELS = np.random.default_rng(3).integers(0, 256, (5, 4, 3), np.uint8)
FEATURES = {"x": {"kind": "vector"}}
TARGETS = {"y": {"kind": "classes"}}


def png(pixels: np.ndarray = PIXELS) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def example(**entries: Any) -> bytes:
    made = {}
    for key, value in entries.items():
        values = value if isinstance(value, list) else [value]
        if isinstance(values[0], bytes):
            made[key] = tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
        elif isinstance(values[0], float):
            made[key] = tf.train.Feature(float_list=tf.train.FloatList(value=values))
        else:
            made[key] = tf.train.Feature(int64_list=tf.train.Int64List(value=values))
    return tf.train.Example(features=tf.train.Features(feature=made)).SerializeToString()


def write(file: Path, *records: bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(file)) as writer:
        for record in records:
            writer.write(record)
    return file


def plain(count: int = 6) -> list[bytes]:
    return [example(x=[row * 1.0, row * 2.0], y=row % 2) for row in range(count)]


def read(tmp_path: Path, records: list[bytes], features: Any = FEATURES, targets: Any = TARGETS) -> Splits:
    return tfrecord(write(tmp_path / "a.tfrecord", *records), features, targets)


def failure(path: Path, features: Any = FEATURES, targets: Any = TARGETS, **arguments: Any) -> str:
    with pytest.raises(DlkitError) as error:
        tfrecord(path, features, targets, **arguments)
    assert error.value.cure
    return str(error.value)


# Entries


def test_every_kind_of_entry_is_read(tmp_path: Path) -> None:
    records = [
        example(
            **{
                "image/encoded": png(PIXELS // (row + 1)),
                "x": [row * 1.0, 7.0],
                "age": row,
                "label": b"cat dog".split()[row % 2],
            },
            **({"words": [row, 5, 6][: row % 4]} if row % 4 else {}),
            text=f"täxt {row}".encode(),
            tags=[row % 2, 1],
            price=row / 2,
        )
        for row in range(6)
    ]
    splits = read(
        tmp_path,
        records,
        {
            "image": {"kind": "image", "key": "image/encoded"},
            "x": {"kind": "vector", "columns": ["a", "b"]},
            "age": {"kind": "number"},
            "words": {"kind": "sequence"},
            "text": {"kind": "text"},
        },
        {"label": {"kind": "classes"}, "tags": {"kind": "multi_label"}, "price": {"kind": "number"}},
    )
    features, targets = splits.train.features, splits.train.targets
    np.testing.assert_array_equal(np.asarray(features["image"]), [PIXELS // (row + 1) for row in range(6)])
    np.testing.assert_array_equal(features["x"], [[row, 7] for row in range(6)])
    np.testing.assert_array_equal(features["age"], np.arange(6))
    np.testing.assert_array_equal(features["words"], [[0, 0, 0], [1, 0, 0], [2, 5, 0], [3, 5, 6], [0, 0, 0], [5, 0, 0]])
    assert features["text"].tolist() == [f"täxt {row}" for row in range(6)]
    assert targets["label"].tolist() == [0, 1] * 3 and targets["tags"].tolist() == [[0, 1], [1, 1]] * 3
    assert targets["price"].dtype == np.float32
    facts = splits.facts
    assert facts.features["x"].columns == ("a", "b") and facts.features["words"].vocabulary_size == 7
    assert facts.features["image"].shape == (5, 4, 3) and facts.targets["label"].labels == ("cat", "dog")


def test_pictures_are_resized_and_made_gray_where_that_is_asked(tmp_path: Path) -> None:
    records = [example(x=png(np.full((2 + row, 3), 90, np.uint8)), y=row % 2) for row in range(4)]
    told = failure(write(tmp_path / "a.tfrecord", *records), {"x": {"kind": "image"}})
    assert "different sizes (height, width):\n  [2, 3] as" in told and "a.tfrecord: record 1: x" in told
    assert "`data.source.tfrecord.features.x.size: [2, 3]`" in told
    splits = read(tmp_path, records, {"x": {"kind": "image", "size": [4, 6], "color": "grayscale"}})
    np.testing.assert_array_equal(np.asarray(splits.train.features["x"]), np.full((4, 4, 6, 1), 90))


def test_sequences_are_cut_where_that_is_asked(tmp_path: Path) -> None:
    records = [example(x=list(range(1, row + 2)), y=row % 2) for row in range(4)]
    splits = read(tmp_path, records, {"x": {"kind": "sequence", "length": 2}})
    np.testing.assert_array_equal(splits.train.features["x"], [[1, 0], [1, 2], [1, 2], [1, 2]])


def test_classes_may_be_more_than_occur(tmp_path: Path) -> None:
    assert read(tmp_path, plain(), targets={"y": {"kind": "classes", "classes": 4}}).facts.targets["y"].classes == 4


# Files


@pytest.mark.parametrize(("compression", "pack"), [("gzip", gzip.compress), ("zlib", zlib.compress)])
def test_compressed_files_are_read(tmp_path: Path, compression: Any, pack: Any) -> None:
    file = write(tmp_path / "a.tfrecord", *plain(3_000))
    whole = tfrecord(file, FEATURES, TARGETS).train.features["x"]
    content = file.read_bytes()
    file.write_bytes(pack(content))
    np.testing.assert_array_equal(tfrecord(file, FEATURES, TARGETS, compression).train.features["x"], whole)
    assert "if the file is compressed, say so: `compression: gzip`" in failure(file)
    file.write_bytes(pack(content)[:-40])
    assert f"{file}: record " in failure(file, compression=compression) and "is cut short" in failure(
        file, compression=compression
    )
    file.write_bytes(content)
    assert f"damaged, or not of {compression}" in failure(file, compression=compression)


def test_splits_are_told_by_names(tmp_path: Path) -> None:
    write(tmp_path / "shapes-train.tfrecord-00000-of-00002", *plain(6))
    write(tmp_path / "shapes-train.tfrecord-00001-of-00002", *plain(4))
    write(tmp_path / "val" / "00.tfrecord", *plain(2))
    write(tmp_path / "test" / "00.tfrecord", *plain(3))
    (tmp_path / "dataset_info.json").write_text("{}")
    splits = tfrecord(tmp_path, FEATURES, TARGETS)
    assert {name: len(part) for name, part in splits.named().items()} == {"train": 10, "validation": 2, "test": 3}
    np.testing.assert_array_equal(splits.train.features["x"][:, 0], [*range(6), *range(4)])
    splits = tfrecord(tmp_path / "shapes-*", FEATURES, TARGETS)
    assert list(splits.named()) == ["train"] and len(splits.train) == 10


def test_files_that_do_not_fit_are_named(tmp_path: Path) -> None:
    assert "There are no record files at `none`" in failure(Path("none"))
    (tmp_path / "notes.doc").write_text("")
    told = failure(tmp_path)
    assert f"{tmp_path}/notes.doc is a stray file" in told and f"{tmp_path} holds no record files" in told
    (tmp_path / "notes.doc").unlink()
    write(tmp_path / "train.tfrecord", *plain())
    write(tmp_path / "more.tfrecord", *plain())
    assert f"The split of {tmp_path}/more.tfrecord is not known" in failure(tmp_path)
    (tmp_path / "more.tfrecord").rename(tmp_path / "train-test.tfrecord")
    assert f"{tmp_path}/train-test.tfrecord has a name of two splits: test, train" in failure(tmp_path)
    (tmp_path / "train-test.tfrecord").rename(tmp_path / "train-00001-of-00003")
    told = failure(tmp_path)
    assert f"{tmp_path}/train-00000-of-00003, {tmp_path}/train-00002-of-00003 are missing" in told


def test_damaged_files_are_named_with_their_record_all_at_once(tmp_path: Path) -> None:
    content = write(tmp_path / "train-0.tfrecord", *plain()).read_bytes()
    length = len(content) // 6
    damaged = bytearray(content)
    damaged[2 * length + 20] ^= 1  # within the third record
    wrong_length = bytearray(content)
    wrong_length[length + 8] ^= 1  # the checksum of the length of the second
    for number, bad in enumerate(
        [bytes(damaged), bytes(wrong_length), content[:-9], content[: length + 5], b"", b"no records at all, but text"],
        1,
    ):
        (tmp_path / f"train-{number}.tfrecord").write_bytes(bad)
    told = failure(tmp_path)
    assert f"{tmp_path}/train-1.tfrecord: record 3 is damaged" in told
    assert f"{tmp_path}/train-2.tfrecord: record 2 is damaged" in told
    assert f"{tmp_path}/train-3.tfrecord: record 6 is cut short" in told
    assert f"{tmp_path}/train-4.tfrecord: record 2 is cut short" in told
    assert f"{tmp_path}/train-5.tfrecord holds no records" in told
    assert f"{tmp_path}/train-6.tfrecord: record 1 claims" in told


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_a_length_that_no_file_can_hold_is_refused(tmp_path: Path, compression: Any) -> None:
    content = struct.pack("<Q", 2**50) + bytes(100)
    (tmp_path / "a.tfrecord").write_bytes(gzip.compress(content) if compression else content)
    told = failure(tmp_path / "a.tfrecord", compression=compression)
    assert "a.tfrecord: record 1 claims 1,125,899,906,842,624 bytes" in told


# Records


@pytest.mark.parametrize(
    ("records", "told"),
    [
        ([*plain(3), example(y=1)], "a.tfrecord: record 4 has no entry `x`"),
        ([*plain(3), example(x=[1.0, 2.0], y=b"one")], "record 4 holds bytes in `y`, where integers are expected"),
        ([*plain(3), example(x=[1.0], y=1)], "record 4 holds 1 values in `x`, where 2 are expected"),
        ([example(x=[1.0, 2.0], y=[0, 1])], "record 1 holds 2 values in `y`, where 1 are expected"),
        ([*plain(3), b"junk!!"], "record 4 is no tf.train.Example"),
        ([b"junk!!"], "record 1 is no tf.train.Example"),
        (
            [example(z=1.0, y=1)],
            "record 1 has no entry `x`, which `data.source.tfrecord.features.x` asks for\nit has `y`, `z`",
        ),
        ([example(x=b"a", y=1)], "record 1 holds bytes in `x`, and no vector (floats or integers)"),
        ([example(x=[1.0, 2.0], y=0)], "a.tfrecord: y holds one class only"),
        ([example(x=[1.0, 2.0], y=-1)], "a.tfrecord: y holds -1"),
        ([example(x=[1.0, float("inf")], y=1)], "a.tfrecord: x[0, 1] is inf"),
    ],
)
def test_records_that_do_not_fit_are_named(tmp_path: Path, records: list[bytes], told: str) -> None:
    assert told in failure(write(tmp_path / "a.tfrecord", *records))


def test_damaged_pictures_and_texts_are_named(tmp_path: Path) -> None:
    records = [example(x=content, y=0) for content in (png(), b"", b"no picture")]
    told = failure(write(tmp_path / "a.tfrecord", *records), {"x": {"kind": "image"}})
    assert "record 2: x is empty" in told and "record 3: x is no picture" in told
    records = [example(x=b"\xff", y=0), example(x=b"a", y=1)]
    told = failure(write(tmp_path / "a.tfrecord", *records), {"x": {"kind": "text"}})
    assert "a.tfrecord: record 1: x is no text in UTF-8" in told


def test_a_sequence_that_no_record_has_is_named(tmp_path: Path) -> None:
    told = failure(write(tmp_path / "a.tfrecord", *plain()), {"words": {"kind": "sequence"}})
    assert "No record has anything in `words`\ncorrect the key of `data.source.tfrecord.features.words`" in told


# What the recipe says


@pytest.mark.parametrize(
    ("features", "targets", "told"),
    [
        ({}, {}, "features` names no feature"),
        ({"x": {}}, {}, "`data.source.tfrecord.features.x` tells no kind\nwrite `x: {kind: image, key: ...}`"),
        ({"x": {"kind": "vektor"}}, {}, "features.x.kind` cannot be `vektor`\ndid you mean `vector`?"),
        ({"x": {"kind": "vector", "size": [2, 2]}}, {}, "`data.source.tfrecord.features.x`: vector takes no `size`"),
        ({"x": {"kind": "image", "sice": [2, 2]}}, {}, "image takes no `sice`\ndid you mean `size`?"),
        ({"x": {"kind": "image", "size": [2]}}, {}, "features.x.size` is [2]\nwrite `[height, width]`"),
        ({"x": {"kind": "image", "color": "red"}}, {}, "features.x.color` is red\nwrite one of `rgb`, `grayscale`"),
        ({"x": {"kind": "sequence", "length": 0}}, {}, "features.x.length` is 0\nwrite a number from 1"),
        ({"x": {"kind": "vector", "columns": ["a"]}}, {}, "record 1 holds 2 values in `x`, and"),
        (FEATURES, {"y": {"kind": "image"}}, "targets.y.kind` cannot be `image`"),
        (FEATURES, {"y": {"kind": "classes", "classes": 3, "labels": ["a", "b"]}}, "has 3 classes and 2 labels"),
        (FEATURES, {"x": {"kind": "number"}}, "`x` cannot be both a feature and a target"),
    ],
)
def test_what_is_said_of_entries_is_checked(tmp_path: Path, features: Any, targets: Any, told: str) -> None:
    assert told in failure(write(tmp_path / "a.tfrecord", *plain()), features, targets)
