"""Whether a run of a recipe is exact: a callback must tell what it remembers, and XLA cannot promise the same bits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dlkit.recipe.components import Components
from dlkit.recipe.diagnostics import Findings
from dlkit.recipe.graph import Component
from dlkit.recipe.keys import Recipe
from dlkit.recipe.nodes import Mapping, inside, items_of, plain
from dlkit.recipe.training_keys import Training


def inexact_callbacks(trainings: Iterable[Training], components: Components) -> Iterator[Component]:
    """The callbacks of plugins that do not tell what they remember.

    Args:
        trainings: The training of a recipe, or its stages.
        components: Everything the recipe may name.
    """
    for training in trainings:
        for callback in training.callbacks:
            declaration = components.declaration("callback", callback.name)
            if declaration is not None and not declaration.declared.get("has_state"):
                yield callback


def check_exactness(root: Mapping, config: Recipe, components: Components, findings: Findings) -> None:
    """Warns of callbacks that keep a run from being resumed; XLA, where the run is to be deterministic, is a mistake."""
    training = inside(root, "training")
    for section in (training, *items_of(inside(training, "stages"))):
        node = inside(section, "jit_compile")
        if config.deterministic and node is not None and plain(node) is True:
            message = "XLA cannot promise the same bits, and the recipe is `deterministic`: Keras would leave it out"
            cure = "write `deterministic: false` beside it, or leave `jit_compile` out"
            findings.error("not-deterministic", message, node.span, cure)
    for callback in inexact_callbacks((config.training, *(config.training.stages or ())), components):
        message = f"the callback `{callback.name}` does not tell what it remembers: the run cannot be resumed"
        findings.warning("not-resumable", message, callback.span, "give it `get_state()` and `set_state(state)`")
