"""Sets of tensorflow-datasets: which of their features become which, in the order of their files, and what is refused."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlkit.data.arrays import Splits
from dlkit.data.sources.tfds import tfds
from dlkit.errors import DlkitError

pytest.importorskip("tensorflow_datasets")
WRITE: Callable[..., None] = runpy.run_path(
    str(Path(__file__).parents[2] / "contract" / "source_examples" / "tfds.py")
)["write"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("sets")
    WRITE(made, 12)
    return made


def read(folder: Path, **arguments: Any) -> Splits:
    return tfds("shapes/small", folder, **arguments)


def failure(folder: Path | None, name: str = "shapes/small", **arguments: Any) -> str:
    with pytest.raises(DlkitError) as error:
        tfds(name, folder, **arguments)
    assert error.value.cure
    return str(error.value)


def test_features_are_told_by_the_set(folder: Path) -> None:
    splits = read(folder)
    draw = np.random.default_rng(1)
    pixels, sides = draw.integers(0, 256, (12, 5, 4, 3), np.uint8), draw.random((12, 2), np.float32)
    assert {name: len(part) for name, part in splits.named().items()} == {"train": 12, "test": 4}
    features = splits.train.features
    assert list(features) == ["caption", "image", "sides", "weight"]
    np.testing.assert_array_equal(np.asarray(features["image"]), pixels)
    np.testing.assert_array_equal(features["sides"], sides)
    assert features["caption"].tolist() == [f"shäpe {row}" for row in range(12)]
    np.testing.assert_array_equal(splits.train.targets["label"], np.arange(12) % 3)
    assert splits.facts.targets["label"].labels == ("circle", "square", "star")
    kinds = {name: feature.kind for name, feature in splits.facts.features.items()}
    assert kinds == {"caption": "text", "image": "image", "sides": "vector", "weight": "number"}


def test_features_targets_and_splits_may_be_chosen(folder: Path) -> None:
    splits = read(
        folder,
        features=["image"],
        targets=["weight", "label"],
        splits={"train": "train[:8]", "validation": "train[8:]"},
        size=(3, 2),
    )
    assert {name: len(part) for name, part in splits.named().items()} == {"train": 8, "validation": 4}
    assert splits.train.features["image"].shape == (8, 3, 2, 3) and list(splits.train.targets) == ["weight", "label"]
    assert splits.facts.targets["weight"].kind == "number"
    np.testing.assert_array_equal(splits.validation.targets["label"], np.arange(8, 12) % 3)


def test_it_is_looked_for_in_the_data_folder(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLKIT_DATA_DIR", str(tmp_path))
    (tmp_path / "tensorflow_datasets").symlink_to(folder)
    assert len(tfds("shapes/small:1.0.0").train) == 12


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"features": ["imag"]}, "`features`: the set `shapes/small` has no `imag`\ndid you mean `image`?"),
        ({"features": ["boxes"]}, "`features`: `boxes` of `shapes/small` cannot be used: it is Sequence(BBoxFeature"),
        ({"targets": ["image"]}, "`targets`: `image` of `shapes/small` cannot be used"),
        ({"features": ["label"], "targets": ["label"]}, "`label` cannot be both a feature and a target"),
        ({"splits": {"training": "train"}}, "there is no split `training`\ndid you mean `train`?"),
        ({"splits": {"test": "test"}}, "has no split to train on: it has `train`, `test`"),
        ({"splits": {"train": "extra"}}, "cannot give `extra` of `shapes/small`"),
        ({"splits": {"train": "train[:0]"}}, "cannot give `train[:0]` of `shapes/small`"),
        ({"name": "shapes/big"}, "has no set `shapes/big` (nor is it in"),
        ({"name": "fashion_mnis"}, "did you mean `fashion_mnist`?"),
        ({"name": "mnist:9.9.9"}, "has no set `mnist:9.9.9`"),
        ({"name": "someone:mnist"}, "`someone:mnist` is no name of a set"),
        ({"name": "a b"}, "`a b` is no name of a set"),
    ],
)
def test_what_the_set_does_not_have_is_told(folder: Path, arguments: dict[str, Any], told: str) -> None:
    assert told in failure(folder, **arguments)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert f"There is no folder {tmp_path}/none" in failure(tmp_path / "none")


def test_a_set_that_cannot_be_downloaded_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(builder: Any) -> None:
        print("progress")
        raise ConnectionError("no network")

    monkeypatch.setattr("tensorflow_datasets.core.DatasetBuilder.download_and_prepare", fail)
    told = failure(folder, "mnist")
    assert f"cannot prepare `mnist` in {folder}/mnist/3.0.1: ConnectionError: no network" in told


def test_damaged_files_are_told(tmp_path: Path) -> None:
    WRITE(tmp_path, 12)
    file = tmp_path / "shapes" / "small" / "1.0.0" / "shapes-train.tfrecord-00000-of-00001"
    content = file.read_bytes()
    file.write_bytes(content[:-50])
    assert f"The files of `shapes/small` in {file.parent} are damaged: truncated record" in failure(tmp_path)
    length = int.from_bytes(content[:8], "little") + 16
    file.write_bytes(content[:length])
    assert "to contain 12 elements but contained only 1 element.\n" in failure(tmp_path)
    file.unlink()
    assert f"in {file.parent} are damaged" in failure(tmp_path)


def test_values_that_cannot_be_learned_are_named(tmp_path: Path) -> None:
    WRITE(tmp_path, 12, weight=np.full(12, np.nan, np.float32), caption=np.array([b"\xff"] * 12, object))
    told = failure(tmp_path)
    assert "shapes/small: weight of train[0] is nan" in told
    assert "shapes/small: caption of train[0] is no text in UTF-8" in told


def test_without_the_package_the_cure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    told = failure(None, "mnist")
    assert "needs tensorflow-datasets, which is not installed" in told and "[tfds]'" in told
