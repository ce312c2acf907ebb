"""Running text of a few letters."""

from pathlib import Path
from typing import Any

import numpy as np


def arguments(folder: Path) -> dict[str, Any]:
    letters = np.random.default_rng(1).choice(list("abcde .\n"), 6_000)
    (folder / "corpus.txt").write_text("".join(letters))
    return {"path": str(folder / "corpus.txt"), "length": 16}
