"""Sounds of one's own, in a folder a class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from dlkit.data.arrays import Arrays, Splits
from dlkit.data.sources._blobs import Blob
from dlkit.data.sources._class_folders import ClassFolders, Item, find_items
from dlkit.data.sources._picture_column import checked
from dlkit.data.sources._sound_column import Sounds
from dlkit.errors import DlkitError
from dlkit.recipe.facts import DataFacts, Feature, Target
from dlkit.recipe.registry import Range, register

if TYPE_CHECKING:
    import numpy as np

    from dlkit.data.sounds import Header

_HEAD = 2**12  # bytes in which the sound of most files begins
_TOLD = 5  # values, where they differ


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
    from dlkit.data.sounds import SUFFIXES

    found = find_items(str(path), SUFFIXES, "sounds")
    blobs = [item.blob for items in found.splits.values() for item in items]
    headers = checked(_header, blobs)
    rate = sample_rate or _common(found, blobs, headers, lambda header: header.rate, "rates in Hz", "sample_rate: {}")
    if seconds is None:
        samples = _common(
            found, blobs, headers, lambda header: header.samples(rate), "lengths in samples", "seconds: {}", rate
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
    from dlkit.data.sounds import HeaderCut, read_header

    try:
        return read_header(blob.head(_HEAD), blob.size, blob.place)
    except HeaderCut:
        return read_header(blob.read(), blob.size, blob.place)


def _common(
    found: ClassFolders,
    blobs: list[Blob],
    headers: list[Header],
    of: Callable[[Header], int],
    what: str,
    argument: str,
    per_second: int = 1,
) -> int:
    """What all files have in common.

    Args:
        of: What is to be the same.
        what: What that is, for the message where it differs.
        argument: How a recipe makes it the same.
        per_second: By what the value is divided there.
    """
    values = [of(header) for header in headers]
    counts = Counter(values)
    if len(counts) > 1:
        told = [f"{value:,} as {blobs[values.index(value)].place}" for value, _ in counts.most_common(_TOLD)]
        more = [f"and {len(counts) - _TOLD:,} more"] if len(counts) > _TOLD else []
        raise DlkitError(
            "\n  ".join([f"The sounds of {found.place} have different {what}:", *told, *more]),
            f"have them made alike, by audio_folder's `{argument.format(f'{max(values) / per_second:g}')}`",
            code="damaged-data",
        )
    return values[0]


def _examples(items: list[Item], rate: int, samples: int) -> Arrays:
    import numpy as np

    labels: np.ndarray = np.array([item.label for item in items], np.int32)
    return Arrays({"waveform": Sounds([item.blob for item in items], rate, samples)}, {"label": labels})
