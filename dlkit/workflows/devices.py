"""The devices that a recipe is trained on, and what it cannot say there."""

from __future__ import annotations

from collections.abc import Iterator

from dlkit.errors import DlkitError
from dlkit.recipe.diagnostics import Diagnostic, RecipeError
from dlkit.recipe.load import Recipe
from dlkit.recipe.training_keys import Every
from dlkit.training.cluster import cluster_of_environment
from dlkit.training.devices import Devices, local_devices, refuse_unsupported
from dlkit.training.multi_worker import multi_worker_devices
from dlkit.training.stage import planned_stages
from dlkit.training.together import end_with_launcher, tell_joined
from dlkit.workflows.preparation import batch_size_of

_ONE_DEVICE_ONLY = ("gradient_accumulation_steps", "ema_overwrite_frequency")


def devices_of(recipe: Recipe) -> Devices:
    """The devices that a recipe asks for; to be asked before TensorFlow computes anything.

    Raises:
        DlkitError: They are not there (`one-device`, `no-cluster`, `wrong-cluster`, `unsupported-device`).
    """
    refuse_unsupported()
    strategy = recipe.config.training.strategy
    cluster = cluster_of_environment() if strategy in ("multi_worker", "auto") else None
    if cluster is not None:
        end_with_launcher()
        devices = multi_worker_devices(cluster)
        tell_joined()
        return devices
    if strategy == "multi_worker":
        raise DlkitError(
            "`training.strategy: multi_worker` takes several processes, and nothing says which.",
            "Add --workers 2 for two on this machine; on a cluster set TF_CONFIG for each, or start them with srun.",
            "no-cluster",
        )
    return local_devices(strategy)


def check_devices(recipe: Recipe, devices: Devices) -> None:
    """Refuses what works on one device only, before anything is made.

    Raises:
        RecipeError: The batch cannot be divided (`undivided-batch`), or Keras cannot do it on several devices
            (`one-device-only`).
    """
    replicas = devices.replicas
    if replicas == 1:
        return
    found = []
    if devices.workers > 1:
        found += [
            Diagnostic(
                "one-process-only", f"{what} cannot be agreed on by several processes", recipe.span_of(path), cure
            )
            for path, what, cure in _by_clock(recipe)
        ]
    size = batch_size_of(recipe)
    if size % replicas:
        below, above = size // replicas * replicas, (size // replicas + 1) * replicas
        sizes = f"{below} or {above}" if below else str(above)
        message = f"a batch of {size} cannot be divided among {replicas} devices"
        found.append(Diagnostic("undivided-batch", message, recipe.span_of("data.batch_size"), f"write {sizes}"))
    if recipe.pattern and not recipe.pattern_says("replicas", True):
        message = f"the rule of `{recipe.pattern.name}` is for one device, and there are {replicas}"
        found.append(
            Diagnostic("one-device-only", message, recipe.span_of("training.strategy"), "write `strategy: none`")
        )
    if recipe.config.training.fused_batch_normalization:
        message = f"the kernel takes the statistics of one device, and there are {replicas}"
        span = recipe.span_of("training.fused_batch_normalization")
        found.append(Diagnostic("one-device-only", message, span, "take it out"))
    for planned in planned_stages(recipe):
        steps = planned.training.steps_per_execution
        for network, optimizer in recipe.optimizers(planned.training).items():
            path = f"{planned.path}.{f'optimizers.{network}' if network else 'optimizer'}"
            for name in _ONE_DEVICE_ONLY:
                if optimizer.arguments.get(name):
                    message = f"Keras cannot do `{name}` on {replicas} devices"
                    found.append(Diagnostic("one-device-only", message, recipe.span_of(path), "take it out"))
        if steps not in (1, "auto"):
            message = f"Keras cannot run {steps} steps in a call on {replicas} devices"
            span = recipe.span_of(f"{planned.path}.steps_per_execution")
            found.append(Diagnostic("one-device-only", message, span, "write 1 or auto"))
    if found:
        raise RecipeError(found)


def _by_clock(recipe: Recipe) -> Iterator[tuple[str, str, str]]:
    """What of a recipe goes by the clock, which each process has its own of."""
    every, stop_after = recipe.config.training.checkpoint.every, recipe.config.training.stop_after
    if isinstance(every, Every) and every.minutes:
        yield "training.checkpoint", "an interval in minutes", "write steps or epochs"
    if stop_after and stop_after.minutes:
        yield "training.stop_after", "a number of minutes", "write steps or epochs"


def written_synchronized(recipe: Recipe) -> set[str]:
    """The layers whose recipe says itself whether they are synchronized."""
    return {name for name, layer in recipe.model.layers.items() if "synchronized" in layer.arguments}


def smallest_split(recipe: Recipe, devices: Devices) -> None:
    """Holds that every device gets an example of every split.

    Raises:
        DlkitError: A split has fewer examples than there are devices (`too-few-examples`).
    """
    sizes = {"training": recipe.facts.train_size, "validation": recipe.facts.validation_size}
    for name, size in sizes.items():
        if size and size < devices.replicas:
            raise DlkitError(
                f"There are {size} {name} examples for {devices.replicas} devices.",
                "Use fewer devices.",
                "too-few-examples",
            )
