"""The kinds of components, and the page that each is told on."""

from __future__ import annotations

from dataclasses import dataclass

from dlkit.recipe.registry import HOMES


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of component that dlkit has some of.

    Args:
        title: As a heading.
        page: The name of its page, without `.md`.
        where: Where a recipe names one.
    """

    title: str
    page: str
    where: str


KINDS = {
    "source": Kind("Sources", "sources", "Where the examples come from: `data.source`."),
    "augmentation": Kind(
        "Augmentations",
        "augmentations",
        "Random changes of training examples, beside Keras's own layers: items of `data.augment`.",
    ),
    "architecture": Kind(
        "Architectures", "architectures", "Written where a layer is, or as the whole `model`: gives layers."
    ),
    "layer": Kind("Layers", "layers", "Beside Keras's own layers, in networks and under `data.preprocess`."),
    "pattern": Kind(
        "Patterns", "patterns", "How a model learns, where it is not from labels alone: written as `model`."
    ),
    "loss": Kind("Losses", "losses", "Beside Keras's own: `training.loss` and `training.losses`."),
    "schedule": Kind("Schedules", "schedules", "Beside Keras's own: an optimizer's `learning_rate`."),
    "baseline": Kind("Baselines", "measures", "What the model is held against: items of `evaluation.metrics`."),
    "rollout": Kind("Free runs", "measures", "The model on its own outputs: items of `evaluation.metrics`."),
    "generation": Kind("Measures of what is generated", "measures", "Items of `evaluation.metrics`."),
    "figure": Kind("Figures", "figures", "Drawn into the report where the evaluation has what they need."),
    "view": Kind("Views", "figures", "Looks into a model that the evaluation takes by itself, where they apply."),
    "algorithm": Kind("Search algorithms", "algorithms", "How a search chooses values: `tune.algorithm`."),
    "export_format": Kind("Export formats", "export_formats", "`dlkit export --format`, or `export.format`."),
}
assert KINDS.keys() == HOMES.keys()
# Keras's kinds, by what their headings on the page of Keras's components are called.
OF_KERAS = {
    "layer": "Layers",
    "optimizer": "Optimizers",
    "loss": "Losses",
    "metric": "Metrics",
    "callback": "Callbacks",
    "schedule": "Schedules",
    "initializer": "Initializers",
    "regularizer": "Regularizers",
    "constraint": "Constraints",
    "activation": "Activations",
    "application": "Applications",
}
_ELSEWHERE = {"block": "[block](#keys-of-blocks)", "network": "[network](#keys-of-model)"}


def link_to_kind(kind: str) -> str:
    """A kind with a link to where its members are told, as the pages under reference/ write it."""
    word = kind.replace("_", " ")
    if kind in _ELSEWHERE:
        return _ELSEWHERE[kind]
    own = f"[{word}]({KINDS[kind].page}.md)" if kind in KINDS else ""
    keras = f"[Keras's {word}](keras.md#{kind})" if kind in OF_KERAS else ""
    return " or ".join(filter(None, (own, keras)))
