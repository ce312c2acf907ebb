"""Turns the bytes of pictures into pixels: the one place for it, so that training and `predict` see the same.

Pictures are turned upright by their EXIF orientation, made gray or colored, and resized with a bilinear filter that
averages where it shrinks, whatever their proportions. Of an animation the first frame counts; transparency does not,
where no channel is asked for it. 16 bits are scaled to 8.

Pillow does all of it, but for plain JPEG files, which most pictures are: simplejpeg gives the same pixels (a test holds
that), of small ones five times as many a second, since it lets go of the interpreter sooner.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import simplejpeg
from PIL import Image, ImageOps
from PIL.ExifTags import Base

from dlkit.errors import DlkitError

SUFFIXES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".bmp": "BMP", ".webp": "WEBP", ".gif": "GIF"}
FORMATS = tuple(dict.fromkeys(SUFFIXES.values()))
MODES = {1: "L", 3: "RGB", 4: "RGBA"}  # by the number of channels
MOST_PIXELS = 2**30 // 4 // 3  # a quarter of a gigabyte in RGB; Pillow warns of more
_ORIENTED = {"exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"}  # what Pillow may find an orientation in
_JPEG = b"\xff\xd8\xff"
_MAY_BE_TURNED = (b"Exif\0\0", b"http://ns.adobe.com/xap/")  # what stands before an orientation in a JPEG file
_COLORS = {1: ("Gray",), 3: ("YCbCr", "Gray"), 4: ()}  # of a JPEG file, from which there is no way but one to a mode
_ANEW, _SMALLER = "get the picture anew, or take it away", "make the picture smaller"
# What Pillow's decoders raise for files that were damaged.
_DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    struct.error,
    zlib.error,
)

# Pillow warns of damaged metadata and of sizes that are refused here; not by `catch_warnings`, which threads must not use.
warnings.filterwarnings("ignore", module=r"PIL\.")


def decode(content: bytes, place: str, channels: int, size: tuple[int, int] | None = None) -> np.ndarray:
    """The pixels of a picture, uint8 of shape (height, width, channels).

    Args:
        content: The file.
        place: Where it is, for messages.
        channels: 1 (gray), 3 (RGB) or 4 (RGBA).
        size: The height and width to resize it to; None leaves it as it is.

    Raises:
        DlkitError: It is empty, cut short, no picture, or one of more than `MOST_PIXELS` pixels.
    """
    plain = _plain_jpeg(content, channels)
    if plain is None:
        with opened(content, place) as picture:
            return pixels(picture, channels, size or (None, None))
    if size is None or size == plain.shape[:2]:
        return plain
    picture = Image.fromarray(plain[..., 0] if channels == 1 else plain)
    return np.asarray(picture.resize(size[::-1], Image.Resampling.BILINEAR)).reshape(*size, channels)


def _plain_jpeg(content: bytes, channels: int) -> np.ndarray | None:
    """The pixels of a JPEG file, where it is whole and nothing but decoding is to be done; Pillow does the others."""
    if not content.startswith(_JPEG) or any(word in content for word in _MAY_BE_TURNED):
        return None
    try:
        height, width, colors, _ = simplejpeg.decode_jpeg_header(content)
        if height * width > MOST_PIXELS or colors not in _COLORS[channels]:
            return None
        mode = "GRAY" if channels == 1 else "RGB"
        return simplejpeg.decode_jpeg(content, mode, fastdct=False, fastupsample=False)
    except ValueError:  # damaged, and Pillow says how
        return None


def size_of(content: bytes, place: str) -> tuple[int, int]:
    """The height and width that a picture has upright, as far as its header tells: an orientation may stand at its end.

    Args:
        content: The file, or as much of it as holds the header.
        place: Where it is, for messages.

    Raises:
        DlkitError: As `decode` does.
    """
    with suppress(ValueError):
        if content.startswith(_JPEG) and not any(word in content for word in _MAY_BE_TURNED):
            height, width, *_ = simplejpeg.decode_jpeg_header(content)
            if height * width <= MOST_PIXELS:
                return height, width
    with opened(content, place) as picture:
        # Asked of a PNG file that has none, Pillow looks behind the pixels, and decodes them.
        oriented = not _ORIENTED.isdisjoint(picture.info)
        turned = oriented and picture.getexif().get(Base.Orientation, 1) in (5, 6, 7, 8)
        return picture.size if turned else (picture.height, picture.width)


@contextmanager
def opened(content: bytes | Path, place: str, formats: Collection[str] = FORMATS) -> Iterator[Image.Image]:
    """A picture whose header was read, and whose pixels may be taken within the block.

    Args:
        content: The file, or its path.
        place: Where it is, for messages.
        formats: The formats it may have, by Pillow's names.

    Raises:
        DlkitError: As `decode` does.
    """
    if not content:
        raise DlkitError(f"{place} is empty", _ANEW)
    try:
        file = io.BytesIO(content) if isinstance(content, bytes) else content
        with Image.open(file, formats=tuple(formats)) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise _too_large(place, f"{picture.width:,} x {picture.height:,} pixels")
            yield picture
    except Image.DecompressionBombError:
        raise _too_large(place, f"more than {2 * (Image.MAX_IMAGE_PIXELS or 0):,} pixels") from None
    except Image.UnidentifiedImageError:
        raise DlkitError(f"{place} is no picture, or a damaged one", _ANEW) from None
    except _DAMAGED as error:
        raise DlkitError(f"{place} is a damaged picture: {error}", _ANEW) from None


def pixels(picture: Image.Image, channels: int, size: tuple[int | None, int | None] = (None, None)) -> np.ndarray:
    """The pixels of an open picture, as `decode`; a height or width that is None stays what it is."""
    picture.load()
    if not _ORIENTED.isdisjoint(picture.info):
        ImageOps.exif_transpose(picture, in_place=True)
    if picture.mode.startswith("I"):  # 16 bits; Pillow would cut them off at 255
        picture = Image.fromarray((np.asarray(picture).clip(0, 2**16 - 1) / 257).round().astype(np.uint8))
    if picture.mode != MODES[channels]:
        picture = picture.convert(MODES[channels])
    wanted = (size[1] or picture.width, size[0] or picture.height)
    if picture.size != wanted:
        picture = picture.resize(wanted, Image.Resampling.BILINEAR)
    return np.asarray(picture).reshape(picture.height, picture.width, channels)


def _too_large(place: str, told: str) -> DlkitError:
    return DlkitError(f"{place} has {told}, where {MOST_PIXELS:,} are the most", _SMALLER)
