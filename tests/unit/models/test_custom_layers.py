"""The file that a run keeps for a model with layers of dlkit's own classes."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import keras

from dlkit.models.custom_layers import custom_layers
from dlkit.models.layers.leaky_integrate_and_fire import LeakyIntegrateAndFire
from dlkit.recipe.load import parse
from dlkit.workflows.train import train


def imported_by(source: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


def test_models_of_keras_alone_need_none() -> None:
    assert custom_layers(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])) is None


def test_it_imports_only_keras_and_says_nothing_of_dlkits_declarations() -> None:
    inner = keras.Sequential([keras.Input((4, 3)), LeakyIntegrateAndFire(), LeakyIntegrateAndFire(0.5)])
    source = custom_layers(keras.Sequential([keras.Input((4, 3)), inner]))
    assert source is not None
    assert imported_by(source) == {"__future__", "typing", "keras"}
    assert source.count("class LeakyIntegrateAndFire") == 1
    assert "Annotated" not in source and "@register(" not in source and "reset: Literal['subtract', 'zero']" in source


def test_the_model_of_a_run_loads_with_the_file_beside_it(tmp_path: Path) -> None:
    run = train(
        parse(
            "name: t\ndata: {source: digits, limit: 100}\ntraining: {epochs: 1}\n"
            "model: {sequential: [{spiking: {units: [8], steps: 3}}, {Dense: {units: 10}}]}\n"
        ),
        runs_dir=tmp_path,
    )
    program = (
        "import sys, custom_layers, keras\n"
        "for name in ('best.keras', 'model.keras'):\n"
        "    model = keras.models.load_model(name)\n"
        "    print(model(keras.ops.ones((2, 8, 8, 1))).shape)\n"
        "assert not any(module.startswith('dlkit') for module in sys.modules)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=run.folder.path
    )
    assert told.stdout.splitlines() == ["(2, 10)"] * 2
    assert run.evaluate().keys() == run.metrics.keys()
