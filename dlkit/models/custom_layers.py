"""The classes of dlkit's that a saved model needs, as one Python file that imports only Keras.

Most of dlkit's layers are put together from Keras's, and need nothing. For a model that holds layers of classes of their
own, its run keeps `custom_layers.py`; importing it makes Keras load the model:

    import custom_layers, keras
    model = keras.models.load_model("best.keras")
"""

from __future__ import annotations

import ast
import inspect
import sys
from pathlib import Path

import keras

from dlkit.recipe.undeclared import Undeclared

_HEAD = '''"""The layers that the saved models of this run need besides Keras's own, written by dlkit.

    import custom_layers, keras
    model = keras.models.load_model("best.keras")
"""

from __future__ import annotations
'''


def custom_layers(model: keras.Model) -> str | None:
    """The text of `custom_layers.py` for a model; None where it consists of Keras's layers alone.

    Classes of plugins are not in it: the plugins themselves lie in the run.

    Raises:
        OSError: The file of a class cannot be read.
    """
    classes = {type(layer).__module__: None for layer in model._flatten_layers()}
    files = [inspect.getsourcefile(sys.modules[name]) for name in classes if name.startswith("dlkit.")]
    return _joined([Path(file).read_text(encoding="utf-8") for file in files if file]) if files else None


def _joined(sources: list[str]) -> str:
    """Modules as one: their imports once, then what they define."""
    imports: dict[str, None] = {}
    parts = []
    for source in sources:
        for node in _OfKerasAlone().visit(ast.parse(source)).body[1:]:  # what comes first is the docstring
            text = ast.unparse(node)
            if isinstance(node, ast.Import | ast.ImportFrom):
                imports[text] = None
            else:
                parts.append(text)
    imports.pop("from __future__ import annotations", None)
    return "\n".join([_HEAD, *imports]) + "\n\n\n" + "\n\n\n".join(parts) + "\n"


class _OfKerasAlone(Undeclared):
    """Takes away all that is dlkit's, its imports too."""

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom | None:
        node.names = [name for name in node.names if name.name != "Annotated"]
        return node if node.names and not (node.module or "").startswith("dlkit") else None
