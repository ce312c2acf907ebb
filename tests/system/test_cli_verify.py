"""dlkit verify: its table, its statuses, what it records, and how it goes on after an interruption."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pytest

from dlkit.recipe.library import shipped_recipes
from dlkit.recipe.load import load
from dlkit.training.interruption import Interrupted
from dlkit.workflows.verify import train
from scripts.docs_pages import gallery

RECIPE = """\
name: {name}
summary: Flowers
data: {{source: {source}}}
model: {{sequential: [{{Dense: {{units: 3}}}}]}}
training: {{epochs: 2}}
expect: {{test_accuracy: {{at_least: {bound}}}, test_loss: {{at_most: 100}}}}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of recipes, to work in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DLKIT_DATA_DIR", raising=False)  # which a message would name
    for name, source, bound in (
        ("good", "iris", 0), ("high", "iris", 1.1), ("gone", "{csv: {path: gone.csv, target: x}}", 0)
    ):  # fmt: skip
        text = RECIPE.format(name=name, source=source, bound=bound)
        (tmp_path / f"{name}.yaml").write_text(
            text.replace("test_accuracy: {at_least: 0}, ", "") if name == "gone" else text
        )
    return tmp_path


def rows(stdout: str) -> list[list[str]]:
    return [line.split("\t") for line in stdout.splitlines()]


def test_a_recipe_that_expects_too_much_falls_short_with_status_3(dlkit, folder):
    answer = dlkit("verify", "good.yaml", "gone.yaml", "high.yaml")
    assert answer.status == 3
    found = rows(answer.stdout)
    assert [(row[0], row[1], row[4], row[5]) for row in found] == [
        ("good", "test_accuracy", "at least 0", "met"),
        ("good", "test_loss", "at most 100", "met"),
        ("gone", "", "", "skipped: `data.source.csv.path`: there is no such file: gone.csv"),
        ("high", "test_accuracy", "at least 1.1", "short"),
        ("high", "test_loss", "at most 100", "met"),
    ]
    low, high = map(float, found[0][3].split(" to "))
    assert low <= float(found[0][2]) <= high
    assert all(row[6] == f"{float(row[6]):.1f}" for row in found)
    assert "3 of 3: high: Flowers\n" in answer.stderr
    assert "error[data-not-found]" in answer.stderr
    assert "high falls short of what it expects" in answer.stderr


def test_as_json(dlkit, folder):
    answer = dlkit("verify", "good.yaml", "gone.yaml", "good.yaml", "--json", "--runs-dir", "here")
    assert answer.status == 0
    good, gone = answer.json["recipes"]
    assert (
        {
            *("name", "verdict", "reason", "metrics", "intervals", "expectations", "seconds", "run"),
            *("deviations", "mean_of"),
        }
        == set(good)
        == set(gone)
    )
    assert (good["name"], good["verdict"], gone["verdict"], gone["run"]) == ("good", "met", "skipped", None)
    assert json.loads((Path(good["run"]) / "evaluation.json").read_text())["metrics"] == good["metrics"]
    assert Path(good["run"]).is_relative_to(folder / "here")
    assert good["expectations"][0] == {
        "metric": "test_accuracy", "bound": "at least 0", "value": good["metrics"]["test_accuracy"], "met": True
    }  # fmt: skip


def test_a_recipe_that_cannot_be_trained_gives_status_1_and_the_others_go_on(dlkit, folder):
    text = (folder / "good.yaml").read_text()
    broken = text.replace("name: good", "name: broken").replace(
        "epochs: 2", "epochs: 2, optimizer: {SGD: {learning_rate: 1e38}}"
    )
    (folder / "broken.yaml").write_text(broken)
    answer = dlkit("verify", "broken.yaml", "high.yaml")
    assert answer.status == 1
    assert [row[5] for row in rows(answer.stdout)] == [
        "failed: The loss became nan in step 2 of epoch 1.",
        "short",
        "met",
    ]
    assert "error[not-a-number]" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_where_all_are_skipped_nothing_was_verified(dlkit, folder):
    (folder / "silent.yaml").write_text((folder / "good.yaml").read_text().partition("expect:")[0])
    answer = dlkit("verify", "gone.yaml", "silent.yaml")
    assert answer.status == 1
    assert [row[5].split(":")[0] for row in rows(answer.stdout)] == ["skipped", "skipped"]
    assert "it has no `expect`" in answer.stdout
    quick = dlkit("verify", "good.yaml", "--quick")
    assert (quick.status, rows(quick.stdout)[0][5]) == (1, "skipped: it has no `quick`")


def test_mistakes_of_all_recipes_are_told_before_any_is_trained(dlkit, folder):
    for name in ("one", "two"):
        (folder / f"{name}.yaml").write_text((folder / "good.yaml").read_text().replace("epochs", "epoch"))
    answer = dlkit("verify", "good.yaml", "one.yaml", "two.yaml", "--runs-dir", "here")
    assert answer.status == 2
    assert "one.yaml:5" in answer.stderr and "two.yaml:5" in answer.stderr
    assert not (folder / "here").exists()


def test_an_interruption_tells_how_to_go_on(dlkit, folder, monkeypatch):
    import signal

    def interrupted(recipe, **named):
        if recipe.name == "high":
            named["started"](train(recipe, **named).folder, recipe.facts)
            raise Interrupted(signal.SIGINT)
        return train(recipe, **named)

    monkeypatch.setattr("dlkit.workflows.verify.train", interrupted)
    shutil.copy("good.yaml", "last one.yaml")
    words = ("good.yaml", "high.yaml", "last one.yaml", "--set", "training.epochs=1", "--runs-dir", "a b")
    answer = dlkit("verify", *words)
    assert answer.status == 130
    assert {row[0] for row in rows(answer.stdout)} == {"good"}  # what is done is told
    *_, rest = answer.stderr.splitlines()
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    assert (
        rest == "Go on with: dlkit verify high.yaml 'last one.yaml' --resume --set training.epochs=1 --runs-dir 'a b'"
    )
    after = dlkit(*shlex.split(rest.partition("dlkit ")[2]))
    assert (after.status, {row[0] for row in rows(after.stdout)}) == (3, {"high", "good"})


@pytest.fixture
def shipped(tmp_path, monkeypatch, repository):
    """A copy of what ships, which results can be recorded in."""
    for name in ("recipes", "configs"):
        shutil.copytree(repository / name, tmp_path / "dlkit" / name)
    home = tmp_path / "dlkit" / "recipes"
    (home / "results.json").unlink(missing_ok=True)
    (home / "tiny.yaml").write_text(RECIPE.format(name="tiny", source="iris", bound=1.1))
    monkeypatch.setattr("dlkit.recipe.library.shipped", lambda folder: home.parent / folder)
    monkeypatch.chdir(tmp_path)
    return home


def in_gallery() -> dict[str, str]:
    """What the gallery tells of each recipe that ships."""
    text = gallery.page({name: load(path) for name, path in shipped_recipes()})
    return {part.partition("`")[0]: part for part in text.split("\n### `")[1:]}


def test_what_is_recorded_is_listed_with_a_mark_where_the_recipe_was_changed_since(dlkit, shipped):
    before = {row[0]: row[3] for row in rows(dlkit("list").stdout)}
    answer = dlkit("verify", "notes/three_six_six_one", "tiny", "--record")
    assert answer.status == 3
    assert f"Recorded in {shipped / 'results.json'}" in answer.stderr
    recorded = json.loads((shipped / "results.json").read_text())["recipes"]
    assert {name: entry["met"] for name, entry in recorded.items()} == {"notes/three_six_six_one": True, "tiny": False}
    assert recorded["notes/three_six_six_one"]["metrics"]["test_accuracy"] >= 0.9

    listed = dlkit("list")
    told = {row[0]: row[3] for row in rows(listed.stdout)}
    changed = {name for name in told if told[name] != before[name]}
    assert changed == {"notes/three_six_six_one", "tiny"}
    accuracy = recorded["tiny"]["metrics"]["test_accuracy"]
    loss = recorded["tiny"]["metrics"]["test_loss"]
    assert f", test accuracy {accuracy:.4f}, test loss {loss:.4f}, falls short" in told["tiny"]
    assert "stale" not in listed.stdout + listed.stderr

    tiny = shipped / "tiny.yaml"
    tiny.write_text("# A comment\n" + tiny.read_text().replace("Flowers", "Irises").replace("1.1", "1.2"))
    assert not any(recipe["stale"] for recipe in dlkit("list", "--json").json["recipes"])
    tiny.write_text(tiny.read_text().replace("epochs: 2", "epochs: 3"))
    assert {recipe["name"] for recipe in dlkit("list", "--json").json["recipes"] if recipe["stale"]} == {"tiny"}
    stale = dlkit("list", "tiny")
    assert stale.stdout.endswith("falls short (stale)\n")
    assert "dlkit verify tiny --record" in stale.stderr
    own = Path("recipes")
    own.mkdir()
    shutil.copy(tiny, own)
    assert dlkit("list", "tiny").stdout.endswith("\t\n")  # one's own recipe hides it, and was not measured

    told = in_gallery()
    assert "falls short, measured before the recipe was changed" in told["tiny"]
    accuracy = recorded["notes/three_six_six_one"]["metrics"]["test_accuracy"]
    assert f"`test_accuracy` {accuracy:.4f} (" in told["notes/three_six_six_one"]
    assert "not recorded" in told["digits/cnn"]


def test_means_of_seeds_are_recorded_listed_and_in_the_gallery(dlkit, shipped):
    tiny = shipped / "tiny.yaml"
    tiny.write_text(tiny.read_text().replace("1.1", "0"))
    answer = dlkit("verify", "tiny", "--seeds", "2", "--record")
    assert answer.status == 0
    recorded = json.loads((shipped / "results.json").read_text())["recipes"]["tiny"]
    assert (recorded["mean_of"], recorded["intervals"]) == ({"seeds": 2}, {})
    accuracy, deviation = recorded["metrics"]["test_accuracy"], recorded["deviations"]["test_accuracy"]
    assert rows(answer.stdout)[0][2] == f"{accuracy:.4f} ± {deviation:.4f}"
    assert f"test accuracy {accuracy:.4f}, " in dlkit("list", "tiny").stdout
    assert dlkit("list", "tiny").stdout.endswith(", mean of 2 seeds\n")
    told = in_gallery()["tiny"]
    assert f"`test_accuracy` {accuracy:.4f} ± {deviation:.4f}; " in told and ", mean of 2 seeds<br>" in told


def test_only_what_ships_is_recorded_and_as_it_ships(dlkit, shipped, tmp_path):
    for words in (("--quick",), ("--set", "training.epochs=1")):
        answer = dlkit("verify", "tiny", "--record", *words)
        assert (answer.status, f"without {words[0]}" in answer.stderr) == (2, True)
    (tmp_path / "own.yaml").write_text((shipped / "tiny.yaml").read_text().replace("tiny", "own"))
    answer = dlkit("verify", "tiny", "own.yaml", "--record")
    assert (answer.status, "which are not: own" in answer.stderr) == (1, True)
    assert not (shipped / "results.json").exists()


def test_all_are_the_recipes_that_ship(dlkit, shipped, monkeypatch):
    asked = []

    def answered(recipe, **named):
        from dlkit.workflows.verify import Verified

        asked.append(recipe.name)
        return Verified(recipe.name, "skipped", "it is asked for, no more")

    monkeypatch.setattr("dlkit.workflows.verify.verify", answered)
    assert dlkit("verify", "all", "tiny").status == 1
    assert asked == sorted(asked) and {"tiny", "digits/cnn"} <= set(asked)
    assert len(asked) == len(set(asked))
