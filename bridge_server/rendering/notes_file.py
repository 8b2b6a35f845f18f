"""The notes of a stem or an instrument as a MIDI file on the song's tempo map, in their place on the timeline."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

from bridge_server.engines.aside import run_aside
from bridge_server.engines.note_finding import notes_of
from clip_store.atomic_file import make_folder, store_error, write_whole
from clip_store.blobs import BlobStore
from clip_store.errors import StoreError
from clip_store.exports import Project, Written
from clip_store.exports.midi_tempo import song_map_bytes
from clip_store.exports.note_track import NoteFrom
from clip_store.store import file_stem
from clip_store.take import Take
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.timeline import SongMap, TempoMap
from model.errors import NotLoaded
from model.notes.transcriber import LABEL, HeardNote, refuse_without_package

OnFraction = Callable[[float], None]
Check = Callable[[], None]
Find = Callable[[Path, Check], list[HeardNote]]

NO_NOTES = "No notes were found: drums and noise have none."
HEARD = (
    f"The notes were heard by a network ({LABEL}): their beginnings to about 12 ms, without pitch bends, and better of "
    "one instrument than of a mix."
)


def find_aside(path: Path, check: Check) -> list[HeardNote]:
    """The notes of a file, found in a process of its own. Raises ProtocolError, and what `check` raises."""
    found: list[HeardNote] = run_aside(notes_of, path, check=check)
    return found


def write_notes(
    take: Take,
    project: Project,
    blobs: BlobStore,
    folder: Path,
    progress: OnFraction,
    find: Find = find_aside,
) -> Written:
    """Write the notes of a take's clip into `folder`, under a name nothing has there. project: of the take, whose
    tempo map begins at the timeline's zero.

    Raises ProtocolError where the network cannot be used, StoreError when the clip is gone or the folder cannot be
    written, what `progress` raises, to cancel it.
    """
    _refuse_without_package()
    path = blobs.path(take.audio)
    notes = find(path, lambda: progress(0.1))
    progress(0.9)
    placed = placed_notes(notes, take, project.tempo_map)
    end = max([Fraction(0), *(note.until for note in placed)])
    keys = tuple((quarter, key) for quarter, key in project.keys if key.signature is not None)
    name = f"{take.title} ({take.stem})" if take.title else take.stem
    try:
        data = song_map_bytes(
            SongMap(project.tempo_map, keys, ()), end, name, project.comment, notes=(name, placed)
        )
    except ValueError as error:
        raise StoreError(
            f"This tempo map cannot be written as MIDI: {error}.",
            "Give the song a tempo map within MIDI's limits.",
        ) from error
    progress(1.0)
    try:
        make_folder(folder)
        main = next(one for one in _names(folder, file_stem(name)) if not one.exists())
        write_whole(main, [data])
    except OSError as error:
        raise store_error(folder / name, error) from error
    return Written(main, (main,), (HEARD, *(() if placed else (NO_NOTES,))))


def placed_notes(notes: Sequence[HeardNote], take: Take, tempo_map: TempoMap) -> tuple[NoteFrom, ...]:
    """Notes on the quarters of a map; those before the timeline's zero are left out, and cut ones begin there."""
    found = []
    for note in notes:
        start, end = (take.position + round(at * take.rate) for at in (note.start, note.end))
        if end > 0:
            begin, until = (tempo_map.quarters_at(max(0, at), take.rate) for at in (start, end))
            found.append(NoteFrom(begin, until, note.pitch, note.velocity))
    return tuple(found)


def _names(folder: Path, stem: str) -> Iterator[Path]:
    yield folder / f"{stem}.notes.mid"
    yield from (folder / f"{stem}.notes-{number}.mid" for number in itertools.count(2))


def _refuse_without_package() -> None:
    """Before a process is started for nothing. Raises ProtocolError."""
    try:
        refuse_without_package()
    except NotLoaded as error:
        raise ProtocolError(ErrorCode.ENGINE_NOT_READY, error.sentence, error.remedy) from error
