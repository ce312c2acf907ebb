"""Pictures that are drawn when they are asked for, each as a function of its row, and the chance that they are drawn by."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from dlkit.data.columns import Column
from dlkit.errors import DlkitError

if TYPE_CHECKING:
    import numpy as np

_ROWS = 2**32  # rows that a stream of chance can have


def chance(seed: int, stream: int, row: int = 0) -> np.random.Generator:
    """The draws of one row, the same on every machine, whatever other rows were drawn.

    Args:
        seed: Of the source; not negative.
        stream: What is drawn, as a split; from 0.
        row: The number of the example within its stream.
    """
    import numpy as np

    return np.random.Generator(np.random.Philox(key=[seed, stream * _ROWS + row]))


def check_bounds(name: str, bounds: list[int], lowest: int, highest: int) -> tuple[int, int]:
    """The two ends of an argument that says from how many to how many.

    Raises:
        DlkitError: They are not two numbers in order, or lie outside of what is possible.
    """
    if len(bounds) != 2 or not lowest <= bounds[0] <= bounds[1] <= highest:
        raise DlkitError(
            f"`{name}: {bounds}` does not say from how many to how many",
            f"give two numbers in order, from {lowest} to {highest}, as `[{lowest}, {highest}]`",
            code="wrong-value",
        )
    return bounds[0], bounds[1]


class Drawn(Column):
    """Pictures of one size, drawn row by row.

    Args:
        draw: Gives the picture of a row, always the same one; several threads may call it at once.
        rows: The numbers of the rows, int64.
        shape: Of a picture: height, width, channels.
        identity: What the pictures are a function of, besides their rows.
    """

    def __init__(
        self, draw: Callable[[int], np.ndarray], rows: np.ndarray, shape: tuple[int, ...], identity: str
    ) -> None:
        import numpy as np

        self.draw = draw
        self.rows = rows
        self.identity = identity
        self.shape = (len(rows), *shape)
        self.dtype = np.dtype(np.uint8)

    def read(self, rows: np.ndarray) -> np.ndarray:
        import numpy as np

        made = np.empty((len(rows), *self.shape[1:]), self.dtype)
        for place, row in enumerate(self.rows[rows]):
            made[place] = self.draw(int(row))
        return made

    def take(self, rows: np.ndarray) -> Drawn:
        return Drawn(self.draw, self.rows[rows], self.shape[1:], self.identity)

    def digest(self) -> bytes:
        import numpy as np

        digest = hashlib.sha256(self.identity.encode())
        digest.update(np.ascontiguousarray(self.rows, dtype=np.int64).view(np.uint8).data)
        # Another version of the library that draws is another set of pictures: one of them tells.
        digest.update(self.read(np.arange(min(1, len(self)))).data)
        return digest.digest()
