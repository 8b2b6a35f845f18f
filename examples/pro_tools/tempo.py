"""The session's tempo map, from the MIDI file that Pro Tools exports: its scripting interface knows no tempo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from daw_protocol.timeline import MidiFileError, read_midi_events, read_song_map

from .problem import Problem

EXPORT_IT = "In Pro Tools: File > Export > MIDI."


def tempo_fields(midi: Path | None, bpm: float | None) -> dict[str, Any]:
    """What a request says of the tempo: a map, one tempo, or nothing. Raises Problem."""
    if midi is None:
        return {} if bpm is None else {"bpm": bpm}
    try:
        found = read_midi_events(midi.read_bytes())
        song_map = read_song_map(found.division, found.events, left_out=found.left_out, notes=found.notes)
    except OSError as error:
        raise Problem(f"{midi} cannot be read: {error.strerror}.", EXPORT_IT) from error
    except MidiFileError as error:
        raise Problem(f"{midi.name} cannot be used as a tempo map: {error}.", error.remedy) from error
    if not song_map.has_tempo:
        raise Problem(f"{midi.name} has no tempo.", f"{EXPORT_IT} Or give the tempo with --bpm.")
    return {"tempo_map": song_map.tempo_map.to_json()}
