"""Whether a run of a recipe can be resumed exactly: a callback must tell what it remembers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dlkit.recipe.components import Components
from dlkit.recipe.diagnostics import Findings
from dlkit.recipe.graph import Component
from dlkit.recipe.keys import Training


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


def check_exactness(training: Training, components: Components, findings: Findings) -> None:
    """Warns of callbacks that keep a run from being resumed."""
    for callback in inexact_callbacks((training, *(training.stages or ())), components):
        message = f"the callback `{callback.name}` does not tell what it remembers: the run cannot be resumed"
        findings.warning("not-resumable", message, callback.span, "give it `get_state()` and `set_state(state)`")
