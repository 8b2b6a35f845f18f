"""A JACK server without a sound card, of a test's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bridge_server.peers import PATIENCE


@contextmanager
def jack_server(folder: Path) -> Iterator[dict[str, str]]:
    """Starts it, its words in `folder`; gives what programs must have in their environment to find it and no other."""
    name = f"ace{time.monotonic_ns()}"
    found = {"JACK_DEFAULT_SERVER": name, "JACK_NO_START_SERVER": "1", "JACK_NO_AUDIO_RESERVATION": "1"}
    # A test that is killed takes its server along, which tidies up: one that is left behind keeps its name, and the
    # machine has only eight.
    ends_with_us = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []
    words = [
        *ends_with_us,
        "jackd",
        "--no-realtime",
        "-t",
        "5000",
        "-n",
        name,
        "-d",
        "dummy",
        "-r",
        "48000",
        "-p",
        "1024",
    ]
    log = folder / "jackd.log"
    with log.open("wb") as said:
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env={**os.environ, **found}
        )
    try:
        end = time.monotonic() + PATIENCE
        while _ports(found) is None:
            # A machine on which eight servers died without tidying up takes no more: jackd says so.
            assert process.poll() is None, f"jackd does not start: {log.read_text(errors='replace')}"
            assert time.monotonic() < end, f"jackd does not answer: {log.read_text(errors='replace')}"
            time.sleep(0.05)
        yield found
        # A server that ends while a client is going leaves its name behind, too.
        while any(not port.startswith("system:") for port in _ports(found) or ()):
            assert time.monotonic() < end + PATIENCE, "a client does not go"
            time.sleep(0.05)
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _ports(found: dict[str, str]) -> list[str] | None:
    """The names of all clients' ports; None while the server does not answer."""
    listed = subprocess.run(
        ["jack_lsp"], env={**os.environ, **found}, capture_output=True, check=False, text=True
    )
    return listed.stdout.split("\n")[:-1] if listed.returncode == 0 else None
