"""Everything that is measured against the clock, in one run: one table, one picture, and a file to compare runs with.

    python -m benchmarks                              # under ten minutes on two cores
    python -m benchmarks --only sketch --only ack
    python -m benchmarks --json before.json           # then change something, and:
    python -m benchmarks --json after.json --compare before.json
    python -m benchmarks --smoke                      # seconds: whether it works, not how fast

Each figure stands beside what it is compared with, a peer or a floor, measured in the same run; absolute times of a
shared machine say little. Exit status 0, whatever the figures are. What needs longer, or other songs, has commands of
its own: docs/performance.md lists them.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Figure, compared, machine, picture, read_json, table, write_json

PICTURE = Path("benchmarks.png")


@dataclass(frozen=True)
class Section:
    """measure: the figures; called with whether to be as quick as can be. needs: packages outside the base install."""

    what: str
    measure: Callable[[bool], list[Figure]]
    needs: tuple[str, ...] = ()


def _acknowledgements(smoke: bool) -> list[Figure]:
    from benchmarks.acknowledgement import figures

    return figures(starts=1, seconds=1.0) if smoke else figures(starts=5, seconds=20.0)


def _transfer(smoke: bool) -> list[Figure]:
    from benchmarks.transfer import figures

    return figures(megabytes=1, runs=1) if smoke else figures(megabytes=64, runs=5)


def _sketch(smoke: bool) -> list[Figure]:
    from benchmarks.sketch_speed import figures

    return figures(seeds=1 if smoke else 5)


def _memory(_smoke: bool) -> list[Figure]:
    from benchmarks.panel_memory import figures

    return figures()


def _acestep(smoke: bool) -> list[Figure]:
    from benchmarks.acestep_peer import figures

    return [] if smoke else figures(quick=True)


SECTIONS = {
    "ack": Section("acknowledgements, with a render on all cores", _acknowledgements),
    "transfer": Section("audio up and down", _transfer),
    "sketch": Section("Sketch's repaints", _sketch),
    "memory": Section("the server's memory with two panels", _memory, ("playwright",)),
    "acestep": Section("ACE-Step on a processor, against diffusers", _acestep, ("torch", "diffusers")),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", choices=SECTIONS, metavar="PART", help=", ".join(SECTIONS))
    parser.add_argument("--smoke", action="store_true", help="as quick as can be; the figures mean nothing")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the figures here")
    parser.add_argument("--compare", type=Path, metavar="FILE", help="figures kept by an earlier run")
    parser.add_argument(
        "--picture", type=Path, metavar="FILE", default=PICTURE, help=f"PNG, usually {PICTURE}"
    )
    chosen = parser.parse_args()
    before = _kept(parser, chosen.compare)
    figures = measured(chosen.only or list(SECTIONS), chosen.smoke)
    print(f"\n{machine()}\n\n{table(figures)}")
    if any(figure.reach is not None for figure in figures):
        picture(figures, chosen.picture)
        print(f"\nPicture: {chosen.picture}")
    if chosen.json:
        write_json(figures, chosen.json)
    if chosen.compare:
        print(f"\nAgainst {chosen.compare.name}:\n\n{compared(before, figures)}")


def _kept(parser: argparse.ArgumentParser, path: Path | None) -> list[Figure]:
    if path is None:
        return []
    try:
        return read_json(path)
    except (OSError, ValueError) as error:
        parser.error(str(error))


def measured(names: list[str], smoke: bool) -> list[Figure]:
    """The sections' figures; says what runs, and what is left out because a package is missing."""
    figures: list[Figure] = []
    for name in names:
        section = SECTIONS[name]
        missing = [package for package in section.needs if importlib.util.find_spec(package) is None]
        if missing:
            print(f"{name}: left out, {', '.join(missing)} not installed", flush=True)
            continue
        print(f"{name}: {section.what} ...", end=" ", flush=True)
        began = time.perf_counter()
        found = section.measure(smoke)
        figures += found
        print(f"{time.perf_counter() - began:.0f} s" if found else "left out", flush=True)
    return figures


if __name__ == "__main__":
    main()
