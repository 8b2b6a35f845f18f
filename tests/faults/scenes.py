"""One fault each, against a running server: what a producer would do meanwhile, and what must come of it.

Each function returns the promises that were broken, as sentences; nothing for none.
"""

from __future__ import annotations

import contextlib
import resource
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from bridge_server.logs import LOG_FILE
from tests.bridge_server.mailbox_peer import MailboxPeer
from tests.bridge_server.peers import OscPeer, RpcError, noise_song, run_bridge
from tests.faults.rig import REPAINT, Rig, suspended

DAY = 86_400
MORE_CONNECTIONS = 40
MOST_LINES = 50  # a second, in the log
ROOM_BYTES = 8_000_000  # an engine may still take: less than a render needs


def suspend(rig: Rig, seconds: float) -> list[str]:
    """The server sleeps, then its engine: what was asked before or meanwhile is done, once."""
    problems = []
    osc = OscPeer(rig.server.osc_port)
    with rig.websocket() as peer:
        first = peer.call("repaint", takes=2, **REPAINT)["job"]
        with suspended(rig.pid):
            osc.send("/bridge/status", "while-asleep")
            time.sleep(seconds)
        if osc.receive().name != "ok":
            problems.append("a request from the time of sleep was not answered")
        _wait_for_engine(rig)
        for pid in rig.engine_pids():
            with suspended(pid):
                time.sleep(seconds)
        replies = peer.until_end(first)
        takes = [reply["number"] for reply in replies if reply.name == "take"]
        if (replies[-1].name, takes) != ("done", [1, 2]):
            problems.append(f"the job ended {replies[-1].name} with takes {takes}")
    osc.close()
    return problems + rig.verified()


def _wait_for_engine(rig: Rig) -> None:
    while not rig.engine_pids():
        time.sleep(0.05)


def set_the_clock(rig: Rig, clock: Path) -> list[str]:
    """The clock goes back and forth while jobs wait: neither their order nor what is removed depends on it."""
    problems = []
    box = MailboxPeer(Path(rig.server.address["mailbox"]))
    with rig.websocket() as peer:
        jobs = []
        for number, days in enumerate((0, -2, 10, -1)):
            clock.write_text(str(days * DAY))
            jobs.append(peer.call("repaint", id=f"clock-{number}-{time.monotonic_ns()}", **REPAINT)["job"])
        letter = box.call("repaint", **REPAINT)
        clock.write_text(str(30 * DAY))
        peer.call("store.sweep")
        ends: list[str] = []
        while len(ends) < len(jobs):
            reply = peer.next_received()
            if reply.name in ("done", "failed"):
                ends.append(reply["job"])
                if reply.name == "failed":
                    problems.append(f"a job failed: {reply['sentence']}")
        if ends != jobs:
            problems.append(f"jobs {jobs} ended in the order {ends}")
        if box.until_end(letter)[-1]["method"] != "done":
            problems.append("the letter was not answered")
        clock.write_text("0")
    return problems + rig.verified()


def use_up_files(rig: Rig) -> list[str]:
    """The process may open no more files: whoever is connected is answered, and when some close all is as before."""
    problems, began = [], time.monotonic()
    with rig.websocket() as peer, _few_files(rig.pid):
        opened = [_connection(rig) for _ in range(MORE_CONNECTIONS)]
        if peer.call("status")["engine"] != "sketch":
            problems.append("the status is wrong")
        try:
            end = peer.until_end(peer.call("repaint", **REPAINT)["job"])[-1]
            if end.name == "failed" and not end["remedy"]:
                problems.append(f"the failure has no remedy: {end['sentence']}")
        except RpcError as error:
            if not error.remedy:
                problems.append(f"the refusal has no remedy: {error.sentence}")
        for connection in opened:
            connection.close()
    if (end := rig.render()[-1]).name != "done":
        problems.append(f"afterwards a job ended {end.name}: {end.values}")
    log = (rig.server.store / "logs" / LOG_FILE).read_text(encoding="utf-8")
    if (lines := log.count("Too many open files")) > MOST_LINES * (time.monotonic() - began):
        problems.append(f"it was logged {lines} times")
    return problems + rig.verified()


@contextlib.contextmanager
def _few_files(pid: int) -> Iterator[None]:
    """A process that may open ten more files than it has now."""
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    most = max(int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir())
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (most + 10, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


def _connection(rig: Rig) -> socket.socket:
    return socket.create_connection(("127.0.0.1", rig.server.address["websocket_port"]))


def use_up_memory(rig: Rig) -> list[str]:
    """The engine's process may hardly grow: its job fails in words, and the next one is done."""
    problems = []
    if rig.render()[-1].name != "done":
        problems.append("a job with room failed")
    for pid in rig.engine_pids():
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[0])
        most = pages * resource.getpagesize() + ROOM_BYTES
        resource.prlimit(pid, resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))
    noise_song(rig.songs / "long.wav", frames=48_000 * 30)
    cramped = rig.render(source="long.wav", bars="3-20")[-1]
    if cramped.name == "failed" and not (cramped["code"] == "out_of_memory" and cramped["remedy"]):
        problems.append(f"without room a job failed: {cramped.values}")
    if cramped.name == "done":
        problems.append("the limit was not felt")
    if (end := rig.render()[-1]).name != "done":
        problems.append(f"afterwards a job ended {end.name}: {end.values}")
    return problems + rig.verified()


def start_a_second(rig: Rig) -> list[str]:
    """A second server on the same store: refused in words, and the first one does not notice."""
    found = run_bridge(rig.server.store, "serve", "--port", "0", "--osc-port", "0")
    problems = []
    if found.returncode != 1 or "Another server" not in found.stderr or "--store" not in found.stderr:
        problems.append(f"it ended with {found.returncode} and said {found.stderr!r}")
    if rig.render()[-1].name != "done":
        problems.append("the first server does not render any more")
    return problems


def change_sources(rig: Rig, secret: Path) -> list[str]:
    """Songs that are replaced, cut short, removed or become a link while their jobs wait.

    secret: a song outside the server's folders.
    """
    problems = []
    names = ("replaced", "truncated", "removed", "linked")
    for seed, name in enumerate(names):
        noise_song(rig.songs / f"{name}.wav", frames=48_000 * 6, seed=seed)
    with rig.websocket() as peer:
        busy = peer.call("extract", source=REPAINT["source"], bars="3", bpm=REPAINT["bpm"])["job"]
        jobs = {
            name: peer.call("repaint", **{**REPAINT, "source": f"{name}.wav", "source_position": "0s"})["job"]
            for name in names
        }
        noise_song(rig.songs / "new.wav", frames=48_000 * 6, seed=99).replace(rig.songs / "replaced.wav")
        with open(rig.songs / "truncated.wav", "rb+") as file:
            file.truncate(5000)
        (rig.songs / "removed.wav").unlink()
        (rig.songs / "linked.wav").unlink()
        (rig.songs / "linked.wav").symlink_to(secret)
        ends = {}
        while len(ends) <= len(jobs):
            reply = peer.next_received()
            if reply.name in ("done", "failed"):
                ends[reply["job"]] = reply
        takes = {take["job"] for take in peer.call("takes.list", limit=1000)["takes"]}
    if ends[busy].name != "done":
        problems.append(f"the job before them ended {ends[busy].values}")
    for name, job in jobs.items():
        end = ends[job]
        if name != "replaced" and (end.name != "failed" or not end["remedy"] or job in takes):
            problems.append(f"the song that was {name} ended {end.name}: {end.values}")
    return problems + rig.verified()
