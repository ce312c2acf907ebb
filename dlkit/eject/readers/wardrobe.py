"""Composed wardrobes."""

from __future__ import annotations

from dlkit.data.sources.fashion_mnist import FASHION_MNIST
from dlkit.eject.readers._idx_set import idx_lines
from dlkit.eject.reading import Reading, check_arguments
from dlkit.eject.subject import Subject

_HOME = "dlkit.data.sources.wardrobe"


def read(subject: Subject) -> Reading:
    """Composes pictures of the garments of Fashion-MNIST."""
    check_arguments(subject, "examples", "test_examples", "garments", "seed", "path")
    arguments = subject.recipe.config.data.source.arguments
    least, most = arguments.get("garments") or (1, 4)
    sizes = arguments.get("examples", 20_000), arguments.get("test_examples", 4_000)
    chance = subject.copies.take("dlkit.data.sources._drawn", "chance")
    choice, corners, compose = (subject.copies.take(_HOME, name) for name in ("_choice", "_corners", "compose"))
    garments = idx_lines(subject, "read_garments", FASHION_MNIST, {"": "labels"})
    lines = [
        *garments,
        "",
        "",
        "def read_examples(folder: Path) -> list[tuple[np.ndarray, np.ndarray]]:",
        '    """Pictures of several garments, and the kinds of all garments in them."""',
        "    examples = []",
        f"    for stream, ((images, labels), size) in enumerate(zip(read_garments(folder), {sizes}, strict=True)):",
        "        of_kind = [np.flatnonzero(labels == kind) for kind in range(10)]",
        "        x, y = np.zeros((size, CANVAS, CANVAS, 1), np.uint8), np.zeros((size, 10), np.int32)",
        "        for row in range(size):",
        f"            generator = {chance}({arguments.get('seed', 1)}, stream, row)",
        f"            rows = {choice}(generator, of_kind, {least}, {most})",
        f"            x[row] = {compose}(images, rows, {corners}(generator, len(rows)))",
        "            y[row, labels[rows]] = 1",
        "        examples.append((x, y))",
        "    return examples",
    ]
    return Reading(lines, ("train", "test"))
