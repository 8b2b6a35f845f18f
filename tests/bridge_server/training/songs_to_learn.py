"""A folder of short songs made on the spot, and what a training of a moment is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import soundfile

RATE = 16_000

QUICK: dict[str, Any] = {
    "rank": 4, "seconds": 1.0, "steps": 4, "accumulation": 1, "keep_every": 1, "check_every": 2, "warmup": 1,
}  # fmt: skip


def write_song(path: Path, hertz: float = 220.0, seconds: float = 5.2, level: float = 0.3) -> Path:
    at = np.arange(round(seconds * RATE)) / RATE
    soundfile.write(path, (level * np.sin(2 * np.pi * hertz * at)).astype(np.float32), RATE)
    return path


def three_songs(folder: Path) -> Path:
    folder.mkdir()
    for number, name in enumerate(("slow_walk", "rain", "late-train")):
        write_song(folder / f"{name}.wav", 110.0 * (number + 2))
    return folder
