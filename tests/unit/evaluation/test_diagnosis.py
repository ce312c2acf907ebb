"""Diagnosis of made curves: each kind is found with its epoch whatever the noise, and healthy curves have none."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from dlkit.evaluation.curves import noise, trend
from dlkit.evaluation.diagnosis import Curves, Diagnosis, Known, diagnose, known_of, read_curves
from dlkit.recipe.load import Recipe, load, parse

SEEDS = range(12)
CHANCE = math.log(10)  # the loss of a constant answer among ten classes
KNOWN = Known(epochs=40, learning_rate=0.01, rate_path="training.optimizer.learning_rate")


def falling(epochs: int, first: float, last: float, speed: float) -> np.ndarray:
    """An exponential fall, of which `speed` epochs make the e-th part."""
    return last + (first - last) * np.exp(-np.arange(epochs) / speed)


def noisy(values: np.ndarray, share: float, seed: int) -> np.ndarray:
    """With multiplicative noise."""
    return values * np.exp(share * np.random.default_rng(seed).standard_normal(len(values)))


def curves(
    train: np.ndarray,
    val: np.ndarray | None = None,
    rate: np.ndarray | float | None = 0.01,
    baseline: float | None = CHANCE,
) -> Curves:
    rates = None if rate is None else tuple(np.broadcast_to(rate, len(train)).tolist())
    return Curves(tuple(train.tolist()), None if val is None else tuple(val.tolist()), rates, baseline)


def kinds(curves: Curves, known: Known = KNOWN) -> list[str]:
    return [found.kind for found in diagnose(curves, replace(known, epochs=max(known.epochs, len(curves.loss))))]


def only(curves: Curves, known: Known = KNOWN) -> Diagnosis:
    (found,) = diagnose(curves, known)
    return found


def cosine(epochs: int, rate: float = 0.01) -> np.ndarray:
    return rate / 2 * (1 + np.cos(np.pi * np.arange(1, epochs + 1) / epochs))


@pytest.mark.parametrize("baseline", [CHANCE, None])
@pytest.mark.parametrize("seed", SEEDS)
class TestHealthy:
    def test_converged(self, seed: int, baseline: float | None) -> None:
        train, val = falling(40, 1.6, 0.05, 4), falling(40, 0.9, 0.12, 4)
        assert kinds(curves(noisy(train, 0.03, seed), noisy(val, 0.04, seed + 99), baseline=baseline)) == []

    def test_training_loss_above_validation_loss_under_dropout(self, seed: int, baseline: float | None) -> None:
        train, val = falling(40, 1.9, 0.35, 5), falling(40, 1.0, 0.15, 5)
        known = replace(KNOWN, has_dropout=True)
        assert kinds(curves(noisy(train, 0.02, seed), noisy(val, 0.03, seed + 99), baseline=baseline), known) == []

    def test_noise_floor_of_a_task_that_cannot_be_learned_whole(self, seed: int, baseline: float | None) -> None:
        train, val = falling(40, 1.6, 1.2, 4), falling(40, 1.4, 1.25, 4)
        assert kinds(curves(noisy(train, 0.003, seed), noisy(val, 0.004, seed + 99), baseline=baseline)) == []

    def test_small_steady_gap(self, seed: int, baseline: float | None) -> None:
        train, val = falling(60, 1.6, 0.02, 6), falling(60, 0.9, 0.22, 5)
        assert kinds(curves(noisy(train, 0.05, seed), noisy(val, 0.02, seed + 99), baseline=baseline)) == []

    def test_rate_that_falls_to_zero(self, seed: int, baseline: float | None) -> None:
        rates = cosine(30)
        train, val = 0.1 + 1.5 * (rates / rates[0]) ** 4, 0.25 + 0.8 * (rates / rates[0]) ** 4
        known = replace(KNOWN, has_schedule=True)
        made = curves(noisy(train, 0.02, seed), noisy(val, 0.02, seed + 99), rates, baseline)
        assert kinds(made, known) == []

    def test_flat_end_of_a_decayed_rate_is_no_plateau(self, seed: int, baseline: float | None) -> None:
        train = np.concatenate([falling(12, 1.8, 0.8, 3), np.full(28, 0.6)])
        made = noisy(train, 0.02, seed)
        rates = np.where(np.arange(40) < 12, 0.01, 0.001)
        assert kinds(curves(made, noisy(train + 0.1, 0.02, seed + 99), rates, baseline), KNOWN) == []

    def test_validation_equal_to_training(self, seed: int, baseline: float | None) -> None:
        train = noisy(falling(40, 1.6, 0.05, 4), 0.03, seed)
        assert kinds(curves(train, train, baseline=baseline)) == []

    def test_no_validation(self, seed: int, baseline: float | None) -> None:
        assert kinds(curves(noisy(falling(40, 1.6, 0.05, 4), 0.03, seed), baseline=baseline)) == []

    def test_warm_restarts(self, seed: int, baseline: float | None) -> None:
        rates = np.concatenate([cosine(10), cosine(10), cosine(10)])
        base = falling(30, 1.6, 0.05, 5)
        train, val = base + 10 * rates * base, base + 10 * rates * base + 0.05
        known = replace(KNOWN, has_schedule=True)
        made = curves(noisy(train, 0.02, seed), noisy(val, 0.02, seed + 99), rates, baseline)
        assert kinds(made, known) == []


@pytest.mark.parametrize("baseline", [CHANCE, None])
@pytest.mark.parametrize("seed", SEEDS)
class TestKinds:
    def test_over_fitting_from_an_epoch(self, seed: int, baseline: float | None) -> None:
        train = falling(40, 1.7, 0.01, 5)
        val = falling(40, 1.2, 0.4, 3) + 0.02 * np.maximum(np.arange(40) - 11, 0)
        found = diagnose(curves(noisy(train, 0.03, seed), noisy(val, 0.03, seed + 99), baseline=baseline), KNOWN)
        assert [one.kind for one in found] == ["over-fitting"]
        epoch = int(found[0].message.split("epoch ")[1].split()[0])
        assert 7 <= epoch <= 16  # the lowest is epoch 11 or 12
        assert "best.keras is that of epoch" in found[0].evidence

    def test_examples_known_by_heart(self, seed: int, baseline: float | None) -> None:
        train, val = falling(40, 2.0, 0.001, 4), falling(40, 2.1, 1.3, 4)
        assert kinds(curves(noisy(train, 0.03, seed), noisy(val, 0.01, seed + 99), baseline=baseline)) == [
            "over-fitting"
        ]

    def test_loss_rising_from_the_start(self, seed: int, baseline: float | None) -> None:
        train = noisy(2.3 * 1.2 ** np.arange(10), 0.02, seed)
        found = only(curves(train, train * 1.1, baseline=baseline))
        assert found.kind == "learning rate too high"
        assert "from the start" in found.message

    def test_divergence_after_a_good_start(self, seed: int, baseline: float | None) -> None:
        train = noisy(np.concatenate([falling(12, 2.0, 0.3, 3), np.full(8, 2.32)]), 0.01, seed)
        found = only(curves(train, train, baseline=baseline))
        assert found.kind == "learning rate too high"
        assert any(f"after epoch {epoch} " in found.message for epoch in (10, 11, 12))

    def test_bouncing(self, seed: int, baseline: float | None) -> None:
        train = noisy(np.full(30, 1.4), 0.25, seed)
        made = curves(train, noisy(np.full(30, 1.5), 0.3, seed + 99), baseline=baseline)
        assert kinds(made) == ["learning rate too high"]

    def test_rate_too_low(self, seed: int, baseline: float | None) -> None:
        train = np.linspace(2.45, 2.3, 20)
        made = curves(noisy(train, 0.001, seed), noisy(train - 0.01, 0.001, seed + 99), 1e-6, baseline)
        assert kinds(made) == ["learning rate too low"]

    def test_not_converged(self, seed: int, baseline: float | None) -> None:
        train, val = falling(20, 2.1, 0.2, 14), falling(20, 2.0, 0.25, 14)
        made = curves(noisy(train, 0.01, seed), noisy(val, 0.015, seed + 99), baseline=baseline)
        assert kinds(made, replace(KNOWN, epochs=20)) == ["not converged"]

    def test_three_epochs(self, seed: int, baseline: float | None) -> None:
        train, val = noisy(np.array([1.6, 0.9, 0.5]), 0.03, seed), noisy(np.array([1.1, 0.7, 0.4]), 0.03, seed)
        assert kinds(curves(train, val, baseline=baseline), replace(KNOWN, epochs=3)) == ["not converged"]

    def test_plateau(self, seed: int, baseline: float | None) -> None:
        train, val = falling(40, 2.0, 0.7, 3), falling(40, 1.6, 0.75, 3)
        found = only(curves(noisy(train, 0.04, seed), noisy(val, 0.06, seed + 99), 0.1, baseline))
        assert found.kind == "plateau"
        assert 4 <= int(found.message.split("epoch ")[1].split(":")[0]) <= 16

    def test_validation_noise(self, seed: int, baseline: float | None) -> None:
        train, val = falling(40, 1.6, 0.15, 4), falling(40, 1.4, 0.4, 4)
        made = curves(noisy(train, 0.02, seed), noisy(val, 0.25, seed + 99), baseline=baseline)
        assert kinds(made) == ["validation noise"]


@pytest.mark.parametrize("seed", SEEDS)
class TestKindsThatNeedTheBaseline:
    def test_under_fitting(self, seed: int) -> None:
        train, val = falling(40, 2.25, 1.8, 4), falling(40, 2.15, 1.82, 4)
        made = curves(noisy(train, 0.004, seed), noisy(val, 0.005, seed + 99))
        assert kinds(made) == ["under-fitting"]
        assert kinds(replace(made, baseline=None)) == []

    def test_stuck_above_a_constant_answer(self, seed: int) -> None:
        train = np.concatenate([[30.0], np.full(19, 1.05 * CHANCE)])
        made = curves(noisy(train, 0.01, seed), noisy(np.full(20, 1.06 * CHANCE), 0.02, seed + 99), 10.0)
        assert kinds(made) == ["learning rate too high"]

    def test_so_low_a_rate_that_nothing_moves(self, seed: int) -> None:
        train = noisy(np.full(20, 2.6), 0.02, seed)  # dropout is noisy, the validation loss is not
        known = replace(KNOWN, has_dropout=True)
        assert kinds(curves(train, np.linspace(2.5, 2.4999, 20), 1e-9), known) == ["learning rate too low"]


RANDOM = replace(KNOWN, has_dropout=True)
DOWN = falling(40, 1.6, 0.05, 4)
# Close to a threshold, on either side: name -> training loss, validation loss, their noise, the recipe, what is said.
CLOSE: dict[str, tuple[np.ndarray, np.ndarray, float, float, Known, list[str]]] = {
    "a rise of a twentieth": (
        falling(40, 1.6, 0.5, 4),
        falling(40, 1.4, 0.9, 3) + np.linspace(0, 0.05, 40),
        0.003,
        0.003,
        KNOWN,
        [],
    ),
    "a rise of next to nothing": (
        falling(40, 1.6, 0.005, 4),
        0.02 + np.linspace(0, 0.012, 40),
        0.01,
        0.01,
        KNOWN,
        [],
    ),
    "noise of next to nothing": (DOWN + 0.01, DOWN + 0.01, 0.3, 0.25, KNOWN, []),
    "a twentieth of noise": (falling(40, 1.6, 0.5, 4), falling(40, 1.4, 1.0, 4), 0.003, 0.05, KNOWN, []),
    "a twentieth of jitter": (falling(40, 2.3, 1.3, 3), falling(40, 2.3, 1.3, 3), 0.05, 0.05, KNOWN, ["plateau"]),
    "a fall that does not matter": (falling(40, 1.6, 0.02, 8), falling(40, 1.6, 0.03, 8), 0.01, 0.01, KNOWN, []),
    "a late rise of both": (
        np.append(DOWN[:-6], np.full(6, 0.3)),
        np.append(DOWN[:-6], np.full(6, 0.33)),
        0.01,
        0.01,
        KNOWN,
        [],
    ),
    "a hundredth above a constant answer": (
        np.full(20, 1.015 * CHANCE),
        np.full(20, 1.015 * CHANCE),
        0.003,
        0.007,
        KNOWN,
        ["learning rate too high"],
    ),
    "the same under dropout": (
        np.full(20, 1.015 * CHANCE),
        np.full(20, CHANCE),
        0.003,
        0.007,
        RANDOM,
        ["under-fitting"],
    ),
    "known by heart": (falling(40, 2.0, 0.06, 4), falling(40, 2.1, 0.6, 4), 0.02, 0.01, KNOWN, ["over-fitting"]),
    "the same under dropout and not by so much": (
        falling(40, 2.0, 0.06, 4),
        falling(40, 2.1, 0.6, 4),
        0.02,
        0.01,
        RANDOM,
        [],
    ),
}


@pytest.mark.parametrize("name", CLOSE)
@pytest.mark.parametrize("seed", SEEDS)
def test_close_to_a_threshold(name: str, seed: int) -> None:
    train, val, train_noise, val_noise, known, told = CLOSE[name]
    assert kinds(curves(noisy(train, train_noise, seed), noisy(val, val_noise, seed + 99)), known) == told


def test_one_epoch_says_nothing() -> None:
    assert kinds(curves(np.array([5.0]), np.array([9.0]))) == []
    assert kinds(Curves(())) == []


def test_two_epochs_say_at_most_that_the_loss_falls() -> None:
    assert kinds(curves(np.array([2.0, 1.0]), np.array([1.5, 0.9]))) == ["not converged"]
    assert kinds(curves(np.array([2.0, 1.0]), np.array([1.5, 1.6]))) == []
    assert kinds(curves(np.array([2.0, 2.9]))) == []
    assert kinds(curves(np.array([0.30, 0.29]))) == []


@pytest.mark.parametrize("value", [0.0, 0.5])
@pytest.mark.parametrize("epochs", [2, 6, 50])
def test_a_constant_loss_says_nothing(value: float, epochs: int) -> None:
    flat = np.full(epochs, value)
    assert kinds(curves(flat, flat, baseline=None)) == []


def test_losses_that_may_be_negative_have_no_level() -> None:
    assert kinds(curves(np.linspace(-0.1, -0.9, 20), baseline=None)) == []


def test_a_penalty_is_not_compared_with_a_constant_answer() -> None:
    train = noisy(falling(40, 4.0, 2.0, 4), 0.004, 0)
    assert kinds(curves(train)) == ["under-fitting"]
    assert kinds(curves(train), replace(KNOWN, has_penalty=True)) == []


def test_what_has_learned_before_learns_slowly() -> None:
    train = np.linspace(0.50, 0.46, 20)
    assert kinds(curves(train, rate=1e-5, baseline=None)) == ["learning rate too low"]
    assert "learning rate too low" not in kinds(
        curves(train, rate=1e-5, baseline=None), replace(KNOWN, starts_trained=True)
    )
    assert "learning rate too low" not in kinds(curves(train, rate=1e-5))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_no_longer_a_number(bad: float) -> None:
    found = only(Curves((2.0, 1.5, bad), (2.0, 1.6, bad)))
    assert found.kind == "learning rate too high"
    assert "epoch 3" in found.message
    assert "1.5 in epoch 2" in found.evidence
    first = only(Curves((bad,)))
    assert "epoch 1" in first.message
    assert any("data" in cure.why for cure in first.cures)


def test_the_lines_of_the_last_stage_are_read() -> None:
    lines = [
        {"stage": "pretrain", "epoch": 1, "loss": 9.0, "val_loss": 9.0, "learning_rate": 1.0},
        {"stage": "tune", "epoch": 1, "loss": 2.0, "val_loss": 3.0, "accuracy": 0.1, "learning_rate": 0.1},
        {"stage": "tune", "epoch": 2, "loss": math.nan, "val_loss": 2.0, "accuracy": 0.2, "learning_rate": 0.1},
    ]
    read = read_curves(lines, 2.3)
    assert math.isnan(read.loss[1])
    assert (read.loss[0], read.val_loss, read.learning_rate, read.baseline) == (2.0, (3.0, 2.0), (0.1, 0.1), 2.3)
    assert read_curves([{"stage": "train", "epoch": 1, "loss": 1.0}]) == Curves((1.0,))
    assert read_curves([]) == Curves(())


def test_noise_is_the_deviation_of_independent_noise_whatever_the_slope() -> None:
    values = 7.0 - 0.3 * np.arange(4000) + 0.2 * np.random.default_rng(0).standard_normal(4000)
    assert noise(values) == pytest.approx(0.2, rel=0.05)
    assert trend(values[:200]).slope == pytest.approx(-0.3, rel=0.01)
    assert trend(values[:200]).falls
    assert not trend(values[:2]).falls


# Cures


MLP = """
name: digits/mlp
data: {source: digits}
model:
  sequential: [Rescaling: {scale: 1/16}, Flatten, Dense: {units: 32, activation: relu}, Dense: {units: $data.classes}]
training: {epochs: 20, optimizer: {SGD: {learning_rate: 0.1}}}
"""


def cures(kind_of: Curves, known: Known) -> list[tuple[str, str | None]]:
    return [(cure.why, cure.setting) for cure in diagnose(kind_of, known)[0].cures]


OVER_FITTED = curves(falling(40, 1.7, 0.01, 5), falling(40, 1.2, 0.4, 3) + 0.02 * np.maximum(np.arange(40) - 11, 0))
UNFINISHED = curves(falling(20, 2.1, 0.2, 14))
DIVERGED = curves(2.3 * 1.2 ** np.arange(10))
CREEPING = curves(np.linspace(2.45, 2.3, 20))
STANDING = curves(noisy(falling(40, 2.0, 0.7, 3), 0.04, 0))
JUMPING = curves(falling(40, 1.6, 0.15, 4), noisy(falling(40, 1.4, 0.4, 4), 0.25, 0))
UNABLE = curves(falling(40, 2.25, 1.8, 4))
ALL = [OVER_FITTED, UNFINISHED, DIVERGED, CREEPING, STANDING, JUMPING, UNABLE]


def test_what_is_known_of_a_recipe() -> None:
    known = known_of(parse(MLP))
    assert known == Known(
        epochs=20,
        learning_rate=0.1,
        rate_path="training.optimizer.learning_rate",
        has_pictures=True,
    )
    cnn = known_of(load("digits/cnn"))
    assert (cnn.learning_rate, cnn.rate_path) == (0.002, "training.optimizer.learning_rate.initial_learning_rate")
    assert cnn.has_schedule and cnn.schedule_follows and cnn.has_dropout and cnn.has_augmentation
    assert not cnn.has_early_stopping and not cnn.has_penalty
    warmed = known_of(load("fashion_mnist/cnn"))
    assert (warmed.learning_rate, warmed.rate_path) == (0.002, "training.optimizer.learning_rate.warmup_target")
    assert warmed.decays_weights and not warmed.schedule_follows


def test_what_is_known_of_callbacks_penalties_and_stages() -> None:
    text = """
name: a
data: {source: digits, limit: 100, validation: 0.05, augment: [RandomRotation: {factor: 0.1}]}
model:
  sequential:
    - Rescaling: {scale: 1/16}
    - Flatten
    - Dense: {units: 8, kernel_regularizer: {L2: {l2: 0.01}}}
    - Dense: {units: $data.classes}
training:
  epochs: 5
  optimizer: {SGD: {learning_rate: 0.1, clipnorm: 1.0}}
  callbacks: [EarlyStopping: {monitor: val_loss}, ReduceLROnPlateau: {monitor: val_loss}]
  stages:
    - {name: first}
    - {name: second, epochs: 9, optimizer: {Adam: {use_ema: true}}}
"""
    known = known_of(parse(text))
    assert known == Known(
        epochs=9,
        path="training.stages.1",
        learning_rate=0.001,
        rate_path="training.stages.1.optimizer.learning_rate",
        optimizer_path="training.stages.1.optimizer",
        reduces_on_plateau=True,
        has_early_stopping=True,
        starts_trained=True,
        has_augmentation=True,
        has_penalty=True,
        uses_ema=True,
        is_limited=True,
        has_pictures=True,
        validation=0.05,
    )


STAGES = """
name: a
data: {source: digits, limit: 100, validation: 0.05}
model: {sequential: [Rescaling: {scale: 1/16}, Flatten, Dense: {units: 8}, Dense: {units: $data.classes}]}
training:
  epochs: 5
  stop_after: {epochs: 9}
  stages: [{name: first}, {name: second, epochs: 9, optimizer: {SGD: {learning_rate: 1e-5}}}]
"""


WARMED = MLP.replace(
    "learning_rate: 0.1",
    "learning_rate: {CosineDecay: {initial_learning_rate: 0, warmup_target: 2e-5, warmup_steps: 40, decay_steps: {share: 1}}}",
)


@pytest.mark.parametrize("shown", ALL)
@pytest.mark.parametrize("reference", [MLP, STAGES, "digits/cnn", "fashion_mnist/mlp", "adult/mlp", WARMED])
def test_every_setting_can_be_typed_after_set(shown: Curves, reference: str) -> None:
    def read(*settings: str) -> Recipe:
        return parse(reference, settings) if "\n" in reference else load(reference, settings)

    for found in diagnose(shown, known_of(read())):
        assert found.message.endswith(".") and found.evidence.endswith(".")
        assert found.cures
        for cure in found.cures:
            if cure.setting:
                read(cure.setting)


def test_a_lower_and_a_higher_rate() -> None:
    known = known_of(parse(MLP))
    assert cures(DIVERGED, known)[0][1] == "training.optimizer.learning_rate=0.01"
    assert cures(CREEPING, known)[0][1] == "training.optimizer.learning_rate=0.3"
    assert "dlkit train RECIPE --find-lr" in cures(CREEPING, known)[-1][0]


def test_what_the_recipe_has_is_not_advised() -> None:
    plain, full = (
        cures(OVER_FITTED, Known(epochs=40)),
        cures(
            OVER_FITTED,
            Known(
                epochs=40,
                has_dropout=True,
                has_early_stopping=True,
                decays_weights=True,
                has_pictures=True,
                has_augmentation=True,
            ),
        ),
    )
    assert any("EarlyStopping" in why for why, _ in plain)
    assert any("add `Dropout" in why for why, _ in plain)
    assert [why for why, _ in full] == ["raise the rate of the dropout that the network has, by 0.1 or 0.2"]
    assert cures(OVER_FITTED, Known(epochs=40, is_limited=True))[0][1] == "data.limit=null"


def test_more_epochs_unless_something_ended_the_run() -> None:
    assert cures(UNFINISHED, Known(epochs=20))[0][1] == "training.epochs=40"
    assert cures(UNFINISHED, Known(epochs=50, stops_early=True))[0][1] == "training.stop_after=null"
    assert "patience" in cures(UNFINISHED, Known(epochs=50, has_early_stopping=True))[0][0]
    assert "20 of its 50" in cures(UNFINISHED, Known(epochs=50))[0][0]
    assert "lengthen" in cures(UNFINISHED, Known(epochs=20, has_schedule=True, schedule_follows=False))[0][0]


def test_a_plateau_is_answered_by_a_rate_that_falls() -> None:
    known = known_of(parse(MLP))
    assert "CosineDecay" in str(cures(STANDING, known)[0][1])
    assert any("ReduceLROnPlateau" in why for why, _ in cures(STANDING, known))


def test_few_validation_examples_are_answered_by_more() -> None:
    assert cures(JUMPING, Known(epochs=40, validation=0.1))[0][1] == "data.validation=0.2"
    assert cures(JUMPING, Known(epochs=40))[0][1] == "training.optimizer.use_ema=true"
