"""Breaks the program on purpose, one place after another, and looks whether a test fails for each.

    python scripts/mutations.py                           all breaks: some minutes
    python scripts/mutations.py one-order ema-at-the-end  some of them
    python scripts/mutations.py --write                   docs/mutations.md anew

What is broken, and which tests are to tell, stands in mutations.yaml. A break is silent: the broken program trains on and
gives other numbers. It is made in a copy of the repository; the tests must pass there without it and fail with it, by what
they assert and not since something raises in the program. The exit status is 1 if a break survives.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import yaml

ROOT = Path(__file__).resolve().parents[1]
BREAKS = Path(__file__).with_suffix(".yaml")
PAGE = ROOT / "docs" / "mutations.md"
_MARKED = re.compile(r"(<!-- mutations begin -->\n).*?(<!-- mutations end -->)", re.DOTALL)
_COPIED = ("dlkit", "tests", "recipes", "configs", "scripts", "docs", "pyproject.toml", "README.md")
_AT_ONCE = 2  # breaks, each in a copy and a process of its own
_SECONDS = 900  # for the tests of one break
_ASSERTED = ("AssertionError", "Failed", "assert ")
_CRASH = re.compile(r"^(?P<file>/[^:\n]+):\d+: (?P<error>.+)$", re.MULTILINE)  # of pytest's `--tb=line`


@dataclass(frozen=True, slots=True)
class Break:
    """One place, and what is wrong there.

    Args:
        name: Words with dashes between them.
        about: What goes wrong.
        harm: What that does to a user.
        file: The file that is changed.
        old: What stands there, exactly once.
        new: What is to stand there instead.
        tests: Files or nodes of pytest, one of which is to fail.
        survived: Why no test told, where none did when the list was made.
    """

    name: str
    about: str
    harm: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    survived: str | None = None

    def applied(self, text: str) -> str:
        """The text of the file with the break.

        Raises:
            ValueError: What is to be changed does not stand there exactly once.
        """
        found = text.count(self.old)
        if found != 1:
            raise ValueError(f"`{self.name}` changes what {self.file} has {found} times. Received: old={self.old!r}")
        return text.replace(self.old, self.new)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the tests said.

    Args:
        is_caught: Whether one failed by what it asserts.
        told: The first failure, or why it does not count.
        seconds: How long it took.
    """

    is_caught: bool
    told: str
    seconds: float


def breaks() -> list[Break]:
    """All breaks, in their order."""
    written = yaml.safe_load(BREAKS.read_text(encoding="utf-8"))
    return [Break(**{**each, "tests": tuple(each["tests"])}) for each in written]


def main(words: Sequence[str] | None = None) -> int:
    """Carries the breaks out, and says which were caught."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="breaks; all where none is given")
    parser.add_argument("--write", action="store_true", help="write docs/mutations.md and change nothing else")
    asked = parser.parse_args(words)
    if asked.write:
        PAGE.write_text(updated(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
        return 0
    known = {each.name: each for each in breaks()}
    if unknown := [name for name in asked.names if name not in known]:
        parser.error(f"no break is called {', '.join(unknown)}")
    chosen = [known[name] for name in asked.names] or list(known.values())
    with tempfile.TemporaryDirectory(prefix="dlkit-mutations-") as folder:
        return _carried_out(chosen, Path(folder).resolve())


def _carried_out(chosen: Sequence[Break], folder: Path) -> int:
    copies: SimpleQueue[Path] = SimpleQueue()
    for number in range(_AT_ONCE):
        copies.put(_copied(folder / str(number)))
    first = copies.get()
    status, told = _pytest(first, list(dict.fromkeys(test for each in chosen for test in each.tests)), len(chosen))
    if status != 0:
        print(f"The tests do not pass as the program is:\n{told}")
        return 1
    copies.put(first)
    caught = 0
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for each, outcome in zip(chosen, pool.map(lambda tried: _tried(tried, copies), chosen), strict=True):
            caught += outcome.is_caught
            word = "caught  " if outcome.is_caught else "SURVIVED"
            print(f"{word} {each.name} ({outcome.seconds:.0f} s): {outcome.told}", flush=True)
    print(f"{caught} of {len(chosen)} breaks were caught.")
    return 0 if caught == len(chosen) else 1


def _copied(copy: Path) -> Path:
    """Makes a copy of the repository that can be broken."""
    copy.mkdir()
    for name in _COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(ROOT / name, copy / name)
    return copy


def _tried(tried: Break, copies: SimpleQueue[Path]) -> Outcome:
    """Makes a break in a copy that is free, runs its tests, and mends it again."""
    whole = (ROOT / tried.file).read_text(encoding="utf-8")
    broken = tried.applied(whole)
    copy, began = copies.get(), time.monotonic()
    file = copy / tried.file
    file.write_text(broken, encoding="utf-8")
    try:
        status, told = _pytest(copy, ["--exitfirst", *tried.tests])
    finally:
        file.write_text(whole, encoding="utf-8")
        copies.put(copy)
    is_caught, why = _judged(status, told, copy)
    return Outcome(is_caught, why, time.monotonic() - began)


def _judged(status: int, told: str, copy: Path) -> tuple[bool, str]:
    """Whether a test has failed by what it asserts, and the first failure or why it does not count."""
    if status == 0:
        return False, "its tests pass"
    crash = _CRASH.search(told)
    if status != 1 or crash is None:  # nothing was run, as where the broken file cannot be imported
        return False, told[-2000:]
    if crash["error"].startswith(_ASSERTED) or Path(crash["file"]).is_relative_to(copy / "tests"):
        return True, crash["error"]
    return False, f"the program itself raises: {crash['error']}"


def _pytest(copy: Path, words: Sequence[str], breaks_at_once: int = 1) -> tuple[int, str]:
    """The exit status of pytest in the copy, and what it said."""
    environment = {**os.environ, "PYTHONPATH": str(copy), "COLUMNS": "400"}
    command = [sys.executable, "-m", "pytest", "-q", "--all", "--tb=line", "-p", "no:cacheprovider", *words]
    try:
        done = subprocess.run(
            command,
            cwd=copy,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_SECONDS * breaks_at_once,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        return -1, str(error)
    return done.returncode, done.stdout + done.stderr


def updated(text: str) -> str:
    """The page with the breaks as they are declared."""
    lines = ["| break | what it does to a user | the test that tells |\n", "| --- | --- | --- |\n"]
    for each in breaks():
        tests = "<br>".join(f"`{test.removeprefix('tests/')}`" for test in each.tests)
        lines.append(f"| `{each.name}`: {each.about} | {each.harm} | {tests} |\n")
    survived = [each for each in breaks() if each.survived]
    lines.append(f"\n{len(survived)} of the {len(breaks())} had survived; the tests above were written for them:\n\n")
    lines += [f"- `{each.name}`: {each.survived}\n" for each in survived]
    return _MARKED.sub(lambda marked: f"{marked[1]}{''.join(lines)}{marked[2]}", text)


if __name__ == "__main__":
    sys.exit(main())
