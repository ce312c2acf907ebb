"""A column of sounds that are decoded when a batch asks for them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dlkit.data.columns import Column
from dlkit.data.sources._blobs import Blob
from dlkit.data.sources._picture_column import checked, in_threads, raise_all
from dlkit.data.sources._problems import Problems

if TYPE_CHECKING:
    import numpy as np


class Sounds(Column):
    """Wav files, as waveforms of one rate and length.

    Args:
        blobs: The files.
        rate: Samples a second, to which other rates are changed.
        samples: The length, to which the waveforms are cut or padded with zeros.
    """

    def __init__(self, blobs: Sequence[Blob], rate: int, samples: int) -> None:
        import numpy as np

        self._blobs = blobs
        self._rate = rate
        self.shape = (len(blobs), samples)
        self.dtype = np.dtype(np.float32)

    def read(self, rows: np.ndarray) -> np.ndarray:
        import numpy as np

        from dlkit.data.sounds import decode

        blobs = [self._blobs[row] for row in rows.tolist()]
        waves = np.empty((len(blobs), self.shape[1]), self.dtype)

        def fill(piece: slice) -> Problems:
            problems = Problems()
            for wave, blob in zip(waves[piece], blobs[piece], strict=True):
                with problems.noted():
                    wave[...] = decode(blob.read(), blob.place, self._rate, self.shape[1])
            return problems

        raise_all(in_threads(fill, blobs))
        return waves

    def take(self, rows: np.ndarray) -> Sounds:
        return Sounds([self._blobs[row] for row in rows.tolist()], self._rate, self.shape[1])

    def digest(self) -> bytes:
        digest = hashlib.sha256(f"sounds {self.shape} {self._rate}".encode())
        for part in checked(Blob.checksum, self._blobs):
            digest.update(part)
        return digest.digest()
