"""Pictures that are kept as the bytes of their files, and decoded when a batch asks for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dlkit.data.reading.blobs import Blob, InMemory
from dlkit.data.reading.picture_column import Pictures, size_of_all
from dlkit.recipe.facts import Feature


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
    height, width = size_of_all(every, size, "The pictures", argument)
    columns = {
        split: Pictures(group, (height, width), channels, resized=size is not None) for split, group in blobs.items()
    }
    return columns, Feature("image", (height, width, channels), "uint8")
