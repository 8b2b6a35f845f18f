"""An arrangement as a Standard MIDI File: tempo map, meters, key, markers and one track per instrument.

Positions are ticks; this file knows no audio. After import a DAW shows the same bars and beats the render used.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import mido
import numpy as np
from numpy.typing import NDArray

TICKS_PER_QUARTER = 960

DRUM_CHANNEL = 9

# A tenth of a tick at 120 BPM: inaudible, and 104 BPM (not a whole number of microseconds) stays one event for ten
# minutes.
TEMPO_SLACK_MICROSECONDS = 50.0

# (tick, order among events of one tick, message): note-offs go before note-ons, names before everything.
Event = tuple[int, int, mido.Message | mido.MetaMessage]


@dataclass(frozen=True)
class MidiNote:
    """One note: tick and length in ticks, MIDI pitch 0..127, velocity 0..1."""

    tick: int
    length: int
    pitch: int
    velocity: float


@dataclass(frozen=True)
class MidiTrack:
    """One instrument: its name, General MIDI program and channel (9 = drums), and its notes in any order."""

    name: str
    program: int
    channel: int
    notes: tuple[MidiNote, ...]


@dataclass(frozen=True)
class Conductor:
    """The conductor track, all in ticks from the start of the file.

    tempi:   (tick, microseconds per quarter note).
    meters:  (tick, numerator, denominator).
    key:     as mido spells it ("G", "F#m"), None if unknown.
    markers: (tick, text).
    length:  ticks of the whole file.
    """

    tempi: tuple[tuple[int, int], ...]
    meters: tuple[tuple[int, int, int], ...]
    key: str | None = None
    markers: tuple[tuple[int, str], ...] = ()
    length: int = 0


@dataclass(frozen=True)
class Score:
    """A whole arrangement."""

    conductor: Conductor
    tracks: tuple[MidiTrack, ...] = field(default=())


def tempi_from_seconds(seconds: NDArray[np.float64], quarters_per_beat: float) -> tuple[tuple[int, int], ...]:
    """Tempo events that put beat i of the file at seconds[i] - seconds[0]; one event per tempo change.

    A tempo event is a whole number of microseconds. Each is computed from the time the file has actually reached, so
    rounding errors never add up: every beat is within TEMPO_SLACK_MICROSECONDS of its place, and a steady tempo stays
    one event.
    """
    ticks_per_beat = round(quarters_per_beat * TICKS_PER_QUARTER)
    tempi: list[tuple[int, int]] = []
    reached = 0.0
    for number, goal in enumerate(1e6 * (seconds[1:] - seconds[0])):
        if tempi and abs(reached + tempi[-1][1] * quarters_per_beat - goal) <= TEMPO_SLACK_MICROSECONDS:
            tempo = tempi[-1][1]
        else:
            tempo = round((goal - reached) / quarters_per_beat)
            tempi.append((number * ticks_per_beat, tempo))
        reached += tempo * quarters_per_beat
    return tuple(tempi)


def conductor_events(conductor: Conductor) -> list[Event]:
    """Tempo, meter, key and marker events, unsorted."""
    events: list[Event] = [(t, 1, mido.MetaMessage("set_tempo", tempo=us)) for t, us in conductor.tempi]
    for tick, numerator, denominator in conductor.meters:
        meter = mido.MetaMessage("time_signature", numerator=numerator, denominator=denominator)
        events.append((tick, 1, meter))
    if conductor.key is not None:
        events.append((0, 1, mido.MetaMessage("key_signature", key=conductor.key)))
    events += [(tick, 2, mido.MetaMessage("marker", text=text)) for tick, text in conductor.markers]
    return events


def track_events(track: MidiTrack) -> list[Event]:
    """Program change and notes, unsorted."""
    channel = track.channel
    events: list[Event] = [(0, 1, mido.Message("program_change", channel=channel, program=track.program))]
    for note in track.notes:
        tick = max(0, note.tick)
        velocity = min(127, max(1, round(127 * note.velocity)))
        on = mido.Message("note_on", channel=channel, note=note.pitch, velocity=velocity)
        off = mido.Message("note_off", channel=channel, note=note.pitch, velocity=64)
        events += [(tick, 4, on), (tick + max(1, note.length), 3, off)]
    return events


def midi_track(name: str, events: list[Event], length: int) -> mido.MidiTrack:
    """Events sorted and converted to delta times, with the name first and the end at `length` or later."""
    track = mido.MidiTrack([mido.MetaMessage("track_name", name=name, time=0)])
    reached = 0
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        track.append(message.copy(time=tick - reached))
        reached = tick
    track.append(mido.MetaMessage("end_of_track", time=max(0, length - reached)))
    return track


def unoverlapped(notes: Sequence[MidiNote]) -> tuple[MidiNote, ...]:
    """The same notes, each cut where the next of its pitch begins, as one channel cannot hold both."""
    following: dict[int, int] = {}
    kept: list[MidiNote] = []
    for note in sorted(notes, key=lambda n: -n.tick):
        limit = following.get(note.pitch)
        if limit is not None and limit <= note.tick:
            continue  # the same note twice on one tick
        length = note.length if limit is None else min(note.length, limit - note.tick)
        kept.append(MidiNote(note.tick, length, note.pitch, note.velocity))
        following[note.pitch] = note.tick
    return tuple(reversed(kept))


def midi_bytes(score: Score) -> bytes:
    """The file: format 1, TICKS_PER_QUARTER per quarter note."""
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_QUARTER)
    length = score.conductor.length
    file.tracks.append(midi_track("arrangement", conductor_events(score.conductor), length))
    for track in score.tracks:
        tidied = MidiTrack(track.name, track.program, track.channel, unoverlapped(track.notes))
        file.tracks.append(midi_track(track.name, track_events(tidied), length))
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()
