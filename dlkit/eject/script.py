"""The whole script."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterable

from dlkit.eject.augmenting import augment_lines
from dlkit.eject.code import literal, text
from dlkit.eject.data import data_lines
from dlkit.eject.main import BEST, LAST, Main
from dlkit.eject.model import model_lines, preprocessing_lines
from dlkit.eject.refusal import refusal
from dlkit.eject.subject import Subject
from dlkit.eject.training import compile_lines, constant_of
from dlkit.recipe.graph import Component

_FUTURE = "from __future__ import annotations"


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
        compiling = [compile_lines(subject, planned) for planned in subject.stages]
        blocks += [*augmenting, model, *(lines for lines, _ in compiling)]
        subject.constants["BATCH_SIZE"] = literal(recipe.config.data.batch_size)
        for planned in subject.stages:
            subject.constants[constant_of(subject, planned, "EPOCHS")] = literal(planned.stage.epochs)
        main = Main(subject, splits, has_folder, parameters, [compiled for _, compiled in compiling])
        body = "\n\n\n".join("\n".join(lines) for lines in [*blocks, *main.functions()])
        constants = "\n".join(text(code, f"{name} = ") for name, code in subject.constants.items())
        constants = "\n".join(part for part in (constants, subject.copies.constants) if part)
        code = "\n\n\n".join([constants, subject.copies.definitions, body, _END])
        return f"{self._head(has_folder)}\n\n{_FUTURE}\n\n{self._imports(code)}\n\n{code}"

    def _head(self, has_folder: bool) -> str:
        recipe = self.subject.recipe
        of_folds = ", with fold_1_ before and so on for each fold" if self.subject.folds else ""
        lines = [f"{recipe.config.summary or recipe.name}.", ""]
        lines += [
            f"The recipe {recipe.name} of dlkit as plain Keras: run on the same machine with the same versions, it ends"
        ]
        lines += ["in the same weights, bit for bit.", ""]
        lines += [f"    python {recipe.name.replace('/', '_')}.py{' --data FOLDER' if has_folder else ''}", ""]
        lines += [f"Writes {BEST}, the weights of the best epoch, and {LAST}{of_folds}."]
        if recipe.config.training.strategy == "auto":
            lines += ["It trains on one device, where the recipe takes all GPUs of a machine that has several."]
        evaluation = recipe.config.evaluation
        more = [each.name for each in (evaluation.metrics if evaluation else None) or () if isinstance(each, Component)]
        lines += [f"What dlkit measures besides is not in it: {', '.join(more)}."] if more else []
        reference = [f"Reference: {recipe.config.reference}"] if recipe.config.reference else []
        told = "\n".join([*lines, *reference]).replace("\\", "\\\\").replace('"""', "'''")
        return f'"""{told}\n"""'

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
