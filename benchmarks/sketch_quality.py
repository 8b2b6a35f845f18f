"""Measures the sketch engine on generated songs and prints every figure next to its baselines and its target.

    OMP_NUM_THREADS=1 python -m benchmarks.sketch_quality                  # all of it, some minutes
    OMP_NUM_THREADS=1 python -m benchmarks.sketch_quality --quick          # two to four songs per task
    OMP_NUM_THREADS=1 python -m benchmarks.sketch_quality --task extract

The songs are synthetic and clean: real recordings repeat less exactly, so read the figures as an upper bound.
Songs named `held_out_...` were never used while a value of the engine was chosen; --held-out shows them alone.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from benchmarks import sketch_backing, sketch_rearranging, sketch_songs, sketch_stems
from benchmarks.sketch_columns import Columns, Row, gathered, table

PER_CENT = 100.0


@dataclass(frozen=True)
class Task:
    """songs: names; quick: some of them; measure: one song's figures; headings: columns; rows: of the table."""

    songs: Collection[str]
    quick: Collection[str]
    measure: Callable[[str], Columns]
    headings: Sequence[str]
    rows: Sequence[Row]


REARRANGING = (
    Row("seams: AUC of a forest, 0.5 = indistinguishable from the song", "<= 0.58", "", "auc"),
    Row("join click above the song's 99th percentile, %", "<= 3", "click", scale=PER_CENT, digits=1),
    Row(
        "texture step at the region's edges above the song's p95, %",
        "<= 8",
        "texture",
        scale=PER_CENT,
        digits=1,
    ),
    Row("onset to sixteenth, median, ms", "song + 2", "onset", "50", digits=1),
    Row("onset to sixteenth, p90, ms", "song + 4", "onset", "90", digits=1),
    Row("beat chroma cosine to the replaced bars", ">= 0.92", "chroma"),
    Row("the same, solo melodies", "", "chroma solo"),
    Row("chord of the replaced beat, %", ">= 85", "chord", scale=PER_CENT, digits=1),
    Row("loudness against the replaced region, LU", "<= 0.5", "loudness"),
    Row("outside bit-exact, %", "100", "outside", scale=PER_CENT, digits=0),
    Row("correlation with the replaced beats, mean", "<= 0.7", "novelty"),
    Row("beats that are copies (correlation > 0.98), %", "< 1", "copies", scale=PER_CENT, digits=1),
    Row("the same, exact loops", "", "copies loop", scale=PER_CENT, digits=1),
    Row("distinct results in 8 takes, fewest of all songs", "8", "takes", "0", digits=0),
    Row("songs where similarity falls as strength rises, %", "100", "monotone", scale=PER_CENT, digits=0),
    Row("similarity at strength 0", "", "strength 0"),
    Row("similarity at strength 1", "", "strength 1"),
    Row("continuation: chord steps the song has, %", ">= 95", "transitions", scale=PER_CENT, digits=1),
    Row("continuation: flux percentile of joins, mean", "", "join flux"),
    Row("continuation: joins above p95, %", "<= 10", "join flux above", scale=PER_CENT, digits=1),
    Row("continuation: loudness against the last 12 s, LU", "<= 0.5", "continued loudness"),
    Row("continuation: longest verbatim run, bars", "<= 4", "verbatim", "100", digits=1),
    Row("4 bars of an analysed song, s of processor time, p90", "< 0.5", "seconds", "90"),
    Row("the same where tempo changes or a loop is re-sequenced, p90", "", "seconds with more to do", "90"),
    Row("120 s analysed and repainted for the first time, s", "<= 2", "first", "90"),
)
BACKING = (
    Row("usual chord, key given, % of time", ">= 75", "folk chords", scale=PER_CENT, digits=1),
    Row("the same, held-out songs", "", "folk chords held out", scale=PER_CENT, digits=1),
    Row("the same, key detected, all songs", "", "folk chords by ear", scale=PER_CENT, digits=1),
    Row("strong-beat notes that are chord tones, %", ">= 85", "strong beats", scale=PER_CENT, digits=1),
    Row("key detected correctly, %", ">= 80", "key found", scale=PER_CENT, digits=0),
    Row("tuning error, greatest, cents", "<= 8", "tuning error", "100", digits=1),
    Row("processor time / duration, full band at 44.1 kHz, p90", "< 0.1", "backing time", "90", digits=3),
)
GAINS = (("vocals", 8), ("drums", 7), ("bass", 6), ("other", 4))
STEMS = (
    *(Row(f"SI-SDR gain, {stem}, dB", f">= {goal}", f"gain {stem}", digits=1) for stem, goal in GAINS),
    *(Row(f"the same, {stem}, held-out songs", "", f"gain {stem} held out", digits=1) for stem, _ in GAINS),
    *(Row(f"SI-SDR, {stem}, dB", "", f"absolute {stem}", digits=1) for stem, _ in GAINS),
    Row("stems against the mix, greatest error, 1e-6", "<= 1", "sum error", "100"),
    Row("singing or none, detected correctly, %", "", "singer found", scale=PER_CENT, digits=0),
    Row("processor time / duration, p90", "<= 0.16", "extraction time", "90"),
)

TASKS: dict[str, Task] = {
    "rearrange": Task(
        sketch_songs.SCORES,
        sketch_songs.QUICK,
        sketch_rearranging.measure,
        (
            sketch_rearranging.OURS,
            sketch_rearranging.FADED,
            sketch_rearranging.CUT,
            sketch_rearranging.ITSELF,
        ),
        REARRANGING,
    ),
    "accompany": Task(
        sketch_backing.SONGS,
        sketch_backing.QUICK,
        sketch_backing.measure,
        (sketch_backing.OURS, sketch_backing.TONIC, sketch_backing.PEOPLE),
        BACKING,
    ),
    "extract": Task(
        sketch_stems.SONGS,
        sketch_stems.QUICK,
        sketch_stems.measure,
        (sketch_stems.OURS, sketch_stems.MIXTURE),
        STEMS,
    ),
}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two to four songs per task")
    parser.add_argument("--task", choices=TASKS, action="append", help="only this one; may be repeated")
    parser.add_argument("--songs", nargs="*", help="only these")
    parser.add_argument("--held-out", action="store_true", help="only songs never used for tuning")
    parser.add_argument("--tuning", action="store_true", help="only the other ones")
    parser.add_argument("--each", action="store_true", help="also a table per song")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="songs measured at once")
    chosen = parser.parse_args()
    with ProcessPoolExecutor(chosen.jobs) as pool:
        for name in chosen.task or TASKS:
            task = TASKS[name]
            songs = [song for song in (task.quick if chosen.quick else task.songs) if wanted(song, chosen)]
            print(f"\n## {name}: {', '.join(songs)}\n", flush=True)
            parts = []
            for song, part in zip(songs, pool.map(task.measure, songs), strict=True):
                parts.append(part)
                if chosen.each:
                    print(f"{song}\n\n{table(task.rows, part, task.headings)}\n", flush=True)
            print(table(task.rows, gathered(parts), task.headings), flush=True)


def wanted(song: str, chosen: argparse.Namespace) -> bool:
    """Whether the command line lets this song in."""
    held_out = song.startswith("held_out")
    if (chosen.held_out and not held_out) or (chosen.tuning and held_out):
        return False
    return not chosen.songs or song in chosen.songs


if __name__ == "__main__":
    main()
