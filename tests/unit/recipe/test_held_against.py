"""What a pattern learns without targets, held against the classes of the data."""

from __future__ import annotations

from typing import Any

from dlkit.recipe.facts import Target
from dlkit.recipe.load import load
from dlkit.recipe.task_metrics import task_metrics


def recipe(source: str, **more: Any) -> dict[str, Any]:
    model = {"self_organizing_map": {"rows": 2, "columns": 2}}
    return {"name": "test/map", "data": {"source": source}, "model": model, "training": {"epochs": 1}, **more}


def test_the_classes_of_the_data_are_known_beside_what_is_learned() -> None:
    made = load(recipe("iris", expect={"test_accuracy": {"at_least": 0.5}}))
    (learned,) = made.facts.targets.values()
    assert (learned.kind, learned.held_against, learned.classes) == ("inputs", "species", 3)
    assert "accuracy" in task_metrics(learned)
    assert made.facts.of_data == {"species": Target("classes", classes=3, labels=learned.labels)}
    # As a run's facts are read again.
    assert made.with_facts(made.facts).facts.targets == made.facts.targets


def test_without_classes_there_is_no_accuracy() -> None:
    (learned,) = load(recipe("diabetes")).facts.targets.values()
    assert learned.held_against is None and "accuracy" not in task_metrics(learned)


def test_the_defaults_of_a_pattern_are_among_its_arguments() -> None:
    arguments = load(recipe("iris")).pattern_arguments()
    assert (arguments["rows"], arguments["grid"], arguments["radius"]) == (2, "rectangular", None)
