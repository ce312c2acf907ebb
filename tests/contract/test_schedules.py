"""Every schedule that a recipe can name: its rates are those of Keras, or of an independent formula."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import pytest

from dlkit.models.instantiate import instantiate
from dlkit.recipe.catalogue import ComponentSpec, catalogue
from dlkit.recipe.components import Components
from dlkit.recipe.durations import Steps, in_steps
from dlkit.recipe.load import load

# What each of Keras's is tried with; one that is missing here fails the test.
OF_KERAS: dict[str, dict[str, Any]] = {
    "CosineDecay": {"initial_learning_rate": 0.1, "decay_steps": 80, "warmup_target": 0.2, "warmup_steps": 20},
    "CosineDecayRestarts": {"initial_learning_rate": 0.1, "first_decay_steps": 25},
    "ExponentialDecay": {"initial_learning_rate": 0.1, "decay_steps": 20, "decay_rate": 0.5, "staircase": True},
    "InverseTimeDecay": {"initial_learning_rate": 0.1, "decay_steps": 20, "decay_rate": 0.5},
    "PiecewiseConstantDecay": {"boundaries": [30, 60], "values": [0.1, 0.01, 0.001]},
    "PolynomialDecay": {"initial_learning_rate": 0.1, "decay_steps": 70, "end_learning_rate": 0.01, "power": 2.0},
}
# What each of dlkit's own is tried with.
OWN: dict[str, dict[str, Any]] = {
    "one_cycle": {"max_learning_rate": 0.5, "decay_steps": 50},
    "warmup": {"learning_rate": {"CosineDecay": OF_KERAS["CosineDecay"]}, "warmup_steps": 10},
}


def one_cycle(
    step: int, top_rate: float, total: int, warmup: float = 0.3, first: float = 25, last: float = 1e4
) -> float:
    """PyTorch's OneCycleLR with `anneal_strategy="cos"`, as its documentation gives it."""
    initial = top_rate / first

    def annealed(start: float, end: float, share: float) -> float:
        return end + (start - end) / 2.0 * (math.cos(math.pi * share) + 1)

    top = warmup * total - 1
    if step <= top:
        return annealed(initial, top_rate, step / top)
    return annealed(top_rate, initial / last, (step - top) / (total - 1 - top))


def built(schedule: Any, *, epochs: int = 4, per_epoch: int = 25, **optimizer: Any) -> Any:
    """The optimizer of a recipe with this schedule."""
    text = {
        "name": "test/schedule",
        "data": {"source": "digits"},
        "model": {"sequential": ["Flatten", {"Dense": {"units": 10}}]},
        "training": {"epochs": epochs, "optimizer": {"SGD": {"learning_rate": schedule, **optimizer}}},
    }
    recipe = load(text)
    accumulated = optimizer.get("gradient_accumulation_steps") or 1
    return instantiate(
        in_steps(recipe.config.training.optimizer, recipe.components, Steps(epochs, per_epoch, accumulated))
    )


def rates(optimizer: Any, steps: int = 100) -> list[float]:
    """The rate of every step."""
    optimizer.build([keras.Variable(np.zeros(1, "float32"))])
    found = []
    for step in range(steps):
        optimizer._iterations.assign(step)
        found.append(float(keras.ops.convert_to_numpy(optimizer.learning_rate)))
    return found


def test_all_of_keras_s_are_tried() -> None:
    names = {spec.name for spec in specs() if not spec.refused and not spec.alias_of}
    assert names == set(OF_KERAS)


@pytest.mark.parametrize("name", OF_KERAS)
def test_keras_s_schedules_are_keras_s(name: str) -> None:
    by_hand = getattr(keras.optimizers.schedules, name)(**OF_KERAS[name])
    expected = [float(by_hand(step)) for step in range(100)]
    assert rates(built({name: OF_KERAS[name]})) == pytest.approx(expected, rel=1e-6)


def test_one_cycle_is_pytorch_s() -> None:
    made = rates(built({"one_cycle": {"max_learning_rate": 0.5, "decay_steps": {"share": 1}}}))
    assert made == pytest.approx([one_cycle(step, 0.5, 100) for step in range(100)], rel=2e-4, abs=1e-7)
    assert max(made) == pytest.approx(0.5, rel=1e-3) and int(np.argmax(made)) == 29


def test_a_warm_up_leads_to_a_rate_or_to_another_schedule() -> None:
    made = rates(built({"warmup": {"learning_rate": 0.2, "warmup_steps": {"epochs": 1}}}))
    assert made == pytest.approx([0.2 * min(step / 25, 1) for step in range(100)], rel=1e-6)
    decay = {"ExponentialDecay": {"initial_learning_rate": 0.2, "decay_steps": 10, "decay_rate": 0.5}}
    warm = {"learning_rate": decay, "warmup_steps": 20, "initial_learning_rate": 0.05}
    expected = [0.05 + 0.15 * step / 20 if step < 20 else 0.2 * 0.5 ** ((step - 20) / 10) for step in range(100)]
    assert rates(built({"warmup": warm})) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", OWN)
def test_our_own_are_saved_and_loaded_by_keras(name: str) -> None:
    schedule = built({name: OWN[name]})._learning_rate
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(schedule))
    assert [float(again(step)) for step in range(60)] == [float(schedule(step)) for step in range(60)]


def test_our_own_are_all_tried() -> None:
    assert {declared.spec.name for declared in Components().declarations("schedule")} == set(OWN)


def specs() -> list[ComponentSpec]:
    found = [catalogue().find("schedule", name) for name in catalogue().names("schedule")]
    return [spec for spec in found if spec is not None]


def test_durations_are_of_updates_where_gradients_are_accumulated() -> None:
    """Four steps make an update: after ten updates, forty steps, the rate changes; after two epochs, fifty."""
    for boundary, step in ((10, 40), ({"epochs": 2}, 50), ({"share": 0.5}, 50)):
        written = {"PiecewiseConstantDecay": {"boundaries": [boundary], "values": [1.0, 0.5]}}
        made = rates(built(written, gradient_accumulation_steps=4))
        assert made == [1.0] * (step + 1) + [0.5] * (99 - step)
