"""The mailbox: requests and answers as files, with everything that files can be."""

from __future__ import annotations

import json
import logging
import os
import shutil
import time
from pathlib import Path

import pytest
import soundfile

from bridge_server.server import find_server, mailbox_root
from tests.bridge_server.mailbox_peer import MailboxPeer, a_call
from tests.bridge_server.peers import PATIENCE, ServerProcess, ServerThread, band_song, noise_song
from tests.bridge_server.servers import settings_in

REGION = {"source": "song.wav", "start": 12000, "end": 24000}


@pytest.fixture
def box(server) -> MailboxPeer:
    return MailboxPeer(mailbox_root(server.settings.store))


def names(lines):
    """What each line is, the response as "result" or "error"."""
    return [line.get("method") or ("result" if "result" in line else "error") for line in lines]


def test_a_render_is_answered_acknowledged_and_ended_in_one_file(box):
    name = box.call("repaint", **REGION, takes=2)
    lines = box.until_end(name)
    assert names(lines)[0] == "result"
    assert set(names(lines)[1:-1]) == {"progress", "take"}
    assert names(lines)[-1] == "done"
    assert lines[0]["id"] == 1
    assert lines[0]["result"]["state"] == "queued"
    takes = [line["params"] for line in lines if line.get("method") == "take"]
    assert [(take["position"], take["length"], take["rate"]) for take in takes] == [(12000, 12000, 48000)] * 2
    assert soundfile.info(takes[0]["path"]).frames == 12000
    box.gone(name)


def test_progress_comes_ten_times_a_second_at_most(box):
    began = time.monotonic()
    name = box.call("repaint", **REGION, engine="slow", options={"seconds": 1.2})
    lines = box.until_end(name)
    seconds = time.monotonic() - began
    count = names(lines).count("progress")
    assert 3 <= count <= 10 * seconds + 2


def test_scripts_of_one_name_share_what_they_said_before(box):
    assert "result" in box.ask("source", client="left", source="song.wav")
    assert "result" in box.ask("select", client="left", start=100, end=2100)
    took = box.until_end(box.call("repaint", client="left"))
    assert [line["params"]["position"] for line in took if line.get("method") == "take"] == [100]
    # Another one has said nothing: it means what is in focus.
    other = box.until_end(box.call("repaint", client="right"))
    assert [line["params"]["position"] for line in other if line.get("method") == "take"] == [100]
    # Once it has named a song it is on its own, and has no selection.
    assert "result" in box.ask("source", client="middle", source="long.wav")
    alone = box.ask("repaint", client="middle")
    assert alone["error"]["data"]["field"] == "start"


def test_a_batch_is_answered_as_one_and_in_order(box):
    calls = [
        a_call("source", "batch", source="song.wav"),
        {**a_call("select", "batch", start=0, end=4800), "id": 2},
        {**a_call("repaint", "batch"), "id": 3},
        {**a_call("nonesuch", "batch"), "id": 4},
        {**a_call("takes.list", "batch", limit=1), "id": 5},
        {**a_call("repaint", "batch", start=4800, end=9600), "id": 6},
    ]
    lines = box.until_end(box.put(json.dumps(calls)), ends=2)
    assert [answer["id"] for answer in lines[0]] == [1, 2, 3, 4, 5, 6]
    assert ["error" in answer for answer in lines[0]] == [False, False, False, True, False, False]
    assert sum(line["method"] == "take" for line in lines[1:]) == 2
    jobs = [lines[0][2]["result"]["job"], lines[0][5]["result"]["job"]]
    assert [line["params"]["job"] for line in lines[1:] if line["method"] == "done"] == jobs


def test_cancelling_from_another_request(box):
    name = box.call("repaint", **REGION, engine="slow", id="stop-me")
    box.wait(name, lambda lines: "progress" in names(lines))
    assert "result" in box.ask("cancel", job="stop-me")
    assert names(box.until_end(name))[-1] == "cancelled"


def test_a_repeated_id_is_answered_from_memory(box):
    first = box.until_end(box.call("repaint", **REGION, id="said-twice", client="twice"))
    again = box.until_end(box.call("repaint", **REGION, id="said-twice", client="twice"))
    assert names(again) == ["result", "take", "done"]
    assert again[0]["result"]["job"] == first[0]["result"]["job"]


def test_a_name_used_again_is_another_request(box):
    """Somebody who always writes in/again.json wants a new render each time."""
    first = box.until_end(box.call("repaint", "again", **REGION))
    box.gone("again")
    (box.root / "out" / "again.jsonl").unlink()
    second = box.until_end(box.call("repaint", "again", **REGION))
    assert first[0]["result"]["job"] != second[0]["result"]["job"]


def test_song_files_may_lie_in_the_mailbox(box):
    song = noise_song(box.root / "audio" / "from the DAW é.wav", seed=9)
    lines = box.until_end(box.call("repaint", source=str(song), start=0, end=4800))
    assert names(lines)[-1] == "done"


def test_a_file_elsewhere_is_refused(box, tmp_path):
    song = noise_song(tmp_path / "elsewhere.wav")
    answer = box.ask("repaint", source=str(song), start=0, end=4800)
    assert answer["error"]["data"]["code"] == "outside_roots"


def test_files_of_takes_come_as_files(box):
    take = next(line for line in box.until_end(box.call("repaint", **REGION)) if line.get("method") == "take")
    for what in ("clip", "handles", "song", "picture", "recipe"):
        found = box.ask("takes.fetch", take=take["params"]["take"], what=what)["result"]
        path = Path(found["path"])
        assert path.stat().st_size == found["bytes"]
        assert path.parent == box.root / "out"
        path.unlink()
    assert "take" in box.ask("takes.fetch", take="t-none")["error"]["data"]["field"]


def test_uploads_are_shown_the_other_way(box):
    answer = box.ask("upload.begin", name="a.wav", size=1, sha256="0" * 64)
    assert str(box.root / "audio") in answer["error"]["data"]["remedy"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", -32700),
        (b"no json at all", -32700),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "sta', -32700),
        (b"[" * 100_000, -32700),
        (b"\xff\xfe\x00garbage", -32700),
        (b"{}", -32600),
        (b"[]", -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "status", "client": 5}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "status", "params": []}', -32602),
        (b" " * (5 * 2**20), -32600),
    ],
    ids=["empty", "words", "half", "deep", "binary", "object", "batch", "client", "params", "huge"],
)
def test_garbage_is_answered_and_ends_nothing(box, content, code):
    name = box.put(content)
    answer = box.response(name)
    assert answer["error"]["code"] == code
    assert answer["error"]["data"]["remedy"]
    assert "result" in box.ask("status")


def test_a_byte_order_mark_is_no_garbage(box):
    name = box.put(b"\xef\xbb\xbf" + json.dumps(a_call("status")).encode())
    assert "result" in box.response(name)


def test_a_file_that_is_still_being_written_is_waited_for(box):
    """A script that does not rename: the server sees half of it first."""
    text = json.dumps(a_call("status"))
    path = box.root / "in" / "slowly.json"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text[:20])
        file.flush()
        time.sleep(0.2)  # it has certainly been looked at meanwhile
        assert path.exists()
        file.write(text[20:])
    assert "result" in box.response("slowly")


def test_a_bad_name_is_refused_and_kept_for_looking_at(box):
    name = box.put(json.dumps(a_call("status")), "two words!")
    assert "file name" in box.response(name)["error"]["message"]
    assert (box.root / "in" / "two words!.refused").exists()


def test_what_is_no_file_is_left_alone(box, tmp_path):
    (tmp_path / "secret.json").write_text("my secret")
    (box.root / "in" / "folder.json").mkdir()
    link = box.root / "in" / "link.json"
    try:
        link.symlink_to(tmp_path / "secret.json")
    except OSError:
        pytest.skip("SKIPPED: symbolic links need a right on Windows")
    assert "result" in box.ask("status")
    assert link.is_symlink()
    assert box.lines("link") == []
    link.unlink()
    (box.root / "in" / "folder.json").rmdir()


def test_a_mailbox_that_was_removed_comes_back(box):
    shutil.rmtree(box.root)
    deadline = time.monotonic() + PATIENCE
    while not (box.root / "in").is_dir() or not (box.root / "out").is_dir():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert "result" in box.ask("status")


def test_a_mailbox_that_cannot_be_made_does_not_stop_the_server(tmp_path, caplog):
    settings = settings_in(tmp_path)
    settings.store.mkdir()
    mailbox_root(settings.store).write_text("in the way")
    with ServerThread(settings) as server, server.websocket() as ws:
        assert ws.call("status")["engine"] == "noise"
        deadline = time.monotonic() + PATIENCE
        while not caplog.records:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    reported = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert 1 <= len(reported) <= 6, "it complains again and again"
    assert "mailbox" in reported[0].message


def test_answers_that_cannot_be_written_lose_no_job(tmp_path):
    """The out folder is gone and a file in its place: the job goes on, the next request is served."""
    with ServerThread(settings_in(tmp_path)) as server:
        noise_song(server.settings.roots[0] / "song.wav")
        box = MailboxPeer(mailbox_root(server.settings.store))
        box.wait("-", lambda _: (box.root / "out").is_dir())
        (box.root / "out").rmdir()
        (box.root / "out").write_text("in the way")
        box.gone(box.call("repaint", **REGION))
        with server.websocket() as ws:
            deadline = time.monotonic() + PATIENCE
            while not ws.call("jobs.list", state="done")["jobs"]:
                assert time.monotonic() < deadline
                time.sleep(0.02)
        (box.root / "out").unlink()
        assert "result" in box.ask("status")


def test_a_job_under_way_is_answered_in_the_same_file_by_the_next_server(tmp_path):
    settings = settings_in(tmp_path)
    noise_song(settings.roots[0] / "song.wav")
    box = MailboxPeer(mailbox_root(settings.store))
    with ServerThread(settings):
        box.wait("-", lambda _: (box.root / "in").is_dir())
        running = box.call("repaint", **REGION, engine="slow", options={"seconds": 1.0})
        waiting = box.call("repaint", **REGION)
        box.wait(running, lambda lines: "progress" in names(lines))
        box.response(waiting)
    late = box.call("repaint", **REGION)  # while no server runs
    with ServerThread(settings):
        for name in (running, waiting, late):
            lines = box.until_end(name)
            assert names(lines)[0] == "result"
            assert names(lines)[-1] == "done"
            assert names(lines).count("take") == 1


def test_a_request_a_killed_server_had_taken_is_rendered_once(tmp_path):
    settings = settings_in(tmp_path)
    noise_song(settings.roots[0] / "song.wav")
    box = MailboxPeer(mailbox_root(settings.store))
    with ServerThread(settings):
        box.wait("-", lambda _: (box.root / "in").is_dir())
        name = box.call("repaint", **REGION)
        first = box.until_end(name)
    # As if the server had been killed before it removed the request: it lies there still, as taken.
    text = json.dumps(a_call("repaint", **REGION))
    taken = box.root / "in" / f"{name}.taken"
    taken.write_text(text)
    job = first[0]["result"]
    stamp = int(job["id"].removeprefix(f"{name[:40]}-").split(".")[0], 16)
    os.utime(taken, ns=(stamp, stamp))
    with ServerThread(settings):
        lines = box.until_end(name, ends=2)
    assert lines[len(first)]["result"]["job"] == job["job"]
    assert not taken.exists()


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_an_answer_a_killed_server_did_not_complete_is_completed_by_the_next(tmp_path, lost):
    """Killed after the end of the job was recorded, before its last lines were written, or in the middle of one."""
    settings = settings_in(tmp_path)
    noise_song(settings.roots[0] / "song.wav")
    box = MailboxPeer(mailbox_root(settings.store))
    with ServerThread(settings):
        box.wait("-", lambda _: (box.root / "in").is_dir())
        name = box.call("repaint", **REGION, takes=2)
        whole = box.until_end(name)
    answer = box.root / "out" / f"{name}.jsonl"
    lines = answer.read_bytes().splitlines(keepends=True)
    rest = [line for line in lines if b'"progress"' not in line]
    answer.write_bytes(b"".join(rest[:-lost]) + rest[-lost][:20])
    with ServerThread(settings):
        found = box.until_end(name)
    assert names(found) == ["result", "take", "take", "done"]
    assert [line["params"]["take"] for line in found[1:3]] == [
        line["params"]["take"] for line in whole if line.get("method") == "take"
    ]
    with ServerThread(settings):
        assert "result" in box.ask("status")  # which it answers after it has completed what is incomplete
    assert box.lines(name) == found


def test_a_song_with_an_old_date_is_used_and_kept(tmp_path):
    """Copied with its date, by a program that keeps dates (Windows' CopyFile, cp -p), before the server starts."""
    settings = settings_in(tmp_path)
    box = MailboxPeer(mailbox_root(settings.store))
    for folder in ("in", "audio"):
        (box.root / folder).mkdir(parents=True)
    song = box.root / "audio" / "old.wav"
    noise_song(song)
    long_ago = time.time() - 2 * 86400
    os.utime(song, (long_ago, long_ago))
    name = box.call("repaint", source="old.wav", start=12000, end=24000)
    with ServerThread(settings):
        assert names(box.until_end(name))[-1] == "done"
    assert song.is_file()


@pytest.mark.slow
def test_a_killed_server_goes_on_answering_where_it_stopped(tmp_path):
    songs = tmp_path / "songs"
    songs.mkdir()
    band_song(songs / "band.wav", bars=16)
    server = ServerProcess(tmp_path / "store", songs).start()
    box = MailboxPeer(mailbox_root(server.store))
    try:
        name = box.call("repaint", source="band.wav", bars="3-6", bpm=120, takes=3)
        box.wait(name, lambda lines: "take" in names(lines))
        server.kill()
        server.start()
        lines = box.until_end(name)
    finally:
        server.stop()
    assert names(lines)[-1] == "done"
    assert names(lines).count("done") == 1
    assert [line["params"]["number"] for line in lines if line.get("method") == "take"] == [1, 2, 3]


def test_scripts_are_led_to_a_store_elsewhere_while_its_server_runs(tmp_path):
    pointer = tmp_path / "usual place" / "mailbox.txt"
    settings = settings_in(tmp_path, pointer=pointer)
    with ServerThread(settings):
        assert pointer.read_text(encoding="utf-8") == f"{mailbox_root(settings.store)}\n"
        found = find_server(settings.store)
        assert found is not None
        assert found["mailbox"] == str(mailbox_root(settings.store))
    assert not pointer.exists()
    with ServerThread(settings):
        pointer.write_text("another server's\n")
    assert pointer.read_text() == "another server's\n"
