"""The songs of a request, found, in their places on the timeline and on their own tempos, before it is queued."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bridge_server.engines.limits import refuse_too_long
from bridge_server.jobs.job import named_songs
from bridge_server.rendering.hearing import Hearing
from bridge_server.rendering.part_plans import about, refuse_overlaps
from bridge_server.rendering.plan import Plan
from bridge_server.rendering.stem_passes import MeasuredPace, passes_note
from bridge_server.rendering.usual_context import with_usual_context
from bridge_server.songs.placement import Placement, placed
from bridge_server.songs.song_probe import SongProbe
from bridge_server.songs.song_reader import SongReader
from bridge_server.songs.song_tempos import SongTempos
from daw_protocol import requests
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests import Render
from daw_protocol.requests.parts import Part, parts_of
from daw_protocol.requests.render import ACCEPTED
from daw_protocol.requests.tracks import EACH, TOGETHER, Track
from daw_protocol.tasks import TASKS
from model.engine import EngineDescription


@dataclass(frozen=True)
class RequestSong:
    """A song of a request. probe: None where the request has no song."""

    probe: SongProbe | None
    placement: Placement


AS_THEY_CAME = "Tracks that are rendered together use the files as they are, without accepted takes."


class RequestSongs:
    """Looks at the songs requests name. Lives on the event loop. extract_pace: what extractions took here."""

    def __init__(
        self, reader: SongReader, tempos: SongTempos, hearing: Hearing, extract_pace: MeasuredPace
    ) -> None:
        self._extract_pace = extract_pace
        self._reader = reader
        self._hearing = hearing
        self._tempos = tempos

    async def placed(self, description: EngineDescription, request: Render) -> tuple[Render, str]:
        """The request with its songs in their places, and a note on those, on its context, its chords and its passes.

        Raises ProtocolError for everything that the request and the headers of its files show to be impossible.
        """
        if request.reference is not None:
            await self._reader.probe(request.reference, None, "reference")
        if request.mode == TOGETHER:
            notes = (*request.notes, AS_THEY_CAME) if request.hears == ACCEPTED else request.notes
            request = request.evolve(rate=await self._common_rate(request), hears=None, notes=notes)
        if request.tracks is None:
            request, song = await self._placed_alone(request)
            songs = [song]
        else:
            request, songs = await self._placed_tracks(request)
        planned = await self._plans(request, songs)
        for part, plan in planned:
            refuse_too_long(description, plan.least_seconds)
            if request.mode == TOGETHER:
                _refuse_channels(description, songs, part)
        found = (note for song in songs if song.probe for note in song.probe.notes)
        notes = tuple(dict.fromkeys((*request.notes, *found)))[: requests.MAX_NOTES]
        placement = next((song.placement.note for song in songs if song.placement.note), "")
        request, context = with_usual_context(description, request, (plan for _, plan in planned))
        chords = dict.fromkeys(note for _, plan in planned for note in plan.chord_notes)
        passes = passes_note(description, request, [plan for _, plan in planned], self._extract_pace)
        return request.evolve(notes=notes), " ".join(filter(None, (passes, placement, context, *chords)))

    async def as_asked(self, request: Render) -> dict[str, dict[str, Any]]:
        """What is known of the request's files now, for its job. Raises ProtocolError."""
        names = named_songs(request.to_fields())
        found = {name: await self._reader.asked(name, request.rate, field) for name, field in names.items()}
        return {name: asked.to_json() for name, asked in found.items() if asked is not None}

    async def _plans(self, request: Render, songs: list[RequestSong]) -> list[tuple[Part, Plan]]:
        """What would be rendered of each song, where it can be. Raises ProtocolError."""
        planned = []
        for part in parts_of(request.evolve(mode=EACH) if request.mode == TOGETHER else request):
            song = songs[(part.track or 1) - 1]
            try:
                heard = self._song_heard(part.request)
                planned.append((part, await self._hearing.plan(part.request, song.probe, heard)))
            except ProtocolError as error:
                raise song.placement.explained(about(part, error)) from error
        refuse_overlaps(planned)
        return planned

    def _song_heard(self, request: Render) -> str | None:
        """The digest of the song in which takes may be accepted; None for a file never seen. Raises ProtocolError."""
        if request.source is None:
            return None
        take = self._reader.take_of(request.source)
        if take is None:
            return self._reader.known_digest(request.source)
        return take.audio if TASKS[take.task].is_track else take.result

    async def _placed_alone(self, request: Render) -> tuple[Render, RequestSong]:
        """The request with its song in its place, and on the tempo kept with it."""
        probe = await self._reader.probe(request.source, request.rate) if request.source else None
        placement = placed(request.source_position, probe) if probe else Placement(request.source_position)
        request = request.evolve(source_position=placement.position)
        if probe is not None and request.source is not None and request.spec().makes_takes:
            tempo = await self._tempos.of(request.source)
            request = tempo.fill(request, probe.rate) if tempo is not None else request
        return request, RequestSong(probe, placement)

    async def _placed_tracks(self, request: Render) -> tuple[Render, list[RequestSong]]:
        """The request with each of its tracks in its place, and on the tempo kept with it where none was sent."""
        tracks: list[Track] = []
        songs: list[RequestSong] = []
        plain = request.evolve(regions=None, mode=EACH)
        for part, track in zip(parts_of(plain), request.tracks or (), strict=True):
            try:
                alone, song = await self._placed_alone(part.request)
            except ProtocolError as error:
                raise _of_track(part, error) from error
            known: dict[str, Any] = {"source_position": alone.source_position}
            if alone.tempo_map != request.tempo_map:
                known |= {"tempo_map": alone.tempo_map}
            if alone.key != request.key:
                known |= {"key": alone.key}
            tracks.append(track.evolve(**known))
            songs.append(song)
        return request.evolve(tracks=tuple(tracks)), songs

    async def _common_rate(self, request: Render) -> int:
        """The rate at which tracks are rendered together: the request's, or the highest of theirs."""
        if request.rate is not None:
            return request.rate
        probes = [await self._reader.probe(track.source, None) for track in request.tracks or ()]
        if not probes:
            raise ProtocolError(
                ErrorCode.MISSING_FIELD,
                "mode: there are no tracks to render together.",
                "Send tracks.",
                "tracks",
            )
        return max(probe.rate for probe in probes)


def _of_track(part: Part, error: ProtocolError) -> ProtocolError:
    """An error about a track's song, in the field that names it."""
    field = "tracks" if error.field == "source" else error.field
    return about(part, ProtocolError(error.code, error.sentence, error.remedy, field))


def _refuse_channels(description: EngineDescription, songs: list[RequestSong], part: Part) -> None:
    """Raises ProtocolError for tracks that have more channels together than the engine renders at once."""
    channels = sum(song.probe.channels for song in songs if song.probe)
    if description.max_channels <= 2:
        raise ProtocolError(
            ErrorCode.CANNOT_RENDER,
            f"mode: the {description.label} engine does not render tracks together.",
            "Use mode each, bounce the tracks into one file, or use another engine.",
            "mode",
        )
    if channels > description.max_channels:
        raise ProtocolError(
            ErrorCode.TOO_LARGE,
            f"tracks: they have {channels} channels together; the {description.label} engine renders at most "
            f"{description.max_channels}.",
            "Send fewer tracks, or mono ones.",
            "tracks",
        )
    if (part.request.layers if isinstance(part.request, requests.Repaint) else "all") != "all":
        raise ProtocolError(
            ErrorCode.CANNOT_RENDER,
            "layers: tracks that are rendered together are edited whole.",
            "Omit layers, or send only the tracks that are to change.",
            "layers",
        )
