"""Faults on purpose, for long: whether anything that was accepted is lost, done twice or left half.

    python -m benchmarks.faults [--only KIND ...] [--count N] [--minutes M] [--seed S]

Kinds: power (what was acknowledged is on the disk: needs strace), stop (how long stopping takes in each state), scenes
(suspended, clock set, no files, no memory, a second server, songs that change), disk (full at every write of a job in
turn), kill (the server, an engine, the host, both, at random moments). --count: kills, or rounds of the others.
--minutes: for each kind. Without --only all of them, in this order.

Only servers of its own, on loopback; it ends no process it has not started. Needs Linux. Prints a table at the end; if
a promise was broken the exit status is 1, and the store is kept.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.bridge_server.peers import noise_song
from tests.faults import scenes
from tests.faults.full_disk import DOORS, full_disk
from tests.faults.kills import KillStorm
from tests.faults.power_cut import strace, traced_run
from tests.faults.rig import Rig
from tests.faults.stops import STATES, stopped, stopped_while_it_starts, stuck_rig

STOP_AIM = 2.0  # seconds
SLEEP_SECONDS = 20.0
STARTS = (0.0, 0.2, 0.5, 1.0, 2.0)  # seconds after its log began that a starting server is asked to stop
ROUNDS = 3  # of what is not counted in kills, unless --count says otherwise
KILLS = 300


@dataclass
class Row:
    """One line of the table."""

    what: str
    figures: str
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Wanted:
    """How much to do. until: of time.monotonic."""

    count: int | None
    until: float
    seed: int

    def rounds(self) -> Iterator[int]:
        """Numbers of rounds, as many as were asked for and there is time for."""
        for number in range(self.count or ROUNDS):
            if number and time.monotonic() > self.until:
                return
            yield number


def kill(folder: Path, wanted: Wanted) -> Iterator[Row]:
    storm = KillStorm(folder, wanted.seed)
    try:
        storm.run(wanted.count or KILLS, wanted.until - time.monotonic())
    finally:
        yield Row(
            "kill -9",
            ", ".join(f"{name}: {count}" for name, count in storm.figures().items()),
            storm.problems,
        )


def disk(folder: Path, wanted: Wanted) -> Iterator[Row]:
    """Every point, for a store that is new and for one whose folders are there."""
    for lasting in (True, False):
        for door in DOORS:
            name = f"{door}-{'lasting' if lasting else 'once'}"
            (folder / name).mkdir()
            with full_disk(folder / name) as full:
                point = 1
                while full.attempt(point, lasting, door) and time.monotonic() < wanted.until:
                    point += 1
                full.verify()
            yield Row(f"full disk, {name}", f"{point} points, ends: {full.ends}", full.problems)


def rounds_of_scenes(folder: Path, wanted: Wanted) -> Iterator[Row]:
    clock = folder / "clock"
    clock.write_text("0")
    secret = noise_song(folder / "secret.wav", frames=48_000 * 6)
    parts: dict[str, Callable[[Rig], list[str]]] = {
        f"suspended for {SLEEP_SECONDS:g} s": lambda rig: scenes.suspend(rig, SLEEP_SECONDS),
        "clock set back and forth": lambda rig: scenes.set_the_clock(rig, clock),
        "no more files": scenes.use_up_files,
        "no more memory": scenes.use_up_memory,
        "a second server": scenes.start_a_second,
        "songs that change": lambda rig: scenes.change_sources(rig, secret),
    }
    rows = {name: Row(name, "") for name in parts}
    with Rig(folder, {"clock": str(clock)}).running() as rig:
        for number in wanted.rounds():
            for name, scene in parts.items():
                began = time.monotonic()
                rows[name].problems += scene(rig)
                rows[name].figures = f"{number + 1} rounds, the last in {time.monotonic() - began:.0f} s"
                print(f"{name}: {rows[name].figures}", flush=True)
    yield from rows.values()


def power(folder: Path, wanted: Wanted) -> Iterator[Row]:
    if strace() is None:
        yield Row("power cut", "SKIPPED: needs strace")
        return
    for number in wanted.rounds():
        (folder / str(number)).mkdir()
        check = traced_run(folder / str(number))
        yield Row("power cut", f"{len(check.acknowledged)} acknowledgements, all on the disk", check.problems)


def stop(folder: Path, wanted: Wanted) -> Iterator[Row]:
    rig = stuck_rig(folder)
    times: dict[str, list[float]] = {}
    problems: dict[str, list[str]] = {}
    for _ in wanted.rounds():
        found = [stopped(rig, state) for state in STATES]
        found += [stopped_while_it_starts(rig, after) for after in STARTS]
        for one in found:
            times.setdefault(one.state, []).append(one.seconds)
            if one.seconds > STOP_AIM or one.status != 0:
                problems.setdefault(one.state, []).append(f"{one.seconds:.2f} s, status {one.status}")
            print(f"stop, {one.state}: {one.seconds:.2f} s, status {one.status}", flush=True)
    for state, taken in times.items():
        yield Row(
            f"stop, {state}", f"{len(taken)} times, at most {max(taken):.2f} s", problems.get(state, [])
        )


KINDS: dict[str, Callable[[Path, Wanted], Iterator[Row]]] = {
    "power": power,
    "stop": stop,
    "scenes": rounds_of_scenes,
    "disk": disk,
    "kill": kill,
}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=KINDS, action="append", default=[])
    parser.add_argument("--count", type=int, help=f"kills (default {KILLS}) or rounds (default {ROUNDS})")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="for each kind")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    # Whoever ends it ends its servers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    rows: list[Row] = []
    for kind in arguments.only or KINDS:
        until = time.monotonic() + 60 * arguments.minutes
        folder, first = Path(tempfile.mkdtemp(prefix=f"faults-{kind}-")), len(rows)
        for row in KINDS[kind](folder, Wanted(arguments.count, until, arguments.seed)):
            rows.append(row)
            print(f"{row.what}: {row.figures}", flush=True)
        if any(row.problems for row in rows[first:]):
            print(f"{kind}: everything is kept in {folder}", flush=True)
        else:
            shutil.rmtree(folder)
    print()
    for row in rows:
        print(f"| {row.what} | {row.figures} | {len(row.problems) or 'none'} |")
    broken = [f"{row.what}: {problem}" for row in rows for problem in row.problems]
    print("\n".join(broken[:100]))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
