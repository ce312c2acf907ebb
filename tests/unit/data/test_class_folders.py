from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
import tracemalloc
import zipfile
import zlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from dlkit.data.reading import blobs, contents
from dlkit.data.reading.class_folders import ClassFolders, find_items
from dlkit.errors import DlkitError

SUFFIXES = (".txt", ".text")
PLAIN = {"cat/1.txt": b"miau", "cat/2.TXT": b"purr", "dog/1.text": b"woof" * 1000}
SPLIT = {f"{split}/{name}": content for split in ("train", "val", "test") for name, content in PLAIN.items()}
FORMS = ["folder", "zip", "tar", "tgz", "tar.xz"]


def pack(folder: Path, form: str, files: Mapping[str, bytes | None]) -> Path:
    """Files, as a folder or an archive; None stands for a folder."""
    if form == "folder":
        for name, content in files.items():
            target = folder / "mine" / name
            (target if content is None else target.parent).mkdir(parents=True, exist_ok=True)
            if content is not None:
                target.write_bytes(content)
        return folder / "mine"
    path = folder / f"mine.{form}"
    if form == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(f"{name}/" if content is None else name, content or b"")
        return path
    mode: Any = {"tar": "w", "tgz": "w:gz", "tar.xz": "w:xz"}[form]
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"./{name}")
            member.type, member.size = (tarfile.DIRTYPE, 0) if content is None else (tarfile.REGTYPE, len(content))
            archive.addfile(member, io.BytesIO(content or b""))
    return path


def find(path: Path) -> ClassFolders:
    return find_items(str(path), SUFFIXES, "texts")


def failure(path: Path) -> DlkitError:
    with pytest.raises(DlkitError) as error:
        find(path)
    return error.value


def read_back(found: ClassFolders) -> dict[str, list[tuple[str, bytes]]]:
    return {
        split: [(found.labels[item.label], item.blob.read()) for item in items] for split, items in found.splits.items()
    }


WANTED = [("cat", b"miau"), ("cat", b"purr"), ("dog", b"woof" * 1000)]


# What is found


@pytest.mark.parametrize("form", FORMS)
def test_folders_and_archives_give_the_same(tmp_path: Path, form: str) -> None:
    found = find(pack(tmp_path, form, dict(reversed(PLAIN.items()))))
    assert found.labels == ("cat", "dog") and read_back(found) == {"": WANTED}
    for item in found.splits[""]:
        content = item.blob.read()
        assert item.blob.size == len(content)
        assert item.blob.checksum() == zlib.crc32(content).to_bytes(4, "little") + len(content).to_bytes(8, "little")


@pytest.mark.parametrize("form", FORMS)
def test_ready_splits_are_kept_by_their_names(tmp_path: Path, form: str) -> None:
    found = find(pack(tmp_path, form, SPLIT))
    assert list(found.splits) == ["train", "validation", "test"]
    assert read_back(found) == dict.fromkeys(found.splits, WANTED)


@pytest.mark.parametrize("form", FORMS)
def test_one_folder_around_all_is_looked_through(tmp_path: Path, form: str) -> None:
    plain = {f"pets-v1/{name}": content for name, content in PLAIN.items()}
    found = find(pack(tmp_path, form, {**plain, "pets-v1": None, "pets-v1/README.md": b"Pets"}))
    assert found.labels == ("cat", "dog") and read_back(found) == {"": WANTED}


@pytest.mark.parametrize("form", FORMS)
def test_one_folder_around_splits_is_looked_through(tmp_path: Path, form: str) -> None:
    split = {f"pets-v1/{name}": content for name, content in SPLIT.items()}
    found = find(pack(tmp_path, form, {**split, "LICENSE": b"CC0"}))
    assert read_back(found) == dict.fromkeys(["train", "validation", "test"], WANTED)


def test_a_stray_file_outside_of_that_folder_is_named(tmp_path: Path) -> None:
    wrapped = {f"pets/{name}": content for name, content in PLAIN.items()}
    assert (
        "mine.zip: note.doc is a stray file: it lies outside of pets/"
        in failure(pack(tmp_path, "zip", {**wrapped, "note.doc": b"x"})).message
    )


@pytest.mark.parametrize("form", FORMS)
def test_what_systems_leave_and_readmes_are_passed_over(tmp_path: Path, form: str) -> None:
    left = {
        "README.txt": b"x",
        "readme": b"x",
        "LICENSE.md": b"x",
        "__MACOSX/cat/._1.txt": b"x",
        "cat/.DS_Store": b"x",
        "dog/Thumbs.db": b"x",
        ".git/config": b"x",
        ".git/a.txt": b"x",
        "desktop.ini": b"x",
    }
    assert read_back(find(pack(tmp_path, form, {**left, **PLAIN}))) == {"": WANTED}


def test_nothing_is_unpacked(tmp_path: Path) -> None:
    for form in FORMS[1:]:
        read_back(find(pack(tmp_path, form, PLAIN)))
    assert sorted(os.listdir(tmp_path)) == sorted(f"mine.{form}" for form in FORMS[1:])


def test_zip_members_have_their_checksum_without_being_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = find(pack(tmp_path, "zip", PLAIN))
    monkeypatch.setattr(blobs.ZipMember, "read", None)
    assert len({item.blob.checksum() for item in found.splits[""]}) == 3


@pytest.mark.parametrize("form", FORMS)
def test_many_threads_read_the_right_bytes(tmp_path: Path, form: str) -> None:
    files = {f"{label}/{number}.txt": f"{label} {number}".encode() * 50 for label in "ab" for number in range(100)}
    items = find(pack(tmp_path, form, files)).splits[""]
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(lambda item: item.blob.read(), items * 5))
    assert sorted(read[:200]) == sorted(files.values()) and read[:200] * 4 == read[200:]


def test_a_relative_path_is_looked_for_in_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack(tmp_path, "zip", PLAIN)
    monkeypatch.setenv("DLKIT_DATA_DIR", str(tmp_path))
    assert find(Path("mine.zip")).place == tmp_path / "mine.zip"


def test_links_that_stay_inside_are_followed(tmp_path: Path) -> None:
    place = pack(tmp_path, "folder", PLAIN)
    (place / "cat" / "3.txt").symlink_to("../dog/1.text")
    (place / "wolf").symlink_to("dog")
    found = find(place)
    assert found.labels == ("cat", "dog", "wolf") and found.splits[""][2].blob.read() == b"woof" * 1000


# What is refused


def test_a_missing_path_is_told_with_the_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLKIT_DATA_DIR", str(tmp_path))
    error = failure(Path("pets.zip"))
    assert f"no folder or archive of texts at `pets.zip`. Looked at: pets.zip, {tmp_path}/pets.zip" in error.message
    assert error.cure and "tar.gz" in error.cure and error.code == "data-not-found"


@pytest.mark.parametrize("form", FORMS)
def test_all_stray_files_are_named_with_the_known_suffixes(tmp_path: Path, form: str) -> None:
    error = failure(pack(tmp_path, form, {**PLAIN, "cat/a.doc": b"x", "loose.txt": b"x", "dog/deep/b.txt": b"x"}))
    told = [line for line in error.message.splitlines() if "is a stray file" in line]
    assert len(told) == 3
    assert "cat/a.doc is a stray file: it ends in none of .txt, .text" in error.message
    assert "loose.txt is a stray file: it lies in no folder of a class" in error.message
    assert "dog/deep/b.txt is a stray file" in error.message
    assert error.cure is not None and "texts lie in CLASS/NAME.txt, and end in .txt, .text" in error.cure


def test_a_stray_file_beside_splits_is_named(tmp_path: Path) -> None:
    error = failure(pack(tmp_path, "zip", {**SPLIT, "other/cat/1.txt": b"x", "test/1.txt": b"x"}))
    assert "mine.zip: other/cat/1.txt is a stray file" in error.message
    assert "mine.zip: test/1.txt is a stray file" in error.message
    assert error.cure is not None and "train/CLASS/NAME.txt and test/CLASS/NAME.txt" in error.cure


@pytest.mark.parametrize("form", FORMS)
def test_empty_classes_are_named(tmp_path: Path, form: str) -> None:
    message = failure(pack(tmp_path, form, {**PLAIN, "cow": None, "hen": None})).message
    assert "cow holds no texts" in message and "hen holds no texts" in message


@pytest.mark.parametrize("form", FORMS)
def test_a_class_that_a_split_lacks_is_named(tmp_path: Path, form: str) -> None:
    files = {name: content for name, content in SPLIT.items() if not name.startswith("test/dog")}
    error = failure(pack(tmp_path, form, files))
    assert "test/dog holds no texts" in error.message and "train" not in error.message


def test_an_empty_split_is_named(tmp_path: Path) -> None:
    files = {name: content for name, content in SPLIT.items() if not name.startswith("test")}
    message = failure(pack(tmp_path, "folder", {**files, "test": None})).message
    assert "test/cat holds no texts" in message and "test/dog holds no texts" in message


@pytest.mark.parametrize("form", FORMS)
def test_one_class_only_is_refused(tmp_path: Path, form: str) -> None:
    error = failure(pack(tmp_path, form, {"cat/1.txt": b"x", "cat/2.txt": b"x"}))
    assert "mine" in error.message and "has only one class: cat" in error.message


@pytest.mark.parametrize("form", FORMS)
def test_nothing_at_all_is_refused(tmp_path: Path, form: str) -> None:
    assert "holds no texts" in failure(pack(tmp_path, form, {"README": b"x"})).message


def test_splits_without_classes_are_refused(tmp_path: Path) -> None:
    error = failure(pack(tmp_path, "folder", {"train/1.txt": b"x", "test/1.txt": b"x"}))
    assert "test, train are splits, and hold no folders of classes" in error.message


@pytest.mark.parametrize("form", ["folder", "tar"])
def test_names_that_are_no_utf8_are_named(tmp_path: Path, form: str) -> None:
    message = failure(pack(tmp_path, form, {**PLAIN, os.fsdecode(b"k\xe4fer/1.txt"): b"x"})).message
    assert "k\N{REPLACEMENT CHARACTER}fer/1.txt has a name that is no UTF-8" in message


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    place = pack(tmp_path, "folder", PLAIN)
    os.mkfifo(place / "cat" / "3.txt")
    assert "cat/3.txt is neither a file nor a folder" in failure(place).message


def test_a_split_is_there_once_and_the_training_split_is_there(tmp_path: Path) -> None:
    twice = {**SPLIT, "valid/cat/1.txt": b"x", "valid/dog/1.txt": b"x"}
    assert "two folders of one split: val and valid" in failure(pack(tmp_path, "zip", twice)).message
    untrained = {name: content for name, content in SPLIT.items() if not name.startswith("train")}
    assert "has no folder `train`" in failure(pack(tmp_path, "tar", untrained)).message


@pytest.mark.parametrize("name", ["../out.txt", "/etc/x.txt", "cat/../../x.txt", "C:\\x.txt", "..\\x.txt"])
@pytest.mark.parametrize("form", FORMS[1:])
def test_members_that_lead_out_are_named(tmp_path: Path, form: str, name: str) -> None:
    if form == "zip":
        path = pack(tmp_path, form, {**PLAIN, name: b"x"})
    else:
        path = tmp_path / "mine.tar"
        with tarfile.open(path, "w") as archive:
            archive.addfile(tarfile.TarInfo(name))
    assert f"mine.{'zip' if form == 'zip' else 'tar'}: {name} leads out of the archive" in failure(path).message


@pytest.mark.parametrize(("target", "told"), [("../../x.txt", "leads out of the archive"), ("1.txt", "is a link")])
def test_links_in_archives_are_named(tmp_path: Path, target: str, told: str) -> None:
    link = tarfile.TarInfo("cat/3.txt")
    link.type, link.linkname = tarfile.SYMTYPE, target
    with tarfile.open(tmp_path / "links.tar", "w") as archive:
        archive.addfile(link)
    assert "links.tar: cat/3.txt is a link" in failure(tmp_path / "links.tar").message
    assert told in failure(tmp_path / "links.tar").message
    member = zipfile.ZipInfo("cat/3.txt")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "links.zip", "w") as packed:
        packed.writestr(member, target)
    assert "links.zip: cat/3.txt is a link" in failure(tmp_path / "links.zip").message


def test_links_in_a_folder_that_lead_out_or_around_are_named(tmp_path: Path) -> None:
    place = pack(tmp_path, "folder", PLAIN)
    (tmp_path / "secret.txt").write_bytes(b"x")
    (tmp_path / "mine-too").mkdir()
    (place / "cat" / "3.txt").symlink_to(tmp_path / "secret.txt")
    (place / "cow").symlink_to(tmp_path / "mine-too")
    (place / "cat" / "4.txt").symlink_to("nowhere.txt")
    (place / "dog" / "all").symlink_to("..")
    message = failure(place).message
    assert f"{place}/cat/3.txt is a link that leads out of the folder, to {tmp_path}/secret.txt" in message
    assert f"{place}/cow is a link that leads out of the folder" in message
    assert f"{place}/cat/4.txt is a link that leads to {place}/cat/nowhere.txt, which is not there" in message
    assert f"{place}/dog/all is a link that leads to the folder that it lies in" in message


def test_folders_that_cannot_be_read_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place, scan = pack(tmp_path, "folder", PLAIN), os.scandir

    def refuse(path: Any) -> Any:
        if Path(path).name in ("cat", "dog"):
            raise PermissionError(13, "Permission denied")  # not by chmod: tests may run as root
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    message = failure(place).message
    assert f"{place}/cat cannot be read: Permission denied" in message and f"{place}/dog cannot be read" in message


def test_a_file_that_cannot_be_read_is_named_when_it_is_read(tmp_path: Path) -> None:
    place = pack(tmp_path, "folder", PLAIN)
    item = find(place).splits[""][0]
    (place / "cat" / "1.txt").unlink()
    with pytest.raises(DlkitError, match=r"cat/1.txt cannot be read: No such file"):
        item.blob.read()


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    for name in ("a.zip", "a.tar", "a.tar.gz", "a.rar"):
        (tmp_path / name).write_bytes(b"no archive at all" * 100)
    assert "a.zip is no zip archive, or a damaged one" in failure(tmp_path / "a.zip").message
    assert "a.tar is no tar archive, or a damaged one" in failure(tmp_path / "a.tar").message
    assert "a.tar.gz is no tar archive, or a damaged one" in failure(tmp_path / "a.tar.gz").message
    error = failure(tmp_path / "a.rar")
    assert "a.rar is neither a folder nor a known archive" in error.message and ".tar.gz" in (error.cure or "")


@pytest.mark.parametrize("form", FORMS[1:])
def test_archives_cut_short_are_named(tmp_path: Path, form: str) -> None:
    path = pack(tmp_path, form, {**PLAIN, "dog/2.txt": os.urandom(50_000)})
    path.write_bytes(path.read_bytes()[:30_000])
    assert str(path) in failure(path).message


def test_a_damaged_member_is_named_when_it_is_read(tmp_path: Path) -> None:
    path = pack(tmp_path, "zip", PLAIN)
    content = bytearray(path.read_bytes())
    content[content.index(b"cat/1.txt") + 12] ^= 1
    path.write_bytes(content)
    item = find(path).splits[""][0]
    with pytest.raises(DlkitError, match=r"mine.zip: cat/1.txt (is damaged|cannot be read)"):
        item.blob.read()


def test_a_member_that_unpacks_to_more_than_it_claims_is_stopped(tmp_path: Path) -> None:
    path = pack(tmp_path, "zip", {**PLAIN, "cat/3.txt": b"\0" * 10_000_000})
    content = path.read_bytes().replace((10_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    path.write_bytes(content)
    blob = find(path).splits[""][2].blob
    tracemalloc.start()
    with pytest.raises(DlkitError, match=r"cat/3.txt is damaged: its checksum"):
        blob.read()
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_an_archive_that_is_cut_short_meanwhile_is_named(tmp_path: Path) -> None:
    item = find(pack(tmp_path, "tar", PLAIN)).splits[""][0]
    os.truncate(tmp_path / "mine.tar", 10)
    with pytest.raises(DlkitError, match=r"mine.tar: ./cat/1.txt cannot be read: the archive is cut short"):
        item.blob.read()


@pytest.mark.parametrize("form", FORMS)
def test_files_that_are_too_large_are_named(tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "MOST_BYTES", 1000)
    message = failure(pack(tmp_path, form, PLAIN)).message
    assert "dog/1.text" in message and "4,000 bytes, where " in message


def test_an_encrypted_archive_is_refused(tmp_path: Path) -> None:
    path = pack(tmp_path, "zip", PLAIN)
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)
    assert "mine.zip: cat/1.txt is encrypted" in failure(path).message


def test_another_compression_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "mine.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("cat/1.txt", b"x")
    assert "cat/1.txt is compressed in another way" in failure(tmp_path / "mine.zip").message


def test_members_that_are_there_twice_are_named(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "mine.tar", "w") as archive:
        for name in ("cat/1.txt", "./cat/1.txt"):
            archive.addfile(tarfile.TarInfo(name))
    assert "mine.tar: ./cat/1.txt is there more than once" in failure(tmp_path / "mine.tar").message
    with pytest.warns(UserWarning), zipfile.ZipFile(tmp_path / "mine.zip", "w") as packed:
        for _ in range(2):
            packed.writestr("cat/1.txt", b"x")
    assert "mine.zip: cat/1.txt is there more than once" in failure(tmp_path / "mine.zip").message


def test_a_compressed_archive_that_does_not_fit_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "available_memory", lambda: 2000)
    assert "does not fit into memory" in failure(pack(tmp_path, "tgz", PLAIN)).message


def test_a_damaged_compressed_archive_is_named(tmp_path: Path) -> None:
    path = pack(tmp_path, "tar", PLAIN)
    packed = bytearray(gzip.compress(path.read_bytes()))
    packed[-6] ^= 1
    (tmp_path / "bad.tar.gz").write_bytes(packed)
    assert "bad.tar.gz" in failure(tmp_path / "bad.tar.gz").message
