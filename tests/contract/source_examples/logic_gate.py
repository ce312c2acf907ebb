"""The gate of two inputs that no line separates, often enough for batches."""

from pathlib import Path


def arguments(folder: Path) -> dict[str, object]:
    return {"gate": "xor", "copies": 20}
