"""The function of the script that changes training examples at random."""

from __future__ import annotations

from dlkit.eject.code import Call, Code, Items, literal, text
from dlkit.eject.components import argument_of, call_of, own_function
from dlkit.eject.subject import Subject
from dlkit.recipe.augmenting import Augmentation
from dlkit.recipe.catalogue import catalogue


def augment_lines(subject: Subject) -> list[list[str]]:
    """`augmentation`, as lines of code; nothing where the recipe has none.

    Raises:
        DlkitError: An augmentation cannot stand in a script.
    """
    if not subject.recipe.augmentations:
        return []
    changes = Items([_change(found, subject) for found in subject.recipe.augmentations])
    augmentation = Call(subject.piece("augmenting", "Augmentation"), [changes, "SEED"])
    return [
        [
            "def augmentation() -> Augmentation:",
            '    """The random changes of training examples, one after another."""',
            text(augmentation, "return ", 4),
        ]
    ]


def _change(found: Augmentation, subject: Subject) -> Code:
    component, components = found.component, subject.recipe.components
    if component.kind == "augmentation":
        function = own_function(component, components, subject.copies)
        arguments = {
            name: argument_of(value, components, subject.copies) for name, value in component.arguments.items()
        }
        return Call(subject.piece("augmenting", "ByFunction"), [function], arguments)
    more: dict[str, Code] = {} if "dtype" in component.arguments else {"dtype": literal("float32")}
    maxima = {subject.recipe.facts.features[name].maximum for name in found.features}
    spec = catalogue().find("layer", component.name)
    (maximum,) = maxima if len(maxima) == 1 else (None,)
    if maximum and spec and "value_range" in spec.arguments and "value_range" not in component.arguments:
        more["value_range"] = literal([0, maximum])
    layer = call_of(component, components, subject.copies, **more)
    return Call(subject.piece("augmenting", "ByMixingLayer" if found.mixes else "ByLayer"), [layer])
