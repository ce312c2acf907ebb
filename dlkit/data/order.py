"""The order of the examples: which row stands where in which epoch, as a pure function of (seed, epoch).

order = Order(50_000, seed=1, shuffle=True)
order.epoch(7)      # the rows of the eighth epoch; nothing that came before it need be drawn
"""

from __future__ import annotations

import numpy as np

_BLOCK = 4096  # draws of a class that one random generator makes


class Order:
    """The rows of every epoch.

    Args:
        size: Number of examples.
        seed: From 0; not used without `shuffle`.
        shuffle: Whether every pass over the examples has a random order.
        epoch_size: Examples of an epoch; an epoch goes on in the pass where the one before it stopped. None: one pass.
        labels: The class of each example, of shape (examples,): every epoch then draws every class equally often, to one
            example. The examples of a class come in passes of random order, which go on from epoch to epoch: those of
            a rare class come several times an epoch, those of a frequent one take turns. Implies `shuffle`.
    """

    def __init__(
        self,
        size: int,
        *,
        seed: int = 0,
        shuffle: bool = True,
        epoch_size: int | None = None,
        labels: np.ndarray | None = None,
    ) -> None:
        self.size = size
        self.epoch_size = size if epoch_size is None else epoch_size
        self._seed = seed
        self._shuffle = shuffle
        self._classes = [] if labels is None else [np.flatnonzero(labels == label) for label in np.unique(labels)]

    def epoch(self, number: int) -> np.ndarray:
        """The rows of an epoch, from 0, in their order: int64 of shape (epoch_size,)."""
        first = number * self.epoch_size
        if self._classes:
            return self._balanced(number, first)
        passes = range(first // self.size, (first + self.epoch_size - 1) // self.size + 1)
        rows = np.concatenate([self._pass(each) for each in passes])
        return rows[first % self.size :][: self.epoch_size]

    def _pass(self, number: int) -> np.ndarray:
        if not self._shuffle:
            return np.arange(self.size)
        return np.random.Generator(np.random.Philox(key=[self._seed, number])).permutation(self.size)

    def _balanced(self, epoch: int, first: int) -> np.ndarray:
        """The classes in turn, each from its own passes, then mixed; draw n of all epochs is of class n modulo k."""
        draws = np.arange(first, first + self.epoch_size)
        rows = np.empty(self.epoch_size, np.int64)
        for turn in range(len(self._classes)):
            mine = np.flatnonzero(draws % len(self._classes) == turn)
            if len(mine):
                start = int(draws[mine[0]]) // len(self._classes)
                rows[mine] = self._of_class(turn, start, len(mine))
        mixing = np.random.Generator(np.random.Philox(key=[self._seed, epoch]))
        return mixing.permutation(rows)

    def _of_class(self, turn: int, start: int, count: int) -> np.ndarray:
        """So many draws of one class, from the draw `start` of it on."""
        members = self._classes[turn]
        passes = max(1, _BLOCK // len(members))  # of a block, so that a class of one example needs no generator a draw
        size = passes * len(members)
        blocks = [
            self._random(turn, block).permuted(np.tile(members, (passes, 1)), axis=1).ravel()
            for block in range(start // size, (start + count - 1) // size + 1)
        ]
        return np.concatenate(blocks)[start % size :][:count]

    def _random(self, turn: int, block: int) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(np.random.SeedSequence(self._seed, spawn_key=(turn, block))))
