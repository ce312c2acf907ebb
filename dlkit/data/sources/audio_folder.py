"""Sounds of one's own, in a folder a class."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from dlkit.data.arrays import Arrays, Splits
from dlkit.data.reading.blobs import Blob
from dlkit.data.reading.class_folders import Item, find_items
from dlkit.data.reading.decoded import checked, common
from dlkit.data.reading.sound_column import Sounds
from dlkit.recipe.facts import DataFacts, Feature, Target
from dlkit.recipe.registry import Range, register

if TYPE_CHECKING:
    import numpy as np

    from dlkit.data.reading.sounds import Header

_HEAD = 2**12  # bytes in which the sound of most files begins


@register(
    kind="source",
    features={"waveform": {"kind": "audio", "shape": [None]}},
    targets={"label": {"kind": "classes"}},
)
def audio_folder(
    path: Path,
    sample_rate: Annotated[int, Range(min=100, max=768_000)] | None = None,
    seconds: Annotated[float, Range(above=0, max=86_400)] | None = None,
) -> Splits:
    """Sounds (.wav) in a folder a class: a folder, a .zip or a .tar, with or without ready splits.

    The files lie in `CLASS/`, or in `train/CLASS/`, `test/CLASS/` and `validation/CLASS/`; an archive is not unpacked.
    They hold PCM of 8, 16, 24 or 32 bits or floats; several channels become their mean. The feature `waveform` is float32
    of shape (samples,), from -1 to 1 at full scale. A log-mel spectrogram is made of it by Keras, in the model or before:
    `data: {preprocess: {waveform: [{MelSpectrogram: {sampling_rate: 16000, num_mel_bins: 64}}]}}`.

    Args:
        path: The folder or the archive; a relative one is also looked for in `DLKIT_DATA_DIR`.
        sample_rate: Samples a second, to which all sounds are resampled. Without it all of them must have one rate.
        seconds: The length to which all sounds are cut or padded with zeros at their end. Without it all of them must
            have one length.

    Raises:
        DlkitError: There is nothing at the path; files or folders are not where they should be; sounds are empty,
            damaged, compressed, or differ in what is not said. All that is wrong is named at once.
    """
    from dlkit.data.reading.sounds import SUFFIXES

    found = find_items(str(path), SUFFIXES, "sounds", _header)
    blobs = [item.blob for items in found.splits.values() for item in items]
    headers = checked(_header, blobs)
    of = f"The sounds of {found.place} have different"
    rates = [header.rate for header in headers]
    rate = sample_rate or common(
        rates,
        blobs,
        f"{of} rates in Hz",
        lambda _: f"have them resampled, by audio_folder's `sample_rate: {max(rates)}`",
        "{:,}".format,
    )
    if seconds is None:
        lengths = [header.samples(rate) for header in headers]
        samples = common(
            lengths,
            blobs,
            f"{of} lengths in samples",
            lambda _: f"have them cut or padded, by audio_folder's `seconds: {max(lengths) / rate:g}`",
            "{:,}".format,
        )
    else:
        samples = max(1, round(seconds * rate))
    splits = {split: _examples(items, rate, samples) for split, items in found.splits.items()}
    facts = DataFacts(
        {"waveform": Feature("audio", (samples,), sample_rate=rate)},
        {"label": Target("classes", classes=len(found.labels), labels=found.labels)},
    )
    train = splits.pop("" if "" in splits else "train")
    return Splits(train, splits.get("validation"), splits.get("test"), facts)


def _header(blob: Blob) -> Header:
    from dlkit.data.reading.sounds import HeaderCut, read_header

    try:
        return read_header(blob.head(_HEAD), blob.size, blob.place)
    except HeaderCut:
        return read_header(blob.read(), blob.size, blob.place)


def _examples(items: list[Item], rate: int, samples: int) -> Arrays:
    import numpy as np

    labels: np.ndarray = np.array([item.label for item in items], np.int32)
    return Arrays({"waveform": Sounds([item.blob for item in items], rate, samples)}, {"label": labels})
