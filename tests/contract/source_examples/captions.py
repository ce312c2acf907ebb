"""A few small pictures."""

from pathlib import Path


def arguments(folder: Path) -> dict[str, object]:
    return {"examples": 120, "test_examples": 60, "size": 32}
