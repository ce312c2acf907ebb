"""dlkit compare: tables, JSON and the page, without TensorFlow."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.workflows.test_compare import RECIPE, group, make


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    home = tmp_path / "runs" / "digits" / "cnn"
    make(home / "20260101-000000-aaaa")
    make(home / "20260102-000000-bbbb", recipe=RECIPE.replace("0.001", "0.01"), accuracy=0.95)
    group(home / "20260103-000000-cccc", [0.9, 0.92, 0.97])
    return tmp_path / "runs"


def test_the_tables_tell_runs_metrics_and_differences(dlkit, runs: Path) -> None:
    answer = dlkit("compare", "aaaa", "bbbb", "cccc", "--runs-dir", runs)
    assert answer.status == 0, answer.stderr
    lines = [line.split("\t") for line in answer.stdout.splitlines()]
    assert lines[0] == ["A", "digits/cnn", "20260101-000000-aaaa", "", "finished", "3, best 2", "1 min 40 s"]
    assert lines[2][3] == "3 seeds"
    assert ["test_loss", "0.2500", "0.2500 (=)", "0.2500 ± 0 (=)"] in lines
    assert ["recipe", "training.optimizer.Adam.learning_rate", "0.001", "0.01", "0.001"] in lines
    assert len(answer.stdout.splitlines()) == 3 + 3 + 2


def test_json(dlkit, runs: Path) -> None:
    told = dlkit("compare", "aaaa", "bbbb", "--runs-dir", runs, "--json").json
    assert [run["letter"] for run in told["runs"]] == ["A", "B"]
    assert told["metrics"]["test_accuracy"][1] == {
        "value": 0.95,
        "interval": [0.95 - 0.02, 0.95 + 0.02],
        "deviation": None,
        "difference": pytest.approx(0.05),
    }
    assert told["differences"] == [
        {"about": "recipe", "path": "training.optimizer.Adam.learning_rate", "values": [0.001, 0.01]}
    ]
    assert told["html"] is None


def test_the_page_needs_nothing_but_itself(dlkit, runs: Path, tmp_path: Path) -> None:
    page = tmp_path / "pages" / "compared.html"
    page.parent.mkdir()
    answer = dlkit("compare", "aaaa", "bbbb", "cccc", "--runs-dir", runs, "--html", page)
    assert answer.status == 0, answer.stderr
    assert str(page) in answer.stderr
    text = page.read_text(encoding="utf-8")
    assert text.count("<svg") == 1  # the loss: there is no other metric, and the rate is not known
    assert "training.optimizer.Adam.learning_rate" in text
    assert '<b>0.9500</b> [0.9300, 0.9700] <span class="good">(+0.0500)</span>' in text
    assert not re.search(r"""(src|href)=["']http|url\(["']?http|@import|<script""", text)


def test_a_page_that_cannot_be_written_is_told(dlkit, runs: Path, tmp_path: Path) -> None:
    answer = dlkit("compare", "aaaa", "bbbb", "--runs-dir", runs, "--html", tmp_path / "nowhere" / "a.html")
    assert answer.status == 1
    assert "error[cannot-write]" in answer.stderr


def test_one_run_is_a_usage_error(dlkit, runs: Path) -> None:
    answer = dlkit("compare", "aaaa", "--runs-dir", runs)
    assert answer.status == 2
    assert "RUN..." in answer.stderr


def test_neither_tensorflow_nor_numpy_is_imported(runs: Path, repository: Path) -> None:
    script = f"""
import json, sys
from dlkit.cli.main import main
try:
    main(["compare", "aaaa", "bbbb", "cccc", "--runs-dir", {str(runs)!r}])
except SystemExit as ended:
    assert ended.code == 0
heavy = ["tensorflow", "keras", "numpy", "scipy", "sklearn", "matplotlib", "jinja2"]
print(json.dumps([name for name in heavy if name in sys.modules]))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=repository, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == []
