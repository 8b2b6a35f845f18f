"""How well the notes of a stem are found: F-scores on synthesised notes whose beginnings and pitches are known.

    python -m benchmarks.notes                            needs the extra `notes`
    python -m benchmarks.notes --soundfont default.sf2    by recorded instruments instead

Melodies, chords and a bass line, drawn from seeds, each played by four voices made of partials. A note counts as found
when one of its pitch begins within 50 ms of it, as in the literature (mir_eval, onsets only); each counts once.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from model.notes.transcriber import HeardNote, Transcriber
from model.sketch.band.soundfont import part_midi, play_part
from model.sketch.band.synth import Note
from tests.model.notes.synthesis import VOICES, f_score, synthesised

RATE, SECONDS = 44_100, 30.0
PROGRAMS = {
    "piano": 0,
    "e-piano": 4,
    "organ": 19,
    "guitar": 24,
    "bass": 33,
    "strings": 48,
    "trumpet": 56,
    "flute": 73,
}
SCALE = (0, 2, 4, 5, 7, 9, 11)


def melody(seed: int, lowest: int) -> list[HeardNote]:
    """One note at a time, an eighth to a half note long at 120 BPM."""
    draw = np.random.default_rng(seed)
    at, found = 0.25, []
    while at < SECONDS - 1.5:
        length = float(draw.choice((0.25, 0.5, 1.0)))
        pitch = lowest + 12 * int(draw.integers(2)) + int(draw.choice(SCALE))
        found.append(HeardNote(at, at + 0.9 * length, pitch, int(draw.integers(60, 120))))
        at += length
    return found


def chords(seed: int) -> list[HeardNote]:
    """Triads in close position, half a second to a second each."""
    draw = np.random.default_rng(seed)
    at, found = 0.25, []
    while at < SECONDS - 1.5:
        length = float(draw.choice((0.5, 1.0)))
        step = int(draw.integers(7))
        for degree in (step, step + 2, step + 4):
            pitch = 55 + 12 * (degree // 7) + SCALE[degree % 7]
            found.append(HeardNote(at, at + 0.9 * length, pitch, int(draw.integers(60, 110))))
        at += length
    return found


def octaves(seed: int) -> list[HeardNote]:
    """A melody and its octave, equally loud."""
    below = melody(seed, 52)
    return [*below, *(replace(note, pitch=note.pitch + 12) for note in below)]


def played(soundfont: Path, program: int, notes: list[HeardNote]) -> NDArray[np.float32]:
    """The notes by recorded instruments; program: of General MIDI, from 0."""
    sounding = [
        Note("", float(one.pitch), one.start, one.end - one.start, one.velocity / 127) for one in notes
    ]
    return play_part(
        soundfont, part_midi(sounding, program, False, 0.0), round(SECONDS * RATE), RATE, lambda: None
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--soundfont", type=Path, help="play the notes with its instruments (needs fluidsynth)"
    )
    given = parser.parse_args()
    transcriber = Transcriber(threads=1)
    kinds = {
        "melody": lambda seed: melody(seed, 60), "bass": lambda seed: melody(seed, 33), "chords": chords,
        "octaves": octaves,
    }  # fmt: skip
    voices = list(PROGRAMS) if given.soundfont else list(VOICES)
    print(f"{'':8}" + "".join(f"{voice:>9}" for voice in voices) + "   onset, ms: median, 90 %")
    used, count = 0.0, 0
    for kind, make in kinds.items():
        scores, late = [], []
        for seed, voice in enumerate(voices):
            known = make(seed)
            sound = (
                played(given.soundfont, PROGRAMS[voice], known)
                if given.soundfont
                else synthesised(known, SECONDS, RATE, voice)
            )
            began = time.process_time()
            found = transcriber.notes(sound, RATE)
            used += time.process_time() - began
            count += 1
            scores.append(f_score(found, known))
            late += distances(found, known)
        figures = "".join(f"{score:9.2f}" for score in scores)
        print(f"{kind:8}{figures}   {np.median(late):.0f}, {np.percentile(late, 90):.0f}")
    print(f"{used / count * 60 / SECONDS:.1f} s of processor time a minute of sound, on one thread")


def distances(found: list[HeardNote], known: list[HeardNote]) -> list[float]:
    """Milliseconds from each note that is found to where it begins."""
    near = (
        [abs(one.start - note.start) for one in found if one.pitch == note.pitch] or [np.inf]
        for note in known
    )
    return [1000 * min(one) for one in near if min(one) <= 0.05]


if __name__ == "__main__":
    main()
