"""Holds an exported file against the model that it was written from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import keras

from dlkit.data.arrays import Arrays
from dlkit.errors import DlkitError
from dlkit.evaluation.direction import direction_of_name
from dlkit.evaluation.number_text import number_text
from dlkit.evaluation.subject import Subject
from dlkit.export.as_model import KerasRuntime, as_model
from dlkit.export.format import Runtime, Values
from dlkit.export.proof import METRIC, OUTPUTS, difference, loss_of, seconds_per_sample
from dlkit.export.servable import Servable, functional, whole
from dlkit.export.settings import Settings
from dlkit.runs.exports import Manifest
from dlkit.runs.status import utc_now
from dlkit.workflows.evaluate import measure
from dlkit.workflows.feeding import answers_of
from dlkit.workflows.preparation import Prepared, batch_size_of

_BYTES = 4  # of a weight in float32
_AT_LEAST = 64  # examples that are compared at a time, however few a training step takes


@dataclass(frozen=True, slots=True)
class Proof:
    """What a file is tried with.

    Args:
        prepared: The recipe with its data.
        model: The run's model.
        prefix: The name of the split, which stands before those of metrics.
        split: The examples, raw.
        path: The file of the run's model.
        settings: What is asked for.
    """

    prepared: Prepared
    model: keras.Model
    prefix: str
    split: Arrays
    path: Path
    settings: Settings

    def metrics(self, model: keras.Model) -> dict[str, float]:
        """What a Keras model reaches, measured in the way that a file is: by what it gives, and by nothing else of it."""
        servable = self._whole(model)
        return self._measured(self._as_model(servable, KerasRuntime(servable)))

    def manifest(
        self,
        which: Literal["best", "last"],
        before: Mapping[str, float],
        model: keras.Model,
        servable: Servable,
        runtime: Runtime,
        package: str,
        folder: Path,
        examples: Values,
    ) -> Manifest:
        """Runs a file, and tells what was found.

        Args:
            which: `best` or `last`.
            before: The metrics of the run's model.
            model: The model that was written: the run's, or that one pruned, or in float32.
            servable: The part of it that the file holds.
            runtime: The opened file.
            package: What runs it.
            folder: Where it is.
            examples: Some to take the time with.

        Raises:
            DlkitError: It differs by more than the tolerance (`export-differs`).
        """
        exported = self._as_model(servable, runtime)
        at_once = max(batch_size_of(self.prepared.recipe), _AT_LEAST)
        apart = difference(model, exported, self.split, at_once)
        if self.settings.quantize is None:
            self._check_outputs(apart.largest, apart.scale, apart.within(self._of_outputs))
        after = self._measured(exported)
        both = {name: {"before": value, "after": after[name]} for name, value in before.items() if name in after}
        metric = self._deciding(both) if self.settings.is_lossy or model is not self.model else None
        if metric:
            self._check_metric(metric, **both[metric])
        asked = self.settings
        return Manifest(
            format=asked.format,
            file=asked.known.file,
            model=which,
            quantize=asked.quantize,
            prune=asked.prune,
            finetune_epochs=asked.finetune_epochs,
            bytes=_size(folder / asked.known.file),
            bytes_before=_BYTES * model.count_params(),
            largest_difference=apart.largest,
            scale=apart.scale,
            metric=metric,
            tolerance=self._of_metric if asked.is_lossy else self._of_outputs,
            metrics=both,
            seconds_per_sample={
                "before": seconds_per_sample(KerasRuntime(servable), examples),
                "after": seconds_per_sample(runtime, examples),
            },
            examples=len(self.split),
            split=self.prefix,
            inputs=_told(servable.inputs, servable.model.inputs),
            outputs=_outputs(servable),
            front=list(servable.front.names) if servable.front else [],
            runtime={"name": package, "version": runtime.version},
            time=utc_now(),
        )

    @property
    def _of_outputs(self) -> float:
        """The difference of outputs that is allowed; `tolerance` is of it where nothing is meant to be lost."""
        given = None if self.settings.is_lossy else self.settings.tolerance
        return OUTPUTS if given is None else given

    @property
    def _of_metric(self) -> float:
        given = self.settings.tolerance if self.settings.is_lossy else None
        return METRIC if given is None else given

    def _whole(self, model: keras.Model) -> Servable:
        return whole(model, next(iter(self.prepared.recipe.supervisions)))

    def _as_model(self, servable: Servable, runtime: Runtime) -> keras.Model:
        """The file as a model of raw features."""
        known = self.prepared.raw_features
        features = {tensor.name: known[tensor.name] for tensor in self.model.inputs}
        return as_model(runtime, features, _outputs(servable), front=servable.front)

    def _measured(self, measured: keras.Model) -> dict[str, float]:
        prepared = self.prepared
        recipe = prepared.recipe
        subject = Subject(recipe, self.model, self.split, measured, None, answers_of(recipe, self.model))
        return dict(measure(subject, self.prefix, prepared.raw.train, self.path, prepared.scales).metrics)

    def _deciding(self, metrics: Mapping[str, Any]) -> str:
        """The metric that decides: the first one that the recipe expects, else the first of which more is better."""
        expected = [name for name in self.prepared.recipe.config.expect or {} if name in metrics]
        better = [name for name in metrics if direction_of_name(name) == "max"]
        return next(iter([*expected, *better, *metrics]))

    def _direction(self, metric: str) -> Literal["min", "max"] | None:
        """Whether less or more of a metric is better: as the recipe expects it, or as its name tells."""
        expected = (self.prepared.recipe.config.expect or {}).get(metric)
        if expected and expected.equals is None and (expected.at_least is None) != (expected.at_most is None):
            return "min" if expected.at_least is None else "max"
        return direction_of_name(metric)

    def _check_outputs(self, largest: float, scale: float, holds: bool) -> None:
        if holds:
            return
        raise DlkitError(
            f"The {self.settings.format} file gives other outputs than the model: they differ by up to {largest:.3g}, and "
            f"{self._of_outputs:g} of the largest output, {scale:.3g}, is allowed. Nothing was written.",
            "A model whose layers draw at random has outputs of its own each time; otherwise allow more with --tolerance.",
            "export-differs",
        )

    def _check_metric(self, metric: str, before: float, after: float) -> None:
        direction = self._direction(metric)
        lost = loss_of(direction, before, after)
        if lost <= self._of_metric:
            return
        unit = " of it" if direction == "min" else ""
        raise DlkitError(
            f"The {self.settings.format} file reaches {metric} {number_text(after)}, and the model {number_text(before)}: "
            f"it loses {lost:.3g}, and {self._of_metric:g}{unit} is allowed. Nothing was written.",
            "Take a finer type, as float16, prune less or fine-tune for longer; or allow more with --tolerance.",
            "export-differs",
        )


def _told(names: Sequence[str], tensors: Sequence[Any]) -> dict[str, Any]:
    """Shapes, with the batch first, and types of tensors by name."""
    return {
        name: {"shape": list(tensor.shape), "dtype": str(tensor.dtype)}
        for name, tensor in zip(names, tensors, strict=True)
    }


def _outputs(servable: Servable) -> dict[str, Any]:
    """What is to be known of the outputs of a file, with the target of each."""
    output = functional(servable.model).output
    targets = sorted(output) if isinstance(output, dict) else servable.outputs
    shapes = _told(servable.outputs, servable.model.outputs)
    return {name: {**shapes[name], "target": target} for name, target in zip(servable.outputs, targets, strict=True)}


def _size(path: Path) -> int:
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return sum(each.stat().st_size for each in files)
