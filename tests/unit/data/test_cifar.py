from __future__ import annotations

import hashlib
import io
import os
import pickle
import struct
import subprocess
import sys
import tarfile
import types
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dlkit.data.arrays import Arrays, Splits
from dlkit.data.facts import measure
from dlkit.data.load import load
from dlkit.data.reading import blobs, contents
from dlkit.data.sources.cifar10 import cifar10
from dlkit.data.sources.cifar100 import COARSE, cifar100
from dlkit.errors import DlkitError
from dlkit.recipe.components import Components
from dlkit.recipe.registry import find

LABELS, FINE = (find("source", name).declared["targets"]["label"]["labels"] for name in ("cifar10", "cifar100"))
NAMES = [f"data_batch_{number}" for number in range(1, 6)] + ["test_batch"]
EACH = 3  # examples of a batch
PIXELS = np.random.default_rng(1).integers(0, 256, (6, EACH, 3072), np.uint8)
CLASSES = np.arange(6 * EACH).reshape(6, EACH) % 10


def pickled(batch: int, protocol: int = 3, **changed: Any) -> bytes:
    content = {"data": PIXELS[batch], "labels": CLASSES[batch].tolist(), "filenames": [b"a.png"] * EACH, **changed}
    return pickle.dumps({key.encode(): value for key, value in content.items() if value is not None}, protocol)


def binary(batch: int) -> bytes:
    return np.concatenate([CLASSES[batch][:, None].astype(np.uint8), PIXELS[batch]], axis=1).tobytes()


def by_python_2(batch: int) -> bytes:
    """A batch as the published files have it: strings of bytes, and NumPy's module by its old name."""

    def text(word: bytes) -> bytes:
        return b"U" + bytes([len(word)]) + word

    dtype = (
        b"cnumpy\ndtype\n"
        + text(b"u1")
        + b"K\0K\1\x87R(K\3"
        + text(b"|")
        + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
    )
    raw = PIXELS[batch].tobytes()
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85" + text(b"b") + b"\x87R(K\1"
    array += b"K" + bytes([EACH]) + b"M\0\x0c\x86" + dtype + b"\x89T" + struct.pack("<I", len(raw)) + raw + b"tb"
    labels = b"](" + b"".join(b"K" + bytes([label]) for label in CLASSES[batch].tolist()) + b"e"
    return b"\x80\2}(" + text(b"data") + array + text(b"labels") + labels + b"u."


def write(folder: Path, make: Callable[[int], bytes] = pickled, ending: str = "", **changed: bytes) -> Path:
    """The six batches, some of them with another content; an empty one is left out."""
    folder.mkdir(parents=True)
    for number, name in enumerate(NAMES):
        content = changed.get(name, make(number))
        if content:
            (folder / f"{name}{ending}").write_bytes(content)
    return folder


def tar(path: Path, members: dict[str, bytes | tarfile.TarInfo]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                archive.addfile(content)
            else:
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return path


def whole(folder: str = "cifar-10-batches-py") -> dict[str, bytes | tarfile.TarInfo]:
    return {f"{folder}/{name}": pickled(number) for number, name in enumerate(NAMES)}


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    return made


def picture(shade: int = 0, size: tuple[int, int] = (32, 32), kind: str = "PNG", mode: str = "RGB") -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, shade if mode == "L" else (shade, 0, 255 - shade)).save(file, kind)
    return file.getvalue()


def archive_of_pictures(path: Path, **changed: bytes | None) -> Path:
    """A picture of each class in each split; `train_cat` changes one, and None leaves it out."""
    with zipfile.ZipFile(path, "w") as archive:
        for split in ("test", "train"):
            for number, name in reversed(list(enumerate(LABELS))):
                content = changed.get(f"{split}_{name}", picture(number))
                if content is not None:
                    archive.writestr(f"{split}/{name}/0000.png", content)
        for name, content in changed.items():
            if "/" in name and content is not None:
                archive.writestr(name, content)
    return path


def message_of(path: Path, source: Callable[[str], Splits] = cifar10) -> str:
    with pytest.raises(DlkitError) as error:
        source(str(path))
    return error.value.message


def is_whole(splits: Splits) -> None:
    assert splits.test is not None and splits.validation is None
    pixels = np.concatenate([part.features["image"] for part in (splits.train, splits.test)])
    np.testing.assert_array_equal(pixels, PIXELS.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
    assert pixels.dtype == np.uint8 and splits.train.features["image"].flags.c_contiguous
    assert splits.train.targets["label"].tolist() == CLASSES[:5].flatten().tolist()
    assert splits.test.targets["label"].tolist() == CLASSES[5].tolist()
    assert splits.train.targets["label"].dtype == np.int32


@pytest.fixture(autouse=True)
def keras(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """No folder that is looked at holds the files, and nothing can be downloaded."""
    monkeypatch.setenv("DLKIT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))

    def load_data(**arguments: Any) -> None:
        raise Exception("URL fetch failure: no network")

    fake: Any = types.ModuleType("keras")
    fake.datasets = types.SimpleNamespace(
        **{name: types.SimpleNamespace(load_data=load_data) for name in ("cifar10", "cifar100")}
    )
    monkeypatch.setitem(sys.modules, "keras", fake)
    return fake


# What is read


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_reads_pickles_of_every_protocol_that_has_bytes(tmp_path: Path, protocol: int) -> None:
    is_whole(cifar10(str(write(tmp_path / "mine", lambda batch: pickled(batch, protocol)))))


def test_reads_pickles_as_they_were_published(tmp_path: Path) -> None:
    is_whole(cifar10(str(write(tmp_path / "mine", by_python_2))))


def test_reads_labels_that_are_an_array_and_pixels_in_another_order(tmp_path: Path) -> None:
    def make(batch: int) -> bytes:
        return pickled(batch, data=np.asfortranarray(PIXELS[batch]), labels=CLASSES[batch].astype(">i2"))

    is_whole(cifar10(str(write(tmp_path / "mine", make))))


def test_reads_binary_batches(tmp_path: Path) -> None:
    is_whole(cifar10(str(write(tmp_path / "mine", binary, ".bin"))))


@pytest.mark.parametrize("ending", ["", ".bin"])
def test_reads_archives_in_memory(tmp_path: Path, ending: str) -> None:
    make = binary if ending else pickled
    members: Any = {f"cifar-10/{name}{ending}": make(number) for number, name in enumerate(NAMES)}
    members["cifar-10/readme.html"] = b"<html>"
    members["cifar-10/batches.meta"] = pickle.dumps(os.getcwd)  # is never read
    is_whole(cifar10(str(tar(tmp_path / "mine.tar.gz", members))))
    assert os.listdir(tmp_path) == ["mine.tar.gz"]


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_reads_an_archive_of_pictures_by_class_and_name(tmp_path: Path, kind: str) -> None:
    more = {
        "train/dog/0001.jpg": picture(200, kind=kind, mode="L"),
        "__MACOSX/train/dog/._0001.jpg": b"x",
        "train/dog/": b"",
    }
    splits = cifar10(str(archive_of_pictures(tmp_path / "mine.zip", **more)))
    assert splits.test is not None and splits.test.targets["label"].tolist() == list(range(10))
    assert splits.train.targets["label"].tolist() == [0, 1, 2, 3, 4, 5, 5, 6, 7, 8, 9]
    assert splits.train.features["image"].shape == (11, 32, 32, 3)
    assert splits.train.features["image"][:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4, 5, 200, 6, 7, 8, 9]


def write_100(folder: Path, ending: str) -> Path:
    """Two pictures to train on and one to test on; the class 99 of the group 19 is the first."""
    folder.mkdir(parents=True)
    for name, fine, coarse in (("train", [99, 4], [19, 0]), ("test", [0], [4])):
        pixels = PIXELS[0, : len(fine)]
        content = {b"data": pixels, b"fine_labels": fine, b"coarse_labels": coarse}
        records = np.concatenate([np.array([coarse, fine], np.uint8).T, pixels], axis=1)
        (folder / f"{name}{ending}").write_bytes(records.tobytes() if ending else pickle.dumps(content, 3))
    (folder / "file.txt~").write_bytes(b"")  # as published
    return folder


@pytest.mark.parametrize("ending", ["", ".bin"])
@pytest.mark.parametrize(("mode", "classes", "known"), [("fine", [99, 4], FINE), ("coarse", [19, 0], COARSE)])
def test_cifar100_has_two_labelings(tmp_path: Path, ending: str, mode: Any, classes: list[int], known: list) -> None:
    splits = cifar100(str(write_100(tmp_path / "mine", ending)), label_mode=mode)
    assert splits.train.targets["label"].tolist() == classes
    np.testing.assert_array_equal(
        splits.train.features["image"], PIXELS[0, :2].reshape(2, 3, 32, 32).transpose(0, 2, 3, 1)
    )
    assert [known[number] for number in classes] == {
        "fine": ["worm", "beaver"],
        "coarse": ["vehicles_2", "aquatic_mammals"],
    }[mode]


@pytest.mark.parametrize(("mode", "count"), [("fine", 100), ("coarse", 20)])
def test_the_facts_are_those_of_the_labeling(tmp_path: Path, mode: str, count: int) -> None:
    path = str(write_100(tmp_path / "mine", ".bin"))
    declared = Components().source_facts("cifar100", {"label_mode": mode})
    splits = load("cifar100", {"path": path, "label_mode": mode}, declared=declared, validation=0, seed=1)
    facts = measure(splits, declared, 32)
    assert facts.classes == count
    assert facts.targets["label"].labels == tuple(FINE if mode == "fine" else COARSE)


# A choice of classes


@pytest.mark.parametrize("form", ["batches", "pictures"])
def test_a_choice_of_classes_is_numbered_in_its_order(tmp_path: Path, form: str) -> None:
    path = write(tmp_path / "mine") if form == "batches" else archive_of_pictures(tmp_path / "mine.zip")
    chosen = ["ship", "cat", "airplane"]
    whole, splits = cifar10(str(path)), cifar10(str(path), chosen)
    for before, after in ((whole.train, splits.train), (whole.test, splits.test)):
        wanted = [row for row, label in enumerate(before.targets["label"]) if LABELS[label] in chosen]
        np.testing.assert_array_equal(after.features["image"], before.features["image"][wanted])
        names = [LABELS[label] for label in before.targets["label"][wanted]]
        assert [chosen[label] for label in after.targets["label"]] == names
        assert after.targets["label"].dtype == np.int32


def test_the_facts_are_those_of_the_chosen_classes(tmp_path: Path) -> None:
    arguments = {"path": str(write_100(tmp_path / "mine", ".bin")), "label_mode": "coarse"}
    names = ["vehicles_2", COARSE[4], "aquatic_mammals"]
    chosen = {**arguments, "classes": names}
    declared = Components().source_facts("cifar100", chosen)
    assert declared.classes == 3
    facts = measure(load("cifar100", chosen, declared=declared, validation=0, seed=1), declared, 32)
    assert (facts.classes, facts.targets["label"].labels) == (3, tuple(names))


@pytest.mark.parametrize(
    ("classes", "told"),
    [(["cat", "dgo"], "there is no class dgo"), (["cat"], "several different"), (["cat", "cat"], "several different")],
)
def test_a_choice_that_cannot_be_is_told(tmp_path: Path, classes: list[str], told: str) -> None:
    with pytest.raises(DlkitError, match=told) as raised:
        cifar10(str(write(tmp_path / "mine")), classes)
    assert raised.value.code == "unknown-class" and "airplane" in (raised.value.cure or "")


# Where it is looked for


@pytest.mark.parametrize(
    "place",
    [
        "data/cifar10",
        "data/cifar10/cifar-10-batches-py",
        "data/cifar-10-batches-py",
        "keras/datasets/cifar-10-batches-py-target/cifar-10-batches-py",
        "keras/datasets/cifar-10-batches-py",
    ],
)
def test_looks_in_every_place(tmp_path: Path, place: str) -> None:
    write(tmp_path / place)
    is_whole(cifar10())


@pytest.mark.parametrize("path", ["", "cifar-10-python.tar.gz"])
def test_an_archive_is_found_by_its_name(tmp_path: Path, path: str) -> None:
    tar(tmp_path / "cifar-10-python.tar.gz", whole())
    is_whole(cifar10(str(tmp_path / path)))


def test_the_archive_of_pictures_is_found(tmp_path: Path) -> None:
    (tmp_path / "data" / "cifar10").mkdir(parents=True)
    archive_of_pictures(tmp_path / "data" / "cifar10" / "cifar10-images.zip")
    assert len(cifar10().train) == 10


def test_a_place_that_lacks_a_batch_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "data" / "cifar10" / "cifar-10-batches-py", data_batch_4=b"")
    write(tmp_path / "keras" / "datasets" / "cifar-10-batches-py")
    is_whole(cifar10())


@pytest.mark.parametrize(("source", "name"), [(cifar10, "cifar10"), (cifar100, "cifar100")])
def test_offline_the_error_lists_every_place_and_the_cure(tmp_path: Path, source: Any, name: str) -> None:
    folder = {"cifar10": "cifar-10-batches-py", "cifar100": "cifar-100-python"}[name]
    (tmp_path / "data" / name).mkdir(parents=True)
    with pytest.raises(DlkitError) as error:
        source()
    assert f"{tmp_path / 'data' / name}: none of {folder}" in error.value.message
    for place in (f"data/{folder}", f"keras/datasets/{folder}-target", f"keras/datasets/{folder}"):
        assert f"{tmp_path / place}: no such folder" in error.value.message
    assert "download by Keras: URL fetch failure: no network" in error.value.message
    assert "tar.gz" in (error.value.cure or "") and "set `path`" in (error.value.cure or "")


def test_a_missing_batch_of_the_path_is_named(tmp_path: Path) -> None:
    folder = write(tmp_path / "mine" / "cifar-10-batches-bin", binary, ".bin", data_batch_4=b"", test_batch=b"")
    write(tmp_path / "data" / "cifar10")
    assert "cifar-10-batches-bin lacks data_batch_4.bin, test_batch.bin" in message_of(folder)
    assert "cifar-10-batches-bin lacks data_batch_4.bin, test_batch.bin" in message_of(folder.parent)


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, scan = write(tmp_path / "mine" / "cifar-10-batches-py"), os.scandir

    def refuse(path: Any) -> Any:
        if Path(path) == folder:
            raise PermissionError(13, "Permission denied")  # not by chmod: tests may run as root
        return scan(path)

    with monkeypatch.context() as patch:
        patch.setattr("os.scandir", refuse)
        assert f"{folder}: cannot be read: Permission denied" in message_of(folder)
        assert "cifar-10-batches-py cannot be read: Permission denied" in message_of(folder.parent)


def test_files_that_cannot_be_read_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, opened = write(tmp_path / "mine"), open

    def refuse(path: Any, *arguments: Any, **more: Any) -> Any:
        if Path(path).name in ("data_batch_2", "test_batch"):
            raise PermissionError(13, "Permission denied")
        return opened(path, *arguments, **more)

    monkeypatch.setattr("builtins.open", refuse)
    message = message_of(folder)
    assert f"{folder / 'data_batch_2'} cannot be read: Permission denied" in message
    assert f"{folder / 'test_batch'} cannot be read: Permission denied" in message
    assert len(message.splitlines()) == 2


@pytest.mark.parametrize("channels_last", [True, False])
def test_what_keras_downloads_is_taken(keras: Any, channels_last: bool, capsys: pytest.CaptureFixture[str]) -> None:
    def load_data() -> Any:
        print("Downloading data")
        images = PIXELS.reshape(-1, 3, 32, 32)
        images, labels = images.transpose(0, 2, 3, 1) if channels_last else images, CLASSES.reshape(-1, 1)
        return (images[:15], labels[:15].astype(np.uint8)), (images[15:], labels[15:].astype(np.uint8))

    keras.datasets.cifar10.load_data = load_data
    splits = cifar10()
    np.testing.assert_array_equal(splits.train.features["image"][0], PIXELS[0, 0].reshape(3, 32, 32).transpose(1, 2, 0))
    assert splits.test is not None and splits.test.targets["label"].tolist() == CLASSES[5].tolist()
    assert capsys.readouterr().out == ""


def test_keras_is_asked_for_the_labeling(keras: Any) -> None:
    asked = []
    keras.datasets.cifar100.load_data = lambda **arguments: (
        asked.append(arguments) or [(np.zeros((1, 32, 32, 3), np.uint8), np.zeros((1, 1), np.uint8))] * 2
    )
    cifar100(label_mode="coarse")
    assert asked == [{"label_mode": "coarse"}]


# Bad batches


class Evil:
    def __reduce__(self) -> Any:
        return os.system, ("touch run-by-a-pickle",)


BAD_PICKLES = {
    "cut short": (pickled(2)[:-100], "data_batch_3 is cut short"),
    "cut in the labels": (pickled(2)[:-10], "data_batch_3 is"),
    "empty": (b"\n", "data_batch_3 is no pickle"),
    "no pickle": (b"<html>404</html>", "data_batch_3 is no pickle, or a damaged one"),
    "a list": (pickle.dumps([1, 2]), "data_batch_3 holds a list, where a mapping is expected"),
    "no data": (pickled(2, data=None), "data_batch_3 has no `data`"),
    "no labels": (pickled(2, labels=None), "data_batch_3 has no `labels`"),
    "data as a list": (pickled(2, data=[["a"]]), "`data` is no array of integers"),
    "objects": (pickled(2, data=np.array([None, {}])), "`data` is a damaged array: its values are no integers"),
    "floats": (pickled(2, data=np.zeros((3, 3072))), "its values are no integers"),
    "another type": (pickled(2, data=PIXELS[2].astype(np.int16)), r"`data` is int16 of shape \(3, 3072\)"),
    "another size": (pickled(2, data=PIXELS[2][:, :3000]), r"`data` is uint8 of shape \(3, 3000\)"),
    "no pictures": (pickled(2, data=PIXELS[2][:0], labels=[]), r"uint8 of shape \(0, 3072\)"),
    "more labels": (pickled(2, labels=[1, 2, 3, 4]), "data_batch_3 holds 3 pictures and 4 labels"),
    "fewer labels": (pickled(2, labels=[1, 2]), "data_batch_3 holds 3 pictures and 2 labels"),
    "a high label": (pickled(2, labels=[1, 10, 3]), "data_batch_3: example 1 has the label 10, which is none of 0 to 9"),
    "a low label": (pickled(2, labels=[1, 2, -1]), "example 2 has the label -1"),
    "a giant label": (pickled(2, labels=[1, 2, 2**70]), "`labels` is a damaged array"),
    "labels as text": (pickled(2, labels=["cat"] * 3), "`labels` is no array of integers"),
    "labels of two axes": (pickled(2, labels=CLASSES[:1]), r"its labels are int64 of shape \(1, 3\)"),
    "evil": (pickle.dumps({b"data": Evil()}), r"data_batch_3 asks for `(posix|nt).system` to be run, .* it was not run"),
    "evil inside": (pickled(2, filenames=[Evil()]), "system` to be run"),
    "a class": (pickled(2, filenames=[Path("x")]), "asks for `pathlib.*` to be run"),
    "eval": (b"cbuiltins\neval\n(S'1/0'\ntR.", "asks for `builtins.eval` to be run"),
    "a call of an array": (b"cnumpy\nndarray\n(I99999999999\ntR.", "is no pickle, or a damaged one"),
    "more shape than bytes": (pickled(2).replace(b"K\x03M\x00\x0c\x86", b"K\x7fM\x00\x0c\x86", 1), "`data` is a damaged array"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_PICKLES)
def test_bad_pickles_are_named_and_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    monkeypatch.chdir(tmp_path)
    content, message = BAD_PICKLES[case]
    folder = write(tmp_path / "mine", data_batch_3=content)
    with pytest.raises(DlkitError, match=message) as error:
        cifar10(str(folder))
    assert str(folder / "data_batch_3") in error.value.message
    with pytest.raises(DlkitError, match=message):  # and in an archive
        members = {**whole(), "cifar-10-batches-py/data_batch_3": content}
        cifar10(str(tar(tmp_path / "mine.tar.gz", members)))
    assert sorted(os.listdir(tmp_path)) == ["mine", "mine.tar.gz"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            binary(2)[:-1],
            r"data_batch_3.bin holds 9,218 bytes, which are no whole records of 3,073 bytes \(1 of labels",
        ),
        (binary(2) + b"\0", "holds 9,220 bytes"),
        (binary(2)[: 2 * 3073], "different numbers of pictures: data_batch_1 3, data_batch_2 3, data_batch_3 2,"),
        (b"\x0a" + binary(2)[1:], "data_batch_3.bin: example 0 has the label 10, which is none of 0 to 9"),
    ],
)
def test_bad_binary_batches_are_named(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(DlkitError, match=message):
        cifar10(str(write(tmp_path / "mine", binary, ".bin", data_batch_3=content)))


def test_records_of_cifar10_are_none_of_cifar100(tmp_path: Path) -> None:
    folder = write_100(tmp_path / "mine", ".bin")
    (folder / "train.bin").write_bytes(binary(0))
    assert "train.bin holds 9,219 bytes, which are no whole records of 3,074 bytes (2 of labels" in message_of(
        folder, cifar100
    )


@pytest.mark.parametrize(("column", "message"), [(0, "label 20, which is none of 0 to 19"), (1, "label 100, which is")])
def test_both_labels_of_cifar100_are_checked(tmp_path: Path, column: int, message: str) -> None:
    folder = write_100(tmp_path / "mine", ".bin")
    content = bytearray((folder / "test.bin").read_bytes())
    content[column] = (20, 100)[column]
    (folder / "test.bin").write_bytes(content)
    assert message in message_of(folder, cifar100)


def test_an_empty_binary_file_is_named(tmp_path: Path) -> None:
    folder = write(tmp_path / "mine", binary, ".bin")
    (folder / "test_batch.bin").write_bytes(b"")
    assert "test_batch.bin holds 0 bytes" in message_of(folder)


def test_stray_files_and_all_bad_files_are_named_at_once(tmp_path: Path) -> None:
    folder = write(tmp_path / "mine", data_batch_1=b"x", test_batch=pickle.dumps(Evil()))
    (folder / "data_batch_6").write_bytes(pickled(0))
    message = message_of(folder).splitlines()
    assert len(message) == 3
    assert message[0].startswith(f"{folder / 'data_batch_1'} is no pickle")
    assert message[1] == f"{folder / 'data_batch_6'} is a stray file: it is none of CIFAR-10"
    assert message[2].startswith(f"{folder / 'test_batch'} asks for")


def test_a_giant_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blobs, "MOST_BYTES", 10_000)
    folder = write(tmp_path / "mine", data_batch_2=bytes(10_001))
    assert message_of(folder) == f"{folder / 'data_batch_2'} has 10,001 bytes, where 10,000 are the most"


# Bad archives


@pytest.mark.parametrize(
    ("name", "member", "message"),
    [
        ("../data_batch_6", b"x", "../data_batch_6 leads out of the archive"),
        ("a/../../x", b"x", "a/../../x leads out of the archive"),
        ("/etc/passwd", b"x", "/etc/passwd leads out of the archive"),
        ("C:/x", b"x", "C:/x leads out of the archive"),
        ("..\\x", b"x", "..\\x leads out of the archive"),
        ("l", link("l", "../../etc/passwd"), "l is a link that leads out of the archive, to ../../etc/passwd"),
        ("l", link("l", "/etc/passwd"), "l is a link that leads out of the archive, to /etc/passwd"),
        ("a/l", link("a/l", "../x/../../y"), "a/l is a link that leads out of the archive"),
        ("a/l", link("a/l", "../y", tarfile.LNKTYPE), "a/l is a link that leads out of the archive"),
        ("a/l", link("a/l", "../y"), "a/l is a link, to ../y"),
        ("f", link("f", "", tarfile.FIFOTYPE), "f is neither a file nor a folder"),
        ("x.exe", b"x", "x.exe is a stray file"),
        ("more/test_batch", pickled(5), "test_batch is there more than once"),
        ("big", b"x" * 20_001, "big claims 20,001 bytes, where 20,000 are the most"),
    ],
)
def test_bad_members_of_an_archive_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, member: Any, message: str
) -> None:
    monkeypatch.setattr(contents, "MOST_BYTES", 20_000)
    archive = tar(tmp_path / "inner.tar.gz", {**whole(), name: member})
    assert message in message_of(archive)
    assert str(archive) in message_of(archive)
    assert os.listdir(tmp_path) == ["inner.tar.gz"]


def test_all_bad_members_are_named_up_to_ten(tmp_path: Path) -> None:
    bad: Any = {f"../x{number}": b"" for number in range(12)}
    lines = message_of(tar(tmp_path / "mine.tar.gz", {**bad, **whole()})).splitlines()
    assert len(lines) == 11 and "../x9" in lines[9] and lines[10] == "and 2 more like these"


def test_a_missing_member_is_named(tmp_path: Path) -> None:
    members = whole()
    del members["cifar-10-batches-py/data_batch_5"]
    archive = tar(tmp_path / "mine.tar.gz", members)
    assert message_of(archive) == f"{archive} lacks data_batch_5"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content[: len(content) // 2], "is cut short: its compressed data ends too early"),
        (
            lambda content: content[:9_000] + bytes([content[9_000] ^ 1]) + content[9_001:],
            "cannot be read: CRC check failed",
        ),
        (lambda content: b"PK\3\4" + content, "is no tar archive, or a damaged one"),
        (lambda content: b"", "is no tar archive, or a damaged one"),
    ],
)
def test_damaged_archives_are_named(tmp_path: Path, change: Any, message: str) -> None:
    archive = tar(tmp_path / "mine.tar.gz", whole())
    archive.write_bytes(change(archive.read_bytes()))
    assert f"{archive} {message}" in message_of(archive)


# Bad pictures


def giant_png() -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train_cat", b"", "train/cat/0000.png is empty"),
        ("train_cat", picture(kind="JPEG")[:-200], "train/cat/0000.png is a damaged picture"),
        ("train_cat", picture()[:60], "train/cat/0000.png is a damaged picture"),
        ("train_cat", b"<html>", "train/cat/0000.png is no picture"),
        ("train_cat", picture(size=(33, 32)), "train/cat/0000.png has 33 x 32 pixels, where 32 x 32 are expected"),
        ("train_cat", picture(size=(10_000, 9_500), mode="L"), "train/cat/0000.png has 10,000 x 9,500 pixels"),
        (
            "train_cat",
            giant_png(),
            "train/cat/0000.png has more than 178,956,970 pixels, where 89,478,485 are the most",
        ),
        ("train_cat", None, "train/cat holds no pictures"),
        ("train/cat/notes.txt", b"x", "train/cat/notes.txt is a stray file"),
        ("cat/0001.png", picture(), "cat/0001.png is a stray file"),
        ("/README", b"x", "/README leads out of the archive"),
        ("train/unicorn/0.png", picture(), "test/unicorn holds no pictures"),
        ("train/../cat/1.png", picture(), "train/../cat/1.png leads out of the archive"),
        ("/train/cat/1.png", picture(), "/train/cat/1.png leads out of the archive"),
    ],
)
def test_bad_pictures_are_named(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    archive = archive_of_pictures(tmp_path / "mine.zip", **{name: content})
    assert message_of(archive).startswith(f"{archive}: {message}")


def test_all_bad_pictures_are_named_at_once(tmp_path: Path) -> None:
    changed: Any = {"train_cat": b"", "test_dog": b"x"}
    lines = message_of(archive_of_pictures(tmp_path / "mine.zip", **changed)).splitlines()
    assert len(lines) == 2
    assert "train/cat/0000.png is empty" in lines[0] and "test/dog/0000.png is no picture" in lines[1]


def test_stray_files_and_bad_pictures_are_named_at_once(tmp_path: Path) -> None:
    changed: Any = {"train/cat/notes.txt": b"x", "test/0.png": picture(), "train_dog": b"x"}
    lines = message_of(archive_of_pictures(tmp_path / "mine.zip", **changed)).splitlines()
    assert len(lines) == 3 and "train/dog/0000.png is no picture" in lines[2]
    assert "test/0.png is a stray file" in lines[0] and "train/cat/notes.txt is a stray file" in lines[1]


def test_unknown_and_missing_classes_are_named(tmp_path: Path) -> None:
    changed: Any = {"train_cat": None, "test_cat": None}
    changed |= {f"{split}/unicorn/0.png": picture() for split in ("train", "test")}
    archive = archive_of_pictures(tmp_path / "mine.zip", **changed)
    assert message_of(archive).splitlines() == [
        f"{archive} has a folder of no known class: unicorn",
        f"{archive} has no pictures of the class cat",
    ]


@pytest.mark.parametrize(
    ("splits", "told"),
    [
        (["train/"], "has the splits train, where train, test"),
        (["train/", "test/", "val/"], "has the splits train, validation, test, where train, test"),
        ([""], "has no splits, where train, test"),
        (["test/"], "has no folder `train`"),
    ],
)
def test_other_splits_are_named(tmp_path: Path, splits: list[str], told: str) -> None:
    archive = tmp_path / "mine.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for folder in [f"{split}{label}" for split in splits for label in LABELS]:
            opened.writestr(f"{folder}/0.png", picture())
    assert message_of(archive).startswith(f"{archive} {told}")


def test_a_giant_picture_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "MOST_BYTES", 10_000)
    archive = archive_of_pictures(tmp_path / "mine.zip", train_cat=bytes(10_001))
    assert (
        message_of(archive).splitlines()[0]
        == f"{archive}: train/cat/0000.png claims 10,001 bytes, where 10,000 are the most"
    )


def test_an_encrypted_picture_is_named(tmp_path: Path) -> None:
    archive = archive_of_pictures(tmp_path / "mine.zip")
    content = bytearray(archive.read_bytes())
    content[content.index(b"PK\1\2") + 8] |= 1
    archive.write_bytes(content)
    assert "0000.png is encrypted" in message_of(archive)


def test_links_and_repeated_pictures_are_named(tmp_path: Path) -> None:
    archive = archive_of_pictures(tmp_path / "mine.zip")
    with zipfile.ZipFile(archive, "a") as opened:
        info = zipfile.ZipInfo("train/cat/0001.png")
        info.external_attr = 0o120777 << 16
        opened.writestr(info, "/etc/passwd")
        with pytest.warns(UserWarning, match="Duplicate name"):
            opened.writestr("train/dog/0000.png", picture())
    message = message_of(archive)
    assert "train/cat/0001.png is a link" in message
    assert "train/dog/0000.png is there more than once" in message


def test_a_stray_file_at_the_top_is_named(tmp_path: Path) -> None:
    archive = archive_of_pictures(tmp_path / "mine.zip")
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr("notes.txt", "x")
    assert message_of(archive).startswith(f"{archive}: notes.txt is a stray file")


def test_a_member_that_was_changed_after_packing_is_named(tmp_path: Path) -> None:
    archive = archive_of_pictures(tmp_path / "mine.zip")
    content = bytearray(archive.read_bytes())
    content[content.index(b"train/cat/0000.png") + 30] ^= 0xFF
    archive.write_bytes(content)
    assert "train/cat/0000.png is damaged: its checksum is another" in message_of(archive)


@pytest.mark.parametrize("keep", [0, 100, -30])
def test_a_zip_cut_short_is_named(tmp_path: Path, keep: int) -> None:
    archive = archive_of_pictures(tmp_path / "mine.zip")
    archive.write_bytes(archive.read_bytes()[:keep])
    assert f"{archive} is no zip archive, or a damaged one" in message_of(archive)


# The pictures of CIFAR-10 at hand


def as_a_set(part: Arrays | None) -> list[bytes]:
    """A mark of every picture with its class, in an order of its own."""
    assert part is not None
    pairs = zip(part.targets["label"].tolist(), part.features["image"], strict=True)
    return sorted(hashlib.blake2b(bytes([label]) + image.tobytes()).digest() for label, image in pairs)


def test_batches_and_pictures_of_cifar10_are_the_same(data_dir: Path, tmp_path: Path) -> None:
    pictures, tool = data_dir / "cifar10" / "cifar10-images.zip", data_dir.parent / "tools" / "make_cifar10_batches.py"
    for needed in (pictures, tool):
        if not needed.is_file():
            pytest.skip(f"needs {needed}")
    subprocess.run([sys.executable, str(tool), str(tmp_path)], check=True, capture_output=True)
    batches, read = cifar10(str(tmp_path)), cifar10(str(pictures))
    for split, count in (("train", 5_000), ("test", 1_000)):
        ours, theirs = getattr(batches, split), getattr(read, split)
        assert np.bincount(ours.targets["label"]).tolist() == [count] * 10
        assert np.bincount(theirs.targets["label"]).tolist() == [count] * 10
        assert as_a_set(ours) == as_a_set(theirs)
