"""Finds files that lie in a folder a class, in a folder or an archive: `cat/1.jpg`, or `train/cat/1.jpg` with splits."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dlkit.data.reading.blobs import Blob
from dlkit.data.reading.contents import ARCHIVES, Contents, contents_of
from dlkit.data.reading.decoded import checked
from dlkit.data.reading.places import joined, nearest, places_of_path
from dlkit.data.reading.problems import Problems
from dlkit.errors import DlkitError

# The name of a folder -> the split it is.
_SPLITS = {"train": "train", "validation": "validation", "val": "validation", "valid": "validation", "test": "test"}
_COMES_WITH = re.compile(r"(readme|licen[cs]e|copying|copyright|notice|citation|authors|changelog)[^/]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Item:
    """A file of a class.

    Args:
        place: The file, for messages.
        label: The number of its class.
        blob: Its bytes.
    """

    place: str
    label: int
    blob: Blob


@dataclass(frozen=True)
class ClassFolders:
    """The files of classes that were found, in the order of their classes and names.

    Args:
        place: The folder or the archive.
        labels: The names of the classes, sorted; they are the same in every split.
        splits: The files by split: `train`, `validation`, `test`; or all of them as the empty name.
    """

    place: Path
    labels: tuple[str, ...]
    splits: Mapping[str, list[Item]]


def find_items(
    path: str, suffixes: Collection[str], kind: str, check: Callable[[Blob], object] | None = None
) -> ClassFolders:
    """The files of classes in a folder or an archive; none is read, but for those in a compressed tar archive.

    Folders are `CLASS/`, or `train/CLASS/` and the same in `test/` and in `validation/` (or `val/`, `valid/`). One folder
    around all of this is looked through. Hidden files and what systems leave behind are passed over, and so are
    README, LICENSE and the like above the folders of classes.

    Args:
        path: A folder, a `.zip`, or a `.tar`, however compressed; where it is relative and not there, it is looked for
            in `DLKIT_DATA_DIR`.
        suffixes: What the names of the files end in, in lower case: `.jpg`.
        kind: What the files are, for messages: `pictures`.
        check: Fails for a bad file. It looks at the files where something is wrong with their places, so that all that is
            wrong is told at once; else they are left to the caller.

    Raises:
        DlkitError: There is nothing at the path, a file or a folder is where it should not be or cannot be read, a class
            has no files, or there are fewer than two classes; all that is wrong is named at once.
    """
    place = _place(path, kind)
    problems = Problems()
    wanted = tuple(suffixes)
    contents = contents_of(place, lambda name: name.lower().endswith(wanted), problems)
    found = _Sorter(place, kind, wanted, problems).sort(contents)
    if problems.found and check:
        with problems.noted():
            checked(check, [blob for blob in contents.files.values() if blob is not None])
    problems.raise_any()
    return found


def _place(path: str, kind: str) -> Path:
    places = places_of_path(path)
    for place in places:
        if os.path.exists(place):
            return place
    raise DlkitError(
        f"There is no folder or archive of {kind} at `{path}`. Looked at: {joined(places)}",
        nearest(places, f"set `path` to a folder, or to an archive ({', '.join(ARCHIVES)})"),
        code="data-not-found",
    )


class _Sorter:
    """Sorts files by split and class, and notes those that belong to none."""

    def __init__(self, place: Path, kind: str, suffixes: tuple[str, ...], problems: Problems) -> None:
        self.place = place
        self.kind = kind
        self.suffixes = suffixes
        self.problems = problems

    def sort(self, contents: Contents) -> ClassFolders:
        files, folders = dict(sorted(contents.files.items())), set(contents.folders)
        self._drop_broken_names(files)
        _drop_readmes(files)
        wrapper = _wrapper([name for name, blob in files.items() if blob is not None])
        if wrapper:
            for name in files:
                if not name.startswith(wrapper):
                    self._stray(name, f"it lies outside of {wrapper}", splits=False)
            files = {name.removeprefix(wrapper): blob for name, blob in files.items() if name.startswith(wrapper)}
            folders = {name.removeprefix(wrapper) for name in folders if name.startswith(wrapper)}
            _drop_readmes(files)
        splits = _have_splits(name for name, blob in files.items() if blob is not None)
        found = self._sorted(files, folders, wrapper, splits)
        return self._checked(found, wrapper)

    def _drop_broken_names(self, files: dict[str, Blob | None]) -> None:
        for name in list(files):
            if not _is_utf8(name):
                told = self._told(name).encode(errors="surrogateescape").decode(errors="replace")
                self.problems.add(f"{told} has a name that is no UTF-8", "rename it")
                del files[name]

    def _sorted(
        self, files: Mapping[str, Blob | None], folders: Collection[str], wrapper: str, splits: bool
    ) -> dict[str, dict[str, list[Blob]]]:
        """The files by the folder of their split and by class."""
        found: dict[str, dict[str, list[Blob]]] = defaultdict(lambda: defaultdict(list))
        for folder in folders:
            split, label = _split_and_class(folder, splits)
            if label:
                found[split][label] = []  # it may be an empty one
            elif splits and folder.lower() in _SPLITS:
                found[folder] = found[folder]
        for name, blob in files.items():
            folder, _, _ = name.rpartition("/")
            split, label = _split_and_class(folder, splits)
            if not label:
                self._stray(wrapper + name, "it lies in no folder of a class", splits)
            elif blob is None:
                self._stray(wrapper + name, f"it ends in none of {', '.join(self.suffixes)}", splits)
            else:
                found[split][label].append(blob)
        return found

    def _stray(self, name: str, why: str, splits: bool) -> None:
        layout = f"CLASS/NAME{self.suffixes[0]}"
        self.problems.add(
            f"{self._told(name)} is a stray file: {why}",
            f"{self.kind} lie in {f'train/{layout} and test/{layout}' if splits else layout}, and end in "
            f"{', '.join(self.suffixes)}; take other files out",
        )

    def _told(self, name: str) -> str:
        return str(self.place / name) if self.place.is_dir() else f"{self.place}: {name}"

    def _checked(self, found: Mapping[str, Mapping[str, list[Blob]]], wrapper: str) -> ClassFolders:
        labels = tuple(sorted({label for classes in found.values() for label in classes}))
        folders: dict[str, str] = {}  # by split
        for folder, classes in sorted(found.items()):
            other = folders.setdefault(_SPLITS.get(folder.lower(), ""), folder)
            if other != folder:
                self.problems.add(f"{self.place} has two folders of one split: {other} and {folder}", "join them")
            for label in labels:
                if not classes.get(label):
                    inner = f"{wrapper}{folder}/{label}" if folder else f"{wrapper}{label}"
                    cure = "every class has files in every split; give it some, or take it out"
                    self.problems.add(f"{self._told(inner)} holds no {self.kind}", cure)
        if not labels and not self.problems.found:
            self.problems.add(f"{self.place} holds no {self.kind}", f"they end in {', '.join(self.suffixes)}")
        if labels and all(label.lower() in _SPLITS for label in labels):
            told = f"{self.place}: {joined(labels)} are splits, and hold no folders of classes"
            self.problems.add(told, f"put the {self.kind} of each class into a folder of its own")
        elif len(labels) == 1:
            self.problems.add(f"{self.place} has only one class: {labels[0]}", "make a folder for each of the classes")
        if labels and not {"", "train"} & set(folders):
            self.problems.add(f"{self.place} has no folder `train`", "name the folder of the training split so")
        order = ("", *dict.fromkeys(_SPLITS.values()))
        return ClassFolders(
            self.place, labels, {split: _items(found[folders[split]], labels) for split in order if split in folders}
        )


def _items(classes: Mapping[str, list[Blob]], labels: tuple[str, ...]) -> list[Item]:
    return [Item(blob.place, number, blob) for number, label in enumerate(labels) for blob in classes.get(label, ())]


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _drop_readmes(files: dict[str, Blob | None]) -> None:
    for name in [name for name in files if _COMES_WITH.fullmatch(name)]:
        del files[name]


def _split_and_class(folder: str, splits: bool) -> tuple[str, str]:
    """The names of the split and of the class that a folder is; no class where it is none."""
    split, _, label = folder.rpartition("/")
    fits = split.lower() in _SPLITS if splits else not split
    return split, label if fits else ""


def _wrapper(names: Collection[str]) -> str:
    """The folder that all others lie in, with a slash behind it, or nothing."""
    tops = Counter(name.split("/")[0] for name in names if name.count("/") >= 2)
    top, count = tops.most_common(1)[0] if tops else ("", 0)
    return f"{top}/" if len(tops) == 1 and 2 * count > len(names) and top.lower() not in _SPLITS else ""


def _have_splits(names: Iterable[str]) -> bool:
    """Whether most files lie in `train/CLASS/` or a folder of another split."""
    parts = [name.split("/") for name in names]
    return 2 * sum(len(part) >= 3 and part[0].lower() in _SPLITS for part in parts) > len(parts)
