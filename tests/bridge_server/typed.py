"""`takebridge` as one types it, carried out in this process: a new one would import for a second before it begins.

Parser, commands and the words people read are the real ones. What only a process has (its streams, signals and exit) is
tested with `run_bridge`.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge_server import __main__ as program
from tests.places import PROJECT, own_cache


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    returncode: int
    stdout: str
    stderr: str


def typed(store: Path, *words: str, cwd: Path | None = None) -> Ended:
    """One command, to its end."""
    printed, complained = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        _in_folder(cwd or PROJECT),
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(complained),
    ):
        patch.setattr(sys, "argv", ["takebridge", "--store", str(store), *words])
        for name, value in {**own_cache(), "COLUMNS": "300"}.items():
            patch.setenv(name, value)
        try:
            program.main()
        except SystemExit as end:
            status = int(end.code or 0)
    return Ended(status, printed.getvalue(), complained.getvalue())


@contextlib.contextmanager
def _in_folder(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
