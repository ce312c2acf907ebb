"""The reading that the sources of scikit-learn's own data sets share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dlkit.data.arrays import Arrays, Splits
from dlkit.errors import DlkitError
from dlkit.recipe.diagnostics import did_you_mean, listing
from dlkit.recipe.facts import read_facts
from dlkit.recipe.registry import find

if TYPE_CHECKING:
    import numpy as np


def read_bunch(name: str, **arguments: Any) -> Any:
    """What `sklearn.datasets.load_<name>` returns; it ships with the package, nothing is downloaded."""
    from sklearn import datasets

    return getattr(datasets, f"load_{name}")(**arguments)


def read_table(name: str, columns: Sequence[str] | None, **arguments: Any) -> Splits:
    """A table of scikit-learn's as one vector feature and one target, named as the source of that name declares them.

    Args:
        name: The source, and the data set of scikit-learn.
        columns: The columns to keep, in this order; None keeps all.
        **arguments: What scikit-learn's own loader is told besides.

    Raises:
        DlkitError: `columns` is empty, repeats a column, or names one that the set does not have.
    """
    declared = find("source", name).declared
    (feature, entry), (target, kind) = next(iter(declared["features"].items())), next(iter(declared["targets"].items()))
    known = entry["columns"]
    kept = list(known if columns is None else columns)
    _check_columns(name, kept, known)
    bunch = read_bunch(name, **arguments)
    table = bunch.data[:, [known.index(column) for column in kept]].astype("float32")
    told = read_facts({feature: {**entry, "shape": [len(kept)], "columns": kept}}, {})
    return Splits(Arrays({feature: table}, {target: _target(bunch.target, kind["kind"])}), facts=told)


def _target(values: np.ndarray, kind: str) -> np.ndarray:
    return values.astype("int32" if kind == "classes" else "float32")


def _check_columns(source: str, columns: Sequence[str], known: Sequence[str]) -> None:
    place = f"data.source.{source}.columns"
    if not columns:
        raise DlkitError(f"`{place}` names no column", f"leave it out, or choose from {listing(known, len(known))}")
    for column in columns:
        if column not in known:
            near = did_you_mean(column, known)
            raise DlkitError(
                f"`{place}`: {source} has no column `{column}`",
                f"{near + ' ' if near else ''}it has {listing(known, len(known))}",
            )
    repeated = [column for column in dict.fromkeys(columns) if list(columns).count(column) > 1]
    if repeated:
        raise DlkitError(f"`{place}` names {listing(repeated)} more than once", "name each column once")
