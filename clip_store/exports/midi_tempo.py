"""A project's tempo map, meters, key and markers as a Standard MIDI File. mido writes it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction

import mido

from clip_store.exports.chord_track import ChordFrom, chord_track
from clip_store.exports.note_track import NoteFrom, note_track
from clip_store.exports.project import Project
from daw_protocol.timeline import SongMap, song_map_events

TICKS = 960


def midi_bytes(project: Project) -> bytes:
    """The file, type 1 with one track."""
    tempo_map = project.tempo_map
    markers = tuple(
        sorted(
            ((tempo_map.quarters_at(entry.position, project.rate), entry.name) for entry in project.markers),
            key=lambda place: place[0],
        )
    )
    keys = tuple((quarter, key) for quarter, key in project.keys if key.signature is not None)
    end = max(Fraction(0), tempo_map.quarters_at(project.end, project.rate))
    return song_map_bytes(SongMap(tempo_map, keys, markers), end, project.title, project.comment)


def song_map_bytes(
    song_map: SongMap, end: Fraction, title: str, comment: str = "", chords: Sequence[ChordFrom] = (),
    notes: tuple[str, Sequence[NoteFrom]] | None = None,
) -> bytes:  # fmt: skip
    """The file of a map whose quarter 0 is the project's zero, up to the quarter `end`; chords are a track.

    notes: one more track, its name and what it plays.
    """
    track = mido.MidiTrack([mido.MetaMessage("track_name", name=title)])
    track += [mido.MetaMessage("text", text=line) for line in comment.splitlines()]
    now = 0
    for tick, kind, values in song_map_events(song_map, TICKS, end):
        track.append(mido.MetaMessage(kind, time=tick - now, **_named(kind, values)))
        now = tick
    last = max(now, round(end * TICKS))
    track.append(mido.MetaMessage("end_of_track", time=last - now))
    tracks = [track, chord_track(chords, end, TICKS)] if chords else [track]
    if notes is not None:
        tracks.append(note_track(notes[1], notes[0], end, TICKS))
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS, tracks=tracks)
    return _saved(file)


def _named(kind: str, values: tuple[int | str, ...]) -> dict[str, int | str]:
    if kind == "set_tempo":
        return {"tempo": values[0]}
    if kind == "time_signature":
        return {"numerator": values[0], "denominator": values[1]}
    if kind == "key_signature":
        return {"key": values[0]}
    return {"text": str(values[0])}


def _saved(file: mido.MidiFile) -> bytes:
    """MIDI names no encoding: Latin-1, which most sequencers read, where all its text is in it; else UTF-8."""
    out = io.BytesIO()
    try:
        file.save(file=out)
    except UnicodeEncodeError:
        out, file.charset = io.BytesIO(), "utf-8"
        file.save(file=out)
    return out.getvalue()
