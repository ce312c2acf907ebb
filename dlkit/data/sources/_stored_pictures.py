"""Pictures that are kept as the bytes of their files, and decoded when a batch asks for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from dlkit.data.sources._blobs import Blob, InMemory
from dlkit.data.sources._picture_column import Pictures, checked
from dlkit.errors import DlkitError
from dlkit.recipe.facts import Feature

CHANNELS = {"rgb": 3, "grayscale": 1}
_TOLD = 5  # sizes, where they differ


def stored_pictures(
    contents: Mapping[str, Sequence[tuple[str, bytes]]], size: Sequence[int] | None, channels: int, argument: str
) -> tuple[dict[str, Pictures], Feature]:
    """Columns of pictures, whose headers are all read.

    Args:
        contents: By split, what messages call a picture, and the bytes of its file.
        size: The height and width to which they are resized; None where they must have one size.
        channels: 1 (gray) or 3 (RGB).
        argument: How a recipe gives the size, for messages.

    Raises:
        DlkitError: Some are damaged, or differ in size without one being given.
    """
    blobs = {split: [InMemory(place, len(content), content) for place, content in c] for split, c in contents.items()}
    every: list[Blob] = [blob for group in blobs.values() for blob in group]
    sizes = checked(_size, every)
    counts = Counter(sizes)
    if size is None and len(counts) > 1:
        told = [f"{list(found)} as {every[sizes.index(found)].place}" for found, _ in counts.most_common(_TOLD)]
        more = [f"and {len(counts) - _TOLD:,} more"] if len(counts) > _TOLD else []
        raise DlkitError(
            "\n  ".join(["The pictures have different sizes (height, width):", *told, *more]),
            f"have them resized: `{argument.format(list(counts.most_common(1)[0][0]))}`",
            code="damaged-data",
        )
    height, width = size or sizes[0]
    columns = {
        split: Pictures(group, (height, width), channels, resized=size is not None) for split, group in blobs.items()
    }
    return columns, Feature("image", (height, width, channels), "uint8")


def _size(blob: Blob) -> tuple[int, int]:
    from dlkit.data.pictures import size_of

    return size_of(blob.read(), blob.place)
