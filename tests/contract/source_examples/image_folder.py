"""A zip archive of random pictures, without splits of its own."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


def arguments(folder: Path) -> dict[str, Any]:
    draw = np.random.default_rng(1)
    with zipfile.ZipFile(folder / "pictures.zip", "w") as archive:
        for number in range(90):
            file = io.BytesIO()
            Image.fromarray(draw.integers(0, 256, (6, 8, 3), np.uint8)).save(file, "PNG")
            archive.writestr(f"{('cat', 'cow', 'dog')[number % 3]}/{number}.png", file.getvalue())
    return {"path": str(folder / "pictures.zip")}
