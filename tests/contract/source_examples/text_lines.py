"""A file of positive and a file of negative sentences."""

from pathlib import Path
from typing import Any


def arguments(folder: Path) -> dict[str, Any]:
    for name, word in (("pos", "good"), ("neg", "bad")):
        (folder / f"films.{name}").write_text("".join(f"film {number} is {word}\n" for number in range(100)))
    return {"path": str(folder), "files": {"positive": "films.pos", "negative": "films.neg"}}
