"""The front matter of a model card, as Hugging Face's Hub reads it.

https://github.com/huggingface/hub-docs/blob/main/modelcard.md tells the keys. What the run does not know, as the
license, is left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from dlkit.reporting.carded import Carded, is_of_baseline

# The data sets under which the Hub knows sources of dlkit's.
_DATASETS = {
    "cifar10": "uoft-cs/cifar10",
    "cifar100": "uoft-cs/cifar100",
    "fashion_mnist": "zalando-datasets/fashion_mnist",
    "imdb": "stanfordnlp/imdb",
    "mnist": "ylecun/mnist",
}
# https://huggingface.co/tasks, by task and kind of the features.
_PIPELINES = {
    "classification": {
        "image": "image-classification",
        "text": "text-classification",
        "audio": "audio-classification",
        "table": "tabular-classification",
    },
    "multi_label": {"image": "image-classification", "text": "text-classification", "table": "tabular-classification"},
    "regression": {"table": "tabular-regression"},
    "forecasting": {"sequence": "time-series-forecasting"},
    "language_modelling": {"sequence": "text-generation", "text": "text-generation"},
    "sequence_output": {"image": "image-to-text", "audio": "automatic-speech-recognition"},
    "reconstruction": {"image": "image-to-image"},
    "generation": {"image": "unconditional-image-generation", "sequence": ""},
}
_TABLES = ("vector", "number", "category")
# https://huggingface.co/metrics
_METRICS = {
    "accuracy": "accuracy",
    "auc": "roc_auc",
    "exact_match": "exact_match",
    "mean_absolute_error": "mae",
    "mean_squared_error": "mse",
    "perplexity": "perplexity",
    "r2": "r_squared",
    **{f"{kind}{end}": kind for kind in ("f1", "precision", "recall") for end in ("", "_macro", "_micro", "_weighted")},
}


def metadata(carded: Carded) -> dict[str, Any]:
    """The front matter as plain values."""
    source = carded.source if isinstance(carded.source, str) else next(iter(carded.source))
    pipelines = list(dict.fromkeys(filter(None, (pipeline_of(carded, target) for target in carded.tasks))))
    results = list(_results(carded, source))
    found: dict[str, Any] = {
        "library_name": "keras",
        "pipeline_tag": pipelines[0] if pipelines else None,
        "tags": ["keras", "tensorflow", "dlkit", *carded.kinds, *pipelines[1:]],
        "datasets": None if carded.is_own_data else [_DATASETS.get(source, source)],
        "metrics": list(dict.fromkeys(_known_metrics(carded))),
        "model-index": [{"name": carded.told.name, "results": results}] if results else None,
    }
    return {key: value for key, value in found.items() if value}


def pipeline_of(carded: Carded, target: str) -> str | None:
    """The Hub's word for what a model does to predict a target; None where it has none."""
    kinds = {"table" if each.kind in _TABLES else each.kind for each in carded.raw_features.values()}
    known = _PIPELINES.get(carded.tasks[target], {})
    if len(kinds) > 1:  # tables beside others: the others are what is looked at
        kinds -= {"table"}
    return next((known[kind] for kind in sorted(kinds) if known.get(kind)), None)


def _results(carded: Carded, source: str) -> Iterator[dict[str, Any]]:
    """What was measured of each target, as the key `model-index` has it."""
    evaluation = carded.evaluation
    split = {"val": "validation"}.get(evaluation.split, evaluation.split)
    for target, task in carded.tasks.items():
        metrics = [
            {"type": _METRICS.get(name, name), "value": float(f"{value:.6g}"), "name": f"{name} ({split})"}
            for name, value in _of_target(carded, target)
        ]
        if metrics:
            known = {} if carded.is_own_data else {"type": _DATASETS.get(source, source)}
            yield {
                "task": {"type": pipeline_of(carded, target) or task.replace("_", "-"), "name": target},
                "dataset": {"name": source, "type": source, **known, "split": split},
                "metrics": metrics,
            }


def _of_target(carded: Carded, target: str) -> Iterator[tuple[str, float]]:
    """The metrics of a target that are numbers, without what stands before their names; no losses, no baselines."""
    evaluation = carded.evaluation
    before = f"{evaluation.split}_{target}_" if len(carded.tasks) > 1 else f"{evaluation.split}_"
    for name, value in evaluation.metrics.items():
        bare = name.removeprefix(before)
        if bare != name and bare != "loss" and math.isfinite(value) and not is_of_baseline(name, carded.baselines):
            yield bare, value


def _known_metrics(carded: Carded) -> Iterator[str]:
    for target in carded.tasks:
        yield from (_METRICS[name] for name, _ in _of_target(carded, target) if name in _METRICS)
