"""The user's own sounds: an installed fluidsynth plays the parts from a SoundFont file, instead of the built-in band.

Optional, and looked up only at render time. None is shipped: good SoundFonts are large, and the small ones have
unsuitable licences. Notes are passed as a MIDI file with a fixed tempo and ticks of 17 microseconds.
"""

from __future__ import annotations

import io
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import mido
import numpy as np
from numpy.typing import NDArray

from model.errors import CannotRender
from model.sketch.band.synth import Note
from model.sketch.band.synth_drums import DRUM_PITCHES

PROGRAM = "fluidsynth"
TICKS_PER_QUARTER = 30000
TEMPO = 500000  # microseconds per quarter note: 60,000 ticks per second
TICKS_PER_SECOND = TICKS_PER_QUARTER * 1_000_000 // TEMPO
POLL_SECONDS = 0.02
TAIL_SECONDS = 1.0
# Half the headroom of the player's default gain; stacked chords still do not clip before they are balanced.
PLAYER_GAIN = "0.4"


def check_file(path: Path) -> None:
    """Raises CannotRender if `path` is not a SoundFont file."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError as error:
        raise CannotRender(
            f"The SoundFont {path.name} cannot be read ({error.strerror}).",
            "Check the path, or omit the soundfont option.",
        ) from error
    if head[:4] != b"RIFF" or head[8:12] != b"sfbk":
        raise CannotRender(
            f"{path.name} is not a SoundFont 2 file.", "Use an .sf2 file, or omit the soundfont option."
        )


def part_midi(notes: Sequence[Note], program: int, drums: bool, tuning: float) -> bytes:
    """One instrument's notes as a MIDI file; tuning in semitones, by RPN 1. Notes before second 0 start at 0."""
    channel = 9 if drums else 0
    fine = round(8192 + 8192 * float(np.clip(tuning, -1.0, 1.0) * (1 - 1 / 8192)))
    setup = [mido.Message("program_change", channel=channel, program=program)]
    rpn = ((101, 0), (100, 1), (6, fine >> 7), (38, fine & 127))
    setup += [mido.Message("control_change", channel=channel, control=c, value=v) for c, v in rpn]
    events: list[tuple[int, int, mido.Message]] = [
        (0, number, message) for number, message in enumerate(setup)
    ]
    for note in notes:
        pitch = DRUM_PITCHES.get(note.sound, round(note.pitch - tuning))
        velocity = min(127, max(1, round(127 * note.velocity)))
        on = max(0, round(note.start * TICKS_PER_SECOND))
        off = max(on + 1, round((note.start + note.seconds) * TICKS_PER_SECOND))
        events.append((on, 20, mido.Message("note_on", channel=channel, note=pitch, velocity=velocity)))
        events.append((off, 10, mido.Message("note_off", channel=channel, note=pitch)))
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=TEMPO)])
    reached = 0
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        track.append(message.copy(time=tick - reached))
        reached = tick
    tail = mido.MetaMessage("end_of_track", time=round(TAIL_SECONDS * TICKS_PER_SECOND))
    track.append(tail)
    file = mido.MidiFile(type=0, ticks_per_beat=TICKS_PER_QUARTER, tracks=[track])
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def play_part(
    soundfont: Path, midi: bytes, frames: int, rate: int, check: Callable[[], None]
) -> NDArray[np.float32]:
    """The MIDI file's audio, dry, float32 [frames, 2]; `check` is called every POLL_SECONDS and may raise to cancel.

    Raises CannotRender if the player is missing or fails.
    """
    check_file(soundfont)
    with tempfile.TemporaryDirectory(prefix="takebridge-") as folder:
        source, target = Path(folder, "part.mid"), Path(folder, "part.raw")
        source.write_bytes(midi)
        command = [PROGRAM, "-ni", "-q", "-R", "0", "-C", "0", "-g", PLAYER_GAIN, "-r", str(rate)]
        command += ["-T", "raw", "-O", "float", "-F", str(target), str(soundfont), str(source)]
        run_player(command, check)
        if not target.exists():
            raise CannotRender(
                f"fluidsynth produced no audio from {soundfont.name}.",
                "Try another SoundFont, or omit the soundfont option.",
            )
        rendered = np.fromfile(target, dtype="<f4")
    track = np.zeros((frames, 2), dtype=np.float32)
    stereo = rendered[: len(rendered) // 2 * 2].reshape(-1, 2)[:frames]
    track[: len(stereo)] = stereo
    return track


def run_player(command: Sequence[str], check: Callable[[], None]) -> None:
    """Runs fluidsynth until it exits; kills it if `check` raises."""
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    except FileNotFoundError as error:
        raise CannotRender(
            "Playing a SoundFont needs fluidsynth, which is not installed.",
            "Install fluidsynth, or omit the soundfont option to use the built-in band.",
        ) from error
    try:
        while process.poll() is None:
            check()
            time.sleep(POLL_SECONDS)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if process.returncode != 0:
        raise CannotRender(
            f"fluidsynth failed with exit status {process.returncode}.",
            "Try another SoundFont, or omit the soundfont option.",
        )
