"""Says in words what learning curves show, with the evidence and what to change in the recipe.

    curves = read_curves(run.read_metrics(), baseline)
    for found in diagnose(curves, known_of(recipe)):
        print(found.message, found.evidence, found.cures)

It rather says nothing than something wrong: a healthy run has no diagnosis. Levels of the loss are told as shares of
its scale, which is the loss of the best constant answer, or where that is not known the loss of the first epoch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from dlkit.evaluation import cures
from dlkit.evaluation.cures import Cure, Known, known_of
from dlkit.evaluation.curves import STILL, Curves, Seen, later, level, noise, read_curves, smooth, trend

__all__ = ["Cure", "Curves", "Diagnosis", "Known", "diagnose", "known_of", "read_curves"]

Kind = Literal[
    "under-fitting",
    "over-fitting",
    "learning rate too high",
    "learning rate too low",
    "plateau",
    "not converged",
    "validation noise",
    "mode collapse",
    "discriminator wins",
]

FEW = 5  # epochs; below, a curve has no shape yet
ENOUGH = 8  # epochs, from which on it may be said that a loss stands still
LONG = 12  # epochs, from which on standing still through half of them is a waste

# Shares of the scale, unless it says otherwise.
CLEAR_FALL = 0.05  # of the whole fall, in the last quarter of the epochs: losses go on falling a little for ever
CLEAR_FALL_DECAYED = 0.1  # the same where the rate has decayed, which makes losses fall at the end
LEAST_FALL = 0.01  # what is less is not worth more epochs
SHORT_FALL = 0.1  # of the level, in the last of two to four epochs
RISE = 0.1  # of the lowest validation loss: a rise that is more than the dent that a minimum makes by chance
LEAST_RISE = 0.01
MEMORIZED = 0.2  # of the validation loss: the training loss of a network that knows its examples by heart
GAP = 0.15  # between both losses; perceptrons that learn digits well end at 0.07
GAP_IF_RANDOM = 1 / 3  # good recipes of CIFAR-100 end at a quarter, and hold the network back as they can
LITTLE = 2 / 3  # a loss that explains less than a third of what there is to explain; adult's 0.53 is as good as it gets
ABOVE, ABOVE_IF_RANDOM = 0.005, 0.03  # more than a constant answer costs; dropout adds some
MOVES = 0.002  # noise of the level: weights that hardly move make less
DIVERGED, LEAST_DIVERGED = 2.0, 0.3  # of the lowest loss, and of the scale
RISING = 1.2  # of the first loss
BOUNCES, LEAST_BOUNCES = 0.1, 0.02  # noise of the level and of the scale, in a mean over the steps of an epoch
LEAST_BOUNCES_IF_RANDOM = 0.04
SLOW = 0.9  # of the first loss, at the end
LEARNED = 0.2  # a fall that shows that the network learns
JITTER, JITTER_IF_RANDOM = 0.015, 0.03  # noise of the level that a rate makes which is too high to settle
HIGH = 0.1  # a level below which there is nothing left to learn
NOISY, LEAST_NOISY = 0.1, 0.02  # noise of the level and of the scale
NOISIER = 3.0  # than the training loss


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What learning curves show.

    Args:
        kind: In a word.
        message: In a sentence, with the epoch, counted from 1, where there is one.
        evidence: The numbers that it rests on, in a sentence.
        cures: Changes of the recipe that answer it, the best first.
    """

    kind: Kind
    message: str
    evidence: str
    cures: tuple[Cure, ...]


# What is no longer said once the first is.
_EXPLAINS: dict[Kind, frozenset[Kind]] = {
    "learning rate too high": frozenset(
        {"learning rate too low", "under-fitting", "not converged", "plateau", "validation noise"}
    ),
    "over-fitting": frozenset({"learning rate too low", "under-fitting", "not converged", "plateau"}),
    "learning rate too low": frozenset({"under-fitting", "not converged", "plateau"}),
    "not converged": frozenset({"under-fitting", "plateau"}),
    "under-fitting": frozenset({"plateau"}),
    "plateau": frozenset({"validation noise"}),
}


def diagnose(curves: Curves, recipe: Known) -> list[Diagnosis]:
    """What the curves of a training show, most important first; nothing where they are as they should be.

    Losses that may be negative have no level, and of them nothing is said.

    Args:
        curves: Of the last stage.
        recipe: What is known of the recipe (see `known_of`).
    """
    if broken := _not_a_number(curves, recipe):
        return [broken]
    values = [*curves.loss, *(curves.val_loss or ())]
    if len(curves.loss) < 2 or min(values) < 0 or max(values) == 0:
        return []
    seen = Seen.of(curves, recipe)
    if seen.epochs < FEW:
        short = _falls_in_few(seen)
        return [short] if short else []
    told: list[Diagnosis] = []
    explained: set[Kind] = set()
    for verdict in _VERDICTS:
        found = verdict(seen)
        if found and found.kind not in explained:
            told.append(found)
            explained |= {found.kind, *_EXPLAINS.get(found.kind, ())}
    return told


def _not_a_number(curves: Curves, recipe: Known) -> Diagnosis | None:
    for epoch in range(len(curves.loss)):
        for name, values in (("training", curves.loss), ("validation", curves.val_loss)):
            if values is None or math.isfinite(values[epoch]):
                continue
            made = cures.for_rate_too_high(recipe)
            look = Cure("look for values in the data that are not numbers: `dlkit data` shows them")
            if epoch == 0:
                message = (
                    "The loss is not a number from epoch 1 on: the learning rate is too high, or the data hold what is no"
                    " number."
                )
                return Diagnosis("learning rate too high", message, f"The {name} loss is {values[0]}.", (*made, look))
            message = f"The learning rate is too high: the {name} loss is no longer a number in epoch {epoch + 1}."
            evidence = f"The {name} loss is {values[epoch - 1]:.3g} in epoch {epoch} and {values[epoch]} in the next."
            return Diagnosis("learning rate too high", message, evidence, made)
    return None


def _rate_too_high(seen: Seen) -> Diagnosis | None:
    found = _diverges(seen) or _is_stuck(seen) or _bounces(seen)
    return Diagnosis("learning rate too high", *found, cures.for_rate_too_high(seen.recipe)) if found else None


def _diverges(seen: Seen) -> tuple[str, str] | None:
    smoothed = smooth(seen.train)
    lowest, end = int(np.argmin(smoothed)), level(seen.train)
    if end > RISING * seen.train[0] and trend(seen.train).rises:
        return (
            "The learning rate is too high: the training loss rises from the start.",
            f"The training loss is {seen.train[0]:.3g} in epoch 1 and {end:.3g} at the end.",
        )
    if end >= DIVERGED * smoothed[lowest] and end - smoothed[lowest] >= LEAST_DIVERGED * seen.scale:
        return (
            f"The learning rate is too high: after epoch {lowest + 1} the training loss rises again.",
            f"The training loss is {smoothed[lowest]:.3g} around epoch {lowest + 1} and {end:.3g} at the end.",
        )
    return None


def _is_stuck(seen: Seen) -> tuple[str, str] | None:
    """Weights that were thrown out of the region where anything is learned."""
    half = later(seen.train)
    if seen.baseline is None or trend(half).falls:
        return None
    above = float(np.median(half)) / seen.baseline - 1
    # A rate that is too low leaves a loss there, too, but moves nothing.
    if above < (ABOVE_IF_RANDOM if seen.recipe.is_random else ABOVE) or seen.movement < MOVES:
        return None
    return (
        "The learning rate is too high: its steps keep the network where it answers worse than a constant would.",
        f"The training loss is {seen.train[0]:.3g} in epoch 1, and in the later half it stays at"
        f" {seen.share(float(np.median(half)))}.",
    )


def _bounces(seen: Seen) -> tuple[str, str] | None:
    if seen.decayed:
        return None
    most = later(seen.train, 2 / 3)
    size, middle = noise(most), float(np.median(most))
    least = LEAST_BOUNCES_IF_RANDOM if seen.recipe.is_random else LEAST_BOUNCES
    if size < BOUNCES * middle or size < least * seen.scale:
        return None
    return (
        "The learning rate is too high: the training loss jumps up and down instead of falling.",
        f"From epoch to epoch the training loss of {middle:.3g} changes at random by {size:.2g}.",
    )


def _over_fitting(seen: Seen) -> Diagnosis | None:
    if seen.val is None:
        return None
    smoothed = smooth(seen.val)
    lowest, best = int(np.argmin(smoothed)), int(np.argmin(seen.val))
    if _rises_after(seen, smoothed, lowest):
        # Where the lowest value of all is as good a beginning, it is the one to name: best.keras is of that epoch.
        since = best if smoothed[best] <= smoothed[lowest] + noise(seen.val) else lowest
        rise = level(seen.val) / smoothed[since] - 1
        message = (
            f"The network over-fits from epoch {since + 1} on: since then the validation loss has risen by {rise:.0%},"
            " while the training loss has not."
        )
    elif _knows_by_heart(seen):
        since = int(np.argmax(smoothed <= smoothed[lowest] + STILL * seen.scale))
        message = (
            "The network over-fits: it knows its training examples by heart, and from"
            f" epoch {since + 1} on the validation loss hardly falls."
        )
    else:
        return None
    evidence = (
        f"The validation loss is {smoothed[since]:.3g} around epoch {since + 1} and {level(seen.val):.3g} at the end,"
        f" the training loss {smooth(seen.train)[since]:.3g} and {level(seen.train):.3g}{_kept(seen, best)}."
    )
    return Diagnosis("over-fitting", message, evidence, cures.for_over_fitting(seen.recipe))


def _kept(seen: Seen, best: int) -> str:
    if seen.recipe.monitor != "val_loss":
        return f"; best.keras is that of the best {seen.recipe.monitor}"
    return f"; best.keras is that of epoch {best + 1}"


def _rises_after(seen: Seen, smoothed: np.ndarray, lowest: int) -> bool:
    assert seen.val is not None
    rise = level(seen.val) - smoothed[lowest]
    is_large = (
        rise >= RISE * smoothed[lowest] and rise >= LEAST_RISE * seen.scale and rise >= 2 * noise(seen.val[lowest:])
    )
    # Where the training loss rises too, it is not the examples that are learned by heart.
    most = smooth(seen.train)[lowest] + noise(later(seen.train))
    learns_on = level(seen.train) <= most and level(seen.train) < level(seen.val)
    return is_large and learns_on and trend(seen.val[lowest:]).rises


def _knows_by_heart(seen: Seen) -> bool:
    if seen.val is None or seen.epochs < ENOUGH:
        return False
    train, val = level(seen.train), level(seen.val)
    gap = GAP_IF_RANDOM if seen.recipe.is_random else GAP
    return train <= MEMORIZED * val and val - train >= gap * seen.scale and not _clearly_falls(seen)


def _rate_too_low(seen: Seen) -> Diagnosis | None:
    learned = seen.recipe.starts_trained or (seen.baseline is not None and seen.train[0] < seen.baseline / 2)
    if seen.epochs < ENOUGH or learned or (seen.val is not None and seen.val[-1] > seen.val[0]):
        return None  # what is learned already changes slowly
    first, last = float(seen.train[0]), level(seen.train)
    is_slow = last >= SLOW * first
    is_above = seen.baseline is not None and last > (1 + STILL) * seen.baseline
    creeps = is_slow and seen.is_steady and not seen.decayed
    if not creeps and not (is_above and (seen.is_steady or (is_slow and seen.movement < MOVES))):
        return None
    fall = 1 - last / first
    message = (
        "The learning rate is too low: the training loss falls steadily, but so slowly that hardly anything is learned."
    )
    evidence = f"In {seen.epochs} epochs the training loss fell by {fall:.1%}, from {first:.4g} to {seen.share(last)}."
    return Diagnosis(
        "learning rate too low", message, evidence, cures.for_rate_too_low(seen.recipe, 10 if fall < 0.05 else 3)
    )


def _falls_in_few(seen: Seen) -> Diagnosis | None:
    """Of two to four epochs: whether the loss fell clearly in the last one."""
    for values in (seen.train, seen.watched):
        if values[-2] - values[-1] < SHORT_FALL * values[-2] or values[-2] - values[-1] < LEAST_FALL * seen.scale:
            return None
    return _unfinished(seen, 2)


def _not_converged(seen: Seen) -> Diagnosis | None:
    if not _clearly_falls(seen) or trend(later(seen.train, 0.25)).slope >= 0:
        return None
    return _unfinished(seen, len(later(seen.watched, 0.25)))


def _clearly_falls(seen: Seen) -> bool:
    """Whether the loss falls so much in the last quarter of the epochs that more of them are worth it."""
    last = later(seen.watched, 0.25)
    found = trend(last)
    whole = min(float(seen.watched[0]), seen.scale) - level(seen.watched)
    clear = max((CLEAR_FALL_DECAYED if seen.decayed else CLEAR_FALL) * whole, LEAST_FALL * seen.scale)
    return found.falls and -found.slope * (len(last) - 1) >= clear


def _unfinished(seen: Seen, last: int) -> Diagnosis:
    name = "training" if seen.val is None else "validation"
    values = seen.watched
    message = f"The training has not converged: the {name} loss still falls in epoch {seen.epochs}, its last one."
    evidence = f"In the last {last} epochs the {name} loss fell from {values[-last]:.3g} to {values[-1]:.3g}."
    is_slow = seen.epochs >= FEW and seen.is_steady and not seen.decayed
    return Diagnosis("not converged", message, evidence, cures.for_not_converged(seen.recipe, seen.epochs, is_slow))


def _under_fitting(seen: Seen) -> Diagnosis | None:
    if seen.baseline is None or seen.epochs < ENOUGH:
        return None
    both = [seen.train] if seen.val is None else [seen.train, seen.val]
    reached = min(level(values) for values in both)
    if reached < LITTLE * seen.baseline or not all(seen.stands_still(values) for values in both) or _jitters(seen):
        return None
    message = "The network under-fits: it has stopped learning, and has learned little even of what it is trained on."
    told = " and ".join(
        f"the {name} loss {seen.share(level(values))}"
        for name, values in zip(("training", "validation"), both, strict=False)
    )
    return Diagnosis("under-fitting", message, f"At the end {told}.", cures.for_under_fitting(seen.recipe))


def _jitters(seen: Seen) -> bool:
    """Whether the training loss changes from epoch to epoch as at a rate that is too high to settle."""
    half = later(seen.train)
    return noise(half) >= (JITTER_IF_RANDOM if seen.recipe.is_random else JITTER) * float(np.median(half))


def _plateau(seen: Seen) -> Diagnosis | None:
    half = later(seen.train)
    middle, size = float(np.median(half)), noise(half)
    is_still = seen.stands_still(seen.train) and (seen.val is None or seen.stands_still(seen.val))
    if seen.epochs < LONG or not seen.has_constant_rate or not is_still or not _jitters(seen):
        return None
    if middle < HIGH * seen.scale or seen.train[0] - middle < LEARNED * seen.scale:
        return None
    since = int(np.argmax(smooth(seen.train) <= middle + 2 * size))
    message = f"The training loss is on a plateau since epoch {since + 1}: the learning rate stays too high for it to settle lower."
    evidence = (
        f"In the later half the training loss is {middle:.3g}, and changes at random by {size:.2g} from epoch to epoch"
    )
    if seen.rate is not None:
        evidence += f", at a learning rate of {seen.rate[-1]:.2g}"
    return Diagnosis("plateau", message, f"{evidence}.", cures.for_plateau(seen.recipe))


def _validation_noise(seen: Seen) -> Diagnosis | None:
    if seen.val is None or seen.epochs < ENOUGH:
        return None
    most = later(seen.val, 2 / 3)
    size, middle, in_training = noise(most), float(np.median(most)), noise(later(seen.train, 2 / 3))
    if size < NOISY * middle or size < LEAST_NOISY * seen.scale or size < NOISIER * in_training:
        return None
    message = "The validation loss jumps from epoch to epoch, so that which epoch is best is mostly chance."
    evidence = (
        f"From epoch to epoch the validation loss of {middle:.3g} changes at random by {size:.2g}, the training loss by"
        f" {in_training:.2g}."
    )
    return Diagnosis("validation noise", message, evidence, cures.for_validation_noise(seen.recipe))


_VERDICTS: tuple[Callable[[Seen], Diagnosis | None], ...] = (
    _rate_too_high,
    _over_fitting,
    _rate_too_low,
    _not_converged,
    _under_fitting,
    _plateau,
    _validation_noise,
)
