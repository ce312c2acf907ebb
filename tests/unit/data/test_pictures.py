from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dlkit.data.reading.pictures import decode, size_of
from dlkit.errors import DlkitError

NOISE = np.random.default_rng(1).integers(0, 256, (9, 14, 3), np.uint8)


def encoded(pixels: np.ndarray | Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    picture.save(file, kind, **options)
    return file.getvalue()


def failure(content: bytes) -> str:
    with pytest.raises(DlkitError) as error:
        decode(content, "mine.zip: cat/1.png", 3)
    assert error.value.message.startswith("mine.zip: cat/1.png ") and error.value.cure
    return error.value.message


def giant(kind: str) -> bytes:
    """A small file whose header claims 30,000 x 30,000 pixels."""
    if kind == "PNG":
        header = b"IHDR" + struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
        return (
            b"\x89PNG\r\n\x1a\n"
            + struct.pack(">I", 13)
            + header
            + struct.pack(">I", zlib.crc32(header))
            + bytes(4)
            + b"IDAT"
        )
    content, side = encoded(NOISE, kind), 30_000
    start = content.index(b"\xff\xc0")
    return content[: start + 5] + struct.pack(">HH", side, side) + content[start + 9 :]


# What is decoded


@pytest.mark.parametrize("kind", ["PNG", "BMP", "WEBP"])
def test_lossless_pictures_keep_their_pixels(kind: str) -> None:
    content = encoded(NOISE, kind, **({"lossless": True} if kind == "WEBP" else {}))
    np.testing.assert_array_equal(decode(content, "x", 3), NOISE)
    assert size_of(content, "x") == (9, 14)


def test_jpegs_keep_their_pixels_within_rounding() -> None:
    smooth = np.stack([np.add.outer(np.arange(48), np.arange(64)) * factor for factor in (1, 2, 1)], -1).astype(
        np.uint8
    )
    difference = decode(encoded(smooth, "JPEG", quality=100, subsampling=0), "x", 3).astype(int) - smooth
    assert abs(difference).max() <= 3


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
@pytest.mark.parametrize("stored", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_every_mode_is_turned_into_the_channels(stored: str, channels: int, mode: str) -> None:
    picture = Image.fromarray(NOISE).convert(stored)
    wanted = np.asarray(picture.convert(mode)).reshape(9, 14, channels)
    np.testing.assert_array_equal(decode(encoded(picture), "x", channels), wanted)


def test_cmyk_is_turned_into_colors() -> None:
    red = decode(encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG"), "x", 3)
    assert abs(red.astype(int) - (255, 0, 0)).max() <= 3


def test_transparency_of_palettes_does_not_count() -> None:
    picture = Image.fromarray(NOISE).quantize(8)
    content = encoded(picture, transparency=0)
    np.testing.assert_array_equal(decode(content, "x", 3), np.asarray(picture.convert("RGB")))


def test_sixteen_bits_are_scaled() -> None:
    deep = np.array([[0, 257, 128 * 257, 65535]], np.uint16)
    assert decode(encoded(deep), "x", 1).tolist() == [[[0], [1], [128], [255]]]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_pictures_are_turned_upright(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    as_is = decode(encoded(NOISE, kind), "x", 3)
    upright = {
        1: as_is,
        2: as_is[:, ::-1],
        3: as_is[::-1, ::-1],
        4: as_is[::-1],
        5: as_is.transpose(1, 0, 2),
        6: np.rot90(as_is, -1),
        7: np.rot90(as_is, 2).transpose(1, 0, 2),
        8: np.rot90(as_is),
    }[orientation]
    content = encoded(NOISE, kind, exif=exif)
    np.testing.assert_array_equal(decode(content, "x", 3), upright)
    assert size_of(content, "x") == upright.shape[:2]


def test_the_first_frame_counts() -> None:
    frames = [Image.fromarray(np.full((4, 4), shade, np.uint8)) for shade in (10, 200)]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert set(decode(content, "x", 1).ravel()) == {10}


def test_shrinking_averages() -> None:
    checks = np.indices((64, 64)).sum(0) % 2 * np.uint8(255)
    small = decode(encoded(checks.astype(np.uint8)), "x", 1, (8, 4))
    assert small.shape == (8, 4, 1) and abs(small.astype(int) - 127).max() <= 2


def test_a_picture_is_resized_as_pillow_does_it() -> None:
    wanted = np.asarray(Image.fromarray(NOISE).resize((5, 20), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(decode(encoded(NOISE), "x", 3, (20, 5)), wanted)


# What is refused


def test_an_empty_file_is_refused() -> None:
    assert failure(b"") == "mine.zip: cat/1.png is empty"


@pytest.mark.parametrize("content", [b"<html>", bytes(1000), encoded(NOISE, "TIFF"), b"P6 1 1 255 abc"])
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    assert "is no picture, or a damaged one" in failure(content)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP"])
@pytest.mark.parametrize("share", [0.1, 0.6, 0.95])
def test_pictures_cut_short_are_refused(kind: str, share: float) -> None:
    big = np.random.default_rng(1).integers(0, 256, (90, 140, 3), np.uint8)
    content = encoded(big, kind)
    assert "picture" in failure(content[: int(len(content) * share)])


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_giants_are_refused_from_their_header(kind: str) -> None:
    message = failure(giant(kind))
    assert "has more than 178,956,970 pixels, where 89,478,485 are the most" in message
    with pytest.raises(DlkitError, match="pixels, where"):
        size_of(giant(kind), "x")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_large_ones_are_refused_with_their_size() -> None:
    content = encoded(Image.new("1", (10_000, 9_500)))
    assert "has 10,000 x 9,500 pixels, where 89,478,485 are the most" in failure(content)


@pytest.mark.parametrize("quality", [30, 75, 95])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"subsampling": 1}, {"gray": True}])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [None, (16, 50)])
def test_a_plain_jpeg_has_the_pixels_that_pillow_gives_it(
    quality: int, options: dict, channels: int, size: tuple[int, int] | None
) -> None:
    draw = np.random.default_rng(quality)
    noise = Image.fromarray(draw.integers(0, 256, (9, 11, 3), np.uint8)).resize((67, 43), Image.Resampling.BICUBIC)
    options = dict(options)
    picture = noise.convert("L") if options.pop("gray", False) else noise
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality, **options)
    expected = Image.open(io.BytesIO(file.getvalue())).convert({1: "L", 3: "RGB"}[channels])
    if size:
        expected = expected.resize(size[::-1], Image.Resampling.BILINEAR)
    made = decode(file.getvalue(), "picture.jpg", channels, size)
    assert np.array_equal(made, np.asarray(expected).reshape(made.shape))
    assert size_of(file.getvalue(), "picture.jpg") == (43, 67)
