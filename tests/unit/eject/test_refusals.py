"""What scripts have not is refused by its name."""

from __future__ import annotations

import pkgutil

import pytest

import dlkit.eject.readers
from dlkit.eject.refusals import check_recipe
from dlkit.errors import DlkitError
from dlkit.recipe.load import load
from dlkit.recipe.registry import find


@pytest.mark.parametrize(
    ("name", "settings", "told"),
    [
        ("digits/perceptron", {}, "pattern `perceptron`"),
        ("cifar10/mirrored", {"training.strategy": "mirrored"}, "`training.strategy: mirrored`"),
        ("digits/cnn", {"data.source": "cifar100"}, "`cifar100` cannot be read"),
        ("digits/cnn", {"training.precision": "auto"}, "`training.precision: auto`"),
        ("digits/cnn", {"training.jit_compile": "auto"}, "`training.jit_compile: auto`"),
        ("digits/cnn", {"training.steps_per_execution": "auto"}, "`training.steps_per_execution: auto`"),
        ("digits/cnn", {"training.stop_after": {"epochs": 1}}, "`training.stop_after`"),
        ("digits/cnn", {"training.profile": {"steps": [1, 2]}}, "`training.profile`"),
        ("digits/cnn", {"training.initial_weights": "run:somewhere"}, "`training.initial_weights`"),
        ("digits/cnn", {"data.shuffle": "balanced"}, "`data.shuffle: balanced`"),
        ("cifar10/transfer", {"training.stages.fine_tuning.jit_compile": "auto"}, "`training.jit_compile: auto`"),
    ],
)
def test_a_feature_is_refused_by_its_name(name, settings, told):
    with pytest.raises(DlkitError) as caught:
        check_recipe(load(name, settings))
    assert told in caught.value.message
    assert caught.value.code == "cannot-eject"
    assert caught.value.cure


def test_what_scripts_hold_passes():
    check_recipe(load("digits/cnn"))


def test_every_reader_is_that_of_a_source():
    readers = [module.name for module in pkgutil.iter_modules(dlkit.eject.readers.__path__)]
    known = {name for name in readers if not name.startswith("_")}
    assert known
    assert all(find("source", name).declared is not None for name in known)
