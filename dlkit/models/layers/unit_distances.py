"""How far an example is from each unit of a map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from dlkit.recipe.registry import Range, register

if TYPE_CHECKING:
    import keras
    import numpy as np


@register(kind="layer")
def unit_distances(
    x: keras.KerasTensor,
    examples: np.ndarray | None,
    /,
    *,
    rows: Annotated[int, Range(min=1)],
    columns: Annotated[int, Range(min=1)],
    initial_weights: Literal["examples", "principal_components"] = "examples",
) -> keras.KerasTensor:
    """Gives the Euclidean distance to each unit of a map; a unit is a point among the examples.

    Computed as the root of `|x|^2 - 2 x w + |w|^2` in 32 bits, which costs one product of matrices: a distance far below
    the length of the examples has few digits.

    Args:
        x: Of shape (batch, values).
        examples: Of shape (examples, values), that the units begin with.
        rows: Of the map.
        columns: Of the map; units are numbered row by row.
        initial_weights: What the units begin as. `examples`: random training examples, no two the same where there are
            enough. `principal_components`: a sheet through the mean along the first two principal components, a standard
            deviation long to each side, the first one along the longer side of the map (Kohonen, 2001, "Self-Organizing
            Maps", section 3.7; SOM Toolbox, `som_lininit`).

    Returns:
        Of shape (batch, rows * columns).
    """
    import keras
    from keras import ops

    from dlkit.models.map_units import UNITS, hold

    holder = keras.layers.Dense(rows * columns, name=UNITS)
    values = ops.cast(x, "float32")
    products = holder(values)
    if examples is not None:
        first = _sheet if initial_weights == "principal_components" else _drawn
        hold(holder, first(examples.astype("float32"), rows, columns))
    lengths = ops.sum(ops.square(values), axis=-1, keepdims=True)
    return ops.sqrt(ops.maximum(lengths - 2.0 * products, 0.0))


def _drawn(examples: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Random examples, by Keras's own generator, which the recipe's seed sets."""
    import keras
    import numpy as np

    lots = keras.ops.convert_to_numpy(keras.random.uniform((len(examples),)))
    return examples[np.resize(np.argsort(lots, kind="stable"), rows * columns)]


def _sheet(examples: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Points along the first two principal components."""
    import numpy as np
    from sklearn.decomposition import PCA

    found = PCA(min(2, *examples.shape), svd_solver="covariance_eigh").fit(examples)
    spread = found.components_ * np.sqrt(found.explained_variance_)[:, None]
    down, across = (each.ravel() for each in np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j])
    along = np.stack([down, across] if rows > columns else [across, down], axis=1)
    return (found.mean_ + along[:, : len(spread)] @ spread).astype("float32")
