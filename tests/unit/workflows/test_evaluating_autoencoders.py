"""What a run tells of an autoencoder: measured again from its saved model, by hand."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from dlkit.models.noise import noisy
from dlkit.recipe.load import load
from dlkit.workflows.feeding import raw_feed
from dlkit.workflows.preparation import prepare
from dlkit.workflows.run import Run
from dlkit.workflows.train import train

CASES = Path(__file__).parents[2] / "contract" / "pattern_cases"


@pytest.fixture(scope="module", params=["autoencoder", "variational_autoencoder"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    recipe = load(CASES / f"{request.param}.yaml", {"training.epochs": 2})
    return train(recipe, runs_dir=tmp_path_factory.mktemp("codes"))


def test_it_is_measured_and_shown(run: Run) -> None:
    recipe = load(run.folder.recipe)
    (measured,) = run.evaluation.targets.values()
    details, metrics = measured["details"], run.metrics
    plane = details["latent_plane"]
    assert len(plane["points"]) == len(plane["classes"]) == run.evaluation.examples
    assert plane["labels"] == [str(number) for number in range(10)]
    model = keras.models.load_model(run.folder.best_model)
    prepared = prepare(recipe)
    split = prepared.raw.test if prepared.raw.test is not None else prepared.raw.validation
    if recipe.pattern and recipe.pattern.name == "variational_autoencoder":
        assert metrics["test_elbo"] < metrics["test_importance_weighted_bound"] < 0 < metrics["test_kl_divergence"]
        low, high = run.evaluation.intervals["test_elbo"]
        assert low < metrics["test_elbo"] < high
        assert {"reconstructions", "prior_samples", "latent_walk"} <= details.keys()
        return
    assert list(details["reconstructions"]["rows"]) == ["true", "noisy", "given back"]
    assert split is not None
    network = keras.Sequential(model.layers[1:])  # what comes after the preprocessing
    errors, before = [], []
    for _, clean in raw_feed(recipe, split, model):
        given = np.asarray(noisy(clean, 0.2))
        errors.append((network.predict_on_batch(given) - np.asarray(clean)) ** 2)
        before.append((given - np.asarray(clean)) ** 2)
    error, noise = (np.concatenate(each).mean() for each in (errors, before))
    assert metrics["test_mean_squared_error"] == pytest.approx(error, rel=1e-4)
    assert metrics["test_noisy_input_mean_squared_error"] == pytest.approx(noise, rel=1e-4)
    assert metrics["test_psnr_gain_over_noisy_input"] == pytest.approx(10 * np.log10(noise / error), rel=1e-3)
