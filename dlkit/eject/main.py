"""The functions of the script that train and measure: `main`, and where folds are trained one after another, `train_fold`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dlkit.eject.code import Call, Code, Items, identifier, literal, literal_text, text
from dlkit.eject.model import saved_file
from dlkit.eject.subject import Subject
from dlkit.eject.training import best_mode, callbacks_code, compiler_of, constant_of, is_averaged
from dlkit.recipe.class_targets import class_number
from dlkit.training.stage import Planned

BEST = "best.weights.h5"
LAST = "last.weights.h5"


@dataclass(slots=True)
class Main:
    """Writes the functions.

    Args:
        subject: The recipe and its script.
        splits: The names of the splits that `load_data` gives.
        has_folder: Whether the data lies in a folder.
        parameters: Of `build_model`, by name.
        compiled: The parameters of the function that compiles the model, by name, for each stage.

    Attributes:
        options: What is told on the command line: variables, with the lines that declare their options.
    """

    subject: Subject
    splits: Sequence[str]
    has_folder: bool
    parameters: Sequence[str]
    compiled: Sequence[Sequence[str]]
    options: dict[str, str] = field(default_factory=dict)

    def functions(self) -> list[list[str]]:
        """`main`, and before it what it calls, as lines of code."""
        self._find_options()
        work = [*self._load(), *self._prepare(), "", *self._seed(), *self._build()]
        for planned, compiled in zip(self.subject.stages, self.compiled, strict=True):
            work += self._stage(planned, compiled)
        work += self._evaluate()
        if self.subject.folds is None:
            return [["def main() -> None:", '    """Trains the model and measures it."""', *self._arguments(), *work]]
        given = ", ".join([*(f"{name}: Path" for name in self.options), "fold: int"])
        head = [
            f"def train_fold({given}) -> dict[str, float]:",
            '    """Trains a model on all folds but one, which are counted from 1, and measures it."""',
            "    keras.backend.clear_session()",
        ]
        return [[*head, *work], self._over_folds()]

    def _find_options(self) -> None:
        if self.has_folder:
            self.subject.copies.use("import os")
            default = 'os.environ.get("DLKIT_DATA_DIR", ".")'
            told = {"type": "Path", "default": default, "help": literal("folder of the data")}
            self.options["folder"] = text(Call("parser.add_argument", [literal("--data")], told), "", 4)
        for layer, component in self.subject.recipe.model.layers.items():
            if component.kind == "run":
                file = str(self.subject.saved[component.name])
                told = {"type": "Path", "default": literal(file), "help": literal(f"saved model of {component.name}")}
                option = literal(f"--{saved_file(layer).replace('_', '-')}")
                self.options[saved_file(layer)] = text(Call("parser.add_argument", [option], told), "", 4)

    def _arguments(self) -> list[str]:
        if not self.options:
            return []
        for line in ("import argparse", "from pathlib import Path"):
            self.subject.copies.use(line)
        taken = [f"    {name} = arguments.{'data' if name == 'folder' else name}" for name in self.options]
        parsed = "    arguments = parser.parse_args()"
        return ["    parser = argparse.ArgumentParser()", *self.options.values(), parsed, *taken]

    def _over_folds(self) -> list[str]:
        """`main` that trains all folds."""
        self.subject.constants["FOLDS"] = literal(self.subject.folds)
        call = f"train_fold({', '.join([*self.options, 'fold'])})"
        return [
            "def main() -> None:",
            '    """Trains a model for each fold, and says what is measured on average."""',
            *self._arguments(),
            "    measured: dict[str, list[float]] = {}",
            "    for fold in range(1, FOLDS + 1):",
            f"        for name, value in {call}.items():",
            "            measured.setdefault(name, []).append(value)",
            '            print(f"fold {fold}: {name}: {value:.4f}")',
            "    for name, values in measured.items():",
            '        print(f"{name}: {np.mean(values):.4f}, deviation {np.std(values, ddof=1):.4f}")',
        ]

    def _load(self) -> list[str]:
        pairs = ", ".join(f"({_x(name)}, {_y(name)})" for name in self.splits)
        pairs = f"{pairs}," if len(self.splits) == 1 else pairs
        given = [*(["folder"] if self.has_folder else []), *(["fold"] if self.subject.folds else [])]
        return [f"    {pairs} = load_data({', '.join(given)})"]

    def _prepare(self) -> list[str]:
        """Features that layers prepare ahead of training, the scale of the target, and shares of classes."""
        lines = []
        several = len(self.subject.features) > 1
        for name in self.subject.preprocessed:
            over = self.subject.piece("models", "outputs_over")
            variable = f"prepare_{identifier(name)}"
            if several:
                key = literal_text(name)
                lines.append(f"    preparing = {variable}(x_train[{key}])")
                lines.append(f"    for x in ({', '.join(map(_x, self.splits))}):")
                lines.append(f"        x[{key}] = {over}(preparing, x[{key}])")
            else:
                lines.append(f"    preparing = {variable}(x_train)")
                lines += [f"    {_x(split)} = {over}(preparing, {_x(split)})" for split in self.splits]
        for name in self.subject.scaled:
            lines.append(f"    mean, deviation = {self._scale(name)}(y_train)")
        if self.subject.shares is not None:
            one_hot = f'keras.utils.to_categorical({{}}, {self.subject.shares}).astype("float32")'
            lines += [f"    {_y(split)} = {one_hot.format(_y(split))}" for split in self.splits]
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

    def _build(self) -> list[str]:
        training = self.subject.recipe.config.training
        lines = [text(Call("build_model", self.parameters), "model = ", 4)]
        if training.precision != "float32":
            set_policy = "    keras.config.set_dtype_policy"
            lines = [f'{set_policy}("{training.precision}")', *lines, f'{set_policy}("float32")']
        if training.fused_batch_normalization:
            fuse = self.subject.copies.take("dlkit.training.fused_batch_normalization", "fuse_batch_normalization")
            lines.append(f"    {fuse}(model)")
        return lines

    def _stage(self, planned: Planned, compiled: Sequence[str]) -> list[str]:
        """One training of the model."""
        subject = self.subject
        lines = ["", f"    # Stage {planned.stage.name}."] if len(subject.stages) > 1 else []
        for globs, trainable in ((getattr(planned.training, key, None), key == "unfreeze") for key in _FREEZING):
            if globs:
                call = Call(
                    subject.piece("training", "set_layers_trainable"), ["model", literal(globs), str(trainable)]
                )
                lines.append(text(call, "", 4))
        lines.append(text(self._batches(planned), "batches = ", 4))
        given = [{"steps_per_epoch": "len(batches)"}.get(name, name) for name in compiled]
        lines.append(text(Call(compiler_of(subject, planned), ["model", *given]), "", 4))
        return [*lines, *([] if lines[0] == "" else [""]), *self._fit(planned)]

    def _batches(self, planned: Planned) -> Call:
        training, data = planned.training, self.subject.recipe.config.data
        given: dict[str, Code] = {"batch_size": "BATCH_SIZE", "seed": "SEED"}
        if not data.shuffle:
            given["shuffle"] = "False"
        if training.steps_per_epoch:
            constant = constant_of(self.subject, planned, "STEPS_PER_EPOCH")
            self.subject.constants[constant] = literal(training.steps_per_epoch)
            given["steps"] = constant
        if self.subject.recipe.augmentations:
            given["augment"] = "augmentation()"
        if data.class_weight is not None:
            given["weights"] = self._class_weights()
        if planned.stage.epochs_before:
            earlier = self.subject.stages[: planned.stage.number]
            given["epochs_before"] = " + ".join(constant_of(self.subject, each, "EPOCHS") for each in earlier)
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

    def _fit(self, planned: Planned) -> list[str]:
        callbacks, before = callbacks_code(self.subject, planned), []
        if planned.is_last:
            callbacks.append("best")
            before.append(text(self._keeping_best(), "best = ", 4))
        if is_averaged(self.subject, planned):
            into, out = (self.subject.piece("averaging", name) for name in ("AveragesIn", "AveragesOut"))
            before.append(f"    averages = {into}()")
            callbacks = ["averages", *callbacks, Call(out, ["averages"])]
        given: dict[str, Code] = {}
        if "validation" in self.splits:
            given["validation_data"] = "(x_validation, y_validation)"
            given["validation_batch_size"] = "BATCH_SIZE"
        given |= {"epochs": constant_of(self.subject, planned, "EPOCHS"), "shuffle": "False"}
        if callbacks:
            given["callbacks"] = Items(callbacks)
        after = [f"    model.save_weights({self._file(LAST)})"] if planned.is_last else []
        return [*before, text(Call("model.fit", ["batches"], given), "", 4), *after]

    def _keeping_best(self) -> Call:
        monitor, _ = self.subject.best
        told = {
            "monitor": literal(monitor),
            "mode": literal(best_mode(self.subject)),
            "save_best_only": "True",
            "save_weights_only": "True",
        }
        return Call("keras.callbacks.ModelCheckpoint", [self._file(BEST)], told)

    def _file(self, name: str) -> str:
        return f'f"fold_{{fold}}_{name}"' if self.subject.folds else literal_text(name)

    def _evaluate(self) -> list[str]:
        split = next((name for name in ("test", "validation") if name in self.splits), None)
        if split is None:
            return []
        prefix = "test" if split == "test" else "val"
        given = {"batch_size": "BATCH_SIZE", "return_dict": "True", "verbose": "0"}
        lines = [
            "",
            f"    model.load_weights({self._file(BEST)})",
            text(Call("model.evaluate", [_x(split), _y(split)], given), "results = ", 4),
        ]
        if self.subject.folds:
            return [*lines, f'    return {{f"{prefix}_{{name}}": value for name, value in results.items()}}']
        return [
            *lines,
            "    for name, value in results.items():",
            f'        print(f"{prefix}_{{name}}: {{value:.4f}}")',
        ]


_FREEZING = ("freeze", "unfreeze")


def _x(split: str) -> str:
    return f"x_{split}"


def _y(split: str) -> str:
    return f"y_{split}"
