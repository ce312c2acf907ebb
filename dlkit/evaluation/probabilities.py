"""Probabilities out of what a model gives."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, log_softmax, softmax

_ROUNDING = 1e-3  # that probabilities in half precision may be off by


def class_probabilities(output: np.ndarray, logits: bool) -> np.ndarray:
    """Class probabilities along the last axis, float64; a single output is the probability of the second class.

    Args:
        output: What the model gives, of shape (..., classes) or (..., 1).
        logits: Whether it wants a softmax, or a sigmoid where it is a single one.
    """
    output = np.asarray(output, np.float64)
    if output.shape[-1] == 1:
        positive = label_probabilities(output, logits)
        return np.concatenate([1 - positive, positive], axis=-1)
    return softmax(output, axis=-1) if logits else output


def log_probabilities(output: np.ndarray, logits: bool) -> np.ndarray:
    """Natural logarithms of class probabilities, exact where these are too small for a number."""
    output = np.asarray(output, np.float64)
    if logits:
        return log_softmax(output, axis=-1)
    return np.log(np.maximum(output, np.finfo(np.float64).tiny))


def label_probabilities(output: np.ndarray, logits: bool) -> np.ndarray:
    """The probability of each label by itself, float64."""
    output = np.asarray(output, np.float64)
    return expit(output) if logits else output


def are_probabilities(values: np.ndarray, *, of_classes: bool) -> bool:
    """Whether values lie between 0 and 1, those of classes also adding up to 1.

    The output of a network with another loss than crossentropy need not.
    """
    within = bool(np.all((values >= -_ROUNDING) & (values <= 1 + _ROUNDING)))
    return within and (not of_classes or bool(np.all(np.abs(values.sum(axis=-1) - 1) < _ROUNDING)))
