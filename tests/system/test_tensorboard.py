"""TensorBoard's own server shows what runs have left for it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dlkit.recipe.load import parse
from dlkit.workflows.group import train_group
from dlkit.workflows.members import folds_of
from dlkit.workflows.train import train

RECIPE = """
name: small/board
seed: 5
data: {source: iris, batch_size: 16, FOLDS}
model: {sequential: [Normalization, {Dense: {units: 8}}, {Dense: {units: $data.classes, name: classifier}}]}
training: {epochs: 2, optimizer: {Adam: {learning_rate: RATE}}}
"""


@pytest.fixture(scope="module")
def runs(reports, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs with other learning rates, and two folds."""
    runs = tmp_path_factory.mktemp("runs")
    for rate in ("1e-2", "1e-3"):
        train(parse(RECIPE.replace("FOLDS", "test: 0.2").replace("RATE", rate)), runs_dir=runs)
    train_group(folds_of(parse(RECIPE.replace("FOLDS", "folds: 2").replace("RATE", "1e-3"))), runs_dir=runs)
    return runs


@pytest.fixture
def serving(repository: Path) -> Callable[..., Any]:
    """Serves runs; answers addresses of TensorBoard."""

    @contextmanager
    def serve(*words: object) -> Iterator[Callable[..., Any]]:
        command = [sys.executable, "-m", "dlkit", "tensorboard", *map(str, words), "--port", "0", "--json"]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(repository), *sys.path])}
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as process:
            assert process.stdout
            try:
                url = json.loads(process.stdout.readline())["url"]

                def ask(path: str, question: Any = None) -> Any:
                    body = None if question is None else json.dumps(question).encode()
                    request = urllib.request.Request(f"{url}data/{path}", body, {"Content-Type": "application/json"})
                    with urllib.request.urlopen(request, timeout=60) as answer:
                        return json.load(answer)

                yield ask
            finally:
                process.send_signal(signal.SIGINT)

    return serve


def test_the_tab_hparams_compares_runs_and_members_of_groups(runs, serving):
    with serving(runs) as ask:
        experiment = ask("plugin/hparams/experiment", {"experimentName": "", "includeMetrics": True})
        hyperparameters = {info["name"] for info in experiment["hparamInfos"]}
        assert {"training.optimizer.learning_rate", "seed", "data.folds.fold"} <= hyperparameters
        groups = ask(
            "plugin/hparams/session_groups",
            {
                "experimentName": "",
                "allowedStatuses": ["STATUS_SUCCESS"],
                "colParams": [],
                "startIndex": 0,
                "sliceSize": 10,
                "includeMetrics": True,
            },
        )["sessionGroups"]
        rates = sorted(group["hparams"]["training.optimizer.learning_rate"] for group in groups)
        assert rates == [0.001, 0.001, 0.001, 0.01]
        for group in groups:
            measured = {value["name"]["tag"]: value["value"] for value in group["metricValues"]}
            assert 0 <= measured["test/accuracy"] <= 1


def test_a_group_shows_its_members_and_a_tab_what_it_is_for(runs, serving):
    (group,) = (path.parent for path in runs.rglob("group.json"))
    with serving(group) as ask:
        members = [f"members/{number:04d}/tensorboard" for number in (1, 2)]
        splits = [f"{member}/{split}" for member in members for split in ("test", "train", "validation")]
        assert sorted(ask("runs")) == splits
        assert ask("plugin/images/tags")[splits[0]].keys() == {"confusion_matrix"}
        assert set(ask("plugin/text/tags")[splits[0]]) >= {"samples"}
        assert "weights/classifier/kernel" in ask("plugin/histograms/tags")[splits[1]]
        assert ask("plugin/graphs/info")[splits[1]]["run_graph"]
        scalars = ask("plugin/scalars/tags")
        assert {"epoch_loss", "by_step/loss"} <= set(scalars[splits[1]]) & set(scalars[splits[2]])


def test_several_runs_stand_side_by_side(runs, serving):
    names = sorted(path.parent.relative_to(runs).as_posix() for path in runs.rglob("status.json"))[:2]
    with serving(*names, "--runs-dir", runs) as ask:
        assert {run.partition("/tensorboard/")[0] for run in ask("runs")} == set(names)
