"""The truth tables of logic gates: the smallest problems there are, XOR among them.

Source: Minsky and Papert (1969), "Perceptrons"; Rumelhart, Hinton and Williams (1986), "Learning representations by
back-propagating errors".
"""

from __future__ import annotations

from typing import Annotated, Literal

from dlkit.data.arrays import Arrays, Splits
from dlkit.recipe.registry import Range, register

OUTPUTS = {"and": [0, 0, 0, 1], "or": [0, 1, 1, 1], "nand": [1, 1, 1, 0], "nor": [1, 0, 0, 0], "xor": [0, 1, 1, 0]}


@register(
    kind="source",
    features={"inputs": {"kind": "vector", "shape": [2], "columns": ["a", "b"]}},
    targets={"output": {"kind": "classes", "shape": [], "labels": ["0", "1"]}},
    variants={"gate": {"not": {"features": {"inputs": {"kind": "vector", "shape": [1], "columns": ["a"]}}}}},
    unused=["data.test", "data.validation", "data.folds"],
    repeats=True,
)
def logic_gate(
    gate: Literal["and", "or", "not", "nand", "nor", "xor"], copies: Annotated[int, Range(min=1)] = 1
) -> Splits:
    """The truth table of a logic gate, which is all of its training, validation and test examples.

    A gate has four rows, `not` two: to hold one out would make it unlearnable.

    Args:
        gate: Which one.
        copies: How often the table stands in each split, so that an epoch has more steps.
    """
    import numpy as np

    table = [[0], [1]] if gate == "not" else [[0, 0], [0, 1], [1, 0], [1, 1]]
    outputs = [1, 0] if gate == "not" else OUTPUTS[gate]

    def whole() -> Arrays:
        return Arrays(
            {"inputs": np.tile(np.array(table, np.float32), (copies, 1))},
            {"output": np.tile(np.array(outputs, np.int32), copies)},
        )

    return Splits(train=whole(), validation=whole(), test=whole())
