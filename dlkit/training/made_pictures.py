"""The pictures that a pattern makes in every epoch, as files."""

from __future__ import annotations

import io
import math

import keras
import numpy as np

from dlkit.runs.atomic import write_bytes
from dlkit.runs.folder import RunFolder
from dlkit.training.stage import Stage

_SIDE = 56  # pixels that a small picture is enlarged to at least, by a whole factor
_GAP = 2


class MadePictures(keras.callbacks.Callback):
    """Keeps what a pattern has made at the end of each epoch as `figures/made/train-epoch-00001.png` and so on.

    Args:
        run: The run folder.
        stage: What is trained.
    """

    def __init__(self, run: RunFolder, stage: Stage) -> None:
        super().__init__()
        self._folder = run.figures / "made"
        self._stage = stage.name

    def get_state(self) -> None:
        return None

    def set_state(self, state: None) -> None:
        pass

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        from PIL import Image  # few patterns make pictures

        if self.model.made is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        written = io.BytesIO()
        Image.fromarray(sheet(self.model.made)).save(written, "png")
        write_bytes(self._folder / f"{self._stage}-epoch-{epoch + 1:05d}.png", written.getvalue())


def sheet(pictures: np.ndarray) -> np.ndarray:
    """Pictures in a square, side by side.

    Args:
        pictures: Of shape (pictures, height, width, channels), from 0 for black to 1 for white; one channel or three.

    Returns:
        An array of shape (height, width, 3), 8 bits.
    """
    shades = np.clip(np.round(pictures * 255), 0, 255).astype(np.uint8)
    factor = max(1, math.ceil(_SIDE / max(shades.shape[1:3])))
    large = shades.repeat(factor, axis=1).repeat(factor, axis=2)
    large = np.pad(large, ((0, 0), (0, _GAP), (0, _GAP), (0, 0)), constant_values=255)
    count, height, width, channels = large.shape
    across = math.ceil(math.sqrt(count))
    down = math.ceil(count / across)
    empty = np.full((across * down - count, height, width, channels), 255, np.uint8)
    rows = np.concatenate([large, empty]).reshape(down, across, height, width, channels).swapaxes(1, 2)
    whole = rows.reshape(down * height, across * width, channels)[:-_GAP, :-_GAP]
    return np.broadcast_to(whole, (*whole.shape[:2], 3)).copy()
