"""Fashion-MNIST."""

from __future__ import annotations

from dlkit.data.sources.fashion_mnist import GROUP_OF_GARMENT
from dlkit.eject.readers._idx_set import idx_set
from dlkit.eject.reading import Reading
from dlkit.eject.subject import Subject


def read(subject: Subject) -> Reading:
    """Reads Fashion-MNIST's garments, and the groups that they belong to."""
    targets = {"garment": "labels", "group": f"np.array({GROUP_OF_GARMENT}, np.int32)[labels]"}
    return idx_set(subject, "Fashion-MNIST", "fashion-mnist", "fashion_mnist", targets)
