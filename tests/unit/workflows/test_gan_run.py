"""What a run of a generative adversarial network leaves: measured again by hand."""

from __future__ import annotations

import math
import re
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from dlkit.errors import DlkitError
from dlkit.models.distances import mean_distance
from dlkit.recipe.load import load
from dlkit.training.checkpoints import read_state, states_of
from dlkit.workflows.card import card
from dlkit.workflows.find_lr import find_learning_rate
from dlkit.workflows.preparation import prepare
from dlkit.workflows.run import Run
from dlkit.workflows.tensorboard import hyperparameters
from dlkit.workflows.train import train
from tests.killing import events

CASE = Path(__file__).parents[2] / "contract" / "pattern_cases" / "gan.yaml"
EPOCHS, STEPS = 3, 5


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(load(CASE), runs_dir=tmp_path_factory.mktemp("gan"))


def test_each_network_has_a_learning_rate_of_its_own(run: Run) -> None:
    updates = [epoch * STEPS // 2 for epoch in range(1, EPOCHS + 1)]  # the generator learns in every second step
    cosine = [2e-3 * (1 + math.cos(math.pi * each / round(EPOCHS * STEPS / 2))) / 2 for each in updates]
    lines = run.folder.read_metrics()
    assert [line["generator_learning_rate"] for line in lines] == pytest.approx(cosine, rel=1e-4)
    assert [line["discriminator_learning_rate"] for line in lines] == pytest.approx([1e-3] * EPOCHS)
    told = events(run.folder)
    assert [step for step, _ in told["train/epoch_generator_learning_rate"]] == [0, 1, 2]
    found = hyperparameters(load(run.folder.recipe), {})
    assert found["training.optimizers.generator"] == found["training.optimizers.discriminator"] == "Adam"
    assert found["training.optimizers.discriminator.learning_rate"] == 1e-3


def test_the_state_holds_both_optimizers(run: Run) -> None:
    state = read_state(states_of(run.folder)[-1]).state
    iterations = [int(value) for value in state.variables["optimizer"] if value.dtype == np.int64 or value.shape == ()]
    assert {7, 15} <= set(iterations)


def test_the_last_epoch_is_the_best_and_averages_are_kept_in_both_files(run: Run) -> None:
    best, last = (keras.models.load_model(path) for path in (run.folder.best_model, run.folder.last_model))
    for here, there in zip(best.get_weights(), last.get_weights(), strict=True):
        np.testing.assert_array_equal(here, there)
    trained = read_state(states_of(run.folder)[-1]).state.variables["trainable"]
    kernels = [weights for weights in trained if weights.shape == (32, 64)]
    (averaged,) = (layer.kernel for layer in last.layers if getattr(layer, "name", "") == "generator.dense_1")
    assert not any(np.array_equal(kernel, averaged) for kernel in kernels)


def test_the_script_of_its_card_makes_examples(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = re.search(r"### New examples.*?```python\n(.*?)```", card(run.folder), re.DOTALL)
    assert found
    monkeypatch.chdir(run.folder.path)
    monkeypatch.syspath_prepend(run.folder.path)
    exec(found[1], {})
    assert capsys.readouterr().out.endswith("(16, 8, 8, 1)\n")


def test_diversity_is_that_of_the_generator_that_is_kept(run: Run) -> None:
    generator = keras.models.load_model(run.folder.network("generator"))
    codes = np.random.default_rng(20_140_610).standard_normal((64, 6)).astype(np.float32)
    apart = mean_distance(np.asarray(generator(codes)))
    lines, recipe = run.folder.read_metrics(), load(CASE)
    split = prepare(recipe).splits.test
    assert split is not None
    real = np.asarray(split.features["image"], np.float32) / 8 - 1
    # Of 64 training examples there, of others here.
    assert lines[-1]["diversity"] == pytest.approx(apart / mean_distance(real), rel=0.1)
    codes = np.random.default_rng(2014).standard_normal((len(real), 6)).astype(np.float32)
    made = np.asarray(generator(codes))
    assert run.metrics["test_diversity"] == pytest.approx(mean_distance(made) / mean_distance(real), rel=1e-5)
    discriminator = keras.models.load_model(run.folder.network("discriminator"))
    right = {"real": np.asarray(discriminator(real)) > 0, "generated": np.asarray(discriminator(made)) < 0}
    for kind, each in right.items():
        assert run.metrics[f"test_{kind}_accuracy"] == pytest.approx(each.mean())


def test_the_pictures_of_every_epoch_are_kept(run: Run) -> None:
    files = sorted((run.folder.figures / "made").iterdir())
    assert [file.name for file in files] == [f"train-epoch-{epoch:05d}.png" for epoch in range(1, EPOCHS + 1)]
    with Image.open(files[-1]) as picture:
        pixels = np.asarray(picture)
    told = events(run.folder)["train/made"]
    assert [step for step, _ in told] == [0, 1, 2]
    generator = keras.models.load_model(run.folder.network("generator"))
    codes = np.random.default_rng(20_140_610).standard_normal((64, 6)).astype(np.float32)
    first = np.asarray(generator(codes))[0, 0, 0, 0]
    assert abs(int(pixels[0, 0, 0]) - (first + 1) / 2 * 255) <= 1
    assert "prior_samples" in run.evaluation.targets["image"]["details"]


def test_the_stage_of_a_frozen_discriminator_teaches_the_generator_alone(tmp_path: Path) -> None:
    run = train(load(CASE, {"training.stages": [{"epochs": 1, "freeze": ["discriminator.*"]}]}), runs_dir=tmp_path)
    trained = read_state(states_of(run.folder)[-1]).state.variables["trainable"]
    assert [weights.shape for weights in trained] == [(6, 32), (32,), (32,), (32,), (32, 64), (64,)]
    assert all(math.isfinite(line["loss"]) for line in run.folder.read_metrics())


def test_what_is_logged_may_choose_the_best_epoch() -> None:
    best = {"monitor": "diversity", "mode": "max"}
    assert load(CASE, {"training.best": best}).warnings == ()
    (doubt,) = load(CASE, {"training.best": {"monitor": "diversty"}}).warnings
    assert (doubt.code, doubt.cure) == ("unknown-monitor", "did you mean `diversity`?")


def test_one_rate_cannot_be_found_for_two_networks(tmp_path: Path) -> None:
    with pytest.raises(DlkitError) as raised:
        find_learning_rate(load(CASE), runs_dir=tmp_path)
    assert raised.value.code == "several-optimizers"
