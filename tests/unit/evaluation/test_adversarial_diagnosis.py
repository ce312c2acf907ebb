"""What the curves of a generator and a discriminator show: made ones, and trainings that were made to go wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dlkit.evaluation.adversarial_diagnosis import diagnose_adversaries
from dlkit.recipe.load import Recipe, load
from dlkit.workflows.report import diagnosis
from dlkit.workflows.train import train

CASE = Path(__file__).parents[2] / "contract" / "pattern_cases" / "gan.yaml"
RISING = [0.1, 0.3, 0.5, 0.7, 0.8, 0.85, 0.9, 0.9]


def lines(diversity: list[float], right: float = 0.7) -> list[dict[str, Any]]:
    told = {"stage": "train", "real_accuracy": right, "generated_accuracy": right}
    return [{**told, "epoch": n + 1, "diversity": value} for n, value in enumerate(diversity)]


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return load(CASE)


@pytest.mark.parametrize(
    ("diversity", "right", "kinds"),
    [
        (RISING, 0.7, []),
        ([0.02, 0.05, 0.1, 0.15, 0.2, 0.25], 0.7, []),  # on its way
        ([0.3, 0.1, 0.05, 0.02, 0.01, 0.01], 0.7, ["mode collapse"]),
        ([*RISING, 0.4, 0.35, 0.4], 0.7, ["mode collapse"]),
        ([*RISING, 0.1, 0.9, 0.9], 0.7, []),  # a single epoch
        ([0.0] * 4, 0.7, []),  # too few to tell
        ([0.0] * 6, 0.7, ["mode collapse"]),
        (RISING, 0.995, ["discriminator wins"]),
        (RISING, 0.98, []),
        ([0.01] * 8, 1.0, ["mode collapse", "discriminator wins"]),
    ],
)
def test_made_curves(recipe: Recipe, diversity: list[float], right: float, kinds: list[str]) -> None:
    assert [found.kind for found in diagnose_adversaries(lines(diversity, right), recipe)] == kinds


def test_a_discriminator_that_wins_only_now_and_then_is_none_that_wins(recipe: Recipe) -> None:
    curve = lines(RISING, 1.0)
    curve[-2]["generated_accuracy"] = 0.9
    assert diagnose_adversaries(curve, recipe) == []


def test_cures_can_be_set(recipe: Recipe) -> None:
    found = diagnose_adversaries(lines([0.0] * 6, 1.0), recipe)
    settings = [cure.setting for each in found for cure in each.cures if cure.setting]
    assert settings == ["model.gan.gradient_penalty=10", "training.optimizers.discriminator.learning_rate=0.00025"]
    for setting in settings:
        path, value = setting.split("=")
        load(CASE, {path: float(value)})


def test_a_critic_may_always_be_right() -> None:
    critic = load(CASE, {"model.gan.gradient_penalty": 10, "model.gan.label_smoothing": 0})
    assert diagnose_adversaries(lines(RISING, 1.0), critic) == []


# A generator that cannot use its code; and one that hardly learns, against a discriminator that does.
@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"model.gan.generator": {"sequential": [{"Rescaling": {"scale": 0}}, {"Dense": {"units": 64}}, {"Reshape": {"target_shape": [8, 8, 1]}}]}}, "mode collapse"),
        ({"training.optimizers": {"generator": {"SGD": {"learning_rate": 1e-6}}, "discriminator": {"Adam": {"learning_rate": 1e-2}}}}, "discriminator wins"),
    ],
)  # fmt: skip
def test_a_training_that_goes_wrong(tmp_path: Path, changes: dict[str, Any], kind: str) -> None:
    run = train(load(CASE, {"training.epochs": 12, "model.gan.label_smoothing": 0, **changes}), runs_dir=tmp_path)
    assert kind in [found.kind for found in diagnosis(run.folder, load(run.folder.recipe))]
