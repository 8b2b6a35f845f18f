"""A store with a song and its takes, small enough to be seen through, at any rate, place and tempo map."""

from __future__ import annotations

import sqlite3
from fractions import Fraction
from pathlib import Path
from typing import Any

from clip_store.audio.audio import Audio, Encoding
from clip_store.store import ClipStore
from clip_store.take import Take, unmeasured
from daw_protocol.recipe import Recipe
from daw_protocol.timeline import Meter, MeterChange, TempoMap, TempoPoint
from tests.clip_store.sounds import song

STEADY = TempoMap.constant(120)
MOVING = TempoMap(
    (
        TempoPoint(Fraction(0), Fraction(97)),
        TempoPoint(Fraction(4), Fraction("127.3"), ramp=True),
        TempoPoint(Fraction(10), Fraction(88)),
        TempoPoint(Fraction(14), Fraction(140), ramp=True),
        TempoPoint(Fraction(23), Fraction(75)),
    ),
    (
        MeterChange(Fraction(0), Meter(4, 4)),
        MeterChange(Fraction(8), Meter(7, 8)),  # inside the first ramp
        MeterChange(Fraction(8) + Fraction(7, 2) * 2, Meter(3, 4)),
    ),
)
"""Steps, two ramps, and meters that change inside a ramp."""


def offset(tempo_map: TempoMap, seconds: str) -> TempoMap:
    return TempoMap(tempo_map.points, tempo_map.meters, Fraction(seconds), tempo_map.first_bar)


def describe(take: Take) -> str:
    return f"How {take.id} came about.\nat sample {take.position}: exact"


class Shelf:
    """A store to put takes into. position: where the song's first sample lies on the timeline."""

    def __init__(
        self, folder: Path, rate: int = 48_000, channels: int = 2, position: int = 0, title: str = "Song",
        tempo_map: TempoMap = STEADY, encoding: Encoding = Encoding.PCM_24,
    ) -> None:  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        self.connection = sqlite3.connect(folder / "bridge.db")
        self.store = ClipStore(folder / "store", self.connection)
        self.rate, self.channels, self.position, self.title = rate, channels, position, title
        self.tempo_map, self.encoding = tempo_map, encoding
        self.song = self.audio(2 * rate, 99)
        self.store.blobs.put(self.song)
        self.made = 0

    def audio(self, frames: int, seed: int) -> Audio:
        return song(frames, self.channels, self.rate, self.encoding, seed=seed)

    def add(self, start: int, length: int, **changes: Any) -> Take:
        """One more take of the song's stretch [start, start + length)."""
        self.made += 1
        clip = self.audio(length, self.made)
        values: dict[str, Any] = {
            "id": f"t{self.made:09d}", "job": f"j{self.made}", "number": 1, "task": "repaint",
            "parent": self.song.digest, "audio": clip.digest, "position": self.position + start, "start": start,
            "length": length, "rate": self.rate, "created": 1_770_000_000.0 + self.made, "title": self.title,
            "recipe": Recipe(tempo_map=self.tempo_map.to_json()), "request": {"key": "F# minor"},
            "receipt": unmeasured(self.position + start, length, self.rate), **changes,
        }  # fmt: skip
        take = Take(**values)
        self.store.keep(take, clip)
        return take

    def stems(self, start: int, length: int, *names: str) -> list[Take]:
        """An extract: stems that share job and number."""
        return [
            self.add(start, length, job=f"extract at {start}", number=1, task="extract", stem=name)
            for name in names
        ]
