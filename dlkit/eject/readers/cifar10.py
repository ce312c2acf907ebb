"""CIFAR-10, and its sets of some classes."""

from __future__ import annotations

from pathlib import Path

from dlkit.data.reading.places import places_of_path
from dlkit.data.sources._cifar import _look
from dlkit.data.sources.cifar10 import CIFAR10
from dlkit.eject.code import literal, literal_text
from dlkit.eject.reading import Reading, check_arguments, portable
from dlkit.eject.refusal import refusal
from dlkit.eject.subject import Subject


def read(subject: Subject) -> Reading:
    """Reads the archive of pictures that dlkit reads, or has Keras download its own."""
    check_arguments(subject, "path", "classes")
    arguments = subject.recipe.config.data.source.arguments
    found = _found(arguments.get("path"))
    declared = subject.recipe.components.source_facts("cifar10", {}).targets["label"].labels
    subject.constants["CLASSES"] = literal(list(arguments.get("classes") or declared or ()))
    if found is not None and found.suffix.lower() == ".zip":
        return Reading(_of_archive(subject, portable(found)), ("train", "test"))
    if arguments.get("path") is not None:
        raise refusal("`data.source.cifar10.path`", "is no zip archive, and a script has Keras download the batches")
    subject.constants["NAMES"] = literal(list(declared or ()))
    return Reading(_OF_KERAS, ("train", "test"), has_folder=False)


def _found(path: str | None) -> Path | None:
    places = CIFAR10.places() if path is None else places_of_path(path)
    return next((found for place in places if (found := _look(place, CIFAR10)[0]) is not None), None)


def _of_archive(subject: Subject, path: str) -> list[str]:
    read = subject.piece("files", "read_pictures")
    return [
        "def read_examples(folder: Path) -> list[tuple[np.ndarray, np.ndarray]]:",
        '    """The pictures and classes to train on and to test on."""',
        f"    archive = folder / {literal_text(path)}",
        f'    return [{read}(archive, split, CLASSES) for split in ("train", "test")]',
    ]


_OF_KERAS = [
    "def read_examples() -> list[tuple[np.ndarray, np.ndarray]]:",
    '    """The pictures and classes to train on and to test on."""',
    "    numbers = np.array([CLASSES.index(name) if name in CLASSES else -1 for name in NAMES], np.int32)",
    "    examples = []",
    "    for images, labels in keras.datasets.cifar10.load_data():",
    "        chosen = numbers[labels.reshape(-1)]",
    "        examples.append((images[chosen >= 0], chosen[chosen >= 0]))",
    "    return examples",
]
