"""Damaged inputs of every kind for every reader of foreign bytes, for as long as wanted: tests/fuzz in the large.

    python -m benchmarks.fuzz                          1,000,000 OSC packets, 200,000 of each other kind
    python -m benchmarks.fuzz --minutes 10             so long in all
    python -m benchmarks.fuzz --count 5000 --only osc --only http --seed 7
    python -m benchmarks.fuzz --only waves --atheris   guided by coverage, where `atheris` is installed

Each target runs in a process of its own, so that a crash of a library is a finding like any other. An input is drawn
from the seed, its target and its number alone: the same command meets the same inputs, but for --minutes, which says
how many of them. Findings are made small and kept in --out; the exit status is 1 when there are any. What is repaired
belongs into tests/corpus/TARGET, under a name that says what it was; the suite meets it again from then on.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib
import multiprocessing
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.fuzz.changes import Material, random_input
from tests.fuzz.law import Law, Unlawful, memory_bytes
from tests.fuzz.targets import BY_NAME, TARGETS, Target

OURS = ("bridge_server", "clip_store", "daw_protocol", "model", "tests")
READERS = ("bridge_server.endpoints", "clip_store", "daw_protocol", "model.acestep.weights")
"""What atheris looks into: where foreign bytes are read."""
KEPT_OF_A_KIND = 3
SHRINKING = 300  # attempts to make a finding smaller
REPORT_SECONDS = 20.0


@dataclass
class Tally:
    """What came of one target so far. growth: bytes of memory since a tenth of the inputs was done."""

    target: str
    done: int = 0
    seconds: float = 0.0
    growth: int = 0
    findings: tuple[str, ...] = ()
    ended: bool = False


def drawn(target: str, seed: int, number: int, material: Material, most: int) -> bytes:
    return random_input(random.Random(f"{seed}/{target}/{number}"), material, most)


def smaller(law: Law, data: bytes, kind: str) -> bytes:
    """A shorter input with the same fault."""
    draw = random.Random(0)
    for _ in range(SHRINKING):
        if not data:
            break
        begin = draw.randrange(len(data))
        length = max(1, len(data) >> draw.randrange(1, 10))
        shorter = data[:begin] + data[begin + length :]
        try:
            law.obey(shorter)
        except Unlawful as found:
            if found.kind == kind:
                data = shorter
    return data


class Findings:
    """Keeps the first few of each kind, made small."""

    def __init__(self, folder: Path, target: str) -> None:
        self._folder = folder / target
        self._kinds: Counter[str] = Counter()

    def keep(self, law: Law, data: bytes, fault: Unlawful, number: int) -> None:
        where = str(fault).strip().splitlines()
        place = next((line.strip() for line in reversed(where) if line.strip().startswith("File ")), "")
        what = f"{fault.kind} {place}"
        self._kinds[what] += 1
        if self._kinds[what] > KEPT_OF_A_KIND:
            return
        small = smaller(law, data, fault.kind) if fault.kind not in ("memory", "slow", "connection") else data
        name = f"{fault.kind}-{hashlib.sha256(small).hexdigest()[:8]}"
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / name).write_bytes(small)
        (self._folder / f"{name}.txt").write_text(f"input {number}, {len(data)} bytes\n{fault}\n")

    def counted(self) -> tuple[str, ...]:
        return tuple(f"{count} x {what}" for what, count in self._kinds.most_common())


def run(name: str, count: int, seconds: float, seed: int, out: Path, line: Connection) -> None:
    """One target to its end, in a process of its own; tallies go through `line`."""
    target = BY_NAME[name]
    tally, findings = Tally(name), Findings(out, target.name)
    material = target.material()
    base = 0
    with target.law() as law:
        began = reported = time.monotonic()
        for number in range(count):
            now = time.monotonic()
            if now - began > seconds:
                break
            if now - reported > REPORT_SECONDS:
                reported = now
                line.send(tally)
            data = drawn(target.name, seed, number, material, target.most)
            try:
                law.obey(data)
            except Unlawful as fault:
                findings.keep(law, data, fault, number)
            if number == count // 10:
                base = memory_bytes()
            tally.done, tally.seconds, tally.findings = number + 1, now - began, findings.counted()
            tally.growth = memory_bytes() - base if base else 0
    tally.ended = True
    line.send(tally)


def follow(target: Target, count: int, seconds: float, arguments: argparse.Namespace) -> Tally:
    """Runs a target and prints how it goes."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(
        target=run, args=(target.name, count, seconds, arguments.seed, arguments.out, theirs)
    )
    process.start()
    theirs.close()
    tally = Tally(target.name)
    try:
        while not tally.ended:
            tally = ours.recv()
            print(
                f"  {tally.target}: {tally.done:,} of {count:,}, {'; '.join(tally.findings) or 'nothing found'}",
                flush=True,
            )
    except EOFError:
        process.join()
        crash = f"1 x the process ended with status {process.exitcode}, up to {REPORT_SECONDS:.0f} s after {tally.done}"
        tally.findings = (*tally.findings, crash)
    process.join()
    return tally


def guided(name: str, arguments: argparse.Namespace) -> None:
    """By libFuzzer through atheris, which looks at which lines an input reaches. Never returns."""
    import atheris

    for module in [module for module in sys.modules if module.partition(".")[0] in OURS]:
        del sys.modules[module]  # to come again, instrumented
    with atheris.instrument_imports(include=list(READERS)):
        target: Target = importlib.import_module("tests.fuzz.targets").BY_NAME[name]
        unlawful: type[Unlawful] = importlib.import_module("tests.fuzz.law").Unlawful
    corpus, kept = arguments.out / "atheris" / name, arguments.out / name
    for folder in (corpus, kept):
        folder.mkdir(parents=True, exist_ok=True)
    for index, data in enumerate(target.material().seeds):
        (corpus / f"seed-{index}").write_bytes(data)
    life = contextlib.ExitStack()  # of this process: it ends within Fuzz
    law = life.enter_context(target.law())

    def one(data: bytes) -> None:
        try:
            law.obey(data)
        except unlawful as fault:
            (kept / f"{fault.kind}-{hashlib.sha256(data).hexdigest()[:8]}").write_bytes(data)
            print(fault, flush=True)

    words = ["fuzz", str(corpus), f"-max_len={target.most}", f"-seed={arguments.seed or 1}"]
    words += [f"-runs={arguments.count}"] if arguments.count else []
    words += [f"-max_total_time={round(arguments.minutes * 60)}"] if arguments.minutes else []
    atheris.Setup(words, one)
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, help="in all, shared by the targets")
    parser.add_argument("--count", type=int, help="inputs of each target")
    parser.add_argument("--only", action="append", choices=sorted(BY_NAME), help="a target; may be repeated")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("fuzz-findings"), help="where findings are kept")
    parser.add_argument("--atheris", action="store_true", help="guided by coverage; one --only target")
    arguments = parser.parse_args()
    targets = [target for target in TARGETS if not arguments.only or target.name in arguments.only]
    if arguments.atheris:
        guided(targets[0].name, arguments)
    seconds = arguments.minutes * 60 / len(targets) if arguments.minutes else float("inf")
    tallies = []
    for target in targets:
        most = sys.maxsize if arguments.minutes else target.long
        tallies.append(follow(target, arguments.count or most, seconds, arguments))
    print("\n| target | inputs | seconds | memory, MB | findings |\n|---|---|---|---|---|")
    for tally in tallies:
        found = "; ".join(tally.findings) or "none"
        print(
            f"| {tally.target} | {tally.done:,} | {tally.seconds:.0f} | {tally.growth / 2**20:+.0f} | {found} |"
        )
    return 1 if any(tally.findings for tally in tallies) else 0


if __name__ == "__main__":
    sys.exit(main())
