"""The next token of a text, at every place of it."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from dlkit.evaluation.probabilities import class_probabilities, log_probabilities
from dlkit.evaluation.tasks.task import Result, Shown, Task

_SHOWN = 80  # tokens of a text


class LanguageModelling(Task):
    """Perplexity, bits for each token and, where tokens are characters, for each character; accuracy.

    Perplexity is the exponential of the mean negative log-likelihood of the tokens: Jelinek, Mercer, Bahl and Baker (1977),
    "Perplexity - a measure of the difficulty of speech recognition tasks".
    """

    name: ClassVar[str] = "language_modelling"

    def reduce(self, truth: np.ndarray, output: np.ndarray) -> tuple[np.ndarray, ...]:
        truth = np.asarray(truth).astype(int)
        shares = output if self.logits else class_probabilities(output, False)
        logs = np.take_along_axis(log_probabilities(shares, self.logits), truth[..., None], axis=-1)[..., 0]
        return truth, np.asarray(output).argmax(axis=-1), -logs

    def measure(self, truth: np.ndarray, predicted: np.ndarray, surprise: np.ndarray) -> Result:
        are_characters = bool(self.target.labels) and all(len(label) == 1 for label in self.target.labels or ())
        of_text, hits = surprise.mean(axis=1), (predicted == truth).mean(axis=1)

        def recount(counts: np.ndarray) -> dict[str, float]:
            total = counts.sum()
            nats = float(counts @ of_text / total)
            found = {"perplexity": math.exp(min(nats, 700)), "bits_per_token": nats / math.log(2)}
            if are_characters:
                found["bits_per_character"] = found.pop("bits_per_token")
            return {**found, "accuracy": float(counts @ hits / total)}

        details = {
            "by_position": surprise.mean(axis=0).tolist(),
            "tokens": int(truth.size),
        }
        between = "" if are_characters else " "

        def shown(row: int) -> Shown:
            true, told = (between.join(map(self.label, tokens[row, :_SHOWN].tolist())) for tokens in (truth, predicted))
            return Shown(row, true, told, f"perplexity {math.exp(min(of_text[row], 700)):.2f}")

        worst = np.argsort(-of_text, kind="stable")
        return Result(recount(np.ones(len(truth))), recount, details, worst, shown)
