"""Which clips lie where, by Pro Tools' "Session Info as Text": the list of clips that all versions give. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

TRACK_NAME = "TRACK NAME:"
FORMAT = re.compile(r" \([^()]*\)$")  # "Piano (Stereo)": added behind the names of all but mono tracks
COLUMNS = 6  # channel, event, clip name, start, end, duration; the rest is of no interest


@dataclass(frozen=True)
class ClipRow:
    """One channel of a clip on a track, in samples of the session's timeline."""

    name: str
    start: int
    length: int


def clips_on(text: str, track: str) -> list[ClipRow]:
    """The clips of the track of that name, channel by channel."""
    found: list[ClipRow] = []
    here = False
    for line in text.splitlines():
        fields = [field.strip() for field in line.split("\t")]
        if line.startswith(TRACK_NAME):
            name = fields[1] if len(fields) > 1 else ""
            here = track in (name, FORMAT.sub("", name))
        elif here and (row := _row(fields)) is not None:
            found.append(row)
    return found


def _row(fields: list[str]) -> ClipRow | None:
    """A line of the table; None for its heading and for everything else."""
    if len(fields) < COLUMNS:
        return None
    start, _, length = (field.replace(",", "") for field in fields[3:COLUMNS])
    if not (start.isdecimal() and length.isdecimal()):
        return None
    return ClipRow(fields[2], int(start), int(length))
