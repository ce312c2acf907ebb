"""Merging and composing: what extends what, in which order, and where it is found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlkit.recipe import library
from dlkit.recipe.components import Components
from dlkit.recipe.diagnostics import RecipeError, Source
from dlkit.recipe.dump import to_yaml
from dlkit.recipe.keys import ROOT
from dlkit.recipe.load import Recipe, load
from dlkit.recipe.merge import merge
from dlkit.recipe.nodes import Node, from_plain, plain
from dlkit.recipe.paths import Paths
from dlkit.recipe.yaml_source import read_text

WHOLE = """\
name: a/b
data: {source: digits}
model: {sequential: [Flatten, {Dense: {units: 10}}]}
"""


def node(text: str) -> Node:
    return read_text(Source("text", text))


def merged(base: str, over: str) -> Any:
    return plain(merge(node(base), node(over), ROOT, Paths(Components())))


@pytest.mark.parametrize(
    ("base", "over", "made"),
    [
        # Mappings merge, lists and scalars replace.
        ("{data: {batch_size: 8, limit: 3}}", "{data: {limit: 4}}", {"data": {"batch_size": 8, "limit": 4}}),
        ("{data: {features: [a, b]}}", "{data: {features: [c]}}", {"data": {"features": ["c"]}}),
        # A component of the same name merges its arguments, under another name it replaces.
        (
            "{training: {optimizer: {Adam: {learning_rate: 1, beta_1: 2}}}}",
            "{training: {optimizer: {Adam: {beta_1: 3}}}}",
            {"training": {"optimizer": {"Adam": {"learning_rate": 1, "beta_1": 3}}}},
        ),
        (
            "{training: {optimizer: {Adam: {learning_rate: 1}}}}",
            "{training: {optimizer: Adam}}",
            {"training": {"optimizer": {"Adam": {"learning_rate": 1}}}},
        ),
        (
            "{training: {optimizer: {Adam: {learning_rate: 1}}}}",
            "{training: {optimizer: {Adam: }}}",
            {"training": {"optimizer": {"Adam": {"learning_rate": 1}}}},
        ),
        (
            "{training: {optimizer: {Adam: {learning_rate: 1}}}}",
            "{training: {optimizer: {SGD: {momentum: 2}}}}",
            {"training": {"optimizer": {"SGD": {"momentum": 2}}}},
        ),
        (
            "{training: {optimizer: {Adam: {learning_rate: 1}}}}",
            "{training: {optimizer: SGD}}",
            {"training": {"optimizer": "SGD"}},
        ),
        # So do components that are arguments of components.
        (
            "{training: {optimizer: {SGD: {learning_rate: {CosineDecay: {alpha: 1, decay_steps: 2}}}}}}",
            "{training: {optimizer: {SGD: {learning_rate: {CosineDecay: {alpha: 3}}}}}}",
            {"training": {"optimizer": {"SGD": {"learning_rate": {"CosineDecay": {"alpha": 3, "decay_steps": 2}}}}}},
        ),
        (
            "{training: {optimizer: {SGD: {learning_rate: {CosineDecay: {alpha: 1}}}}}}",
            "{training: {optimizer: {SGD: {learning_rate: 0.1}}}}",
            {"training": {"optimizer": {"SGD": {"learning_rate": 0.1}}}},
        ),
        (
            "{data: {source: {fashion_mnist: {path: a}}}}",
            "{data: {source: digits}}",
            {"data": {"source": "digits"}},
        ),
        (
            "{model: {functional: {inputs: [a], outputs: {x: y}}}}",
            "{model: {functional: {inputs: [b]}}}",
            {"model": {"functional": {"inputs": ["b"], "outputs": {"x": "y"}}}},
        ),
        ("{model: {sequential: [Flatten]}}", "{model: {mlp: {units: [1]}}}", {"model": {"mlp": {"units": [1]}}}),
        # The plus appends.
        (
            "{training: {callbacks: [TerminateOnNaN]}}",
            "{training: {callbacks+: [ReduceLROnPlateau]}}",
            {"training": {"callbacks": ["TerminateOnNaN", "ReduceLROnPlateau"]}},
        ),
        ("{}", "{training: {callbacks+: [TerminateOnNaN]}}", {"training": {"callbacks": ["TerminateOnNaN"]}}),
        ("{plugins: [a.py]}", "{plugins+: [b.py]}", {"plugins": ["a.py", "b.py"]}),
        # Null on dlkit's own keys takes away, on an argument it is a value.
        ("{training: {loss: Huber, epochs: 1}}", "{training: {loss: null}}", {"training": {"epochs": 1}}),
        ("{data: {limit: 3}}", "{data: null}", {}),
        (
            "{training: {losses: {a: Huber, b: Huber}}}",
            "{training: {losses: {a: null}}}",
            {"training": {"losses": {"b": "Huber"}}},
        ),
        ("{tune: {space: {seed: {int: [1, 2]}}}}", "{tune: {space: {seed: null}}}", {"tune": {"space": {}}}),
        (
            "{training: {optimizer: {Adam: {clipnorm: 1}}}}",
            "{training: {optimizer: {Adam: {clipnorm: null}}}}",
            {"training": {"optimizer": {"Adam": {"clipnorm": None}}}},
        ),
        (
            "{blocks: {b: {arguments: {x: 1, y: 2}}}}",
            "{blocks: {b: {arguments: {x: null}}}}",
            {"blocks": {"b": {"arguments": {"x": None, "y": 2}}}},
        ),
        # What is no component or no mapping replaces as it is, and is told later.
        ("{training: {optimizer: Adam}}", "{training: {optimizer: [1]}}", {"training": {"optimizer": [1]}}),
        ("{training: {epochs: 1}}", "{training: 5}", {"training": 5}),
        ("{training: 5}", "{training: {epochs: 1}}", {"training": {"epochs": 1}}),
    ],
)
def test_merging(base: str, over: str, made: Any) -> None:
    assert merged(base, over) == made


plain_values = st.recursive(
    st.none() | st.integers(0, 3) | st.sampled_from(["Adam", "SGD", "a"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["training", "optimizer", "Adam", "SGD", "learning_rate", "callbacks", "callbacks+", "data", "x"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)
mappings = plain_values.filter(lambda value: isinstance(value, dict))


def made_of(*layers: Any) -> Any:
    """What merging makes of plain values, one over another."""
    made: Node | None = from_plain({})
    for layer in layers:
        made = merge(made, from_plain(layer), ROOT, Paths(Components()))
    return plain(made)


@given(mappings)
def test_merging_nothing_changes_nothing(value: Any) -> None:
    assert made_of(value, {}) == made_of(value)


@given(mappings, mappings)
def test_the_last_one_wins(first: Any, last: Any) -> None:
    last = _without_plus(last)
    assert made_of(first, last, last) == made_of(first, last)


@given(mappings, mappings)
def test_merging_leaves_what_it_merges_as_it_is(first: Any, last: Any) -> None:
    nodes = from_plain(first), from_plain(last)
    merge(*nodes, ROOT, Paths(Components()))
    assert [plain(node) for node in nodes] == [plain(from_plain(first)), plain(from_plain(last))]


def _without_plus(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_plus(inner) for key, inner in value.items() if not key.endswith("+")}
    return [_without_plus(inner) for inner in value] if isinstance(value, list) else value


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a `shipped` one in the place of the package's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(library, "shipped", lambda name: tmp_path / "shipped" / name)
    return tmp_path


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def test_the_order_of_what_is_said(folder: Path) -> None:
    """extends, the file, its `set`, `quick.set`, `--set`."""
    write(
        folder,
        {
            "one.yaml": "seed: 1\nsummary: x\ndata: {batch_size: 1, limit: 1, validation: 0.1, shuffle: false}\ntraining: {epochs: 1}",
            "two.yaml": "set: {data.limit: 2}\nseed: 2\ndata: {batch_size: 2, validation: 0.2}\ntraining: {epochs: 2}",
            "main.yaml": WHOLE
            + "extends: [one, two]\nset: {training.epochs: 4, data.shuffle: true}\n"
            + "training: {epochs: 3, precision: mixed_bfloat16}\nquick: {set: {training.epochs: 5, seed: 5}}",
        },
    )
    plain_recipe = load("main.yaml").config
    assert (plain_recipe.seed, plain_recipe.training.epochs) == (2, 4)
    assert (plain_recipe.data.batch_size, plain_recipe.data.limit, plain_recipe.data.validation) == (2, 2, 0.2)
    assert plain_recipe.data.shuffle is True
    quick = load("main.yaml", quick=True).config
    assert (quick.seed, quick.training.epochs) == (5, 5)
    said = load("main.yaml", ["seed=6"], quick=True).config
    assert (said.seed, said.training.epochs) == (6, 5)


def test_what_is_a_recipes_own_is_not_inherited(folder: Path) -> None:
    write(
        folder,
        {
            "base.yaml": WHOLE
            + "summary: s\nreference: r\nexpect: {test_accuracy: {at_least: 2}}\n"
            + "quick: {set: {seed: 5}}\ntraining: {epochs: 7}\nseed: 3\n"
            + "tune: {algorithm: {grid: {}}, space: {seed: {int: [1, 2]}}}",
            "main.yaml": "extends: base\nname: c",
        },
    )
    config = load("main.yaml").config
    assert (config.name, config.summary, config.reference, config.expect, config.quick) == ("c", None, None, None, None)
    assert (config.training.epochs, config.seed) == (7, 3)
    assert config.tune is not None


def test_what_a_recipe_replaces_is_searched_no_longer(folder: Path) -> None:
    (folder / "base.yaml").write_text(
        WHOLE + "training: {epochs: 1}\n"
        "tune:\n  algorithm: {random: {trials: 3}}\n  space:\n    training.optimizer.beta_1: {float: [0.5, 0.9]}\n"
        "    data.batch_size: {choice: [8, 16]}\n"
    )
    (folder / "own.yaml").write_text("name: a/b\nextends: [base]\ntraining: {optimizer: SGD}\n")
    tune = load(folder / "own.yaml").config.tune
    assert tune is not None
    assert list(tune.space) == ["data.batch_size"]
    (folder / "own.yaml").write_text(
        "name: a/b\nextends: [base]\ntraining: {optimizer: SGD}\n"
        "tune: {space: {training.optimizer.beta_1: {float: [0.6, 0.9]}}}\n"
    )
    with pytest.raises(RecipeError, match="leads nowhere"):
        load(folder / "own.yaml")


def test_what_a_setting_replaces_is_set_by_no_quick_variant(folder: Path) -> None:
    (folder / "main.yaml").write_text(
        WHOLE + "training:\n  epochs: 4\n  stages: [{name: head, epochs: 1}, {name: all}]\n"
        "quick: {set: {training.stages.head.epochs: 3, training.epochs: 2, seed: 5}}\n"
    )
    recipe = load("main.yaml", ["training.stages=[{name: all}]", "seed=7"])
    assert recipe.config.quick.set == {"training.epochs": 2, "seed": 5}
    (folder / "again.yaml").write_text(to_yaml(recipe.dump()))
    quick = load("again.yaml", quick=True).config
    assert ([stage.name for stage in quick.training.stages], quick.training.epochs, quick.seed) == (["all"], 2, 5)


def test_where_fragments_are_found(folder: Path) -> None:
    """Beside the file, in ./configs, in ./recipes, then in the package."""
    places = ["mine/part.yaml", "configs/part.yaml", "recipes/part.yaml", "shipped/configs/part.yaml"]
    places.append("shipped/recipes/part.yaml")
    write(folder, {place: f"seed: {n}" for n, place in enumerate(places)})
    write(folder, {"mine/main.yaml": f"{WHOLE}extends: [part]\ntraining: {{epochs: 1}}"})
    for n, place in enumerate(places):
        assert load("mine/main.yaml").config.seed == n
        (folder / place).unlink()
    with pytest.raises(RecipeError) as raised:
        load("mine/main.yaml")
    assert [found.code for found in raised.value.diagnostics] == ["fragment-not-found"]


def test_a_recipe_may_extend_the_shipped_one_of_its_name(folder: Path) -> None:
    write(folder, {"shipped/recipes/a/b.yaml": f"{WHOLE}seed: 9\ntraining: {{epochs: 1}}"})
    write(folder, {"recipes/a/b.yaml": "name: a/b\nextends: a/b"})
    assert load("recipes/a/b.yaml").config.seed == 9


def told(path: str, **options: Any) -> list[tuple[str, str, int]]:
    with pytest.raises(RecipeError) as raised:
        load(path, **options)
    return [(found.code, found.span.source.name, found.span.line) for found in raised.value.diagnostics]


def test_circles_are_told(folder: Path) -> None:
    write(folder, {"a.yaml": "extends: b", "b.yaml": "extends: [c]", "c.yaml": "extends: a", "me.yaml": "extends: me"})
    write(folder, {"main.yaml": f"{WHOLE}extends: [a]\ntraining: {{epochs: 1}}"})
    assert told("main.yaml") == [("extends-cycle", "c.yaml", 1)]
    write(folder, {"main.yaml": f"{WHOLE}extends: [me]\ntraining: {{epochs: 1}}"})
    assert told("main.yaml") == [("extends-cycle", "me.yaml", 1)]


def test_a_mistake_is_told_where_it_was_written(folder: Path) -> None:
    write(folder, {"part.yaml": "\ntraining:\n  epochs: 0\n  optimizer: {Adm: {}}\n", "ok.yaml": "seed: 1"})
    write(
        folder,
        {
            "main.yaml": f"{WHOLE}extends: [ok, part]\nset:\n  data.batch_size: 0\n  data.shuffle: maybe\n"
            "quick:\n  set:\n    data.limit: 0\n"
        },
    )
    assert sorted(told("main.yaml", settings=["seed=-1"])) == [
        ("out-of-range", "--set", 1),
        ("out-of-range", "main.yaml", 6),
        ("out-of-range", "main.yaml", 10),
        ("out-of-range", "part.yaml", 3),
        ("unknown-optimizer", "part.yaml", 4),
        ("unknown-value", "main.yaml", 7),
    ]


def test_a_setting_is_told_with_its_text_and_place() -> None:
    with pytest.raises(RecipeError) as raised:
        load("digits/cnn", ["training.epochs=5", "training.optimizer={Adam: {learning_rat: 1}}"])
    assert raised.value.diagnostics[0].render() == (
        "error[unknown-argument]: Adam has no argument `learning_rat`\n"
        " --> --set:1:28\n"
        "  |\n"
        "1 | training.optimizer={Adam: {learning_rat: 1}}\n"
        "  |                            ^^^^^^^^^^^^ did you mean `learning_rate`?"
    )


@pytest.mark.parametrize(
    ("setting", "code", "column"),
    [
        ("training.epochs", "wrong-setting", 1),
        ("=5", "wrong-setting", 1),
        ("training.epochs={", "syntax", 18),
        ("training.epochs=ten", "wrong-type", 17),
        ("training.epoch=10", "unknown-path", 1),
        ("extends=[x]", "unknown-path", 1),
        ("set.training.epochs=1", "unknown-path", 1),
        ("training.epochs+=[1]", "unknown-path", 1),
        ("training.callbacks+=EarlyStopping", "wrong-type", 21),
        ("training.epochs=!!python/name:os.system", "unsafe-tag", 17),
    ],
)
def test_settings_with_mistakes(setting: str, code: str, column: int) -> None:
    with pytest.raises(RecipeError) as raised:
        load("digits/cnn", [setting])
    assert [(found.code, found.span.column) for found in raised.value.diagnostics] == [(code, column)]


def test_settings(read: Callable[..., Recipe]) -> None:
    text = "training: {epochs: 1, callbacks: [TerminateOnNaN], loss: SparseCategoricalCrossentropy}"
    config = read(text, "training.callbacks+=[{CSVLogger: {filename: a}}]", "training.loss=", "seed = 3").config
    assert [callback.name for callback in config.training.callbacks] == ["TerminateOnNaN", "CSVLogger"]
    assert (config.training.loss, config.seed) == (None, 3)
    config = read(text, "training.callbacks=[]", "data={batch_size: 9}").config
    assert (config.training.callbacks, config.data.batch_size, config.data.source.name) == ([], 9, "digits")


def test_settings_of_python() -> None:
    recipe = load("digits/cnn", {"training.epochs": 5, "training.optimizer": {"SGD": {"momentum": 0.9}}})
    assert recipe.config.training.epochs == 5
    assert recipe.config.training.optimizer.arguments == {"momentum": 0.9}
    with pytest.raises(RecipeError) as raised:
        load("digits/cnn", {"training.epochs": "five"})
    assert str(raised.value.diagnostics[0].span) == "settings:1:19"
    assert raised.value.diagnostics[0].span.source.text == "training.epochs = 'five'"
    with pytest.raises(TypeError, match="Received: <object"):
        load("digits/cnn", {"training.epochs": object()})


def test_a_fragment_that_is_missing_is_the_only_mistake(folder: Path) -> None:
    """What it would have said is not missed, since it may have said it; other mistakes are told all the same."""
    write(
        folder,
        {
            "main.yaml": "extends: [gone]\nname: a\nset: {training.callbacks.EarlyStopping.patience: 3}\n"
            "model: {sequential: [my_block, {Dens: {units: $data.clases}}]}\n"
        },
    )
    assert told("main.yaml") == [("fragment-not-found", "main.yaml", 1), ("unknown-layer", "main.yaml", 4)]


def test_a_fragment_that_is_no_yaml_is_told_at_its_place(folder: Path) -> None:
    write(folder, {"bad.yaml": "data:\n  source: {digits\n", "list.yaml": "- 1", "empty.yaml": "# nothing\n"})
    for name, expected in (("bad", ("syntax", "bad.yaml", 2)), ("list", ("wrong-type", "list.yaml", 1))):
        write(folder, {"main.yaml": f"extends: [{name}]\nname: a"})
        assert told("main.yaml") == [expected]
    write(folder, {"main.yaml": f"{WHOLE}extends: [empty, 5, [a]]\ntraining: {{epochs: 1}}"})
    assert [code for code, *_ in told("main.yaml")] == ["empty", "wrong-type", "wrong-type"] or told("main.yaml") == [
        ("wrong-type", "main.yaml", 4),
        ("wrong-type", "main.yaml", 4),
        ("empty", "empty.yaml", 1),
    ]


def test_a_thousand_fragments_are_too_many(folder: Path) -> None:
    """A hundred that extend a hundred each, none twice in a row."""
    names = [f"f{n}" for n in range(30)]
    write(folder, {f"{name}.yaml": f"extends: [{', '.join(names[n + 1 :])}]" for n, name in enumerate(names)})
    write(folder, {"main.yaml": f"{WHOLE}extends: [f0]\ntraining: {{epochs: 1}}"})
    assert {code for code, *_ in told("main.yaml")} == {"too-many-files"}


@pytest.mark.parametrize("name", ["a\0b", "x" * 5_000, "../" * 2_000, ".", "/", "~", "con:1", ""])
def test_names_that_no_file_can_have(folder: Path, name: str) -> None:
    with pytest.raises(RecipeError) as raised:
        load(name)
    assert raised.value.diagnostics[0].code == "recipe-not-found"
    with pytest.raises(RecipeError) as raised:
        load({"name": "a", "extends": [name], "data": {"source": "digits"}})
    assert [found.code for found in raised.value.diagnostics] == ["fragment-not-found"] or not name


def test_files_are_told(folder: Path) -> None:
    write(folder, {"part.yaml": "seed: 1", "main.yaml": f"{WHOLE}extends: [part]\ntraining: {{epochs: 1}}"})
    assert [path.name for path in load("main.yaml").files] == ["main.yaml", "part.yaml"]
