"""Fashion-MNIST."""

from __future__ import annotations

from dlkit.data.sources.fashion_mnist import FASHION_MNIST, GROUP_OF_GARMENT
from dlkit.eject.readers._idx_set import read_idx_set
from dlkit.eject.reading import Reading
from dlkit.eject.subject import Subject


def read(subject: Subject) -> Reading:
    """Reads Fashion-MNIST's garments, and the groups that they belong to."""
    targets = {"garment": "labels", "group": f"np.array({GROUP_OF_GARMENT}, np.int32)[labels]"}
    return read_idx_set(subject, FASHION_MNIST, targets)
