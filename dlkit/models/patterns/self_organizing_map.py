"""The self-organizing map (Kohonen, 1982, Biological Cybernetics 43; 1990, Proceedings of the IEEE 78)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import keras
import numpy as np

from dlkit.errors import DlkitError
from dlkit.models.map_grid import positions, squared_distances
from dlkit.models.map_units import set_units, units_of
from dlkit.models.pattern import Pattern
from dlkit.recipe.registry import Range, register

_LEARNING_RATE, _FINAL_SHARE = 0.5, 1 / 101
_LEAST = 1e-12  # weight of all examples together, below which a unit stays where it is


@register(
    kind="pattern",
    learns="inputs",
    classes=True,
    layers=[
        "Flatten",
        {
            "unit_distances": {
                "rows": "$rows",
                "columns": "$columns",
                "initial_weights": "$initial_weights",
                "name": "map",
            }
        },
    ],
    loss="quantization_error",
    task="self_organization",
    replicas=False,
    gradients=False,
    unused=[
        "training.loss_weights",
        "training.metrics",
        "training.metrics_by_output",
        "evaluation.metrics",
        "data.class_weight",
    ],
)
class SelfOrganizingMap(Pattern):
    """Units on a grid, each a point among the examples: near on the grid comes to mean near among the examples.

    An example moves the unit that is nearest to it, and the units around that on the grid by
    `exp(-d^2 / (2 radius^2))`, where `d` is their distance on the grid.

    Args:
        rows: Of the grid.
        columns: Of the grid.
        grid: `rectangular`, or `hexagonal` where every second row is moved by half a unit.
        rule: `batch`: after each epoch, every unit becomes the mean of all examples, weighted by how far it is on the grid
            from the unit that they are nearest to (Kohonen, 1990); the result does not depend on their order or the size
            of a batch. `online`: one example after the other moves the units a part of the way, also within a batch
            (Kohonen, 1982; MiniSom).
        radius: Of the neighborhood at the beginning of a stage, in distances between units; half the longer side of the
            grid where it is left out.
        final_radius: Of the neighborhood at its end. The batch rule has it in the last epoch.
        decay: How the radius and the learning rate go from one to the other over the stage: `linear`, `exponential`, or
            `inverse`, whose inverse grows evenly, as MiniSom has it.
        initial_weights: What the units begin as: random `examples`, or along the first two `principal_components`.
        learning_rate: Of the online rule: the part of the way to an example that the nearest unit goes at the beginning;
            0.5 where it is left out.
        final_learning_rate: The same at the end; 1/101 of `learning_rate` where it is left out, as in MiniSom.

    Raises:
        DlkitError: A learning rate is given to the batch rule, which has none (`unused-argument`).
    """

    def __init__(
        self,
        inputs: Any,
        outputs: Any,
        /,
        *,
        rows: Annotated[int, Range(min=1)],
        columns: Annotated[int, Range(min=1)],
        grid: Literal["rectangular", "hexagonal"] = "rectangular",
        rule: Literal["batch", "online"] = "batch",
        radius: Annotated[float, Range(above=0)] | None = None,
        final_radius: Annotated[float, Range(above=0)] = 1.0,
        decay: Literal["linear", "exponential", "inverse"] = "inverse",
        initial_weights: Literal["examples", "principal_components"] = "examples",
        learning_rate: Annotated[float, Range(above=0, max=1)] | None = None,
        final_learning_rate: Annotated[float, Range(above=0, max=1)] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(inputs, outputs, **kwargs)
        if rule == "batch" and (learning_rate, final_learning_rate) != (None, None):
            raise DlkitError(
                "The batch rule of `self_organizing_map` has no learning rate.",
                "Take `learning_rate` and `final_learning_rate` out, or write `rule: online`.",
                "unused-argument",
            )
        self._rule, self._decay = rule, decay
        self._radius = (max(rows, columns) / 2 if radius is None else radius, final_radius)
        first = _LEARNING_RATE if learning_rate is None else learning_rate
        self._rate = (first, first * _FINAL_SHARE if final_learning_rate is None else final_learning_rate)
        self._places = positions(rows, columns, grid)
        self._stage_steps = 0
        self._steps = self._counter("steps")
        if rule == "batch":
            units, values = units_of(self).shape
            self._steps_before = self._counter("steps_before")
            self._sums = self.add_weight((units, values), "zeros", "float32", trainable=False, name="sums")
            self._counts = self.add_weight((units,), "zeros", "float32", trainable=False, name="counts")

    def begin_stage(self, steps: int, phase: str | None) -> None:
        self._stage_steps = steps
        self._steps.assign(0)
        if self._rule == "batch":
            self._begin_pass()

    def own_callbacks(self) -> Sequence[keras.callbacks.Callback]:
        return (_EndsPass(),) if self._rule == "batch" else ()

    def train_step(self, data: Any) -> dict[str, Any]:
        """Takes in a batch; the online rule learns from it at once."""
        ops = keras.ops
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        distances = self(x, training=True)
        loss = self.compute_loss(x, y, distances)
        values = ops.cast(ops.reshape(x, (ops.shape(x)[0], -1)), "float32")
        if self._rule == "online":
            self._learn_one_by_one(values)
        else:
            self._gather(values, ops.argmin(distances, axis=-1))
        self._steps.assign_add(1)
        self._loss_tracker.update_state(loss, sample_weight=ops.shape(x)[0])
        return self.compute_metrics(x, y, distances)

    def end_pass(self) -> None:
        """Has the batch rule learn from the examples since it last did, if there were any."""
        ops = keras.ops
        steps, before = (int(ops.convert_to_numpy(each)) for each in (self._steps, self._steps_before))
        if steps == before:
            return
        # The first pass has the radius of the beginning, the last one that of the end.
        last = self._stage_steps - (steps - before)
        radius = self._decayed(self._radius, before / last if last else 0.0)
        nearness = np.exp(-squared_distances(self._places) / (2 * radius**2)).astype("float32")
        weights = ops.expand_dims(ops.matmul(nearness, self._counts), -1)
        means = ops.matmul(nearness, self._sums) / ops.maximum(weights, _LEAST)
        set_units(self, ops.where(weights > _LEAST, means, units_of(self)))
        self._begin_pass()

    def _begin_pass(self) -> None:
        self._steps_before.assign(self._steps)
        for gathered in (self._sums, self._counts):
            gathered.assign(keras.ops.zeros_like(gathered))

    def _gather(self, values: Any, nearest: Any) -> None:
        """The sum of the examples that each unit is nearest to, and their number: all that the batch rule needs."""
        ops, units = keras.ops, len(self._places)
        self._sums.assign_add(ops.segment_sum(values, nearest, num_segments=units))
        self._counts.assign_add(ops.segment_sum(ops.ones_like(values[:, 0]), nearest, num_segments=units))

    def _learn_one_by_one(self, values: Any) -> None:
        ops = keras.ops
        places = ops.convert_to_tensor(self._places, "float32")
        examples = ops.shape(values)[0]
        steps = ops.cast(self._steps, "float32")

        def learn(number: Any, units: Any) -> Any:
            progress = (steps + ops.cast(number, "float32") / ops.cast(examples, "float32")) / self._stage_steps
            ways = values[number] - units
            nearest = ops.argmin(ops.sum(ops.square(ways), axis=-1))
            apart = ops.sum(ops.square(places - places[nearest]), axis=-1)
            nearness = ops.exp(-apart / (2 * self._decayed(self._radius, progress) ** 2))
            return units + ops.expand_dims(self._decayed(self._rate, progress) * nearness, -1) * ways

        set_units(self, ops.fori_loop(0, examples, learn, units_of(self)))

    def _decayed(self, ends: tuple[float, float], progress: Any) -> Any:
        """What has come of the first of two numbers on the way to the second; `progress` goes from 0 to 1."""
        first, last = ends
        if self._decay == "linear":
            return first + (last - first) * progress
        if self._decay == "exponential":
            return first * (last / first) ** progress
        return first / (1 + (first / last - 1) * progress)

    def _counter(self, name: str) -> keras.Variable:
        return self.add_weight((), "zeros", "int32", trainable=False, name=name)


class _EndsPass(keras.callbacks.Callback):
    """Has the map learn from a pass before it is measured on the validation split."""

    def get_state(self) -> None:
        return None

    def set_state(self, state: None) -> None:
        pass

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        self.model.end_pass()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.model.end_pass()
