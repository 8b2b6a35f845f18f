"""Standard MIDI files as tempo maps, as DAWs export them. mido reads the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import mido

from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.timeline import SongMap, read_song_map
from daw_protocol.timeline.midi_map import SongEvent


def read_midi_map(path: Path) -> SongMap:
    """Tempo map, keys and markers of a MIDI file. Raises ProtocolError, naming the file."""
    try:
        file = mido.MidiFile(path)
        return read_song_map(file.ticks_per_beat, list(_events(file)))
    except FileNotFoundError as error:
        raise ProtocolError(
            ErrorCode.FILE_MISSING, f"There is no file {path}.", "Check the name.", "tempo_map"
        ) from error
    except (OSError, EOFError, ValueError, TypeError, IndexError, KeyError) as error:
        # mido reports damage as whatever it stumbled over.
        raise ProtocolError(
            ErrorCode.FILE_UNREADABLE,
            f"{path.name} cannot be read as a MIDI file: {error or 'it ends early'}.",
            "Export the tempo map again as a Standard MIDI File.",
            "tempo_map",
        ) from error


def _events(file: mido.MidiFile) -> Iterator[SongEvent]:
    """The file's meta messages that concern the map, with absolute ticks."""
    for track in file.tracks:
        tick = 0
        for message in track:
            tick += message.time
            if message.type == "set_tempo":
                yield tick, "set_tempo", (message.tempo,)
            elif message.type == "time_signature":
                yield tick, "time_signature", (message.numerator, message.denominator)
            elif message.type == "key_signature":
                yield tick, "key_signature", (message.key,)
            elif message.type == "marker":
                yield tick, "marker", (message.text,)
