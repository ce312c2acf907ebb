"""Writes the skeleton of a new component, and what the test that awaits it needs; scripts/new runs it.

A skeleton is a small component that works, copied from `skeletons/` under the new name. What it says of itself are questions:
its contract test passes but where one of them is not answered yet.
"""

from __future__ import annotations

import argparse
import bisect
import keyword
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from dlkit.errors import DlkitError
from dlkit.recipe.components import Components
from dlkit.recipe.registry import BY_SUBJECT, HOMES

ROOT = Path(__file__).resolve().parents[2]
SKELETONS = Path(__file__).resolve().parent / "skeletons"
COMMANDS = "dlkit/cli/commands"
NAME = "some_name"  # what a component is called in its skeleton
_SNAKE_CASE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_EVERY_COMPONENT = "tests/unit/recipe/test_components.py"


@dataclass(frozen=True, slots=True)
class Entry:
    """A line that is entered in a list or table of a test.

    Args:
        file: The test.
        opening: How the line begins that opens it.
        line: What is entered.
        is_sorted: Whether it goes to its place in the alphabet, else to the top.
    """

    file: str
    opening: str
    line: str
    is_sorted: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What belongs to a new component of a kind.

    Args:
        files: Skeleton -> the file that it becomes.
        tests: The files of tests that await it.
        entry: What one of them is told.
    """

    files: dict[str, str]
    tests: tuple[str, ...]
    entry: Entry | None = None


def _component(kind: str, contract: str = "", case: dict[str, str] | None = None, entry: Entry | None = None) -> Plan:
    """A component of dlkit's; it comes with a test of its own where there is a skeleton of one."""
    home = HOMES[kind].replace(".", "/")
    test = f"test_{kind}.py"
    own = {test: f"tests/unit/{home.split('/')[1]}/test_{NAME}.py"} if (SKELETONS / test).is_file() else {}
    files = {f"{kind}.py": f"{home}/{NAME}.py", **(case or {}), **own}
    return Plan(files, tuple(filter(None, (contract, *own.values(), _EVERY_COMPONENT))), entry)


def _contract(tests: str) -> str:
    return f"tests/contract/test_{tests}.py"


PLANS: dict[str, Plan] = {
    "source": _component("source", _contract("sources")),
    "augmentation": _component("augmentation", _contract("augmentations")),
    "layer": _component(
        "layer",
        _contract("layers"),
        entry=Entry(_contract("layers"), "TAKES: ", f'    "{NAME}": (STEPS, {{"scale": 3.0}}),'),
    ),
    "architecture": _component(
        "architecture",
        _contract("architectures"),
        {"architecture_case.py": f"tests/contract/architecture_cases/{NAME}.py"},
    ),
    "pattern": _component(
        "pattern", _contract("patterns"), {"pattern_case.yaml": f"tests/contract/pattern_cases/{NAME}.yaml"}
    ),
    "loss": _component(
        "loss",
        _contract("losses"),
        entry=Entry(
            _contract("losses"),
            "TAKES: ",
            f'    "{NAME}": [({{}}, np.array([[1, 0], [0, 1]]), PROBABILITIES, [0.5, 0.85])],',
        ),
    ),
    "schedule": _component(
        "schedule",
        _contract("schedules"),
        entry=Entry(
            _contract("schedules"), "OWN: ", f'    "{NAME}": {{"initial_learning_rate": 0.1, "decay_steps": 50}},'
        ),
    ),
    "algorithm": _component(
        "algorithm",
        _contract("algorithms"),
        entry=Entry(_contract("algorithms"), "ALGORITHMS: ", f'    "{NAME}": ({{"trials": 12}}, 12),'),
    ),
    "baseline": _component("baseline"),
    "rollout": _component("rollout"),
    "generation": _component("generation"),
    "view": _component("view"),
    "figure": _component("figure"),
    "export_format": _component("export_format", _contract("export_formats")),
    "command": Plan(
        {"command.py": f"{COMMANDS}/{NAME}.py"},
        ("tests/unit/cli/test_app.py",),
        Entry("tests/unit/cli/test_app.py", "NAMES = [", f'    "{NAME}",', is_sorted=True),
    ),
    "recipe": Plan({"recipe.yaml": f"recipes/{NAME}.yaml"}, (_contract("recipes"),)),
}


def main(words: list[str]) -> int:
    """Writes what the command line asks for; gives the exit status."""
    parser = argparse.ArgumentParser(
        prog="scripts/new", description="Writes the skeleton of a new component, and what its test needs."
    )
    parser.add_argument("kind", metavar="KIND", choices=PLANS, help=", ".join(PLANS))
    parser.add_argument("name", metavar="NAME", help="in snake_case; of a recipe with its folder, as digits/wide_mlp")
    asked = parser.parse_args(words)
    try:
        written = write(asked.kind, asked.name)
    except DlkitError as error:
        print(f"error: {error.message}\n{error.cure}", file=sys.stderr)
        return 2
    if programs := [path for path in written if path.endswith(".py")]:  # a long name breaks lines
        subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", *programs], cwd=ROOT, check=True)
    print("\n".join(f"wrote {path}" for path in written))
    print(_next(asked.kind, asked.name))
    return 0


def write(kind: str, name: str) -> list[str]:
    """Writes the files of a new component.

    Returns:
        What was written or changed, as paths in the repository.

    Raises:
        DlkitError: The name is none, or taken, or a file is there already. Nothing is written then.
    """
    _check_name(kind, name)
    plan = PLANS[kind]
    made = {_named(path, name): _text(skeleton, name) for skeleton, path in plan.files.items()}
    for path in made:
        if (ROOT / path).exists():
            raise DlkitError(f"{path} is there already.", "Choose another name, or take it away first.")
    changed = {plan.entry.file: _entered(plan.entry, name)} if plan.entry else {}
    for path, text in {**made, **changed}.items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text, encoding="utf-8")
    return [*made, *changed]


def _check_name(kind: str, name: str) -> None:
    parts = name.split("/") if kind == "recipe" else [name]
    if not all(_SNAKE_CASE.fullmatch(part) and not keyword.iskeyword(part) for part in parts):
        raise DlkitError(f"`{name}` is no name for a new {kind}.", "Names are snake_case, as `gated_linear_unit`.")
    if kind == "recipe" and len(parts) == 1:
        raise DlkitError(f"`{name}` names no folder.", f"Recipes lie by their data, as `digits/{name}`.")
    taken = Components().kinds_taking(name, kind) if kind in HOMES else ()
    if taken:
        raise DlkitError(f"`{name}` has the name of a known {taken[0]}.", "Choose another name.")


def _text(skeleton: str, name: str) -> str:
    text = (SKELETONS / skeleton).read_text(encoding="utf-8")
    return _named(text, name).replace("$schema=SCHEMA", f"$schema={'../' * name.count('/')}schema.json")


def _named(text: str, name: str) -> str:
    camel_case = "".join(word.capitalize() for word in name.split("_"))
    return text.replace(NAME, name).replace("SomeName", camel_case)


def _entered(entry: Entry, name: str) -> str:
    """The text of the test with the entry."""
    lines = (ROOT / entry.file).read_text(encoding="utf-8").splitlines()
    first = next(number for number, line in enumerate(lines, 1) if line.startswith(entry.opening))
    made = _named(entry.line, name)
    last = next(number for number, line in enumerate(lines[first:], first) if not line.startswith(" "))
    lines.insert(bisect.bisect(lines, made, first, last) if entry.is_sorted else first, made)
    return "\n".join(lines) + "\n"


def _next(kind: str, name: str) -> str:
    """What there is to do now."""
    chosen = f"'{name} or subject'" if kind in BY_SUBJECT else name
    return (
        "Answer what it asks, and have it do what it is for. What awaits it:\n"
        f"  ./scripts/test {' '.join(_named(path, name) for path in PLANS[kind].tests)} -k {chosen}\n"
        "Then bring what is generated up to date:\n"
        "  .venv/bin/python scripts/update_generated.py"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
