"""A sequence of several tokens for each example, as a caption or the letters in a picture."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from rapidfuzz.distance import Levenshtein

from dlkit.evaluation.best_path import best_path
from dlkit.evaluation.tasks.task import Result, Shown, Task
from dlkit.recipe.facts import END, PADDING, Target


class SequenceOutput(Task):
    """Exact matches, and edit distances: how many tokens to insert, delete or replace.

    Levenshtein (1966), "Binary codes capable of correcting deletions, insertions and reversals". Sequences end at `<end>`
    where there is such a token; 0 is padding. The output tells each token's share, of shape (examples, steps, tokens), or
    is the tokens themselves where they were written one by one.
    """

    name: ClassVar[str] = "sequence_output"

    def reduce(self, truth: np.ndarray, output: np.ndarray) -> tuple[np.ndarray, ...]:
        truth = np.asarray(truth).astype(int)
        if self.ctc:
            predicted = best_path(output)
        else:
            predicted = output if np.ndim(output) == truth.ndim else np.asarray(output).argmax(axis=-1)
        distances = [Levenshtein.distance(*map(self._tokens, pair)) for pair in zip(truth, predicted, strict=True)]
        return truth, predicted, np.array(distances, np.float64)

    def measure(self, truth: np.ndarray, predicted: np.ndarray, distances: np.ndarray) -> Result:
        lengths = np.array([len(self._tokens(row)) for row in truth], np.float64)
        exact = (distances == 0).astype(np.float64)

        def recount(counts: np.ndarray) -> dict[str, float]:
            total = counts.sum()
            return {
                "exact_match": float(counts @ exact / total),
                "edit_distance": float(counts @ distances / total),
                "token_error_rate": float(counts @ distances / max(counts @ lengths, 1)),
            }

        values, examples = np.unique(distances.astype(int), return_counts=True)
        details = {"edit_distances": {"distance": values.tolist(), "examples": examples.tolist()}}

        def shown(row: int) -> Shown:
            true, told = (in_words(tokens[row], self.target) for tokens in (truth, predicted))
            return Shown(row, true, told, f"edit distance {distances[row]:.0f}")

        wrong = np.flatnonzero(distances)
        worst = wrong[np.argsort(-distances[wrong], kind="stable")]
        return Result(recount(np.ones(len(truth))), recount, details, worst, shown)

    def _tokens(self, row: np.ndarray) -> list[int]:
        return tokens_of(row, self.target)


def tokens_of(row: np.ndarray, target: Target) -> list[int]:
    """The tokens of a sequence that count: up to the end, without padding."""
    tokens = [int(token) for token in row]
    labels = target.labels or ()
    if END in labels and labels.index(END) in tokens:
        tokens = tokens[: tokens.index(labels.index(END))]
    return [token for token in tokens if token != PADDING]


def in_words(row: np.ndarray, target: Target) -> str:
    """A sequence as a person reads it: characters in a row, words with blanks between them."""
    labels = target.labels or ()
    between = "" if any(labels) and all(len(label) <= 1 for label in labels) else " "
    return between.join(labels[token] if token < len(labels) else str(token) for token in tokens_of(row, target))
