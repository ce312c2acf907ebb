"""MNIST and its kin."""

from __future__ import annotations

from dlkit.data.sources._idx_set import IdxSet
from dlkit.eject.code import literal_text, text
from dlkit.eject.reading import Reading, check_arguments, one_or_all, portable
from dlkit.eject.subject import Subject


def read_idx_set(subject: Subject, idx_set: IdxSet, targets: dict[str, str]) -> Reading:
    """Reads gray pictures out of four idx files, or has Keras download them.

    Args:
        subject: The recipe and its script.
        idx_set: The data set.
        targets: Code of the targets, made of `labels`, by name.
    """
    check_arguments(subject, "path")
    made = {target: targets[target] for target in subject.targets}
    return Reading(idx_lines(subject, "read_examples", idx_set, made), ("train", "test"))


def idx_lines(subject: Subject, function: str, idx_set: IdxSet, targets: dict[str, str]) -> list[str]:
    """The function that reads them, as lines of code."""
    path = subject.recipe.config.data.source.arguments.get("path")
    where = literal_text(idx_set.folders[0] if path is None else portable(path))
    read, made = subject.piece("files", "read_idx"), one_or_all(targets)
    subject.copies.use("from typing import Any")
    return [
        f"def {function}(folder: Path) -> list[tuple[np.ndarray, Any]]:",
        f'    """{idx_set.title}: the pictures and classes to train on and to test on."""',
        f"    directory = folder / {where}",
        "    if directory.is_dir():",
        '        kinds = ("images-idx3", "labels-idx1")',
        '        names = [[f"{split}-{kind}-ubyte" for kind in kinds] for split in ("train", "t10k")]',
        f"        splits = [[{read}(directory / name) for name in pair] for pair in names]",
        "    else:",
        f"        splits = keras.datasets.{idx_set.name}.load_data()",
        "    examples = []",
        "    for images, numbers in splits:",
        '        labels = numbers.astype("int32")',
        *([] if made == "labels" else [text(made, "targets = ", 8)]),
        f"        examples.append((images[..., None], {'labels' if made == 'labels' else 'targets'}))",
        "    return examples",
    ]
