"""Other recipes and runs that a recipe refers to: `recipe:NAME`, `recipe:NAME@quick` and `run:PATH`.

They may stand in `training.initial_weights`, as a layer, in the `weights` of a `keras.applications` layer, as the `features`
of a metric, and in `expect`.
Of a quick variant every `recipe:NAME` means the quick variant of that recipe: `recipe:NAME@quick`, as its run keeps it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from collections.abc import Mapping as Values
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from dlkit.recipe.catalogue import Argument
from dlkit.recipe.diagnostics import Findings, RecipeError, Span, did_you_mean, listing
from dlkit.recipe.facts import Feature
from dlkit.recipe.graph import Component, Graph, Tensor
from dlkit.recipe.library import find_recipe, is_file, shipped_recipes
from dlkit.recipe.measured import measured_names
from dlkit.recipe.nodes import Entry, Mapping, Node, Scalar, Sequence, entries_of, inside, items_of, text_of
from dlkit.recipe.paths import written_component

if TYPE_CHECKING:
    from dlkit.recipe.reading import Recipe

RUN, RECIPE, QUICK = "run:", "recipe:", "@quick"
WEIGHTS_FILES = (".keras", ".h5")  # what the file of an application's weights may end in
# Of a run as a layer.
RUN_ARGUMENTS = {
    "layer": Argument(
        "layer", "str|null", default=None, summary="The layer whose output is taken; by default the last."
    ),
    "trainable": Argument("trainable", "bool", default=True, summary="Whether its weights are trained."),
}
_MAY_REFER = ("training", "blocks", "model", "evaluation", "expect")
_BY_FEATURES = "frechet_distance"  # the metric that is taken over features of another run


@dataclass(frozen=True, slots=True)
class Reference:
    """A place that names another recipe, run or file.

    Args:
        text: As it is written.
        use: What for.
        layer: The name of the layer, where that is its use; of features, the layer of the other model that gives them.
        metric: The metric, where that is its use.
    """

    text: str
    span: Span
    use: Literal["weights", "layer", "application", "features", "over"]
    layer: str = ""
    metric: str = ""

    @property
    def recipe(self) -> str | None:
        """The recipe that is meant; None for a run or a file."""
        return recipe_of(self.text)[0] if self.text.startswith(RECIPE) else None


def recipe_of(reference: str) -> tuple[str, bool]:
    """The name or file of the recipe that `recipe:NAME` means, and whether its quick variant is."""
    name = reference.removeprefix(RECIPE)
    return name.removesuffix(QUICK), name.endswith(QUICK)


def references(resolved: Mapping, graphs: Iterable[Graph]) -> Iterator[Reference]:
    """Every place of a recipe that names another one, a run, or a file of weights."""
    training = inside(resolved, "training")
    for holder in (training, *items_of(inside(training, "stages"))):
        given = inside(holder, "initial_weights")
        source = inside(given, "from") if isinstance(given, Mapping) else given
        if source is not None and (text := text_of(source)) is not None:
            yield Reference(text, source.span, "weights")
    for graph in graphs:
        for name, layer in graph.layers.items():
            weights = layer.arguments.get("weights")
            if layer.kind == "run":
                yield Reference(layer.name, layer.span, "layer", name)
            elif layer.kind == "application" and isinstance(weights, str) and weights != "imagenet":
                yield Reference(weights, layer.span, "application", name)
    for item in items_of(inside(resolved, "evaluation", "metrics")):
        metric, body = written_component(item)
        features = inside(body, "features") if metric == _BY_FEATURES else None
        if features is not None and (text := text_of(features)) is not None:
            yield Reference(text, features.span, "features", text_of(inside(body, "layer")) or "")
    for entry in entries_of(inside(resolved, "expect")):
        over = inside(entry.node, "over")
        if over is not None and (text := text_of(over)) is not None:
            yield Reference(text, over.span, "over", metric=entry.key)


def check_references(resolved: Mapping, graphs: Iterable[Graph], findings: Findings) -> None:
    """Notes references to what cannot be, and recipes that there are not."""
    for reference in references(resolved, graphs):
        if (name := reference.recipe) is not None:
            path = find_recipe(name)
            if path is None or not is_file(path):
                cure = did_you_mean(name, [known for known, _ in shipped_recipes()], "`dlkit list` shows them")
                findings.error("recipe-not-found", f"there is no recipe `{name}`", reference.span, cure)
        elif reference.text == RUN or not reference.text.startswith(RUN):
            _check_file(reference, findings)


def _check_file(reference: Reference, findings: Findings) -> None:
    """Notes what is neither a recipe nor a run, and no file that holds weights."""
    if reference.use == "weights" and not reference.text.endswith(".keras"):
        cure = "write a `.keras` file, `run:PATH` or `recipe:NAME`"
        findings.error("wrong-value", f"`{reference.text}` holds no weights", reference.span, cure)
    elif reference.use == "application" and not reference.text.endswith(WEIGHTS_FILES):
        cure = (
            "write `imagenet`, a `.keras` or `.weights.h5` file, `run:PATH`, `recipe:NAME`, or null for random weights"
        )
        findings.error("wrong-value", f"`{reference.text}` holds no weights", reference.span, cure)
    elif reference.use in ("over", "features"):
        cure = "write `recipe:NAME` or `run:PATH`"
        findings.error("wrong-value", f"`{reference.text}` is no other recipe or run", reference.span, cure)
    elif reference.use == "layer":
        findings.error("wrong-value", "`run:` names no run", reference.span, "write `run:PATH` or `run:latest`")


def with_quick_references(root: Mapping) -> Mapping:
    """A quick variant whose every `recipe:NAME` means the quick variant of that recipe."""
    entries = {
        entry.key: replace(entry, node=_quick(entry.node)) if entry.key in _MAY_REFER else entry for entry in root
    }
    return Mapping(entries, root.span)


def _quick(node: Node) -> Node:
    match node:
        case Scalar(value=str() as text):
            return replace(node, value=_quick_text(text))
        case Sequence():
            return replace(node, items=[_quick(item) for item in node.items])
        case Mapping():
            changed = (Entry(_quick_text(entry.key), entry.key_span, _quick(entry.node)) for entry in node)
            return Mapping({entry.key: entry for entry in changed}, node.span)
    return node


def _quick_text(text: str) -> str:
    return text + QUICK if text.startswith(RECIPE) and not text.endswith(QUICK) else text


# Holding a recipe against those that it refers to


def check_others(recipe: Recipe, load: Callable[[Reference], Recipe], findings: Findings) -> None:
    """Notes where a recipe does not fit those that it refers to, as far as that is known before they are trained.

    Args:
        load: Gives the recipe that a reference means.
    """
    found: dict[str, Recipe] = {}
    for reference in references(recipe.resolved, recipe.graphs.values()):
        if reference.recipe is None:
            continue
        try:
            other = load(reference)
        except RecipeError as error:
            _tell_mistake(reference, error, findings)
            continue
        if isinstance(other.config.data.folds, int):
            message = f"`{reference.text}` is trained in folds, and so has no single run to refer to"
            findings.error("several-folds", message, reference.span, "refer to a recipe without `data.folds`")
        elif reference.use == "over":
            _check_metric(reference, other, findings)
        elif reference.use == "features":
            _check_features(reference, other, recipe, findings)
        elif reference.use == "layer":
            found[reference.layer] = other
    for graph in recipe.graphs.values():
        for name in graph.layers.keys() & found.keys():
            _check_layer(graph, name, found[name], recipe.facts.features, findings)


def _tell_mistake(reference: Reference, error: RecipeError, findings: Findings) -> None:
    first = error.diagnostics[0]
    if first.code == "refers-to-itself":
        findings.error(first.code, first.message, reference.span, first.cure)
        return
    if first.code == "no-quick":
        cure = "give it one; the quick variant of a recipe refers to the quick variants of others"
        findings.error("no-quick", f"`{reference.recipe}` has no `quick`", reference.span, cure)
        return
    message = f"`{reference.recipe}` has a mistake: {first.message}"
    findings.error("mistaken-recipe", message, reference.span, f"dlkit validate {reference.recipe}")


def _check_metric(reference: Reference, other: Recipe, findings: Findings) -> None:
    """Notes a metric that the other recipe does not measure."""
    supervisions = other.stage_supervisions or (other.supervisions,)
    if not all(supervisions):
        return  # what it learns is not known before its data is loaded
    metrics = other.config.evaluation.metrics if other.config.evaluation else None
    _, known = measured_names(supervisions, metrics or (), other.facts)
    if reference.metric not in known:
        cure = did_you_mean(reference.metric, known, "leave `over` out, or take a recipe that has it")
        message = f"`{reference.recipe}` does not measure `{reference.metric}`"
        findings.error("unknown-metric", message, reference.span, cure)


def _check_features(reference: Reference, other: Recipe, recipe: Recipe, findings: Findings) -> None:
    """Notes where another recipe cannot give features of what this one generates."""
    network = other.graphs.get("model")
    if network is None or not network.complete:
        return
    if len(network.inputs) > 1:
        message = (
            f"`{reference.text}` takes {listing(network.inputs)}, and features are taken from a model of one input"
        )
        findings.error("several-features", message, reference.span, "name another recipe")
        return
    if reference.layer and reference.layer not in network.layers:
        cure = did_you_mean(reference.layer, network.layers, f"its layers are called {listing(network.layers, 6)}")
        message = f"`{reference.text}` has no layer `{reference.layer}`"
        findings.error("unknown-layer-name", message, reference.span, cure)
    here, there = _raw_features(recipe), _raw_features(other)
    for name in recipe.graphs["model"].inputs:
        if name in here and network.inputs[0] in there:
            made = Component("run", reference.text, span=reference.span)
            _check_feature(made, there[network.inputs[0]], here[name], name, findings)


def _raw_features(recipe: Recipe) -> Values[str, Feature]:
    """What the source of a recipe declares, before anything is preprocessed."""
    source = recipe.config.data.source
    return recipe.components.source_facts(source.name, source.arguments).features


def _check_layer(graph: Graph, name: str, other: Recipe, features: Values[str, Feature], findings: Findings) -> None:
    """Notes where the model of another recipe does not fit the place of a layer."""
    layer, network = graph.layers[name], other.graphs.get("model")
    if network is None:
        return
    cut = layer.arguments.get("layer")
    if cut is None and len(network.outputs) > 1:
        message = f"`{layer.name}` has the outputs {listing(network.outputs)}"
        findings.error("several-outputs", message, layer.span, "say with `layer` which of its layers is taken")
    elif cut is not None and network.complete and cut not in network.layers:
        cure = did_you_mean(cut, network.layers, f"its layers are called {listing(network.layers, 6)}")
        findings.error("unknown-layer-name", f"`{layer.name}` has no layer `{cut}`", layer.span, cure)
    call = next(call for call in graph.calls if call.layer == name)
    given = {network.inputs[0]: call.first} if call.first is not None and len(network.inputs) == 1 else call.named
    for wanted in network.inputs:
        source = given.get(wanted)
        if wanted not in given:
            message = f"`{layer.name}` takes {listing(network.inputs)}; {wanted} is missing"
            cure = f"write `from: {{{', '.join(f'{each}: ...' for each in network.inputs)}}}`"
            findings.error("missing-from", message, layer.span, cure)
        elif isinstance(source, Tensor) and source.call in features and wanted in other.facts.features:
            _check_feature(layer, other.facts.features[wanted], features[source.call], source.call, findings)


def _check_feature(layer: Component, taken: Feature, given: Feature, name: str, findings: Findings) -> None:
    """Notes a feature that another model cannot take; one that is preprocessed is not known yet."""
    if taken.shape is None or given.shape is None:
        return
    if not fits(given.shape, given.dtype, taken.shape, taken.dtype):
        message = (
            f"`{layer.name}` takes {form(taken.shape, taken.dtype)}, and `{name}` is {form(given.shape, given.dtype)}"
        )
        findings.error("feature-differs", message, layer.span, "a saved model takes raw features as it was trained on")


def fits(given: tuple[int | None, ...], given_dtype: str, taken: tuple[int | None, ...], taken_dtype: str) -> bool:
    """Whether a model that takes examples of one form can be given another: nothing may be lost on the way in."""
    sizes = len(given) == len(taken) and all(
        here is None or there is None or here == there for here, there in zip(given, taken, strict=True)
    )
    return sizes and (given_dtype == taken_dtype or (_is_number(given_dtype) and taken_dtype.startswith("float")))


def _is_number(dtype: str) -> bool:
    return dtype.startswith(("int", "uint", "float", "bfloat", "bool"))


def form(shape: tuple[int | None, ...], dtype: str) -> str:
    """A form of examples, for messages: `uint8 of shape (32, 32, 3)`."""
    sizes = ", ".join("any" if size is None else str(size) for size in shape)
    return f"{dtype} of shape ({sizes})"
