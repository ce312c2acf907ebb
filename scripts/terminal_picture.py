"""Draws what a command shows in a terminal, as an SVG for the documentation. Needs tmux.

For example: python scripts/terminal_picture.py docs/images/train.svg "dlkit train digits/cnn"
"""

from __future__ import annotations

import argparse
import re
import subprocess
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH, HEIGHT = 100, 44


def capture(command: str, seconds: int) -> str:
    """The screen, colors included, after the command has ended."""
    with tempfile.TemporaryDirectory() as folder:
        server = ["tmux", "-S", f"{folder}/socket"]
        shell = f"cd {folder} && clear && {command}; tmux -S {folder}/socket wait-for -S done; sleep {seconds}"
        size = ["-x", str(WIDTH), "-y", str(HEIGHT)]
        subprocess.run([*server, "new-session", "-d", *size, "bash", "-c", shell], check=True)
        try:
            subprocess.run([*server, "wait-for", "done"], check=True, timeout=seconds)
            shown = subprocess.run([*server, "capture-pane", "-e", "-p"], check=True, capture_output=True, text=True)
        finally:
            subprocess.run([*server, "kill-server"], check=False)
    return shown.stdout.rstrip()


def main() -> None:
    """Runs the command and writes the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", type=Path)
    parser.add_argument("command")
    parser.add_argument("--seconds", type=int, default=600, help="how long the command may take")
    given = parser.parse_args()
    text = Text.from_ansi(f"$ {given.command}\n{capture(given.command, given.seconds)}")
    console = Console(record=True, width=WIDTH, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(text)
    svg = console.export_svg(title="dlkit")
    # The picture must not fetch fonts: those of the reader's machine do.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    given.picture.parent.mkdir(parents=True, exist_ok=True)
    given.picture.write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
