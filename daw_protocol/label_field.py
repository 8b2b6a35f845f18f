"""Names of songs and tracks, as people and their programs give them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from daw_protocol.errors import unicode_only
from daw_protocol.fields import CONTROL_CHARACTERS, Schema, Text

_ANY_CONTROL_CHARACTER = re.compile(f"[{''.join(sorted(CONTROL_CHARACTERS))}]")


@dataclass(frozen=True)
class Label(Text):
    """What somebody called a thing, a song or a track: nothing is refused over a name.

    Of a longer one the beginning stays, and what no line of text has becomes a space, or a "?" where it was not UTF-8.
    """

    def read(self, value: Any) -> str:
        return super().read(self._shortened(value) if isinstance(value, str) else value)

    def _shortened(self, value: str) -> str:
        lines = value.replace("\r\n", "\n").replace("\r", "\n")
        return unicode_only(_ANY_CONTROL_CHARACTER.sub(" ", lines))[: self.max_length]

    def schema(self) -> Schema:
        return {"type": "string"}

    def describe(self) -> str:
        return f"text, of which the first {self.max_length} characters are kept"
