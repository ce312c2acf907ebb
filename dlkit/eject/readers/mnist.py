"""MNIST."""

from __future__ import annotations

from dlkit.data.sources.mnist import MNIST
from dlkit.eject.readers._idx_set import read_idx_set
from dlkit.eject.reading import Reading
from dlkit.eject.subject import Subject


def read(subject: Subject) -> Reading:
    """Reads MNIST's digits."""
    return read_idx_set(subject, MNIST, {"digit": "labels"})
