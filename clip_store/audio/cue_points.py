"""Named places in a WAV file: the chunks `cue ` and `LIST adtl`.

"Multimedia Programming Interface and Data Specifications 1.0" (IBM and Microsoft, 1991), pages 3-59 to 3-62. The labels
are UTF-8: the specification names no encoding, and current programs read it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

_POINT = struct.Struct("<II4sIII")
_LABEL = struct.Struct("<4sII")
_MOST = 1 << 32


class CuePoint(NamedTuple):
    """A place, in samples from the file's first, and what is there."""

    sample: int
    text: str


def cue_chunks(points: Sequence[CuePoint]) -> list[tuple[bytes, bytes]]:
    """The chunks (name, body); none without points."""
    within = [point for point in points if 0 <= point.sample < _MOST]
    if not within:
        return []
    cues, labels = [], [b"adtl"]
    for number, point in enumerate(within, 1):
        # The first field is the place in a playlist, which is the sample where there is none.
        cues.append(_POINT.pack(number, point.sample, b"data", 0, 0, point.sample))
        text = point.text.replace("\0", " ").encode("utf-8", "replace") + b"\0"
        labels.append(_LABEL.pack(b"labl", 4 + len(text), number) + text + b"\0" * (len(text) % 2))
    return [(b"cue ", struct.pack("<I", len(cues)) + b"".join(cues)), (b"LIST", b"".join(labels))]
