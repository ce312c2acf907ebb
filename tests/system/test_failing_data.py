"""What happens when data fails in the middle of a training: the process is the point."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

RECIPE = """\
name: pets
data: {source: {image_folder: {path: pets}}, cache: false, batch_size: 8}
model: {sequential: [Rescaling: {scale: 1/255}, Flatten, Dense: {units: 2}]}
training: {epochs: 2}
"""


def test_a_picture_that_fails_while_training_ends_the_process(repository: Path, tmp_path: Path) -> None:
    for label in ("cat", "dog"):
        (tmp_path / "pets" / label).mkdir(parents=True)
        for number in range(60):
            pixels = np.random.default_rng(number).integers(0, 256, (96, 96, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pets" / label / f"{number}.jpg")
    cut = tmp_path / "pets" / "cat" / "7.jpg"
    cut.write_bytes(cut.read_bytes()[:-200])
    (tmp_path / "bad.yaml").write_text(RECIPE)
    words = [sys.executable, "-m", "dlkit", "train", str(tmp_path / "bad.yaml"), "--runs-dir", str(tmp_path / "runs")]
    for _ in range(2):  # TensorFlow's threads once kept a process from ending, now and then
        ended = subprocess.run(words, cwd=repository, capture_output=True, text=True, timeout=120)
        assert ended.returncode == 1
        assert f"{cut} is a damaged picture" in ended.stderr and "Traceback" not in ended.stderr
