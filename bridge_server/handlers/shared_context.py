"""The focus in samples, as a panel draws it: the song, its bars and beats, the selection; and which songs there are."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from bridge_server.handlers.response import Response, understood
from bridge_server.sessions.audience import Audience
from bridge_server.sessions.client import Client
from bridge_server.sessions.shared_context import SharedContext
from bridge_server.sessions.shown_context import ShownContext
from bridge_server.settings import Settings
from bridge_server.songs.alike import existing
from bridge_server.songs.placement import placed
from bridge_server.songs.song_folders import list_songs
from bridge_server.songs.song_reader import SongReader
from bridge_server.songs.sources import STORED, TAKE, FileState, state_of
from daw_protocol import requests
from daw_protocol.context import NEW_SONG_RATE, Context, shared_request
from daw_protocol.errors import ProtocolError
from daw_protocol.results import Focus, Grid, Problem, Selection, SongFile, SongInFocus, SongList, Watching
from daw_protocol.timeline import Span, TempoMap
from daw_protocol.timeline.bbt import Bbt

# Bars shown behind the song's end, where it may be continued.
BARS_BEHIND = 16
# More beats than this are not drawn anyway; the bars are still sent.
MAX_BEATS = 20_000
# Uploads that are listed at most.
MAX_RECENT = 50


class SharedContextHandlers:
    """Requests about the shared context and the songs in the server's folders."""

    def __init__(
        self, settings: Settings, shared_context: SharedContext, reader: SongReader, audience: Audience
    ) -> None:
        self._settings = settings
        self._shared_context = shared_context
        self._reader = reader
        self._audience = audience
        self._reading = asyncio.Lock()
        self._known: tuple[tuple[str, FileState | str | None, int | None], SongInFocus] | None = None

    async def watch(self, request: requests.Watch, client: Client) -> Response:
        if request.on:
            self._audience.watch(client)
        else:
            self._audience.unwatch(client)
        text = "Subscribed to all jobs and changes." if request.on else "Subscribed to your own jobs only."
        return understood(request, text, Watching(revision=self._shared_context.revision))

    async def show(self, request: requests.ShowFocus, _: Client) -> Response:
        context, revision = self._shared_context.context, self._shared_context.revision
        client = self._shared_context.client
        song = problem = None
        if context.source is not None:
            try:
                song = await self._song(context.source, context.rate)
                probe = await self._reader.probe(song.source, context.rate)
                context = replace(context, source_position=placed(context.source_position, probe).position)
            except ProtocolError as error:
                problem = Problem(sentence=error.sentence, remedy=error.remedy)
        rate = song.rate if song else context.rate or NEW_SONG_RATE
        shown = self._shared_context.shown_as(context, rate)
        result = in_samples(context, shown, song, revision, client, problem)
        text = (
            f"{in_words(song)}, {song.length} samples at {song.rate} Hz" if song else "No song is selected."
        )
        return understood(request, text, result)

    async def songs(self, request: requests.ListSongs, _: Client) -> Response:
        found = await asyncio.to_thread(list_songs, self._settings.roots, self._settings.store, request.limit)
        recent = await self._reader.recent_uploads(min(request.limit, MAX_RECENT))
        titles = "; ".join(in_words(entry) for entry in (*recent, *found))
        return understood(request, titles, SongList(songs=tuple(found), recent=tuple(recent)))

    async def _song(self, source: str, rate: int | None) -> SongInFocus:
        """The song, read once for as long as its file does not change; its position is 0. Raises ProtocolError."""
        async with self._reading:  # two panels ask at once; the song is read for both
            name = self._reader.check(source)
            stored = name.startswith((STORED, TAKE))
            state = self._reader.uploaded_as(name) if stored else state_of(existing(Path(name)))
            key = (name, state, rate)
            if self._known is None or self._known[0] != key:
                song = await self._reader.read(name, rate)
                audio, tags = song.audio, song.tags
                facts = SongInFocus(
                    source=name, digest=song.digest, title=song.name, rate=audio.rate, channels=audio.channels,
                    length=audio.frames, position=0, tag_title=tags.title, tag_artist=tags.artist,
                )  # fmt: skip
                self._known = (key, facts)
                self._shared_context.rate = facts.rate
            return self._known[1]


def in_words(song: SongFile | SongInFocus) -> str:
    """A song by its file's name, and by what the file's tags call it."""
    tags = " by ".join(filter(None, (song.tag_title, song.tag_artist)))
    return f"{song.title} ({tags})" if tags else song.title


def in_samples(
    context: Context,
    shown: ShownContext,
    song: SongInFocus | None,
    revision: int,
    client: str,
    problem: Problem | None,
) -> Focus:
    """Song, grid, selection, playhead and the values for a request; positions are samples of the timeline.

    shown: with the tempo kept with the song, which requests find by themselves.
    """
    request = shared_request(context)
    position, selected = shown.position, shown.selection
    return Focus(
        revision=revision,
        client=client,
        song=replace(song, position=position) if song else None,
        problem=problem,
        grid=grid(shown.tempo_map, Span(position, position + song.length), song.rate) if song else None,
        selection=Selection(start=selected.start, end=selected.end) if selected else None,
        playhead=shown.playhead,
        rolling=context.rolling,
        key=str(shown.context.key) if shown.context.key else None,
        tempo_known=shown.tempo_known,
        request={
            name: given
            for name, given in request.to_fields().items()
            if name in ("source", "source_position", "rate", "bpm", "meter", "tempo_map", "key")
        },
    )


def grid(tempo_map: TempoMap, song: Span, rate: int) -> Grid:
    """Bars, beats, tempi and meters from the song's first bar to BARS_BEHIND bars after its last."""
    first = min(song.start, tempo_map.sample_of(Bbt(tempo_map.bbt_at(song.start, rate).bar), rate))
    last = tempo_map.sample_of(Bbt(tempo_map.bbt_at(song.end, rate).bar + BARS_BEHIND), rate)
    shown = Span(first, last + 1)
    try:
        bars = tempo_map.bars_between(shown, rate)
        beats = tempo_map.beats_between(shown, rate)
    except ValueError:  # more quarters than can be listed: no song, but nothing that may break a page
        bars, beats = [], []
    tempi = [(tempo_map.sample_at(point.quarter, rate), point) for point in tempo_map.points]
    meters = [(tempo_map.sample_at(change.quarter, rate), change) for change in tempo_map.meters]
    return Grid(
        bars=tuple((beat.bar, beat.sample) for beat in bars),
        beats=tuple(beat.sample for beat in beats) if len(beats) <= MAX_BEATS else (),
        tempi=tuple((sample, round(float(point.bpm), 3), int(point.ramp)) for sample, point in tempi),
        meters=tuple((sample, str(change.meter)) for sample, change in meters),
    )
