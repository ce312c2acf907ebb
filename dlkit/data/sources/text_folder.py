"""Texts in a folder a class, a file a text, in a folder or an archive."""

from __future__ import annotations

from pathlib import Path

from dlkit.data.arrays import Arrays, Splits
from dlkit.data.reading.class_folders import Item, find_items
from dlkit.data.reading.text_files import read_texts, text_of
from dlkit.data.reading.texts import SUFFIX
from dlkit.recipe.facts import DataFacts, Target
from dlkit.recipe.registry import register


@register(
    kind="source",
    features={"text": {"kind": "text", "shape": [], "dtype": "string"}},
    targets={"label": {"kind": "classes"}},
)
def text_folder(path: Path) -> Splits:
    """Texts in a folder a class, a file a text.

    The files are `CLASS/NAME.txt`; or, with ready splits, `train/CLASS/NAME.txt` and the same in `test/` and in
    `validation/`. Blanks at the ends of a text are taken away. The classes are numbered by their names.

    Args:
        path: The folder, or an archive of it: `.zip`, or `.tar`, however compressed.

    Raises:
        DlkitError: There is nothing at the path, files lie where they should not, hold no text, are no UTF-8 or cannot be
            read, or there are fewer than two classes; all that is wrong is named at once.
    """
    found = find_items(str(path), [SUFFIX], "texts", text_of)
    parts = {split or "train": _arrays(items) for split, items in found.splits.items()}
    target = Target("classes", classes=len(found.labels), labels=found.labels)
    return Splits(
        parts["train"], parts.get("validation"), parts.get("test"), facts=DataFacts(targets={"label": target})
    )


def _arrays(items: list[Item]) -> Arrays:
    import numpy as np

    labels = np.array([item.label for item in items], np.int32)
    return Arrays({"text": read_texts(item.blob for item in items)}, {"label": labels})
