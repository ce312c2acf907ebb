"""Which features the augmentations of a recipe change, told before any data is loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dlkit.recipe.components import Components
from dlkit.recipe.diagnostics import Findings, did_you_mean, listing
from dlkit.recipe.facts import DataFacts, Feature
from dlkit.recipe.graph import Component

# Keras's layers that change pictures at random, or in a way that serves as one of several; a test holds the list
# against the installed Keras.
IMAGE_LAYERS = frozenset(
    {
        *("AutoContrast", "ContrastLimitedAdaptiveHistogramEqualization", "CutMix", "Equalization", "MixUp"),
        *("RandAugment", "RandomBrightness", "RandomColorDegeneration", "RandomColorJitter", "RandomContrast"),
        *("RandomCrop", "RandomElasticTransform", "RandomErasing", "RandomFlip", "RandomGaussianBlur"),
        *("RandomGrayscale", "RandomHue", "RandomInvert", "RandomPerspective", "RandomPosterization"),
        *("RandomRotation", "RandomSaturation", "RandomSharpness", "RandomShear", "RandomTranslation", "RandomZoom"),
        "Solarization",
    }
)
# Its layers that add noise to numbers of any kind.
NOISE_LAYERS = frozenset({"Dropout", "GaussianDropout", "GaussianNoise"})
# Its image layers that do not serve -> why, and what does.
UNFIT_LAYERS = {
    "AugMix": "it draws its chain of changes once, not in every step: write RandAugment",
    "CenterCrop": "it gives pictures of another size: write pad_and_crop, or put it into the model",
    "MaxNumBoundingBoxes": "it changes boxes, not pictures",
    "Resizing": "it gives pictures of another size: put it into the model",
}
MIXING = frozenset({"CutMix", "MixUp"})

_OF_COLOR = frozenset({"RandomHue", "RandomSaturation"})

# Arguments of Keras's layers that have no say here -> why.
_NO_SAY = {
    "seed": "what it draws follows from the recipe's `seed`, the epoch and the step",
    "data_format": "pictures are channels_last",
}

_FLOATS = ("float16", "float32", "float64")
_NUMBERS = {kind: _FLOATS for kind in ("image", "vector", "number", "sequence", "audio")}
_PICTURES = {"image": ("uint8", "uint16", *_FLOATS)}


@dataclass(frozen=True, slots=True)
class Augmentation:
    """One entry of `data.augment`.

    Args:
        component: A layer of Keras, or an augmentation.
        place: Its path in the recipe.
        features: The features that it changes, all of them by the same draws.
    """

    component: Component
    place: str
    features: tuple[str, ...]

    @property
    def mixes(self) -> bool:
        """Whether it mixes examples, and so their labels."""
        return self.component.kind == "layer" and self.component.name in MIXING


def read_augmentations(
    entries: Sequence[Any], facts: DataFacts, components: Components, findings: Findings
) -> tuple[Augmentation, ...]:
    """What `data.augment` changes; mistakes are noted.

    Args:
        entries: The entries, components read; what is none was noted before.
    """
    made = []
    for number, component in enumerate(entries):
        if not isinstance(component, Component):
            continue
        takes = _takes(component, components, findings)
        if takes is None:
            continue
        _check_arguments(component, findings)
        found = Augmentation(component, f"data.augment[{number}]", _features(component, takes, facts, findings))
        for name in found.features:
            _check_pictures(component, name, facts.features[name].shape, findings)
            _check_range(component, name, facts.features[name], components, findings)
        if found.mixes:
            _check_mixed(component, facts, findings)
        made.append(found)
    return tuple(made)


def mixing(augmentations: Iterable[Augmentation]) -> str | None:
    """The name of the augmentation that mixes labels, if there is one."""
    return next((found.component.name for found in augmentations if found.mixes), None)


def _takes(component: Component, components: Components, findings: Findings) -> Mapping[str, Sequence[str]] | None:
    """The kinds of features that it changes, with their types; None, and noted, where it is no augmentation."""
    name = component.name
    if component.kind == "augmentation":
        declared = components.declaration("augmentation", name)
        on = declared.declared.get("on") if declared else None
        return on if on else {}
    if name in IMAGE_LAYERS:
        return _PICTURES
    if name in NOISE_LAYERS:
        return _NUMBERS
    known = sorted({*IMAGE_LAYERS, *NOISE_LAYERS, *components.names("augmentation")})
    cure = UNFIT_LAYERS.get(name) or did_you_mean(name, known, f"known are {listing(known, len(known))}")
    findings.error("no-augmentation", f"`{name}` is a layer that does not augment", component.span, cure)
    return None


def _check_arguments(component: Component, findings: Findings) -> None:
    """Notes arguments that would be ignored, or would take pictures for what they are not."""
    for name, reason in _NO_SAY.items() if component.kind == "layer" else ():
        if component.arguments.get(name) not in (None, "channels_last"):
            message = f"`{component.name}` does not use `{name}` in `data.augment`: {reason}"
            findings.error("unused-key", message, component.span, f"take `{name}` out")


def _features(
    component: Component, takes: Mapping[str, Sequence[str]], facts: DataFacts, findings: Findings
) -> tuple[str, ...]:
    """The features of the kinds and types that it changes; every one, where it does not tell."""
    found = tuple(
        name for name, feature in facts.features.items() if not takes or feature.dtype in takes.get(feature.kind, ())
    )
    if facts.features and not found:
        wanted = listing(takes)
        message = f"`{component.name}` changes {wanted} features, and there is none that it can change"
        findings.error("nothing-to-augment", message, component.span, _cure(component, takes, facts.features))
    return found


def _cure(component: Component, takes: Mapping[str, Sequence[str]], features: Mapping[str, Feature]) -> str:
    has = ", ".join(f"`{name}` ({feature.kind}, {feature.dtype})" for name, feature in features.items())
    if component.name in NOISE_LAYERS and any(feature.kind in takes for feature in features.values()):
        return f"it changes floating-point values only; the data has {has}: write `gaussian_noise: {{stddev: ...}}`"
    return f"the data has {has}"


def _check_pictures(component: Component, name: str, shape: tuple[int | None, ...] | None, findings: Findings) -> None:
    """Notes what does not fit pictures of this shape, (height, width, channels)."""
    if component.kind != "layer" or shape is None or len(shape) != 3:
        return
    if component.name in _OF_COLOR and shape[2] not in (None, 3):
        message = f"`{component.name}` changes colors, and `{name}` has the shape {shape}: no three channels"
        findings.error("cannot-augment", message, component.span, "take it out")
    elif component.name == "RandomCrop":
        size = (component.arguments.get("height"), component.arguments.get("width"))
        known = all(isinstance(side, int) for side in (*size, *shape[:2]))
        if known and size != shape[:2]:
            message = (
                f"RandomCrop makes `{name}` {size[0]} x {size[1]} pixels, and the model takes {shape[0]} x {shape[1]}"
            )
            cure = "write `pad_and_crop`, which keeps the size and moves each picture by itself"
            findings.error("cannot-augment", message, component.span, cure)


def _check_range(component: Component, name: str, feature: Feature, components: Components, findings: Findings) -> None:
    """Notes a layer that must know what pixels range over, and neither the type of the pixels nor the recipe tells."""
    spec = components.find(component.kind, component.name)
    asks = component.kind == "layer" and spec is not None and "value_range" in spec.arguments
    if asks and feature.dtype != "uint8" and feature.maximum is None and "value_range" not in component.arguments:
        message = f"`{component.name}` must know the range of `{name}`, whose values are {feature.dtype}"
        cure = f"write `{component.name}: {{value_range: [0, 1]}}`, with the smallest and the largest value"
        findings.error("cannot-augment", message, component.span, cure)


def _check_mixed(component: Component, facts: DataFacts, findings: Findings) -> None:
    """Notes targets that cannot be mixed."""
    targets = facts.targets
    if targets and [target.kind for target in targets.values()] != ["classes"]:
        has = ", ".join(f"`{name}` ({target.kind})" for name, target in targets.items())
        message = f"`{component.name}` mixes the labels of a single target of classes; found {has}"
        cure = "choose one with `data.targets`, or take it out" if len(targets) > 1 else "take it out"
        findings.error("cannot-mix", message, component.span, cure)
