"""Writes dlkit/recipe/catalogue.json from the installed Keras and dlkit/recipe/catalogue_overrides.yaml.

    python scripts/update_catalogue.py            # after an update of Keras or an edit of the overrides
    python scripts/update_catalogue.py --check    # exit status 1 if the file is not what would be written

Names, defaults and which arguments are required come from the signatures; types from the defaults, where these tell
them, and from the overrides; the one-line summaries from the docstrings.
"""

from __future__ import annotations

import argparse
import inspect
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import keras
import yaml

from dlkit.recipe.docstrings import argument_docs

FOLDER = Path(__file__).resolve().parent.parent / "dlkit" / "recipe"
CATALOGUE = FOLDER / "catalogue.json"
OVERRIDES = FOLDER / "catalogue_overrides.yaml"

# Kind of component -> where Keras keeps its classes, and the base class of these.
HOMES: dict[str, tuple[Any, type]] = {
    "layer": (keras.layers, keras.layers.Layer),
    "optimizer": (keras.optimizers, keras.optimizers.Optimizer),
    "loss": (keras.losses, keras.losses.Loss),
    "metric": (keras.metrics, keras.metrics.Metric),
    "callback": (keras.callbacks, keras.callbacks.Callback),
    "schedule": (keras.optimizers.schedules, keras.optimizers.schedules.LearningRateSchedule),
    "initializer": (keras.initializers, keras.initializers.Initializer),
    "regularizer": (keras.regularizers, keras.regularizers.Regularizer),
    "constraint": (keras.constraints, keras.constraints.Constraint),
}
MERGING_LAYER = keras.layers.Add.__base__
# Arguments of a layer's call that Keras itself gives.
GIVEN_BY_KERAS = ("training", "mask")
SUMMARY_LIMIT = 100
# What a sentence of a docstring begins with, or is, where it only tells the type or the default.
UNTELLING = re.compile(
    r"""^(?:\(optional\)\ *)?
        (?:(?:optional|an?|python|scalar|single|positive|tuple|list|string|number|none
             |int(?:eger)?s? |bool(?:ean)?(?:\ \(.*?\))? |float(?:ing\ point)?(?:\ value)?s?(?:\ >=\ 0(?:\.0)?)?
             |or(?=\ (?:int|tuple|list|float|a\ |none)) |of(?:\ two|\ 2|\ 3)?(?=\ (?:int|float)))\b\ *[/,.:;]*\ *
           |defaults?\ (?:to|is)\ .*)*
        (?:$|(?<=[,.:;]\ )|(?<=\(optional\)\ ))""",
    re.IGNORECASE | re.VERBOSE,
)
RULE_KEYS = ("type", "required", "default", "min", "max", "above", "below", "choices", "length", "summary")
Entry = dict[str, Any]


def build() -> Entry:
    """The whole catalogue, as plain JSON values."""
    rules = yaml.safe_load(OVERRIDES.read_text(encoding="utf-8"))
    components = {kind: components_of(kind, rules) for kind in (*HOMES, "activation", "application")}
    return {"keras_version": keras.__version__, "arguments": share_arguments(components), "components": components}


def components_of(kind: str, rules: Entry) -> dict[str, Entry]:
    """Every component of a kind by name; arguments are still written out, as pairs of name and definition."""
    targets = members(kind)
    names = {id(target): name for name, target in targets.items() if name == target.__name__}
    made: dict[str, Entry] = {name: {"alias_of": alias} for name, alias in rules["aliases"].get(kind, {}).items()}
    for name, target in targets.items():
        documented = names.get(id(target), name)
        made[name] = describe(kind, name, target, rules) if documented == name else {"alias_of": documented}
    for name, reason in rules["refused"].get(kind, {}).items():
        made[name] = {"summary": made.get(name, {}).get("summary", ""), "refused": reason}
    return dict(sorted(made.items()))


def members(kind: str) -> dict[str, Any]:
    """What Keras exports of a kind, by name."""
    if kind == "activation":
        names = set(dir(keras.activations)) - {"get", "serialize", "deserialize"}
        own = {name: getattr(keras.activations, name) for name in sorted(names)}
        return {name: made for name, made in own.items() if callable(made)}
    if kind == "application":
        own = {name: getattr(keras.applications, name) for name in dir(keras.applications)}
        return {name: made for name, made in own.items() if inspect.isfunction(made)}
    module, base = HOMES[kind]
    own = {name: getattr(module, name) for name in dir(module)}
    return {name: made for name, made in own.items() if inspect.isclass(made) and issubclass(made, base)}


def describe(kind: str, name: str, target: Any, rules: Entry) -> Entry:
    """One component: its summary, its arguments, and how a layer is called."""
    if kind == "activation":  # Keras takes the name of the function and no arguments with it.
        return {"summary": summary_of(target)}
    documented = argument_docs(inspect.getdoc(target) or "")
    arguments = [
        (parameter.name, define(kind, name, parameter, documented.get(parameter.name, ""), rules))
        for parameter in parameters(kind, target, rules)
        if not any(fnmatchcase(f"{kind}.{name}.{parameter.name}", pattern) for pattern in rules["dropped"])
    ]
    entry = {"summary": summary_of(target), "arguments": arguments}
    return entry | call_of(name, target, rules) if kind == "layer" else entry


def parameters(kind: str, target: Any, rules: Entry) -> list[inspect.Parameter]:
    """The arguments of the constructor, and for a layer those that it hands through to its base classes."""
    own = named_parameters(target)
    if kind != "layer" or not takes_any_keyword(target):
        return list(own.values())
    inherited: dict[str, inspect.Parameter] = {}
    for base in reversed(target.__mro__[1:]):
        if base.__module__.startswith("keras.") and "__init__" in vars(base):
            inherited |= named_parameters(base)
    handed_on = [name for name in rules["inherited"] if name in inherited and name not in own]
    return [*own.values(), *(inherited[name] for name in handed_on)]


def signature(target: Any) -> list[inspect.Parameter]:
    """The parameters of a function, or of a class's constructor without `self`."""
    if inspect.isclass(target):
        return list(inspect.signature(target.__init__).parameters.values())[1:]
    return list(inspect.signature(target).parameters.values())


def takes_any_keyword(target: Any) -> bool:
    """Whether it has `**kwargs`."""
    return any(parameter.kind is parameter.VAR_KEYWORD for parameter in signature(target))


def named_parameters(target: Any) -> dict[str, inspect.Parameter]:
    """The parameters by name, without `*args` and `**kwargs`."""
    open_ended = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return {parameter.name: parameter for parameter in signature(target) if parameter.kind not in open_ended}


def define(kind: str, name: str, parameter: inspect.Parameter, documented: str, rules: Entry) -> Entry:
    """Type, default, range and summary of an argument."""
    definition: Entry = {"type": type_of_default(parameter), "summary": one_line(documented)}
    if parameter.default is parameter.empty:
        definition["required"] = True
    else:
        definition["default"] = plain(parameter.default)
    for rule in matching(kind, name, parameter.name, rules):
        definition |= rule
    if definition.get("required"):
        definition.pop("default", None)
    elif definition["default"] is None and not {"null", "any"} & set(definition["type"].split("|")):
        definition["type"] += "|null"
    if "str" not in definition["type"]:
        definition.pop("choices", None)
    if "list" not in definition["type"] and "shape" not in definition["type"]:
        definition.pop("length", None)
    if unknown := definition.keys() - set(RULE_KEYS):
        raise ValueError(f"A rule for {kind}.{name}.{parameter.name} has unknown keys. Received: {sorted(unknown)}")
    given = {key for key, value in definition.items() if value not in (None, "") or key == "default"}
    return {key: definition[key] for key in RULE_KEYS if key in given}


def type_of_default(parameter: inspect.Parameter) -> str:
    """The type that a default tells; `any` where it is None or there is none."""
    kinds = {bool: "bool", int: "int", float: "float", str: "str"}
    default = None if parameter.default is parameter.empty else plain(parameter.default)
    if isinstance(default, list) and default:
        inner = {kinds.get(type(item), "any") for item in default}
        return f"list[{inner.pop()}]" if len(inner) == 1 else "list[any]"
    return kinds.get(type(default), "any")


def matching(kind: str, name: str, argument: str, rules: Entry) -> Iterator[Entry]:
    """The rules for an argument, the more particular ones later."""
    for by_argument in (rules["arguments"], rules["kinds"].get(kind, {})):
        yield from (rule for pattern, rule in by_argument.items() if fnmatchcase(argument, pattern))
    for pattern, by_argument in rules["components"].get(kind, {}).items():
        if fnmatchcase(name, pattern) and argument in by_argument:
            yield by_argument[argument]


def call_of(name: str, target: Any, rules: Entry) -> Entry:
    """What a layer is called with."""
    given = [
        parameter
        for parameter in list(inspect.signature(target.call).parameters.values())[1:]
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD and parameter.name not in GIVEN_BY_KERAS
    ]
    flags = [parameter.name for parameter in given if isinstance(parameter.default, bool)]
    entry: Entry = {"call": [parameter.name for parameter in given if parameter.name not in flags]}
    if flags:
        entry["flags"] = flags
    if issubclass(target, MERGING_LAYER) or name in rules["takes_list"]:
        entry["takes_list"] = True
    return entry


def plain(value: Any) -> Any:
    """A default as a JSON value."""
    return [plain(item) for item in value] if isinstance(value, tuple | list) else value


def summary_of(target: Any) -> str:
    """The first sentence of a docstring."""
    return one_line((inspect.getdoc(target) or "").split("\n\n")[0])


def one_line(text: str) -> str:
    """The first sentence that says more than a type or a default, cut to `SUMMARY_LIMIT` characters."""
    sentences = re.split(r"\. +(?=[A-Z`\"('-])|\.$", re.sub(r"\{\{.*?\}\}", "", " ".join(text.split())))
    line = next((told for sentence in sentences if (told := UNTELLING.sub("", sentence))), "")
    line = (line[:1].upper() + line[1:]).rstrip(" .,;:")
    return line if len(line) <= SUMMARY_LIMIT else line[: SUMMARY_LIMIT - 2].rsplit(" ", 1)[0].rstrip(",;:. ") + " …"


def share_arguments(components: dict[str, dict[str, Entry]]) -> dict[str, Entry]:
    """Every distinct definition under a key: the argument's name, or `name.2`, `name.3`, ... for the rarer ones.

    The components are changed to name the keys.
    """
    entries = [entry for by_name in components.values() for entry in by_name.values() if "arguments" in entry]
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in entries:
        for name, definition in entry["arguments"]:
            counts[name][json.dumps(definition)] += 1
    keys: dict[tuple[str, str], str] = {}
    for name, by_text in sorted(counts.items()):
        for number, text in enumerate(sorted(by_text, key=lambda text: (-by_text[text], text)), start=1):
            keys[name, text] = name if number == 1 else f"{name}.{number}"
    for entry in entries:
        entry["arguments"] = [keys[name, json.dumps(definition)] for name, definition in entry["arguments"]]
    return {key: json.loads(text) for (_, text), key in keys.items()}


def dump(document: Entry) -> str:
    """The document as JSON with one argument and one component per line."""

    def compact(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def block(entries: Entry) -> str:
        return "{\n" + ",\n".join(f"{compact(key)}:{compact(value)}" for key, value in entries.items()) + "\n}"

    kinds = ",\n".join(f"{compact(kind)}:{block(entries)}" for kind, entries in document["components"].items())
    return (
        f'{{"keras_version":{compact(document["keras_version"])},\n'
        f'"arguments":{block(document["arguments"])},\n'
        f'"components":{{\n{kinds}\n}}}}\n'
    )


def report(document: Entry) -> str:
    """How much the catalogue holds, and which arguments have no type."""
    uses = [
        (f"{kind}.{name}", key)
        for kind, by_name in document["components"].items()
        for name, entry in by_name.items()
        for key in entry.get("arguments", ())
    ]
    untyped = [
        f"{place}.{key.partition('.')[0]}"
        for place, key in uses
        if "any" in re.split(r"\W+", document["arguments"][key]["type"])
    ]
    names = sum(len(by_name) for by_name in document["components"].values())
    return (
        f"Keras {document['keras_version']}: {names} names, {len(uses)} arguments, "
        f"{len(document['arguments'])} of them distinct, {len(untyped)} without a type"
        f"{': ' if untyped else ''}{', '.join(untyped)}"
    )


def main() -> int:
    """Writes the file, or with `--check` compares it; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only tell whether the file is up to date")
    check = parser.parse_args().check
    document = build()
    text = dump(document)
    print(report(document))
    if not check:
        CATALOGUE.write_text(text, encoding="utf-8")
        print(f"Wrote {CATALOGUE} ({len(text.encode()) / 1000:.0f} kB)")
        return 0
    current = CATALOGUE.read_text(encoding="utf-8") if CATALOGUE.exists() else ""
    if current != text:
        print(f"{CATALOGUE} is out of date: run scripts/update_catalogue.py", file=sys.stderr)
    return int(current != text)


if __name__ == "__main__":
    raise SystemExit(main())
