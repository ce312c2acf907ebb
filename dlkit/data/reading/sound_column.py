"""A column of sounds that are decoded when a batch asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dlkit.data.reading.blobs import Blob
from dlkit.data.reading.decoded import Decoded

if TYPE_CHECKING:
    import numpy as np


class Sounds(Decoded):
    """Wav files, as waveforms of one rate and length.

    Args:
        blobs: The files.
        rate: Samples a second, to which other rates are changed.
        samples: The length, to which the waveforms are cut or padded with zeros.
    """

    def __init__(self, blobs: Sequence[Blob], rate: int, samples: int) -> None:
        super().__init__(blobs, (samples,), "float32", f"sounds {rate}")
        self._rate = rate

    def decode(self, blob: Blob) -> np.ndarray:
        from dlkit.data.reading.sounds import decode

        return decode(blob.read(), blob.place, self._rate, self.shape[1])
