"""The result of `songs.tempo`: the tempo that is kept with a song."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from daw_protocol.fields import Flag, Real, Whole
from daw_protocol.message import Message, value
from daw_protocol.recipe import BlueprintRecord
from daw_protocol.result_fields import AnyText, JsonObject, Record


@dataclass(frozen=True, kw_only=True)
class SongTempoKept(Message):
    """The tempo kept with a song. Seconds count from the song's first sample."""

    source: str = value(AnyText(), "the song")
    known: bool = value(Flag(), "whether a tempo is kept")
    bpm: float | None = value(Real(0, 1e6), "quarter notes per minute at bar 1, if a tempo is kept", None)
    meter: str = value(AnyText(), "the time signature at bar 1", "")
    bar_one: float | None = value(Real(-1e9, 1e9), "where bar 1 begins, in seconds", None)
    tempos: int = value(Whole(0, 2**53), "how many tempos the map has", 0)
    key: str = value(AnyText(), "the key, if one is kept", "")
    tempo_map: Mapping[str, object] | None = value(
        JsonObject('tempo map object, such as {"points": [{"quarter": 0, "bpm": 120}]}'), "the map", None
    )
    analysis: BlueprintRecord | None = value(
        Record(BlueprintRecord), "what `analyse` found last, if anything", None
    )
