"""What an autoencoder is measured by besides its errors, and what its report shows."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from dlkit.data.arrays import Arrays, take
from dlkit.data.feed import Feed
from dlkit.evaluation import latent
from dlkit.evaluation.bootstrap import intervals
from dlkit.evaluation.tasks.task import averages
from dlkit.evaluation.variational_bound import Halves, variational_bounds
from dlkit.models.inner_layers import layer_outputs
from dlkit.models.instantiate import instantiate
from dlkit.models.noise import with_noise
from dlkit.recipe.load import Recipe
from dlkit.recipe.task_metrics import task_of
from dlkit.workflows.feeding import answers_of, raw_feed

_NOISE = "noise"  # the layer of the autoencoder, and its argument
_SHOWN = 16  # examples
_PLACED = 2000  # in the plane of codes
_AT_ONCE = 128
_LIKELIHOODS = ("bernoulli_likelihood", "gaussian_likelihood")

Metrics = dict[str, float]
Intervals = dict[str, tuple[float, float]]


def noisy_parts(recipe: Recipe, model: keras.Model) -> tuple[keras.Model, keras.Model | None]:
    """The model that a recipe measures: with the noise of a denoising autoencoder, and what gives its noisy inputs."""
    is_autoencoder = recipe.pattern is not None and recipe.pattern.name == "autoencoder"
    deviation = recipe.pattern_arguments()[_NOISE] if is_autoencoder else None
    return with_noise(model, _NOISE, float(deviation)) if deviation else (model, None)


def bounds_of(recipe: Recipe, model: keras.Model, split: Arrays) -> tuple[Metrics, Intervals]:
    """The bounds of the log-likelihood that a variational autoencoder gives, and their intervals; nothing of others."""
    halves = Halves.of(model) if recipe.pattern else None
    losses = [found.loss for found in recipe.supervisions.values()]
    if halves is None or losses[0].name not in _LIKELIHOODS:
        return {}, {}
    seed = recipe.config.seed
    found = variational_bounds(halves, instantiate(losses[0]).call, raw_feed(recipe, split, model), seed)
    recount = averages(found)
    return recount(np.ones(len(split))), intervals(recount, len(split), seed=seed)


def codes_of(recipe: Recipe, model: keras.Model, split: Arrays) -> dict[str, dict[str, Any]]:
    """What there is to look at, by target, for evaluation.json; nothing where the model gives nothing back.

    Args:
        recipe: With the facts of its data.
        model: Its saved model.
        split: The examples that it is measured on, raw.
    """
    answers = answers_of(recipe, model)
    ((target, known), *more) = recipe.facts.targets.items()
    if more or answers is None or task_of(known) != "reconstruction":
        return {}
    halves = Halves.of(model)
    codes = _codes(recipe, model, halves, split)
    classes = split.targets.get(known.held_against or "")
    beside = None if classes is None else np.asarray(take(classes, np.arange(len(codes)))).reshape(-1)
    labels = known.labels or tuple(map(str, range(known.classes or 0)))
    found = {"latent_plane": latent.plane(codes, beside, labels)}
    if latent.are_pictures(known.shape or ()):
        few = split.take(np.arange(min(len(split), _SHOWN)))
        ((x, truth),) = Feed(few, batch_size=len(few), shuffle=False, answers=answers)
        truth = np.asarray(truth)
        whole, given = noisy_parts(recipe, model)
        noisy = {"noisy": np.asarray(given.predict_on_batch(x))} if given else {}
        back = np.asarray(whole.predict_on_batch(x)).reshape(truth.shape)
        found["reconstructions"] = latent.reconstructions({"true": truth, **noisy, "given back": back})
        if halves:
            found["prior_samples"] = latent.samples(halves.decode, codes.shape[1], recipe.config.seed, truth)
            found["latent_walk"] = latent.walk(halves.decode, codes[:_SHOWN], truth)
    return {target: found}


def _codes(recipe: Recipe, model: keras.Model, halves: Halves | None, split: Arrays) -> np.ndarray:
    """The codes of the first examples of a split, of shape (examples, size)."""
    first = split.take(np.arange(min(len(split), _PLACED)))
    feed = Feed(first.select(targets=[]), batch_size=_AT_ONCE, shuffle=False)
    if halves:
        return np.concatenate([halves.moments(x)[0] for (x,) in feed])
    _, coded = recipe.graphs["model"].parts["encoder"]
    given, outputs, _ = layer_outputs(model)
    encoder = keras.Model(given, outputs[coded.call])
    codes = np.concatenate([np.asarray(encoder.predict_on_batch(x)) for (x,) in feed])
    return codes.reshape(len(codes), -1)
