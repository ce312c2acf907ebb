"""One class of several, or of two, for each example."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from dlkit.evaluation.bootstrap import Recount
from dlkit.evaluation.calibration import Calibration
from dlkit.evaluation.probabilities import are_probabilities, class_probabilities, log_probabilities
from dlkit.evaluation.ranking import Ranking
from dlkit.evaluation.tasks.task import Result, Shown, Task, of_hits
from dlkit.evaluation.threshold_curves import curves
from dlkit.recipe.task_metrics import TOP


class Classification(Task):
    """Accuracy, precision, recall and F1, areas under curves, log loss and calibration."""

    name: ClassVar[str] = "classification"

    def reduce(self, truth: np.ndarray, output: np.ndarray) -> tuple[np.ndarray, ...]:
        shares = class_probabilities(output, self.logits)
        if self.logits and output.shape[-1] > 1:
            logs = log_probabilities(output, True)
        else:
            logs = log_probabilities(shares, False)
        truth = np.asarray(truth).reshape(-1).astype(int)
        return truth, shares, logs[np.arange(len(truth)), truth]

    def measure(self, truth: np.ndarray, shares: np.ndarray, log_of_truth: np.ndarray) -> Result:
        from sklearn.metrics import (
            accuracy_score,
            average_precision_score,
            precision_recall_fscore_support,
            roc_auc_score,
            top_k_accuracy_score,
        )

        classes = shares.shape[-1]
        numbers = list(range(classes))
        predicted = shares.argmax(axis=-1)
        metrics: dict[str, float] = {"accuracy": accuracy_score(truth, predicted)}
        if classes > TOP:
            metrics[f"top_{TOP}_accuracy"] = top_k_accuracy_score(truth, shares, k=TOP, labels=numbers)
        by_class = precision_recall_fscore_support(truth, predicted, labels=numbers, zero_division=0)
        for average in ("binary", "macro", "weighted") if classes == 2 else ("macro", "weighted"):
            told = precision_recall_fscore_support(
                truth, predicted, labels=None if average == "binary" else numbers, average=average, zero_division=0
            )
            suffix = "" if average == "binary" else f"_{average}"
            metrics |= {f"{name}{suffix}": told[n] for n, name in enumerate(("precision", "recall", "f1"))}
        ranked = [1] if classes == 2 else [number for number in numbers if 0 < np.sum(truth == number) < len(truth)]
        if len(np.unique(truth)) > 1:
            each = [(truth == number, shares[:, number]) for number in ranked]
            metrics["auc"] = np.mean([roc_auc_score(is_it, scores) for is_it, scores in each])
            metrics["average_precision"] = np.mean([average_precision_score(is_it, scores) for is_it, scores in each])
        calibration = None
        if are_probabilities(shares, of_classes=True):
            calibration = Calibration(shares.max(axis=-1), (predicted == truth).astype(np.float64))
            metrics |= {"log_loss": -log_of_truth.mean(), "ece": calibration.error()}
        areas = {number: (metrics["auc"] if classes == 2 else None) for number in ranked} if "auc" in metrics else {}
        details: dict[str, Any] = {
            "labels": self.labels(classes),
            "per_class": [
                {
                    "label": self.label(number),
                    "precision": float(by_class[0][number]),
                    "recall": float(by_class[1][number]),
                    "f1": float(by_class[2][number]),
                    "examples": int(by_class[3][number]),
                }
                for number in range(classes)
            ],
            "confusion_matrix": _confusion(truth, predicted, classes).astype(int).tolist(),
            "curves": curves({self.label(n): (truth == n, shares[:, n]) for n in areas}),
            "calibration": calibration.table() if calibration else [],
        }
        wrong = np.flatnonzero(predicted != truth)
        worst = wrong[np.argsort(-shares[wrong, predicted[wrong]], kind="stable")]

        def shown(row: int) -> Shown:
            said, true = predicted[row], truth[row]
            note = f"{shares[row, said]:.0%} sure"
            if said != true:
                note += f", {shares[row, true]:.0%} for the truth"
            return Shown(row, self.label(true), self.label(said), note)

        recount = _recount(truth, shares, log_of_truth, ranked if "auc" in metrics else [], calibration)
        return Result({name: float(value) for name, value in metrics.items()}, recount, details, worst, shown)


def _confusion(truth: np.ndarray, predicted: np.ndarray, classes: int, counts: np.ndarray | None = None) -> np.ndarray:
    """Examples by their true class (rows) and the predicted one (columns)."""
    cells = np.bincount(truth * classes + predicted, counts, classes * classes)
    return cells.reshape(classes, classes)


def _recount(
    truth: np.ndarray,
    shares: np.ndarray,
    log_of_truth: np.ndarray,
    ranked: list[int],
    calibration: Calibration | None,
) -> Recount:
    """The metrics of samples, from what does not change between them."""
    classes, predicted = shares.shape[-1], shares.argmax(axis=-1)
    rankings = [Ranking.of(truth == number, shares[:, number]) for number in ranked]
    own = shares[np.arange(len(truth)), truth]
    # As scikit-learn ranks equal scores: the class with the larger number first.
    later = np.arange(classes)[None] > truth[:, None]
    above = (shares > own[:, None]).sum(axis=-1) + ((shares == own[:, None]) & later).sum(axis=-1)

    def recount(counts: np.ndarray) -> dict[str, float]:
        total = counts.sum()
        confusion = _confusion(truth, predicted, classes, counts)
        found = {"accuracy": float(np.trace(confusion) / total), **_of_confusion(confusion)}
        if classes > TOP:
            found[f"top_{TOP}_accuracy"] = float(counts @ (above < TOP) / total)
        if rankings:
            areas = np.array([ranking.areas(counts) for ranking in rankings])
            found["auc"], found["average_precision"] = map(float, areas.mean(axis=0))
        if calibration:
            found["log_loss"] = float(-(counts @ log_of_truth) / total)
            found["ece"] = calibration.error(counts)
        return found

    return recount


def _of_confusion(confusion: np.ndarray) -> dict[str, float]:
    """Precision, recall and F1 of a confusion matrix, and their averages."""
    hits, support, said = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    found = {}
    for name, values in of_hits(hits, support, said).items():
        if len(hits) == 2:
            found[name] = float(values[1])
        found[f"{name}_macro"] = float(values.mean())
        found[f"{name}_weighted"] = float(values @ support / support.sum())
    return found
