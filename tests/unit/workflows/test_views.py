"""What a plugin looks for in a model, and draws."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dlkit.recipe.diagnostics import RecipeError
from dlkit.recipe.load import load
from dlkit.reporting.figures import figures_of
from dlkit.workflows.evaluate import evaluate
from dlkit.workflows.train import train

PLUGIN = '''
import dlkit


@dlkit.register(kind="view")
def sizes(subject, /):
    """How large the weights of each layer are."""
    weights = {layer.name: layer.get_weights() for layer in subject.model.layers}
    found = {name: float(abs(of_layer[0]).mean()) for name, of_layer in weights.items() if of_layer}
    return {"sizes": {**found, "examples": len(subject.split)}}


@dlkit.register(kind="figure", needs=["sizes"], wide=True)
def weight_sizes(details, /):
    """The mean size of weights, layer by layer."""
    from matplotlib.figure import Figure

    figure = Figure()
    figure.subplots().bar([*details["sizes"]], [*details["sizes"].values()])
    return figure
'''


def written(folder: Path, **more: Any) -> dict[str, Any]:
    return {
        "name": "test/looks",
        "plugins": [str(folder / "looks.py")],
        "data": {"source": "digits", "limit": 50},
        "model": {"sequential": ["Flatten", {"Dense": {"units": 10, "name": "only"}}]},
        "training": {"epochs": 1},
        **more,
    }


def test_a_view_of_a_plugin_is_measured_and_its_figure_drawn(reports: None, tmp_path: Path) -> None:
    (tmp_path / "looks.py").write_text(PLUGIN)
    recipe = written(tmp_path, evaluation={"figures": ["weight_sizes", "roc"]})
    run = train(load(recipe, allow_plugins=True), runs_dir=tmp_path / "runs").folder
    told = evaluate(run, allow_plugins=True)
    (details,) = (measured["details"] for measured in told.targets.values())
    assert details["sizes"].keys() == {"only", "examples"} and details["sizes"]["examples"] == told.examples
    assert "filters" in details  # dlkit's own views look too
    assert {path.name for path in run.figures.glob("*.png")} == {"weight_sizes.png", "roc.png"}
    page = run.report.read_text()
    assert '<figure class="wide"><figcaption>The mean size of weights, layer by layer</figcaption>' in page
    own = [figure.name for figure in figures_of(load({**recipe, "plugins": [], "evaluation": {}}).components)]
    assert "roc" in own and "weight_sizes" not in own  # what another recipe's plugin registered is not this one's


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('@dlkit.register(kind="figure")\ndef mine(details, /): ...', "the list of details that it `needs`"),
        ('@dlkit.register(kind="figure", needs=["a"])\ndef roc(details, /): ...', "has the name of a known figure"),
        ('@dlkit.register(kind="view")\ndef filters(subject, /): ...', "has the name of a known view"),
    ],
)
def test_a_plugin_takes_no_figure_away(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "looks.py").write_text(f"import dlkit\n\n\n{text}\n")
    with pytest.raises(RecipeError) as raised:
        load(written(tmp_path))
    (found,) = raised.value.diagnostics
    assert found.code in ("plugin", "name-taken") and said in found.message
