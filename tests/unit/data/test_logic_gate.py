"""Logic gates: their tables, in every split."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from dlkit.data.load import load
from dlkit.data.sources.logic_gate import logic_gate
from dlkit.recipe.components import Components

GATES: dict[str, Callable[..., bool]] = {
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
    "not": lambda a: not a,
    "nand": lambda a, b: not (a and b),
    "nor": lambda a, b: not (a or b),
    "xor": lambda a, b: a != b,
}


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("copies", [1, 3])
def test_every_split_is_the_whole_table(gate: str, copies: int) -> None:
    declared = Components().source_facts("logic_gate", {"gate": gate})
    splits = load("logic_gate", {"gate": gate, "copies": copies}, declared=declared, seed=1)
    assert [*splits.named()] == ["train", "validation", "test"]
    for part in splits.named().values():
        inputs, outputs = np.asarray(part.features["inputs"]), np.asarray(part.targets["output"])
        assert (inputs.dtype, outputs.dtype) == (np.float32, np.int32)
        assert inputs.shape[1:] == declared.features["inputs"].shape
        assert [int(GATES[gate](*map(bool, row))) for row in inputs] == outputs.tolist()
        rows, counts = np.unique(inputs, axis=0, return_counts=True)
        assert len(rows) == 2 ** inputs.shape[1] and set(counts) == {copies}


def test_the_splits_share_no_memory() -> None:
    splits = logic_gate("xor")
    assert splits.test is not None
    assert not np.shares_memory(splits.train.features["inputs"], splits.test.features["inputs"])
