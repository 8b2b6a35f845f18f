"""Renders the demo song from its score: `python -m examples.demo_song.render [folder]`.

Writes demo_song.flac (the song), demo_lead.flac (its lead alone) and demo_song.mid (tempo map, meter, key,
markers and notes). The same score gives the same samples every time; a test compares them with the files in
the repository.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from examples.demo_song import score
from model.dsp import loudness
from model.sketch.band.arrangement_midi import (
    DRUM_CHANNEL,
    TICKS_PER_QUARTER,
    Conductor,
    MidiNote,
    MidiTrack,
    Score,
    midi_bytes,
)
from model.sketch.band.mixdown import Reverb, ceiling_gain
from model.sketch.band.synth import Note, SoundBank, play
from model.sketch.band.synth_drums import DRUM_PITCHES

RATE = 48000
LUFS = -16.0
LEAD_LUFS = -20.0
TOP_HZ = 11000.0  # the noise of cymbals above it would double the size of the FLAC
TAIL_SECONDS = 1.6  # what rings after the last bar

STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
VELOCITIES = {"X": 1.0, "x": 0.78, "o": 0.42}

# (instrument, sound, level, pan, part of it sent to the room, General MIDI program, channel)
BAND = (
    ("drums", "", 0.62, 0.0, 0.16, 0, DRUM_CHANNEL),
    ("bass", "bass", 0.44, 0.0, 0.0, 33, 0),
    ("keys", "electric piano", 0.34, -0.25, 0.40, 4, 1),
    ("pad", "pad", 0.15, 0.0, 0.50, 48, 2),
    ("pluck", "pluck", 0.50, 0.35, 0.50, 24, 3),
    ("lead", "lead", 0.42, 0.05, 0.42, 80, 4),
)
# Noisy drums stay in the middle: noise that differs between the sides is what makes a FLAC file large.
DRUM_PANS = {"high tom": 0.3, "low tom": -0.3}


@dataclass(frozen=True)
class Event:
    """A note of the score: start and length in quarter notes from bar 1, `lean` seconds behind its beat."""

    sound: str
    pitch: int
    start: float
    length: float
    velocity: float
    lean: float = 0.0


def midi_pitch(name: str) -> int:
    """ "F#4" -> 66."""
    return STEPS[name[0]] + name.count("#") - name.count("b") + 12 * (int(name[-1]) + 1)


def microseconds_per_quarter(beats_per_minute: float) -> int:
    """What a MIDI file can say; the render follows exactly that."""
    return round(60e6 / beats_per_minute)


def tempo_steps() -> list[tuple[float, int]]:
    """(quarter note, microseconds per quarter) of every tempo step."""
    return [((bar - 1) * score.BEATS_PER_BAR, microseconds_per_quarter(bpm)) for bar, bpm in score.TEMPI]


def seconds_at(quarter: float) -> float:
    """Time of a position from the start of bar 1."""
    steps = tempo_steps()
    ends = [start for start, _ in steps[1:]] + [float("inf")]
    played = ((max(0.0, min(quarter, end) - start), us) for (start, us), end in zip(steps, ends, strict=True))
    return sum(quarters * us for quarters, us in played) / 1e6


def spans(bar_text: str, bar: int) -> Iterator[tuple[str, float, float]]:
    """(name, start, length) of every entry of a bar's text; ValueError when the bar is not full."""
    at = float(bar * score.BEATS_PER_BAR)
    for entry in bar_text.split():
        name, length = entry.split(":")
        yield name, at, float(length)
        at += float(length)
    if at != (bar + 1) * score.BEATS_PER_BAR:
        raise ValueError(
            f"Bar {bar + 1} of the score is {at - bar * score.BEATS_PER_BAR} beats long: {bar_text!r}"
        )


def accent(start: float) -> float:
    """Metrical weight of a position: downbeat, third beat, other beats, between."""
    within = start % score.BEATS_PER_BAR
    return 1.0 if within == 0 else 0.95 if within == 2 else 0.91 if within % 1 == 0 else 0.85


def melody_events(bars: tuple[str, ...], sound: str, held: float, leans_ms: tuple[int, ...]) -> list[Event]:
    """A line of single notes; `held` is the part of its length a note sounds."""
    events: list[Event] = []
    for bar, text in enumerate(bars):
        for name, start, length in spans(text, bar):
            if name == "-":
                continue
            lean = leans_ms[len(events) % len(leans_ms)] / 1000.0
            velocity = score.DYNAMICS[bar] * accent(start)
            events.append(Event(sound, midi_pitch(name), start, length * held, velocity, lean))
    return events


def drum_events() -> list[Event]:
    """The patterns of every bar and the crashes."""
    events = []
    for bar, pattern in enumerate(score.DRUMS):
        for drum, steps in score.DRUM_PATTERNS[pattern].items():
            for step, mark in enumerate(steps):
                if mark != ".":
                    start = bar * score.BEATS_PER_BAR + step / 4
                    events.append(Event(drum, 0, start, 0.25, VELOCITIES[mark] * score.DYNAMICS[bar]))
    for bar in score.CRASH_BARS:
        first = (bar - 1) * score.BEATS_PER_BAR
        events.append(Event("crash", 0, first, 1.0, 0.8 * score.DYNAMICS[bar - 1]))
    return events


def chord_spans() -> Iterator[tuple[int, list[int], float, float]]:
    """(bar, right-hand pitches, start, length) of every chord."""
    for bar, text in enumerate(score.CHORDS):
        for name, start, length in spans(text, bar):
            yield bar, [midi_pitch(tone) for tone in score.VOICINGS[name].split()], start, length


def keys_events() -> list[Event]:
    """The electric piano's comping, each chord rolled a few milliseconds from the bottom."""
    events = []
    for bar, tones, chord_start, length in chord_spans():
        for half in range(int(length // 2)):
            for start, held in score.COMP_PATTERNS[score.COMP[bar]]:
                at = chord_start + 2 * half + start
                hold = 3.6 if bar == score.BARS - 1 and half == 0 else held
                if bar == score.BARS - 1 and half == 1:
                    continue  # the last chord rings
                for number, tone in enumerate(tones):
                    velocity = 0.85 * score.DYNAMICS[bar] * accent(at)
                    events.append(Event("electric piano", tone, at, hold, velocity, 0.004 * number))
    return events


def pad_events() -> list[Event]:
    """Held chords where the pad plays."""
    return [
        Event("pad", tone, start, length, 0.9 * score.DYNAMICS[bar])
        for bar, tones, start, length in chord_spans()
        if bar + 1 in score.PAD_BARS
        for tone in tones
    ]


def pluck_events() -> list[Event]:
    """The arpeggio, an octave above the right hand."""
    events = []
    for bar, tones, start, length in chord_spans():
        if bar + 1 not in score.ARPEGGIO_BARS:
            continue
        for eighth in range(int(2 * length)):
            at = start + eighth / 2
            which = score.ARPEGGIO[int(2 * (at % score.BEATS_PER_BAR))]
            if which != "-":
                pitch = tones[int(which)] + 12
                events.append(Event("pluck", pitch, at, 1.0, 0.9 * score.DYNAMICS[bar] * accent(at)))
    return events


def parts() -> dict[str, list[Event]]:
    """Every instrument's events."""
    return {
        "drums": drum_events(),
        "bass": melody_events(score.BASS, "bass", 0.9, (0,)),
        "keys": keys_events(),
        "pad": pad_events(),
        "pluck": pluck_events(),
        "lead": melody_events(score.LEAD, "lead", 0.93, score.LEAD_LEAN_MS),
    }


def to_notes(events: list[Event]) -> list[Note]:
    """Events in seconds, drums in their places on the stage."""
    notes = []
    for event in events:
        start = seconds_at(event.start)
        held = seconds_at(event.start + event.length) - start
        pan = DRUM_PANS.get(event.sound, 0.0)
        notes.append(Note(event.sound, event.pitch, max(0.0, start + event.lean), held, event.velocity, pan))
    return notes


def song_frames() -> int:
    """Length of the song with its tail."""
    return round((seconds_at(score.BARS * score.BEATS_PER_BAR) + TAIL_SECONDS) * RATE)


def balance(stereo: NDArray[np.float32], pan: float) -> NDArray[np.float32]:
    """`stereo` turned towards one side."""
    return stereo * np.array([min(1.0, 1.0 - pan), min(1.0, 1.0 + pan)], dtype=np.float32)


def narrow(stereo: NDArray[np.float32]) -> NDArray[np.float32]:
    """`stereo` with half its width."""
    middle = stereo.mean(axis=1, keepdims=True)
    return middle + 0.5 * (stereo - middle)


def render_song() -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """The song [frames, 2] and the lead alone [frames, 1], 16 bit at RATE."""
    bank = SoundBank(RATE)
    frames = song_frames()
    mix = np.zeros((frames, 2), dtype=np.float32)
    send = np.zeros((frames, 2), dtype=np.float32)
    tracks = {}
    for (name, events), (_, _, level, pan, to_room, _, _) in zip(parts().items(), BAND, strict=True):
        tracks[name] = level * play(bank, to_notes(events), frames)
        placed = balance(tracks[name], pan)
        mix += placed
        send += to_room * placed
    mix += narrow(Reverb(RATE, 1.1).process(send))
    return master(mix, LUFS), master(tracks["lead"].mean(axis=1, keepdims=True), LEAD_LUFS)


def without_top(mix: NDArray[np.float32]) -> NDArray[np.float32]:
    """`mix` without what lies above TOP_HZ, with a skirt of 1 kHz."""
    length = (
        -(-len(mix) // 16384) * 16384
    )  # a length with small factors: the transform of a prime one takes seconds
    spectrum = np.fft.rfft(mix, n=length, axis=0)
    hz = np.fft.rfftfreq(length, 1.0 / RATE)[:, None]
    skirt = 0.5 + 0.5 * np.cos(np.pi * np.clip((hz - TOP_HZ) / 1000.0, 0.0, 1.0))
    return np.fft.irfft(spectrum * skirt, n=length, axis=0)[: len(mix)].astype(np.float32)


def master(mix: NDArray[np.float32], lufs: float) -> NDArray[np.int16]:
    """`lufs` loud, fades the last half second, keeps the peaks below -1 dBFS and rounds to 16 bit."""
    fade = round(0.5 * RATE)
    mix = mix.copy()
    mix[-fade:] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)[:, None] ** 2
    mix = without_top(mix)
    mix *= 10.0 ** ((lufs - loudness.integrated(mix, RATE)) / 20.0)
    # The ceiling takes a little loudness away: once more lands within a tenth of a dB.
    mix *= 10.0 ** ((lufs - loudness.integrated(mix * ceiling_gain(mix), RATE)) / 20.0)
    return np.round(mix * ceiling_gain(mix) * 32767.0).astype(np.int16)


def to_tick(event: Event) -> int:
    """Tick at which the event is really played, its lean included."""
    us = [us for start, us in tempo_steps() if start <= event.start][-1]
    return max(0, round((event.start + event.lean * 1e6 / us) * TICKS_PER_QUARTER))


def song_midi() -> bytes:
    """The score as a standard MIDI file."""
    ticks_per_bar = score.BEATS_PER_BAR * TICKS_PER_QUARTER
    conductor = Conductor(
        tempi=tuple((round(start * TICKS_PER_QUARTER), us) for start, us in tempo_steps()),
        meters=((0, score.BEATS_PER_BAR, 4),),
        key=score.KEY,
        markers=tuple(((bar - 1) * ticks_per_bar, text) for bar, text in score.MARKERS),
        length=score.BARS * ticks_per_bar,
    )
    tracks = []
    for (name, events), (_, _, _, _, _, program, channel) in zip(parts().items(), BAND, strict=True):
        notes = tuple(
            MidiNote(
                to_tick(event),
                round(event.length * TICKS_PER_QUARTER),
                DRUM_PITCHES.get(event.sound, event.pitch),
                event.velocity,
            )
            for event in events
        )
        tracks.append(MidiTrack(name, program, channel, notes))
    return midi_bytes(Score(conductor, tuple(tracks)))


def main() -> None:
    """Writes the three files."""
    parser = argparse.ArgumentParser(description="Render the demo song from its score.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    song, lead = render_song()
    for name, samples in (("demo_song.flac", song), ("demo_lead.flac", lead)):
        soundfile.write(folder / name, samples, RATE, format="FLAC", subtype="PCM_16", compression_level=1.0)
    (folder / "demo_song.mid").write_bytes(song_midi())


if __name__ == "__main__":
    main()
