"""How long saving a finished song takes, and how much memory: a long song with takes in two places and a comp.

python -m benchmarks.finished_song [--minutes 10] [--rate 96000]
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bridge_server.jobs.database import DATABASE, open_database
from clip_store.audio.audio import Audio, Encoding, quantise
from clip_store.mix.accepted import accepted_in
from clip_store.mix.write_mix import MixFormat, SongToWrite, write_mix
from clip_store.store import ClipStore
from clip_store.take import Take, unmeasured
from daw_protocol.timeline import Span


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--rate", type=int, default=96_000)
    parser.add_argument("--save", nargs=3, metavar=("STORE", "SONG", "FORMAT"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.save:
        save(Path(chosen.save[0]), chosen.save[1], MixFormat(chosen.save[2]))
        return
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder)
        song = filled(store, chosen.minutes * 60, chosen.rate)
        for kind in MixFormat:  # in a process of its own: what making the song took does not count
            command = [sys.executable, "-m", "benchmarks.finished_song", "--save", folder, song, kind.value]
            print(subprocess.run(command, check=True, capture_output=True, text=True).stdout, end="")


def filled(folder: Path, seconds: int, rate: int) -> str:
    """Makes a store with a song of noise, 24 bits, in which something is accepted; returns its digest."""
    with contextlib.closing(open_database(folder / DATABASE)) as connection:
        store = ClipStore(folder, connection)
        song = store.blobs.put(noise(seconds, rate, 0))
        for number, start, length in ((1, 10, 10), (2, 10, 10), (3, seconds // 2, seconds // 4)):
            clip = noise(length, rate, number)
            take = Take(
                f"t{number}", "j1", number, "repaint", song, clip.digest, start * rate, start * rate, clip.frames,
                rate, 0.0, title="song", receipt=unmeasured(start * rate, clip.frames, rate),
            )  # fmt: skip
            store.keep(take, clip)
            store.index.choose(take.id, Span(15 * rate, 18 * rate) if number == 2 else None)
    return song


def noise(seconds: int, rate: int, seed: int) -> Audio:
    second = np.random.default_rng(seed).uniform(-0.2, 0.2, (rate, 2))
    return quantise(np.tile(second, (seconds, 1)), rate, Encoding.PCM_24).audio


def save(folder: Path, song: str, kind: MixFormat) -> None:
    """Saves the song and prints what that took."""
    with contextlib.closing(open_database(folder / DATABASE)) as connection:
        store = ClipStore(folder, connection)
        before, began, used = peak_megabytes(), time.perf_counter(), time.process_time()
        to_write = SongToWrite(accepted_in(store.index, song), "song", 0)
        found = write_mix(to_write, store.blobs, kind, folder / "exports", lambda _: None)
        print(
            f"{kind.value}: {found.path.stat().st_size / 1e6:.0f} MB in {time.perf_counter() - began:.1f} s "
            f"({time.process_time() - used:.1f} s of processor time), {peak_megabytes() - before:.0f} MB of memory; "
            f"outside {'bit-identical' if found.receipt.outside_identical else 'CHANGED'}"
        )


def peak_megabytes() -> float:
    """The most memory this program has had. Linux only: elsewhere a process inherits its parent's figure."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1000


if __name__ == "__main__":
    main()
