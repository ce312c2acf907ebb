"""dlkit check: the model of a recipe, built on its data and not trained."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from dlkit.cli.app import command
from dlkit.cli.options import AllowPlugins, Quick, Recipe, Settings
from dlkit.cli.output import Output

if TYPE_CHECKING:
    from dlkit.workflows.check import Checked


@command("Recipes", "dlkit check digits/cnn", "dlkit check fashion_mnist/cnn --set data.batch_size=512")
def check(
    out: Output, recipe: Recipe, quick: Quick = False, settings: Settings = None, allow_plugins: AllowPlugins = False
) -> None:
    """Builds a recipe's model without training it.

    The table of layers has the shapes of the recipe's own data; below it stand the memory that training takes, by an
    estimate, and doubts: what runs and is probably not meant.
    """
    from dlkit.cli.start import start_tensorflow
    from dlkit.recipe.load import load

    loaded = load(recipe, settings or (), quick=quick, allow_plugins=allow_plugins)
    start_tensorflow()
    from dlkit.workflows.check import check as check_model

    found = check_model(loaded)
    rows = [(row.name, row.layer, row.shape, f"{row.parameters:,}") for row in found.layers]
    out.table({"name": "left", "layer": "left", "output shape": "left", "parameters": "right"}, rows)
    out.say("\n" + "\n".join(_summary(found)))
    for doubt in found.doubts:
        out.tell_diagnostics(f"\n{doubt.render()}")
    out.result(_as_json(found))


def _summary(found: Checked) -> list[str]:
    facts = found.facts
    sizes = {"train": facts.train_size, "validation": facts.validation_size, "test": facts.test_size}
    return [
        f"parameters       {found.parameters:,} ({found.trainable:,} trained)",
        f"memory           about {_bytes(found.memory_bytes)} (weights, optimizer, one batch, the data)",
        f"steps per epoch  {found.steps_per_epoch:,}",
        "examples         " + ", ".join(f"{size:,} {name}" for name, size in sizes.items() if size),
    ]


def _bytes(number: float) -> str:
    for unit in ("B", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"


def _as_json(found: Checked) -> dict[str, Any]:
    facts = found.facts
    return {
        "layers": [asdict(row) for row in found.layers],
        "parameters": found.parameters,
        "trainable": found.trainable,
        "memory_bytes": found.memory_bytes,
        "steps_per_epoch": found.steps_per_epoch,
        "examples": {"train": facts.train_size, "validation": facts.validation_size, "test": facts.test_size},
        "doubts": [doubt.as_json() for doubt in found.doubts],
    }
