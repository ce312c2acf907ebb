"""MNIST and its kin."""

from __future__ import annotations

from dlkit.eject.code import literal_text, text
from dlkit.eject.reading import Reading, check_arguments, one_or_all, portable
from dlkit.eject.subject import Subject


def idx_set(subject: Subject, title: str, folder: str, name: str, targets: dict[str, str]) -> Reading:
    """Reads gray pictures out of four idx files, or has Keras download them.

    Args:
        subject: The recipe and its script.
        title: The name of the data set.
        folder: The folder of its files.
        name: Its name among `keras.datasets`.
        targets: Code of the targets, made of `labels`, by name.
    """
    check_arguments(subject, "path")
    made = {target: targets[target] for target in subject.targets}
    return Reading(idx_lines(subject, "read_examples", title, folder, name, made), ("train", "test"))


def idx_lines(
    subject: Subject, function: str, title: str, folder: str, name: str, targets: dict[str, str]
) -> list[str]:
    """The function that reads them, as lines of code."""
    path = subject.recipe.config.data.source.arguments.get("path")
    where = literal_text(folder if path is None else portable(path))
    read = subject.piece("files", "read_idx")
    subject.copies.imports["from typing import Any"] = None
    return [
        f"def {function}(folder: Path) -> list[tuple[np.ndarray, Any]]:",
        f'    """{title}: the pictures and classes to train on and to test on."""',
        f"    directory = folder / {where}",
        "    if directory.is_dir():",
        '        kinds = ("images-idx3", "labels-idx1")',
        '        names = [[f"{split}-{kind}-ubyte.gz" for kind in kinds] for split in ("train", "t10k")]',
        f"        splits = [[{read}(directory / name) for name in pair] for pair in names]",
        "    else:",
        f"        splits = keras.datasets.{name}.load_data()",
        "    examples = []",
        "    for images, numbers in splits:",
        '        labels = numbers.astype("int32")',
        text(one_or_all(targets), "y = ", 8),
        "        examples.append((images[..., None], y))",
        "    return examples",
    ]
