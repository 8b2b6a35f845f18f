"""The tempo kept with a song: shown, accepted, set and edited."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from bridge_server.handlers.response import Response, understood
from bridge_server.sessions.client import Client
from bridge_server.sessions.contexts import ClientContexts
from bridge_server.sessions.shared_context import SharedContext
from bridge_server.songs.song_reader import SongReader
from bridge_server.songs.song_tempos import SongTempos
from bridge_server.songs.tempo_file import map_in_bytes, without_tempo
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.fields import number_in, shown
from daw_protocol.recipe import BlueprintRecord
from daw_protocol.requests import SetSongTempo
from daw_protocol.song_tempo import SongTempo, is_musical, of_analysis
from daw_protocol.song_tempo_kept import SongTempoKept
from daw_protocol.timeline import AtSeconds, Meter, Position, TempoMap
from daw_protocol.timeline.exact_number import decimal_of_float32
from daw_protocol.timeline.tempo_edits import (
    at_bpm,
    bar_one_at,
    bar_one_seconds,
    multiplied,
    shifted,
    tapped,
    with_meter,
)
from daw_protocol.timeline.written_number import plain

COMMON_TIME = Meter(4, 4)
NANOSECONDS = 1_000_000_000
MAX_TAP_SECONDS = 86_400
_ANY_SEPARATOR = re.compile("[,;]")
_SEPARATOR = re.compile(r"[,;](?=\s|$)|;")


class SongTempoHandlers:
    """Requests about the tempo kept with a song."""

    def __init__(
        self,
        contexts: ClientContexts,
        shared_context: SharedContext,
        reader: SongReader,
        tempos: SongTempos,
    ) -> None:
        self._contexts = contexts
        self._shared_context = shared_context
        self._reader = reader
        self._tempos = tempos

    async def apply(self, request: SetSongTempo, client: Client) -> Response:
        """Changes what is kept, where the request changes anything, and shows it. Raises ProtocolError."""
        source = self._source(request, client)
        kept = await self._tempos.of(source)
        if request.changes:
            kept = None if request.forget else await self._changed(source, kept, request)
            await self._tempos.keep(source, kept)
            self._contexts.forget_tempo(client.key)
            self._shared_context.tempo_kept(source, client.key)
        result = await self._result(source, kept)
        return understood(request, in_words(result), result)

    def _source(self, request: SetSongTempo, client: Client) -> str:
        own = self._contexts.context(client.key).source
        source = request.source or own or self._shared_context.context.source
        if source is None:
            raise ProtocolError(
                ErrorCode.MISSING_FIELD,
                "No source was given.",
                "Send source, or /bridge/source first.",
                "source",
            )
        return self._reader.check(source)

    async def _changed(self, source: str, kept: SongTempo | None, request: SetSongTempo) -> SongTempo:
        base = kept
        if request.midi:
            request = replace(request, midi="", tempo_map=map_in_midi(request.midi))
        sets = request.tempo_map is not None or request.bpm is not None or bool(request.taps)
        if request.analysed or (kept is None and not sets):
            base = of_analysis(await self._found_in(source))
        rate = (await self._reader.probe(source, None)).rate
        try:
            tempo_map = edited(None if base is None else base.tempo_map, request, rate)
        except (ValueError, OverflowError) as error:
            raise ProtocolError(
                ErrorCode.OUT_OF_RANGE, f"The tempo cannot be changed so: {error}.", "Send other values."
            ) from error
        return SongTempo(tempo_map, request.key or (base.key if base is not None else None))

    async def _found_in(self, source: str) -> BlueprintRecord:
        found = await self._tempos.found_in(source)
        if found is None:
            raise ProtocolError(
                ErrorCode.MISSING_FIELD,
                "The song has not been analysed yet, and no tempo is kept with it.",
                "Send analyse first, or send bpm or a tempo map.",
                "bpm",
            )
        return found

    async def _result(self, source: str, kept: SongTempo | None) -> SongTempoKept:
        fields: dict[str, object] = {
            "source": source,
            "known": kept is not None,
            "analysis": await self._tempos.found_in(source),
        }
        if kept is not None:
            tempo_map = kept.tempo_map
            seconds = bar_one_seconds(tempo_map)
            one = round(seconds * NANOSECONDS)
            fields |= {
                "bpm": round(float(tempo_map.tempo_at(one, NANOSECONDS)), 6),
                "meter": str(tempo_map.meter_at(tempo_map.quarters_at(one, NANOSECONDS))),
                "bar_one": round(float(seconds), 6),
                "tempos": len(tempo_map.points),
                "key": str(kept.key) if kept.key else "",
                "tempo_map": tempo_map.to_json(),
            }
        return SongTempoKept.from_fields(fields)


def map_in_midi(text: str) -> TempoMap:
    """The tempo map of a MIDI file in base64. Raises ProtocolError."""
    name = Path("The MIDI file")
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ProtocolError(
            ErrorCode.WRONG_TYPE, "midi: it is not base64.", "Send the file's bytes as base64.", "midi"
        ) from error
    song_map = map_in_bytes(data, name)
    if not song_map.has_tempo:
        raise without_tempo(name, song_map)
    return song_map.tempo_map


def edited(base: TempoMap | None, request: SetSongTempo, rate: int) -> TempoMap:
    """The map a request makes, from this one where it sets none. rate: the song's, in hertz. Raises ValueError."""
    tempo_map = request.tempo_map or base
    if request.taps:
        tempo_map = tapped(tap_seconds(request.taps), request.meter or COMMON_TIME)
    elif request.bpm is not None:
        # OSC sends 127.3 as 127.30000305...; the number typed is the shortest decimal with that float32.
        bpm = decimal_of_float32(request.bpm)
        tempo_map = TempoMap.constant(bpm) if tempo_map is None else at_bpm(tempo_map, Fraction(str(bpm)))
    assert tempo_map is not None, "there is an analysis where nothing else is"
    for change in _edits(request, rate):
        tempo_map = change(tempo_map)
    return tempo_map


def _edits(request: SetSongTempo, rate: int) -> list[Callable[[TempoMap], TempoMap]]:
    """Meter, factor, bar 1, shift: in this order."""
    found: list[Callable[[TempoMap], TempoMap]] = []
    if (meter := request.meter) is not None:
        found.append(lambda given: with_meter(given, meter))
    if request.times is not None:
        factor = Fraction(str(decimal_of_float32(request.times)))
        found.append(lambda given: multiplied(given, factor))
    if (position := request.bar_one) is not None:
        if is_musical(position):
            raise ValueError('bar 1 is placed in samples or seconds ("0.31s"); shift moves it by beats')
        found.append(lambda given: bar_one_at(given, _seconds(position, given, rate)))
    if request.shift:
        found.append(lambda given: shifted(given, request.shift))
    return found


def _seconds(position: Position, tempo_map: TempoMap, rate: int) -> Fraction:
    """Where bar 1 shall be: as typed, not at the nearest sample, if it was typed in seconds."""
    if isinstance(position, AtSeconds):
        return position.seconds
    return Fraction(position.resolve(tempo_map, rate), rate)


def tap_seconds(text: str) -> list[float]:
    """The times in a list of taps. Raises ValueError for anything else.

    A comma before a blank separates taps, and so does every comma where decimals have points; else one between digits
    is a decimal one.
    """
    written = plain(text)
    apart = (_ANY_SEPARATOR if "." in written else _SEPARATOR).sub(" ", written)
    return [_tap(entry, text) for entry in apart.split()]


def _tap(entry: str, text: str) -> float:
    """One time. Raises ValueError, also where a comma may separate decimals or thousands."""
    found = number_in(entry)
    if isinstance(found, str):
        raise ValueError(f'taps must be seconds such as "1.02, 1.53", got {text[:40]!r}')
    if not abs(found) <= MAX_TAP_SECONDS:  # NaN fails every comparison
        raise ValueError(f"taps must lie within a day, got {shown(entry)}")
    return float(found)


def in_words(kept: SongTempoKept) -> str:
    """What is kept, in a sentence."""
    if not kept.known or kept.bpm is None or kept.bar_one is None:
        return "No tempo is kept with the song."
    changing = f" at bar 1, {kept.tempos} tempos in all" if kept.tempos > 1 else ""
    key = f", {kept.key}" if kept.key else ""
    return f"{kept.bpm:g} BPM{changing}, {kept.meter}, bar 1 at {kept.bar_one:.3f} s{key}."
