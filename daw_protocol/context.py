"""What a client has sent about its song; fills in a bare `/bridge/repaint id`.

Pure: a context and a context message give the next context. bridge_server/sessions/contexts.py keeps one per client.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from daw_protocol import requests
from daw_protocol.requests import Render, Request
from daw_protocol.song_tempo import SongTempo
from daw_protocol.timeline import Key, Meter, Position, TempoMap
from daw_protocol.timeline.exact_number import decimal_of_float32

CONTEXT_REQUESTS = (
    requests.SetTempo,
    requests.SetMeter,
    requests.SetKey,
    requests.SetSource,
    requests.Select,
    requests.Transport,
    requests.ForgetContext,
)


@dataclass(frozen=True)
class Context:
    """The song, its grid and the selection, as far as this client has sent them; None = not sent."""

    source: str | None = None
    source_position: Position | None = None
    rate: int | None = None
    bpm: float | None = None
    meter: Meter | None = None
    tempo_map: TempoMap | None = None
    key: Key | None = None
    start: Position | None = None
    end: Position | None = None
    playhead: Position | None = None
    rolling: bool = False

    def after(self, request: Request) -> Context:
        """The context after this message."""
        if isinstance(request, requests.SetTempo):
            return replace(self, bpm=request.bpm, tempo_map=request.tempo_map)
        if isinstance(request, requests.SetMeter):
            return replace(self, meter=request.meter)
        if isinstance(request, requests.SetKey):
            return replace(self, key=request.key)
        if isinstance(request, requests.SetSource):
            return replace(self, source=request.source, source_position=request.position, rate=request.rate)
        if isinstance(request, requests.Select):
            return replace(self, start=request.start, end=request.end)
        if isinstance(request, requests.Transport):
            return replace(self, playhead=request.position, rolling=request.rolling)
        if isinstance(request, requests.ForgetContext):
            return Context()
        raise TypeError(f"{type(request).__name__} is not a context message")

    def fill(self, request: Render) -> Render:
        """The request, with whatever it omits taken from this context."""
        found: dict[str, Any] = {}
        if request.source is None and request.tracks is None and request.spec().needs_source:
            found |= {
                "source": self.source,
                "source_position": request.source_position or self.source_position,
            }
        if request.rate is None:
            found["rate"] = self.rate
        if request.bpm is None and request.tempo_map is None:
            found |= self._tempo(request)
        elif request.tempo_map is None and request.meter is None:
            found["meter"] = self.meter
        if request.key is None:
            found["key"] = self.key
        region = (request.start, request.end, request.bars, request.length, request.regions)
        if not request.spec().only_whole and all(given is None for given in region):
            found |= {"start": self.start, "end": self.end}
        return request.evolve(**found)

    def without_tempo(self) -> Context:
        """The context as it was before a tempo was sent: that of the song counts again."""
        return replace(self, bpm=None, meter=None, tempo_map=None)

    def on_song(self, tempo: SongTempo | None, rate: int) -> Context:
        """The context with the tempo kept with its song, where none was sent. rate: the song's, in hertz."""
        if tempo is None:
            return self
        filled = tempo.fill(shared_request(self), rate)
        if filled.tempo_map is None:
            return replace(self, key=filled.key)
        return replace(self, bpm=None, meter=None, tempo_map=filled.tempo_map, key=filled.key)

    def _tempo(self, request: Render) -> dict[str, Any]:
        # A time signature in the request cannot be merged into a whole tempo map; the request's own values win.
        if self.tempo_map is not None and request.meter is None:
            return {"tempo_map": self.tempo_map}
        return {"bpm": self.bpm, "meter": request.meter or self.meter}


ASSUMED_BPM = 120


NEW_SONG_RATE = 48_000


def tempo_map_of(request: Render) -> tuple[TempoMap, tuple[str, ...]]:
    """The request's tempo map, and a note when the tempo had to be assumed."""
    if request.tempo_map is not None:
        return request.tempo_map, ()
    meter = request.meter or Meter(4, 4)
    if request.bpm is None:
        note = f"No tempo was sent; assumed {ASSUMED_BPM} BPM and {meter}. Send bpm or tempo_map."
        return TempoMap.constant(ASSUMED_BPM, meter), (note,)
    # OSC sends 127.3 as 127.30000305...; the number typed is the shortest decimal with that float32.
    return TempoMap.constant(decimal_of_float32(request.bpm), meter), ()


def shared_request(context: Context) -> requests.Repaint:
    """A bare `repaint` filled in from this context: the values all requests about the shared context have."""
    mapped = context.tempo_map is not None
    return requests.Repaint(
        source=context.source,
        source_position=context.source_position,
        rate=context.rate,
        bpm=None if mapped else context.bpm,
        meter=None if mapped else context.meter,
        tempo_map=context.tempo_map,
        key=context.key,
    )


def resolved(position: Position | None, tempo_map: TempoMap, rate: int) -> int | None:
    """The position in samples; None if there is none or it is out of reach."""

    try:
        return None if position is None else position.resolve(tempo_map, rate)
    except (ValueError, OverflowError):
        return None
