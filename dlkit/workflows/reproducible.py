"""What is to be expected of a run that is trained again here. Nothing here needs TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dlkit.recipe.load import Recipe, load
from dlkit.runs.folder import RunFolder
from dlkit.runs.provenance import environment, hardware, read_provenance, versions
from dlkit.workflows.workers import gpus_here

_BEST = "training.best"  # under `chosen` in provenance.json the one thing that no recipe asks for with `auto`
_MACHINE = ("cpu", "cores")
# How sums are split, and which kernels take them: part of the last bits.
_VARIABLES = (
    *("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
    *("TF_ENABLE_ONEDNN_OPTS", "TF_DETERMINISTIC_OPS", "TF_XLA_FLAGS"),
)


@dataclass(frozen=True, slots=True)
class Check:
    """Something that a run was made with.

    Args:
        kind: `version`, `machine` or `environment`.
        name: As `keras`.
        before: Then.
        now: Here.
    """

    kind: str
    name: str
    before: Any
    now: Any

    @property
    def same(self) -> bool:
        """Whether it is the same here."""
        return bool(self.before == self.now)


def recipe_again(run: RunFolder, allow_plugins: bool = False) -> Recipe:
    """The recipe of a run, as it was run: what `auto` chose then is written in its place.

    Raises:
        RecipeError: The recipe cannot be used any more.
        DlkitError: provenance.json is damaged (`damaged-file`).
    """
    return load(run.recipe, chosen_then(read_provenance(run)), allow_plugins=allow_plugins, others=False)


def chosen_then(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """What `auto` stood for in a run, by path in its recipe."""
    return {path: value for path, value in (provenance.get("chosen") or {}).items() if path != _BEST}


def logical_devices_of(provenance: Mapping[str, Any]) -> int | None:
    """How many devices the CPU was split into; None where it was left whole."""
    found: int | None = (provenance.get("hardware") or {}).get("logical_devices")
    return found


def checks_of(provenance: Mapping[str, Any]) -> list[Check]:
    """What a run was made with, beside what there is here; nothing where it does not say what it was made with."""
    if not provenance:
        return []
    groups = {
        "version": (provenance.get("versions") or {}, versions()),
        "machine": (_machine(provenance.get("hardware") or {}), _machine({**hardware(), "gpus": [None] * gpus_here()})),
        "environment": (_variables(provenance.get("environment") or {}), _variables(environment())),
    }
    return [
        Check(kind, name, then.get(name), here.get(name))
        for kind, (then, here) in groups.items()
        for name in {**then, **here}
    ]


def _machine(hardware: Mapping[str, Any]) -> dict[str, Any]:
    """What of a machine bears on the bits of a result."""
    return {**{name: hardware.get(name) for name in _MACHINE}, "GPUs": len(hardware.get("gpus") or ())}


def _variables(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: environment[name] for name in _VARIABLES if name in environment}


def doubts_of(recipe: Recipe, provenance: Mapping[str, Any]) -> Iterator[str]:
    """What may keep the result from being the same to the bit, in sentences."""
    if not provenance:
        yield "the run has no provenance.json: what it was made with is not known"
    differing = [check for check in checks_of(provenance) if not check.same]
    if differing:
        told = ", ".join(f"{check.name} {check.before} then, {check.now} here" for check in differing)
        yield f"{told}: bits are the same under the same versions on the same hardware, else `within tolerance` at best"
    if not recipe.config.deterministic:
        yield "the recipe has `deterministic: false`: two trainings of it differ, on one machine too"
    stop_after = recipe.config.training.stop_after
    if stop_after and stop_after.minutes:
        yield "the recipe ends by the clock (`training.stop_after: {minutes: ...}`): after how many steps is not certain"
    resumed = provenance.get("resumed") or ()
    if any(word.startswith("training.epochs") for each in resumed for word in _words(each)):
        yield (
            "the run was lengthened by `dlkit resume --set training.epochs`: a learning rate that follows the length of "
            "the training was another before"
        )


def _words(resumed: Mapping[str, Any]) -> list[str]:
    """The words of a command that resumed a run; `--set=PATH=VALUE` as two."""
    return [part for word in resumed.get("command") or () for part in str(word).removeprefix("--set=").split()]
