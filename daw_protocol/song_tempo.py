"""The tempo of a song as its producer accepted it, kept with the song: for every request that brings none of its own.

The map counts from the song's first sample, wherever the song is on the timeline. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.recipe import BlueprintRecord
from daw_protocol.requests import Render
from daw_protocol.timeline import AtBbt, AtQuarters, Key, Meter, MeterChange, Position, TempoMap
from daw_protocol.timeline.beat_map import map_of_beats
from daw_protocol.timeline.duration import DurationUnit
from daw_protocol.timeline.exact_number import exact_decimal
from daw_protocol.timeline.tempo_edits import later_by

# A key that is rather wrong than right is worse than none.
LEAST_KEY_CONFIDENCE = 0.6


@dataclass(frozen=True)
class SongTempo:
    """tempo_map: in seconds from the song's first sample. key: None where none was accepted."""

    tempo_map: TempoMap
    key: Key | None = None

    def to_json(self) -> dict[str, object]:
        """JSON values, the inverse of `from_json`."""
        return {"tempo_map": self.tempo_map.to_json(), "key": str(self.key) if self.key else None}

    @classmethod
    def from_json(cls, given: Mapping[str, object]) -> SongTempo:
        """Raises ValueError for anything that is not one."""
        key = given.get("key")
        return cls(
            TempoMap.from_json(given.get("tempo_map")), Key.parse(key) if isinstance(key, str) else None
        )

    def fill(self, request: Render, rate: int) -> Render:
        """The request with this tempo and key where it has none.

        rate: the song's, in hertz. A position of the song in bars counts on the map as it is; by any other position the
        map moves along with the song.
        """
        key = request.key or self.key
        if request.bpm is not None or request.tempo_map is not None:
            return replace(request, key=key)
        tempo_map = self.tempo_map
        if request.meter is not None:
            tempo_map = replace(tempo_map, meters=(MeterChange(Fraction(0), request.meter),))
        position = request.source_position
        if position is not None and not is_musical(position):
            tempo_map = later_by(tempo_map, Fraction(position.resolve(tempo_map, rate), rate))
        return replace(request, tempo_map=tempo_map, meter=None, key=key)


def of_analysis(found: BlueprintRecord) -> SongTempo:
    """The tempo and key an analysis found. Raises ProtocolError where it found no tempo."""
    if found.tempo is None or found.downbeat is None:
        raise ProtocolError(
            ErrorCode.MISSING_FIELD, "The analysis found no tempo.", "Send bpm, or a tempo map.", "bpm"
        )
    meter = Meter.parse(found.meter or "4/4")
    sure = found.key is not None and found.confidence.get("key", 0.0) >= LEAST_KEY_CONFIDENCE
    key = Key.parse(found.key) if sure and found.key is not None else None
    if len(found.beats) > 1:
        return SongTempo(map_of_beats(found.beats, meter, found.downbeat), key)
    return SongTempo(TempoMap.constant(exact_decimal("tempo", found.tempo), meter, found.downbeat), key)


def is_musical(position: Position) -> bool:
    """Whether a position counts in bars or beats, so that it takes a tempo to find it."""
    return isinstance(position, (AtBbt, AtQuarters))


def musical_field(request: Render) -> str:
    """The first field of the request that counts in bars or beats; "" where none does."""
    if request.bars is not None:
        return "bars"
    for name in ("start", "end", "source_position"):
        position = getattr(request, name)
        if position is not None and is_musical(position):
            return name
    if request.length is not None and request.length.unit in (DurationUnit.BARS, DurationUnit.QUARTERS):
        return "length"
    return "chords" if getattr(request, "chords", None) is not None else ""
