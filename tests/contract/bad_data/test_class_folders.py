"""Bad folders of classes, each as a folder, a zip and a tar: `image_folder`, `audio_folder`, `text_folder`."""

from __future__ import annotations

import io
import struct
import tarfile
import wave
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dlkit.data import cache

Refused = Callable[..., str]
Files = dict[str, bytes]
FORMS = ("folder", "zip", "tar", "tar.gz")


def picture(kind: str = "PNG", size: int = 9) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(size).integers(0, 256, (size, size, 3), np.uint8)).save(file, kind)
    return file.getvalue()


def huge_png(width: int, height: int) -> bytes:
    """The header of a picture, and pixels of one row only."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1 + 3 * width))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def sound(samples: int = 200, rate: int = 2_000) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as opened:
        opened.setparams((1, 2, rate, 0, "NONE", ""))
        opened.writeframes(np.arange(samples, dtype="<i2").tobytes())
    return file.getvalue()


def claims(samples: int) -> bytes:
    """A sound whose header claims more than there is."""
    whole = bytearray(sound())
    whole[40:44] = struct.pack("<I", samples)
    return bytes(whole)


GOOD: dict[str, tuple[str, bytes]] = {
    "image_folder": (".png", picture()),
    "audio_folder": (".wav", sound()),
    "text_folder": (".txt", b"What a day.\n"),
}


def files_of(source: str, changed: dict[str, bytes | None]) -> Files:
    """A sound folder, but for some of its files; None leaves one out, and every file of a class by its name."""
    suffix, content = GOOD[source]
    files: dict[str, bytes | None] = {
        f"{label}/{row}{suffix}": content for label in ("cat", "dog") for row in range(20)
    }
    for name, other in changed.items():
        if other is None:
            files = {known: held for known, held in files.items() if not known.startswith(name)}
        else:
            files[name] = other
    return {name: held for name, held in files.items() if held is not None}


def pack(folder: Path, files: Files, form: str) -> str:
    """Writes a folder or an archive; a name that ends in a slash is a folder."""
    if form == "folder":
        for name, content in files.items():
            path = folder / "bad" / name
            (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
            if not name.endswith("/"):
                path.write_bytes(content)
        (folder / "bad").mkdir(exist_ok=True)
        return str(folder / "bad")
    path = folder / f"bad.{form}"
    if form == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return str(path)
    with tarfile.open(path, "w:gz" if form == "tar.gz" else "w") as packed:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.type = len(content), tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            packed.addfile(member, io.BytesIO(content))
    return str(path)


# What is wrong, by source: the files that are other than sound, and what the message tells of them.
PICTURES: dict[str, tuple[dict[str, bytes | None], tuple[str, ...]]] = {
    "pictures cut short": ({"cat/1.png": picture()[:150], "dog/2.png": picture()[:150]}, ("cat/1.png", "dog/2.png")),
    "JPEG files cut short": (
        {"cat/1.png": picture("JPEG")[:-80], "dog/2.png": picture("JPEG")[:-80]}, ("cat/1.png", "dog/2.png")
    ),
    "pictures cut in their header": ({"cat/1.png": picture()[:20], "dog/2.png": picture()[:3]}, ("cat/1.png", "dog/2.png")),
    "pictures of zero bytes": ({"cat/1.png": b"", "dog/2.png": b""}, ("cat/1.png is empty", "dog/2.png is empty")),
    "pictures of 30,000 x 30,000 pixels": (
        {"cat/1.png": huge_png(30_000, 30_000), "dog/2.png": huge_png(30_000, 30_000)}, ("cat/1.png", "dog/2.png", "pixels")
    ),
    "a picture of 4 billion pixels a row": ({"cat/1.png": huge_png(2**31 - 1, 1)[:60]}, ("cat/1.png",)),
    "texts named as pictures": ({"cat/1.png": b"a cat", "dog/2.png": b"<svg/>"}, ("cat/1.png is no picture", "dog/2.png")),
    "pictures of different sizes": ({"cat/1.png": picture(size=7)}, ("cat/1.png", "[7, 7]", "`size: [9, 9]`")),
}  # fmt: skip
SOUNDS: dict[str, tuple[dict[str, bytes | None], tuple[str, ...]]] = {
    "sounds cut short": ({"cat/1.wav": sound()[:99], "dog/2.wav": sound()[:30]}, ("cat/1.wav is cut short", "dog/2.wav")),
    "sounds of zero bytes": ({"cat/1.wav": b"", "dog/2.wav": b""}, ("cat/1.wav is empty", "dog/2.wav is empty")),
    "sounds that claim 4 GB": ({"cat/1.wav": claims(2**32 - 1)}, ("cat/1.wav is cut short",)),
    "sounds without samples": ({"cat/1.wav": sound(0)}, ("cat/1.wav holds no sound",)),
    "pictures named as sounds": ({"cat/1.wav": picture(), "dog/2.wav": picture()}, ("cat/1.wav is no wav", "dog/2.wav")),
    "sounds of different lengths": ({"cat/1.wav": sound(100)}, ("cat/1.wav", "100", "`seconds: 0.1`")),
    "sounds of different rates": ({"cat/1.wav": sound(rate=4_000)}, ("cat/1.wav", "4,000", "`sample_rate")),
}  # fmt: skip
TEXTS: dict[str, tuple[dict[str, bytes | None], tuple[str, ...]]] = {
    "texts that are no UTF-8": (
        {"cat/1.txt": b"good\nna\xefve", "dog/2.txt": b"\xff\xfeg\0"}, ("cat/1.txt:2:", "dog/2.txt:1:", "UTF-8")
    ),
    "texts of zero bytes": ({"cat/1.txt": b"", "dog/2.txt": b" \n"}, ("cat/1.txt holds no text", "dog/2.txt holds no")),
    "pictures named as texts": ({"cat/1.txt": picture(), "dog/2.txt": picture()}, ("cat/1.txt:1:", "dog/2.txt:1:")),
}  # fmt: skip
OWN = [
    (source, title)
    for source, cases in (("image_folder", PICTURES), ("audio_folder", SOUNDS), ("text_folder", TEXTS))
    for title in cases
]
EVERY = {**PICTURES, **SOUNDS, **TEXTS}
X = "{suffix}"
SHARED: dict[str, tuple[dict[str, bytes | None], tuple[str, ...]]] = {
    "stray files": ({"cat/1.exe": b"MZ", "notes.doc": b"?"}, ("1.exe is a stray file", "notes.doc is a stray file")),
    "empty classes": ({"bird/": b"", "cow/": b""}, ("bird holds no", "cow holds no")),
    "one class only": ({"dog": None}, ("only one class: cat",)),
    "nothing at all": ({"dog": None, "cat": None}, ("bad", "holds no")),
    "folders of folders of folders": (
        {"cat": None, "dog": None, f"a/b/c/d/1{X}": b"1", f"a/b/e/f/2{X}": b"2"}, (f"a/b/c/d/1{X}", f"a/b/e/f/2{X}")
    ),
    "files without classes": ({"cat": None, "dog": None, f"1{X}": b"1", f"2{X}": b"2"}, (f"1{X}", f"2{X}")),
    "splits without classes": (
        {"cat": None, "dog": None, f"train/1{X}": b"1", f"test/2{X}": b"2"}, ("train", "test", "classes")
    ),
    "a class that the test split lacks": (
        {"cat": None, "dog": None, **{f"{where}/1{X}": b"1" for where in ("train/cat", "train/dog", "test/cat")}},
        ("test/dog holds no",),
    ),
    "no training split": (
        {"cat": None, "dog": None, f"test/cat/1{X}": b"1", f"test/dog/1{X}": b"1"}, ("no folder `train`",)
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("source", "title"), OWN)
def test_files(source: str, title: str, form: str, tmp_path: Path, refused: Refused) -> None:
    changed, told = EVERY[title]
    refused(source, {"path": pack(tmp_path, files_of(source, changed), form)}, *told)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("source", GOOD)
@pytest.mark.parametrize("title", SHARED)
def test_layout(title: str, source: str, form: str, tmp_path: Path, refused: Refused) -> None:
    suffix = GOOD[source][0]
    changed, told = SHARED[title]
    files = files_of(source, {name.replace(X, suffix): held for name, held in changed.items()})
    refused(source, {"path": pack(tmp_path, files, form)}, *(part.replace(X, suffix) for part in told))


@pytest.mark.parametrize("mode", ["auto", "memory", "disk"])
@pytest.mark.parametrize("form", FORMS)
def test_pictures_cut_short_in_every_cache(mode: str, form: str, tmp_path: Path, refused: Refused) -> None:
    changed, told = PICTURES["pictures cut short"]
    path = pack(tmp_path, files_of("image_folder", changed), form)
    refused("image_folder", {"path": path, "size": [4, 4]}, *told, cache=mode, left=["home/DLKIT_CACHE_DIR"])


LEAD_OUT = ("../../out{}", "/tmp/out{}", "C:\\out{}", "cat/../../out{}")


@pytest.mark.parametrize("form", FORMS[1:])
@pytest.mark.parametrize("source", GOOD)
def test_members_that_lead_out(source: str, form: str, tmp_path: Path, refused: Refused) -> None:
    suffix, content = GOOD[source]
    names = [name.format(suffix) for name in LEAD_OUT]
    path = pack(tmp_path, files_of(source, dict.fromkeys(names, content)), form)
    refused(source, {"path": path}, *(f"{name} leads out" for name in names))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("source", GOOD)
def test_links_that_lead_out(source: str, form: str, tmp_path: Path, refused: Refused) -> None:
    suffix, content = GOOD[source]
    (tmp_path / f"secret{suffix}").write_bytes(content)
    path = Path(pack(tmp_path, files_of(source, {}), form))
    for number, target in enumerate((f"../../secret{suffix}", f"{tmp_path}/secret{suffix}")):
        name = f"cat/link{number}{suffix}"
        if form == "folder":
            (path / name).symlink_to(target)
        elif form == "zip":
            member = zipfile.ZipInfo(name)
            member.external_attr = 0o120777 << 16
            with zipfile.ZipFile(path, "a") as archive:
                archive.writestr(member, target)
        else:
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, target
            whole = files_of(source, {})
            with tarfile.open(path, "w:gz" if form == "tar.gz" else "w") as packed:
                for other, held in whole.items():
                    plain = tarfile.TarInfo(other)
                    plain.size = len(held)
                    packed.addfile(plain, io.BytesIO(held))
                packed.addfile(link)
        told = refused(source, {"path": str(path)}, f"{name} is a link")
        assert form == "zip" or "leads out" in told


@pytest.mark.parametrize("form", FORMS[1:])
@pytest.mark.parametrize("source", GOOD)
@pytest.mark.parametrize("share", [0.0, 0.4, 0.75])
def test_archives_cut_short(share: float, source: str, form: str, tmp_path: Path, refused: Refused) -> None:
    path = Path(pack(tmp_path, files_of(source, {}), form))
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size) // 1024 * 1024])
    refused(source, {"path": str(path)}, path.name)


@pytest.mark.parametrize("source", GOOD)
def test_a_file_that_unpacks_to_gigabytes(source: str, tmp_path: Path, refused: Refused) -> None:
    suffix = GOOD[source][0]
    path = Path(pack(tmp_path, files_of(source, {}), "zip"))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open(f"cat/z{suffix}", "w") as bomb:
        for _ in range(33):
            bomb.write(bytes(2**23))
    refused(source, {"path": str(path)}, f"cat/z{suffix}")


@pytest.mark.parametrize("source", GOOD)
def test_folders_that_cannot_be_read(source: str, tmp_path: Path, refused: Refused, forbid: Any) -> None:
    path = Path(pack(tmp_path, files_of(source, {}), "folder"))
    for name in ("cat", "dog"):
        forbid(path / name)
    refused(source, {"path": str(path)}, f"{path}/cat cannot be read: Permission", f"{path}/dog cannot be read")


@pytest.mark.parametrize("source", GOOD)
def test_files_that_cannot_be_read(source: str, tmp_path: Path, refused: Refused, forbid: Any) -> None:
    path, suffix = Path(pack(tmp_path, files_of(source, {}), "folder")), GOOD[source][0]
    for name in (f"cat/1{suffix}", f"dog/2{suffix}"):
        forbid(path / name)
    refused(source, {"path": str(path)}, f"cat/1{suffix} cannot be read: Permission", f"dog/2{suffix} cannot be read")


@pytest.mark.parametrize("form", FORMS[1:])
def test_an_archive_that_cannot_be_read(form: str, tmp_path: Path, refused: Refused, forbid: Any) -> None:
    path = Path(pack(tmp_path, files_of("image_folder", {}), form))
    forbid(path)
    refused("image_folder", {"path": str(path)}, f"{path} cannot be read: Permission denied")


@pytest.mark.parametrize("source", GOOD)
def test_a_file_in_place_of_the_folder(source: str, tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "cats.csv").write_text("x,y\n")
    refused(source, {"path": str(tmp_path / "cats.csv")}, "cats.csv is neither a folder nor a known archive", ".zip")


@pytest.mark.parametrize("source", GOOD)
def test_a_typo_in_the_path(source: str, tmp_path: Path, refused: Refused) -> None:
    pack(tmp_path, files_of(source, {}), "folder")
    refused(source, {"path": str(tmp_path / "badd")}, f"{tmp_path}/badd", "did you mean `bad`")
    refused(source, {"path": str(tmp_path / "badd" / "cats")}, f"{tmp_path}/badd/cats", "did you mean `bad`")


@pytest.mark.parametrize("source", GOOD)
def test_a_relative_path(source: str, tmp_path: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLKIT_DATA_DIR", str(tmp_path / "data"))
    refused(source, {"path": "my/cats"}, "my/cats", f"{tmp_path}/data/my/cats")


@pytest.mark.parametrize("step", ["mkdir", "open", "write", "fsync"])
def test_a_disk_that_is_full(step: str, tmp_path: Path, refused: Refused, full_disk: Callable[[str], None]) -> None:
    path = pack(tmp_path, files_of("image_folder", {}), "folder")
    full_disk(step)
    refused(
        "image_folder", {"path": path}, str(cache.cache_folder()), "No space left on device", "DLKIT_CACHE_DIR",
        cache="disk", left=["home/DLKIT_CACHE_DIR"],
    )  # fmt: skip
