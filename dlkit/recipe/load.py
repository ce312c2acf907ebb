"""From a file to a checked recipe.

recipe = load("fashion_mnist/cnn", ["training.epochs=5"])      # every mistake at once, as a RecipeError
recipe.config.training.epochs                                  # dlkit's own keys
recipe.graphs["model"]                                         # the network, opened
recipe.with_facts(facts)                                       # the same, once the data is loaded
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as Values
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlkit.recipe import keys, library
from dlkit.recipe.check import Checker
from dlkit.recipe.components import Components, read_plugin
from dlkit.recipe.compose import ROOT, Composer, Setting, parse_settings, python_settings
from dlkit.recipe.declarations import DeclarationError
from dlkit.recipe.diagnostics import Diagnostic, Findings, RecipeError, Source, Span, did_you_mean, listing
from dlkit.recipe.facts import DataFacts
from dlkit.recipe.graph import Component, Graph
from dlkit.recipe.networks import NetworkReader, freeze_problems
from dlkit.recipe.nodes import Entry, Mapping, Node, Scalar, Sequence, from_plain, plain
from dlkit.recipe.paths import Paths, written_component
from dlkit.recipe.references import References, as_written, is_unknown
from dlkit.recipe.search_space import check_space
from dlkit.recipe.sections import check_sections
from dlkit.recipe.slots import fields
from dlkit.recipe.supervision import Supervision, Supervisor, as_keyed, logged_names
from dlkit.recipe.yaml_source import read_file, read_text


@dataclass(slots=True)
class Recipe:
    """A checked recipe.

    Args:
        root: The composed recipe as nodes, references not yet replaced.
        resolved: The same with its references replaced.
        path: Its file, if it has one.
        config: dlkit's own keys.
        model: The network, or the pattern with its networks.
        graphs: Every network, by its name in the pattern; a plain one is called `model`.
        supervisions: What each output is held against, by target; empty for patterns.
        facts: What is known of the data.
        components: Everything the recipe may name.
        warnings: What runs, but is probably not meant.
        files: The files it was put together from.
    """

    root: Mapping
    resolved: Mapping
    path: Path | None
    config: keys.Recipe
    model: Graph | Component
    graphs: dict[str, Graph]
    supervisions: dict[str, Supervision]
    facts: DataFacts
    components: Components
    warnings: tuple[Diagnostic, ...] = ()
    files: tuple[Path, ...] = ()
    allow_plugins: bool = False

    @property
    def name(self) -> str:
        """The recipe's name."""
        return self.config.name

    def with_facts(self, facts: DataFacts) -> Recipe:
        """The same recipe with what loading the data has told.

        Raises:
            RecipeError: The recipe contradicts its data.
        """
        findings = Findings()
        made = _read(self.root, self.path, self.components, findings, self.allow_plugins, facts)
        findings.stop_at_errors()
        assert made is not None
        made.files = self.files
        return made

    def span_of(self, path: str) -> Span:
        """Where a value is written, or else the section it would stand in."""
        node: Node = self.resolved
        span = node.span
        for word in path.split("."):
            if not isinstance(node, Mapping) or word not in node:
                break
            span, node = node.entries[word].key_span, node.entries[word].node
        return span

    def dump(self) -> dict[str, Any]:
        """The whole recipe as plain values, trainable as it is; facts of the data stay references."""
        values = as_written(self.resolved)
        assert isinstance(values, dict)
        return {key: values[key] for key in fields(keys.Recipe) if key in values}


def load(
    reference: str | Path | Values[str, Any],
    settings: Iterable[str] | Values[str, Any] = (),
    *,
    quick: bool = False,
    allow_plugins: bool = False,
) -> Recipe:
    """Reads, composes and checks a recipe.

    Args:
        reference: A file, the name of a recipe that ships, or the recipe itself as a mapping.
        settings: `PATH=VALUE` texts, or values by path; applied last.
        quick: Whether its `quick.set` is applied, and `quick.expect` holds.
        allow_plugins: Whether its plugins may be run; without, they are only read.

    Raises:
        RecipeError: The recipe has mistakes; all of them are told.
    """
    path, root = _read_root(reference)
    return _load(root, path, settings, quick, allow_plugins)


def parse(text: str, settings: Iterable[str] | Values[str, Any] = (), name: str = "recipe") -> Recipe:
    """A recipe from its text, as an editor holds it.

    Raises:
        RecipeError: The text has mistakes; all of them are told.
    """
    return _load(read_text(Source(name, text)), None, settings, False, False)


def _load(
    root: Node, path: Path | None, settings: Iterable[str] | Values[str, Any], quick: bool, allow_plugins: bool
) -> Recipe:
    findings = Findings()
    components = Components()
    composer = Composer(Paths(components), findings)
    if isinstance(root, Mapping):
        _plugins(root, components, findings)
    composed = composer.tree(root, path)
    _plugins(composed, components, findings)
    chosen = list(python_settings(settings) if isinstance(settings, Values) else parse_settings(settings, findings))
    _fix_searched(composed, chosen)
    final = composer.quick(composed) if quick else composed
    for setting in chosen:
        final = composer.apply(final, setting)
    recipe = _read(final, path, components, findings, allow_plugins)
    if not quick and isinstance(composed.get("quick"), Mapping):
        # The quick variant is checked too, so that `verify --quick` never meets a mistake that `validate` let pass.
        _read(composer.quick(composed), path, components, findings, allow_plugins)
    findings.stop_at_errors()
    assert recipe is not None
    recipe.files = tuple(composer.read)
    recipe.warnings = findings.warnings
    return recipe


def _read_root(reference: str | Path | Values[str, Any]) -> tuple[Path | None, Node]:
    if isinstance(reference, Values):
        return None, from_plain(dict(reference), Span(Source("recipe", ""), 1, 1, 1, 1))
    text = str(reference)
    path = library.find_recipe(text)
    if path is None or not path.is_file():
        names = [name for name, _ in library.shipped_recipes()]
        source = Source("command line", text)
        cure = did_you_mean(text, names, "a recipe is a file, or a name that `dlkit list` shows")
        message = f"there is no file `{text}`" if path else f"there is no recipe `{text}`"
        raise RecipeError([Diagnostic("recipe-not-found", message, Span(source, 1, 1, 1, len(text) + 1), cure)])
    return path, read_file(path)


def _plugins(root: Mapping, components: Components, findings: Findings) -> None:
    """Reads what the recipe's plugins declare, each file once."""
    node = root.get("plugins")
    for item in node.items if isinstance(node, Sequence) else ():
        if not isinstance(item, Scalar) or not isinstance(item.value, str):
            continue
        beside = Path(item.span.source.path).parent if item.span.source.path else Path.cwd()
        file = (beside / item.value).resolve()
        if file in components.files:
            continue
        try:
            found = read_plugin(file)
        except DeclarationError as error:
            findings.error(
                "plugin",
                error.message,
                item.span,
                f"line {error.line} of {item.value}" if file.is_file() else "plugins are looked for beside the recipe",
            )
            continue
        components.files.append(file)
        for declared in found:
            taken = [kind for kind in components.kinds_of(declared.spec.name) if kind != "activation"]
            if taken:
                findings.error(
                    "name-taken",
                    f"the plugin's `{declared.spec.name}` has the name of a known {taken[0]}",
                    item.span,
                    "give it another name",
                )
            else:
                components.plugins.append(declared)


def _fix_searched(composed: Mapping, settings: list[Setting]) -> None:
    """`--set` on a path of `tune.space` fixes it: it is searched no longer."""
    tune = composed.get("tune")
    space = tune.get("space") if isinstance(tune, Mapping) else None
    if isinstance(space, Mapping):
        for setting in settings:
            space.entries.pop(setting.path, None)


def _read(
    root: Mapping,
    path: Path | None,
    components: Components,
    findings: Findings,
    allow_plugins: bool,
    facts: DataFacts | None = None,
) -> Recipe | None:
    """Checks a composed recipe; None where it has mistakes."""
    paths = Paths(components)
    declared = facts or _declared_facts(root, components)
    references = References(root, declared, paths, findings)
    resolved = _resolve(root, references)
    reader: NetworkReader
    graphs: dict[str, Graph] = {}

    def network(node: Node) -> Any:
        return reader.read(node)

    checker = Checker(components, paths, findings, network)
    blocks = resolved.get("blocks")
    features = tuple(declared.features) if declared.features else None
    reader = NetworkReader(
        components,
        findings,
        references,
        checker,
        blocks if isinstance(blocks, Mapping) else Mapping(),
        features,
        allow_plugins,
    )
    reader.check_blocks()
    model = _model(resolved, reader, checker, graphs)
    without_model = Mapping({e.key: e for e in resolved if e.key not in ("model", "blocks", "quick")}, resolved.span)
    values = checker.read(without_model, ROOT)
    for key in ("blocks", "quick"):
        if key in resolved:
            values[key] = plain(resolved.get(key))
    if "model" in resolved:
        values["model"] = model
    config = check_sections(keys.Recipe, values, resolved, findings)
    _unused_keys(resolved, components, findings)
    _freezing(resolved, graphs, findings)
    check_space(resolved, checker, findings)
    if config is None or model is None:
        return None
    supervisions = (
        _supervise(config, model, declared, resolved, components, findings) if isinstance(model, Graph) else {}
    )
    if isinstance(model, Graph) and model.complete and supervisions:
        _names_of_metrics(config, supervisions, resolved, findings)
    if isinstance(model, Component) and model.kind != "pattern":
        return None
    return Recipe(
        root,
        resolved,
        path,
        config,
        model,
        graphs,
        supervisions,
        declared,
        components,
        findings.warnings,
        allow_plugins=allow_plugins,
    )


def _resolve(root: Mapping, references: References) -> Mapping:
    """Replaces references everywhere; in blocks, those to their own arguments are left for their uses."""
    made = Mapping(span=root.span)
    for entry in root:
        node = entry.node
        if entry.key == "blocks" and isinstance(node, Mapping):
            node = Mapping(
                {e.key: Entry(e.key, e.key_span, _resolve_block(e.node, references)) for e in node}, node.span
            )
        elif entry.key != "quick":
            node = references.resolve(node)
        made.entries[entry.key] = Entry(entry.key, entry.key_span, node)
    return made


def _resolve_block(block: Node, references: References) -> Node:
    arguments = block.get("arguments") if isinstance(block, Mapping) else None
    local: dict[str, Node | None] = {"required": None}
    if isinstance(arguments, Mapping):
        local |= dict.fromkeys(entry.key for entry in arguments)
    return references.resolve(block, local)


def _declared_facts(root: Mapping, components: Components) -> DataFacts:
    """What the source declares, cut to the features and targets that the recipe chooses."""
    data = root.get("data")
    if not isinstance(data, Mapping):
        return DataFacts()
    name, _ = written_component(data.get("source"))
    facts = components.source_facts(name or "")
    features = _chosen(data.get("features"), facts.features, list(facts.features))
    targets = _chosen(
        data.get("targets"), facts.targets, [name for name, target in facts.targets.items() if target.default]
    )
    return DataFacts(features, targets)


def _chosen(node: Node | None, known: Values[str, Any], default: list[str]) -> dict[str, Any]:
    names = plain(node) if isinstance(node, Sequence) else default
    return {name: known[name] for name in names if name in known} if isinstance(names, list) else dict(known)


def _model(
    resolved: Mapping, reader: NetworkReader, checker: Checker, graphs: dict[str, Graph]
) -> Graph | Component | None:
    """The network of a recipe, or its pattern; every network found goes to `graphs`."""
    node = resolved.get("model")
    if node is None or is_unknown(node):
        return None
    name, body = written_component(node)
    if name and checker.components.find("pattern", name):
        spec = checker.components.find("pattern", name)
        assert spec is not None
        pattern = Component("pattern", name, checker.arguments(body, spec, node.span), node.span)
        graphs.update({key: value for key, value in pattern.arguments.items() if isinstance(value, Graph)})
        return pattern
    if name is not None and not any(checker.components.find(kind, name) for kind in ("network", "architecture")):
        span = node.entries[name].key_span if isinstance(node, Mapping) else node.span
        checker.find(name, ("network", "architecture", "pattern"), span)
        return None
    graphs["model"] = reader.read(node)
    return graphs["model"]


def _unused_keys(resolved: Mapping, components: Components, findings: Findings) -> None:
    """Notes keys that the chosen source, pattern or algorithm does not use."""
    for section, key, kind in (
        ("data", "source", "source"),
        ("", "model", "pattern"),
        ("tune", "algorithm", "algorithm"),
    ):
        holder = resolved.get(section) if section else resolved
        name, _ = written_component(holder.get(key)) if isinstance(holder, Mapping) else (None, None)
        declaration = components.declaration(kind, name) if name else None
        for path in declaration.declared.get("unused", ()) if declaration else ():
            above, _, last = path.rpartition(".")
            node = resolved.get(above) if above else resolved
            if isinstance(node, Mapping) and last in node:
                findings.error(
                    "unused-key",
                    f"the {kind} `{name}` does not use `{path}`",
                    node.entries[last].key_span,
                    "take it out",
                )


def _freezing(resolved: Mapping, graphs: dict[str, Graph], findings: Findings) -> None:
    training = resolved.get("training")
    stages = training.get("stages") if isinstance(training, Mapping) else None
    for stage in stages.items if isinstance(stages, Sequence) else ():
        for key in ("freeze", "unfreeze"):
            globs = stage.get(key) if isinstance(stage, Mapping) else None
            if isinstance(globs, Sequence):
                freeze_problems(graphs.values(), [glob for glob in globs.items if isinstance(glob, Scalar)], findings)


def _supervise(
    config: keys.Recipe, graph: Graph, facts: DataFacts, resolved: Mapping, components: Components, findings: Findings
) -> dict[str, Supervision]:
    """The loss and metrics of every output."""
    span = resolved.entries["model"].key_span
    name, _ = written_component(resolved.get("data").get("source"))  # type: ignore[union-attr]
    if not facts.targets and (components.declaration("source", name or "") or None) is None:
        return {}
    known = _data_targets(resolved, components)
    for group, chosen in (("features", config.data.features), ("targets", config.data.targets)):
        _chosen_exist(group, chosen, known, resolved, findings)
    supervisor = Supervisor(facts, findings)
    outputs = supervisor.outputs(graph, span)
    training = config.training
    targets = list(outputs)
    losses = as_keyed(training.losses, training.loss, targets)
    metrics = as_keyed(training.metrics_by_output, training.metrics, targets)
    where = resolved.get("training")
    for key in ("losses", "loss_weights", "metrics_by_output"):
        node = where.get(key) if isinstance(where, Mapping) else None
        for entry in node if isinstance(node, Mapping) else ():
            if entry.key not in outputs:
                findings.error(
                    "unknown-output",
                    f"`training.{key}`: the model has no output `{entry.key}`",
                    entry.key_span,
                    did_you_mean(entry.key, outputs, f"it has {listing(outputs)}"),
                )
    for key, plural in (("loss", "losses"), ("metrics", "metrics_by_output")):
        if len(targets) > 1 and isinstance(where, Mapping) and key in where:
            findings.error(
                "several-outputs",
                f"`training.{key}` is for one output, and the model has {listing(targets)}",
                where.entries[key].key_span,
                f"write `{plural}: {{{targets[0]}: ...}}`",
            )
    if not graph.complete:
        return {}
    made = {}
    for target, tensor in outputs.items():
        loss = losses.get(target)
        found = supervisor.supervise(
            graph, tensor, target, loss if isinstance(loss, Component) else None, metrics.get(target), span
        )
        if found:
            made[target] = found
    return made


def _data_targets(resolved: Mapping, components: Components) -> dict[str, list[str]]:
    name, _ = written_component(resolved.get("data").get("source"))  # type: ignore[union-attr]
    declaration = components.declaration("source", name or "")
    return (
        {group: list(declaration.declared.get(group) or ()) for group in ("features", "targets")} if declaration else {}
    )


def _chosen_exist(group: str, chosen: Any, known: dict[str, list[str]], resolved: Mapping, findings: Findings) -> None:
    node = resolved.get("data").get(group)  # type: ignore[union-attr]
    if not isinstance(chosen, list) or not known.get(group) or not isinstance(node, Sequence):
        return
    for item in node.items:
        if plain(item) not in known[group]:
            cure = did_you_mean(str(plain(item)), known[group], f"it has {listing(known[group])}")
            findings.error(f"unknown-{group[:-1]}", f"the source has no {group[:-1]} `{plain(item)}`", item.span, cure)


def _names_of_metrics(
    config: keys.Recipe, supervisions: dict[str, Supervision], resolved: Mapping, findings: Findings
) -> None:
    """Notes metrics in `expect` that are not measured, and warns of monitors that no metric provides."""
    logged = logged_names(supervisions)
    measured = [f"{split}_{name}" for split in ("test", "val") for name in logged] + logged
    measured += (
        [f"test_{component.name}" for component in config.evaluation.metrics or [] if isinstance(component, Component)]
        if config.evaluation
        else []
    )
    expect = resolved.get("expect")
    for entry in expect if isinstance(expect, Mapping) else ():
        if entry.key not in measured:
            tested = [name for name in measured if name.startswith("test_")]
            findings.error(
                "unknown-metric",
                f"nothing measures `{entry.key}`",
                entry.key_span,
                did_you_mean(entry.key, tested, f"measured are {listing(tested)}"),
            )
    training = resolved.get("training")
    callbacks = training.get("callbacks") if isinstance(training, Mapping) else None
    items = [written_component(item)[1] for item in callbacks.items] if isinstance(callbacks, Sequence) else []
    best = training.get("best") if isinstance(training, Mapping) else None
    for body in (*items, best):
        monitor = body.get("monitor") if isinstance(body, Mapping) else None
        if (
            isinstance(monitor, Scalar)
            and isinstance(monitor.value, str)
            and monitor.value not in (*measured, "learning_rate")
        ):
            findings.warning(
                "unknown-monitor",
                f"no metric provides `{monitor.value}`",
                monitor.span,
                did_you_mean(monitor.value, measured, f"logged are {listing(logged)}"),
            )
