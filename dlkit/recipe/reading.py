"""From a composed recipe to a checked one: references, components, networks, sections, outputs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dlkit.recipe import keys
from dlkit.recipe.augmenting import Augmentation, mixing, read_augmentations
from dlkit.recipe.bounds import Work
from dlkit.recipe.check import Checker
from dlkit.recipe.class_targets import check_chosen_classes, check_class_targets
from dlkit.recipe.components import Components
from dlkit.recipe.declared_facts import declared_facts
from dlkit.recipe.diagnostics import Diagnostic, Findings, Span
from dlkit.recipe.dump import as_written
from dlkit.recipe.exactness import check_exactness
from dlkit.recipe.fact_references import FactReferences
from dlkit.recipe.facts import DataFacts, Feature, Target
from dlkit.recipe.generation import check_generation
from dlkit.recipe.graph import Component, Graph
from dlkit.recipe.layer_globs import check_layer_globs
from dlkit.recipe.measured import check_expected, check_monitors, metrics_known
from dlkit.recipe.networks import Features, NetworkReader
from dlkit.recipe.nodes import Entry, Mapping, Node, from_plain, is_unknown, plain
from dlkit.recipe.other_recipes import check_references
from dlkit.recipe.outputs import Outputs, components_of
from dlkit.recipe.paths import Paths, written_component
from dlkit.recipe.plugins import Plugins
from dlkit.recipe.references import References
from dlkit.recipe.sections import check_sections
from dlkit.recipe.slots import MODEL, NETWORK, fields
from dlkit.recipe.stages import STAGE, check_epochs, merged_stages, with_stages
from dlkit.recipe.supervision import Supervision
from dlkit.recipe.training_keys import Stage, Training
from dlkit.recipe.usage import check_usage


@dataclass(slots=True)
class Recipe:
    """A checked recipe.

    Args:
        root: The composed recipe as nodes, references not yet replaced.
        resolved: The same with its references replaced.
        path: Its file, if it has one.
        config: dlkit's own keys; each of `training.stages` is whole, merged with `training`.
        model: The network; of a pattern the one that it declares, or where dlkit does not know it yet the pattern.
        graphs: Every network, by its name in the pattern; a plain one is called `model`.
        supervisions: What each output is held against, by target; empty as long as nothing is known of the data's
            targets.
        stage_supervisions: The same in each of `training.stages`.
        augmentations: What `data.augment` changes.
        facts: What is known of the data.
        components: Everything the recipe may name.
        warnings: What runs, but is probably not meant.
        files: The files it was put together from.
        allow_plugins: Whether its plugins may be run.
        pattern: How it learns, where that is not by gradients of a loss alone.
    """

    root: Mapping
    resolved: Mapping
    path: Path | None
    config: keys.Recipe
    model: Graph
    graphs: dict[str, Graph]
    supervisions: dict[str, Supervision]
    stage_supervisions: tuple[dict[str, Supervision], ...]
    augmentations: tuple[Augmentation, ...]
    facts: DataFacts
    components: Components
    warnings: tuple[Diagnostic, ...] = ()
    files: tuple[Path, ...] = ()
    allow_plugins: bool = False
    pattern: Component | None = None

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
        made = read(
            self.root,
            self.path,
            findings,
            allow_plugins=self.allow_plugins,
            facts=facts,
            components=self.components,
            others=False,
        )
        findings.stop_at_errors()
        assert made is not None
        return replace(made, files=self.files, warnings=findings.warnings)

    def with_value(self, value: Any, *path: str) -> Recipe:
        """The same recipe with another value for one of dlkit's own keys, as if it had been written so.

        Args:
            path: The words of the key, as `"data", "folds"`; the section is written.

        Raises:
            RecipeError: The recipe is mistaken now.
        """
        findings = Findings()
        root = _with_value(self.root, value, path)
        made = read(
            root, self.path, findings, allow_plugins=self.allow_plugins, components=self.components, others=False
        )
        findings.stop_at_errors()
        assert made is not None
        return replace(made, files=self.files, warnings=findings.warnings)

    def span_of(self, path: str) -> Span:
        """Where a value is written, or else the section it would stand in."""
        node: Node = self.resolved
        span = node.span
        for word in path.split("."):
            if not isinstance(node, Mapping) or word not in node:
                break
            span, node = node.entries[word].key_span, node.entries[word].node
        return span

    def pattern_says(self, word: str, default: Any = None) -> Any:
        """What the decorator of the recipe's pattern says; the default where it has none, or says nothing."""
        return _declared(self.components, self.pattern).get(word, default)

    def pattern_arguments(self) -> dict[str, Any]:
        """The arguments of the recipe's pattern, those that it does not write included; none where it has no pattern."""
        return _arguments(self.components, self.pattern)

    def optimizers(self, training: Training) -> dict[str, Component]:
        """The optimizers of a stage, by the networks that have one each; under no name, where it is one for everything."""
        written = training.optimizers or {}
        names = self.pattern_says("optimizers", ())
        chosen = {name: written.get(name, "Adam") for name in names} or {"": training.optimizer}
        return {
            name: each if isinstance(each, Component) else Component("optimizer", each) for name, each in chosen.items()
        }

    def dump(self, *, references: bool = False) -> dict[str, Any]:
        """The whole recipe as plain values, trainable as it is; facts of the data stay references.

        Args:
            references: Whether references to other values of the recipe stay too, so that they follow what is changed.
        """
        values = plain(self.root) if references else as_written(self.resolved)
        return {key: values[key] for key in fields(keys.Recipe) if key in values}


def _with_value(node: Mapping, value: Any, path: tuple[str, ...]) -> Mapping:
    key, *rest = path
    below = node.get(key)
    made = _with_value(below, value, tuple(rest)) if rest and isinstance(below, Mapping) else from_plain(value)
    return Mapping({**node.entries, key: Entry(key, node.span, made)}, node.span)


def read(
    root: Mapping,
    path: Path | None,
    findings: Findings,
    *,
    allow_plugins: bool = False,
    facts: DataFacts | None = None,
    components: Components | None = None,
    work: Work | None = None,
    others: bool = True,
) -> Recipe | None:
    """Checks a composed recipe; None where it has mistakes, which are noted.

    Args:
        path: Its file, if it has one.
        facts: What loading the data has told, or a recipe has learned of it; before, what the source declares is used.
        components: Everything the recipe may name, where its plugins were read before.
        work: What was done for variants of the recipe before.
        others: Whether the recipes that it refers to must be there.
    """
    work = Work() if work is None else work
    if components is None:
        plugins = Plugins(findings)
        plugins.declare(root)
        components = plugins.components
    known = declared_facts(root, components, findings) if facts is None else replace(facts, targets=facts.of_data)
    references = References(root, FactReferences(known, facts is not None, findings), Paths(components), findings, work)
    reading = _Reading(path, components, known, references, findings, allow_plugins, work, others)
    return reading.recipe(root, references.resolve_recipe())


@dataclass(slots=True)
class _Reading:
    """Checks one recipe."""

    path: Path | None
    components: Components
    facts: DataFacts
    references: References
    findings: Findings
    allow_plugins: bool
    work: Work
    others: bool
    graphs: dict[str, Graph] = field(default_factory=dict)
    pattern: Component | None = None

    def recipe(self, root: Mapping, resolved: Mapping) -> Recipe | None:
        """The recipe, or None where it has mistakes."""
        networks = self._networks(root)
        networks.check_blocks()
        model = self._model(resolved.get("model"), networks)
        self.facts = self._facts_to_learn()
        stages = merged_stages(resolved, Paths(self.components))
        whole = with_stages(resolved, stages)
        values = self._values(whole, networks.checker, model)
        config = check_sections(values, whole, self.findings)
        check_epochs(resolved, stages, self.findings)
        check_usage(resolved, self.components, self.findings)
        if isinstance(model, Graph):
            declared = _declared(self.components, self.pattern)
            check_generation(resolved, model, declared, self.components, self.findings)
        check_layer_globs(resolved, self.graphs.values(), self.findings)
        if self.others:
            check_references(resolved, self.graphs.values(), self.findings)
        check_class_targets(resolved, self.facts, self.findings)
        check_chosen_classes(resolved, self.components, self.findings)
        entries = _mapping(values.get("data")).get("augment")
        augmentations = read_augmentations(
            entries if isinstance(entries, list) else (), self.facts, self.components, self.findings
        )
        supervisions, of_stages = self._supervisions(
            resolved, stages, values, model, networks.checker, mixing(augmentations)
        )
        if config is None or model is None or self.findings.errors:
            return None
        if stages:
            config.training.stages = [Stage.model_validate(networks.checker.read(s, STAGE)) for s in stages]
        check_exactness(resolved, config, self.components, self.findings)
        return Recipe(
            root,
            resolved,
            self.path,
            config,
            model,
            self.graphs,
            supervisions,
            of_stages,
            augmentations,
            self.facts,
            self.components,
            self.findings.warnings,
            allow_plugins=self.allow_plugins,
            pattern=self.pattern,
        )

    def _networks(self, root: Mapping) -> NetworkReader:
        blocks = root.get("blocks")
        reader: NetworkReader

        def network(node: Node) -> Graph:
            return reader.read(node, None)

        checker = Checker(self.components, self.findings, network)
        reader = NetworkReader(
            self.components,
            self.findings,
            self.references,
            checker,
            blocks if isinstance(blocks, Mapping) else Mapping(),
            self.allow_plugins,
            self.work,
        )
        return reader

    def _model(self, node: Node | None, networks: NetworkReader) -> Graph | None:
        """The network of a recipe, or its pattern; every network found goes to `graphs`."""
        if node is None or is_unknown(node):
            return None
        name, body = written_component(node)
        features: Features = tuple(self.facts.features) or None
        if name is None or self.components.find_among(NETWORK.kinds, name):
            self.graphs["model"] = networks.read(node, features)
            return self.graphs["model"]
        span = node.entries[name].key_span if isinstance(node, Mapping) else node.span
        pattern = networks.checker.find(name, MODEL.kinds, span)
        if pattern is None:
            return None
        declaration = self.components.declaration("pattern", name)
        assert declaration is not None
        self.pattern, self.graphs["model"] = networks.read_pattern(declaration, body, span, features)
        return self.graphs["model"]

    def _own_loss(self) -> Component | None:
        """The loss that the pattern declares, with the pattern's own arguments among its arguments."""
        written = _declared(self.components, self.pattern).get("loss")
        if written is None or self.pattern is None:
            return None
        ((name, given),) = written.items() if isinstance(written, dict) else ((written, {}),)
        known = _arguments(self.components, self.pattern)
        arguments = {key: known[value[1:]] if str(value).startswith("$") else value for key, value in given.items()}
        return Component("loss", name, arguments, self.pattern.span)

    def _facts_to_learn(self) -> DataFacts:
        """What is known of the data, with the targets that the pattern learns."""
        declared, facts = _declared(self.components, self.pattern), self.facts
        if declared.get("learns") != "inputs":
            return facts
        measures = tuple(declared.get("measures", ()))
        learned = Target("inputs", dtype="float32", task=declared.get("task"), measures=measures)
        of_classes = [name for name, each in facts.targets.items() if each.kind == "classes" and each.shape == ()]
        if declared.get("classes") and len(of_classes) == 1:
            known = facts.targets[of_classes[0]]
            learned = replace(learned, classes=known.classes, labels=known.labels, held_against=of_classes[0])
        inputs = {name: facts.features.get(name, Feature("vector")) for name in self.graphs["model"].inputs}
        return replace(facts, targets={name: replace(learned, shape=feature.shape) for name, feature in inputs.items()})

    def _values(self, whole: Mapping, checker: Checker, model: Graph | None) -> dict[str, Any]:
        """The values of all sections; networks and components are read where they stand."""
        values: dict[str, Any] = checker.read(whole.without("model", "blocks", "quick"), keys.ROOT)
        values |= {key: plain(whole.get(key)) for key in ("blocks", "quick") if key in whole}
        return values | ({"model": model} if "model" in whole else {})

    def _supervisions(
        self,
        resolved: Mapping,
        stages: list[Node],
        values: dict[str, Any],
        model: Graph | None,
        checker: Checker,
        mixed_by: str | None,
    ) -> tuple[dict[str, Supervision], tuple[dict[str, Supervision], ...]]:
        """The loss and metrics of every output, in each stage too, and what the recipe says of their names."""
        training, evaluation = (_mapping(values.get(key)) for key in ("training", "evaluation"))
        section = resolved.get("training")
        if not isinstance(model, Graph) or not isinstance(section, Mapping):
            return {}, ()
        evaluated = components_of(evaluation.get("metrics")) or []
        span = resolved.entries["model"].key_span
        outputs = Outputs(model, span, evaluated, self.facts, self.findings, mixed_by, self._own_loss())
        supervisions = outputs.supervise(section, training)
        run = [(stage, _mapping(checker.read(stage, STAGE))) for stage in stages if isinstance(stage, Mapping)]
        found = [(stage, outputs.supervise(stage, said)) for stage, said in run] or [(section, supervisions)]
        is_known = metrics_known(training, evaluation, *(said for _, said in run))
        if is_known and all(len(each) == len(model.outputs) > 0 for _, each in found):
            check_expected(resolved, [each for _, each in found], evaluated, self.facts, self.findings)
            logs = _declared(self.components, self.pattern).get("logs", ())
            for stage, each in found:
                check_monitors(stage, each, self.findings, logs)
            check_monitors(resolved.get("tune"), found[-1][1], self.findings, logs)
        return supervisions, tuple(each for _, each in found[: len(run)])


def _declared(components: Components, pattern: Component | None) -> dict[str, Any]:
    """What a pattern declares."""
    declaration = components.declaration("pattern", pattern.name) if pattern else None
    return declaration.declared if declaration else {}


def _arguments(components: Components, pattern: Component | None) -> dict[str, Any]:
    """The arguments of a pattern, those that are not written included."""
    declaration = components.declaration("pattern", pattern.name) if pattern else None
    if pattern is None or declaration is None:
        return {}
    defaults = {name: argument.default for name, argument in declaration.spec.arguments.items()}
    return {**defaults, **pattern.arguments}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
