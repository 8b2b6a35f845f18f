"""What an engine keeps of audio it made, to have it back when it hears that audio again."""

from __future__ import annotations

from dataclasses import dataclass

CLIP, SONG = "clip", "song"


@dataclass(frozen=True)
class Kept:
    """Yielded before a take's report, for one stem. The bridge returns it, as `Song.kept`, with that very audio only.

    of:   CLIP, the stem in exactly the region, or SONG, the whole song with a spliced clip in it.
    data: in a form of the engine's own; read with care, as it may come from another version.
    take: as in `Piece`.
    """

    of: str
    stem: str
    data: bytes
    take: int | None = None
