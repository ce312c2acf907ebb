"""Same seed, same numbers."""

from __future__ import annotations

import keras
import tensorflow as tf


def seed_everything(seed: int, deterministic: bool = True) -> None:
    """Seeds Python, NumPy, TensorFlow and Keras, before anything is built.

    Args:
        seed: At least 0 and below 2**32, as NumPy takes it.
        deterministic: Whether TensorFlow is held to deterministic ops from now on. False leaves it as it is: there is
            no way back within a process.
    """
    keras.utils.set_random_seed(seed)
    tf.random.set_global_generator(tf.random.Generator.from_seed(seed))
    # Keras makes its global generator at the first draw, seeded from Python's: drawn now, its seed does not depend on
    # what else draws before it is needed.
    keras.random.uniform((1,))
    if deterministic:
        tf.config.experimental.enable_op_determinism()
