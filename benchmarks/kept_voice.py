"""How much of a voice "keep vocals" keeps, what the note says of it, and how much of the band stays with it.

    python -m benchmarks.kept_voice --voices A.wav B.wav --drums C.flac ... --bands D.wav ...

mixes every voice with every drum loop and every band (or none), at -18 and -24, -19 and -21 dB, and separates 14 s by
Sketch's rules, or by a network with --models FOLDER. docs/sketch.md has the figures of two real voices (vocadito 10 and
14, CC BY 4.0, in the source archive of basic-pitch 0.4.0 on PyPI) over four drum loops of Debian's sonic-pi-samples
(CC0) and the bands of `benchmarks.real_music`. Kept is the least-squares part of the true voice in what stays.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from model.dsp.resample import resample
from model.engine import Song
from model.pace import Pace
from model.sketch.rearrange import layer_notes
from model.sketch.separation.generous_voice import generous_voice, kept_share
from model.sketch.separation.span_separation import SpanSeparation

RATE, SECONDS = 44_100, 14.0
FRAMES = int(RATE * SECONDS)
VOICE_DB, DRUMS_DB, BAND_DB = (-18.0, -24.0), -19.0, -21.0
BAND_START_SECONDS = 30
LITTLE = 0.6
"""Of the voice: where less is kept, the take must say how much."""

Audio = NDArray[np.float64]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("voices", "drums", "bands"):
        parser.add_argument(f"--{name}", type=Path, nargs="+", default=[], required=name != "bands")
    parser.add_argument("--models", type=Path)
    arguments = parser.parse_args()
    separation = SpanSeparation(arguments.models)
    rows = []
    for name, stems in mixes(arguments.voices, arguments.drums, arguments.bands):
        rows.append(measure(stems, separation))
        print(
            f"{name:44s} kept {rows[-1].kept:.2f}  the note says {rows[-1].said:.2f}  of the band {rows[-1].band:.2f}"
        )
    kept, said, band = (
        np.array([getattr(row, figure) for row in rows]) for figure in ("kept", "said", "band")
    )
    print(
        f"{len(rows)} mixes: kept {kept.mean():.2f} ({kept.min():.2f} to {kept.max():.2f}), "
        f"the note is off by {np.mean(said - kept):+.2f} +- {np.std(said - kept):.2f}, of the band {band.mean():.2f}"
    )
    little = [row for row in rows if row.kept < LITTLE]
    print(
        f"{len(little)} keep less than {LITTLE:.0%}; a note names the figure on {sum(row.noted for row in little)}"
    )
    return int(not all(row.noted for row in little))


@dataclass(frozen=True)
class KeptVoice:
    """Of one mix.

    kept, said: the part of the voice's amplitude that is kept, and that the note names. noted: there is such a note.
    band: the share of the band's energy that stays with the voice.
    """

    kept: float
    said: float
    band: float
    noted: bool


def mixes(voices: list[Path], drums: list[Path], bands: list[Path]) -> Iterator[tuple[str, dict[str, Audio]]]:
    """Every mix's name and its true parts."""
    for voice, loop, band, level in itertools.product(voices, drums, [*bands, None], VOICE_DB):
        stems = {"vocals": at_level(read(voice), level), "drums": at_level(read(loop), DRUMS_DB)}
        if band is not None:
            stems["band"] = at_level(read(band, BAND_START_SECONDS), BAND_DB)
        yield f"{voice.stem} {loop.stem} {band.stem if band else 'no band'} {level:.0f} dB", stems


def read(path: Path, first: int = 0) -> Audio:
    """FRAMES of stereo at RATE from `first` seconds on, repeated where the file is shorter."""
    samples, rate = soundfile.read(path, dtype="float64", always_2d=True)
    samples = resample(samples[first * rate :], rate, RATE)[:, :2]
    stereo = np.broadcast_to(samples, (len(samples), 2))
    return np.tile(stereo, (-(-FRAMES // len(stereo)), 1))[:FRAMES]


def at_level(samples: Audio, decibels: float) -> Audio:
    """At this root mean square."""
    return samples * 10 ** (decibels / 20) / (np.sqrt(np.mean(samples**2)) + 1e-9)


def measure(stems: dict[str, Audio], separation: SpanSeparation) -> KeptVoice:
    """What "keep vocals" makes of a mix of these parts, "vocals" the first of them."""
    mix = np.sum(list(stems.values()), axis=0).astype(np.float32)
    quiet = Pace(lambda _: None, lambda: False)
    found = separation(Song(mix, RATE, "mix"), 0, FRAMES, quiet)
    stays = (
        (found.vocals if found.by else generous_voice(found, RATE, quiet.check)).ravel().astype(np.float64)
    )
    parts = np.stack([part.ravel() for part in stems.values()], axis=1)
    kept = float(np.linalg.lstsq(parts, stays, rcond=None)[0][0])
    rest, band = stays - kept * parts[:, 0], parts[:, 1:].sum(axis=1)
    clear = found.confidence["vocals"]
    said = clear if found.by else kept_share(clear)
    noted = any(
        f"About {100 * said:.0f} % of the voice" in note for note in layer_notes.notes("keep vocals", found)
    )
    return KeptVoice(kept, said, float(rest @ rest / (band @ band)), noted)


if __name__ == "__main__":
    sys.exit(main())
