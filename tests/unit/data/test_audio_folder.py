"""Sounds: what the bytes of wav files are worth, compared with SciPy's reader; and which files are refused."""

from __future__ import annotations

import io
import shutil
import struct
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.io import wavfile
from scipy.signal import resample_poly

from dlkit.data.arrays import Splits
from dlkit.data.fingerprint import fingerprint
from dlkit.data.inputs.read import read_inputs
from dlkit.data.reading.sounds import decode
from dlkit.data.sources.audio_folder import audio_folder
from dlkit.errors import DlkitError
from dlkit.recipe.facts import Feature

WAVE = np.sin(np.arange(500) / 7).astype(np.float32) * 0.8
WAVEFORM = {"waveform": Feature("audio", (400,), sample_rate=8_000)}


def wav(values: np.ndarray, rate: int = 8_000) -> bytes:
    stream = io.BytesIO()
    wavfile.write(stream, rate, values)
    return stream.getvalue()


def pcm16(values: np.ndarray) -> np.ndarray:
    return np.round(values * 32_767).astype(np.int16)


def with_chunks(
    data: bytes, *, code: int = 1, bits: int = 16, channels: int = 1, rate: int = 8_000, more: bytes = b""
) -> bytes:
    frame = channels * bits // 8
    form = struct.pack("<HHIIHH", code, channels, rate, rate * frame, frame, bits)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + more + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def write(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def example() -> dict[str, bytes]:
    return {f"{label}/{row}.wav": wav(pcm16(WAVE * (row + 1) / 9)) for label in ("cat", "dog") for row in range(4)}


def failure(path: Path, **arguments: Any) -> str:
    with pytest.raises(DlkitError) as error:
        audio_folder(path, **arguments)
    assert error.value.cure
    return str(error.value)


def waves(splits: Splits) -> np.ndarray:
    return np.asarray(splits.train.features["waveform"])


# Decoding


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        (np.round(WAVE * 127 + 128).astype(np.uint8), 128),
        (pcm16(WAVE), 2**15),
        (np.round(WAVE.astype(np.float64) * 2**31).astype(np.int32), 2**31),
        (WAVE, 1),
        (WAVE.astype(np.float64), 1),
    ],
)
def test_every_form_is_read_as_scipy_reads_it(values: np.ndarray, scale: int) -> None:
    theirs = wavfile.read(io.BytesIO(wav(values)))[1].astype(np.float64)
    ours = decode(wav(values), "a.wav")
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, (theirs - (128 if scale == 128 else 0)) / scale, atol=1e-7)
    np.testing.assert_allclose(ours, WAVE, atol=2 / 127)


def test_24_bits_are_read_as_scipy_reads_them() -> None:
    whole = np.round(WAVE.astype(np.float64) * (2**23 - 1)).astype("<i4")
    content = with_chunks(whole.view(np.uint8).reshape(-1, 4)[:, :3].tobytes(), bits=24)
    theirs = wavfile.read(io.BytesIO(content))[1] / 2**31  # SciPy puts them into the upper bytes
    np.testing.assert_allclose(decode(content, "a.wav"), theirs, atol=1e-7)


def test_the_extensible_format_and_other_chunks_are_read() -> None:
    extra = struct.pack("<HHI", 22, 16, 4) + struct.pack("<H", 1) + b"\0" * 14
    form = struct.pack("<HHIIHH", 0xFFFE, 1, 8_000, 16_000, 2, 16) + extra
    data = pcm16(WAVE).tobytes()
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"LIST\x05\0\0\0artist"
    body += b"data" + struct.pack("<I", len(data)) + data + b"id3 \x02\0\0\0ab"
    content = b"RIFF" + struct.pack("<I", len(body)) + body
    np.testing.assert_array_equal(decode(content, "a.wav"), pcm16(WAVE) / np.float32(2**15))


def test_channels_become_their_mean() -> None:
    both = np.stack([pcm16(WAVE), pcm16(WAVE[::-1])], 1)
    np.testing.assert_allclose(decode(wav(both), "a.wav"), both.mean(1) / 2**15, atol=1e-7)


@pytest.mark.parametrize("rate", [4_000, 11_025, 44_100])
def test_another_rate_is_resampled_as_scipy_does(rate: int) -> None:
    theirs = resample_poly(WAVE, rate, 8_000)
    np.testing.assert_allclose(decode(wav(WAVE), "a.wav", rate), theirs, atol=1e-6)
    np.testing.assert_allclose(decode(wav(WAVE), "a.wav", rate, 100), theirs[:100], atol=1e-6)


def test_a_waveform_is_cut_or_padded_at_its_end() -> None:
    np.testing.assert_array_equal(decode(wav(WAVE), "a.wav", samples=30), WAVE[:30])
    np.testing.assert_array_equal(decode(wav(WAVE), "a.wav", samples=600), np.append(WAVE, np.zeros(100)))


# The source


def test_sounds_are_read_with_their_classes(tmp_path: Path) -> None:
    splits = audio_folder(write(tmp_path, example()))
    assert splits.facts.features["waveform"] == Feature("audio", (500,), sample_rate=8_000)
    assert splits.facts.targets["label"].labels == ("cat", "dog")
    np.testing.assert_array_equal(splits.train.targets["label"], [0] * 4 + [1] * 4)
    expected = [pcm16(WAVE * (row + 1) / 9) / 2**15 for row in range(4)] * 2
    np.testing.assert_allclose(waves(splits), expected, atol=1e-7)


def test_a_folder_and_its_archives_give_the_same(tmp_path: Path) -> None:
    folder = write(tmp_path / "all", example())
    with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in example().items():
            archive.writestr(name, content)
    for name, mode in (("all.tar", "w"), ("all.tar.gz", "w:gz")):
        with tarfile.open(tmp_path / name, mode) as tar:
            tar.add(folder, "all")
    seen = {fingerprint(audio_folder(tmp_path / name)) for name in ("all", "all.zip", "all.tar", "all.tar.gz")}
    assert len(seen) == 1
    (folder / "cat" / "0.wav").write_bytes(wav(pcm16(WAVE * 0.9)))
    assert fingerprint(audio_folder(folder)) not in seen


def test_ready_splits_are_kept(tmp_path: Path) -> None:
    files = {f"{split}/{name}": content for split in ("train", "val", "test") for name, content in example().items()}
    splits = audio_folder(write(tmp_path, files))
    assert {name: len(part) for name, part in splits.named().items()} == {"train": 8, "validation": 8, "test": 8}


def test_rate_and_length_are_made_alike_where_that_is_asked(tmp_path: Path) -> None:
    files = {**example(), "dog/long.wav": wav(np.tile(WAVE, 3), 16_000)}
    told = failure(write(tmp_path, files))
    assert f"different rates in Hz:\n  8,000 as {tmp_path}/cat/0.wav\n  16,000 as {tmp_path}/dog/long.wav" in told
    assert "by audio_folder's `sample_rate: 16000`" in told
    told = failure(tmp_path, sample_rate=8_000)
    assert f"different lengths in samples:\n  500 as {tmp_path}/cat/0.wav\n  750 as" in told
    assert "by audio_folder's `seconds: 0.09375`" in told
    splits = audio_folder(tmp_path, sample_rate=8_000, seconds=0.09375)
    assert waves(splits).shape == (9, 750) and not waves(splits)[0, 500:].any()
    np.testing.assert_allclose(waves(splits)[8], resample_poly(np.tile(WAVE, 3), 1, 2), atol=1e-6)
    assert splits.facts.features["waveform"].sample_rate == 8_000


# What is refused


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"no sound at all", "is no wav file: it does not begin with RIFF and WAVE"),
        (b"RIFF\x04\0\0\0AVI ", "is no wav file"),
        (wav(pcm16(WAVE))[:-100], "is cut short: of 1,000 bytes of sound 900 are there"),
        (wav(pcm16(WAVE))[:30], "is damaged: it tells no format of its sound"),
        (with_chunks(b"abcd", code=6, bits=8), "is compressed (A-law)"),
        (with_chunks(b"abcd", code=17, bits=4), "is compressed (ADPCM)"),
        (with_chunks(b"abcd", code=85), "is compressed (MP3)"),
        (with_chunks(b"abcd", code=999), "is compressed (format 999)"),
        (with_chunks(b"abcd", bits=12), "has 12 bits a value"),
        (with_chunks(b""), "holds no sound"),
        (with_chunks(b"abcd", channels=0), "is damaged: 0 channels of 16 bits in 0 bytes"),
        (with_chunks(b"abcd", rate=0), "has a rate of 0 Hz"),
        (with_chunks(b"abcd", rate=2**32 // 4 - 1), "has a rate of 1,073,741,823 Hz"),
        (with_chunks(b"abcd", more=b"fact\xff\xff\xff\xff"), "is damaged: it has no sound"),
    ],
)
def test_a_damaged_sound_is_named_at_once(tmp_path: Path, content: bytes, told: str) -> None:
    write(tmp_path, {**example(), "dog/bad.wav": content, "cat/worse.wav": b"RIFX"})
    found = failure(tmp_path)
    assert f"{tmp_path}/dog/bad.wav {told}" in found and f"{tmp_path}/cat/worse.wav is no wav file" in found


def test_values_that_are_no_numbers_are_told_when_read(tmp_path: Path) -> None:
    write(tmp_path, {**example(), "dog/bad.wav": wav(np.full(500, np.nan, np.float32))})
    with pytest.raises(DlkitError, match=r"dog/bad\.wav holds values that are no numbers"):
        waves(audio_folder(tmp_path))


def test_stray_files_and_empty_classes_are_named(tmp_path: Path) -> None:
    write(tmp_path, {**example(), "dog/cover.jpg": b"", "loose.wav": wav(WAVE)})
    (tmp_path / "owl").mkdir()
    told = failure(tmp_path)
    assert all(name in told for name in ("dog/cover.jpg is a stray file", "loose.wav", "owl holds no sounds"))
    shutil.rmtree(tmp_path / "dog")
    assert "only one class" in failure(write(tmp_path / "one", {"cat/0.wav": wav(WAVE)}))
    assert "There is no folder or archive of sounds" in failure(tmp_path / "none")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_is_in_a_file_the_message_is_dlkits(data: st.DataObject) -> None:
    content = bytearray(wav(pcm16(np.stack([WAVE[:40]] * 2, 1))))
    for place in data.draw(st.lists(st.integers(0, 60), max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    del content[data.draw(st.integers(0, len(content))) :]
    try:
        assert np.isfinite(decode(bytes(content), "a.wav")).all()
    except DlkitError as error:
        assert "a.wav" in str(error)


# Inputs


def test_sounds_are_predicted_for_as_they_are_learned(tmp_path: Path) -> None:
    write(tmp_path, {"b.wav": wav(WAVE), "a.WAV": wav(np.tile(WAVE, 2), 16_000), "notes.txt": b""})
    labels, arrays = read_inputs([tmp_path], WAVEFORM)
    assert labels == [str(tmp_path / "a.WAV"), str(tmp_path / "b.wav")]
    np.testing.assert_array_equal(arrays["waveform"][1], WAVE[:400])
    np.testing.assert_allclose(arrays["waveform"][0], resample_poly(np.tile(WAVE, 2), 1, 2)[:400], atol=1e-6)


def test_a_sound_where_a_picture_is_wanted_is_refused(tmp_path: Path) -> None:
    write(tmp_path, {"b.wav": wav(WAVE), "c.wav": b"RIFF"})
    with pytest.raises(DlkitError, match=r"b\.wav: this is a sound, and the model takes `image` \(image\)"):
        read_inputs([tmp_path / "b.wav"], {"image": Feature("image", (8, 8, 1), "uint8")})
    with pytest.raises(DlkitError, match=r"c\.wav is no wav file"):
        read_inputs([tmp_path / "c.wav"], WAVEFORM)
    with pytest.raises(DlkitError, match=r"this folder holds no sounds \(\.wav, \.wave\)"):
        read_inputs([write(tmp_path / "d", {"e.png": b""})], WAVEFORM)
