"""The folder `aclImdb`, with a few reviews."""

from pathlib import Path


def arguments(folder: Path) -> dict[str, str]:
    for split in ("train", "test"):
        for name, word in (("pos", "good"), ("neg", "bad")):
            (folder / "aclImdb" / split / name).mkdir(parents=True)
            for number in range(60):
                text = f"Film {number} of {split} is {word}.<br /><br />Really."
                (folder / "aclImdb" / split / name / f"{number}_7.txt").write_text(text)
    return {"path": str(folder)}
