"""The truth table of a logic gate."""

from __future__ import annotations

from dlkit.data.sources.logic_gate import OUTPUTS
from dlkit.eject.reading import Reading, check_arguments
from dlkit.eject.subject import Subject


def read(subject: Subject) -> Reading:
    """Writes the table down: it is all of the training, the validation and the test examples."""
    check_arguments(subject, "gate", "copies")
    arguments = subject.recipe.config.data.source.arguments
    gate, copies = arguments["gate"], arguments.get("copies", 1)
    table = "[[0], [1]]" if gate == "not" else "[[0, 0], [0, 1], [1, 0], [1, 1]]"
    outputs = [1, 0] if gate == "not" else OUTPUTS[gate]
    lines = [
        "def read_examples() -> list[tuple[np.ndarray, np.ndarray]]:",
        f'    """The truth table of `{gate}`, to train on, to validate with and to test on."""',
        f"    x = np.tile(np.array({table}, np.float32), ({copies}, 1))",
        f"    y = np.tile(np.array({outputs}, np.int32), {copies})",
        "    return [(x, y), (x, y), (x, y)]",
    ]
    return Reading(lines, ("train", "validation", "test"), has_folder=False)
