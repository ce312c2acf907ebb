"""What a model generates, measured over features of another run: from the recipe to evaluation.json."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlkit.errors import DlkitError
from dlkit.evaluation.evaluation import Evaluation
from dlkit.models.saved import load_saved
from dlkit.recipe.facts import Feature
from dlkit.recipe.graph import Component
from dlkit.recipe.load import Recipe, load
from dlkit.runs.folder import RunFolder
from dlkit.workflows.evaluate import evaluate
from dlkit.workflows.generated import raw_values
from dlkit.workflows.preparation import prepare
from dlkit.workflows.run import Run
from dlkit.workflows.train import train

BASE = """name: test/base
data: {source: digits, limit: 200}
model: {sequential: [{Rescaling: {scale: 1/16}}, Flatten, {Dense: {units: 6, name: hidden}}, {Dense: {units: 10}}]}
training: {epochs: 1}
"""
OTHER = BASE.replace("base", "iris").replace("source: digits", "source: iris").replace("units: 10", "units: 3")
METRIC = "frechet_distance"


def generator(features: str, **more: Any) -> Recipe:
    decoder = ["Flatten", {"Dense": {"units": 64, "activation": "sigmoid"}}, {"Reshape": {"target_shape": [8, 8, 1]}}]
    encoder = ["Flatten", {"Dense": {"units": 12}}]
    return load(
        {
            "name": "test/generator",
            "seed": 3,
            "data": {"source": "digits", "limit": 160, "preprocess": {"image": [{"Rescaling": {"scale": 1 / 16}}]}},
            "model": {
                "variational_autoencoder": {
                    "latent_size": 3,
                    "encoder": {"sequential": encoder},
                    "decoder": {"sequential": decoder},
                }
            },
            "training": {"epochs": 1},
            "evaluation": {"metrics": [{METRIC: {"features": features, **more}}]},
        }
    )


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("generated") / "base.yaml"
    path.write_text(BASE)
    return path


@pytest.fixture(scope="module")
def told() -> list[str]:
    return []


@pytest.fixture(scope="module")
def run(base: Path, told: list[str]) -> Run:
    return train(generator(f"recipe:{base}"), runs_dir=base.parent / "runs", told=told.append)


def other(base: Path) -> RunFolder:
    (found,) = (base.parent / "runs" / "test" / "base").iterdir()
    return RunFolder(found)


def test_it_is_the_distance_of_decoded_codes_from_the_test_split(base: Path, run: Run, told: list[str]) -> None:
    assert told[0].index("There is no run of test/base yet") >= 0
    assert not any("are few" in line for line in told)
    real = prepare(run.recipe).raw.test.features["image"]
    decoder, seen = load_saved(run.folder.network("decoder"), {}), load_saved(other(base).best_model, {})
    codes = np.random.default_rng(3).standard_normal((len(real), 3), np.float32)
    made = np.rint(16 * np.asarray(decoder(codes), np.float64)).astype("uint8")
    kernel, bias = (np.asarray(each, np.float64) for each in seen.get_layer("hidden").weights)
    one, two = ((each.reshape(-1, 64) / 16) @ kernel + bias for each in (real, made))
    (mean, cov), (mean2, cov2) = ((each.mean(axis=0), np.cov(each.T)) for each in (one, two))
    from scipy.linalg import sqrtm

    expected = np.square(mean - mean2).sum() + np.trace(cov + cov2 - 2 * np.real(sqrtm(cov @ cov2)))
    assert run.metrics[f"test_{METRIC}"] == pytest.approx(expected, rel=1e-5)


def test_it_is_measured_again_and_stays_where_the_other_run_is_gone(base: Path, run: Run, tmp_path: Path) -> None:
    known = run.metrics[f"test_{METRIC}"]
    assert evaluate(run.folder).metrics[f"test_{METRIC}"] == known
    assert f"test_{METRIC}" not in evaluate(run.folder, which="last").metrics
    alone = RunFolder(tmp_path / "alone")
    shutil.copytree(run.folder.path, alone.path)
    base.rename(tmp_path / "base.yaml")
    try:
        assert evaluate(alone).metrics[f"test_{METRIC}"] == known
        alone.evaluation.unlink()
        with pytest.raises(Exception, match=r"base\.yaml"):
            evaluate(alone)
    finally:
        (tmp_path / "base.yaml").rename(base)
    stored = Evaluation.read(run.folder.evaluation)
    assert stored is not None and stored.metrics[f"test_{METRIC}"] == known


def test_measuring_does_not_change_what_is_learned(base: Path, run: Run) -> None:
    plain = generator(f"recipe:{base}").with_value(None, "evaluation", "metrics")
    again = train(plain, runs_dir=base.parent / "runs")
    for one, two in zip(run.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_few_examples_are_told_before_the_training(base: Path, run: Run) -> None:
    told: list[str] = []
    found = train(generator(f"run:{other(base).path}", samples=6), runs_dir=base.parent / "runs", told=told.append)
    assert any("6 examples for 6 features are few" in line for line in told)
    assert np.isfinite(found.metrics[f"test_{METRIC}"])


def test_what_does_not_fit_is_refused_before_the_training(base: Path, run: Run) -> None:
    root = base.parent / "runs"
    with pytest.raises(DlkitError, match="no layer `hiden`"):
        train(generator(f"run:{other(base).path}", layer="hiden"), runs_dir=root)
    flowers = train(load_text(base, OTHER), runs_dir=root)
    with pytest.raises(DlkitError, match=r"takes float32 of shape \(4\), and `image` is uint8 of shape \(8, 8, 1\)"):
        train(generator(f"run:{flowers.folder.path}"), runs_dir=root)


def load_text(base: Path, text: str) -> Recipe:
    path = base.with_name("other.yaml")
    path.write_text(text)
    return load(path)


def test_values_are_brought_back_to_what_the_data_has() -> None:
    layers = [
        Component("layer", "Rescaling", {"scale": 1 / 16}),
        Component("layer", "Rescaling", {"scale": 2, "offset": -1}),
    ]
    whole, real = Feature("image", (2,), "uint8", maximum=16), Feature("vector", (2,), "float32")
    learned = np.array(
        [[-1.0, 1.0], [0.0, -0.93], [5.0, -5.0]], "float32"
    )  # of 0, 16; 8, 0.56; and of nothing there is
    np.testing.assert_array_equal(raw_values(learned, layers, whole), np.array([[0, 16], [8, 1], [16, 0]], "uint8"))
    back = raw_values(learned, layers, real)
    assert back.dtype == np.float32
    np.testing.assert_allclose((back / 16) * 2 - 1, learned, rtol=1e-6)
