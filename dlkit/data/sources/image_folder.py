"""Pictures of one's own, in a folder a class."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from dlkit.data.arrays import Arrays, Splits
from dlkit.data.sources._blobs import Blob
from dlkit.data.sources._class_folders import ClassFolders, Item, find_items
from dlkit.data.sources._picture_column import Pictures, checked
from dlkit.errors import DlkitError
from dlkit.recipe.facts import DataFacts, Feature, Target
from dlkit.recipe.registry import Range, register

if TYPE_CHECKING:
    import numpy as np

CHANNELS = {"rgb": 3, "grayscale": 1}
_HEADER = 2**16  # bytes that hold the header of most pictures
_SIZES = 5  # that are told, where they differ


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
    from dlkit.data.pictures import SUFFIXES

    found = find_items(str(path), tuple(SUFFIXES), "pictures")
    shape = _common_size(found, resized=size is not None)
    if size is not None:
        shape = (size[0], size[1])
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


def _common_size(found: ClassFolders, *, resized: bool) -> tuple[int, int]:
    """The height and width of all pictures, whose headers are read; of the first where they are resized anyway."""
    blobs = [item.blob for items in found.splits.values() for item in items]
    sizes = checked(_size, blobs)
    counts = Counter(sizes)
    if len(counts) > 1 and not resized:
        told = [f"{list(size)} as {blobs[sizes.index(size)].place}" for size, _ in counts.most_common(_SIZES)]
        more = [f"and {len(counts) - _SIZES:,} more"] if len(counts) > _SIZES else []
        raise DlkitError(
            "\n  ".join([f"The pictures of {found.place} have different sizes (height, width):", *told, *more]),
            f"have them resized, by image_folder's `size: {list(counts.most_common(1)[0][0])}`",
            code="damaged-data",
        )
    return sizes[0]


def _size(blob: Blob) -> tuple[int, int]:
    from dlkit.data.pictures import size_of

    if blob.size > _HEADER:
        try:
            return size_of(blob.head(_HEADER), blob.place)
        except DlkitError:
            pass  # what the header lacks may stand behind
    return size_of(blob.read(), blob.place)


def _examples(items: list[Item], size: tuple[int, int], channels: int, *, resized: bool) -> Arrays:
    import numpy as np

    labels: np.ndarray = np.array([item.label for item in items], np.int32)
    return Arrays(
        {"image": Pictures([item.blob for item in items], size, channels, resized=resized)}, {"label": labels}
    )
