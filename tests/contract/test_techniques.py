"""docs/techniques.md: every technique stands there, and each recipe that it names holds the lines that it shows."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dlkit.recipe.diagnostics import Source
from dlkit.recipe.load import load
from dlkit.recipe.nodes import plain
from dlkit.recipe.yaml_source import read_text

PAGE = Path(__file__).resolve().parents[2] / "docs" / "techniques.md"
ROW = re.compile(r"^\| ([^|]+) \| `([^`|]+)` \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
ROWS = ROW.findall(PAGE.read_text(encoding="utf-8"))
ANY = "..."
TECHNIQUES = {
    *("mini-batch gradient descent", "full-batch gradient descent", "single-sample gradient descent"),
    *("SGD", "momentum", "Nesterov momentum", "RMSprop", "Adam", "AdamW"),
    *("step schedule", "exponential schedule", "cosine schedule", "warm-up", "one-cycle schedule"),
    *("reduction on plateau", "gradient clipping", "gradient accumulation", "weight averaging", "label smoothing"),
    *("class weights", "dropout", "L1", "L2", "batch normalization", "layer normalization", "early stopping"),
    *("flip", "rotation", "zoom", "crop", "noise", "brightness", "RandAugment", "MixUp", "CutMix", "random erasing"),
    *("checkpoints", "mixed precision", "linear", "sigmoid", "tanh", "ReLU", "leaky ReLU", "ELU", "GELU", "softmax"),
    *("mean squared error", "categorical cross-entropy", "binary cross-entropy"),
    *("accuracy", "precision", "recall", "F1", "confusion matrix", "ROC", "AUC", "perplexity"),
}


def test_every_technique_has_a_row() -> None:
    named = [name for name, *_ in ROWS]
    assert len(named) == len(set(named))
    assert set(named) >= TECHNIQUES
    text = PAGE.read_text(encoding="utf-8")
    assert text.count("\n| ") - 2 * text.count("\n| ---") == len(ROWS), "a row is not of the form that this test reads"


@pytest.mark.parametrize(("technique", "written", "recipes"), [row[:3] for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_recipes_hold_what_is_written(technique: str, written: str, recipes: str) -> None:
    wanted = plain(read_text(Source(technique, written)))
    for name in re.findall(r"`([^`]+)`", recipes):
        assert any(_holds(part, wanted) for part in _parts(recipe_as_values(name))), f"{name} does not hold `{written}`"


@functools.cache
def recipe_as_values(name: str) -> list[Any]:
    """The composed recipe, with its references and with what they stand for."""
    recipe = load(name)
    return [plain(recipe.root), plain(recipe.resolved)]


def _parts(tree: Any) -> Iterator[Any]:
    """A value and all that is in it."""
    yield tree
    for inner in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _parts(inner)


def _holds(tree: Any, wanted: Any) -> bool:
    """Whether a value has at least what is wanted: further keys and items may stand beside it."""
    if wanted == ANY:
        return True
    if isinstance(wanted, dict):
        return isinstance(tree, dict) and all(key in tree and _holds(tree[key], value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(tree, list) and all(any(_holds(item, each) for item in tree) for each in wanted)
    return bool(type(tree) is type(wanted) and tree == wanted)
