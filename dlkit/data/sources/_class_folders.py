"""Finds files that lie in a folder a class, in a folder or an archive: `cat/1.jpg`, or `train/cat/1.jpg` with splits."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dlkit.data.sources._blobs import Blob
from dlkit.data.sources._contents import ARCHIVES, Contents, contents_of
from dlkit.data.sources._places import joined, places_of_path
from dlkit.data.sources._problems import Problems
from dlkit.errors import DlkitError

# The name of a folder -> the split it is.
_SPLITS = {"train": "train", "validation": "validation", "val": "validation", "valid": "validation", "test": "test"}
_COMES_WITH = re.compile(r"(readme|licen[cs]e|copying|copyright|notice|citation|authors|changelog)\b.*", re.IGNORECASE)


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


def find_items(path: str, suffixes: Collection[str], kind: str) -> ClassFolders:
    """The files of classes in a folder or an archive; none is read, but for those in a compressed tar archive.

    Folders are `CLASS/`, or `train/CLASS/` and the same in `test/` and in `validation/` (or `val/`, `valid/`). One folder
    around all of this is looked through. Hidden files and what systems leave behind are passed over, and so are
    README, LICENSE and the like above the folders of classes.

    Args:
        path: A folder, a `.zip`, or a `.tar`, however compressed; where it is relative and not there, it is looked for
            in `DLKIT_DATA_DIR`.
        suffixes: What the names of the files end in, in lower case: `.jpg`.
        kind: What the files are, for messages: `pictures`.

    Raises:
        DlkitError: There is nothing at the path, a file or a folder is where it should not be or cannot be read, a class
            has no files, or there are fewer than two classes; all that is wrong is named at once.
    """
    place = _place(path, kind)
    problems = Problems()
    wanted = tuple(suffixes)
    contents = contents_of(place, lambda name: name.lower().endswith(wanted), problems)
    found = _Sorter(place, kind, wanted, problems).sort(contents)
    problems.raise_any()
    return found


def _place(path: str, kind: str) -> Path:
    places = places_of_path(path)
    for place in places:
        if os.path.exists(place):
            return place
    raise DlkitError(
        f"There is no folder or archive of {kind} at `{path}`. Looked at: {joined(places)}",
        f"set `path` to a folder, or to an archive ({', '.join(ARCHIVES)})",
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
        files = {name: blob for name, blob in contents.files.items() if blob is not None}
        wrapper = _wrapper(files)
        splits = _have_splits(name.removeprefix(wrapper) for name in files)
        for name, blob in sorted(contents.files.items()):
            if blob is None and not (name.count("/") <= wrapper.count("/") and _COMES_WITH.match(name.split("/")[-1])):
                self._stray(name, f"it ends in none of {', '.join(self.suffixes)}", splits)
        found: dict[str, dict[str, list[Blob]]] = defaultdict(lambda: defaultdict(list))  # by split and class
        for name in contents.folders:
            inner = name.removeprefix(wrapper)
            parts = inner.split("/")
            if f"{name}/" != wrapper and len(parts) == 1 + splits and (not splits or parts[0].lower() in _SPLITS):
                found[parts[0] if splits else ""][parts[-1]] = []
        for name, blob in sorted(files.items()):
            parts = name.removeprefix(wrapper).split("/")
            if len(parts) != 2 + splits or not name.startswith(wrapper) or (splits and parts[0].lower() not in _SPLITS):
                self._stray(name, "it lies in no folder of a class", splits)
            else:
                found[parts[0] if splits else ""][parts[-2]].append(blob)
        return self._checked(found, wrapper)

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
        named: dict[str, str] = {}
        for folder in sorted(found):
            split = _SPLITS.get(folder.lower(), "")
            if split in named:
                self.problems.add(
                    f"{self.place} has two folders of one split: {named[split]} and {folder}", "join them"
                )
            named[split] = folder
            for label in labels:
                if not found[folder].get(label):
                    inner = f"{wrapper}{folder}/{label}" if folder else f"{wrapper}{label}"
                    self.problems.add(
                        f"{self._told(inner)} holds no {self.kind}", "every class has files in every split; take it out"
                    )
        if not labels and not self.problems.found:
            self.problems.add(f"{self.place} holds no {self.kind}", f"they end in {', '.join(self.suffixes)}")
        elif len(labels) == 1:
            self.problems.add(f"{self.place} has only one class: {labels[0]}", "make a folder for each of the classes")
        if "" not in named and "train" not in named and labels:
            self.problems.add(f"{self.place} has no folder `train`", "name the folder of the training split so")
        return ClassFolders(
            self.place,
            labels,
            {
                split: _items(found[named[split]], labels)
                for split in ("", *dict.fromkeys(_SPLITS.values()))
                if split in named
            },
        )


def _items(classes: Mapping[str, list[Blob]], labels: tuple[str, ...]) -> list[Item]:
    return [Item(blob.place, number, blob) for number, label in enumerate(labels) for blob in classes.get(label, ())]


def _wrapper(names: Collection[str]) -> str:
    """The folder that all others lie in, with a slash behind it, or nothing."""
    tops = {name.split("/")[0] for name in names}
    deep = sum(name.count("/") >= 2 for name in names)
    if len(tops) != 1 or 2 * deep <= len(names) or next(iter(tops)).lower() in _SPLITS:
        return ""
    return f"{tops.pop()}/"


def _have_splits(names: Iterable[str]) -> bool:
    """Whether most files lie in `train/CLASS/` or a folder of another split."""
    parts = [name.split("/") for name in names]
    return 2 * sum(len(part) >= 3 and part[0].lower() in _SPLITS for part in parts) > len(parts)
