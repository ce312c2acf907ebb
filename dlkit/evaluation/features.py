"""Features: what a layer of a trained model makes of examples."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from dlkit.data.arrays import Arrays, Values
from dlkit.data.feed import Feed
from dlkit.errors import DlkitError
from dlkit.models.inner_layers import layer_outputs

_AT_ONCE = 256


def feature_network(model: keras.Model, layer: str | None) -> keras.Model:
    """A model up to the layer that gives the features.

    Args:
        model: Of one input.
        layer: The layer whose outputs they are; None: what enters the last Dense.

    Raises:
        DlkitError: The model has several inputs (`several-features`), no such layer (`unknown-layer-name`), or no Dense
            (`no-features`).
    """
    if len(model.inputs) > 1:
        names = ", ".join(tensor.name for tensor in model.inputs)
        raise DlkitError(
            f"Features are taken from a model of one input, and this one takes {names}.",
            "Name another run as `features`.",
            "several-features",
        )
    first, outputs, _ = layer_outputs(model)
    return keras.Model(first, _features(model, layer, first, outputs))


def features_of(model: keras.Model, layer: str | None, examples: Values) -> np.ndarray:
    """The features of raw examples, float64 of shape (examples, features).

    Raises:
        DlkitError: As `feature_network`; or they are not finite (`not-a-number`).
    """
    network = feature_network(model, layer)
    feed = Feed(Arrays({"examples": examples}, {}), batch_size=_AT_ONCE, shuffle=False)
    batches = [keras.ops.convert_to_numpy(network(x, training=False)) for (x,) in feed]
    found = np.concatenate([batch.reshape(len(batch), -1) for batch in batches]).astype(np.float64)
    if not np.isfinite(found).all():
        raise DlkitError("The features of examples are not finite.", "Take another `layer`.", "not-a-number")
    return found


def _features(model: keras.Model, layer: str | None, first: Any, outputs: dict[str, Any]) -> Any:
    if layer is not None:
        if layer not in outputs:
            raise DlkitError(
                f"The model that gives the features has no layer `{layer}`.",
                f"Its layers are called {', '.join(outputs)}.",
                "unknown-layer-name",
            )
        return outputs[layer]
    dense = [each for each in model.layers if isinstance(each, keras.layers.Dense)]
    if not dense:
        raise DlkitError(
            "The model that gives the features has no Dense layer.", "Say with `layer` where they are.", "no-features"
        )
    if not isinstance(model, keras.Sequential):
        return dense[-1].input
    names = list(outputs)
    place = names.index(dense[-1].name)
    return outputs[names[place - 1]] if place else first
