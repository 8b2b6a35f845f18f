"""Standard MIDI files as tempo maps, as DAWs export them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from clip_store.audio.decoder import OpenFile
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests import SetTempo
from daw_protocol.timeline import MidiFileError, SongMap, read_midi_events, read_song_map
from daw_protocol.timeline.exact_number import decimal_of_float32
from daw_protocol.timeline.midi_file import MAX_BYTES

NO_TEMPO = "The MIDI file next to the song has no tempo."


def _opened(path: Path) -> BinaryIO:
    return open(path, "rb")


def read_midi_map(path: Path, open_file: OpenFile = _opened) -> SongMap:
    """Tempo map, keys and markers of a MIDI file. open_file: how it is opened.

    Raises ProtocolError, naming the file.
    """
    try:
        with open_file(path) as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise ProtocolError(
            ErrorCode.FILE_MISSING, f"There is no file {path}.", "Check the name.", "tempo_map"
        ) from error
    except OSError as error:
        reason = error.strerror or "it may not be read"
        raise _unreadable(path, f"{reason}", "Check the name and its permissions.") from error
    if len(data) > MAX_BYTES:
        raise _unreadable(
            path,
            f"it is larger than {MAX_BYTES // 2**20} MB",
            "Export the tempo map alone, without the notes.",
        )
    return map_in_bytes(data, path)


def map_in_bytes(data: bytes, path: Path) -> SongMap:
    """As `read_midi_map`, for a MIDI file that came by wire; path: its name, for errors."""
    try:
        found = read_midi_events(data)
        return read_song_map(found.division, found.events, left_out=found.left_out, notes=found.notes)
    except MidiFileError as error:
        raise _unreadable(path, str(error), error.remedy) from error


def with_map(song_map: SongMap, fields: Mapping[str, Any]) -> dict[str, Any]:
    """A request's fields with the file's tempo map and notes.

    A file without a tempo has time signatures all the same: they go with the bpm given, unless a meter is, too.
    Raises ProtocolError for a bpm that is none.
    """
    found = {**fields, "notes": [*fields.get("notes", ()), *song_map.notes]}
    if song_map.has_tempo:
        return found | {"tempo_map": song_map.tempo_map.to_json()}
    if "bpm" in found and "meter" not in found:
        read = SetTempo.from_fields({"bpm": found.pop("bpm")})
        assert isinstance(read, SetTempo), "it reads itself"
        assert read.bpm is not None, "it was given"
        found["tempo_map"] = song_map.at_bpm(decimal_of_float32(read.bpm)).to_json()
    elif "bpm" not in found and "tempo_map" not in found:
        found["notes"].append(NO_TEMPO)
    return found


def without_tempo(path: Path, song_map: SongMap) -> ProtocolError:
    """The refusal of a tempo map whose file has no tempo, or none that can be read."""
    return ProtocolError(
        ErrorCode.MISSING_FIELD,
        " ".join(
            [f"{path.name} has no tempo, so it does not say where bars and beats are.", *song_map.notes]
        ),
        "Add the song's tempo (bpm), or export the MIDI file with its tempo map.",
        "bpm",
    )


def _unreadable(path: Path, what: str, remedy: str) -> ProtocolError:
    return ProtocolError(
        ErrorCode.FILE_UNREADABLE, f"{path.name} cannot be used as a tempo map: {what}.", remedy, "tempo_map"
    )
