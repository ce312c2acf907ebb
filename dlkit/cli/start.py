"""Starting TensorFlow: with Keras on it, and without the lines that it logs as it is imported.

TF_CPP_MIN_LOG_LEVEL does not reach those lines, for they come before the log is set up.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from dlkit.errors import DlkitError
from dlkit.training.noise import without_noise

_WAIT = "Starting TensorFlow ..."


def start_tensorflow(logical_devices: int | None = None) -> None:
    """Imports TensorFlow and Keras, and finds the devices.

    Args:
        logical_devices: Devices that the CPU is split into.

    Raises:
        DlkitError: KERAS_BACKEND names another backend (`wrong-backend`).
    """
    backend = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    if backend != "tensorflow":
        raise DlkitError(
            f"KERAS_BACKEND is {backend!r}, and dlkit trains with TensorFlow.",
            "Unset it, or set KERAS_BACKEND=tensorflow.",
            "wrong-backend",
        )
    wanted = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2") in ("0", "1")
    with nullcontext() if wanted or "tensorflow" in sys.modules else _quietly():
        import tensorflow as tf

        tf.config.list_physical_devices()
    if logical_devices:
        from dlkit.training.devices import set_logical_devices

        set_logical_devices(logical_devices)


@contextmanager
def _quietly() -> Iterator[None]:
    with _waiting(), without_noise():
        yield


@contextmanager
def _waiting() -> Iterator[None]:
    """Shows on a terminal that the seconds go to TensorFlow."""
    if not sys.stderr.isatty():
        yield
        return
    print(_WAIT, end="\r", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        print(" " * len(_WAIT), end="\r", file=sys.stderr, flush=True)
