"""The whole script."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterable

from dlkit.eject.augmenting import augment_lines
from dlkit.eject.code import Call, Code, Items, literal, literal_text, text
from dlkit.eject.data import data_lines
from dlkit.eject.model import identifier, model_lines, preprocessing_lines
from dlkit.eject.refusal import refusal
from dlkit.eject.subject import Subject
from dlkit.eject.training import best_mode, callbacks_code, compile_lines, is_averaged
from dlkit.recipe.class_targets import class_number
from dlkit.recipe.graph import Component

_FUTURE = "from __future__ import annotations"
_BEST = "best.weights.h5"
_LAST = "last.weights.h5"


def script_of(subject: Subject, stratify: str | None) -> str:
    """The script that loads the data, builds, trains and evaluates the model, as text.

    Args:
        subject: The recipe that has met its data.
        stratify: The target by which its splits are stratified.

    Raises:
        DlkitError: The recipe has a feature that scripts have not.
    """
    return _Script(subject).text(stratify)


class _Script:
    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        for line in ("import keras", "import numpy as np", "from keras import layers"):
            subject.copies.use(line)

    def text(self, stratify: str | None) -> str:
        """The script."""
        subject, recipe = self.subject, self.subject.recipe
        subject.constants["SEED"] = literal(recipe.config.seed)
        data, splits, has_folder = data_lines(subject, stratify)
        blocks = [data, *(preprocessing_lines(subject, name) for name in subject.preprocessed)]
        augmenting = augment_lines(subject)
        model, parameters = model_lines(subject)
        compiling, compiled = compile_lines(subject)
        blocks += [*augmenting, model, compiling]
        subject.constants.update(
            {
                "BATCH_SIZE": literal(recipe.config.data.batch_size),
                "EPOCHS": literal(recipe.config.training.total_epochs),
            }
        )
        main = self._main(splits, has_folder, parameters, compiled, bool(augmenting))
        body = "\n\n\n".join("\n".join(lines) for lines in [*blocks, main])
        constants = "\n".join(text(code, f"{name} = ") for name, code in subject.constants.items())
        constants = "\n".join(part for part in (constants, subject.copies.constants) if part)
        code = "\n\n\n".join([constants, subject.copies.definitions, body, _END])
        return f"{self._head(has_folder)}\n\n{_FUTURE}\n\n{self._imports(code)}\n\n{code}"

    def _head(self, has_folder: bool) -> str:
        recipe = self.subject.recipe
        lines = [f"{recipe.config.summary or recipe.name}.", ""]
        lines += [
            f"The recipe {recipe.name} of dlkit as plain Keras: run on the same machine with the same versions, it ends"
        ]
        lines += ["in the same weights, bit for bit.", ""]
        lines += [f"    python {recipe.name.replace('/', '_')}.py{' --data FOLDER' if has_folder else ''}", ""]
        lines += [f"Writes {_BEST}, the weights of the best epoch, and {_LAST}."]
        evaluation = recipe.config.evaluation
        more = [each.name for each in (evaluation.metrics if evaluation else None) or () if isinstance(each, Component)]
        lines += [f"What dlkit measures besides is not in it: {', '.join(more)}."] if more else []
        reference = [f"Reference: {recipe.config.reference}"] if recipe.config.reference else []
        told = "\n".join([*lines, *reference]).replace("\\", "\\\\").replace('"""', "'''")
        return f'"""{told}\n"""'

    def _main(
        self, splits: list[str], has_folder: bool, parameters: list[str], compiled: list[str], augments: bool
    ) -> list[str]:
        lines = ["def main() -> None:", '    """Trains the model and measures it."""']
        if has_folder:
            lines += self._arguments()
        lines += self._load(splits, has_folder)
        lines += self._prepare(splits)
        lines += ["", *self._seed()]
        lines += [*self._build(parameters), *self._batches(augments)]
        given = [{"steps_per_epoch": "len(batches)"}.get(name, name) for name in compiled]
        lines += [text(Call("compile_model", ["model", *given]), "", 4), *self._fit(splits), *self._evaluate(splits)]
        return lines

    def _arguments(self) -> list[str]:
        for line in ("import argparse", "import os", "from pathlib import Path"):
            self.subject.copies.use(line)
        default = 'os.environ.get("DLKIT_DATA_DIR", ".")'
        return [
            "    parser = argparse.ArgumentParser()",
            f'    parser.add_argument("--data", type=Path, default={default}, help="folder of the data")',
            "    folder = parser.parse_args().data",
        ]

    def _load(self, splits: list[str], has_folder: bool) -> list[str]:
        pairs = ", ".join(f"({_x(name)}, {_y(name)})" for name in splits)
        pairs = f"{pairs}," if len(splits) == 1 else pairs
        return [f"    {pairs} = load_data({'folder' if has_folder else ''})"]

    def _prepare(self, splits: list[str]) -> list[str]:
        """Features that layers prepare ahead of training, and the scale of the target."""
        lines = []
        several = len(self.subject.features) > 1
        for name in self.subject.preprocessed:
            over = self.subject.piece("models", "outputs_over")
            variable = f"prepare_{identifier(name)}"
            if several:
                key = literal_text(name)
                lines.append(f"    preparing = {variable}(x_train[{key}])")
                lines.append(f"    for x in ({', '.join(map(_x, splits))}):")
                lines.append(f"        x[{key}] = {over}(preparing, x[{key}])")
            else:
                lines.append(f"    preparing = {variable}(x_train)")
                lines += [f"    {_x(split)} = {over}(preparing, {_x(split)})" for split in splits]
        for name in self.subject.scaled:
            lines.append(f"    mean, deviation = {self._scale(name)}(y_train)")
        return lines

    def _scale(self, name: str) -> str:
        (component,) = (self.subject.recipe.config.data.preprocess or {})[name]
        each = component.arguments.get("axis", -1) is not None
        return self.subject.piece("scaling", "scale_of_each" if each else "scale_of_all")

    def _seed(self) -> list[str]:
        recipe = self.subject.recipe
        lines = [f"    {self.subject.piece('training', 'seed_everything')}(SEED)"]
        if recipe.config.deterministic:
            lines.append(f"    {self.subject.piece('training', 'only_deterministic_operations')}()")
        return lines

    def _build(self, parameters: list[str]) -> list[str]:
        line = text(Call("build_model", parameters), "model = ", 4)
        precision = self.subject.recipe.config.training.precision
        if precision == "float32":
            return [line]
        set_policy = "    keras.config.set_dtype_policy"
        return [f'{set_policy}("{precision}")', line, f'{set_policy}("float32")']

    def _batches(self, augments: bool) -> list[str]:
        return [text(self._batches_call(augments), "batches = ", 4)]

    def _batches_call(self, augments: bool) -> Call:
        training, data = self.subject.recipe.config.training, self.subject.recipe.config.data
        given: dict[str, Code] = {"batch_size": "BATCH_SIZE", "seed": "SEED"}
        if not data.shuffle:
            given["shuffle"] = "False"
        if training.steps_per_epoch:
            self.subject.constants["STEPS_PER_EPOCH"] = literal(training.steps_per_epoch)
            given["steps"] = "STEPS_PER_EPOCH"
        if augments:
            given["augment"] = "augmentation()"
        if data.class_weight is not None:
            given["weights"] = self._class_weights()
        kind = "EndlessBatches" if training.steps_per_epoch else "Batches"
        return Call(self.subject.piece("training", kind), ["x_train", "y_train"], given)

    def _class_weights(self) -> Code:
        wanted = self.subject.recipe.config.data.class_weight
        (target,) = self.subject.recipe.facts.targets.values()
        assert target.classes is not None
        if not isinstance(wanted, dict):
            return Call(self.subject.piece("training", "balanced_weights"), ["y_train", literal(target.classes)])
        weights = [1.0] * target.classes
        for key, weight in wanted.items():
            number = class_number(key, target)
            assert number is not None
            weights[number] = float(weight)
        self.subject.constants["CLASS_WEIGHTS"] = literal(weights)
        return Call("np.array", ["CLASS_WEIGHTS", "np.float32"])

    def _fit(self, splits: list[str]) -> list[str]:
        monitor, _ = self.subject.best
        best = Call(
            "keras.callbacks.ModelCheckpoint",
            [literal(_BEST)],
            {
                "monitor": literal(monitor),
                "mode": literal(best_mode(self.subject)),
                "save_best_only": "True",
                "save_weights_only": "True",
            },
        )
        callbacks = [*callbacks_code(self.subject), "best"]
        averaging = []
        if is_averaged(self.subject):
            into, out = (self.subject.piece("averaging", name) for name in ("AveragesIn", "AveragesOut"))
            averaging = [f"    averages = {into}()"]
            callbacks = ["averages", *callbacks, Call(out, ["averages"])]
        given: dict[str, Code] = {}
        if "validation" in splits:
            given["validation_data"] = "(x_validation, y_validation)"
            given["validation_batch_size"] = "BATCH_SIZE"
        given |= {"epochs": "EPOCHS", "shuffle": "False", "callbacks": Items(callbacks)}
        return [
            "",
            text(best, "best = ", 4),
            *averaging,
            text(Call("model.fit", ["batches"], given), "", 4),
            f'    model.save_weights("{_LAST}")',
        ]

    def _evaluate(self, splits: list[str]) -> list[str]:
        split = "test" if "test" in splits else "validation" if "validation" in splits else None
        if split is None:
            return []
        prefix = "test" if split == "test" else "val"
        given = {"batch_size": "BATCH_SIZE", "return_dict": "True", "verbose": "0"}
        return [
            "",
            f'    model.load_weights("{_BEST}")',
            text(Call("model.evaluate", [_x(split), _y(split)], given), "results = ", 4),
            "    for name, value in results.items():",
            f'        print(f"{prefix}_{{name}}: {{value:.4f}}")',
        ]

    def _imports(self, code: str) -> str:
        """The lines of imports, sorted as a formatter would: Python's own first."""
        tree = ast.parse(code)
        _check_names(tree)
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        return _sorted(line for name, line in self.subject.copies.imports.items() if name in names)


_END = 'if __name__ == "__main__":\n    main()\n'


def _check_names(tree: ast.Module) -> None:
    """Refuses a script of which one part would take the place of another.

    Raises:
        DlkitError: A name is defined twice.
    """
    defined = Counter(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef))
    assigned = [target for node in tree.body if isinstance(node, ast.Assign) for target in node.targets]
    defined.update(name.id for target in assigned for name in ast.walk(target) if isinstance(name, ast.Name))
    for name, times in defined.items():
        if times > 1:
            raise refusal(f"`{name}`", "would stand for two things in the script", "give one of them another name")


def _x(split: str) -> str:
    return f"x_{split}"


def _y(split: str) -> str:
    return f"y_{split}"


def _sorted(lines: Iterable[str]) -> str:
    """Lines of imports as a formatter sorts them: Python's own first, then `import`, then `from`."""
    found: dict[tuple[bool, str], list[str]] = {}
    for line in lines:
        kind, module, *_ = line.split()
        head = line if kind == "import" else f"from {module} import "
        found.setdefault((module.partition(".")[0] not in sys.stdlib_module_names, head), [])
        if kind == "from":
            found[module.partition(".")[0] not in sys.stdlib_module_names, head].append(line.partition(" import ")[2])
    parts = []
    for is_foreign in (False, True):
        heads = sorted((head for foreign, head in found if foreign == is_foreign), key=_place)
        members = [head + ", ".join(sorted(found[is_foreign, head], key=_rank)) for head in heads]
        parts += ["\n".join(members)] if members else []
    return "\n\n".join(parts)


def _place(head: str) -> tuple[bool, str]:
    return head.startswith("from"), head.split()[1].lower()


def _rank(name: str) -> tuple[int, str]:
    """Constants before classes, classes before functions."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name
