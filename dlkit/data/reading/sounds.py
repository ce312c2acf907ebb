"""Turns the bytes of wav files into waveforms: the one place for it, so that training and `predict` hear the same.

Several channels become their mean. Another rate is changed by a polyphase filter (scipy.signal.resample_poly).

Format: "Multimedia Programming Interface and Data Specifications 1.0" (IBM and Microsoft, 1991), and for more than 16 bits
https://learn.microsoft.com/windows/win32/api/mmreg/ns-mmreg-waveformatextensible
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dlkit.errors import DlkitError

SUFFIXES = (".wav", ".wave")
LOWEST_RATE, HIGHEST_RATE = 100, 768_000
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_COMPRESSED = {2: "ADPCM", 6: "A-law", 7: "mu-law", 17: "ADPCM", 49: "GSM 6.10", 80: "MPEG", 85: "MP3", 255: "AAC"}
_TYPES = {
    (_PCM, 8): "u1",
    (_PCM, 16): "<i2",
    (_PCM, 24): "u1",
    (_PCM, 32): "<i4",
    (_FLOAT, 32): "<f4",
    (_FLOAT, 64): "<f8",
}
_MOST_CHANNELS = 64
_ANEW, _CONVERT = "get the file anew", "convert it to PCM: `ffmpeg -i OLD.wav -c:a pcm_s16le NEW.wav`"


@dataclass(frozen=True, slots=True)
class Header:
    """What a wav file tells of its sound.

    Args:
        rate: Frames a second.
        frames: Their number.
        channels: Values of a frame.
        form: The code of its format, and the bits of a value.
        start: The byte at which the sound begins.
    """

    rate: int
    frames: int
    channels: int
    form: tuple[int, int]
    start: int

    def samples(self, rate: int | None) -> int:
        """The length that the waveform has at another rate; at its own for None."""
        up, down = _ratio(self.rate, rate)
        return -(-self.frames * up // down)


class HeaderCut(Exception):
    """The bytes end before the sound begins."""


def read_header(content: bytes, size: int, place: str) -> Header:
    """The header of a wav file.

    Args:
        content: The file, or its beginning.
        size: Bytes of the whole file.
        place: Where it is, for messages.

    Raises:
        HeaderCut: The sound begins behind this beginning of the file.
        DlkitError: It is empty, cut short, compressed or no wav file.
    """
    if not size:
        raise DlkitError(f"{place} is empty", _ANEW)
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise DlkitError(f"{place} is no wav file: it does not begin with RIFF and WAVE", _CONVERT)
    told = None
    for name, start, length in _chunks(content, size):
        if name == b"fmt ":
            if len(content) < min(size, start + length):
                raise HeaderCut
            told = _form(content[start : start + length], place)
        elif name == b"data" and told is not None:
            return _header(told, start, length, size, place)
    if len(content) < size:
        raise HeaderCut
    raise DlkitError(f"{place} is damaged: it has no {'sound' if told else 'format of a sound'}", _ANEW)


def _chunks(content: bytes, size: int) -> Iterator[tuple[bytes, int, int]]:
    """The parts of a file: name, first byte and length."""
    at = 12
    while at + 8 <= min(len(content), size):
        name, length = struct.unpack_from("<4sI", content, at)
        yield name, at + 8, length
        at += 8 + length + length % 2


def _form(chunk: bytes, place: str) -> tuple[int, int, int, int, int]:
    """The code of the format, channels, rate, bytes of a frame, bits of a value."""
    if len(chunk) < 16:
        raise DlkitError(f"{place} is damaged: it tells no format of its sound", _ANEW)
    code, channels, rate, _, frame, bits = struct.unpack_from("<HHIIHH", chunk)
    if code == _EXTENSIBLE and len(chunk) >= 26:
        (code,) = struct.unpack_from("<H", chunk, 24)
    return code, channels, rate, frame, bits


def _header(told: tuple[int, int, int, int, int], start: int, length: int, size: int, place: str) -> Header:
    code, channels, rate, frame, bits = told
    if code not in (_PCM, _FLOAT):
        raise DlkitError(f"{place} is compressed ({_COMPRESSED.get(code, f'format {code}')})", _CONVERT)
    if (code, bits) not in _TYPES:
        raise DlkitError(f"{place} has {bits} bits a value, where 8, 16, 24, 32 or 64 are known", _CONVERT)
    if not 0 < channels <= _MOST_CHANNELS or frame != channels * bits // 8:
        raise DlkitError(f"{place} is damaged: {channels} channels of {bits} bits in {frame} bytes", _ANEW)
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise DlkitError(f"{place} has a rate of {rate:,} Hz, where {LOWEST_RATE} to {HIGHEST_RATE:,} are known", _ANEW)
    if start + length > size:
        raise DlkitError(
            f"{place} is cut short: of {length:,} bytes of sound {max(0, size - start):,} are there", _ANEW
        )
    if length < frame:
        raise DlkitError(f"{place} holds no sound", "take the file out")
    return Header(rate, length // frame, channels, (code, bits), start)


def decode(content: bytes, place: str, rate: int | None = None, samples: int | None = None) -> np.ndarray:
    """The waveform of a wav file, float32 of shape (samples,), from -1 to 1 at full scale.

    Args:
        content: The file.
        place: Where it is, for messages.
        rate: Samples a second; None leaves them as they are.
        samples: The length, to which the waveform is cut or padded with zeros at its end; None leaves it as it is.

    Raises:
        DlkitError: It is empty, cut short, compressed, no wav file, or holds values that are no numbers.
    """
    header = read_header(content, len(content), place)
    up, down = _ratio(header.rate, rate)
    wave = _waveform(content, header, _frames_needed(header.frames, samples, up, down))
    if not np.isfinite(wave).all():
        raise DlkitError(f"{place} holds values that are no numbers", _ANEW)
    if up != down:
        from scipy.signal import resample_poly

        wave = resample_poly(wave, up, down)
    if samples is None or len(wave) == samples:
        return wave
    return np.pad(wave[:samples], (0, max(0, samples - len(wave))))


def _ratio(rate: int, wanted: int | None) -> tuple[int, int]:
    """By what number the samples are to be multiplied, as a fraction."""
    common = math.gcd(rate, wanted or rate)
    return (wanted or rate) // common, rate // common


def _frames_needed(frames: int, samples: int | None, up: int, down: int) -> int:
    """The frames that the first samples are made of: the filter of `resample_poly` reaches 10 max(up, down) / up ahead."""
    if samples is None:
        return frames
    return min(frames, -(-samples * down // up) + -(-10 * max(up, down) // up) + 1)


def _waveform(content: bytes, header: Header, frames: int) -> np.ndarray:
    code, bits = header.form
    count = frames * header.channels
    raw = np.frombuffer(content, _TYPES[header.form], count * (3 if bits == 24 else 1), header.start)
    if bits == 24:
        whole = np.zeros((count, 4), np.uint8)
        whole[:, 1:] = raw.reshape(count, 3)
        raw = whole.view("<i4")[:, 0]
    values: np.ndarray = raw.astype(np.float64 if bits > 16 else np.float32)
    if code == _PCM:
        values = (values - 128) / 128 if bits == 8 else values / 2 ** (15 if bits == 16 else 31)
    return values.reshape(frames, header.channels).mean(1, dtype=values.dtype).astype(np.float32)
