"""A last layer that is solved for, not descended to: ridge regression on what the layers before it make.

One pass over the training examples gathers the normal equations, the products of what the readout is given with itself
and with what it is to answer, in float64. They are all that is needed of the examples, however many there are; with the
weights that they are solved for the squared error is the least possible. They are of the state of the training, so that a
pass that was cut short goes on where it was.

The products are BLAS's: of a matrix with itself it computes the half that is not known by symmetry, adds it in place, and
gives the same bits with any number of threads. TensorFlow's matrix product does twice that, or five eighths in blocks.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.linalg.blas import dsyrk
from threadpoolctl import ThreadpoolController

from dlkit.errors import DlkitError
from dlkit.models.pattern import Pattern

_NOTHING = np.empty((0, 0))


class SolvedReadout(Pattern):
    """A chain of layers whose last Dense layer is found by ridge regression (Hoerl and Kennard, 1970, Technometrics 12).

    The layers before it are left as they are. Classes are told by an output each, which is to be 1 for the right one and
    -1 for every other (see `answers_to_learn`). An epoch is one pass and begins anew: a second one
    finds the same, but for rounding.

    Args:
        ridge: What the sum of the squared weights is multiplied by, as scikit-learn's `alpha`; the constant is free. Of
            several the one is taken whose squared error on the validation split is least, the first of equal ones.

    Attributes:
        chosen: The ridge that the readout was solved with; None before.
        error: The mean squared error over the examples that it was solved for; None before.
    """

    def __init__(self, inputs: Any, outputs: Any, /, *, ridge: float | Sequence[float], **kwargs: Any) -> None:
        super().__init__(inputs, outputs, **kwargs)
        self.ridges = [float(each) for each in ([ridge] if isinstance(ridge, int | float) else ridge)]
        if not self.ridges or min(self.ridges) < 0:
            raise ValueError(f"`ridge` is a number from 0 on, or several. Received: ridge={ridge}")
        self.chosen: float | None = None
        self.error: float | None = None
        layers = self.layers
        place = max(number for number, layer in enumerate(layers) if isinstance(layer, keras.layers.Dense))
        self._readout = layers[place]
        self._before = keras.Sequential(layers[:place])
        self._behind = layers[place + 1 :]  # what scales a target back
        self._columns = self._readout.kernel.shape[0] + 1
        self._sums = _NOTHING  # of a pass that is not solved yet; those below the diagonal alone
        self._rows = _NOTHING  # float64, of a batch

    def own_callbacks(self) -> Sequence[keras.callbacks.Callback]:
        return [_Solving()]

    def train_step(self, data: Any) -> dict[str, Any]:
        """Adds the examples of a batch to the sums; tells what they weigh, since the readout has no loss yet."""
        ops = keras.ops
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        given = self._before(x, training=True)
        rows, answers = ops.reshape(given, (-1, given.shape[-1])), self._answers(given, y)
        if sample_weight is None:
            self.call_numpy(self._gather, [rows, answers])
            return {"gathered": ops.shape(rows)[0]}
        weights = _weights_of_rows(sample_weight, given)
        self.call_numpy(self._gather, [rows, answers, weights])
        return {"gathered": ops.sum(weights)}

    def _gather(self, given: np.ndarray, answers: np.ndarray, weights: np.ndarray | None = None) -> None:
        """Adds the products of every two columns, what is given, a 1, and the answers, summed over the rows."""
        if not self._sums.size:  # a step that is no part of a pass, as where steps are timed
            self.begin_pass()
        if len(self._rows) < len(given):
            self._rows = np.ones((len(given), len(self._sums)))
        rows = self._rows[: len(given)]
        rows[:, : given.shape[1]] = given
        rows[:, given.shape[1] + 1 :] = answers
        if weights is not None:
            rows = rows * np.sqrt(weights)
        dsyrk(1.0, rows.T, beta=1.0, c=self._sums, lower=True, overwrite_c=True)

    @property
    def sums(self) -> np.ndarray:
        """What a pass that is not solved yet has gathered, a copy; empty where there is none."""
        return self._sums.copy()

    @sums.setter
    def sums(self, kept: np.ndarray) -> None:
        self._sums = np.array(kept, order="F")

    def _equations(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Sums over the pass of products.

        Returns:
            Of what the readout is given, and of a 1, with each other; of the same with every answer; of every answer with
            itself.
        """
        sums = self._sums + self._sums.T  # above the diagonal BLAS left zeros
        np.fill_diagonal(sums, self._sums.diagonal())
        given = slice(self._columns)
        return sums[given, given], sums[given, self._columns :], sums.diagonal()[self._columns :]

    def _answers(self, given: Any, y: Any) -> Any:
        """What the readout is to answer to what it is given, float64, a row an answer."""
        ops = keras.ops
        units = self._readout.units
        answers = ops.cast(answers_to_learn(y, (*ops.shape(given)[:-1], units)), "float64")
        for layer in self._behind:
            if isinstance(layer, keras.layers.Normalization):  # scales the answers back to the units of the target
                mean, variance = (ops.cast(part, "float64") for part in (layer.mean, layer.variance))
                answers = (answers - mean) / ops.sqrt(variance)
        return ops.reshape(answers, (-1, units))

    def evaluate(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """As of any Keras model; what a pass has gathered is solved first, with these examples to choose the ridge by."""
        self.solve(x if y is None else [(x, y)])
        return super().evaluate(x, y, *args, **kwargs)

    def begin_pass(self) -> None:
        """Forgets what was gathered."""
        width = self._columns + self._readout.units
        self._sums = np.zeros((width, width), order="F")  # what BLAS adds to in place

    def solve(self, validation: Any = None) -> None:
        """Solves what was gathered, if that is new, and sets the weights of the readout.

        Args:
            validation: Batches of examples to choose among several strengths by.

        Raises:
            DlkitError: What was gathered is not finite (`not-a-number`), the equations have no single solution
                (`no-solution`), or there is nothing to choose by (`no-validation`).
        """
        if not self._sums.size:
            return
        products, moments, squares = self._equations()
        if not (np.isfinite(products).all() and np.isfinite(moments).all()):
            raise DlkitError(
                "The readout was given, or is to answer, values that are not numbers.",
                "Look for them in the data; `impute` fills in what is missing in a table.",
                "not-a-number",
            )
        found = [solve_ridge(products, moments, ridge) for ridge in self.ridges]
        best = self._best_of(found, validation) if len(found) > 1 else 0
        self._set(found[best])
        self.chosen = self.ridges[best]
        self.error = self._error(products, moments, squares)
        self._sums = _NOTHING

    def _best_of(self, found: Sequence[np.ndarray], validation: Any) -> int:
        """The number of the weights whose squared error over the examples is the least, in the precision of the model."""
        if validation is None:
            raise DlkitError(
                "`ridge` lists several strengths, and there are no data for validation to choose one by.",
                "Set `data.validation`, or give one number.",
                "no-validation",
            )
        errors = np.zeros(len(found))
        for batch in validation:
            x, y, _ = keras.utils.unpack_x_y_sample_weight(batch)
            given = keras.ops.convert_to_tensor(self._before.predict_on_batch(x))
            answers = keras.ops.convert_to_numpy(self._answers(given, y))
            for number, weights in enumerate(found):
                self._set(weights)
                told = keras.ops.convert_to_numpy(self._readout(given)).astype("float64")
                errors[number] += np.square(told.reshape(answers.shape) - answers).sum()
        return int(errors.argmin())

    def _set(self, weights: np.ndarray) -> None:
        self._readout.kernel.assign(weights[:-1])
        self._readout.bias.assign(weights[-1])

    def _error(self, products: np.ndarray, moments: np.ndarray, squares: np.ndarray) -> float:
        """The mean squared error of the solved readout over the pass, from what was gathered."""
        kernel, bias = map(keras.ops.convert_to_numpy, (self._readout.kernel, self._readout.bias))
        weights = np.concatenate([kernel, bias[None]]).astype("float64")
        left = squares + (weights * (products @ weights - 2 * moments)).sum(axis=0)
        return float(max(left.mean(), 0.0) / products[-1, -1])


class _Solving(keras.callbacks.Callback):
    """Begins every pass, and solves it where no validation has.

    What is logged of the training split is the error of the solved readout: the other metrics would be those of one that
    is not solved yet.
    """

    def get_state(self) -> dict[str, Any]:
        return {"sums": self.model.sums}

    def set_state(self, state: dict[str, Any]) -> None:
        self.model.sums = state["sums"]

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.model.begin_pass()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.model.solve()
        logs = {} if logs is None else logs
        validated = {name: value for name, value in logs.items() if name.startswith("val_")}
        logs.clear()
        chosen = {"ridge": self.model.chosen} if len(self.model.ridges) > 1 else {}
        logs.update({"loss": self.model.error, **chosen, **validated})


def _weights_of_rows(sample_weight: Any, given: Any) -> Any:
    """The weight of every row: that of its example, or of its step of it."""
    ops = keras.ops
    shape = ops.shape(given)[:-1]
    weights = ops.cast(sample_weight, "float64")
    weights = ops.reshape(weights, (*ops.shape(weights), *[1] * (len(shape) - len(weights.shape))))
    return ops.reshape(ops.broadcast_to(weights, shape), (-1, 1))


def solve_ridge(products: np.ndarray, moments: np.ndarray, ridge: float) -> np.ndarray:
    """The weights of least squared error plus `ridge` times their own squares, from normal equations.

    Args:
        products: Of every two columns, summed over the rows, the last column being 1: the constant, which is free.
        moments: Of every column and every answer, likewise.
        ridge: From 0 on.

    Returns:
        float64, of the shape of `moments`; the constant is the last row.

    Raises:
        DlkitError: There are several solutions, or none that double precision can tell (`no-solution`).
    """
    penalized = products.copy()
    penalized[np.diag_indices(len(products) - 1)] += ridge
    with _libraries().limit(limits=1):  # how many threads share the work is part of the result, to the last bit
        weights = _solution(penalized, moments)
    if not np.isfinite(weights).all():
        raise DlkitError(
            f"With `ridge: {ridge:g}` the readout has no single solution.",
            "Give a larger `ridge`, fewer units, or more examples.",
            "no-solution",
        )
    return weights


@functools.cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()  # which looks for them through all that the process has loaded


def _solution(products: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """Not a number where there is none."""
    try:
        return cho_solve(cho_factor(products, lower=True), moments)
    except np.linalg.LinAlgError:  # singular, or so near to it that rounding has made it indefinite
        pass
    try:
        return np.linalg.solve(products, moments)
    except np.linalg.LinAlgError:
        return np.full_like(moments, np.nan)


def answers_to_learn(y: Any, shape: Any) -> Any:
    """What a readout is to answer.

    Whole numbers are classes: 1 for the right one and -1 for every other, so that an answer above 0 is a yes, as of
    logits. (With 0 and 1 the same classes are told, since the constant is free.) 0 and 1 for several labels are -1 and 1.
    Real numbers, and whole ones for a single output, stay as they are.

    Args:
        y: Targets of shape (batch, ...).
        shape: Of the answers, (batch, ..., units).
    """
    ops = keras.ops
    units = shape[-1]
    is_class = units > 1 and keras.backend.is_int_dtype(y.dtype)
    if not is_class:
        return ops.reshape(y, shape)
    if len(y.shape) == len(shape) and y.shape[-1] == units:
        return 2 * ops.cast(y, "float32") - 1
    return 2 * ops.one_hot(ops.reshape(ops.cast(y, "int32"), shape[:-1]), units, dtype="float32") - 1
