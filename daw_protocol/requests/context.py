"""Context messages, the defaults for later requests: tempo, time signature, key, song, selection, playhead."""

from __future__ import annotations

from dataclasses import dataclass

from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.fields import FileName, Flag, Real, Whole
from daw_protocol.message import value
from daw_protocol.requests.request import Request
from daw_protocol.timeline import Key, Meter, TempoMap
from daw_protocol.timeline.position import Position
from daw_protocol.timeline_fields import KeyKind, MeterKind, PositionKind, TempoMapKind


@dataclass(frozen=True, kw_only=True)
class SetTempo(Request):
    """The song's tempo, for requests without one."""

    bpm: float | None = value(Real(5, 1000), "quarter notes per minute", None)
    tempo_map: TempoMap | None = value(TempoMapKind(), "the whole tempo map", None)

    def check(self) -> None:
        if (self.bpm is None) == (self.tempo_map is None):
            raise ProtocolError(
                ErrorCode.MISSING_FIELD,
                "bpm: the tempo is missing or defined twice.",
                "Send either bpm or tempo_map.",
                "bpm",
            )


@dataclass(frozen=True, kw_only=True)
class SetMeter(Request):
    """The song's time signature, for requests without one."""

    meter: Meter = value(MeterKind(), "the time signature")


@dataclass(frozen=True, kw_only=True)
class SetKey(Request):
    """The song's key, for requests without one."""

    key: Key = value(KeyKind(), "the key")


@dataclass(frozen=True, kw_only=True)
class SetSource(Request):
    """The song, for requests without one."""

    source: str = value(FileName(1024, 1), "the song, as in a render request")
    position: Position | None = value(
        PositionKind(), "timeline position of its first sample; by default its time stamp", None
    )
    rate: int | None = value(Whole(8_000, 384_000), "the project's sample rate", None)


@dataclass(frozen=True, kw_only=True)
class Select(Request):
    """The region, for requests without one."""

    start: Position = value(PositionKind(), "first sample of the selection")
    end: Position = value(PositionKind(), "first sample after the selection")


@dataclass(frozen=True, kw_only=True)
class Transport(Request):
    """The position of the DAW's playhead."""

    position: Position = value(PositionKind(), "the playhead")
    rolling: bool = value(Flag(), "whether the transport is rolling", False)


@dataclass(frozen=True, kw_only=True)
class ForgetContext(Request):
    """Forget this client's tempo, time signature, key, source and selection."""
