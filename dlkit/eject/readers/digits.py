"""Handwritten digits."""

from __future__ import annotations

from dlkit.eject.reading import Reading, check_arguments
from dlkit.eject.subject import Subject


def read(subject: Subject) -> Reading:
    """Reads scikit-learn's digits."""
    check_arguments(subject)
    subject.copies.use("from sklearn import datasets")
    lines = [
        "def read_examples() -> tuple[np.ndarray, np.ndarray]:",
        '    """Handwritten digits of 8 x 8 pixels, which come with scikit-learn."""',
        "    data = datasets.load_digits()",
        '    return data.images[..., None].astype("uint8"), data.target.astype("int32")',
    ]
    return Reading(lines, has_folder=False)
