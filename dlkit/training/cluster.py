"""Which processes train together, and which of them this is: as TF_CONFIG or Slurm tell it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dlkit.errors import DlkitError

_ADDRESS = r".+:\d+"
_PORTS = 20_000, 10_000  # the first port, and how many there are to choose from by the number of a Slurm job


@dataclass(frozen=True, slots=True)
class Cluster:
    """The workers of a training.

    Args:
        addresses: `host:port` of each; the first is the chief.
        index: Which of them this process is.
    """

    addresses: tuple[str, ...]
    index: int

    def tf_config(self) -> dict[str, Any]:
        """What TensorFlow reads from the environment variable TF_CONFIG."""
        return {"cluster": {"worker": list(self.addresses)}, "task": {"type": "worker", "index": self.index}}


def cluster_of_environment(environment: Mapping[str, str] = os.environ) -> Cluster | None:
    """The cluster that TF_CONFIG, or else Slurm, describes; None where neither does.

    Raises:
        DlkitError: TF_CONFIG cannot be understood, or names what Keras 3 does not train with (`wrong-cluster`).
    """
    if "TF_CONFIG" in environment:
        return _of_tf_config(environment["TF_CONFIG"])
    if "SLURM_PROCID" in environment and environment.get("SLURM_STEP_NUM_TASKS", "1") != "1":
        return _of_slurm(environment)
    return None


def _of_tf_config(text: str) -> Cluster:
    try:
        told = json.loads(text)
        tasks: dict[str, list[str]] = dict(told["cluster"])
        kind, index = told["task"]["type"], told["task"]["index"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _wrong(f"cannot be understood ({type(error).__name__}: {error})") from error
    for addresses in tasks.values():
        if not isinstance(addresses, list) or not all(re.fullmatch(_ADDRESS, str(each)) for each in addresses):
            raise _wrong(f"names {json.dumps(addresses)}, which is no list of host:port")
    if not isinstance(index, int):
        raise _wrong(f"gives the task the index {json.dumps(index)}, which is no whole number")
    others = sorted(set(tasks) - {"chief", "worker"})
    if others:
        raise _wrong(f"names tasks of the kind `{others[0]}`, which Keras 3 does not train with")
    addresses = [*tasks.get("chief", ()), *tasks.get("worker", ())]
    if len(set(addresses)) < len(addresses):
        raise _wrong("names an address twice")
    if len(tasks.get("chief", ())) > 1:
        raise _wrong("names several chiefs")
    if kind not in tasks or not 0 <= index < len(tasks[kind]):
        raise _wrong(f"says that this is the {kind} {index}, which the cluster does not have")
    if len(addresses) < 2:
        raise _wrong("names one worker only")
    return Cluster(tuple(addresses), index + (len(tasks.get("chief", ())) if kind == "worker" else 0))


def _of_slurm(environment: Mapping[str, str]) -> Cluster:
    from tensorflow.python.distribute.cluster_resolver.slurm_cluster_resolver import (
        expand_hostlist,
        expand_tasks_per_node,
    )

    try:
        hosts = expand_hostlist(environment["SLURM_STEP_NODELIST"])
        tasks = expand_tasks_per_node(environment["SLURM_STEP_TASKS_PER_NODE"])
        first, room = _PORTS
        port = first + int(environment.get("SLURM_JOB_ID", "0")) % room
        addresses = [f"{host}:{port + n}" for host, count in zip(hosts, tasks, strict=True) for n in range(count)]
        index = int(environment["SLURM_PROCID"])
        if not 0 <= index < len(addresses) or len(addresses) != int(environment["SLURM_STEP_NUM_TASKS"]):
            raise ValueError(f"task {index} of {environment['SLURM_STEP_NUM_TASKS']} on {len(addresses)} places")
        return Cluster(tuple(addresses), index)
    except (KeyError, ValueError) as error:
        raise DlkitError(f"Slurm's variables cannot be understood: {error}", code="wrong-cluster") from error


def _wrong(how: str) -> DlkitError:
    example = json.dumps(Cluster(("a:2222", "b:2222"), 0).tf_config())
    return DlkitError(f"The environment variable TF_CONFIG {how}.", f"It reads like this: {example}", "wrong-cluster")
