"""The devices that train a model together: one, the GPUs of a machine, or those of several machines."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import tensorflow as tf


@dataclass(frozen=True, slots=True)
class Devices:
    """What shares the work of a training.

    Args:
        strategy: TensorFlow's; its default one for a single device.
        worker: The number of this process among those that train together; the first one, the chief, alone writes.
        workers: Number of processes that train together.
    """

    strategy: tf.distribute.Strategy = field(default_factory=tf.distribute.get_strategy)
    worker: int = 0
    workers: int = 1

    @property
    def replicas(self) -> int:
        """Copies of the model, over all processes; each takes its part of a batch."""
        return int(self.strategy.num_replicas_in_sync)

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the run folder."""
        return self.worker == 0

    def scope(self) -> AbstractContextManager[Any]:
        """Where a model, its optimizer and its metrics are made."""
        return self.strategy.scope()
