"""A column of pictures that are decoded when a batch asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dlkit.data.reading.blobs import Blob
from dlkit.data.reading.decoded import Decoded, checked, common
from dlkit.errors import DlkitError

if TYPE_CHECKING:
    import numpy as np

CHANNELS = {"rgb": 3, "grayscale": 1}
_HEADER = 2**16  # bytes that hold the header of most pictures


class Pictures(Decoded):
    """Pictures in files, of one size and type.

    Args:
        blobs: The files.
        size: The height and width that the pictures have, or are resized to.
        channels: 1 (gray) or 3 (RGB).
        resized: Whether they are resized; otherwise one of another size is an error.
    """

    def __init__(self, blobs: Sequence[Blob], size: tuple[int, int], channels: int, *, resized: bool) -> None:
        super().__init__(blobs, (*size, channels), "uint8", f"pictures {resized}")
        self._resized = resized

    def decode(self, blob: Blob) -> np.ndarray:
        from dlkit.data.reading.pictures import decode

        _, height, width, channels = self.shape
        pixels = decode(blob.read(), blob.place, channels, (height, width) if self._resized else None)
        if pixels.shape != self.shape[1:]:
            raise DlkitError(
                f"{blob.place} has {pixels.shape[1]} x {pixels.shape[0]} pixels, where {width} x {height} are expected",
                "resize it, by the source's `size` where it has one; or, if the file was changed meanwhile, load the "
                "data anew",
            )
        return pixels


def size_of_all(blobs: Sequence[Blob], size: Sequence[int] | None, of: str, argument: str) -> tuple[int, int]:
    """The height and width that pictures are to have; the headers of all of them are read.

    Args:
        blobs: The files.
        size: To which they are resized; None where they must have one size.
        of: The pictures, as `The pictures of pets`.
        argument: How a recipe gives the size, as `size: {}`.

    Raises:
        DlkitError: Some are damaged, or differ in size without one being given.
    """
    sizes = checked(header_size, blobs)
    if size is not None:
        return size[0], size[1]
    return common(
        sizes,
        blobs,
        f"{of} have different sizes (height, width)",
        lambda frequent: f"have them resized, by `{argument.format(list(frequent))}`",
        lambda found: str(list(found)),
    )


def header_size(blob: Blob) -> tuple[int, int]:
    """The height and width that the header of a picture tells.

    Raises:
        DlkitError: It is damaged, or no picture.
    """
    from dlkit.data.reading.pictures import size_of

    if blob.size > _HEADER:
        try:
            return size_of(blob.head(_HEADER), blob.place)
        except DlkitError:
            pass  # what the header lacks may stand behind
    return size_of(blob.read(), blob.place)
