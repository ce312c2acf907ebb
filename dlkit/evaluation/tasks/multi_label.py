"""Labels that do not exclude each other."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from dlkit.evaluation.bootstrap import Recount
from dlkit.evaluation.calibration import Calibration
from dlkit.evaluation.probabilities import are_probabilities, label_probabilities
from dlkit.evaluation.ranking import Ranking
from dlkit.evaluation.tasks.task import Result, Shown, Task, of_hits
from dlkit.evaluation.threshold_curves import curves

_THRESHOLD = 0.5


class MultiLabel(Task):
    """Precision, recall and F1 of the labels, exact matches, areas under curves, calibration."""

    name: ClassVar[str] = "multi_label"

    def reduce(self, truth: np.ndarray, output: np.ndarray) -> tuple[np.ndarray, ...]:
        return np.asarray(truth).astype(int), label_probabilities(output, self.logits)

    def measure(self, truth: np.ndarray, shares: np.ndarray) -> Result:
        from sklearn.metrics import (
            accuracy_score,
            average_precision_score,
            log_loss,
            precision_recall_fscore_support,
            roc_auc_score,
        )

        said = (shares > _THRESHOLD).astype(int)
        labels = self.labels(shares.shape[-1])
        metrics = {"exact_match": accuracy_score(truth, said)}
        for average in ("macro", "micro", "weighted"):
            told = precision_recall_fscore_support(truth, said, average=average, zero_division=0)
            metrics |= {f"{name}_{average}": told[n] for n, name in enumerate(("precision", "recall", "f1"))}
        ranked = [number for number in range(len(labels)) if len(np.unique(truth[:, number])) == 2]
        if ranked:
            metrics["auc"] = roc_auc_score(truth[:, ranked], shares[:, ranked])
            metrics["average_precision"] = average_precision_score(truth[:, ranked], shares[:, ranked])
        calibration = None
        if are_probabilities(shares, of_classes=False):
            confidence = np.maximum(shares, 1 - shares)
            calibration = Calibration(confidence.reshape(-1), (said == truth).reshape(-1).astype(np.float64))
            metrics["log_loss"] = log_loss(truth.reshape(-1), shares.reshape(-1), labels=[0, 1])
            metrics["ece"] = calibration.error()
        by_label = precision_recall_fscore_support(truth, said, zero_division=0)
        details = {
            "labels": labels,
            "per_class": [
                {
                    "label": label,
                    "precision": float(by_label[0][n]),
                    "recall": float(by_label[1][n]),
                    "f1": float(by_label[2][n]),
                    "examples": int(by_label[3][n]),
                }
                for n, label in enumerate(labels)
            ],
            "curves": curves({labels[n]: (truth[:, n] == 1, shares[:, n]) for n in ranked}),
            "calibration": calibration.table() if calibration else [],
        }
        # The probability that the worst of an example's labels was given the wrong way.
        worst_label = np.where(said != truth, np.abs(shares - truth), 0).max(axis=-1)
        wrong = np.flatnonzero(worst_label)
        worst = wrong[np.argsort(-worst_label[wrong], kind="stable")]

        def shown(row: int) -> Shown:
            true, told = (", ".join(labels[n] for n in np.flatnonzero(each[row])) or "none" for each in (truth, said))
            off = int(np.sum(said[row] != truth[row]))
            return Shown(row, true, told, f"{off} of {len(labels)} labels wrong" if off else "all labels right")

        recount = _recount(truth, said, shares, ranked, calibration)
        return Result({name: float(value) for name, value in metrics.items()}, recount, details, worst, shown)


def _recount(
    truth: np.ndarray, said: np.ndarray, shares: np.ndarray, ranked: list[int], calibration: Calibration | None
) -> Recount:
    """The metrics of samples, from what does not change between them."""
    labels = truth.shape[-1]
    exact = (said == truth).all(axis=-1).astype(np.float64)
    hit, true, told = (each.astype(np.float64) for each in (said * truth, truth, said))
    rankings = [Ranking.of(truth[:, number] == 1, shares[:, number]) for number in ranked]
    tiny = np.finfo(shares.dtype).eps
    losses = -np.log(np.clip(np.where(truth == 1, shares, 1 - shares), tiny, 1)).mean(axis=-1)

    def recount(counts: np.ndarray) -> dict[str, float]:
        total = counts.sum()
        hits, support, positives = counts @ hit, counts @ true, counts @ told
        found = {"exact_match": float(counts @ exact / total)}
        for average, each in (
            ("macro", (hits, support, positives)),
            ("micro", tuple(values.sum(keepdims=True) for values in (hits, support, positives))),
        ):
            found |= {f"{name}_{average}": float(values.mean()) for name, values in of_hits(*each).items()}
        shares_of_labels = support / max(support.sum(), 1)
        for name, values in of_hits(hits, support, positives).items():
            found[f"{name}_weighted"] = float(values @ shares_of_labels)
        if rankings:
            areas = np.array([ranking.areas(counts) for ranking in rankings])
            found["auc"], found["average_precision"] = map(float, areas.mean(axis=0))
        if calibration:
            found["log_loss"] = float(counts @ losses / total)
            found["ece"] = calibration.error(np.repeat(counts, labels))
        return found

    return recount
