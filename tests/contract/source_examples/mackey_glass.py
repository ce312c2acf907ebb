"""A short series, in windows."""

from pathlib import Path


def arguments(folder: Path) -> dict[str, object]:
    return {"length": 300, "history": 12, "horizon": 3}
