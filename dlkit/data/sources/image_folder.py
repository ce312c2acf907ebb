"""Pictures of one's own, in a folder a class."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from dlkit.data.arrays import Arrays, Splits
from dlkit.data.reading.class_folders import Item, find_items
from dlkit.data.reading.picture_column import CHANNELS, Pictures, header_size, size_of_all
from dlkit.recipe.facts import DataFacts, Feature, Target
from dlkit.recipe.registry import Range, register

if TYPE_CHECKING:
    import numpy as np


@register(
    kind="source",
    features={"image": {"kind": "image", "shape": [None, None, 3], "dtype": "uint8"}},
    targets={"label": {"kind": "classes"}},
    variants={
        "color": {"grayscale": {"features": {"image": {"kind": "image", "shape": [None, None, 1], "dtype": "uint8"}}}}
    },
)
def image_folder(
    path: Path,
    size: Annotated[tuple[int, int], Range(min=1)] | None = None,
    color: Literal["rgb", "grayscale"] = "rgb",
) -> Splits:
    """Pictures in a folder a class: a folder, a .zip or a .tar, with or without ready splits.

    The pictures (.png, .jpg, .bmp, .webp, .gif) lie in `CLASS/`, or in `train/CLASS/`, `test/CLASS/` and
    `validation/CLASS/`; an archive is not unpacked. They are turned upright by their EXIF orientation. All of their headers
    are read at once; what else is wrong with a picture is told when it is decoded.

    Args:
        path: The folder or the archive; a relative one is also looked for in `DLKIT_DATA_DIR`.
        size: The height and width that all pictures are resized to with a bilinear filter, whatever their proportions.
            Without it all of them must have one size.
        color: Whether the pictures are made color pictures or gray ones; transparency does not count.

    Raises:
        DlkitError: There is nothing at the path; files or folders are not where they should be; pictures are empty, damaged
            or too large, or, without `size`, of different sizes. All that is wrong is named at once.
    """
    from dlkit.data.reading.pictures import SUFFIXES

    found = find_items(str(path), tuple(SUFFIXES), "pictures", header_size)
    blobs = [item.blob for items in found.splits.values() for item in items]
    shape = size_of_all(blobs, size, f"The pictures of {found.place}", "size: {}")
    splits = {
        split: _examples(items, shape, CHANNELS[color], resized=size is not None)
        for split, items in found.splits.items()
    }
    facts = DataFacts(
        {"image": Feature("image", (*shape, CHANNELS[color]), "uint8")},
        {"label": Target("classes", classes=len(found.labels), labels=found.labels)},
    )
    train = splits.pop("" if "" in splits else "train")
    return Splits(train, splits.get("validation"), splits.get("test"), facts)


def _examples(items: list[Item], size: tuple[int, int], channels: int, *, resized: bool) -> Arrays:
    import numpy as np

    labels: np.ndarray = np.array([item.label for item in items], np.int32)
    return Arrays(
        {"image": Pictures([item.blob for item in items], size, channels, resized=resized)}, {"label": labels}
    )
