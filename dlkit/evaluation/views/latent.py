"""What there is to look at of an autoencoder: what comes back, what codes stand for, where examples lie among codes."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from dlkit.data.arrays import take
from dlkit.data.feed import Feed
from dlkit.evaluation.subject import Subject
from dlkit.evaluation.variational_bound import Halves
from dlkit.models.inner_layers import layer_outputs
from dlkit.recipe.registry import register
from dlkit.recipe.task_metrics import task_of

_ACROSS = 10  # pictures of a row
_SIDE = 8  # of the grid of samples
_POINTS = 2000
_DIGITS = 4
_SHADES = 255
_SHOWN = 16  # examples of which there are pictures
_AT_ONCE = 128


@register(kind="view")
def latent(subject: Subject, /) -> dict[str, Any]:
    """What an autoencoder gives back, what its codes stand for, and where examples lie among them."""
    split, answers = subject.split, subject.answers
    known, *more = subject.recipe.facts.targets.values()
    if more or answers is None or task_of(known) != "reconstruction":
        return {}
    halves = Halves.of(subject.model)
    codes = _codes(subject, halves)
    classes = split.targets.get(known.held_against or "")
    beside = None if classes is None else np.asarray(take(classes, np.arange(len(codes)))).reshape(-1)
    labels = known.labels or tuple(map(str, range(known.classes or 0)))
    found = {"latent_plane": plane(codes, beside, labels)}
    if are_pictures(known.shape or ()):
        few = split.take(np.arange(min(len(split), _SHOWN)))
        ((x, truth),) = Feed(few, batch_size=len(few), shuffle=False, answers=answers)
        truth = np.asarray(truth)
        noisy = {"noisy": np.asarray(subject.given.predict_on_batch(x))} if subject.given else {}
        back = np.asarray(subject.measured.predict_on_batch(x)).reshape(truth.shape)
        found["reconstructions"] = reconstructions({"true": truth, **noisy, "given back": back})
        if halves:
            found["prior_samples"] = samples(halves.decode, codes.shape[1], subject.recipe.config.seed, truth)
            found["latent_walk"] = walk(halves.decode, codes[:_SHOWN], truth)
    return found


def are_pictures(shape: Sequence[int | None]) -> bool:
    """Whether examples of this shape can be drawn."""
    return len(shape) == 3 and shape[-1] in (1, 3)


def reconstructions(rows: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The first pictures of a split, in rows: as they are, with noise, as they come back.

    Args:
        rows: By what they are called; the first row is the truth, by whose values black and white are chosen.
    """
    truth = next(iter(rows.values()))[:_ACROSS]
    return {"rows": {name: _pictures(values[:_ACROSS], _ends(truth)) for name, values in rows.items()}}


def samples(decode: Any, size: int, seed: int, truth: np.ndarray) -> dict[str, Any]:
    """What codes drawn from the standard normal distribution stand for.

    Args:
        decode: Gives the pictures of codes of shape (codes, size).
        size: Numbers of a code.
        seed: Of the draws.
        truth: Pictures, by whose values black and white are chosen.
    """
    codes = np.random.default_rng(seed).standard_normal((_SIDE * _SIDE, size))
    return {"across": _SIDE, "pictures": _pictures(decode(codes), _ends(truth))}


def walk(decode: Any, codes: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
    """What lies between the codes of examples: rows from one to the next, in even steps.

    Args:
        decode: As for `samples`.
        codes: Those of examples, of shape (examples, size).
        truth: As for `samples`.
    """
    pairs = [codes[number : number + 2] for number in range(0, min(len(codes) // 2 * 2, 2 * _SIDE), 2)]
    shares = np.linspace(0, 1, _ACROSS)[:, None]
    between = np.concatenate([(1 - shares) * first + shares * second for first, second in pairs])
    return {"across": _ACROSS, "pictures": _pictures(decode(between), _ends(truth))}


def plane(codes: np.ndarray, classes: np.ndarray | None, labels: Sequence[str]) -> dict[str, Any]:
    """Where examples lie: by the two numbers of their codes, or by the first two principal components of more.

    Args:
        codes: Of shape (examples, size).
        classes: Of shape (examples,), where the data have any.
        labels: The names of the classes.
    """
    axes, points = ["first number of the code", "second number of the code"], codes
    if codes.shape[1] == 1:
        points = np.concatenate([codes, np.zeros_like(codes)], axis=1)
    elif codes.shape[1] > 2:
        from sklearn.decomposition import PCA

        fitted = PCA(2, svd_solver="covariance_eigh").fit(codes)
        points = fitted.transform(codes)
        axes = [
            f"{which} principal component ({share:.0%} of the variance)"
            for which, share in zip(("first", "second"), fitted.explained_variance_ratio_, strict=True)
        ]
    told = {"axes": axes, "points": np.round(points[:_POINTS], _DIGITS).tolist()}
    return told if classes is None else {**told, "classes": classes[:_POINTS].tolist(), "labels": list(labels)}


def _codes(subject: Subject, halves: Halves | None) -> np.ndarray:
    """The codes of the first examples of the split, of shape (examples, size)."""
    first = subject.split.take(np.arange(min(len(subject.split), _POINTS)))
    feed = Feed(first.select(targets=[]), batch_size=_AT_ONCE, shuffle=False)
    if halves:
        return np.concatenate([halves.moments(x)[0] for (x,) in feed])
    _, coded = subject.recipe.graphs["model"].parts["encoder"]
    given, outputs, _ = layer_outputs(subject.model)
    encoder = keras.Model(given, outputs[coded.call])
    codes = np.concatenate([np.asarray(encoder.predict_on_batch(x)) for (x,) in feed])
    return codes.reshape(len(codes), -1)


def _ends(truth: np.ndarray) -> tuple[float, float]:
    return min(0.0, float(truth.min())), float(truth.max())


def _pictures(values: np.ndarray, ends: tuple[float, float]) -> dict[str, Any]:
    """Pictures in 255 shades from black to white, as text."""
    low, high = ends
    shades = np.clip(np.round((values - low) / ((high - low) or 1.0) * _SHADES), 0, _SHADES).astype(np.uint8)
    return {"shape": list(shades.shape), "shades": base64.b64encode(shades.tobytes()).decode()}
