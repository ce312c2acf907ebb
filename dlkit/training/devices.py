"""The devices that train a model together: one, the GPUs of a machine, or those of several machines."""

from __future__ import annotations

import functools
import os
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import tensorflow as tf

from dlkit.data.feed import Shard
from dlkit.errors import DlkitError


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

    @property
    def shard(self) -> Shard | None:
        """The part of every batch that this process makes; None where TensorFlow cuts batches into parts itself."""
        if self.workers == 1:
            return None
        local = self.replicas // self.workers
        return Shard(
            self.replicas,
            self.worker * local,
            local,
            lambda dataset: self.strategy.distribute_datasets_from_function(lambda context: dataset),
        )

    def scope(self) -> AbstractContextManager[Any]:
        """Where a model, its optimizer and its metrics are made."""
        return self.strategy.scope()


def local_devices(strategy: str) -> Devices:
    """The devices of this machine.

    Args:
        strategy: `none`: the first GPU, or the CPU. `mirrored`: all GPUs, or where there are none all logical devices of
            the CPU. `auto`: `mirrored` where there are several, else `none`.

    Raises:
        DlkitError: There is only one device to mirror (`one-device`).
    """
    refuse_unsupported()
    kind = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    names = [device.name for device in tf.config.list_logical_devices(kind)]
    if strategy == "none" or (strategy == "auto" and len(names) < 2):
        return Devices()
    if len(names) < 2:
        raise DlkitError(
            f"`training.strategy: {strategy}` takes several devices, and this machine has one {kind}.",
            "Write `auto`, which takes what there is; for a trial on one CPU, add --logical-devices 2.",
            "one-device",
        )
    return Devices(_mirrored(tuple(names)))


class FirstShare:
    """What a strategy for Keras 3.15 needs besides: of a whole batch that is reduced, the share of the first replica.

    Keras builds a model by the shapes of a batch that it puts through `reduce`; TensorFlow adds up the shares, which fails
    where they are not of one size, as of a validation split of a single odd batch.
    """

    def reduce(self, reduce_op: Any, value: Any, axis: int | None = None) -> Any:
        strategy: Any = super()
        if isinstance(value, tuple | list | dict) and axis is None:
            return tf.nest.map_structure(lambda part: strategy.experimental_local_results(part)[0], value)
        return strategy.reduce(reduce_op, value, axis=axis)


class KerasMirroredStrategy(FirstShare, tf.distribute.MirroredStrategy):
    """TensorFlow's, as Keras needs it."""


@functools.cache
def _mirrored(names: tuple[str, ...]) -> tf.distribute.MirroredStrategy:
    # Each strategy numbers its collective operations from the same number on, and TensorFlow remembers for the whole
    # process what a number stood for: those of a second strategy on the same devices are aborted.
    return KerasMirroredStrategy(names)


def refuse_unsupported() -> None:
    """Refuses what Keras 3 cannot train on.

    Raises:
        DlkitError: The environment names a TPU, or asks for parameter servers (`unsupported-device`).
    """
    told = os.environ.get("TF_CONFIG", "")
    if '"ps"' in told:
        found, cure = (
            "parameter servers (`ps` in TF_CONFIG)",
            "Name `worker` tasks only, and set `strategy: multi_worker`.",
        )
    elif os.environ.get("TPU_NAME") or tf.config.list_physical_devices("TPU"):
        found, cure = "a TPU", "Train on GPUs or CPUs: on the TensorFlow backend Keras 3 has no TPU strategy."
    else:
        return
    raise DlkitError(f"Keras 3 does not train with {found}.", cure, "unsupported-device")


def set_logical_devices(count: int) -> None:
    """Splits the CPU into logical devices, so that what takes several can be tried on one.

    To be called before TensorFlow has started its devices.

    Raises:
        DlkitError: It has started them (`devices-started`).
    """
    cpu = tf.config.list_physical_devices("CPU")[0]
    try:
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)
    except RuntimeError as error:
        raise DlkitError(
            "The CPU cannot be split any more: TensorFlow has started.", "Do it first.", "devices-started"
        ) from error
