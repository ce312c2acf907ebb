"""Connectionist temporal classification against every path there is, and against the forward algorithm."""

from __future__ import annotations

from itertools import groupby, product

import keras
import numpy as np
import pytest

from dlkit.evaluation.best_path import best_path, sequence_probabilities

STEPS, CLASSES = 4, 3


def read(path: tuple[int, ...]) -> tuple[int, ...]:
    """What a path says: repeats collapsed, then blanks dropped (Graves et al., 2006, section 3.1)."""
    return tuple(key for key, _ in groupby(path) if key)


def probabilities_of_sequences(shares: np.ndarray) -> dict[tuple[int, ...], float]:
    """The probability of every sequence, added up over all paths, of one example's (steps, classes)."""
    found: dict[tuple[int, ...], float] = {}
    for path in product(range(shares.shape[1]), repeat=len(shares)):
        found[read(path)] = found.get(read(path), 0.0) + float(np.prod(shares[np.arange(len(shares)), path]))
    return found


def forward(sequence: tuple[int, ...], shares: np.ndarray) -> float:
    """The forward algorithm (section 4.1) over the sequence with blanks before, between and behind."""
    states = [0, *(part for token in sequence for part in (token, 0))]
    alpha = np.zeros(len(states))
    alpha[:2] = shares[0, states[:2]]
    for step in shares[1:]:
        before = alpha.copy()
        for s, state in enumerate(states):
            alpha[s] = before[max(0, s - 1) : s + 1].sum()
            if s > 1 and state not in (0, states[s - 2]):
                alpha[s] += before[s - 2]
        alpha *= step[states]
    return float(alpha[-2:].sum() if sequence else alpha[-1])


def padded(sequence: tuple[int, ...]) -> list[int]:
    return [*sequence, *[0] * (STEPS - len(sequence))]


@pytest.fixture
def logits() -> np.ndarray:
    return np.random.default_rng(5).normal(scale=2, size=(6, STEPS, CLASSES)).astype("float32")


def shares_of(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits.astype("float64"))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def test_the_best_path_by_hand() -> None:
    paths = [(1, 1, 0, 1, 2), (0, 2, 2, 2, 0), (0, 0, 0, 0, 0), (1, 2, 1, 2, 1), (2, 0, 0, 0, 2)]
    wanted = [(1, 1, 2, 0, 0), (2, 0, 0, 0, 0), (0, 0, 0, 0, 0), (1, 2, 1, 2, 1), (2, 2, 0, 0, 0)]
    made = best_path(np.eye(CLASSES, dtype="float32")[np.array(paths)] - 3)
    assert (made.dtype, made.tolist()) == (np.int32, [list(each) for each in wanted])


def test_it_reads_what_the_most_likely_classes_say(logits: np.ndarray) -> None:
    wanted = [padded(read(tuple(row))) for row in logits.argmax(axis=-1)]
    assert best_path(logits).tolist() == wanted
    assert best_path(logits.astype("float64")).tolist() == wanted


def test_probabilities_are_those_of_all_paths(logits: np.ndarray) -> None:
    for one in logits:
        known = probabilities_of_sequences(shares_of(one))
        assert sum(known.values()) == pytest.approx(1)
        sequences = np.array([padded(sequence) for sequence in known])
        made = sequence_probabilities(sequences, np.repeat(one[None], len(known), axis=0))
        np.testing.assert_allclose(made, list(known.values()), rtol=1e-4)


def test_keras_has_the_loss_of_the_forward_algorithm(logits: np.ndarray) -> None:
    sequences = [(1,), (1, 2), (2, 2), (1, 1), (2, 1, 2), (2, 2, 1)]
    shares = shares_of(logits)
    wanted = [-np.log(forward(*each)) for each in zip(sequences, shares, strict=True)]
    known = [probabilities_of_sequences(each)[sequence] for sequence, each in zip(sequences, shares, strict=True)]
    np.testing.assert_allclose(wanted, -np.log(known), rtol=1e-12)  # the algorithm itself, against every path
    loss = keras.losses.CTC(reduction=None)(np.array([padded(sequence) for sequence in sequences]), logits)
    np.testing.assert_allclose(loss, wanted, rtol=1e-5)
