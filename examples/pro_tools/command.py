"""The command line: a request about what is selected in Pro Tools, or the self-test."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from . import selftest
from .bridge import Bridge
from .link import ADDRESS, connected
from .problem import Problem
from .render import Wanted, how_to_remove, render
from .tempo import tempo_fields

TASKS = {
    "repaint": "new takes of the selection",
    "complete": "continue the song into the selection",
    "accompany": "a backing for the selected track",
    "extract": "split the selection into stems",
}
INTERRUPTED = 130


def main(words: Sequence[str]) -> int:
    """The exit status."""
    given = parser().parse_args(words)
    try:
        with connected(given.pro_tools, say) as link:
            if given.command == "selftest":
                return selftest.run(link, say)
            bridge = Bridge(given.host, given.port, given.token)
            placed = render(link, bridge, wanted(given), say)
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    for take in placed:
        say(f"{take.track}: at sample {take.position}, {take.length} long, muted.")
    say(f"Unmute the one you want, and mute what it replaces. {how_to_remove(placed)}")
    return 0


def say(line: str) -> None:
    """A line for the producer, at once."""
    print(line, flush=True)


def wanted(given: argparse.Namespace) -> Wanted:
    """The request as it was typed. Raises Problem for a tempo map that cannot be read."""
    fields = {
        name: value
        for name in ("prompt", "takes", "strength", "seed", "key", "stems")
        if (value := getattr(given, name, None)) is not None
    }
    return Wanted(
        given.command, fields | tempo_fields(given.tempo_map, given.bpm), getattr(given, "each", False)
    )


def parser() -> argparse.ArgumentParser:
    """All commands."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--pro-tools", default=ADDRESS, metavar="HOST:PORT", help=f"where Pro Tools answers ({ADDRESS})"
    )
    made = argparse.ArgumentParser(prog=f"python -m {__package__}", description=__doc__)
    commands = made.add_subparsers(dest="command", required=True)
    for task, text in TASKS.items():
        _add_options(commands.add_parser(task, help=text, description=text, parents=[shared]), task)
    text = "check in an empty session whether this Pro Tools does what the other commands rely on"
    commands.add_parser("selftest", help=text, description=text, parents=[shared])
    return made


def _add_options(one: argparse.ArgumentParser, task: str) -> None:
    one.add_argument("--prompt", help="what it should sound like")
    if task == "extract":
        one.add_argument("--stems", help='such as "vocals,drums"; by default all')
    else:
        one.add_argument("--takes", type=int, default=3, help="how many (3)")
        one.add_argument("--strength", type=float, help="0: close to the original, 1: far from it")
        one.add_argument("--seed", type=int, help="the same seed gives the same takes")
    if task == "repaint":
        one.add_argument(
            "--each", action="store_true", help="of several tracks: each by itself, not together"
        )
    tempo = one.add_mutually_exclusive_group()
    tempo.add_argument("--tempo-map", type=Path, metavar="FILE.mid", help="from File > Export > MIDI")
    tempo.add_argument("--bpm", type=float, help="the tempo, if it never changes")
    one.add_argument("--key", help='such as "A minor"')
    one.add_argument("--host", default="127.0.0.1", help="where the Takebridge server is (this machine)")
    one.add_argument("--port", type=int, default=9125, help="its port (9125)")
    one.add_argument("--token", default="", help="where the server asks for one")
