"""The dtype policy that layers are made under: Keras's is global, and several recipes may run in one process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras


@contextmanager
def dtype_policy(name: str) -> Iterator[None]:
    """Layers that are made inside have this policy, as `mixed_bfloat16`, where they are given none; it ends with the block."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
