from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dlkit.data.columns import Column
from dlkit.data.facts import measure
from dlkit.data.fingerprint import fingerprint
from dlkit.data.inputs.read import read_inputs
from dlkit.data.load import load
from dlkit.data.reading import blobs, decoded
from dlkit.data.sources.image_folder import image_folder
from dlkit.errors import DlkitError
from dlkit.recipe.components import Components

DRAW = np.random.default_rng(1)


def picture(shape: tuple[int, ...] = (6, 8, 3), kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(DRAW.integers(0, 256, shape, np.uint8)).save(file, kind, **options)
    return file.getvalue()


FILES = {f"{label}/{number}.png": picture() for label in ("cat", "cow", "dog") for number in range(4)}
SPLIT = {f"{split}/{name}": picture() for split in ("train", "val", "test") for name in FILES}


def folder(path: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def archive(path: Path, files: Mapping[str, bytes]) -> Path:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as packed:
            for name, content in files.items():
                packed.writestr(name, content)
        return path
    mode: Any = "w:gz" if path.suffix == ".tgz" else "w"
    with tarfile.open(path, mode) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def images(path: Path, **arguments: Any) -> Column:
    column = image_folder(path, **arguments).train.features["image"]
    assert isinstance(column, Column)
    return column


def failure(path: Path, **arguments: Any) -> DlkitError:
    with pytest.raises(DlkitError) as error:
        image_folder(path, **arguments)
    return error.value


def pillows(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


# What is read


def test_pictures_and_classes_in_the_order_of_their_names(tmp_path: Path) -> None:
    splits = image_folder(folder(tmp_path, FILES))
    wanted = np.stack([pillows(FILES[name]) for name in sorted(FILES)])
    np.testing.assert_array_equal(np.asarray(splits.train.features["image"]), wanted)
    assert np.asarray(splits.train.targets["label"]).tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert splits.train.targets["label"].dtype == np.int32
    assert splits.validation is None and splits.test is None
    assert splits.facts is not None and splits.facts.targets["label"].labels == ("cat", "cow", "dog")


def test_a_folder_and_its_archives_are_the_same_data(tmp_path: Path) -> None:
    places = [
        folder(tmp_path / "pets", SPLIT),
        *(archive(tmp_path / f"a.{end}", SPLIT) for end in ("zip", "tar", "tgz")),
    ]
    read = [image_folder(place) for place in places]
    assert len({fingerprint(splits) for splits in read}) == 1
    for splits in read:
        assert splits.test is not None and splits.validation is not None
        np.testing.assert_array_equal(np.asarray(splits.test.features["image"])[0], pillows(SPLIT["test/cat/0.png"]))
        np.testing.assert_array_equal(
            np.asarray(splits.validation.features["image"])[-1], pillows(SPLIT["val/dog/3.png"])
        )


@pytest.mark.parametrize("color", ["rgb", "grayscale"])
@pytest.mark.parametrize("size", [None, [5, 7]])
def test_training_and_predict_see_the_same_pixels(tmp_path: Path, size: Any, color: Any) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = picture((8, 6, 3), "JPEG", exif=exif)
    files = {**FILES, "cat/0.png": turned} if size is None else {**FILES, "cat/0.jpg": picture((40, 50, 3), "JPEG")}
    path = folder(tmp_path, files) if size else folder(tmp_path, {**files, "cow/0.png": picture((6, 8, 3))})
    arguments: dict[str, Any] = {"path": str(path), "size": size, "color": color}
    declared = Components().source_facts("image_folder", arguments)
    splits = load("image_folder", arguments, declared=declared, validation=0, seed=1)
    facts = measure(splits, declared, 32)
    assert facts.features["image"].shape == (*(size or (6, 8)), 1 if color == "grayscale" else 3)
    whole = image_folder(**arguments).train.features["image"]
    _, read = read_inputs([path / "cat", path / "cow", path / "dog"], facts.features)
    np.testing.assert_array_equal(np.asarray(whole), read["image"])


def test_rows_are_read_in_the_order_asked_for_by_many_threads(tmp_path: Path) -> None:
    files = {f"{label}/{number:03}.png": picture((40, 50, 3)) for label in ("a", "b") for number in range(40)}
    column = images(archive(tmp_path / "a.zip", files))
    whole = np.asarray(column)
    orders = [np.random.default_rng(seed).permutation(80)[:30] for seed in range(20)]
    with ThreadPoolExecutor(8) as pool:
        for order, read in zip(orders, pool.map(column.read, orders), strict=True):
            np.testing.assert_array_equal(read, whole[order])
    np.testing.assert_array_equal(column.take(orders[0]).read(np.array([3, 3])), whole[orders[0][[3, 3]]])


def test_one_changed_pixel_changes_the_fingerprint(tmp_path: Path) -> None:
    before = fingerprint(image_folder(folder(tmp_path, FILES)))
    pixels = pillows(FILES["dog/2.png"]).copy()
    pixels[3, 4, 1] ^= 1
    Image.fromarray(pixels).save(tmp_path / "dog" / "2.png")
    assert fingerprint(image_folder(tmp_path)) != before
    ways: list[Any] = [{}, {"size": [6, 8]}, {"size": [3, 3]}, {"size": [9, 1]}, {"color": "grayscale"}]
    assert len({images(tmp_path, **way).digest() for way in ways}) == len(ways)


def test_nothing_is_decoded_before_a_batch_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dlkit.data.reading.pictures.pixels", None)
    assert images(folder(tmp_path, FILES)).shape == (12, 6, 8, 3)
    assert images(tmp_path).nbytes == 0


def test_a_header_behind_much_else_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    monkeypatch.setattr(blobs.PlainFile, "read", lambda blob: read.append(blob.place) or Path(blob.place).read_bytes())
    large = picture((200, 300, 3), "JPEG", quality=100)
    behind = picture((200, 300, 3), "JPEG", quality=100, icc_profile=bytes(2**17))
    assert len(large) > 2**16
    assert images(folder(tmp_path, {"a/1.jpg": large, "b/1.jpg": behind})).shape == (2, 200, 300, 3)
    assert read == [str(tmp_path / "b" / "1.jpg")]


# What is refused


def test_all_bad_pictures_are_named_at_once(tmp_path: Path) -> None:
    bad = {"cat/a.png": b"", "cow/b.png": b"<html>", "dog/c.jpg": picture((6, 8, 3), "JPEG")[:100]}
    lines = failure(archive(tmp_path / "a.zip", {**FILES, **bad})).message.splitlines()
    assert len(lines) == 3
    for line, told in zip(lines, ["cat/a.png is empty", "cow/b.png is no picture", "dog/c.jpg is "], strict=True):
        assert line.startswith(f"{tmp_path}/a.zip: {told}")


def test_all_pictures_cut_short_are_named_when_they_are_decoded(tmp_path: Path) -> None:
    bad = {f"cat/{name}.png": picture()[:-60] for name in "ab"}
    column = images(folder(tmp_path, {**FILES, **bad}))
    assert column.read(np.array([0, 1])).shape == (2, 6, 8, 3)
    with pytest.raises(DlkitError) as error:
        column.read(np.arange(len(column)))
    assert error.value.message.count("is a damaged picture") == 2
    assert f"{tmp_path}/cat/a.png" in error.value.message and f"{tmp_path}/cat/b.png" in error.value.message


def test_pictures_of_different_sizes_are_named_with_the_cure(tmp_path: Path) -> None:
    files = {**FILES, "cat/a.png": picture((5, 7, 3)), "dog/b.png": picture((9, 8, 3)), "dog/c.png": picture((9, 8, 3))}
    error = failure(folder(tmp_path, files))
    assert f"[6, 8] as {tmp_path}/cat/0.png" in error.message
    assert f"[5, 7] as {tmp_path}/cat/a.png" in error.message
    assert f"[9, 8] as {tmp_path}/dog/b.png" in error.message and "dog/c.png" not in error.message
    assert error.cure is not None and "size: [6, 8]" in error.cure
    assert images(tmp_path, size=[4, 4]).shape == (15, 4, 4, 3)


def test_the_sizes_of_all_splits_count(tmp_path: Path) -> None:
    error = failure(archive(tmp_path / "a.tar", {**SPLIT, "test/dog/0.png": picture((5, 7, 3))}))
    assert "[5, 7] as" in error.message and "test/dog/0.png" in error.message


def test_stray_files_are_named_with_the_known_suffixes(tmp_path: Path) -> None:
    error = failure(folder(tmp_path, {**FILES, "cat/notes.doc": b"x", "dog/movie.mp4": b"x"}))
    assert "cat/notes.doc is a stray file" in error.message and "dog/movie.mp4 is a stray file" in error.message
    assert error.cure is not None and ".png, .jpg, .jpeg, .bmp, .webp, .gif" in error.cure


def test_a_picture_that_changes_its_size_meanwhile_is_named(tmp_path: Path) -> None:
    column = images(folder(tmp_path, FILES))
    (tmp_path / "cat" / "1.png").write_bytes(picture((7, 7, 3)))
    with pytest.raises(DlkitError, match=r"cat/1.png has 7 x 7 pixels, where 8 x 6 are expected"):
        column.read(np.array([1]))


def test_pictures_that_vanish_are_named_at_once(tmp_path: Path) -> None:
    column = images(folder(tmp_path, FILES))
    for name in ("cat/1.png", "dog/3.png"):
        (tmp_path / name).unlink()
    with pytest.raises(DlkitError) as error:
        column.digest()
    assert error.value.message.count("cannot be read: No such file") == 2


def test_large_pictures_are_shared_by_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {f"{label}/{number}.png": picture((60, 60, 3)) for label in ("a", "b") for number in range(20)}
    column = images(folder(tmp_path, files))
    monkeypatch.setattr(decoded.os, "cpu_count", lambda: 4)
    pieces = []
    pool = decoded._pool(0)
    monkeypatch.setattr(pool, "map", lambda function, slices: pieces.append(len(slices)) or map(function, slices))
    monkeypatch.setattr(decoded, "_pool", lambda process: pool)
    column.read(np.arange(40))
    assert pieces == [14]


def test_runs_with_other_seeds_share_the_file_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dlkit.data.fingerprint import fingerprint
    from dlkit.recipe.load import load
    from dlkit.workflows.preparation import prepare

    monkeypatch.setenv("DLKIT_CACHE_DIR", str(tmp_path / "kept"))
    for label in ("cat", "dog"):
        (tmp_path / "pets" / label).mkdir(parents=True)
        for number in range(20):
            pixels = np.random.default_rng(number).integers(0, 256, (6, 5, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pets" / label / f"{number}.png")

    def prints(seed: int, cache: object) -> str:
        recipe = {
            "name": "pets",
            "seed": seed,
            "data": {"source": {"image_folder": {"path": str(tmp_path / "pets")}}, "cache": cache},
            "model": {"sequential": ["Flatten", {"Dense": {"units": 2}}]},
            "training": {"epochs": 1},
        }
        return fingerprint(prepare(load(recipe)).loaded)

    assert prints(1, "disk") == prints(1, False) == prints(1, "memory") != prints(2, "disk")
    assert len(list((tmp_path / "kept").iterdir())) == 1
