"""How different generated examples are, and whether a discriminator tells them from real ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import keras
import numpy as np

from dlkit.evaluation.tasks.task import Result, Shown, Task, averages
from dlkit.evaluation.views.latent import are_pictures, samples
from dlkit.models.distances import mean_distance

_COMPARED = 1000  # real and generated examples whose distances are measured
_SEED = 2014
_AT_ONCE = 128


@dataclass
class Generation(Task):
    """Diversity, and how often the discriminator is right.

    `diversity` is the mean distance of two generated examples as a share of that of two real ones, of 1,000 each.
    `real_accuracy` is the share of the split that the discriminator takes for real, `generated_accuracy` the share of as
    many generated examples that it does not. The scores of a critic are held against their mean, since they have no zero.
    """

    name: ClassVar[str] = "generation"

    _real: list[np.ndarray] = field(default_factory=list)

    def reduce(self, truth: np.ndarray, output: np.ndarray) -> tuple[np.ndarray, ...]:
        if sum(map(len, self._real)) < _COMPARED:
            self._real.append(np.asarray(truth, np.float32))
        return (np.asarray(output[:, 0], np.float64),)

    def measure(self, real: np.ndarray) -> Result:
        if self.context is None:
            raise ValueError(f"A generator is measured in its context. Received: context={self.context!r}")
        halves = _Halves.of(self.context.model)
        codes = np.random.default_rng(_SEED).standard_normal((len(real), halves.size))
        generated = halves.score(codes)
        is_critic = bool(self.context.arguments["gradient_penalty"])
        middle = float(np.concatenate([real, generated]).mean()) if is_critic else 0.0
        right = {"real_accuracy": (real > middle) * 1.0, "generated_accuracy": (generated < middle) * 1.0}
        recount = averages(right)
        truth = np.concatenate(self._real)[:_COMPARED]
        metrics = {**recount(np.ones(len(real))), **self._diversity(halves, codes[: len(truth)], truth)}
        details: dict[str, Any] = {}
        if are_pictures(truth.shape[1:]):
            details["prior_samples"] = samples(halves.generate, halves.size, _SEED, truth)

        def shown(row: int) -> Shown:
            return Shown(row, "real", "real" if real[row] > middle else "generated", f"score {real[row]:.3g}")

        worst = np.argsort(real, kind="stable")
        return Result(metrics, recount, details, worst[real[worst] <= middle], shown)

    def _diversity(self, halves: _Halves, codes: np.ndarray, truth: np.ndarray) -> dict[str, float]:
        apart = mean_distance(truth) if len(truth) > 1 else 0.0
        if not apart:
            return {}
        return {"diversity": mean_distance(halves.generate(codes)) / apart}


@dataclass(frozen=True, slots=True)
class _Halves:
    """The generator of a saved model, and the generator with the discriminator behind it."""

    generator: keras.Model
    both: keras.Model
    size: int

    @classmethod
    def of(cls, model: keras.Model) -> _Halves:
        codes, made = (model.get_layer(name).output for name in ("codes", "generated"))
        _, of_generated = model.get_layer("scores").input
        return cls(keras.Model(codes, made), keras.Model(codes, of_generated), codes.shape[-1])

    def generate(self, codes: np.ndarray) -> np.ndarray:
        """The examples of codes of shape (codes, size)."""
        return _of(self.generator, codes)

    def score(self, codes: np.ndarray) -> np.ndarray:
        """The scores of the examples of codes, of shape (codes,)."""
        return _of(self.both, codes)[:, 0].astype(np.float64)


def _of(model: keras.Model, codes: np.ndarray) -> np.ndarray:
    """What a model makes of codes, a part at a time; nothing is traced."""
    parts = [codes[at : at + _AT_ONCE].astype(np.float32) for at in range(0, len(codes), _AT_ONCE)]
    return np.concatenate([keras.ops.convert_to_numpy(model(part, training=False)) for part in parts])
