"""CIFAR-10's binary files, of random pixels."""

from pathlib import Path

import numpy as np


def write_records(file: Path, *labels: np.ndarray) -> None:
    pixels = np.random.default_rng(len(file.name)).integers(0, 256, (len(labels[0]), 3072), np.uint8)
    file.write_bytes(np.concatenate([np.stack(labels, 1).astype(np.uint8), pixels], 1).tobytes())


def arguments(folder: Path) -> dict[str, str]:
    for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"):
        write_records(folder / f"{name}.bin", np.arange(80) % 10)
    return {"path": str(folder)}
