"""Says in words where a game of generator and discriminator went wrong, as its curves show it.

The losses of a game do not tell how it goes: when both networks get better, both may stay where they are. So nothing is
said of them, but of what shows by itself: how different the pictures are that are made, and who is always right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from dlkit.evaluation.cures import Cure, last_stage
from dlkit.evaluation.diagnosis import FEW, Diagnosis
from dlkit.recipe.graph import Component
from dlkit.recipe.load import Recipe

LAST = 3  # epochs that are looked at, by their median
COLLAPSED = 0.4  # diversity of the real examples: generators that learn well end at 0.8 to 1.1
FALLEN = 0.5  # of the highest diversity that there was before
RISING = 1.05  # of the epochs before: what is so much more different each time has not collapsed
ALWAYS = 0.99  # of answers that are right, on real and on generated examples alike

Lines = Sequence[Mapping[str, Any]]


def diagnose_adversaries(lines: Lines, recipe: Recipe) -> list[Diagnosis]:
    """What the curves of a generator and a discriminator show; nothing where they are as they should be.

    Args:
        lines: Those of metrics.jsonl.
        recipe: With the facts of its data.
    """
    last = [line for line in lines if line.get("stage") == lines[-1].get("stage")]
    if len(last) < FEW:
        return []
    return [*_collapse(last, recipe), *_unbeaten(last, recipe)]


def _collapse(lines: Lines, recipe: Recipe) -> Iterator[Diagnosis]:
    values = [float(line["diversity"]) for line in lines if "diversity" in line]
    if len(values) < FEW:
        return
    end, before, best = _level(values[-LAST:]), _level(values[-2 * LAST : -LAST]), int(np.argmax(values))
    fell = end < FALLEN * values[best]
    if not fell and (end >= COLLAPSED or end > RISING * before):
        return
    if fell:
        message = f"The generator has collapsed: since epoch {best + 1} what it makes has become ever more alike."
    else:
        message = "The generator has collapsed: whatever the code, what it makes is much the same."
    evidence = (
        f"Two examples that it makes are {end:.2g} times as far apart as two real ones, and {values[best]:.2g} times in"
        f" epoch {best + 1}."
    )
    yield Diagnosis("mode collapse", message, evidence, tuple(_against_collapse(recipe)))


def _unbeaten(lines: Lines, recipe: Recipe) -> Iterator[Diagnosis]:
    """A critic that is always right is as it should be: the better it is, the better its slopes."""
    if recipe.pattern_arguments().get("gradient_penalty"):
        return
    least = {
        kind: min(float(line.get(f"{kind}_accuracy", 0.0)) for line in lines[-LAST:]) for kind in ("real", "generated")
    }
    if min(least.values()) < ALWAYS:
        return
    message = "The discriminator wins: it is always right, and the generator learns hardly anything from that."
    evidence = (
        f"In each of the last {LAST} epochs it was right on {least['real']:.1%} of real examples and on"
        f" {least['generated']:.1%} of generated ones, at least."
    )
    yield Diagnosis("discriminator wins", message, evidence, tuple(_against_discriminator(recipe)))


def _level(values: Sequence[float]) -> float:
    return float(np.median(values))


def _against_collapse(recipe: Recipe) -> Iterator[Cure]:
    yield from _slower(recipe, "generator")
    if not recipe.pattern_arguments().get("gradient_penalty"):
        yield Cure(
            "a critic with a gradient penalty gives the generator a slope wherever it is; take BatchNormalization out of the"
            " discriminator for it",
            "model.gan.gradient_penalty=10",
        )
    yield Cure(
        "look whether the generator can tell codes apart: its first layer wants as many units as a code has numbers"
    )


def _against_discriminator(recipe: Recipe) -> Iterator[Cure]:
    if not recipe.pattern_arguments().get("label_smoothing"):
        yield Cure("a discriminator that is never to be quite sure", "model.gan.label_smoothing=0.1")
    yield from _slower(recipe, "discriminator")
    yield Cure("add `Dropout: {rate: 0.3}` to the discriminator, or give it fewer filters")


def _slower(recipe: Recipe, network: str) -> Iterator[Cure]:
    training, path = last_stage(recipe)
    if training.optimizers == recipe.config.training.optimizers:
        path = "training"
    written = (training.optimizers or {}).get(network)
    rate = written.arguments.get("learning_rate") if isinstance(written, Component) else None
    if isinstance(rate, int | float):
        setting = f"{path}.optimizers.{network}.learning_rate={float(f'{rate / 4:.2g}')!r}"
        yield Cure(f"a quarter of the learning rate for the {network}", setting)
    else:
        yield Cure(f"give the {network} a lower learning rate in `{path}.optimizers`")
