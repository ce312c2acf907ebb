"""Archives of arrays: what shapes and names tell, and what is refused before it is read."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dlkit.data.arrays import Splits
from dlkit.data.sources.npz import npz
from dlkit.errors import DlkitError

DRAW = np.random.default_rng(3)
X, Y = DRAW.random((12, 4)), np.arange(12) % 3


def saved(tmp_path: Path, **arrays: Any) -> Path:
    file = tmp_path / "data.npz"
    np.savez(file, **arrays)
    return file


def read(tmp_path: Path, arrays: dict[str, Any], **arguments: Any) -> Splits:
    return npz(saved(tmp_path, **arrays), **arguments)


def failure(file: Path, **arguments: Any) -> str:
    with pytest.raises(DlkitError) as error:
        npz(file, **arguments)
    assert error.value.cure
    return str(error.value)


def refused(tmp_path: Path, arrays: dict[str, Any], **arguments: Any) -> str:
    return failure(saved(tmp_path, **arrays), **arguments)


def packed(tmp_path: Path, *members: tuple[str, bytes]) -> Path:
    file = tmp_path / "data.npz"
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array)
    return stream.getvalue()


def header(shape: tuple[int, ...], descr: str = "<f8") -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
    return stream.getvalue()


# Kinds


@pytest.mark.parametrize(
    ("array", "kind", "shape", "dtype"),
    [
        (DRAW.integers(0, 256, (12, 6, 5), np.uint8), "image", (6, 5, 1), "uint8"),
        (DRAW.integers(0, 256, (12, 6, 5, 1), np.uint8), "image", (6, 5, 1), "uint8"),
        (DRAW.integers(0, 256, (12, 6, 5, 3), np.uint8), "image", (6, 5, 3), "uint8"),
        (DRAW.integers(0, 256, (12, 7), np.uint8), "vector", (7,), "float32"),
        (X, "vector", (4,), "float32"),
        (X > 0.5, "vector", (4,), "float32"),
        (X[:, 0], "number", (), "float32"),
        (np.arange(12), "number", (), "float32"),
        (DRAW.integers(0, 9, (12, 5)), "sequence", (5,), "int32"),
        (DRAW.random((12, 5, 2)), "sequence", (5, 2), "float32"),
        (np.array([f"text {row}" for row in range(12)]), "text", (), "string"),
        (np.array([f"täxt {row}".encode() for row in range(12)]), "text", (), "string"),
    ],
)
def test_the_shape_and_type_tell_the_kind_of_a_feature(
    tmp_path: Path, array: np.ndarray, kind: str, shape: tuple[int, ...], dtype: str
) -> None:
    splits = read(tmp_path, {"x": array, "y": Y})
    feature, values = splits.facts.features["x"], splits.train.features["x"]
    assert (feature.kind, feature.shape, feature.dtype) == (kind, shape, dtype)
    if kind == "text":
        assert values.dtype == object and values[3] in ("text 3", "täxt 3")
    else:
        assert values.dtype == dtype and values.shape == (12, *shape)
        np.testing.assert_array_equal(values.reshape(array.shape), array.astype(dtype))
    assert feature.columns == (tuple(map(str, range(shape[0]))) if kind == "vector" else None)
    assert feature.vocabulary_size == (array.max() + 1 if dtype == "int32" else None)


@pytest.mark.parametrize(
    ("array", "kind", "shape", "labels"),
    [
        (Y, "classes", (), ("0", "1", "2")),
        (Y[:, None], "classes", (), ("0", "1", "2")),
        (Y > 0, "classes", (), ("0", "1")),
        (np.array(["wet", "dry", "odd"] * 4), "classes", (), ("dry", "odd", "wet")),
        (DRAW.integers(0, 2, (12, 4)), "multi_label", (4,), ("0", "1", "2", "3")),
        (DRAW.random(12), "number", (), None),
        (DRAW.random((12, 1)), "number", (), None),
        (DRAW.random((12, 2)), "number", (2,), None),
    ],
)
def test_the_shape_and_type_tell_the_kind_of_a_target(
    tmp_path: Path, array: np.ndarray, kind: str, shape: tuple[int, ...], labels: tuple[str, ...] | None
) -> None:
    splits = read(tmp_path, {"x": X, "y": array})
    target, values = splits.facts.targets["y"], splits.train.targets["y"]
    assert (target.kind, target.shape, target.labels) == (kind, shape, labels)
    assert values.dtype == target.dtype == ("float32" if kind == "number" else "int32")
    assert values.shape == (12, *shape)
    if array.dtype.kind == "U":
        assert [labels[value] for value in values] == array.tolist()
    else:
        np.testing.assert_array_equal(values.ravel(), array.astype(values.dtype).ravel())


def test_a_kind_may_be_said(tmp_path: Path) -> None:
    arrays = {"x": DRAW.integers(0, 9, (12, 5)), "y": Y}
    splits = read(tmp_path, arrays, kinds={"x": "vector", "y": "number"})
    assert splits.facts.features["x"].kind == "vector" and splits.facts.targets["y"].kind == "number"
    assert "cannot be of the kind `vektor`\ndid you mean `vector`?" in refused(tmp_path, arrays, kinds={"x": "vektor"})
    assert "no feature or target `z`" in refused(tmp_path, arrays, kinds={"z": "vector"})


def test_labels_are_given_or_lie_beside(tmp_path: Path) -> None:
    names = ["cat", "dog", "owl", "yak"]
    assert read(tmp_path, {"x": X, "y": Y}, labels=names).facts.targets["y"].labels == tuple(names)
    beside = read(tmp_path, {"x": X, "y": Y, "class_names": np.array(names)})
    assert beside.facts.targets["y"].labels == tuple(names) and beside.facts.targets["y"].classes == 4
    told = refused(tmp_path, {"x": X, "y": Y}, labels=["cat", "dog"])
    assert "data.npz: y has the class 2, and there are 2 labels, from 0 to 1" in told
    assert "`cat` are given more than once" in refused(tmp_path, {"x": X, "y": Y}, labels=["cat", "dog", "cat"])


@pytest.mark.parametrize("odd", [np.inf, np.nan, 0.5])
def test_floats_may_be_classes_if_they_are_whole(tmp_path: Path, odd: float) -> None:
    splits = read(tmp_path, {"x": X, "y": Y.astype(float)}, kinds={"y": "classes"})
    assert splits.facts.targets["y"].classes == 3 and splits.train.targets["y"].dtype == np.int32
    told = refused(tmp_path, {"x": X, "y": np.where(Y == 2, odd, Y)}, kinds={"y": "classes"})
    assert f"data.npz: y holds {odd}, where classes are whole numbers from 0" in told


def test_missing_numbers_of_a_vector_stay_missing(tmp_path: Path) -> None:
    x = X.copy()
    x[3, 1] = np.nan
    assert np.isnan(read(tmp_path, {"x": x, "y": Y}).train.features["x"][3, 1])


# Names


@pytest.mark.parametrize(
    ("names", "feature", "target"),
    [
        ("x_train y_train x_val y_val x_test y_test", "x", "y"),
        ("x y x_validation y_validation x_test y_test", "x", "y"),
        ("train_images train_labels val_images val_labels test_images test_labels", "images", "labels"),
    ],
)
def test_splits_are_told_by_names(tmp_path: Path, names: str, feature: str, target: str) -> None:
    arrays = {}
    for number, pair in enumerate(zip(names.split()[::2], names.split()[1::2], strict=True)):
        arrays |= {pair[0]: X + number, pair[1]: Y}
    for split, (name, part) in enumerate(read(tmp_path, arrays).named().items()):
        assert name == ("train", "validation", "test")[split]
        np.testing.assert_array_equal(part.features[feature], (X + split).astype(np.float32))
        assert list(part.targets) == [target]


def test_names_may_be_said(tmp_path: Path) -> None:
    arrays = {"left_train": X, "right_train": X * 2, "price_train": X[:, 0], "spare": np.zeros(3)}
    splits = read(tmp_path, arrays, features=["right", "left"], targets=["price"])
    assert list(splits.train.features) == ["right", "left"] and list(splits.train.targets) == ["price"]
    told = refused(tmp_path, arrays)
    assert "which of `left`, `right`, `price`, `spare` are features" in told and "`features: [...]`" in told
    told = refused(tmp_path, arrays, features=["lift"], targets=["price"])
    assert "`features`" in told and "has no array `lift`\ndid you mean `left`?" in told
    assert "`left` cannot be both a feature and a target" in refused(
        tmp_path, arrays, features=["left"], targets=["left"]
    )


def test_there_may_be_no_target(tmp_path: Path) -> None:
    assert read(tmp_path, {"x_train": X}).train.targets == {}


# What is refused


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"x": X, "y": Y[:-1]}, "data.npz: x 12, {}data.npz: y 11"),
        ({"x": X, "y": X[:, 0] * np.nan}, "data.npz: y[0] is nan, which is no finite float32"),
        ({"x": X, "y": np.where(Y == 2, np.inf, 1.0)}, "data.npz: y[2] is inf"),
        ({"x": np.where(X[1, 2] == X, np.inf, X), "y": Y}, "data.npz: x[1, 2] is inf"),
        ({"x": X * 1e300, "y": Y}, "which is no finite float32"),
        ({"x": X, "y": Y - 1}, "data.npz: y holds -1, where classes are whole numbers from 0"),
        ({"x": X, "y": Y * 0}, "data.npz: y holds one class only"),
        ({"x": X, "y": np.array(["cat", ""] * 6)}, "data.npz: y has examples without a class"),
        ({"x": X, "y": Y * 10**6}, "has classes up to 2,000,000, and 12 examples"),
        ({"x": X, "y": DRAW.integers(0, 9, (12, 3))}, "neither a class, nor 0 and 1 for each label"),
        ({"x": X[:0], "y": Y[:0]}, "data.npz: x holds no examples"),
        ({"x": np.array(1.0), "y": Y}, "data.npz: x is a single value"),
        ({"x": X.astype(complex), "y": Y}, "data.npz: x holds complex128"),
        ({"x": np.array(["2026-01-01"] * 12, "M8[D]"), "y": Y}, "data.npz: x holds datetime64[D]"),
        ({"x": np.array([b"\xff"] * 12), "y": Y}, "data.npz: x[0] is no text in UTF-8"),
        ({"x": np.array([["a", "b"]] * 12), "y": Y}, "examples of shape (2,), which are no text"),
        ({"x": DRAW.integers(-4, 9, (12, 5)) - 9, "y": Y}, "where tokens are whole numbers from 0"),
        ({"x_train": X, "y_train": Y, "x_test": X}, "data.npz: x_test: the test split has no `y`"),
        ({"x_test": X, "y_test": Y}, "there is no training split"),
        ({"x": X, "x_train": X, "y": Y}, "`x` and `x_train` are both the train split of `x`"),
        ({"x_train": X, "y_train": Y, "x_test": X[:, :2], "y_test": Y}, "x_test holds float64 of shape (2,), where"),
    ],
)
def test_arrays_that_cannot_be_learned_from_are_named(tmp_path: Path, arrays: dict[str, Any], told: str) -> None:
    file = saved(tmp_path, **arrays)
    assert told.format(f"{tmp_path}/") in failure(file)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    told = refused(tmp_path, {"x": np.full((12, 2), np.inf), "y": Y * 0})
    assert "x[0, 0] is inf" in told and "y holds one class only" in told


class Trap:
    def __reduce__(self) -> Any:
        return exec, ("raise SystemExit('a pickle was run')",)


def test_objects_are_refused_and_never_loaded(tmp_path: Path) -> None:
    file = packed(
        tmp_path, ("x.npy", header((1,), "|O") + pickle.dumps([Trap()])), ("y.npy", npy(np.array([{}], object)))
    )
    told = failure(file)
    assert "data.npz: x.npy holds Python objects, which are never loaded" in told and "y.npy holds Python" in told


@pytest.mark.parametrize("shape", [(100 * 2**27,), (2**40, 2**40), (13, 4), (11, 4), (-12, -4), (-12, 4)])
def test_a_header_that_claims_another_size_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    file = packed(tmp_path, ("x.npy", header(shape) + X.tobytes()), ("y.npy", npy(Y)))
    assert "data.npz: x.npy claims" in failure(file) and "and holds 384" in failure(file)


def test_a_directory_that_claims_what_cannot_be_packed_is_refused(tmp_path: Path) -> None:
    content, claimed = header((10**11,), "|u1") + bytes(100), len(header((10**11,), "|u1")) + 10**11
    file = packed(tmp_path, ("x.npy", content), ("y.npy", npy(Y)))
    whole = bytearray(file.read_bytes())
    at = whole.index(b"PK\x01\x02")  # the first entry of the directory, where a size takes 4 bytes or an extra field
    extra = b"\x01\x00\x08\x00" + claimed.to_bytes(8, "little")
    entry = whole[at : at + 46 + 5]
    entry[24:28], entry[30:32] = b"\xff" * 4, len(extra).to_bytes(2, "little")
    whole[at : at + 46 + 5] = entry + extra
    end = whole.rindex(b"PK\x05\x06")
    size = int.from_bytes(whole[end + 12 : end + 16], "little") + len(extra)
    whole[end + 12 : end + 16] = size.to_bytes(4, "little")
    file.write_bytes(whole)
    assert "x.npy claims 100,000,000,128 bytes, more than its 228 can hold" in failure(file)


def test_what_does_not_fit_into_memory_is_refused_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dlkit.data.sources.npz.available_memory", lambda: 500)
    assert "data.npz needs 736 bytes of memory, and 500 are left" in refused(tmp_path, {"x": X, "y": Y})


def test_members_that_are_no_arrays_are_named(tmp_path: Path) -> None:
    good = npy(Y)
    for name, told in (
        ("../x.npy", "leads out of the archive"),
        ("/x.npy", "leads out of the archive"),
        ("notes.txt", "is no array: its name does not end in .npy"),
        ("y.npy", "is there more than once"),
    ):
        with pytest.warns(UserWarning) if name == "y.npy" else _nothing():
            file = packed(tmp_path, ("x.npy", good), ("y.npy", good), (name, good))
        assert f"data.npz: {name} {told}" in failure(file)
    file = packed(tmp_path, ("x y.npy", good), ("y.npy", good))
    assert "`x y` is no name for a feature or a target" in failure(file, features=["x y"], targets=["y"])


class _nothing:
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


@pytest.mark.parametrize("content", [b"", b"nothing of the kind", npy(X), header((2**40,))])
def test_a_file_that_is_no_archive_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "data.npz").write_bytes(content)
    assert "data.npz is no archive of NumPy's" in failure(tmp_path / "data.npz")


def test_a_member_that_is_no_array_is_named(tmp_path: Path) -> None:
    for content in (b"", b"PNG", b"\x93NUMPY\x03\x00", b"\x93NUMPY\x01\x00\x04\x00{{{{"):
        file = packed(tmp_path, ("x.npy", content), ("y.npy", npy(Y)))
        assert "data.npz: x.npy is no array of NumPy's, or a damaged one" in failure(file)
    file = packed(tmp_path, ("x.npy", npy(np.zeros(12, "i4,f8"))), ("y.npy", npy(Y)))
    assert "data.npz: x.npy holds [('f0'" in failure(file)


def test_a_changed_byte_is_seen(tmp_path: Path) -> None:
    file = saved(tmp_path, x=X, y=Y)
    content = bytearray(file.read_bytes())
    content[content.index(X.tobytes()) + 5] ^= 1
    file.write_bytes(content)
    assert "data.npz: x.npy cannot be read: Bad CRC-32" in failure(file)


def test_a_missing_file_is_named_with_its_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLKIT_DATA_DIR", str(tmp_path))
    told = failure(Path("none.npz"))
    assert "none.npz" in told and str(tmp_path / "none.npz") in told
    np.savez(tmp_path / "some.npz", x=X, y=Y)
    assert len(npz(Path("some.npz")).train) == 12
    assert "There is no file" in failure(tmp_path)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_is_in_the_file_the_message_is_dlkits(tmp_path: Path, data: st.DataObject) -> None:
    file = saved(tmp_path, x=X, y=Y)
    content = bytearray(file.read_bytes())
    cut = data.draw(st.integers(0, len(content)))
    if data.draw(st.booleans()):
        del content[cut:]
    for place in data.draw(st.lists(st.integers(0, max(0, len(content) - 1)), max_size=4)):
        if content:
            content[place] = data.draw(st.integers(0, 255))
    file.write_bytes(content)
    try:
        npz(file)
    except DlkitError as error:
        assert "data.npz" in str(error)
