"""What there is to look at of an autoencoder: what comes back, what codes stand for, where examples lie among codes."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

_ACROSS = 10  # pictures of a row
_SIDE = 8  # of the grid of samples
_POINTS = 2000
_DIGITS = 4
_SHADES = 255


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


def _ends(truth: np.ndarray) -> tuple[float, float]:
    return min(0.0, float(truth.min())), float(truth.max())


def _pictures(values: np.ndarray, ends: tuple[float, float]) -> dict[str, Any]:
    """Pictures in 255 shades from black to white, as text."""
    low, high = ends
    shades = np.clip(np.round((values - low) / ((high - low) or 1.0) * _SHADES), 0, _SHADES).astype(np.uint8)
    return {"shape": list(shades.shape), "shades": base64.b64encode(shades.tobytes()).decode()}
