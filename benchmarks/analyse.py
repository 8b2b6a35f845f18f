"""What `takebridge analyse` finds in songs of known tempo: the tables of docs/analyse.md.

    OMP_NUM_THREADS=1 python -m benchmarks.analyse [--real FOLDER] [--sketch] [--each]

Made songs: tests' rhythm songs (lead-ins, drift, 3/4, 6/8, 7/8, half-time, rubato) and, with --sketch, the sketch
engine's. Real pieces: a folder of NAME.wav, which Debian's packages hold (fretsonfire-songs-*, wesnoth-music,
singularity-music, xmoto-data ...);
BY_MIDI and BY_ANALYSIS say what is known of each. Pieces that are not there are named and left out.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import sketch_songs
from clip_store.audio.audio_file import read_audio
from model.blueprint import Blueprint
from model.engine import Song
from model.pace import Pace
from model.sketch.analysis import analysis
from model.sketch.survey.survey import survey
from tests.model.sketch.survey import rhythm_songs as rhythm

PACE = Pace(lambda _: None, lambda: False)
EXACT = 0.005  # of a tempo
IN_PHASE = 0.07  # seconds: a downbeat is nearer to its place than to any other eighth
BINS = (0.0, 0.6, 0.8, 0.9, 1.01)

# Quarter notes a minute. By the author's own MIDI file: bars begin with the audio. By earlier analyses, by other means:
# nothing is known of their bars.
BY_MIDI = {
    "armygeddon": 170.0, "chaos_god": 170.0, "mutilated_mime": 180.0, "feelings": 95.0, "metal_madness": 150.0,
    "chaosland": 135.0, "freedom": 140.0, "degeneration": 190.0,
}  # fmt: skip
BY_ANALYSIS = {
    "media_threat": 100.0, "awakening": 120.0, "loyalists": 115.0, "minstrels": 154.0, "zaz2": 100.01,
    "speeditup": 100.0, "beast": 140.0, "machine_wars": 119.98, "track1": 160.0, "instead": 128.0, "adonthell5": 120.0,
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A song and what is known of it. tempo: at the first bars; downbeats: () where they are not known."""

    name: str
    kind: str
    song: Song
    tempo: float
    downbeats: NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """What became of a case. found: the analysis; seconds: of processor time it took."""

    case: Case
    found: Blueprint
    seconds: float

    @property
    def ratio(self) -> float:
        assert self.found.tempo is not None
        return self.found.tempo / self.case.tempo

    @property
    def exact(self) -> bool:
        return abs(self.ratio - 1.0) <= EXACT

    @property
    def named(self) -> bool:
        other = self.found.other_tempo
        return other is not None and abs(other / self.case.tempo - 1.0) <= EXACT

    @property
    def in_phase(self) -> bool | None:
        """Whether the downbeat found is one; None where they are not known."""
        if not len(self.case.downbeats):
            return None
        assert self.found.downbeat is not None
        return bool(np.abs(self.case.downbeats - self.found.downbeat).min() <= IN_PHASE)


def rhythm_cases() -> Iterator[Case]:
    """The tests' songs, at tempos and with seeds of their own."""
    rng = np.random.default_rng(3)
    walk = 110 * np.exp(np.cumsum(rng.normal(0, 0.01, 96)))
    rubato = 84 * (1 + 0.12 * np.sin(np.arange(96) / 96 * 2 * np.pi * 5))
    table = {
        "steady 121": rhythm.make(rhythm.steady(121, 24)),
        "lead-in 0.7 s": rhythm.make(rhythm.steady(97.3, 20), lead_in=0.7),
        "lead-in 3.2 s, hiss": rhythm.make(rhythm.steady(128, 24), lead_in=3.21, noise=0.004),
        "eight bars": rhythm.make(rhythm.steady(104, 8)),
        "slow 74": rhythm.make(rhythm.steady(74, 16)),
        "fast 174": rhythm.make(rhythm.steady(174, 32)),
        "half-time 140": rhythm.make(rhythm.steady(140, 24), rhythm.HALF_TIME),
        "half-time 170": rhythm.make(rhythm.steady(170, 24), rhythm.HALF_TIME),
        "3/4 at 132": rhythm.make(rhythm.steady(132, 24, 3), rhythm.WALTZ, 3),
        "3/4 at 90": rhythm.make(rhythm.steady(90, 20, 3), rhythm.WALTZ, 3),
        "6/8 at 120": rhythm.make(rhythm.steady(240, 24, 6), rhythm.SIX, 6),
        "6/8 at 90": rhythm.make(rhythm.steady(180, 24, 6), rhythm.SIX, 6),
        "7/8 at 140": rhythm.make(rhythm.steady(280, 30, 7), rhythm.SEVEN, 7),
        "7/8 at 110": rhythm.make(rhythm.steady(220, 24, 7), rhythm.SEVEN, 7),
        "drift 100 to 104": rhythm.make(rhythm.at_tempos(np.linspace(100, 104, 96))),
        "ramp 90 to 130": rhythm.make(rhythm.at_tempos(np.linspace(90, 130, 96))),
        "step 100 to 125": rhythm.make(rhythm.at_tempos(np.repeat([100.0, 125.0], 48))),
        "wandering": rhythm.make(rhythm.at_tempos(walk)),
        "rubato, strummed": rhythm.make(rhythm.at_tempos(rubato), rhythm.STRUMS),
        "strummed 88": rhythm.make(rhythm.steady(88, 20), rhythm.STRUMS),
        "12 ms of scatter": rhythm.make(rhythm.steady(112, 24), jitter=0.012),
    }
    for name, made in table.items():
        quarter = 2 if made.bar in (6, 7) else 1
        first = made.beats[: 4 * made.bar + 1]
        tempo = 60.0 * (len(first) - 1) / quarter / (first[-1] - first[0])
        yield Case(name, "rhythm", made.song, float(tempo), made.downbeats)


def sketch_cases() -> Iterator[Case]:
    """The songs the sketch engine is measured on."""
    for name in sketch_songs.SCORES:
        made = sketch_songs.write(sketch_songs.SCORES[name])
        grid = made.grid
        inside = grid.seconds >= -1e-6
        first = grid.seconds[inside][: 4 * int(grid.bar_beats[0]) + 1]
        down = grid.seconds[inside & (grid.beat_in_bar == 0)]
        yield Case(name, "sketch", made.song, 60.0 * (len(first) - 1) / float(first[-1] - first[0]), down)


def real_cases(folder: Path) -> Iterator[Case]:
    """Real pieces that are in the folder."""
    for name, tempo in {**BY_MIDI, **BY_ANALYSIS}.items():
        path = folder / f"{name}.wav"
        if not path.is_file():
            print(f"{name}.wav is not in {folder}: left out")
            continue
        audio = read_audio(path, 1e6)
        known = name in BY_MIDI
        bars = np.arange(0.0, audio.frames / audio.rate, 240.0 / tempo) if known else np.zeros(0)
        song = Song(np.ascontiguousarray(audio.samples, np.float32), audio.rate, name)
        yield Case(name, "real, MIDI" if known else "real", song, tempo, bars)


def measured(case: Case) -> Outcome:
    """Analyses a case, from its samples on."""
    began = time.process_time()
    found = survey(analysis.listen(case.song, PACE), PACE)
    return Outcome(case, found, time.process_time() - began)


def row(one: Outcome) -> str:
    """A case in a line."""
    found, phase = one.found, {True: "yes", False: "NO", None: "?"}[one.in_phase]
    octave = "exact" if one.exact else "octave named" if one.named else f"x{one.ratio:.3f}"
    other = f" or {found.other_tempo:.6g}" if found.other_tempo else ""
    sure = " ".join(
        f"{found.confidence[name]:.2f}" for name in ("tempo", "octave", "downbeat", "meter", "key")
    )
    tempo = f"{found.tempo:.6g}{other}{' (map)' if found.beats else ''}"
    return (
        f"| {one.case.name} | {one.case.tempo:.6g} | {tempo} | {octave} | {found.meter} | {phase} | {sure} |"
    )


def summary(outcomes: list[Outcome]) -> None:
    """Shares by kind, and what became of each bin of confidence."""
    print(
        "\n| songs | count | tempo within 0.5 % | or the octave named | downbeat in phase | s a minute of song |"
    )
    print("|---|---|---|---|---|---|")
    for kind in dict.fromkeys(one.case.kind for one in outcomes):
        some = [one for one in outcomes if one.case.kind == kind]
        known = [one.in_phase for one in some if one.in_phase is not None]
        minutes = sum(one.case.song.frames / one.case.song.rate / 60 for one in some)
        phase = f"{sum(known)} of {len(known)}" if known else "not known"
        exact = sum(one.exact for one in some)
        named = sum(one.exact or one.named for one in some)
        spent = sum(one.seconds for one in some) / minutes
        print(f"| {kind} | {len(some)} | {exact} | {named} | {phase} | {spent:.2f} |")
    print("\n| confidence | tempo right, give or take an octave | octave right | downbeat in phase |")
    print("|---|---|---|---|")
    for low, high in itertools.pairwise(BINS):
        cells = [
            _right(outcomes, name, low, high, right)
            for name, right in (
                ("tempo", lambda one: any(abs(one.ratio * octave - 1) <= EXACT for octave in (0.5, 1, 2))),
                ("octave", lambda one: one.exact),
                ("downbeat", lambda one: one.in_phase),
            )
        ]
        print(f"| {low:.2f} to {min(high, 1.0):.2f} | {' | '.join(cells)} |")


def _right(outcomes: list[Outcome], name: str, low: float, high: float, right) -> str:  # type: ignore[no-untyped-def]
    verdicts = [right(one) for one in outcomes if low <= one.found.confidence[name] < high]
    known = [verdict for verdict in verdicts if verdict is not None]
    return f"{sum(known)} of {len(known)}" if known else "-"


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--real", type=Path, help="folder with the real pieces as NAME.wav")
    parser.add_argument(
        "--sketch", action="store_true", help="also the sketch engine's songs, some minutes to make"
    )
    parser.add_argument("--each", action="store_true", help="also a line for every song")
    arguments = parser.parse_args()
    cases = itertools.chain(
        rhythm_cases(),
        sketch_cases() if arguments.sketch else (),
        real_cases(arguments.real) if arguments.real else (),
    )
    if arguments.each:
        print("| song | tempo | found | | meter | downbeat | confidence: tempo octave downbeat meter key |")
        print("|---|---|---|---|---|---|---|")
    outcomes = []
    for case in cases:
        outcomes.append(measured(case))
        if arguments.each:
            print(row(outcomes[-1]), flush=True)
    summary(outcomes)


if __name__ == "__main__":
    main()
