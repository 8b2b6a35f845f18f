"""What producers' machines do: files that are missing, broken or change, regions that cannot be, disks that are full.

Each time the error names the file or field and the remedy, the server goes on answering, and the store is as before.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import uuid
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge_server.handlers.status import problems_in
from bridge_server.server import running_server
from bridge_server.settings import Limits
from clip_store.store import ClipStore
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.bridge_server.peers import TERMINAL, ServerThread, noise_song
from tests.bridge_server.servers import settings_in


def refused(server: ServerThread, source: str, *arguments: object, command: str = "repaint"):
    """Asks; returns the failure, after checking that nothing else has changed by it."""
    before = server.holdings()
    with server.osc() as osc:
        reply = osc.render(f"/bridge/{command}", uuid.uuid4().hex, "source", source, *arguments)[-1]
        assert reply.name == "failed", reply
        assert osc.ask("/bridge/status", "still-there").name == "ok"
    assert reply["remedy"]
    assert server.holdings() == before
    assert problems(server) == []
    return reply


def problems(server: ServerThread) -> list[str]:
    """What is damaged or missing in a server's store."""
    store = server.server.store
    return problems_in(store.blobs, server.on_loop(store.index.referenced_digests))


REGION = ("start", 1000, "end", 2000)


def missing(path: Path) -> None:
    pass


def empty(path: Path) -> None:
    path.write_bytes(b"")


def truncated(path: Path) -> None:
    noise_song(path)
    path.write_bytes(path.read_bytes()[:5000])


def not_audio(path: Path) -> None:
    path.write_text("la la la\n" * 100)


def three_channels(path: Path) -> None:
    noise_song(path, frames=4800, channels=3)


def odd_rate(path: Path) -> None:
    noise_song(path, frames=4800, rate=3200)


def folder(path: Path) -> None:
    path.mkdir()


def not_numbers(path: Path) -> None:
    samples = np.zeros((4800, 1), np.float32)
    samples[100] = np.nan
    soundfile.write(path, samples, 48000, subtype="FLOAT")


def header_only(path: Path) -> None:
    soundfile.write(path, np.zeros((0, 2)), 48000)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (missing, "file_missing"), (empty, "file_unreadable"), (truncated, "file_unreadable"),
        (not_audio, "file_unreadable"), (three_channels, "file_unreadable"), (odd_rate, "file_unreadable"),
        (folder, "file_missing"), (not_numbers, "file_unreadable"), (header_only, None),
    ],
)  # fmt: skip
def test_a_file_that_is_no_song(server, songs, make, code):
    name = f"bad {make.__name__}.wav"
    make(songs / name)
    try:
        reply = refused(server, name, *REGION)
    finally:
        path = songs / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    if code:
        assert (reply["code"], reply["field"]) == (code, "source")
        assert name in reply["sentence"]
    assert reply["code"] in ("file_missing", "file_unreadable", "bad_region")


@pytest.mark.parametrize("source", ["../secret.wav", "/etc/passwd", "songs/../../x.wav", "\x7f", "a" * 1000])
def test_a_file_outside_the_folders(server, source):
    reply = refused(server, source, *REGION)
    assert (reply["code"] in ("outside_roots", "file_missing"), reply["field"]) == (True, "source")


def test_a_link_does_not_lead_out_of_the_folders(server, songs, tmp_path):
    outside = noise_song(tmp_path / "outside.wav", frames=4800)
    (songs / "link.wav").symlink_to(outside)
    try:
        reply = refused(server, str(songs / "link.wav"), *REGION)
    finally:
        (songs / "link.wav").unlink()
    assert (reply["code"], reply["field"]) == ("outside_roots", "source")
    assert str(outside) not in reply["sentence"]


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("start", 2000, "end", 2000), "end"),
        (("start", 2000, "end", 1000), "end"),
        (("start", 47000, "end", 48001), "end"),
        (("start", 48000, "end", 49000), "start"),
        (("start", 10**9, "end", 10**9 + 5), "start"),
        (("start", -5, "end", 1000), "start"),
        (("start", 1000, "end", 2000, "source_position", 1001), "start"),
        (("bars", "2-3", "bpm", 120), "start"),
        (("bars", "3-2", "bpm", 120), "start"),
    ],
)
def test_a_region_that_cannot_be(server, arguments, field):
    reply = refused(server, "song.wav", *arguments)
    assert reply["code"] in ("bad_region", "out_of_range")
    assert reply["field"] in (field, "bars")


def test_a_gap_after_the_song_cannot_be_completed(server):
    reply = refused(server, "song.wav", "start", 48001, "end", 50000, command="complete")
    assert (reply["code"], reply["field"]) == ("bad_region", "start")


def test_no_song_was_named(start_server):
    with start_server().osc() as osc:  # one where no song is in focus either
        reply = osc.ask("/bridge/repaint", "no-song", *REGION)
    assert (reply.name, reply["code"], reply["field"]) == ("failed", "missing_field", "source")


@pytest.mark.parametrize("how", ["rewritten", "removed"])
def test_a_song_that_changes_during_the_render(server, songs, how):
    path = noise_song(songs / "changing.wav", seed=3)
    with server.osc() as osc:
        options = '{"seconds": 0.5}'
        osc.send(
            "/bridge/repaint",
            f"change-{how}",
            "source",
            path.name,
            *REGION,
            "engine",
            "slow",
            "options",
            options,
        )
        while osc.receive().name != "progress":
            pass
        while osc.receive()["stage"] != "rendering":
            pass
        before = server.takes()
        if how == "removed":
            path.unlink()
        else:
            noise_song(path, seed=4)
        reply = osc.until_end(f"change-{how}")[-1]
        path.unlink(missing_ok=True)
        assert (reply.name, reply["field"]) == ("failed", "source")
        assert reply["code"] == {"rewritten": "file_changed", "removed": "file_missing"}[how]
        assert path.name in reply["sentence"]
        assert reply["remedy"]
        assert server.takes() == before


@pytest.mark.parametrize(
    ("frames", "seed", "read_before", "outcome"),
    [
        (48000, 4, False, "warned"),
        (48000, 4, True, "warned"),
        (48000, 3, True, "as before"),
        (48001, 3, True, "refused"),
    ],
    ids=["other sound", "other sound, known before", "the same sound", "longer"],
)
def test_a_song_that_is_saved_again_while_its_job_waits(server, songs, frames, seed, read_before, outcome):
    path = noise_song(songs / f"waiting {frames} {seed} {read_before}.wav", seed=3)
    os.utime(path, (1_000_000_000, 1_000_000_000))
    with server.osc() as osc:
        if read_before:
            osc.render("/bridge/repaint", uuid.uuid4().hex, "source", path.name, *REGION)
        busy, waiting = uuid.uuid4().hex, uuid.uuid4().hex
        osc.send("/bridge/repaint", busy, "source", "song.wav", *REGION, "engine", "slow")
        while osc.receive().name != "progress":
            pass
        slow = ("engine", "slow", "options", '{"seconds": 0.05}')
        osc.send("/bridge/repaint", waiting, "source", path.name, *REGION, *slow)
        while osc.receive()["id"] != waiting:
            pass
        noise_song(path, frames, seed=seed)
        osc.send("/bridge/cancel", busy)
        replies = osc.until_end(waiting)
    path.unlink()
    ready = [reply for reply in replies if reply.name == "take"]
    if outcome == "refused":
        end = replies[-1]
        assert (end.name, end["code"], end["field"], ready) == ("failed", "file_changed", "source", [])
        assert path.name in end["sentence"]
        assert end["remedy"]
        return
    (reply,) = ready
    assert reply["passed"] == (outcome == "as before")
    assert reply.values.get("warning", "").startswith(
        "" if reply["passed"] else f"{path.name} was saved again"
    )
    (take,) = server.takes(job=reply["job"])
    assert take.receipt.outside_identical
    now = noise_song(songs / "now.wav", frames, seed=seed)
    heard, _ = soundfile.read(now, dtype="float32")
    whole = server.server.store.song_with(take).samples
    assert np.array_equal(whole[: REGION[1]], heard[: REGION[1]])
    assert np.array_equal(whole[REGION[3] :], heard[REGION[3] :]), "outside it is the song as it is now"


def test_a_song_longer_than_the_limit(start_server):
    server = start_server(limits=Limits(song_seconds=0.5))
    reply = refused(server, "song.wav", *REGION)
    assert (reply["field"], "song.wav" in reply["sentence"]) == ("source", True)


def test_a_full_queue_says_so(start_server):
    server = start_server(limits=Limits(queued_jobs=2))
    with server.osc() as osc:
        osc.send("/bridge/repaint", "running", "source", "song.wav", *REGION, "engine", "slow")
        while osc.receive().name != "progress":
            pass
        short = ("engine", "slow", "options", '{"seconds": 0.05}')  # jobs of another engine would not wait
        for name in ("first", "second", "third", "fourth"):
            track = ("track", "Lead", "replace", True) if name in ("second", "fourth") else ()
            osc.send("/bridge/repaint", name, "source", "song.wav", *REGION, *short, *track)
        third = osc.until_end("third")[-1]
        assert (third.name, third["code"]) == ("failed", "queue_full")
        assert third["remedy"]
        osc.send("/bridge/cancel", "running")
        ends = {}
        while len(ends) < 4:
            reply = osc.receive()
            if reply.name in TERMINAL:
                ends[reply["id"]] = reply.name
        # What takes the place of a waiting request needs no place of its own.
        assert ends == {"running": "cancelled", "first": "done", "second": "cancelled", "fourth": "done"}


# Disks


def test_a_store_that_cannot_be_written(read_only_folder):
    async def start() -> None:
        settings = settings_in(read_only_folder.parent, store=read_only_folder / "store")
        async with running_server(settings):
            raise AssertionError("started without a store")

    with pytest.raises(ProtocolError, match="read only") as caught:
        asyncio.run(start())
    assert caught.value.code is ErrorCode.STORE_FAILED
    assert "--store" in caught.value.remedy


def fill(disk: Path, leave: int) -> Path:
    """A file that leaves so many bytes free."""
    file = disk / "filler"
    free = shutil.disk_usage(disk).free
    # The server may take some of it meanwhile: then it is full all the same.
    with contextlib.suppress(OSError), open(file, "wb", buffering=0) as filler:
        left = max(0, free - leave)
        while left > 0:
            left -= filler.write(bytes(min(left, 4096)))
    return file


@pytest.mark.parametrize("leave", [0, 64 * 1024, 400 * 1024])
def test_a_full_disk(small_disk, tmp_path, leave):
    """The song does not fit, or the render, or the take; once there is room the same server renders again."""
    settings = settings_in(tmp_path, store=small_disk / "store")
    noise_song(settings.roots[0] / "song.wav")
    with ServerThread(settings) as server, server.osc() as osc:
        filler = fill(small_disk, leave)
        before = server.takes()
        reply = osc.render("/bridge/repaint", "no-room", "source", "song.wav", *REGION)[-1]
        assert (reply.name, reply["code"]) == ("failed", "store_failed"), reply
        assert "disk" in reply["remedy"] or "space" in reply["remedy"]
        assert osc.ask("/bridge/status", "still-there").name == "ok"
        assert server.takes() == before
        assert problems(server) == []
        assert server.holdings()[2] == []
        filler.unlink()
        assert osc.render("/bridge/repaint", "room", "source", "song.wav", *REGION)[-1].name == "done"


def test_a_disk_that_fills_while_jobs_wait(small_disk, tmp_path):
    """The queue cannot be written for a while: the worker survives, and accepted jobs are done when it can."""
    settings = settings_in(tmp_path, store=small_disk / "store")
    noise_song(settings.roots[0] / "song.wav")
    with ServerThread(settings) as server, server.osc() as osc:
        assert osc.render("/bridge/repaint", "warm", "source", "song.wav", *REGION)[-1].name == "done"
        slow = ("engine", "slow", "options", '{"seconds": 0.5}')
        osc.send("/bridge/repaint", "first", "source", "song.wav", *REGION, *slow)
        osc.send("/bridge/repaint", "second", "source", "song.wav", *REGION, *slow)
        wanted = {("first", "progress"), ("second", "ack")}  # rendered, and accepted: then the disk is full
        while wanted:
            reply = osc.receive()
            wanted.discard((reply["id"], reply.name))
        filler = fill(small_disk, 0)
        assert osc.until_end("first")[-1].name == "failed"
        filler.unlink()
        last = osc.until_end("second")[-1]
        assert last.name == "done", last
        third = osc.render("/bridge/repaint", "third", "source", "song.wav", *REGION)[-1]
        assert third.name == "done", third


def test_a_store_whose_clips_cannot_be_written(start_server):
    """A file where the folder of clips should be: the take is refused in words, and the server goes on."""
    server = start_server()
    store: ClipStore = server.server.store
    (store.root / "clips").write_text("in the way")
    with server.osc() as osc:
        reply = osc.render("/bridge/repaint", "x", "source", "song.wav", *REGION)[-1]
        assert (reply.name, reply["code"]) == ("failed", "store_failed")
        assert "clips" in reply["sentence"]
        assert reply["remedy"]
        (store.root / "clips").unlink()
        assert osc.render("/bridge/repaint", "y", "source", "song.wav", *REGION)[-1].name == "done"
