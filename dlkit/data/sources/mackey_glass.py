"""The Mackey-Glass series, chaotic for delays from 17 on: the benchmark of forecasting with echo state networks.

x'(t) = 0.2 x(t - tau) / (1 + x(t - tau)^10) - 0.1 x(t), sampled once a unit of time.
Source: Mackey and Glass (1977), "Oscillation and chaos in physiological control systems", Science 197; as a task: Jaeger
(2001), "The echo state approach to analysing and training recurrent neural networks", GMD report 148, and Jaeger and
Haas (2004), "Harnessing nonlinearity", Science 304.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from dlkit.data.arrays import Splits
from dlkit.data.sources._drawn import chance
from dlkit.data.sources._generated_series import forecasts
from dlkit.recipe.registry import Range, register

if TYPE_CHECKING:
    import numpy as np

STEPS = 10  # of the integration, in a unit of time
WASHOUT = 1_000  # units of time that are left out, until the series is on its attractor


@register(
    kind="source",
    features={"past": {"kind": "sequence", "shape": [None, 1], "dtype": "float32"}},
    targets={"future": {"kind": "number", "shape": [None], "continues": {"feature": "past", "columns": [0]}}},
)
def mackey_glass(
    length: Annotated[int, Range(min=100)] = 10_000,
    tau: Annotated[int, Range(min=1)] = 17,
    history: Annotated[int, Range(min=1)] = 1,
    horizon: Annotated[int, Range(min=1)] = 1,
    seed: Annotated[int, Range(min=0)] = 1,
) -> Splits:
    """The Mackey-Glass series: its next values are told from those before; later examples are held out.

    With `history` 1 the examples are the steps of one long series, each with its next value, which is what an echo state
    network reads (without `shuffle`); with more, windows for a network that forgets from one example to the next.

    Args:
        length: Values of the series, one a unit of time, after a washout of 1,000.
        tau: The delay, in units of time: 17 is mildly chaotic, 30 wildly.
        history: Values in the feature `past`, of shape (history, 1).
        horizon: Values in the target `future`, of shape (horizon,): those that follow.
        seed: Of the value that the series starts from, between 1.1 and 1.3.

    Raises:
        DlkitError: The series is shorter than one example.
    """
    start = 1.2 + 0.2 * (chance(seed, 0).random() - 0.5)
    return forecasts(solve(length + WASHOUT, tau, start)[WASHOUT:].astype("float32"), history, horizon)


def solve(length: int, tau: int, start: float) -> np.ndarray:
    """The solution at times 0, 1, 2 ..., that is `start` at time 0 and before.

    The classical Runge-Kutta method with steps of 0.1, as accurate as that for the delayed term too: its values between
    two steps are those of a cubic through both and their slopes. (Jaeger's report takes steps of 0.1 by Euler's method,
    which is off by a thousandth after five units of time and by a hundredth after a hundred.) Only additions,
    multiplications and divisions, so that it is the same to the last bit on every machine: chaos magnifies every other.

    Returns:
        float64, of shape (length,).
    """
    import numpy as np

    delay, step = tau * STEPS, 1 / STEPS
    values, slopes = [start], [0.0]
    for now in range((length - 1) * STEPS):
        then = now - delay
        gains = [_gain(start)] * 3
        if then >= 0:
            first, last = values[then], values[then + 1]
            middle = (first + last) / 2 + step * (slopes[then] - slopes[then + 1]) / 8
            gains = [_gain(first), _gain(middle), _gain(last)]
        x = values[now]
        k1 = gains[0] - 0.1 * x
        k2 = gains[1] - 0.1 * (x + step / 2 * k1)
        k3 = gains[1] - 0.1 * (x + step / 2 * k2)
        k4 = gains[2] - 0.1 * (x + step * k3)
        slopes[now] = k1
        values.append(x + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4))
        slopes.append(gains[2] - 0.1 * values[-1])
    return np.array(values[::STEPS])


def _gain(delayed: float) -> float:
    second = delayed * delayed
    fourth = second * second
    return 0.2 * delayed / (1 + fourth * fourth * second)
