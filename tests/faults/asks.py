"""Requests of several kinds for one small song, each with the door it goes through and an id of its own.

Reads no audio and imports nothing slow: the host's process (host.py) starts with it.
"""

from __future__ import annotations

import json
import random
from dataclasses import asdict, dataclass, field
from typing import Any

DOORS = ("osc", "websocket", "post", "mailbox", "watched folder")
SONG = "band.wav"
BPM = 240.0  # short bars: kills are many, and what is rendered between them is not looked at for its beauty
BARS = 6  # of the song: the sketch engine needs four outside the region

# What a producer may ask of it. One seed and few bars, so that equal requests come again, after others that meet the
# same audio, and must give equal takes.
SEED = 1
REGIONS = ("2", "3", "4")
KINDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("repaint", {"bars": "{bar}", "takes": 2, "handles": 0.1}),
    ("repaint", {"bars": "{bar}", "takes": 1, "handles": 0.1}),
    ("complete", {"bars": "7", "takes": 1, "handles": 0.1}),
    ("repaint", {"bars": "{bar}", "takes": 1, "handles": 0.1, "layers": "drums only"}),
    ("complete", {"bars": "7", "takes": 2, "handles": 0.1, "ending": True}),
    ("accompany", {"bars": "{bar}", "takes": 1, "handles": 0.1}),
    ("extract", {"bars": "{bar}", "takes": 1, "handles": 0.1}),
)


@dataclass(frozen=True)
class Ask:
    """One request. fields: as every door takes them, without the id."""

    id: str
    door: str
    task: str
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def takes(self) -> int:
        return int(self.fields["takes"])

    @property
    def dropped_name(self) -> str:
        """The file name that asks for it in a watched folder."""
        words = [f"{self.task} {self.fields['bars']}", f"{BPM:g} bpm", f"{self.takes} takes"]
        words += [
            f"{name} {given}" for name, given in self.fields.items() if name not in ("bars", "bpm", "takes")
        ]
        return f"{self.id} [{', '.join(words)}].wav"

    @property
    def meaning(self) -> str:
        """Equal for requests whose takes of the same number must have the same sound, however many takes each has."""
        music = {name: given for name, given in self.fields.items() if name != "takes"}
        return json.dumps([self.task, music], sort_keys=True)


def make_asks(chance: random.Random, first: int, count: int) -> list[Ask]:
    """Requests number `first` and the following; five in a row go through all five doors."""
    asks = []
    for number in range(first, first + count):
        task, fields = chance.choice(KINDS)
        bar = chance.choice(REGIONS)
        filled = {name: bar if given == "{bar}" else given for name, given in fields.items()}
        filled |= {"bpm": BPM, "seed": SEED}
        asks.append(Ask(f"ask-{number}", DOORS[number % len(DOORS)], task, filled))
    return asks


def to_json(asks: list[Ask]) -> str:
    return json.dumps([asdict(ask) for ask in asks])


def from_json(text: str) -> list[Ask]:
    return [Ask(**entry) for entry in json.loads(text)]
