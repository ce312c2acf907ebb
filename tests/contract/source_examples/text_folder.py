"""A folder a class with texts."""

from pathlib import Path


def arguments(folder: Path) -> dict[str, str]:
    for name in ("calm", "angry", "glad"):
        (folder / name).mkdir(parents=True)
        for number in range(60):
            (folder / name / f"{number:02}.txt").write_text(f"Letter {number}.\nI am {name}.\n")
    return {"path": str(folder)}
