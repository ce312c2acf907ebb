"""The commands that work with models and runs, and what every command promises: statuses, streams, interruptions."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

RECIPE = """\
name: small/dense
summary: A dense layer on digits
data: {source: digits, batch_size: 64}
model:
  sequential:
    - Rescaling: {scale: 1/16}
    - Flatten
    - Dense: {units: $data.classes, name: classifier}
training: {epochs: 2, optimizer: {Adam: {learning_rate: 1e-2}}}
expect: {test_accuracy: {at_least: 0.5}}
quick: {set: {training.epochs: 1}, expect: {test_accuracy: {at_least: 0.99}}}
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("recipes") / "small.yaml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("runs with a blank")


@pytest.fixture(scope="module")
def trained(dlkit, recipe, runs):
    """What `dlkit train` said."""
    answer = dlkit("train", recipe, "--runs-dir", runs)
    assert answer.status == 0, answer.stderr
    return answer


@pytest.fixture(scope="module")
def run(trained, runs) -> Path:
    (status,) = runs.rglob("status.json")
    return status.parent


@pytest.fixture
def start(repository, tmp_path):
    """Starts a dlkit process; what is left of it is killed in the end."""
    started = []

    def start(*words: object, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "dlkit", *(str(word) for word in words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(repository)} | environment,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_train_tells_what_it_reached_and_what_to_type_next(trained, run, runs):
    rows = dict(row.split("\t", 1) for row in trained.stdout.splitlines())
    value, interval, expected = rows["test_accuracy"].split("\t")
    low, high = map(float, interval.split(" to "))
    assert float(value) > 0.5 and low <= float(value) <= high
    assert expected == "at least 0.5: met"
    assert json.loads((run / "evaluation.json").read_text())["metrics"]["test_accuracy"] == pytest.approx(
        float(value), abs=1e-4
    )
    said = trained.stderr
    assert said.startswith("small/dense: A dense layer on digits\n")
    assert f"run folder: {run}\n" in said
    assert "epoch 2/2" in said
    assert "It reaches what the recipe expects." in said
    assert f"dlkit predict latest INPUT... --runs-dir '{runs}'" in said


def test_train_as_json_gives_the_run_its_metrics_and_expectations(dlkit, recipe, tmp_path):
    answer = dlkit("train", recipe, "--quick", "--json", "--runs-dir", tmp_path, "--set", "seed=5")
    assert answer.status == 0
    told = answer.json
    assert set(told) == {"run", "metrics", "intervals", "expectations", "diagnosis"}
    assert set(told["intervals"]) < set(told["metrics"])
    folder = Path(told["run"])
    assert folder.parent == tmp_path / "small" / "dense"
    assert json.loads((folder / "evaluation.json").read_text())["metrics"] == told["metrics"]
    (missed,) = told["expectations"]
    assert (missed["metric"], missed["bound"], missed["met"]) == ("test_accuracy", "at least 0.99", False)
    assert "It falls short of what the recipe expects." in answer.stderr
    command = json.loads((folder / "provenance.json").read_text())["command"]
    assert command.startswith(f"dlkit train {recipe} --quick --json")
    assert "seed: 5" in (folder / "recipe.yaml").read_text()


def test_evaluate_measures_the_same_again(dlkit, trained, run, runs):
    before = json.loads((run / "evaluation.json").read_text())["metrics"]
    answer = dlkit("evaluate", "latest", "--runs-dir", runs, "--json")
    assert answer.status == 0
    assert answer.json["run"] == str(run) and answer.json["metrics"] == pytest.approx(before)
    rows = dict(row.split("\t", 1) for row in dlkit("evaluate", run, "--model", "last").stdout.splitlines())
    assert set(rows) == set(before)


def test_predict_tells_class_probability_and_runners_up(dlkit, run, runs, tmp_path):
    import numpy as np
    from sklearn.datasets import load_digits

    images = load_digits().images[:3, :, :, None].astype("uint8")
    np.save(tmp_path / "three.npy", images)
    answer = dlkit("predict", "small", tmp_path / "three.npy", "--runs-dir", runs)
    assert answer.status == 0
    rows = [row.split("\t") for row in answer.stdout.splitlines()]
    assert [row[1] for row in rows[:2]] == ["0", "1"]
    assert all(0 <= float(row[2]) <= 1 and row[3].count(", ") == 1 for row in rows)
    told = dlkit("predict", run, tmp_path / "three.npy", "--json").json["predictions"]
    (target,) = told[2]["targets"].values()
    assert target["value"] == rows[2][1] == max(target["probabilities"], key=target["probabilities"].get)
    assert sum(target["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert f"{target['probabilities'][rows[2][1]]:.3f}" == rows[2][2]


def test_a_language_model_goes_on_with_a_prompt(dlkit, tmp_path):
    (tmp_path / "text.txt").write_text("abcdefgh" * 300)
    recipe, runs = tmp_path / "letters.yaml", tmp_path / "runs"
    recipe.write_text("""\
name: small/letters
data: {source: {text_corpus: {path: text.txt, length: 16}}, batch_size: 16}
model:
  sequential:
    - Embedding: {input_dim: $data.features.tokens.vocabulary_size, output_dim: 8}
    - rnn: {units: [16], cell: gru, return_sequences: true}
    - Dense: {units: $data.classes}
training: {epochs: 4, optimizer: {Adam: {learning_rate: 0.02}}}
""")
    said = dlkit("train", recipe, "--runs-dir", runs).stderr
    assert f"dlkit predict latest --prompt TEXT --runs-dir {runs}" in said
    asked = ("predict", "latest", "--runs-dir", runs, "--temperature", 0, "--tokens", 10)
    assert dlkit(*asked, "--prompt", "cd").stdout == "cdefghabcdef\n"
    assert dlkit(*asked, "--prompt", "cd", "--top-k", 3, "--json").json == {"text": "cdefghabcdef"}
    refused = dlkit(*asked, "--prompt", "cdX", "--json")
    assert (refused.status, "'X'" in refused.json["error"]["message"]) == (1, True)
    assert dlkit(*asked, recipe).status == 2


def test_predict_names_the_file_that_is_missing(dlkit, run):
    answer = dlkit("predict", run, "nowhere.png", "--json")
    assert (answer.status, "Traceback" in answer.stderr) == (1, False)
    assert "nowhere.png" in answer.json["error"]["message"]


def test_check_shows_layers_sizes_and_doubts(dlkit, recipe):
    answer = dlkit("check", recipe, "--set", "data.batch_size=5000")
    assert answer.status == 0, answer.stderr
    assert [row.split("\t")[1:] for row in answer.stdout.splitlines()][-1] == ["Dense", "10", "650"]
    assert re.search(r"^parameters +650 \(650 trained\)$", answer.stderr, re.MULTILINE)
    assert re.search(r"^steps per epoch +1$", answer.stderr, re.MULTILINE)
    assert "warning[large-batch]" in answer.stderr
    told = dlkit("check", recipe, "--json").json
    assert (told["parameters"], told["doubts"]) == (650, [])
    assert sum(told["examples"].values()) == 1797
    assert told["steps_per_epoch"] == -(-told["examples"]["train"] // 64)


def test_runs_are_listed_newest_first_with_their_state(dlkit, run, tmp_path):
    root = tmp_path / "runs"
    for name, state in (("20250101-000000-aaaa", "running"), ("20260101-000000-bbbb", "interrupted")):
        folder = root / "small" / "dense" / name
        folder.mkdir(parents=True)
        status = json.loads((run / "status.json").read_text()) | {"state": state, "epoch": 1, "epochs": 40}
        status |= {"started": "2025-01-01T00:00:00Z", "updated": "2025-01-01T01:02:00Z"}
        (folder / "status.json").write_text(json.dumps(status))
    (folder / "metrics.jsonl").write_text('{"epoch": 1, "loss": 2.0, "val_loss": 1.5, "val_accuracy": 0.25}\n')
    rows = [row.split("\t") for row in dlkit("runs", "--runs-dir", root).stdout.splitlines()]
    assert [row[:6] for row in rows] == [
        ["20260101-000000-bbbb", "small/dense", "interrupted", "1/40", "val_accuracy 0.25", "1 h 02 min"],
        ["20250101-000000-aaaa", "small/dense", "killed", "1/40", "", "1 h 02 min"],
    ]
    told = dlkit("runs", "--runs-dir", root, "--json").json["runs"]
    assert [found["state"] for found in told] == ["interrupted", "killed"]
    assert told[0]["run"] == str(folder)
    assert told[0]["metrics"] == {"val_loss": 1.5, "val_accuracy": 0.25}


def test_runs_tells_a_sweep_as_one(dlkit, run, tmp_path):
    sweep = tmp_path / "runs" / "small" / "dense" / "20260101-000000-cccc"
    for number, accuracy in ((1, 0.25), (2, 0.5), (3, 0.375)):
        member = sweep / "members" / f"{number:04d}"
        member.mkdir(parents=True)
        status = json.loads((run / "status.json").read_text()) | {"state": "finished", "seconds_before": 0.0}
        status |= {"started": "2025-01-01T00:00:00Z", "updated": "2025-01-01T00:01:00Z"}
        (member / "status.json").write_text(json.dumps(status))
        (member / "metrics.jsonl").write_text(json.dumps({"epoch": 1, "val_accuracy": accuracy}) + "\n")
    told = {"kind": "sweep", "objective": "val_accuracy", "direction": "max"}
    for more, state, best in (({}, "interrupted", "0.5"), ({"best": 2, "score": 0.625}, "finished", "0.625")):
        (sweep / "group.json").write_text(json.dumps(told | more))
        (row,) = [row.split("\t")[:6] for row in dlkit("runs", "--runs-dir", tmp_path / "runs").stdout.splitlines()]
        assert row == [sweep.name, "small/dense", state, "3 trials", f"val_accuracy {best}", "3 min 00 s"]
    assert len(dlkit("runs", "--runs-dir", tmp_path / "runs", "--json").json["runs"]) == 3


def test_runs_shows_the_test_metrics_of_a_finished_run(dlkit, trained, run, runs):
    (found,) = dlkit("runs", "--runs-dir", runs, "--json").json["runs"]
    assert (found["state"], found["epoch"], found["epochs"]) == ("finished", 2, 2)
    assert found["metrics"] == json.loads((run / "evaluation.json").read_text())["metrics"]


def test_runs_passes_over_a_folder_that_is_damaged(dlkit, tmp_path):
    folder = tmp_path / "some" / "run"
    folder.mkdir(parents=True)
    (folder / "status.json").write_text("{}")
    answer = dlkit("runs", "--runs-dir", tmp_path)
    assert (answer.status, answer.stdout) == (0, "")
    assert "status.json" in answer.stderr


@pytest.mark.parametrize(
    ("words", "status", "code", "said"),
    [
        (["trian", "x"], 2, "usage", "Did you mean 'train'?"),
        (["train"], 2, "usage", "RECIPE"),
        (["list", "--wrod"], 2, "usage", "--wrod"),
        (["tensorboard", "--port", "high"], 2, "usage", "--port"),
        (["predict", "latest", "x", "--model", "worst"], 2, "usage", "'best', 'last'"),
        (["train", "nowhere.yaml"], 2, "recipe", "nowhere.yaml"),
        (["check", "digits/cnn", "--set", "training.epoch=1"], 2, "recipe", "`epochs`"),
        (["evaluate", "latest", "--runs-dir", "nowhere"], 1, "run-not-found", "nowhere"),
        (["predict", "some", "x.png", "--runs-dir", "nowhere"], 1, "run-not-found", "nowhere"),
        (["tensorboard", "--runs-dir", "nowhere"], 1, "nothing-to-show", "nowhere"),
    ],
)
def test_a_mistake_is_told_with_its_status_and_without_a_traceback(dlkit, words, status, code, said):
    people = dlkit(*words)
    assert (people.status, people.stdout) == (status, "")
    assert said in people.stderr
    assert "error[" in people.stderr
    assert "Traceback" not in people.stderr
    scripts = dlkit(*words, "--json")
    assert (scripts.status, scripts.json["error"]["code"]) == (status, code)
    assert said in json.dumps(scripts.json, ensure_ascii=False)


def test_another_backend_is_refused(dlkit, recipe, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    answer = dlkit("check", recipe, "--json")
    assert (answer.status, answer.json["error"]["code"]) == (1, "wrong-backend")
    assert "'jax'" in answer.json["error"]["message"]


def test_a_port_in_use_is_told_at_once(dlkit, trained, runs):
    with socket.create_server(("localhost", 0)) as taken:
        port = taken.getsockname()[1]
        answer = dlkit("tensorboard", "--runs-dir", runs, "--port", port)
    assert answer.status == 1
    assert f"port {port}" in answer.stderr
    assert "--port" in answer.stderr


def test_interrupting_a_training_leaves_a_whole_run_folder(start, recipe, tmp_path):
    process = start("train", recipe, "--set", "training.epochs=100000", "--runs-dir", "runs")
    said = []
    for line in process.stderr:
        said.append(line)
        if line.startswith("epoch "):
            break
    process.send_signal(signal.SIGINT)
    stdout, rest = process.communicate(timeout=120)
    assert process.returncode == 130, "".join(said) + rest
    assert stdout == ""
    assert said[0].startswith("small/dense"), "TensorFlow's noise came through"
    (folder,) = (tmp_path / "runs" / "small" / "dense").iterdir()
    assert rest.splitlines()[-1] == f"Go on with: dlkit resume {folder.relative_to(tmp_path)}"
    assert "Traceback" not in rest
    status = json.loads((folder / "status.json").read_text())
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert status["state"] == "interrupted"
    assert len(lines) == status["epoch"] >= 1
    assert {"recipe.yaml", "provenance.json", "best.keras", "model.keras", "log.txt"} <= {
        p.name for p in folder.iterdir()
    }
    assert not [path for path in folder.rglob("*") if ".tmp" in path.name]


def test_tensorboard_serves_until_it_is_interrupted(start, trained, runs):
    process = start("tensorboard", "--runs-dir", runs, "--port", "0", "--json")
    url = json.loads(process.stdout.readline())["url"]
    with urllib.request.urlopen(f"{url}data/runs", timeout=60) as answer:
        assert answer.status == 200
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (0, "")
    assert stderr.splitlines() == ["Starting TensorBoard ...", f"TensorBoard is at {url} (Ctrl-C ends it)"]
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(url, timeout=10)


def test_sigterm_ends_tensorboard_too(start, trained, runs):
    process = start("tensorboard", "--runs-dir", runs, "--port", "0", "--json")
    assert process.stderr.readline() == "Starting TensorBoard ...\n"
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 143
    assert stderr == "interrupted\n"


def test_nobody_reads_on_and_nobody_complains(start):
    process = start("schema")
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which only Linux has")
def test_a_full_disk_is_told(repository):
    with open("/dev/full", "w") as full:
        words = [sys.executable, "-m", "dlkit", "schema"]
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, cwd=repository, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error[cannot-write]: Standard output cannot be written: No space left on device"
    ]


def test_a_terminal_that_knows_ascii_only_gets_question_marks(start):
    stdout, stderr = start("list", "digits/cnn", PYTHONIOENCODING="ascii").communicate()
    assert (stdout.count("test_accuracy ? 0.9"), stderr) == (1, "")
