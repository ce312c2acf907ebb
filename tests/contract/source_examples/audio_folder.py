"""Wav files of three kinds of tones."""

import wave
from pathlib import Path

import numpy as np

RATE, COUNT = 2_000, 30


def arguments(folder: Path) -> dict[str, object]:
    draw = np.random.default_rng(1)
    for number, name in enumerate(("high", "low", "noise")):
        (folder / "tones" / name).mkdir(parents=True)
        for row in range(COUNT):
            time = np.arange(200) / RATE
            tone = (
                draw.normal(0, 0.2, 200) if name == "noise" else np.sin(2 * np.pi * (400 - 200 * number) * time + row)
            )
            with wave.open(str(folder / "tones" / name / f"{row:02}.wav"), "wb") as file:
                file.setparams((1, 2, RATE, 0, "NONE", ""))
                file.writeframes((tone.clip(-1, 1) * 32_767).astype("<i2").tobytes())
    return {"path": str(folder / "tones"), "seconds": 0.08}
