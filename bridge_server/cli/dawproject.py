"""`takebridge repaint SONG.dawproject --track NAME --bars 9-12`: the same project with takes of a track in it."""

from __future__ import annotations

import itertools
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.markup import escape

from bridge_server.cli.client import BridgeClient, as_error
from bridge_server.cli.commands import DONE, PROBLEM, Screen, follow, print_take, progress_bar, some_server
from bridge_server.settings import Settings
from bridge_server.songs.alike import existing, file_title
from clip_store.audio.audio_file import write_wav
from clip_store.errors import ClipStoreError
from clip_store.projects.clip_parts import ClipPart, parts_of
from clip_store.projects.project_file import ENDING, ProjectFile, chosen_track, open_project
from clip_store.projects.project_tempo import tempo_map_in
from clip_store.projects.track_sound import rate_of, readable_around, sound_of
from clip_store.projects.with_takes import PlacedTake, write_with_takes
from daw_protocol.addresses import Command
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests import Render
from daw_protocol.timeline import Position, TempoMap, parse_bars
from daw_protocol.timeline.span import Span

CONTEXT_SECONDS = 60  # of the track around the region that the server gets
REGION = ("bars", "start", "end", "length")
NOT_HERE = ("regions", "tracks", "mode", "rate", "source_position")


@dataclass(frozen=True)
class Material:
    """What the server is sent. position: of the sound's first sample on the timeline."""

    sound: Path
    position: int
    region: Span
    tempo_map: TempoMap
    notes: tuple[str, ...]


async def render_project(
    settings: Settings,
    screen: Screen,
    command: Command,
    path: Path,
    track: str,
    fields: Mapping[str, Any],
    out: Path,
) -> int:
    """Renders, waits, and writes the project with the takes. Returns the exit status. Raises ProtocolError.

    track: its name; "" for the only one. out: a folder, or the new project's own name.
    """
    path = existing(path)
    with tempfile.TemporaryDirectory(prefix="takebridge-") as scratch, _in_protocol_words():
        folder = Path(scratch)
        project = open_project(path)
        chosen = chosen_track(project, track)
        material = read_material(settings.limits.song_seconds, project, chosen, command, fields, folder)
        for note in material.notes:
            screen.say(f"[yellow]{escape(note)}[/yellow]")
        async with some_server(settings, renders=True) as client:
            asked = request_fields(material, chosen, path, fields)
            takes = await _rendered(client, screen, command, material.sound, asked)
            if takes is None:
                return PROBLEM
            placed = [await _fetched(client, take, chosen, folder) for take in takes]
            made = free_path(path, out)
            write_with_takes(project, chosen, placed, made)
            for take in takes:
                await print_take(client, screen, take, {})
        screen.say(
            f"→ {escape(str(made))}: {len(placed)} takes on new, muted tracks behind {chosen.get('name')!r}."
        )
        screen.result({"reply": "done", "project": str(made), "takes": takes})
    return DONE


def read_material(
    max_seconds: float,
    project: ProjectFile,
    track: ET.Element,
    command: Command,
    fields: Mapping[str, Any],
    folder: Path,
) -> Material:
    """The track's sound around the region, in a WAV file. Raises ProtocolError, ClipStoreError."""
    name = track.get("name", "")
    tempo_map = tempo_map_in(project.root)
    found = list(parts_of(project.root, track.get("id", ""), tempo_map))
    pieces = [part for part in found if isinstance(part, ClipPart)]
    rate = rate_of(pieces, name)
    region = region_of(command, fields, tempo_map, rate)
    span, notes = readable_around(found, region, CONTEXT_SECONDS * rate, rate, name)
    if command.name == "complete":  # the song ends where it is to be continued
        span = Span(span.start, min(span.end, max(region.start, span.start + 1)))
    audio = sound_of(project, pieces, span, rate, max_seconds)
    if not audio.samples.any():
        raise _refusal(
            ErrorCode.FILE_UNREADABLE, f"The track {name!r} is silent around there.", "Check bars and track."
        )
    path = folder / "track.wav"
    write_wav(path, audio)
    return Material(path, span.start, region, tempo_map, tuple(notes))


def region_of(command: Command, fields: Mapping[str, Any], tempo_map: TempoMap, rate: int) -> Span:
    """The region in samples, by the project's own bars. Raises ProtocolError."""
    given = next((name for name in NOT_HERE if name in fields), "")
    if given:
        sentence = f"{given}: a project is rendered one region of one track at a time."
        raise _refusal(ErrorCode.BAD_REGION, sentence, "Run the command again for the next.")
    asked = {key: fields[key] for key in REGION if key in fields}
    request = command.request.from_fields({**asked, "source": "project"})
    assert isinstance(request, Render)
    try:
        if request.bars is not None:
            return parse_bars(request.bars, tempo_map, rate)
        if (
            request.start is not None
            and (end := _end_of(request, request.start, tempo_map, rate)) is not None
        ):
            return Span(request.start.resolve(tempo_map, rate), end)
    except ValueError as error:
        raise _refusal(
            ErrorCode.BAD_REGION, f"The region is none: {error}.", "Give bars such as 9-12."
        ) from error
    raise _refusal(ErrorCode.MISSING_FIELD, "No region is named.", "Add --bars 9-12, or --start and --end.")


def _end_of(request: Render, start: Position, tempo_map: TempoMap, rate: int) -> int | None:
    if request.end is not None:
        return request.end.resolve(tempo_map, rate)
    if request.length is not None:
        return request.length.end_after(start.resolve(tempo_map, rate), tempo_map, rate)
    return None


def _refusal(code: ErrorCode, sentence: str, remedy: str) -> ProtocolError:
    return ProtocolError(code, sentence, remedy, "bars")


def request_fields(
    material: Material, track: ET.Element, path: Path, fields: Mapping[str, Any]
) -> dict[str, Any]:
    """The request's values but for its source."""
    own = {
        key: value
        for key, value in fields.items()
        if key not in ("bars", "start", "end", "length", "bpm", "meter")
    }
    notes = [*own.get("notes", ()), *material.notes]
    return {
        **own, "source_position": material.position, "start": material.region.start, "end": material.region.end,
        "tempo_map": material.tempo_map.to_json(), "title": file_title(path), "track": track.get("name", "")[:128],
        "notes": notes,
    }  # fmt: skip


async def _rendered(
    client: BridgeClient, screen: Screen, command: Command, sound: Path, asked: Mapping[str, Any]
) -> list[dict[str, Any]] | None:
    """The takes; None when the job was cancelled. Raises ProtocolError."""
    with progress_bar(screen) as bar:
        task = bar.add_task("starting", total=1.0)
        source, _ = await client.upload(sound)
        answer = await client.call(command.name, source=source, **asked)
        if answer.get("note"):
            screen.say(f"[yellow]{escape(answer['note'])}[/yellow]")
        name, terminal, takes = await follow(client, answer["job"], bar, task)
    if name == "failed":
        raise as_error(terminal)
    if name != "done":
        screen.result({"reply": name, **terminal})
        screen.say("[yellow]Cancelled.[/yellow]")
        return None
    return takes


async def _fetched(
    client: BridgeClient, take: Mapping[str, Any], track: ET.Element, folder: Path
) -> PlacedTake:
    stem = "" if take["stem"] == "mix" else f" {take['stem']}"
    path = folder / f"takebridge-{take['take']}.wav"
    path.write_bytes(await client.fetch(take["take"], "clip"))
    return PlacedTake(f"{track.get('name', '')} take {take['number']}{stem}", path, int(take["position"]))


def free_path(project: Path, out: Path) -> Path:
    """The new project's path: nothing that is there is overwritten."""
    folder, stem = (
        (out.parent, out.stem) if out.suffix.casefold() == ENDING else (out, f"{project.stem}.takes")
    )
    numbers = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
    return next(path for number in numbers if not (path := folder / f"{stem}{number}{ENDING}").exists())


@contextmanager
def _in_protocol_words() -> Iterator[None]:
    """What a project or a disk refuses, as every other refusal of a command."""
    try:
        yield
    except ClipStoreError as error:
        raise ProtocolError(ErrorCode.FILE_UNREADABLE, error.sentence, error.remedy, "source") from error
