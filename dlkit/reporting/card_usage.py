"""How a model is put to use, as scripts that can be pasted: by Keras alone, by dlkit, and each of its exports."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dlkit.evaluation.number_text import number_text
from dlkit.recipe.facts import Feature
from dlkit.reporting.carded import Carded, Export

_LABELS = 20  # that stand in a script
_STEPS = 16  # of an example of any length
_FILES = {
    "image": "picture.png",
    "text": "text.txt",
    "audio": "sound.wav",
    "sequence": "series.npy",
}
_RUNTIMES = {
    "savedmodel": (
        "import tensorflow as tf",
        'serve = tf.saved_model.load("{path}").signatures["serving_default"]',
        "serve(**{{name: tf.constant(value) for name, value in inputs.items()}})",
    ),
    "onnx": (
        "import onnxruntime",
        'session = onnxruntime.InferenceSession("{path}")',
        "session.run(None, inputs)",
    ),
    "litert": (
        "from ai_edge_litert.interpreter import Interpreter",
        'run = Interpreter(model_path="{path}").get_signature_runner()',
        "run(**inputs)",
    ),
}
_TITLES = {"savedmodel": "SavedModel", "onnx": "ONNX", "litert": "LiteRT"}


@dataclass(frozen=True, slots=True)
class Part:
    """One way to use a model.

    Args:
        title: What it is called.
        text: What is to be known.
        language: Of the script.
        code: The script.
    """

    title: str
    text: str
    language: str
    code: str


def usage(carded: Carded) -> list[Part]:
    """The ways to use a model."""
    return [
        *_by_keras(carded),
        *_generating(carded),
        _by_dlkit(carded),
        *(_by_runtime(carded, export) for export in carded.exports),
    ]


def _by_keras(carded: Carded) -> Iterator[Part]:
    if carded.plugin_layers:  # whose code imports dlkit
        return
    inputs = _inputs(carded.raw_features)
    lines = [
        *_custom(carded),
        *_imports(carded.raw_features, "import keras"),
        "",
        'model = keras.models.load_model("best.keras")',
        *inputs,
        *_outputs(carded),
    ]
    text = "`best.keras` holds the whole model" + (
        ", with the layers of `custom_layers.py`." if carded.custom_layers else "."
    )
    if carded.decoded:
        text += " Its outputs are scores for tokens, which `dlkit predict` reads as text."
    yield Part("With Keras alone", text, "python", "\n".join(lines))


def _custom(carded: Carded) -> list[str]:
    return ["import custom_layers  # noqa: F401  the layers that Keras does not have"] if carded.custom_layers else []


def _generating(carded: Carded) -> Iterator[Part]:
    """How new examples are made, where the model can."""
    if carded.generator is None or carded.plugin_layers:
        return
    file, shape = carded.generator
    lines = [
        *_custom(carded),
        "import keras",
        "import numpy as np",
        "",
        f'network = keras.models.load_model("{file}")',
        f'codes = np.random.default_rng(1).standard_normal({(16, *shape)}, "float32")',
        "print(network.predict(codes).shape)",
    ]
    text = f"`{file}` makes examples of codes from a normal distribution, in the scale that the data were prepared to."
    yield Part("New examples with Keras alone", text, "python", "\n".join(lines))


def _imports(features: Mapping[str, Feature], first: str) -> list[str]:
    """The imports of a script that makes examples."""
    has_texts = {feature.dtype == "string" for feature in features.values()}
    made = {True: "import tensorflow as tf", False: "import numpy as np"}
    return sorted({first, *(made[each] for each in has_texts)}, key=lambda line: line.split()[1])


def _inputs(features: Mapping[str, Feature], given: str | None = None) -> list[str]:
    """Lines that make one example of zeros, or of no words, as the model takes it.

    Args:
        given: What the mapping of them is called; None: a single one is given as it is, as `x`.
    """
    made = {name: (_example(feature), _told(feature)) for name, feature in features.items()}
    if given is None and len(made) == 1:
        ((value, told),) = made.values()
        return [f"x = {value}  # {told}"]
    rows = [f"    {json.dumps(name)}: {value},  # {told}" for name, (value, told) in made.items()]
    return [f"{given or 'x'} = {{", *rows, "}"]


def _example(feature: Feature) -> str:
    shape = (1, *(size or _STEPS for size in feature.shape or ()))
    if feature.dtype == "string":
        return f'tf.fill({shape}, "...")'  # Keras does not take texts from NumPy beside numbers
    return f'np.zeros({shape}, "{feature.dtype}")'


def _told(feature: Feature) -> str:
    """What the values of a feature mean."""
    match feature:
        case Feature(kind="image", maximum=maximum, dtype=dtype):
            values = f"0 to {maximum or 255}" if dtype == "uint8" else dtype
            return f"pictures: height, width, channels; {values}"
        case Feature(columns=(str(), *_) as columns):
            listed = ", ".join(columns[:8])
            return f"columns: {listed}{f' and {len(columns) - 8} more' if len(columns) > 8 else ''}"
        case Feature(kind="audio", sample_rate=rate):
            return f"sounds, {rate} values a second" if rate else "sounds"
        case Feature(kind="sequence", vocabulary_size=int(size)):
            return f"token numbers below {size}"
    return {"text": "texts", "sequence": "sequences", "number": "numbers", "category": "categories"}.get(
        feature.kind, "numbers"
    )


def _outputs(carded: Carded) -> Iterator[str]:
    """Lines that ask the model and show what it says."""
    targets = carded.told.facts.targets
    names = list(carded.tasks)
    if len(names) > 1:
        yield "for name, values in model.predict(x).items():"
        yield "    print(name, values[0])"
        return
    (name,) = names
    labels, task = targets[name].labels, carded.tasks[name]
    if task not in ("classification", "multi_label") or not labels:
        yield "print(model.predict(x)[0])"
        return
    told = repr(list(labels))
    if len(labels) > _LABELS:
        yield "import json"
        told = f'json.load(open("preprocessing.json", encoding="utf-8"))["targets"]["{name}"]["labels"]'
    yield f"labels = {told}"
    kind, middle = ("logits", "0") if name in carded.logits else ("probabilities", "0.5")
    yield f"scores = model.predict(x)[0]  # {kind}"
    if task == "multi_label":
        yield f"print([label for label, score in zip(labels, scores) if score > {middle}])"
    elif len(labels) == 2:
        yield "# A single score is that of the second class; two are one for each."
        yield f"print(labels[int(scores.argmax() if len(scores) == 2 else scores[0] > {middle})])"
    else:
        yield "print(labels[scores.argmax()])"


def _by_dlkit(carded: Carded) -> Part:
    tasks, kinds = set(carded.tasks.values()), [each.kind for each in carded.raw_features.values()]
    if "language_modelling" in tasks:
        given = '--prompt "Once upon a time"'
    else:
        given = _FILES.get(next((kind for kind in kinds if kind in _FILES), ""), "rows.csv")
    text = "From files as people have them; `--json` gives all of it to a program."
    if carded.exports:
        text += f" An export may stand in the place of the dot: `{carded.exports[0].folder}`."
    if carded.plugin_layers:
        text += " The model needs the run's plugins, which are code: read them first."
        given += " --allow-plugins"
    return Part("With dlkit", text, "sh", f"dlkit predict . {given}")


def _by_runtime(carded: Carded, export: Export) -> Part:
    """How an export is used by its own runtime."""
    told = export.manifest
    changed = [*([told["quantize"]] if told.get("quantize") else [])]
    if told.get("prune"):
        changed.append(f"{told['prune']:.0%} of the weights zero")
    title = f"{_TITLES.get(export.format, export.format)}: {export.folder}"
    text = " ".join([*_facts(told, changed, _shown(carded)), *_beside(export)])
    path = f"{export.folder}/{export.file}"
    features = {name: _as_given(name, each, carded) for name, each in (told.get("inputs") or {}).items()}
    known = _RUNTIMES.get(export.format)
    if known is None:
        return Part(title, text, "sh", f"dlkit predict {export.folder} INPUT...")
    imported, opened, called = known
    lines = [
        *_imports(features or carded.raw_features, imported),
        "",
        *_inputs(features or carded.raw_features, "inputs"),
        opened.format(path=path),
        f"print({called.format()})",
    ]
    return Part(title, text, "python", "\n".join(lines))


def _facts(told: Mapping[str, Any], changed: list[str], shown: Sequence[str]) -> Iterator[str]:
    """What the export was found to do.

    Args:
        shown: The metrics that are told.
    """
    size, before = told.get("bytes"), told.get("bytes_before")
    model = "last" if told.get("model") == "last" else "best"
    how = f" ({', '.join(changed)})" if changed else ""
    if size:
        share = f", {size / before:.2f} of the weights in float32" if before else ""
        yield f"The {model} model{how}: {size:,} bytes{share}."
    measured = [
        f"`{name}` {number_text(each['before'])} before and {number_text(each['after'])} after"
        for name, each in (told.get("metrics") or {}).items()
        if name in shown
    ]
    if measured:
        yield f"Measured on {told.get('examples', 0):,} examples: {', '.join(measured)}."
    if told.get("largest_difference") is not None:
        yield f"The largest difference of an output is {told['largest_difference']:.2g}."
    runtime = told.get("runtime") or {}
    if runtime:
        yield f"It was run by {runtime.get('name')} {runtime.get('version')}."


def _shown(carded: Carded) -> list[str]:
    """The metrics that a reader looks for: those of which something is expected, else the first that is no loss."""
    expected = [each.metric for each in carded.told.expectations]
    return expected or [name for name in carded.evaluation.metrics if not name.endswith("loss")][:1]


def _beside(export: Export) -> Iterator[str]:
    if export.has_vocabulary:
        yield (
            "It takes numbers, not texts: `vocabulary.json` beside it tells which, and "
            f"`dlkit predict {export.folder} INPUT...` makes them."
        )


def _as_given(name: str, told: Mapping[str, Any], carded: Carded) -> Feature:
    """An input of an export as a feature: as the model's own, where it has that name."""
    known = carded.raw_features.get(name)
    shape = tuple(told.get("shape") or (None,))[1:]
    dtype = str(told.get("dtype", "float32"))
    if known and known.dtype == dtype:
        return known
    return Feature("number", shape, dtype)
