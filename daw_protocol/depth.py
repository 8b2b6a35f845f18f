"""How deep a clip is: as deep as its song, or deeper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from daw_protocol.fields import Choice

DEPTHS = ("song", "24", "float")


@dataclass(frozen=True)
class Depth(Choice):
    """One of DEPTHS. 24 may be sent as a number: OSC programs make one of it by themselves."""

    words: tuple[str, ...] = DEPTHS

    def read(self, value: Any) -> str:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return super().read("24" if is_number and value == 24 else value)
