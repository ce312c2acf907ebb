"""Writes sequences with a model that learned by teacher forcing: token by token, each after those that it wrote before.

In training such a model is given the true tokens, one place later (Williams and Zipser, 1989, "A learning algorithm for
continually running fully recurrent neural networks"). What it writes is searched for by beams, as in Sutskever, Vinyals and
Le (2014), arXiv:1409.3215, section 3.2: the partial sequences that are most likely so far are kept and continued.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np

from dlkit.evaluation.probabilities import log_probabilities
from dlkit.models.parts import split_at
from dlkit.recipe.facts import END, PADDING, START, Target


class Written(NamedTuple):
    """The most likely sequence that was found for each example.

    Args:
        tokens: Numbers of shape (examples, steps): up to the end, its token included where there was room for it, then
            padding.
        given: The same as the model is given it: behind the start, without the end.
        log_probabilities: Of the sequences, of shape (examples,).
    """

    tokens: np.ndarray
    given: np.ndarray
    log_probabilities: np.ndarray


class BeamSearch:
    """Searches for the most likely sequences.

    The logarithms of the tokens' probabilities are added up, the end's included; sequences of different length are compared
    as they are, without a bonus for the longer one. Of equally likely ones that comes first whose beginning was more
    likely, then the one with the lower token. Padding and the start are never written. What does not depend on the tokens
    is computed once for each example.

    Args:
        model: Takes the tokens so far as one of its inputs, and gives at each place the next one; later places must not
            have a say in earlier ones.
        name: The input that takes the tokens.
        target: What is known of the sequence, which tells the numbers of start and end.
        logits: Whether the model gives logits.
        beams: Partial sequences that are kept; 1 is greedy search.
        output: The name of the output, where the model has several.

    Raises:
        ValueError: The model has no such input, or its output does not depend on it.
    """

    def __init__(
        self,
        model: keras.Model,
        name: str,
        target: Target,
        *,
        logits: bool,
        beams: int = 1,
        output: str | None = None,
    ) -> None:
        labels = target.labels or ()
        self.start, self.end = labels.index(START), labels.index(END)
        self.name, self.beams, self.logits = name, beams, logits
        self.once, self.each_step = split_at(model, name, output)
        (self.steps,) = next(tensor.shape[1:] for tensor in model.inputs if tensor.name == name)

    def named(self, x: Any) -> dict[str, Any]:
        """A batch by feature; one that holds a single feature, which has no name there, that of the model's other input."""
        if isinstance(x, Mapping):
            return dict(x)
        return {self.once.inputs[0].name if self.once else self.name: x}

    def write(self, x: Any) -> Written:
        """The sequences of a batch.

        Args:
            x: The other inputs of the model by name, or the only one; what is there of the tokens is passed over.
        """
        features = self.named(x)
        known, examples = self._known(features), len(next(iter(features.values())))
        tokens = np.full((examples, self.beams, self.steps + 1), PADDING, np.int32)
        tokens[:, :, 0] = self.start
        # In the beginning all beams are the same: only the first one counts.
        scores = np.where(np.arange(self.beams) == 0, 0.0, -np.inf)[None].repeat(examples, axis=0)
        for place in range(1, self.steps + 1):
            ended = (tokens == self.end).any(axis=-1)
            if ended[:, 0].all():  # nothing that goes on can become more likely than these
                break
            logs = self._next(known, tokens[:, :, :-1], place - 1)
            logs[ended] = np.where(np.arange(logs.shape[-1]) == PADDING, 0.0, -np.inf)
            tokens, scores = _best(tokens, scores, logs, place)
        best = tokens[:, 0]
        return Written(best[:, 1:], np.where(best == self.end, PADDING, best)[:, :-1], scores[:, 0])

    def _known(self, x: dict[str, Any]) -> list[Any]:
        """What does not depend on the tokens, once for each beam."""
        if self.once is None:
            return []
        made = self.once.predict_on_batch({tensor.name: x[tensor.name] for tensor in self.once.inputs})
        return [np.repeat(each, self.beams, axis=0) for each in (made if isinstance(made, list) else [made])]

    def _next(self, known: list[Any], tokens: np.ndarray, step: int) -> np.ndarray:
        """The log-probabilities of the tokens at a place, of shape (examples, beams, tokens)."""
        examples, beams, steps = tokens.shape
        output = self.each_step.predict_on_batch([*known, tokens.reshape(examples * beams, steps)])
        logs = log_probabilities(np.asarray(output)[:, step], self.logits)
        logs[:, [PADDING, self.start]] = -np.inf
        return logs.reshape(examples, beams, -1)


def outputs_of(
    model: keras.Model, x: Any, searches: Mapping[str, BeamSearch], names: Iterable[str]
) -> dict[str, np.ndarray | Written]:
    """What a model gives for a batch, by target: its outputs, or what is written with it.

    Args:
        x: The features by name, or the only one.
        searches: Of those targets that are written; the other outputs are given what was written, never the truth.
        names: All targets.
    """
    written = {name: search.write(x) for name, search in searches.items()}
    others = [name for name in names if name not in written]
    for name, search in searches.items():
        x = {**search.named(x), search.name: written[name].given}
    outputs = model.predict_on_batch(x) if others else {}
    given = {name: np.asarray(outputs[name] if isinstance(outputs, dict) else outputs) for name in others}
    return {**written, **given}


def _best(tokens: np.ndarray, scores: np.ndarray, logs: np.ndarray, place: int) -> tuple[np.ndarray, np.ndarray]:
    """The most likely continuations of the beams of each example, the most likely first."""
    examples, beams, choices = logs.shape
    each = (scores[..., None] + logs).reshape(examples, beams * choices)
    chosen = np.argsort(-each, axis=-1, kind="stable")[:, :beams]
    rows = np.arange(examples)[:, None]
    continued = tokens[rows, chosen // choices]
    continued[:, :, place] = chosen % choices
    return continued, each[rows, chosen]
