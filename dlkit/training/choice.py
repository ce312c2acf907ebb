"""What `auto` stands for on this machine: precision, compilation, steps in a call."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from dlkit.data.feed import Feed
from dlkit.training.build import build_state
from dlkit.training.state import Position, State

_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}
_LONGEST_CALL = 0.25  # seconds: progress, Ctrl-C and states wait for the end of a call
_MOST_STEPS = 50
_MEASURED = 0.3  # seconds of steps that are timed
_WORTH = 0.95  # the share of the time that several steps a call must take at most


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen, and why."""

    value: Any
    reason: str


def choose_precision() -> Choice:
    """The dtype policy for this machine: half the bits where its processors compute faster with them."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        capability = tf.config.experimental.get_device_details(gpus[0]).get("compute_capability", (0, 0))
        told = f"the GPU's compute capability is {capability[0]}.{capability[1]}"
        policy = "mixed_bfloat16" if capability >= (8, 0) else "mixed_float16" if capability >= (7, 0) else "float32"
        return Choice(policy, told)
    known = sorted(_cpu_flags() & _BFLOAT16_FLAGS)
    if known:
        return Choice("mixed_bfloat16", f"the CPU has {' and '.join(known)}")
    return Choice("float32", "the CPU computes no faster with 16 bits")


def choose_jit_compile(deterministic: bool) -> Choice:
    """Whether XLA compiles the step."""
    if not tf.config.list_physical_devices("GPU"):
        return Choice(False, "on a CPU, XLA slows most networks down")
    if deterministic:
        return Choice(False, "XLA cannot promise the same bits: it takes `deterministic: false`")
    return Choice(True, "there is a GPU")


def choose_steps_per_execution(model: keras.Model, feed: Feed) -> Choice:
    """How many steps to run in one call, by measuring the first ones; the training is as if nothing had been run.

    Args:
        model: A compiled model; its `steps_per_execution` is set.
        feed: The examples it is to be trained on.
    """
    if model.distribute_strategy.num_replicas_in_sync > 1:
        return _set(model, Choice(1, "Keras cannot run several steps in a call on several devices"))
    build_state(model, feed)
    before = State.of(model, (), Position())
    position = feed.epoch, feed.start
    batches = iter(feed.dataset.repeat())
    try:
        single = _seconds_a_step(model, batches, 1)
        most = min(int(_LONGEST_CALL / single), _MOST_STEPS, feed.num_batches)
        if most < 2:
            return _set(model, Choice(1, f"a step takes {_milliseconds(single)}"))
        several = _seconds_a_step(model, batches, most)
        told = f"a step takes {_milliseconds(single)} alone, {_milliseconds(several)} in calls of {most}"
        return _set(model, Choice(most if several < _WORTH * single else 1, told))
    finally:
        feed.epoch, feed.start = position
        before.restore(model, ())


def _seconds_a_step(model: keras.Model, batches: Any, steps: int) -> float:
    model.steps_per_execution = steps
    model.make_train_function(force=True)
    run: Callable[[Any], Any] = model.train_function
    run(batches)  # traces
    times: list[float] = []
    while sum(times) < _MEASURED and len(times) * steps < 2 * _MOST_STEPS:
        began = time.perf_counter()
        told = run(batches)
        float(next(iter(told.values())))  # which waits for the step; a pattern has names of its own for what it tells
        times.append(time.perf_counter() - began)
    return statistics.median(times) / steps


def _set(model: keras.Model, choice: Choice) -> Choice:
    if model.steps_per_execution != choice.value:
        model.steps_per_execution = choice.value
        model.train_function = None
    return choice


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.2g} ms"


def _cpu_flags() -> set[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return set()
    return {flag for line in lines if line.startswith("flags") for flag in line.split()}
