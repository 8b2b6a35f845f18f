"""The shared context: one for the whole server, updated by whichever client spoke last.

Each client also has its own context (contexts.py), which supplies defaults for its requests. The shared one is for
display: a DAW script selects bars and every panel shows them; a panel selects others and a surface shows those.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bridge_server.sessions.events import ContextMoved, Events
from bridge_server.sessions.shown_context import ShownContext
from daw_protocol import requests
from daw_protocol.context import NEW_SONG_RATE, Context
from daw_protocol.replies import FocusMoved
from daw_protocol.requests import Render, Request
from daw_protocol.song_tempo import SongTempo
from daw_protocol.timeline import AtSample, Position

# Fields of a render request that update the context; the names are the same in both.
SAID_BY_RENDERS = (
    "source", "source_position", "rate", "bpm", "meter", "tempo_map", "key", "start", "end",
)  # fmt: skip


class SharedContext:
    """The shared context.

    revision: counts changes; playhead movements alone do not count.
    rate:     sample rate of the current song in hertz, as far as known.
    """

    def __init__(
        self, events: Events, song_tempo: Callable[[str], SongTempo | None] = lambda _: None
    ) -> None:
        """song_tempo: the tempo kept with a song, by the name requests use for it."""
        self._events = events
        self._song_tempo = song_tempo
        self.context = Context()
        self.revision = 0
        self.client = ""
        self.rate = NEW_SONG_RATE
        self._lies: tuple[str, Position | None] = ("", None)

    def apply(self, request: Request, client: str) -> None:
        """Takes in a context message or a request for audio; publishes ContextMoved if that changed anything."""
        if isinstance(request, requests.ForgetContext) and client != self.client:
            return  # a script that quits must not clear another one's song
        before = self.context
        after = merged(before, request)
        if after.source != before.source and after.source is not None and not _brings_tempo(request):
            # A song with a tempo of its own takes over none from the song before it.
            after = after if self._song_tempo(after.source) is None else after.without_tempo()
        if after == before:
            return
        self.context = after
        if not isinstance(request, requests.Transport):
            self.revision += 1
            self.client = client
        self._publish(client)

    @property
    def shown(self) -> ShownContext:
        """The shared context with what its song brings, where no client sent anything else: place and kept tempo."""
        context = self.context
        source, position = self._lies
        if context.source == source and context.source_position is None:
            context = replace(context, source_position=position)
        return self.shown_as(context, context.rate or self.rate)

    def shown_as(self, context: Context, rate: int) -> ShownContext:
        """A context whose song has its place, at the song's rate."""
        return ShownContext(self.with_song_tempo(context), rate)

    def with_song_tempo(self, context: Context) -> Context:
        """A context with the tempo that is kept with its song, where it has none."""
        if context.source is None or context.bpm is not None or context.tempo_map is not None:
            return context
        return context.on_song(self._song_tempo(context.source), context.rate or self.rate)

    def song_lies(self, source: str, position: Position | None, rate: int) -> None:
        """Where a song lies if no client says otherwise, and its rate: for those who show it; requests find it by
        themselves."""
        self._lies = (source, position)
        if source == self.context.source:
            self.rate = rate
        if position is not None and source == self.context.source:
            self._publish(self.client)

    def tempo_kept(self, source: str, client: str) -> None:
        """A tempo was kept with a song, or forgotten: it counts from now on, and everybody who shows it asks again."""
        if source == self.context.source:
            self.context = self.context.without_tempo()
        self.revision += 1
        self.client = client
        self._publish(client)

    def _publish(self, client: str) -> None:
        self._events.publish(
            ContextMoved(
                FocusMoved(
                    revision=self.revision,
                    client=client[:128],
                    playhead=self.playhead,
                    rolling=self.context.rolling,
                )
            )
        )

    @property
    def playhead(self) -> int | None:
        """The DAW's last known playhead, in samples of the timeline."""
        position = self.context.playhead
        if isinstance(position, AtSample):  # the usual case, and it comes often
            return position.sample
        return self.shown.playhead


def _brings_tempo(request: Request) -> bool:
    return isinstance(request, Render) and (request.bpm is not None or request.tempo_map is not None)


def merged(context: Context, request: Request) -> Context:
    """The context after a request. A different song clears the selection."""
    after = _with_render(context, request) if isinstance(request, Render) else context.after(request)
    moved = after.source != context.source
    said_where = isinstance(request, Render) and request.start is not None and request.end is not None
    return replace(after, start=None, end=None) if moved and not said_where else after


def _with_render(context: Context, request: Render) -> Context:
    """What the request sets itself; a request without a song (generate) sets nothing."""
    if request.source is None:
        return context
    said = {name: getattr(request, name) for name in SAID_BY_RENDERS}
    found = {name: given for name, given in said.items() if given is not None}
    if "tempo_map" in found:
        found |= {"bpm": None, "meter": None}
    elif "bpm" in found:
        found["tempo_map"] = None
    if request.source != context.source:  # the old song's place is not the new one's
        found["source_position"] = request.source_position
    return replace(context, **found)
