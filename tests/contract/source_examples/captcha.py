"""A few small pictures."""

from pathlib import Path


def arguments(folder: Path) -> dict[str, object]:
    return {"examples": 120, "width": 60, "height": 30}
