"""The tables that come with scikit-learn."""

from __future__ import annotations

from dlkit.eject.reading import Reading, check_arguments
from dlkit.eject.subject import Subject


def table(subject: Subject, **arguments: str) -> Reading:
    """Reads one of scikit-learn's own tables.

    Args:
        subject: The recipe and its script.
        **arguments: Of scikit-learn's loader, as code.
    """
    check_arguments(subject, "columns")
    source = subject.recipe.config.data.source
    subject.copies.use("from sklearn import datasets")
    declaration = subject.recipe.components.declaration("source", source.name)
    assert declaration is not None
    known = next(iter(declaration.declared["features"].values()))["columns"]
    kept = source.arguments.get("columns")
    rows = "" if kept is None else f"[:, {[known.index(column) for column in kept]}]"
    (target,) = subject.recipe.facts.targets.values()
    given = ", ".join(f"{name}={value}" for name, value in arguments.items())
    lines = [
        "def read_examples() -> tuple[np.ndarray, np.ndarray]:",
        f'    """{source.name}, which comes with scikit-learn."""',
        f"    data = datasets.load_{source.name}({given})",
        f'    return data.data{rows}.astype("float32"), data.target.astype("{target.dtype}")',
    ]
    return Reading(lines, has_folder=False)
