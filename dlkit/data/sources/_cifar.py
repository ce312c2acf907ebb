"""The reading that CIFAR-10 and CIFAR-100 share: color pictures of 32 x 32, in the formats in which they are published."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dlkit.data.arrays import Arrays, Splits
from dlkit.data.reading.blobs import Blob, PlainFile, readable
from dlkit.data.reading.class_folders import ClassFolders, find_items
from dlkit.data.reading.contents import contents_of
from dlkit.data.reading.picture_column import Pictures, header_size
from dlkit.data.reading.places import (
    NO_FOLDER,
    DownloadFailed,
    data_folders,
    download,
    joined,
    keras_cache,
    look_at,
    not_found,
    places_of_path,
)
from dlkit.data.reading.problems import Problems
from dlkit.data.sources._batches import PIXELS, Batch, read_binary, read_pickled
from dlkit.errors import DlkitError

if TYPE_CHECKING:
    import numpy as np

SIDE = 32
CHANNELS = PIXELS // SIDE**2
_READERS = {"": read_pickled, ".bin": read_binary}  # by what the names of the files end in
_COMES_WITH = re.compile(
    r"(batches\.)?meta(\.txt)?|(fine|coarse)_label_names\.txt|readme.*|licen[cs]e.*|\..*|.*~", re.IGNORECASE
)


@dataclass(frozen=True)
class Cifar:
    """A data set in CIFAR's formats.

    Args:
        title: Its name, for people.
        name: Its name among `keras.datasets`, of the source, and of its folder in `DLKIT_DATA_DIR`.
        batches: The names of the files of the training and of the test split, without `.bin`.
        labelings: The number of classes by labeling, in the order of a record's label bytes, named as in the pickles.
        folders: The names of the folders of batches.
        archives: The names of the archives.
        cached: The name of the folder in Keras's cache that holds one of `folders`.
        pictures: Whether it may come as a zip archive of pictures; these have one labeling.
    """

    title: str
    name: str
    batches: Mapping[str, Sequence[str]]
    labelings: Mapping[str, int]
    folders: Sequence[str]
    archives: Sequence[str]
    cached: str
    pictures: bool = False

    def places(self) -> list[Path]:
        """The folders that may hold or be the data set, in the order in which they are looked at."""
        return [*data_folders(self.name, *self.folders), *keras_cache(self.cached, *self.folders)]

    def files(self) -> list[str]:
        """The names of all batch files, without `.bin`."""
        return [name for names in self.batches.values() for name in names]


Examples = tuple["np.ndarray", "np.ndarray"]


def read_cifar(
    cifar: Cifar,
    path: str | None,
    labeling: str,
    classes: Sequence[str],
    chosen: Sequence[str] | None = None,
    **download_arguments: str,
) -> Splits:
    """The pictures and classes to train on and to test on, from the first place that has them, or from a download.

    Args:
        cifar: The data set.
        path: A folder of batches or one that holds such a folder or an archive, or an archive; None for the usual places.
        labeling: The labeling to hand over.
        classes: The names of its classes.
        chosen: Those whose examples are wanted, all of them where it is None.
        **download_arguments: What Keras is told, to get this labeling.

    Returns:
        Splits of the feature `image`, uint8 of shape (32, 32, 3), and the target `label`.

    Raises:
        DlkitError: The files are nowhere and cannot be downloaded, or some are damaged; these are named. Or a class is
            not known (`unknown-class`).
    """
    looked = {}
    for place in cifar.places() if path is None else places_of_path(path):
        found, looked[place] = _look(place, cifar)
        if found is not None:
            read = _read(found, cifar, labeling, classes)
            break
    else:
        read = _download(cifar, path, looked, download_arguments)
    train, test = (_chosen(read[split], classes, chosen) for split in cifar.batches)
    return Splits(train=train, test=test)


def _chosen(examples: Examples, classes: Sequence[str], chosen: Sequence[str] | None) -> Arrays:
    """The examples of the classes that are asked for, which are numbered in the order in which they are listed."""
    import numpy as np

    images, labels = examples
    if chosen is None:
        return Arrays({"image": images}, {"label": labels})
    strange = [name for name in chosen if name not in classes]
    if strange or len(set(chosen)) != len(chosen) or len(chosen) < 2:
        told = f"there is no class {joined(strange)}" if strange else f"{joined(chosen)} are not several different ones"
        raise DlkitError(f"`classes`: {told}.", f"The classes are {joined(classes)}.", "unknown-class")
    numbers = np.full(len(classes), -1, np.int32)
    numbers[[classes.index(name) for name in chosen]] = np.arange(len(chosen))
    kept = np.flatnonzero(numbers[labels] >= 0)
    return Arrays({"image": images[kept]}, {"label": numbers[labels[kept]]})


# Finding


def _look(place: Path, cifar: Cifar) -> tuple[Path | None, str]:
    """The folder of batches or the archive that is to be read at a place, or why there is none."""
    if os.path.isfile(place):  # unlike the method of Path, it takes a folder without permissions for no file
        return place, ""
    top = look_at(place)
    if top.problem:
        return None, top.problem
    doubts = []
    for folder in (top, *(look_at(place / name) for name in cifar.folders)):
        missing = _missing(folder.files, cifar)
        if not missing:
            return folder.path, ""
        if folder.problem not in ("", NO_FOLDER):
            doubts.append(f"{folder.path.name} {folder.problem}")
        elif len(missing) < len(cifar.files()):
            doubts.append(f"{folder.path.name} lacks {joined(missing)}")
    archive = next((name for name in cifar.archives if name in top.files), None)
    if archive is not None:
        return place / archive, ""
    return None, "; ".join(doubts) or f"none of {joined([*cifar.folders, *cifar.archives])}"


def _missing(files: Iterable[str], cifar: Cifar) -> list[str]:
    """The batch files that are not there, in the format of which the fewest are missing."""
    present = set(files)
    by_format = ([f"{name}{end}" for name in cifar.files() if f"{name}{end}" not in present] for end in _READERS)
    return min(by_format, key=len)


def _download(
    cifar: Cifar, path: str | None, looked: Mapping[Path, str], arguments: Mapping[str, str]
) -> dict[str, Examples]:
    otherwise = f"or leave out `path`, to have them looked for in {joined(cifar.places())}, and then downloaded"
    reason = ""
    if path is None:
        try:
            return dict(zip(cifar.batches, map(_downloaded, download(cifar.name, **arguments)), strict=True))
        except DownloadFailed as error:
            otherwise, reason = "or set `path` to the folder or the archive", str(error)
    raise not_found(
        cifar.title,
        looked,
        [f"`{cifar.folders[0]}` or {joined(cifar.archives)}"],
        cifar.name,
        f"www.cs.toronto.edu/~kriz/cifar.html has them; {otherwise}",
        reason,
    )


def _downloaded(examples: Examples) -> Examples:
    images, labels = examples
    # Keras turns them by its own setting of the data format.
    return images if images.shape[-1] == 3 else images.transpose(0, 2, 3, 1), labels.reshape(-1).astype("int32")


# Reading


def _read(found: Path, cifar: Cifar, labeling: str, classes: Sequence[str]) -> dict[str, Examples]:
    if cifar.pictures and found.suffix.lower() == ".zip":
        return _read_pictures(found, cifar, classes)
    problems = Problems()
    batches: dict[str, Batch] = {}
    seen: set[str] = set()
    for name, blob in _blobs(found, cifar, problems):
        if name in seen:
            problems.add(f"{found}: {name} is there more than once", "get the archive anew")
        seen.add(name)
        ending = ".bin" if name.endswith(".bin") else ""
        with problems.noted():
            batches[name.removesuffix(ending)] = _READERS[ending](blob.read(), blob.place, cifar.labelings)
    missing = _missing(seen, cifar)
    if missing and not problems.found:  # of a file that could not be read it was said already
        problems.add(f"{found} lacks {joined(missing)}", "get it anew")
    for names in cifar.batches.values():
        _check_lengths(found, {name: len(batches[name].pixels) for name in names if name in batches}, problems)
    problems.raise_any()
    return {split: _joined([batches[name] for name in names], labeling) for split, names in cifar.batches.items()}


def _blobs(found: Path, cifar: Cifar, problems: Problems) -> Iterator[tuple[str, Blob]]:
    """The batch files of a folder or an archive, by their names; strays among the files are noted."""
    wanted = {f"{name}{ending}" for name in cifar.files() for ending in _READERS}
    if found.is_dir():
        files: dict[str, Blob | None] = {name: None for name in look_at(found).files}
        for name in wanted & files.keys():
            with problems.noted(), readable(str(found / name)):
                files[name] = PlainFile(str(found / name), os.path.getsize(found / name))
    else:
        files = contents_of(found, lambda member: _name(member) in wanted, problems).files
    for member in sorted(files):
        name, blob = _name(member), files.pop(member)  # not to keep what was unpacked longer than needed
        if blob is not None:
            yield name, blob
        elif name not in wanted and name not in cifar.archives and not _COMES_WITH.fullmatch(name):
            place = str(found / member) if found.is_dir() else f"{found}: {member}"
            problems.add(f"{place} is a stray file: it is none of {cifar.title}", "take it out")


def _name(member: str) -> str:
    return member.rpartition("/")[2]


def _read_pictures(archive: Path, cifar: Cifar, classes: Sequence[str]) -> dict[str, Examples]:
    """The pictures of a zip archive, class by class; all of them are decoded at once, to name all bad ones."""
    import numpy as np

    found = find_items(str(archive), (".jpg", ".jpeg", ".png"), "pictures", header_size)
    _check_folders(found, cifar, classes)
    items = [item for split in cifar.batches for item in found.splits[split]]
    pictures = Pictures([item.blob for item in items], (SIDE, SIDE), CHANNELS, resized=False)
    images = pictures.read(np.arange(len(items)))
    numbers = np.array([classes.index(label) for label in found.labels], np.int32)
    labels = numbers[[item.label for item in items]]
    train = len(found.splits["train"])
    return {"train": (images[:train], labels[:train]), "test": (images[train:], labels[train:])}


def _check_folders(found: ClassFolders, cifar: Cifar, classes: Sequence[str]) -> None:
    """Raises what keeps folders of classes from being those of the data set."""
    problems = Problems()
    cure = f"the archive holds pictures as train/{classes[0]}/0001.jpg and test/{classes[-1]}/0001.jpg"
    if set(found.splits) != set(cifar.batches):
        told = f"the splits {joined(filter(None, found.splits))}" if any(found.splits) else "no splits"
        problems.add(f"{found.place} has {told}, where {joined(cifar.batches)} are expected", cure)
    for name in found.labels:
        if name not in classes:
            problems.add(f"{found.place} has a folder of no known class: {name}", cure)
    for name in classes:
        if name not in found.labels:
            problems.add(f"{found.place} has no pictures of the class {name}", cure)
    problems.raise_any()


def _check_lengths(found: Path, lengths: Mapping[str, int], problems: Problems) -> None:
    if len(set(lengths.values())) > 1:
        told = joined(f"{name} {length:,}" for name, length in lengths.items())
        problems.add(
            f"{found}: its batches must be of one size, and hold different numbers of pictures: {told}",
            "get the short one anew",
        )


def _joined(batches: Sequence[Batch], labeling: str) -> Examples:
    """The images, with their channels last, and the classes of these batches."""
    import numpy as np

    images = np.empty((sum(len(batch.pixels) for batch in batches), SIDE, SIDE, CHANNELS), np.uint8)
    planes = [batch.pixels.reshape(-1, CHANNELS, SIDE, SIDE) for batch in batches]
    np.concatenate([plane.transpose(0, 2, 3, 1) for plane in planes], out=images)
    return images, np.concatenate([batch.labels[labeling] for batch in batches])
