"""Several regions and several songs on the command line: repeated options, lists, and what is done with them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daw_protocol.addresses import Command
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests import Render, Repaint
from daw_protocol.requests.regions import TO
from daw_protocol.requests.tracks import EACH, TOGETHER

BARS_HELP = 'the region as bars, inclusive: "17-20" or "17"; several regions: "17-20,33-36", or --bars again'


def add_several(one: argparse.ArgumentParser, command: Command) -> None:
    """The options that a command about songs has for several of them."""
    assert issubclass(command.request, Render)
    if command.request.spec().only_whole:
        return
    one.add_argument(
        "--region", action="append", metavar=f"START{TO}END",
        help=f'one of several regions: "12.5s{TO}16s", "17|1{TO}21|1" or bars; repeat it for each',
    )  # fmt: skip
    each = one.add_mutually_exclusive_group()
    each.add_argument(
        "--each", action="store_true", help="of several songs: render each by itself, in one job"
    )
    if command.request is Repaint:
        each.add_argument(
            "--together", action="store_true",
            help="of several tracks of one song: choose on their sum, and make the same of each",
        )  # fmt: skip


def with_regions(fields: Mapping[str, Any], regions: Sequence[str]) -> dict[str, Any]:
    """The request's values with bars and regions as the protocol has them: one as `bars`, several as `regions`."""
    found = dict(fields)
    bars = found.pop("bars", [])
    if len(bars) == 1 and not regions and "," not in bars[0]:
        return {**found, "bars": bars[0]}
    listed = [part.strip() for text in (*bars, *regions) for part in _parts(text)]
    return {**found, "regions": listed} if listed else found


def _parts(text: str) -> list[str]:
    """The regions of one option: bars may be listed with commas; positions may have decimal ones."""
    return [text] if TO in text else [part for part in text.split(",") if part.strip()]


def several(arguments: argparse.Namespace, songs: Sequence[Path | str]) -> dict[str, str]:
    """What is done with several songs. Raises ProtocolError where it was not typed."""
    if len(songs) < 2:
        return {}
    if getattr(arguments, "together", False):
        return {"mode": TOGETHER}
    if not getattr(arguments, "each", False):
        raise ProtocolError(
            ErrorCode.MISSING_FIELD,
            f"{len(songs)} songs are named, and not what to do with them.",
            "Add --each to render each by itself, or --together (repaint) for tracks of one song.",
            "mode",
        )
    return {"mode": EACH}
