"""Keeps TensorFlow from warning of what is meant to be so.

Every model that is trained is traced anew, and several devices are asked for states and metrics between the steps, too.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

_MEANT_SO = ("tf.function retracing", "Strategy eagerly has significant overhead")


@contextmanager
def without_idle_warnings() -> Iterator[None]:
    """Drops the warnings of TensorFlow that nobody can do anything about."""

    def says_something(line: logging.LogRecord) -> bool:
        message = line.getMessage()
        return not any(words in message for words in _MEANT_SO)

    logger = tf.get_logger()
    logger.addFilter(says_something)
    try:
        yield
    finally:
        logger.removeFilter(says_something)
