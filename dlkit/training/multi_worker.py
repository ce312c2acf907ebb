"""Several processes train one model: TensorFlow's `MultiWorkerMirroredStrategy`, made to work under Keras 3.

Under this strategy Keras 3.15 reduces what it gets from a step by ``strategy.reduce("MEAN", value, axis=0)``, also where
that is a scalar, and takes whole batches through ``reduce`` without an axis; TensorFlow refuses the one and adds up the
other (keras#20585, tensorflow#72388). The strategy here answers these two cases itself. A test tells when it can go.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import tensorflow as tf

from dlkit.errors import DlkitError
from dlkit.training.cluster import Cluster
from dlkit.training.devices import Devices, FirstShare


class KerasMultiWorkerStrategy(FirstShare, tf.distribute.MultiWorkerMirroredStrategy):
    """Gives Keras the results of this worker where it wants no more: it reads metrics from all of them itself."""

    def reduce(self, reduce_op: Any, value: Any, axis: int | None = None) -> Any:
        if axis == 0 and self.experimental_local_results(value)[0].shape.rank == 0:
            return tf.reduce_mean(self.experimental_local_results(value))
        return super().reduce(reduce_op, value, axis=axis)


def multi_worker_devices(cluster: Cluster) -> Devices:
    """Joins a cluster; waits until all its workers have.

    To be called before TensorFlow computes anything in this process.

    Raises:
        DlkitError: TensorFlow has started already, or an address cannot be reached (`cannot-join`).
    """
    tf.get_logger().setLevel(logging.ERROR)  # it warns of its own collectives, which nobody here can change
    os.environ["TF_CONFIG"] = json.dumps(cluster.tf_config())
    try:
        strategy = KerasMultiWorkerStrategy()
    except (RuntimeError, ValueError, tf.errors.OpError) as error:
        told = str(error).strip().split("\n")[0]
        raise DlkitError(f"Worker {cluster.index} cannot join the others: {told}", code="cannot-join") from error
    return Devices(strategy, cluster.index, len(cluster.addresses))


def wait_for_all(devices: Devices) -> None:
    """Returns when all workers have called it: one that ends early would take the others with it."""
    if devices.workers > 1:
        strategy = devices.strategy
        strategy.reduce(tf.distribute.ReduceOp.SUM, strategy.run(tf.function(lambda: tf.constant(1.0))), axis=None)


@contextmanager
def telling_lost_workers(devices: Devices) -> Iterator[None]:
    """Says of a failed collective what it means to a person.

    Raises:
        DlkitError: Another worker is gone (`worker-lost`).
    """
    try:
        yield
    except tf.errors.OpError as error:
        if devices.workers == 1:
            raise
        named = [line.strip() for line in error.message.splitlines() if "/job:worker" in line]
        raise DlkitError(
            f"The training has lost one of its workers{': ' + named[-1] if named else '.'}",
            "See what that one said; `dlkit resume` goes on from the last state, with as many workers.",
            "worker-lost",
        ) from error
