"""Fashion-MNIST's four files, of random pixels, and a few pictures composed of them."""

from pathlib import Path

import numpy as np


def arguments(folder: Path) -> dict[str, object]:
    draw = np.random.default_rng(1)
    for split, count in (("train", 40), ("t10k", 20)):
        for name, array in (
            ("images-idx3", draw.integers(0, 256, (count, 28, 28), np.uint8)),
            ("labels-idx1", (np.arange(count) % 10).astype(np.uint8)),
        ):
            header = bytes([0, 0, 8, array.ndim]) + b"".join(length.to_bytes(4, "big") for length in array.shape)
            (folder / f"{split}-{name}-ubyte").write_bytes(header + array.tobytes())
    return {"examples": 120, "test_examples": 60, "path": str(folder)}
