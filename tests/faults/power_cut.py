"""One upload, one request and its take, one letter: a server whose system calls are logged, and what the log proves.

Whether the disk then keeps what it was told to keep is the disk's affair.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
from pathlib import Path

from tests.bridge_server.mailbox_peer import MailboxPeer
from tests.bridge_server.peers import PATIENCE, OscPeer, ServerProcess, band_song, bridge_command
from tests.faults.asks import BARS, BPM, SONG
from tests.faults.syscall_log import TRACED, DurabilityCheck

PRECIOUS = ("store.sqlite3/", "store.sqlite3-wal/", "blobs/", "clips/", "mailbox/out/")
ACKNOWLEDGEMENT = re.compile(r"\\\"source\\\": ?\\\"audio:|/bridge/(ack|take|done)")
EXPECTED = ("source", "/bridge/ack", "/bridge/take", "/bridge/done", ".jsonl")


def strace() -> str | None:
    """The program that logs system calls, where there is one."""
    return shutil.which("strace")


def traced_run(folder: Path) -> DurabilityCheck:
    """Starts a server on an empty store under strace, has it accept and make something by three doors, and stops it."""
    log, store, songs = folder / "calls.log", folder / "new" / "store", folder / "songs"
    songs.mkdir()
    band_song(songs / SONG, bars=BARS * 120 // round(BPM))
    tracer = (
        strace() or "strace",
        "-f",
        "--seccomp-bpf",
        "-y",
        "-s",
        "4096",
        "-e",
        f"trace={TRACED}",
        "-o",
        str(log),
    )
    server = ServerProcess(store, songs, program=(*tracer, *bridge_command(store))).start()
    try:
        source = _uploaded(server, (songs / SONG).read_bytes())
        osc = OscPeer(server.osc_port)
        replies = osc.render(
            "/bridge/repaint",
            "traced",
            "source",
            source,
            "source_position",
            "0s",
            "bars",
            "2-2",
            "bpm",
            BPM,
        )
        assert replies[-1].name == "done", replies[-1]
        osc.close()
        box = MailboxPeer(Path(server.address["mailbox"]))
        name = box.call("repaint", source=SONG, bars="3-3", bpm=BPM)
        box.until_end(name)
        box.gone(name)
    finally:
        os.kill(server.address["pid"], signal.SIGTERM)
        assert server.process is not None
        server.process.wait(PATIENCE)
        server.kill()
    check = DurabilityCheck(lambda path: _is_precious(path, store), ACKNOWLEDGEMENT)
    with log.open(encoding="utf-8", errors="replace") as lines:
        check.follow(lines)
    return check


def _uploaded(server: ServerProcess, data: bytes) -> str:
    """The source that a file has become."""
    connection = http.client.HTTPConnection("127.0.0.1", server.address["websocket_port"], timeout=PATIENCE)
    try:
        connection.request("PUT", f"/uploads/{SONG}", data)
        return str(json.loads(connection.getresponse().read())["source"])
    finally:
        connection.close()


def _is_precious(path: str, store: Path) -> bool:
    """Whether it is of the store, and has to survive; also the folders that lead to it. Unfinished files need not."""
    if path in (str(store), *map(str, store.parents)):
        return True
    below = path.removeprefix(f"{store}/")
    return below != path and not below.endswith(".part") and f"{below}/".startswith(PRECIOUS)
