"""Reads sequences out of what a network gives that was trained by connectionist temporal classification.

Graves, Fernández, Gomez and Schmidhuber (2006), "Connectionist temporal classification: labelling unsegmented sequence data
with recurrent neural networks", ICML. Class 0 is the blank.
"""

from __future__ import annotations

import keras
import numpy as np


def best_path(logits: np.ndarray) -> np.ndarray:
    """The sequences of the best paths: the most likely class at each step, repeats collapsed, then blanks dropped.

    Args:
        logits: Of shape (batch, steps, classes).

    Returns:
        Classes, int32 of shape (batch, steps), ended by zeros.
    """
    decoded, _ = keras.ops.ctc_decode(logits, _steps(logits), strategy="greedy", mask_index=0)
    return np.maximum(keras.ops.convert_to_numpy(decoded[0]), 0)


def sequence_probabilities(sequences: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """How likely each sequence is: the sum over all paths that are read as it, of shape (batch,).

    Args:
        sequences: As `best_path` gives them.
        logits: Of shape (batch, steps, classes).
    """
    lengths = np.count_nonzero(sequences, axis=-1).astype("int32")
    loss = keras.ops.ctc_loss(sequences, logits, lengths, _steps(logits), mask_index=0)
    return np.minimum(np.exp(-keras.ops.convert_to_numpy(loss)), 1.0)


def _steps(logits: np.ndarray) -> np.ndarray:
    return np.full(len(logits), logits.shape[1], "int32")
