"""What a measure of generated examples is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from dlkit.data.arrays import Values, take
from dlkit.errors import DlkitError

_AT_ONCE = 256  # codes


@dataclass(frozen=True, slots=True)
class Generated:
    """A network that makes examples, and the real ones that they are held against.

    Args:
        network: Takes standard normal codes, and gives examples as the model learned them.
        to_raw: Brings these back to the form in which the data has them.
        real: The examples of the split, raw.
        seed: Of what is drawn.
        load: Gives the saved model behind `recipe:NAME` or `run:PATH`.
    """

    network: keras.Model
    to_raw: Callable[[np.ndarray], np.ndarray]
    real: Values
    seed: int
    load: Callable[[str], keras.Model]

    def drawn(self, count: int) -> np.ndarray:
        """So many examples that the network makes of codes drawn by the seed, in the form of the data.

        Raises:
            DlkitError: They are not finite (`not-a-number`).
        """
        codes = np.random.default_rng(self.seed).standard_normal((count, *self.network.input_shape[1:]), np.float32)
        batches = (codes[start : start + _AT_ONCE] for start in range(0, count, _AT_ONCE))
        made = np.concatenate([keras.ops.convert_to_numpy(self.network(each, training=False)) for each in batches])
        if not np.isfinite(made).all():
            raise DlkitError("What the model generates is not finite.", "Take a smaller learning rate.", "not-a-number")
        return self.to_raw(made)

    def taken(self, count: int) -> Values:
        """So many real examples, in their order; which, where there are more, the seed says."""
        rows = np.random.default_rng(self.seed).permutation(len(self.real))[:count]
        return take(self.real, np.sort(rows))
