"""Augmentation: what changes what, and what it refuses. `tests/contract/test_augmentations.py` goes through all of them."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

keras = pytest.importorskip("keras")

import tensorflow as tf  # noqa: E402

from dlkit.data.augment import Augment, FunctionChange, LayerChange, batch_seed  # noqa: E402
from dlkit.data.augmentations.gaussian_noise import gaussian_noise  # noqa: E402
from dlkit.data.augmentations.jitter import jitter  # noqa: E402
from dlkit.data.augmentations.pad_and_crop import pad_and_crop  # noqa: E402
from dlkit.data.augmentations.scaling import scaling  # noqa: E402
from dlkit.data.augmentations.word_dropout import word_dropout  # noqa: E402
from dlkit.errors import DlkitError  # noqa: E402

SEED = tf.constant([1, 2], tf.int64)


def pictures(count: int = 6, channels: int = 3) -> tf.Tensor:
    rng = np.random.default_rng(0)
    return tf.constant(rng.integers(0, 256, (count, 8, 8, channels)), tf.uint8)


def mirror(*features: str) -> LayerChange:
    return LayerChange(keras.layers.RandomFlip("horizontal"), features or ("image",), "data.augment[0]: RandomFlip")


def test_a_seed_is_that_of_its_batch_alone() -> None:
    seeds = {
        tuple(batch_seed(seed, tf.constant(epoch), tf.constant(step)).numpy().tolist())
        for seed in (1, 2)
        for epoch in range(20)
        for step in range(20)
    }
    assert len(seeds) == 2 * 20 * 20


def test_two_of_the_same_layer_draw_apart_and_two_pictures_of_one_example_together() -> None:
    x = {"left": pictures(64), "right": pictures(64)}
    once, _ = Augment([mirror("left")])(x, {}, SEED)
    assert np.array_equal(once["right"], x["right"])
    both, _ = Augment([mirror("left", "right")])(x, {}, SEED)
    assert np.array_equal(both["left"], both["right"]) and np.array_equal(both["left"], once["left"])
    twice, _ = Augment([mirror("left"), mirror("left")])(x, {}, SEED)
    assert not np.array_equal(twice["left"], x["left"])  # the second does not undo the first


def test_mixing_mixes_pictures_and_labels_alike() -> None:
    x = tf.one_hot([0, 1, 2, 3], 4)
    image = tf.broadcast_to(x[:, None, None, :] * 200, (4, 5, 5, 4))
    change = LayerChange(keras.layers.MixUp(alpha=1.0), ("image",), "MixUp", mixed="label")
    mixed, y = Augment([change])({"image": image}, {"label": x}, SEED)
    np.testing.assert_allclose(mixed["image"][:, 0, 0] / 200, y["label"], atol=1e-6)
    np.testing.assert_allclose(tf.reduce_sum(y["label"], axis=1), 1, atol=1e-6)
    assert float(tf.reduce_max(tf.abs(y["label"] - x))) > 0.05


def test_a_type_is_kept_and_pixels_are_rounded_and_cut_off() -> None:
    noisy = gaussian_noise(tf.constant([[0, 100, 255]] * 2000, tf.uint8), SEED, stddev=20.0).numpy()
    assert noisy.dtype == np.uint8 and noisy[:, 0].min() == 0 and noisy[:, 2].max() == 255
    assert abs(noisy[:, 1].mean() - 100) < 2 and abs(noisy[:, 1].std() - 20) < 1
    brighter = LayerChange(keras.layers.RandomBrightness((0.5, 0.5)), ("image",), "RandomBrightness")
    made, _ = brighter({"image": pictures()}, {}, SEED)
    expected = np.minimum(pictures().numpy().astype(float) + 127.5, 255)
    assert np.abs(made["image"].numpy() - expected).max() <= 0.5


def test_pad_and_crop_moves_each_picture_by_itself() -> None:
    x = pictures(40)
    moved = pad_and_crop(x, SEED, padding=2).numpy()
    padded = np.pad(x, [(0, 0), (2, 2), (2, 2), (0, 0)])
    found = set()
    for index, picture in enumerate(moved):
        places = [
            (top, left)
            for top in range(5)
            for left in range(5)
            if np.array_equal(picture, padded[index, top : top + 8, left : left + 8])
        ]
        assert len(places) == 1
        found.update(places)
    assert len(found) > 12 and {top for top, _ in found} == {left for _, left in found} == set(range(5))
    bright = tf.maximum(x, 1)
    assert pad_and_crop(bright, SEED, padding=2).numpy().min() == 0
    assert pad_and_crop(bright, SEED, padding=2, mode="reflect").numpy().min() > 0


def test_word_dropout_leaves_out_words_in_their_order_and_never_all() -> None:
    text = " ".join(f"w{n}" for n in range(1000))
    left = word_dropout(tf.constant([text, "only", "", "  two  words "]), SEED, rate=0.3).numpy()
    words = left[0].decode().split()
    assert 640 < len(words) < 760 and words == sorted(words, key=lambda word: int(word[1:]))
    assert left[1] == b"only" and left[2] == b""
    assert set(left[3].split()) <= {b"two", b"words"} and left[3].split()
    many = word_dropout(tf.constant(["a b"] * 500), SEED, rate=0.9).numpy()
    assert {text.decode() for text in many} == {"a", "b", "a b"}


def test_word_dropout_moves_token_ids_up() -> None:
    ids = np.tile(np.array([5, 6, 7, 8, 0, 0], np.int32), (400, 1))
    left = word_dropout(tf.constant(ids), SEED, rate=0.5).numpy()
    assert left.dtype == np.int32 and left.shape == ids.shape
    for row in left:
        kept = row[row != 0]
        assert len(kept) and np.array_equal(kept, np.sort(kept)) and not row[len(kept) :].any()
    assert {int((row != 0).sum()) for row in left} == {1, 2, 3, 4}
    shares = [np.mean((left == token).any(axis=1)) for token in (5, 6, 7, 8)]
    assert np.allclose(shares, 0.5 + 0.5**4, atol=0.08)  # kept by itself, or since all would have gone


def test_jitter_is_measured_by_each_variable() -> None:
    series = np.random.default_rng(0).normal(size=(30, 400, 3)).astype(np.float32) * [1, 100, 0] + [0, 1000, 7]
    series = series.astype(np.float32)
    series[0, 0, 1] = np.nan
    noise = jitter(tf.constant(series), SEED, stddev=0.1).numpy() - series
    assert np.isnan(noise[0, 0, 1]) and np.isnan(noise).sum() == 1
    np.testing.assert_allclose(np.nanstd(noise, axis=(0, 1)), [0.1, 10, 0], rtol=0.05, atol=1e-4)


def test_scaling_is_one_factor_for_a_variable_of_an_example() -> None:
    series = np.random.default_rng(0).normal(size=(500, 20, 2)).astype(np.float32)
    factors = scaling(tf.constant(series), SEED, stddev=0.2).numpy() / series
    assert np.ptp(factors, axis=1).max() < 1e-5
    assert abs(factors[:, 0].mean() - 1) < 0.03 and abs(factors[:, 0].std() - 0.2) < 0.02
    assert scaling(tf.constant(series[..., 0]), SEED).shape == (500, 20)


def test_what_does_not_fit_is_told_by_its_place() -> None:
    hue = LayerChange(keras.layers.RandomHue(0.1), ("image",), "data.augment[2]: RandomHue")
    with pytest.raises(DlkitError, match=r"`data.augment\[2\]: RandomHue` cannot change `image`, of shape \(8, 8, 1\)"):
        Augment([hue])({"image": pictures(channels=1)}, {}, SEED)
    crop = LayerChange(keras.layers.RandomCrop(4, 4), ("image",), "data.augment[0]: RandomCrop")
    with pytest.raises(
        DlkitError, match=r"RandomCrop` makes `image` of shape \(4, 4, 3\).*takes \(8, 8, 3\)"
    ) as raised:
        Augment([crop])({"image": pictures()}, {}, SEED)
    assert "pad_and_crop" in str(raised.value)


_ELSEWHERE = """
import hashlib, keras, numpy as np, tensorflow as tf
from dlkit.data.augment import Augment, LayerChange
keras.utils.set_random_seed({seed})
image = tf.constant(np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3)), tf.uint8)
layers = [keras.layers.RandomRotation(0.2), keras.layers.RandAugment(), keras.layers.RandomErasing()]
augment = Augment([LayerChange(layer, ("image",), "") for layer in layers])
made, _ = tf.function(lambda x: augment({{"image": x}}, {{}}, tf.constant([1, 2], tf.int64)))(image)
print(hashlib.sha256(made["image"].numpy().tobytes()).hexdigest())
"""


def test_another_process_with_another_global_seed_makes_the_same_batch() -> None:
    made = {
        subprocess.run(
            [sys.executable, "-c", _ELSEWHERE.format(seed=seed)], capture_output=True, text=True, check=True
        ).stdout
        for seed in (1, 2)
    }
    assert len(made) == 1 and len(made.pop()) == 65


class TwoDraws(keras.layers.Layer):
    """Draws twice, by itself and by a layer that it holds."""

    def __init__(self) -> None:
        super().__init__()
        self.generator = keras.random.SeedGenerator(3)
        self.noise = keras.layers.GaussianNoise(1.0, seed=3)

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        first, second = (keras.random.normal((2,), seed=self.generator) for _ in range(2))
        return tf.stack([first, second, self.noise(tf.zeros([2]), training=training)])


def test_every_draw_of_a_batch_has_a_seed_of_its_own() -> None:
    change = LayerChange(TwoDraws(), ("x",), "")
    made, _ = change({"x": tf.zeros([3, 2])}, {}, SEED)
    assert len({tuple(row) for row in made["x"].numpy().tolist()}) == 3
    again, _ = change({"x": tf.zeros([3, 2])}, {}, SEED)
    assert np.array_equal(again["x"], made["x"])


def test_a_function_has_no_business_with_other_features() -> None:
    change = FunctionChange(lambda x, seed: x + 1, ("b",), "")
    x, y = change({"a": tf.zeros([2]), "b": tf.zeros([2])}, {"y": tf.zeros([2])}, SEED)
    assert x["a"].numpy().tolist() == [0, 0] and x["b"].numpy().tolist() == [1, 1] and set(y) == {"y"}
