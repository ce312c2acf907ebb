"""Keeps TensorFlow from warning of what is meant to be so: that every model that is trained is traced anew."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf


@contextmanager
def without_retracing_warning() -> Iterator[None]:
    """Drops TensorFlow's warning that functions are traced again and again: several models are trained in turn."""

    def says_something(line: logging.LogRecord) -> bool:
        return "tf.function retracing" not in line.getMessage()

    logger = tf.get_logger()
    logger.addFilter(says_something)
    try:
        yield
    finally:
        logger.removeFilter(says_something)
