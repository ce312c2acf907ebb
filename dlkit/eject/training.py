"""The functions of the script that compile the model and train it."""

from __future__ import annotations

from dlkit.eject.code import Call, Code, Items, Pairs, identifier, literal, literal_text, text
from dlkit.eject.components import argument_of, call_of, given_arguments
from dlkit.eject.refusal import refusal
from dlkit.eject.subject import Subject
from dlkit.recipe.catalogue import catalogue
from dlkit.recipe.durations import Steps, in_steps
from dlkit.recipe.graph import Component
from dlkit.recipe.supervision import Supervision, metric_name
from dlkit.training.stage import Planned

# As `dlkit.training.compiling` has them, which imports Keras: a test holds them equal.
KNOWS_LOGITS = {"BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy"}
RANKS = {
    *("SparseCategoricalAccuracy", "CategoricalAccuracy"),
    *("SparseTopKCategoricalAccuracy", "TopKCategoricalAccuracy"),
}
OF_NUMBERS = {
    *("MeanSquaredError", "RootMeanSquaredError", "MeanAbsoluteError", "MeanAbsolutePercentageError"),
    *("MeanSquaredLogarithmicError", "R2Score", "LogCoshError", "CosineSimilarity", "PearsonCorrelation"),
    "ConcordanceCorrelation",
}
# Metrics of which less is better, and of which more is: a test holds them against Keras.
LESS = frozenset(
    {
        *("MeanSquaredError", "RootMeanSquaredError", "MeanAbsoluteError", "MeanAbsolutePercentageError"),
        *("MeanSquaredLogarithmicError", "LogCoshError", "Hinge", "SquaredHinge", "CategoricalHinge", "Poisson"),
        *("BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy", "KLDivergence"),
    }
)
MORE = frozenset(
    {
        *("Accuracy", "BinaryAccuracy", "CategoricalAccuracy", "SparseCategoricalAccuracy"),
        *("TopKCategoricalAccuracy", "SparseTopKCategoricalAccuracy", "AUC", "Precision", "Recall", "F1Score"),
        *("FBetaScore", "R2Score", "CosineSimilarity", "PearsonCorrelation", "ConcordanceCorrelation"),
    }
)


def constant_of(subject: Subject, planned: Planned, name: str) -> str:
    """What a number of a stage is called at the top of the script: `EPOCHS`, `FINE_TUNING_EPOCHS`."""
    return name if len(subject.stages) == 1 else f"{identifier(planned.stage.name).upper()}_{name}"


def compiler_of(subject: Subject, planned: Planned) -> str:
    """The name of the function that compiles the model for a stage."""
    return "compile_model" if len(subject.stages) == 1 else f"compile_{identifier(planned.stage.name)}"


def compile_lines(subject: Subject, planned: Planned) -> tuple[list[str], list[str]]:
    """The function that compiles the model for a stage, as lines of code, and the names of its parameters.

    Raises:
        DlkitError: The optimizer, a loss or a metric cannot stand in a script.
    """
    training, supervisions = planned.training, planned.supervisions
    is_single = len(supervisions) == 1
    parameters = {"model": "keras.Model"}
    losses: dict[str, Code] = {name: _loss(found, subject) for name, found in supervisions.items()}
    if subject.scaled:
        parameters |= {"mean": "np.ndarray", "deviation": "np.ndarray"}
        wrapper = subject.piece("losses", "OfScaled")
        losses = {name: Call(wrapper, [loss, "mean", "deviation"]) for name, loss in losses.items()}
    metrics: dict[str, Code] = {name: _metrics(found, subject) for name, found in supervisions.items()}
    optimizer = _optimizer(subject, planned)
    if "steps_per_epoch" in text(optimizer):
        parameters["steps_per_epoch"] = "int"
    given: dict[str, Code] = {"optimizer": optimizer, "loss": _one_or_all(losses)}
    if not is_single:
        weights = {name: float((training.loss_weights or {}).get(name, 1.0)) for name in supervisions}
        given["loss_weights"] = literal(weights)
    given["metrics"] = _one_or_all(metrics)
    given["jit_compile"] = literal(training.jit_compile)
    if training.steps_per_execution != 1:
        given["steps_per_execution"] = literal(training.steps_per_execution)
    declared = ", ".join(f"{name}: {kind}" for name, kind in parameters.items())
    lines = [
        f"def {compiler_of(subject, planned)}({declared}) -> None:",
        '    """Gives the model its optimizer, what it is to make small, and what is measured."""',
        text(Call("model.compile", (), given), "", 4),
    ]
    return lines, [name for name in parameters if name != "model"]


def _one_or_all(codes: dict[str, Code]) -> Code:
    if len(codes) == 1:
        return next(iter(codes.values()))
    return Pairs({literal_text(name): code for name, code in codes.items()})


def _loss(found: Supervision, subject: Subject) -> Code:
    return call_of(found.loss, subject.recipe.components, subject.copies)


def _metrics(found: Supervision, subject: Subject) -> Code:
    return Items([_metric(metric, found, subject) for metric in found.metrics])


def _metric(metric: Component, found: Supervision, subject: Subject) -> Code:
    """The metric, given what it measures on: see `dlkit.training.compiling`."""
    more: dict[str, Code] = {"name": literal(metric_name(metric))}
    if found.logits and metric.name in KNOWS_LOGITS:
        more = {"from_logits": "True", **more}
    made: Code = call_of(metric, subject.recipe.components, subject.copies, **more)
    if found.logits and metric.name not in RANKS | OF_NUMBERS | KNOWS_LOGITS:
        made = Call(subject.piece("losses", "OnProbabilities"), [made])
    return Call(subject.piece("losses", "OfTokens"), [made]) if found.forced else made


def _optimizer(subject: Subject, planned: Planned) -> Call:
    """The optimizer, its durations told in epochs where they are whole ones."""
    recipe = subject.recipe
    (optimizer,) = recipe.optimizers(planned.training).values()
    accumulated = optimizer.arguments.get("gradient_accumulation_steps") or 1
    steps = Steps(planned.stage.epochs, planned.steps_per_epoch, accumulated)
    return _with_durations(in_steps(optimizer, recipe.components, steps), optimizer, subject, planned)


def _with_durations(counted: Component, written: Component, subject: Subject, planned: Planned) -> Call:
    """A component whose durations are counted in steps.

    Args:
        counted: With durations in steps.
        written: With durations as the recipe has them.
        subject: The recipe and its script.
        planned: The stage that it is part of.
    """
    spec = catalogue().find(counted.kind, counted.name)
    arguments = given_arguments(counted, spec) if spec else counted.arguments
    more: dict[str, Code] = {}
    for name, value in arguments.items():
        told = written.arguments[name]
        if isinstance(value, Component):
            more[name] = _with_durations(value, told, subject, planned)
        elif isinstance(told, dict) and isinstance(value, int):
            more[name] = _duration(value, subject, planned)
        else:
            more[name] = argument_of(value, subject.recipe.components, subject.copies)
    return call_of(counted, subject.recipe.components, subject.copies, **more)


def _duration(steps: int, subject: Subject, planned: Planned) -> Code:
    if steps % planned.steps_per_epoch:
        return literal(steps)
    epochs = steps // planned.steps_per_epoch
    whole = constant_of(subject, planned, "EPOCHS") if epochs == planned.stage.epochs else str(epochs)
    return f"{whole} * steps_per_epoch"


def is_averaged(subject: Subject, planned: Planned) -> bool:
    """Whether the optimizer of a stage keeps averages of the weights."""
    (optimizer,) = subject.recipe.optimizers(planned.training).values()
    return bool(optimizer.arguments.get("use_ema"))


def best_mode(subject: Subject) -> str:
    """Whether less (`min`) or more (`max`) of the metric is better by which the best epoch is chosen.

    Raises:
        DlkitError: It cannot be told.
    """
    monitor, mode = subject.best
    if mode != "auto":
        return mode
    name = monitor.removeprefix("val_")
    if name == "loss" or name.endswith("_loss"):
        return "min"
    for found in subject.stages[-1].supervisions.values():
        for metric in found.metrics:
            own = metric_name(metric)
            if (name == own or name.endswith(f"_{own}")) and metric.name in LESS | MORE:
                return "min" if metric.name in LESS else "max"
    cure = f"say it: `--set training.best.mode=max`, or `min`, for `{monitor}`"
    raise refusal("`training.best`", "does not tell whether more or less is better", cure)


def callbacks_code(subject: Subject, planned: Planned) -> list[Code]:
    """The callbacks of a stage, as code."""
    made = []
    for component in planned.training.callbacks:
        each = component if isinstance(component, Component) else Component("callback", component)
        made.append(call_of(each, subject.recipe.components, subject.copies))
    return list(made)
