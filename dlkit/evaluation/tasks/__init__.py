"""What a prediction is measured by, one file a task."""

from __future__ import annotations

from dlkit.evaluation.tasks.classification import Classification
from dlkit.evaluation.tasks.forecasting import Forecasting
from dlkit.evaluation.tasks.generation import Generation
from dlkit.evaluation.tasks.language_modelling import LanguageModelling
from dlkit.evaluation.tasks.multi_label import MultiLabel
from dlkit.evaluation.tasks.reconstruction import Reconstruction
from dlkit.evaluation.tasks.regression import Regression
from dlkit.evaluation.tasks.self_organization import SelfOrganization
from dlkit.evaluation.tasks.sequence_output import SequenceOutput
from dlkit.evaluation.tasks.task import Context, Task
from dlkit.recipe.facts import Target
from dlkit.recipe.task_metrics import task_of

TASKS: dict[str, type[Task]] = {
    task.name: task
    for task in (
        Classification,
        MultiLabel,
        Regression,
        Forecasting,
        LanguageModelling,
        SequenceOutput,
        Reconstruction,
        Generation,
        SelfOrganization,
    )
}


def make_task(target: Target, logits: bool, ctc: bool = False, context: Context | None = None) -> Task:
    """What measures the predictions of a target.

    Args:
        target: What is known of it.
        logits: Whether the model gives logits.
        ctc: Whether its output is read as connectionist temporal classification has it.
        context: What the task may look at besides; a task for what a pattern learned may need it.
    """
    return TASKS[task_of(target)](target, logits, ctc, context)
