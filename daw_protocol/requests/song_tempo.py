"""The request about the tempo that is kept with a song: shows it, sets it, edits it."""

from __future__ import annotations

from dataclasses import dataclass

from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.fields import FileName, Flag, Real, Text, Whole
from daw_protocol.message import value
from daw_protocol.requests.request import Request
from daw_protocol.timeline import Key, Meter, Position, TempoMap
from daw_protocol.timeline_fields import KeyKind, MeterKind, PositionKind, TempoMapKind

MOST_BEATS = 10_000
SETTERS = ("analysed", "bpm", "tempo_map", "midi", "taps")
MOST_LETTERS = 2_800_000  # two megabytes of MIDI file


@dataclass(frozen=True, kw_only=True)
class SetSongTempo(Request):
    """The tempo kept with a song, for requests without one: shows it; with other values, sets or edits it."""

    # First analysed, tempo_map, midi, taps or bpm sets it; then meter, times, bar_one and shift change it, in order.
    # Without any of the first five the others change what is kept, or else what `analyse` found.

    source: str | None = value(
        FileName(1024, 1), "the song, as in a render request; by default the current one", None
    )
    analysed: bool = value(Flag(), "accept what `analyse` found last", False)
    bpm: float | None = value(Real(5, 1000), "quarter notes per minute, if it never changes", None)
    tempo_map: TempoMap | None = value(
        TempoMapKind(), "the whole tempo map, in seconds from the song's first sample", None
    )
    midi: str = value(Text(MOST_LETTERS), "a MIDI file with the song's tempo map, as base64", "")
    taps: str = value(
        Text(8000), 'when beats were tapped, in seconds from the song\'s first sample: "1.02, 1.53, 2.04"', ""
    )
    meter: Meter | None = value(MeterKind(), "the time signature", None)
    key: Key | None = value(KeyKind(), "the key", None)
    times: float | None = value(Real(0.125, 8), "multiply the tempo: 2 doubles it, 0.5 halves it", None)
    bar_one: Position | None = value(
        PositionKind(), "where bar 1 begins, counted from the song's first sample", None
    )
    shift: int = value(Whole(-MOST_BEATS, MOST_BEATS), "move bar 1 by so many beats; negative is earlier", 0)
    forget: bool = value(Flag(), "forget the song's tempo", False)

    @property
    def changes(self) -> bool:
        """Whether it does more than ask."""
        return self.forget or bool(
            self.to_fields().keys() - {"id", "reply_port", "client", "token", "source"}
        )

    def check(self) -> None:
        given = [name for name in SETTERS if getattr(self, name)]
        if len(given) > 1:
            raise ProtocolError(
                ErrorCode.OUT_OF_RANGE,
                f"{given[1]}: the tempo is defined twice, by {given[0]} and {given[1]}.",
                "Send one of them.",
                given[1],
            )
