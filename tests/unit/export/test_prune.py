"""Masks by magnitude, and pruning while a model is trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import pytest

from dlkit.errors import DlkitError
from dlkit.export.prune import Pruning, mask, prunable, prune, sparsity_at


def shares_of_zeros(found: Sequence[keras.Variable]) -> list[float]:
    return [float(np.mean(keras.ops.convert_to_numpy(kernel) == 0)) for kernel in found]


@pytest.mark.parametrize("sparsity", [0.0, 0.3, 0.5, 0.8, 0.95])
def test_the_mask_keeps_the_largest_magnitudes(sparsity: float) -> None:
    values = np.random.default_rng(0).normal(size=(20, 5, 4)).astype("float32")
    kept = mask(values, sparsity)
    assert (~kept).sum() == round(sparsity * values.size)
    dropped = np.abs(values[~kept])
    assert not dropped.size or dropped.max() < np.abs(values[kept]).min()


def test_of_equal_magnitudes_so_many_go_as_are_to_go() -> None:
    assert mask(np.full(10, -2.0), 0.7).sum() == 3
    assert mask(np.array([0.0, 0.0, 0.0, 1.0]), 0.5).tolist() == [False, False, True, True]


def test_a_weight_stays_however_few_there_are() -> None:
    assert mask(np.array([1.0, 3.0]), 0.9).tolist() == [False, True]
    assert mask(np.array([2.0]), 0.9).tolist() == [True]


def test_the_sparsity_rises_by_the_cubic() -> None:
    # Zhu and Gupta (arXiv:1710.01878), equation 1: s_t = s_f + (s_i - s_f)(1 - (t - t_0) / (n Δt))³, with s_i = t_0 = 0.
    risen = [sparsity_at(step, 8, 0.8, "polynomial") for step in (0, 2, 4, 8, 9)]
    assert risen == pytest.approx([0.8 + (0.0 - 0.8) * (1 - t / 8) ** 3 for t in (0, 2, 4, 8)] + [0.8])
    assert [sparsity_at(step, 8, 0.8, "constant") for step in (0, 4, 8)] == [0.8, 0.8, 0.8]
    assert sparsity_at(0, 0, 0.8, "polynomial") == 0.8


@pytest.mark.parametrize("sparsity", [1.0, -0.1, 80.0, float("nan")])
def test_what_is_no_share_is_refused(sparsity: float) -> None:
    with pytest.raises(DlkitError, match="is no sparsity") as refused:
        prune(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]), sparsity)
    assert refused.value.code == "not-a-sparsity"


def test_a_model_without_kernels_is_told_so() -> None:
    model = keras.Sequential([keras.Input((4,)), keras.layers.BatchNormalization()], name="plain")
    with pytest.raises(DlkitError, match="`plain` has no kernels to prune"):
        prune(model, 0.5)


def with_every_layer() -> keras.Model:
    layers = keras.layers
    tokens, picture = keras.Input((6,), dtype="int32"), keras.Input((8, 8, 3))
    words = layers.Embedding(20, 8, name="words")(tokens)
    seen = layers.MultiHeadAttention(2, 4, name="attention")(words, words)
    read = layers.Bidirectional(layers.LSTM(5), name="read")(layers.LayerNormalization()(seen))
    stacked = layers.RNN([layers.GRUCell(4), layers.SimpleRNNCell(3)], name="stacked")(seen)
    shapes = layers.Conv2D(4, 3, name="shapes")(picture)
    shapes = layers.DepthwiseConv2D(3, name="by_channel")(layers.BatchNormalization()(shapes))
    shapes = layers.Flatten()(layers.SeparableConv2D(4, 3, name="separable")(shapes))
    inner = keras.Sequential([layers.Dense(5, name="inside")], name="inner")
    return keras.Model([tokens, picture], inner(layers.Concatenate()([read, stacked, shapes])))


def test_kernels_are_pruned_and_nothing_else() -> None:
    model = with_every_layer()
    pruned = prunable(model)
    others = [weight for weight in model.weights if not any(weight is kernel for kernel in pruned.kernels)]
    sizes = sorted(int(np.prod(kernel.shape)) for kernel in pruned.kernels)
    embedding, attention, lstm, gru = [20 * 8], [8 * 2 * 4] * 4, [8 * 20, 5 * 20] * 2, [8 * 12, 4 * 12]
    simple, convolution, pointwise, dense = [4 * 3], [3 * 3 * 3 * 4], [4 * 4], [(2 * 5 + 3 + 16) * 5]
    every = embedding + attention + lstm + gru + simple + convolution + pointwise + dense
    assert sizes == sorted(every)
    assert pruned.weights == sum(every) + 3 * 3  # the recurrent kernel of the simple cell stays whole
    before = [keras.ops.convert_to_numpy(other) for other in others]
    prune(model, 0.75)
    zeros = sum(int(np.sum(keras.ops.convert_to_numpy(kernel) == 0)) for kernel in pruned.kernels)
    assert zeros / pruned.weights == pytest.approx(0.75, abs=0.01)
    assert len({round(share, 1) for share in shares_of_zeros(pruned.kernels)}) == 1
    for old, new in zip(before, others, strict=True):
        np.testing.assert_array_equal(old, keras.ops.convert_to_numpy(new))


def test_small_kernels_stay_whole_and_the_others_make_up_for_them() -> None:
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(64), layers.Dense(10)]
    )
    first, wide, last = (layer.kernel for layer in model.layers if layer.weights)
    pruned = prunable(model)
    assert [kernel is other for kernel, other in zip(pruned.kernels, (wide, last), strict=True)] == [True, True]
    prune(model, 0.9)
    whole, *others = (keras.ops.convert_to_numpy(kernel) for kernel in (first, wide, last))
    assert (whole != 0).all()
    assert sum(int((kernel == 0).sum()) for kernel in others) == round(0.9 * (36 + 9216 + 640))


class Watch(keras.callbacks.Callback):
    """Notes the share of zeros before every call of the train function, and which weights are zero."""

    def __init__(self, found: Sequence[keras.Variable]) -> None:
        super().__init__()
        self.found = found
        self.shares: list[float] = []
        self.zeros: list[np.ndarray] = []

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self.note()

    def note(self) -> None:
        self.shares.append(shares_of_zeros(self.found)[0])
        self.zeros.append(keras.ops.convert_to_numpy(self.found[0]) == 0)


@pytest.mark.parametrize(("schedule", "steps_per_execution"), [("polynomial", 1), ("polynomial", 4), ("constant", 4)])
def test_training_keeps_zeros_at_the_sparsity_of_the_schedule(schedule: Any, steps_per_execution: int) -> None:
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((25,)), keras.layers.Dense(40, kernel_constraint="max_norm", name="hidden")])
    model.compile("adam", "mse", steps_per_execution=steps_per_execution)
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(64, 25)).astype("float32"), rng.normal(size=(64, 40)).astype("float32")
    pruning, watch = Pruning(prunable(model), 0.6, 12, schedule), Watch(prunable(model).kernels)
    constraint = watch.found[0].constraint
    model.fit(x, y, batch_size=4, epochs=2, callbacks=[pruning, watch], verbose=0)
    watch.note()
    steps = range(0, 33, steps_per_execution)
    expected = [sparsity_at(step, 12, 0.6, schedule) for step in steps]
    assert watch.shares == pytest.approx(expected, abs=0.0006)  # half a weight of a thousand
    assert watch.shares[-1] == 0.6
    for before, after in zip(watch.zeros, watch.zeros[1:], strict=False):
        assert after[before].all()
    assert pruning.is_full
    assert watch.found[0].constraint is constraint
    norms = np.linalg.norm(keras.ops.convert_to_numpy(watch.found[0]), axis=0)
    assert norms.max() <= 2 + 1e-5  # the layer's own constraint has been kept
