"""Measures the sketch engine on real music, which Debian packages carry, and prints every figure.

    OMP_NUM_THREADS=1 python -m benchmarks.real_music                 # all pieces, some minutes
    OMP_NUM_THREADS=1 python -m benchmarks.real_music --tuned-on      # the pieces parameters were tuned on
    OMP_NUM_THREADS=1 python -m benchmarks.real_music --pieces feelings zaz2 --each
    OMP_NUM_THREADS=1 python -m benchmarks.real_music --planned       # only which beats takes would be made of: seconds
    OMP_NUM_THREADS=1 python -m benchmarks.real_music --planned --further     # of more pieces, by the same bands
    OMP_NUM_THREADS=1 python -m benchmarks.real_music --clicks        # only clicks at joins, of more places and seeds
    OMP_NUM_THREADS=1 python -m benchmarks.real_music --accompany     # backings for them, and for made mixes
    OMP_NUM_THREADS=1 python -m benchmarks.real_music --stems         # stems of mixes whose true ones are known
    OMP_NUM_THREADS=1 python -m benchmarks.real_music --pieces feelings --pictures FOLDER

Packages are fetched with `apt-get download`, unpacked below --folder and never installed; pieces that cannot be had
are named and left out.
"""

from __future__ import annotations

import argparse
import functools
import os
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.real_music import (
    accompanying,
    clicking,
    multitracks,
    packages,
    pictures,
    planning,
    rearranging,
    separating,
)
from benchmarks.real_music.further import FURTHER
from benchmarks.real_music.pieces import PIECES
from benchmarks.sketch_columns import Row, gathered, table
from benchmarks.sketch_rearranging import FADED, ITSELF, OURS
from tests.model.sketch.songs import Generated

PER_CENT = 100.0

ROWS = (
    Row("seams: AUC of a forest, 0.5 = indistinguishable from the song", "<= 0.60", "", "auc"),
    Row("texture step above the song's p95 at edges, %", "<= 4", "texture", scale=PER_CENT, digits=1),
    Row("the same at inner joins, %", "<= 10", "texture inside", scale=PER_CENT, digits=1),
    Row("those of them that the piece itself has not, %", "", "texture made", scale=PER_CENT, digits=1),
    Row("the same at all bar lines inside, %", "", "texture everywhere", scale=PER_CENT, digits=1),
    Row("join click above the song's 99th percentile, %", "song", "click", scale=PER_CENT, digits=1),
    Row("click above it at inner joins, %", "song", "click inside", scale=PER_CENT, digits=1),
    Row(
        "of them louder than both runs are there in the song, %", "0", "click made", scale=PER_CENT, digits=1
    ),
    Row("click above it at edges, %", "song", "click at edges", scale=PER_CENT, digits=1),
    Row("onset to sixteenth, median, ms", "song + 2", "onset", "50", digits=1),
    Row("beat chroma cosine to the replaced bars", ">= 0.92", "chroma"),
    Row("loudness against the replaced region, LU", "<= 0.5", "loudness"),
    Row("outside bit-exact, %", "100", "outside", scale=PER_CENT, digits=0),
    Row("correlation with the replaced beats, mean", "<= 0.7", "novelty"),
    Row("beats that are copies (correlation > 0.98), %", "< 1", "copies", scale=PER_CENT, digits=1),
    Row("beats played twice in a take, %", "", "used twice", scale=PER_CENT, digits=1),
    Row("beats in which two seeds differ, %", "", "seeds differ", scale=PER_CENT, digits=0),
    Row("distinct results in 8 takes, fewest of all pieces", "8", "takes", "0", digits=0),
    Row("continuation: loudness against the last 12 s, LU", "<= 0.3", "continued loudness"),
    Row("continuation: joins above p95, %", "<= 10", "join flux above", scale=PER_CENT, digits=1),
    Row("continuation: longest verbatim run, bars", "<= 4", "verbatim", "100", digits=1),
    Row("takes with a warning on their receipt, %", "<= 8", "warned", scale=PER_CENT, digits=1),
    Row("receipts: percentile of the seams, median", "about 50", "seam rank", "50", digits=0),
    Row("takes with a note, %", "", "noted", scale=PER_CENT, digits=1),
    Row("4 to 8 bars of an analysed song, s of processor time, mean", "<= 0.5", "seconds"),
    Row("the same with a tempo map, mean", "<= 1.0", "seconds mapped"),
)


ACCOMPANY_ROWS = (
    Row("made mixes: beats with the right chord, %", "", "made chords", scale=PER_CENT, digits=1),
    Row("the same, held-out songs", "", "made held out chords", scale=PER_CENT, digits=1),
    Row("chords against the mix's chroma, cosine", "> I V vi IV", "chord chroma"),
    Row("a lead alone: against the chroma of its real backing", "> I V vi IV", "stem chord chroma"),
    Row("called a mix, %", "100", "called a mix", scale=PER_CENT, digits=0),
    Row("backing below the source, LU", "2", "backing below the mix"),
    Row("onset to sixteenth, median, ms", "<= 10", "onset", "50", digits=1),
    Row("processor time / duration, mean", "< 0.1", "backing time"),
)


STEM_AIMS = {"vocals": ">= 5", "drums": ">= 6", "bass": ">= 4", "other": ">= 5"}
STEM_ROWS = (
    *(
        Row(f"SI-SDR gain, {stem}, dB", STEM_AIMS.get(stem, ""), f"gain {stem}", digits=1)
        for stem in separating.STEMS
    ),
    Row("the least of all of them, dB", ">= -1", "gain", "0", digits=1),
    Row("processor time / duration, mean", "<= 0.16", "extraction time"),
)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=packages.FOLDER, help="where packages are unpacked")
    parser.add_argument("--pieces", nargs="*", choices=PIECES, help="only these")
    parser.add_argument("--tuned-on", action="store_true", help="only pieces parameters were tuned on")
    parser.add_argument("--never-looked-at", action="store_true", help="only the other ones")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--accompany", action="store_true", help="backings instead of repaints")
    instead.add_argument("--stems", action="store_true", help="stems of known mixes instead of repaints")
    instead.add_argument(
        "--planned", action="store_true", help="only the steps of planned repaints, at more places"
    )
    instead.add_argument("--clicks", action="store_true", help="only clicks at joins, of more repaints")
    instead.add_argument("--pictures", type=Path, help="draw takes into this folder instead of measuring")
    parser.add_argument(
        "--further", action="store_true", help="with --planned: other pieces of the tuned-on packages"
    )
    parser.add_argument("--each", action="store_true", help="also a table per piece")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="pieces measured at once")
    chosen = parser.parse_args()
    if chosen.further and not chosen.planned:
        parser.error("--further needs --planned: only planned takes are measured on those pieces")
    if chosen.stems:
        separated(chosen)
        return
    names = list(FURTHER) if chosen.further else [name for name in PIECES if wanted(name, chosen)]
    names, missing = packages.to_be_had(names, chosen.folder)
    for sentence in missing:
        print(f"LEFT OUT: {sentence}", file=sys.stderr, flush=True)
    song = functools.partial(packages.real_song, folder=chosen.folder)
    if chosen.accompany:
        accompanied(names, song, chosen)
        return
    if chosen.pictures is not None:
        for name in names:
            pictures.draw(name, song(name), chosen.pictures)
        return
    headings = (OURS, ITSELF) if chosen.planned or chosen.clicks else (OURS, FADED, ITSELF)
    measure = (
        planning.measure if chosen.planned else clicking.measure if chosen.clicks else rearranging.measure
    )
    print(f"{len(names)} pieces: {', '.join(names)}\n", flush=True)
    parts = []
    with ProcessPoolExecutor(chosen.jobs) as pool:
        for name, part in zip(names, pool.map(functools.partial(measure, song=song), names), strict=True):
            parts.append(part)
            if chosen.each:
                print(f"{name}\n\n{table(ROWS, part, headings)}\n", flush=True)
    steady = [name for name in names if packages.EVERY[name].bpm is not None]
    for heading, some in (("constant tempo", steady), ("tempo map", [n for n in names if n not in steady])):
        if some:
            found = gathered([part for name, part in zip(names, parts, strict=True) if name in some])
            print(f"{heading}: {', '.join(some)}\n\n{table(ROWS, found, headings)}\n", flush=True)


def separated(chosen: argparse.Namespace) -> None:
    """Measures stems of every known mix and prints their table."""
    headings, parts, aside = (separating.OURS, separating.BEST), [], []
    for name, make in multitracks.mixes(chosen.folder):
        try:
            part = separating.measure(make)
        except packages.NotToBeHad as error:
            print(f"LEFT OUT: {error}", file=sys.stderr, flush=True)
            continue
        for heading in headings:
            gains = {stem: part[heading].values.get(f"gain {stem}", []) for stem in separating.STEMS}
            part[heading].add("gain", *(gain for found in gains.values() for gain in found))
        print(f"{name}\n\n{table(STEM_ROWS, part, headings)}\n", flush=True)
        parts.append(part)
        if name in multitracks.SONGS and not multitracks.SONGS[name].tuned_on:
            aside.append(part)
    for heading, some in (("mixes", parts), ("of them never looked at", aside)):
        print(f"{len(some)} {heading}\n\n{table(STEM_ROWS, gathered(some), headings)}\n", flush=True)


def accompanied(names: list[str], song: Callable[[str], Generated], chosen: argparse.Namespace) -> None:
    """Measures backings and prints their table."""
    headings = (accompanying.OURS, accompanying.MELODY, accompanying.LOOP, accompanying.RANDOM)
    with ProcessPoolExecutor(chosen.jobs) as pool:
        mixes = pool.map(functools.partial(accompanying.measure, song=song), names)
        leads = pool.map(functools.partial(accompanying.measure_stem, folder=chosen.folder), names)
        made = pool.map(accompanying.measure_made, () if chosen.pieces else accompanying.MADE)
        found = [
            *zip(names, mixes, strict=True),
            *((f"{n}, lead", part) for n, part in zip(names, leads, strict=True)),
        ]
        parts = [(name, part) for name, part in found if part is not None]
        parts += zip(() if chosen.pieces else accompanying.MADE, made, strict=True)
    for name, part in parts if chosen.each else ():
        print(f"{name}\n\n{table(ACCOMPANY_ROWS, part, headings)}\n", flush=True)
    print(table(ACCOMPANY_ROWS, gathered([part for _, part in parts]), headings), flush=True)


def wanted(name: str, chosen: argparse.Namespace) -> bool:
    """Whether the command line lets this piece in."""
    tuned_on = PIECES[name].tuned_on
    if (chosen.tuned_on and not tuned_on) or (chosen.never_looked_at and tuned_on):
        return False
    return not chosen.pieces or name in chosen.pieces


if __name__ == "__main__":
    main()
