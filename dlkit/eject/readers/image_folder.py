"""Pictures of one's own, in a folder a class."""

from __future__ import annotations

from pathlib import Path

from dlkit.data.reading.class_folders import find_items
from dlkit.data.reading.picture_column import CHANNELS
from dlkit.data.reading.pictures import SUFFIXES
from dlkit.eject.code import Call, Items, literal, literal_text, text
from dlkit.eject.reading import Reading, check_arguments, portable
from dlkit.eject.refusal import refusal
from dlkit.eject.subject import Subject

_SPLITS = ("train", "validation", "test")


def read(subject: Subject) -> Reading:
    """Reads the pictures of a folder; the classes and the folders of its splits are those that dlkit found there."""
    check_arguments(subject, "path", "size", "color")
    arguments = subject.recipe.config.data.source.arguments
    found = find_items(str(arguments["path"]), tuple(SUFFIXES), "pictures")
    if not found.place.is_dir():
        raise refusal(f"the archive {found.place}", "cannot be read by a script yet", "unpack it")
    splits = {name: found.splits[name] for name in _SPLITS if name in found.splits} or {"train": found.splits[""]}
    folders = Items([literal(portable(Path(items[0].place).parent.parent)) for items in splits.values()])
    subject.constants["CLASSES"] = literal(list(found.labels))
    size = arguments.get("size")
    given = ["folder / path", "CLASSES", str(CHANNELS[arguments.get("color", "rgb")])]
    given += [] if size is None else [f"({', '.join(map(literal_text, size))})"]
    lines = [
        "def read_examples(folder: Path) -> list[tuple[np.ndarray, np.ndarray]]:",
        '    """The pictures and classes of each split."""',
        "    examples = []",
        text(folders, "for path in ", 4, ":"),
        text(Call("examples.append", [Call(subject.piece("pictures", "read_class_folders"), given)]), "", 8),
        f"    return examples{'[0]' if len(splits) == 1 else ''}",
    ]
    return Reading(lines, tuple(splits))
