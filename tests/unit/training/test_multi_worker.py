"""The strategy that Keras 3 needs, and the question whether it still does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from dlkit.training.cluster import Cluster
from dlkit.training.together import STOP, StopTogether
from dlkit.workflows.workers import free_ports

SCRIPT = """
    import sys
    import keras, numpy as np, tensorflow as tf
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    with strategy.scope():
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
    model.fit(np.zeros((8, 2), "float32"), np.zeros((8, 1), "float32"), batch_size=4, verbose=0)
"""


def test_keras_still_needs_a_strategy_of_our_own() -> None:
    """When this fails, Keras trains under TensorFlow's own strategy: `KerasMultiWorkerStrategy` can go."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    workers = []
    for index in range(2):
        environment = {**os.environ, "TF_CONFIG": json.dumps(Cluster(tuple(addresses), index).tf_config())}
        command = [sys.executable, "-c", textwrap.dedent(SCRIPT)]
        workers.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
    try:
        output = workers[0].communicate(timeout=200)[0].decode(errors="replace")
        assert workers[0].returncode != 0
        assert "PerReplica" in output or "axis" in output, output[-2000:]
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()


def test_all_stop_at_the_question_after_the_chief_was_asked_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STOP, str(tmp_path / "stop"))
    received: list[signal.Signals] = []
    chief, other = (StopTogether(is_chief, lambda: bool(received)) for is_chief in (True, False))
    assert [chief(), other(), chief(), other()] == [False] * 4
    received.append(signal.SIGTERM)
    assert not chief()  # question 3: the chief decides
    assert not other()  # as far as the others may be behind
    assert chief() and other()


def test_without_a_launcher_nobody_waits_for_agreement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(STOP, raising=False)
    assert not StopTogether(True, lambda: True)()
