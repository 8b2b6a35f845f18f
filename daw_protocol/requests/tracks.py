"""Songs, several of which a request may name instead of one source: tracks of one song, or many songs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from daw_protocol.errors import ProtocolError
from daw_protocol.fields import FileName, Kind, Schema, shown, texts_in
from daw_protocol.label_field import Label
from daw_protocol.message import Message, message_schema, value
from daw_protocol.timeline import Key, TempoMap
from daw_protocol.timeline.position import Position
from daw_protocol.timeline_fields import KeyKind, PositionKind, TempoMapKind

MAX_TRACKS = 32
EACH, TOGETHER = "each", "together"


@dataclass(frozen=True, kw_only=True)
class Track(Message):
    """One of several songs. What it does not have, it takes from the request."""

    source: str = value(FileName(1024, 1), "as the request's `source`")
    source_position: Position | None = value(
        PositionKind(), "timeline position of its first sample; by default its time stamp, else 0", None
    )
    title: str = value(
        Label(128), "its name for takes and files; by default the request's, else the file's", ""
    )
    track: str = value(Label(128), "its DAW track", "")
    tempo_map: TempoMap | None = value(
        TempoMapKind(), "its own tempo map; by default the request's tempo", None
    )
    key: Key | None = value(KeyKind(), "its own key; by default the request's", None)


@dataclass(frozen=True)
class TracksKind(Kind):
    """Several songs, in order."""

    def read(self, value: Any) -> tuple[Track, ...]:
        if isinstance(value, str):
            value = [part.strip() if isinstance(part, str) else part for part in texts_in(value)]
        if not isinstance(value, (list, tuple)):
            raise TypeError(f"must be a list of songs, got {shown(value)}")
        if not 1 <= len(value) <= MAX_TRACKS:
            raise ValueError(f"must be 1 to {MAX_TRACKS} songs, got {len(value)}")
        found = tuple(_track(number, entry) for number, entry in enumerate(value, 1))
        first: dict[str, int] = {}
        for number, track in enumerate(found, 1):
            if (same := first.setdefault(track.source, number)) != number:
                raise ValueError(f"tracks {same} and {number} are the same: {shown(track.source)}")
        return found

    def write(self, value: Any) -> Any:
        return [track.to_fields() for track in value]

    def schema(self) -> Schema:
        return {
            "type": ["array", "string"],
            "items": {"anyOf": [{"type": "string"}, message_schema(Track)]},
            "minItems": 1,
            "maxItems": MAX_TRACKS,
            "examples": [["drums.wav", "bass.wav"], [{"source": "bass.wav", "source_position": 96000}]],
        }

    def describe(self) -> str:
        return (
            f"list of at most {MAX_TRACKS} songs, each a name as in `source` or "
            '`{"source": "bass.wav", "source_position": 96000}`; or names separated by commas'
        )


def _track(number: int, given: Any) -> Track:
    """The track, or ValueError that says which one is wrong."""
    if isinstance(given, Track):
        return given
    if isinstance(given, str):
        given = {"source": given}
    if not isinstance(given, Mapping):
        raise TypeError(f"track {number} must be a name or an object, got {shown(given)}")
    try:
        return Track.from_fields(given)
    except ProtocolError as error:
        raise ValueError(f"track {number}: {error.sentence.removesuffix('.')}") from error
