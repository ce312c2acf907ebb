"""Every augmentation, one contract: shapes and types stay, and a batch is a function of (seed, epoch, step) alone.

dlkit's own are found by their files; one whose arguments are required, or whose values are no pictures, stands in `OWN`.
Of Keras, every layer that a recipe may name.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras")

import dlkit.data.augmentations  # noqa: E402
from dlkit.data.arrays import Arrays, Values, take  # noqa: E402
from dlkit.data.augment import Augment, Change, FunctionChange, LayerChange  # noqa: E402
from dlkit.data.columns import Windows  # noqa: E402
from dlkit.data.feed import Feed  # noqa: E402
from dlkit.recipe.augmenting import IMAGE_LAYERS, MIXING, NOISE_LAYERS, UNFIT_LAYERS  # noqa: E402
from dlkit.recipe.registry import find  # noqa: E402

COUNT, BATCH, SEED = 26, 8, 5
IMAGE, FLOATS = "image", "floats"
# dlkit's own: the kinds of values that each is tried on, and its arguments.
OWN: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "gaussian_noise": ((IMAGE, FLOATS, "series"), {"stddev": 2.0}),
    "jitter": (("series", "windows"), {}),
    "scaling": (("series", "windows"), {}),
    "word_dropout": (("text", "tokens"), {"rate": 0.5}),
}
LAYERS: dict[str, dict[str, Any]] = {
    "Dropout": {"rate": 0.3},
    "GaussianDropout": {"rate": 0.3},
    "GaussianNoise": {"stddev": 0.5},
    "RandomBrightness": {"factor": 0.3},
    "RandomColorDegeneration": {"factor": 0.8},
    "RandomColorJitter": {
        "brightness_factor": 0.3,
        "contrast_factor": 0.3,
        "saturation_factor": 0.3,
        "hue_factor": 0.2,
    },
    "RandomContrast": {"factor": 0.5},
    "RandomCrop": {"height": 12, "width": 12},
    "RandomHue": {"factor": 0.3},
    "RandomPosterization": {"factor": 4},
    "RandomRotation": {"factor": 0.1},
    "RandomSaturation": {"factor": 0.8},
    "RandomSharpness": {"factor": 0.8},
    "RandomShear": {"x_factor": 0.3, "y_factor": 0.3},
    "RandomTranslation": {"height_factor": 0.2, "width_factor": 0.2},
    "RandomZoom": {"height_factor": 0.2},
    "Solarization": {"addition_factor": 0.3, "threshold_factor": 0.5},
}
# The same in every step: they serve before or after others, or where a recipe fixes their strength.
_NOT_RANDOM = {"AutoContrast", "ContrastLimitedAdaptiveHistogramEqualization", "Equalization", "RandomCrop"}


def examples(kind: str) -> Values:
    rng = np.random.default_rng(1)
    series = rng.normal(size=(COUNT + 9, 2)).astype(np.float32)
    return {
        IMAGE: lambda: rng.integers(0, 256, (COUNT, 12, 12, 3)).astype(np.uint8),
        FLOATS: lambda: rng.uniform(0, 255, (COUNT, 12, 12, 3)).astype(np.float32),
        "series": lambda: rng.normal(size=(COUNT, 10, 2)).astype(np.float32),
        "windows": lambda: Windows(series, np.arange(COUNT), 10),
        "text": lambda: np.array([f"one two three four {n}" for n in range(COUNT)], object),
        "tokens": lambda: rng.integers(0, 9, (COUNT, 7)).astype(np.int32),
    }[kind]()


def own(name: str) -> Change:
    arguments = OWN.get(name, ((), {}))[1]
    return FunctionChange(partial(find("augmentation", name).target, **arguments), ["x"], name)


def layer(name: str) -> Change:
    made = getattr(keras.layers, name)(**{"dtype": "float32", **LAYERS.get(name, {})})
    return LayerChange(made, ["x"], name, mixed="y" if name in MIXING else None)


def cases() -> list[Any]:
    files = sorted(path.stem for path in Path(dlkit.data.augmentations.__path__[0]).glob("[!_]*.py"))
    tried = [(partial(own, name), name, kind) for name in files for kind in OWN.get(name, ((IMAGE, FLOATS), {}))[0]]
    tried += [(partial(layer, name), name, IMAGE) for name in sorted(IMAGE_LAYERS)]
    tried += [(partial(layer, name), name, FLOATS) for name in sorted(NOISE_LAYERS)]
    return [pytest.param(*case, id=f"{case[1]}-{case[2]}") for case in tried]


def batches(feed: Feed, epoch: int, start: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    feed.epoch, feed.start = epoch, start
    return [(x.numpy(), y.numpy()) for x, y in feed]


def same(ours: list[Any], theirs: list[Any]) -> bool:
    return len(ours) == len(theirs) and all(
        np.array_equal(a, b) for one, other in zip(ours, theirs, strict=True) for a, b in zip(one, other, strict=True)
    )


@pytest.mark.parametrize(("make", "name", "kind"), cases())
def test_a_batch_is_a_function_of_seed_epoch_and_step(make: Callable[[], Change], name: str, kind: str) -> None:
    given = Arrays({"x": examples(kind)}, {"y": np.arange(COUNT, dtype=np.int32) % 3})

    def feed(seed: int = SEED, augmented: bool = True, shuffle: bool = False) -> Feed:
        augment = Augment([make()]) if augmented else None
        return Feed(given, batch_size=BATCH, seed=seed, shuffle=shuffle, augment=augment, shares={"y": 3})

    plain, used = batches(feed(augmented=False), 0), feed()
    first, second = batches(used, 0), batches(used, 1)
    for (x, y), (before, labels) in zip(first, plain, strict=True):
        assert (x.shape, x.dtype, y.dtype) == (before.shape, before.dtype, np.float32)
        np.testing.assert_allclose(y.sum(axis=1), 1, atol=1e-5)
        assert np.array_equal(y, labels) or name in MIXING
    assert [len(x) for x, _ in first] == [8, 8, 8, 2]
    assert same(batches(feed(), 1), second)  # another feed, which made no epoch before this one
    assert same(batches(used, 0), first)
    assert same(batches(used, 1, start=2), second[2:])
    assert used.element_spec[0].shape[1:] == plain[0][0].shape[1:]
    if name in _NOT_RANDOM:
        assert same(second, first)
        return
    assert not same(second, first) and not same(batches(feed(SEED + 1), 0), first)
    assert not same(plain, first)
    shuffled = feed(shuffle=True)
    assert same(batches(shuffled, 3, start=1), batches(shuffled, 3)[1:])


@pytest.mark.parametrize(("make", "name", "kind"), [case for case in cases() if case.values[1] not in _NOT_RANDOM])
def test_steps_draw_apart(make: Callable[[], Change], name: str, kind: str) -> None:
    values = examples(kind)
    same_rows = Arrays({"x": take(values, np.zeros(COUNT, int))}, {"y": np.zeros(COUNT, np.int32)})
    feed = Feed(same_rows, batch_size=2, shuffle=False, seed=SEED, augment=Augment([make()]), shares={"y": 3})
    made = {x.tobytes() if x.dtype != object else str(x.tolist()) for x, _ in batches(feed, 0)}
    if name not in MIXING:  # mixed with themselves, they are the same
        assert len(made) > 1


def test_the_layers_are_those_of_the_installed_keras() -> None:
    base = keras.layers.RandomFlip.__mro__[1]
    images = {name for name, made in vars(keras.layers).items() if inspect.isclass(made) and issubclass(made, base)}
    assert base.__name__ == "BaseImagePreprocessingLayer"
    assert images == IMAGE_LAYERS | set(UNFIT_LAYERS)
