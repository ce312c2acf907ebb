"""NARMA10, a nonlinear system of the tenth order that is driven by noise: a test of a network's memory.

y(t+1) = 0.3 y(t) + 0.05 y(t) (y(t) + y(t-1) + ... + y(t-9)) + 1.5 u(t-9) u(t) + 0.1, u uniform from 0 to 0.5.
Source: Atiya and Parlos (2000), "New results on recurrent network training: unifying the algorithms and accelerating
convergence", IEEE Transactions on Neural Networks 11, equation 86.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from dlkit.data.arrays import Splits
from dlkit.data.sources._drawn import chance
from dlkit.data.sources._generated_series import responses
from dlkit.errors import DlkitError
from dlkit.recipe.registry import Range, register

if TYPE_CHECKING:
    import numpy as np

ORDER = 10
WASHOUT = 100  # steps that are left out, until the system has forgotten that it started from zeros
DIVERGED = 10.0  # outputs stay below about 1; beyond that they grow without end
DRAWS = 100


@register(
    kind="source",
    features={"input": {"kind": "sequence", "shape": [None, 1], "dtype": "float32"}},
    targets={"output": {"kind": "number", "shape": []}},
)
def narma10(
    length: Annotated[int, Range(min=100)] = 10_000,
    history: Annotated[int, Range(min=1)] = 1,
    seed: Annotated[int, Range(min=0)] = 1,
) -> Splits:
    """NARMA10: the output of a system of the tenth order is told from its inputs; later examples are held out.

    With `history` 1 the examples are the steps of one long series, which is what an echo state network reads (without
    `shuffle`); a network that forgets from one example to the next needs 10 and more.

    Args:
        length: Steps of the series, after a washout of 100.
        history: Inputs in the feature `input`, of shape (history, 1): u(t) and those before; the target is y(t+1).
        seed: Of the inputs. Inputs that the system diverges on, which is rare, are drawn anew.

    Raises:
        DlkitError: The series is shorter than one example, or so long that every draw diverges.
    """
    for draw in range(DRAWS):
        inputs = chance(seed, 0, draw).random(length + WASHOUT) / 2
        outputs = drive(inputs)
        if outputs is not None:
            return responses(inputs[WASHOUT:].astype("float32"), outputs[WASHOUT:].astype("float32"), history)
    raise DlkitError(
        f"`length: {length}`: NARMA10 diverges within as many steps, in each of {DRAWS} draws",
        "give a smaller `length`",
    )


def drive(inputs: np.ndarray) -> np.ndarray | None:
    """The output y(t+1) for every input u(t), from zeros; None where the system diverges.

    Args:
        inputs: float64, of shape (steps,).
    """
    import numpy as np

    u = inputs.tolist()
    y = [0.0] * ORDER
    for t in range(len(u)):
        total = 0.0
        for value in y[-ORDER:]:  # not `sum`, which rounds otherwise from Python 3.12 on
            total += value
        delayed = u[t - ORDER + 1] if t >= ORDER - 1 else 0.0
        y.append(0.3 * y[-1] + 0.05 * y[-1] * total + 1.5 * delayed * u[t] + 0.1)
        if y[-1] > DIVERGED:
            return None
    return np.array(y[ORDER:])
