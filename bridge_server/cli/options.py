"""Options and types that several commands share."""

from __future__ import annotations

import argparse
import contextlib
import math
from pathlib import Path
from typing import TypeAlias

from bridge_server.engines.registry import MODELS_ENGINE
from daw_protocol.fields import Whole, number_in, shown

Subparsers: TypeAlias = (
    "argparse._SubParsersAction[argparse.ArgumentParser]"  # the only name argparse has for it
)


def in_help(text: object) -> str:
    """The text as argparse wants it in help, where a per cent sign begins a placeholder."""
    return str(text).replace("%", "%%")


def gigabytes(text: str) -> float:
    """A size of memory. Raises ArgumentTypeError."""
    with contextlib.suppress(ValueError):
        found = number_in(text)
        if isinstance(found, (int, float)) and 0 < found < math.inf:
            return float(found)
    raise argparse.ArgumentTypeError(f"{shown(text)} is no size in gigabytes, such as 8 or 5.5")


def port(text: str) -> int:
    """A port, or 0 for any free one. Raises ArgumentTypeError."""
    return _whole(text, Whole(0, 65_535))


def places(text: str) -> int:
    """How many renders at once. Raises ArgumentTypeError for what is no number; the settings know the limits."""
    return _whole(text, Whole(-(2**31), 2**31))


def _whole(text: str, kind: Whole) -> int:
    """A whole number, read as in a request. Raises ArgumentTypeError."""
    try:
        return kind.read(text)
    except (TypeError, ValueError) as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def models_option(one: argparse.ArgumentParser) -> None:
    """The option --models after the command as well; what was given before it counts unless it is repeated."""
    one.add_argument(
        "--models", type=Path, default=argparse.SUPPRESS, metavar="FOLDER",
        help=f"{MODELS_ENGINE.label} weights: a model's folder, or a folder with several models, vae and text encoder; "
        "networks that separate stems are looked for there too",
    )  # fmt: skip


def engine_options(one: argparse.ArgumentParser) -> None:
    """What engines are started with."""
    models_option(one)
    one.add_argument(
        "--device", default="", metavar="NAME",
        help="where neural networks run: cuda, cuda:1, xpu, mps or cpu (default: the best one there is)",
    )  # fmt: skip
    one.add_argument(
        "--memory-gb", type=gigabytes, metavar="GB",
        help=f"how much of the device's memory {MODELS_ENGINE.label} may use (default: what is free)",
    )  # fmt: skip
    one.add_argument(
        "--engine-option", action="append", default=[], metavar="ENGINE.NAME=VALUE",
        help="a start option of an engine, such as acestep.checkpoint=turbo; may be repeated",
    )  # fmt: skip


def json_option(one: argparse.ArgumentParser, what: str = "print JSON") -> None:
    one.add_argument("--json", action="store_true", help=what)
