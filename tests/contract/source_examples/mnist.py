"""MNIST's four files, of random pixels."""

from pathlib import Path

import numpy as np


def arguments(folder: Path) -> dict[str, str]:
    draw = np.random.default_rng(1)
    for split, count in (("train", 400), ("t10k", 100)):
        for name, array in (
            ("images-idx3", draw.integers(0, 256, (count, 28, 28), np.uint8)),
            ("labels-idx1", (np.arange(count) % 10).astype(np.uint8)),
        ):
            header = bytes([0, 0, 8, array.ndim]) + b"".join(length.to_bytes(4, "big") for length in array.shape)
            (folder / f"{split}-{name}-ubyte").write_bytes(header + array.tobytes())
    return {"path": str(folder)}
