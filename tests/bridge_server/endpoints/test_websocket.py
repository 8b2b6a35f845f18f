"""JSON-RPC and audio over a real WebSocket: every method, uploads whole and broken, downloads, rude clients."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import socket
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest
import soundfile
from websockets.exceptions import ConnectionClosed

from bridge_server.endpoints import websocket
from bridge_server.endpoints.outbox import Outbox
from bridge_server.endpoints.websocket import WebSocketClient
from daw_protocol.addresses import COMMANDS, Group
from daw_protocol.requests import RankTakes, ReadTrainingSongs
from tests.bridge_server.peers import PATIENCE, RpcError, in_order, noise_song

REGION = {"source": "song.wav", "start": 12000, "end": 24000}


@pytest.fixture
def take(ws):
    """A finished take of the shared song."""
    return next(reply for reply in ws.render("repaint", **REGION) if reply.name == "take")


def test_a_render_is_answered_then_followed_by_notifications(ws):
    answer = ws.call("repaint", id="mine", takes=2, **REGION)
    assert answer["state"] == "queued"
    replies = ws.until_end(answer["job"])
    names = [reply.name for reply in replies]
    assert names.count("take") == 2
    assert replies[-1].values == {"id": "mine", "job": answer["job"], "takes": 2}
    assert {"progress", "take", "done"} == set(names)


def test_every_method_answers_or_says_what_is_missing(ws, take):
    """Every answer is checked against the schema: WebSocketPeer does that with all it ever gets."""
    other = next(reply for reply in ws.render("repaint", **REGION) if reply.name == "take")
    given = {
        "vary": {"take": take["take"]}, "cancel": {"job": take["job"]}, "jobs.show": {"job": take["job"]},
        "tempo": {"bpm": 99}, "meter": {"meter": "3/4"}, "key": {"key": "C"}, "source": {"source": "song.wav"},
        "select": {"start": 0, "end": 4800}, "transport": {"position": 0},
        "takes.show": {"take": take["take"]}, "takes.choose": {"take": take["take"]},
        "takes.revert": {"take": take["take"]}, "takes.fetch": {"take": take["take"]},
        "takes.redo": {"take": take["take"]}, "takes.lineage": {"take": take["take"]},
        "takes.delete": {"take": take["take"]}, "takes.mark": {"take": other["take"], "stars": 3},
        "export": {"what": "take", "name": other["take"], "format": "midi"},
        "upload.begin": {"name": "x.wav", "size": 1, "sha256": "0" * 64},
        "songs.tempo": {"source": "song.wav", "bpm": 99}, "analyse": {"source": "song.wav"},
        "prompts.recent": {"source": "song.wav"}, "presets.save": {"name": "x", "task": "repaint"},
        "presets.delete": {"name": "x"},
        "songs.ledger": {"song": ws.call("takes.show", take=other["take"])["song"]},
        "generate": {"length": 4800}, **dict.fromkeys(("extract", "accompany", "complete", "lego", "cover"), REGION),
        "repaint": REGION,
    }  # fmt: skip
    jobs = []
    for command in COMMANDS:
        if command.group is Group.AUDITION:
            continue  # needs a sound device: tests/bridge_server/audition
        if command.name in ("songs.undo", "songs.redo"):
            continue  # there must be something to undo: tests/bridge_server/handlers/test_takes.py
        if command.name in ("takes.rank", "takes.words"):
            continue  # a network's weights must be there: tests/bridge_server/handlers/test_ranking.py
        if command.name in ("models.get", "models.cancel"):
            continue  # an engine must use models: tests/bridge_server/handlers/test_models.py
        if command.group is Group.TRAINING and command.name != "training.list":
            continue  # there must be songs and models: tests/bridge_server/handlers/test_training_desk.py
        answer = ws.call(command.name, **given.get(command.name, {}))
        assert isinstance(answer, dict), command.name
        if answer.get("state") == "queued":
            jobs.append(answer["job"])
    ends = {job: ws.until_end(job)[-1].name for job in jobs}
    assert len(ends) == 11
    assert set(ends.values()) == {"done"}


def test_takes_are_chosen_and_reverted(ws):
    jobs = [reply["take"] for reply in ws.render("repaint", takes=2, **REGION) if reply.name == "take"]
    first, second = jobs
    assert ws.call("takes.choose", take=first)["chosen"] == first
    assert ws.call("takes.choose", take=second)["chosen"] == second
    assert ws.call("takes.revert", take=second)["chosen"] == first
    assert ws.call("takes.revert", take=first)["chosen"] is None
    assert ws.call("takes.redo", take=second)["chosen"] == first


def test_a_take_of_a_take_can_be_asked_for(ws, take, server):
    replies = ws.render("repaint", source=f"take:{take['take']}", start=0, end=2000)
    (made,) = [reply for reply in replies if reply.name == "take"]
    (record,) = server.takes(job=made["job"])
    original = server.on_loop(lambda: server.server.store.index.get(take["take"]))
    assert record.parent == original.result


def test_a_variation_keeps_everything_but_what_is_asked(ws, take, server):
    replies = ws.render("vary", take=take["take"], seed=77)
    (made,) = [reply for reply in replies if reply.name == "take"]
    (record,) = server.takes(job=made["job"])
    assert (record.origin, made["seed"]) == (take["take"], 77)
    assert (made["position"], made["length"]) == (take["position"], take["length"])
    again = ws.render("vary", take=take["take"], seed=take["seed"])
    (same,) = [reply for reply in again if reply.name == "take"]
    assert ws.fetch(same["take"], "song") == ws.fetch(take["take"], "song")


def test_a_batch_is_answered_as_one(ws):
    batch = [
        {"jsonrpc": "2.0", "id": 1, "method": "status"},
        {"jsonrpc": "2.0", "method": "tempo", "params": {"bpm": 90}},
        {"jsonrpc": "2.0", "id": "two", "method": "nonsense"},
        17,
        {"jsonrpc": "2.0", "id": 3, "method": "repaint", "params": {"takes": "x"}},
    ]
    ws.connection.send(json.dumps(batch))
    answers = ws.frame()
    assert [answer["id"] for answer in answers] == [1, "two", None, 3]
    assert "result" in answers[0]
    assert [answer["error"]["code"] for answer in answers[1:]] == [-32601, -32600, -32602]


def test_notifications_are_done_but_not_answered(ws):
    ws.connection.send(
        json.dumps({"jsonrpc": "2.0", "method": "select", "params": {"start": 100, "end": 900}})
    )
    ws.connection.send(json.dumps({"jsonrpc": "2.0", "method": "select", "params": {"start": "?"}}))
    assert ws.call("status")["engine"] == "noise"
    replies = ws.render("repaint", source="song.wav")
    assert [(reply["position"], reply["length"]) for reply in replies if reply.name == "take"] == [(100, 800)]


@pytest.mark.parametrize(
    ("text", "rpc_code"),
    [
        ("", -32700), ("{", -32700), ("nonsense", -32700), ('{"a":NaN}', -32700), ("[" * 100_000, -32700),
        ("1" * 10_000, -32600), ("[]", -32600), ("17", -32600), ("null", -32600), ("{}", -32600),
        ('{"jsonrpc":"1.0","id":1,"method":"status"}', -32600),
        ('{"jsonrpc":"2.0","id":1}', -32600), ('{"jsonrpc":"2.0","id":1,"method":7}', -32600),
        ('{"jsonrpc":"2.0","id":[],"method":"status"}', -32600),
        ('{"jsonrpc":"2.0","id":1,"method":"status","params":[1]}', -32602),
        ('{"jsonrpc":"2.0","id":1,"method":"status","params":{"x":1}}', -32602),
        ('{"jsonrpc":"2.0","id":1,"method":"__init__"}', -32601),
        ('{"jsonrpc":"2.0","id":1,"method":"status","params":{"id":"\\ud800"}}', -32602),
        (json.dumps([{"jsonrpc": "2.0", "id": n, "method": "status"} for n in range(65)]), -32600),
    ],
)  # fmt: skip
def test_malformed_json_is_answered(ws, text, rpc_code):
    ws.connection.send(text)
    answer = ws.frame()
    assert answer["error"]["code"] == rpc_code
    assert answer["error"]["data"]["remedy"]
    assert ws.call("status")["engine"] == "noise"


@pytest.mark.parametrize(
    ("params", "code", "field"),
    [
        ({"start": 2.5}, "out_of_range", "start"),
        ({"start": 1e300}, "out_of_range", "start"),
        ({"start": 10**30}, "out_of_range", "start"),
        ({"start": [1]}, "wrong_type", "start"),
        ({"start": "soon"}, "out_of_range", "start"),
        ({"takes": 10**400}, "out_of_range", "takes"),
        ({"engine": "nonesuch"}, "unknown_engine", "engine"),
        ({"layers": "no bagpipes"}, "cannot_render", "layers"),
        ({"options": {"speed": 1}}, "cannot_render", "options"),
        ({"bars": "1-2"}, "bad_region", "bars"),
        ({"source": "audio:" + "0" * 64}, "file_missing", "source"),
        ({"source": "audio:../../x"}, "file_missing", "source"),
        ({"source": "take:none"}, "unknown_take", "source"),
    ],
)
def test_wrong_params_name_their_field(ws, server, params, code, field):
    before = server.holdings()
    with pytest.raises(RpcError) as caught:
        ws.call("repaint", **{**REGION, **params})
    assert (caught.value.code, caught.value.field) == (code, field)
    assert caught.value.remedy
    assert server.holdings() == before


def test_an_impossible_task_is_refused_before_it_is_queued(ws):
    with pytest.raises(RpcError, match="not made for that") as caught:
        ws.call("lego", source="song.wav", engine="slow")
    assert caught.value.code == "cannot_render"


def test_two_clients_are_sent_their_own_replies(server, ws):
    with server.websocket() as other:
        mine = ws.call("repaint", **REGION)["job"]
        theirs = other.call("repaint", **REGION)["job"]
        assert {reply["job"] for reply in ws.until_end(mine)} == {mine}
        assert {reply["job"] for reply in other.until_end(theirs)} == {theirs}
        assert (ws.received, other.received) == ([], [])


def test_a_named_client_comes_back_to_its_job(server):
    with server.websocket("?client=daw") as first:
        asked = {"id": "come-back", "engine": "slow", "options": {"seconds": 1.0}, **REGION}
        job = first.call("repaint", **asked)["job"]
    with server.websocket("?client=daw") as second:
        again = second.call("repaint", **asked)
        assert again["job"] == job
        assert second.until_end(job)[-1].name == "done"
        assert second.call("repaint", **asked)["takes"]


@pytest.mark.alone  # it keeps time
def test_cancel_over_websocket(ws):
    job = ws.call("repaint", engine="slow", **REGION)["job"]
    while ws.next_received().name != "progress":
        pass
    began = time.monotonic()
    ws.call("cancel", job=job)
    assert ws.until_end(job)[-1].name == "cancelled"
    assert time.monotonic() - began < 0.6


# Audio up


def upload(ws, data: bytes, *, name: str = "up.wav", frame: int = 65536, **changes):
    """Announces and sends; returns the last notification about it."""
    announced = {"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest(), **changes}
    ws.call("upload.begin", id="up", **announced)
    for first in range(0, len(data), frame):
        ws.connection.send(data[first : first + frame])
    return ws.next_received()


@pytest.mark.parametrize(("frames", "frame"), [(1, 1), (480, 7), (48000, 65536), (480_000, 1 << 20)])
def test_an_upload_of_any_size_becomes_a_source(ws, server, tmp_path, frames, frame):
    path = noise_song(tmp_path / "up.wav", frames=frames, seed=frames)
    reply = upload(ws, path.read_bytes(), frame=frame)
    assert (reply.name, reply["id"], reply["command"]) == ("ok", "up", "upload")
    stored = server.server.store.blobs.get(reply["text"].removeprefix("audio:"))
    assert np.array_equal(stored.samples, soundfile.read(path, dtype="float32", always_2d=True)[0])
    assert server.holdings()[2] == []
    (take,) = [r for r in ws.render("repaint", source=reply["text"], start=0, end=frames) if r.name == "take"]
    assert take["length"] == frames


def test_an_upload_in_another_format(ws, server, tmp_path):
    path = tmp_path / "up.flac"
    soundfile.write(path, np.random.default_rng(1).uniform(-0.3, 0.3, 4800), 44100, subtype="PCM_16")
    assert upload(ws, path.read_bytes(), name="up.flac").name == "ok"


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"sha256": "0" * 64}, "bad_upload", "sha256"),
        ({"size": 100}, "bad_upload", "size"),
    ],
)
def test_a_damaged_upload_leaves_nothing(ws, server, tmp_path, changes, code, field):
    before = server.holdings()
    data = noise_song(tmp_path / "up.wav", seed=9).read_bytes()
    reply = upload(ws, data, frame=len(data), **changes)
    assert (reply.name, reply["id"], reply["code"], reply["field"]) == ("failed", "up", code, field)
    assert server.holdings() == before
    assert ws.call("status")["engine"] == "noise"


def test_an_upload_that_is_not_audio_is_named_as_the_producer_knows_it(ws, server):
    before = server.holdings()
    reply = upload(ws, b"these are words, no sounds" * 100, name="lyrics.wav")
    assert (reply["code"], reply["field"]) == ("file_unreadable", "source")
    assert "lyrics.wav" in reply["sentence"]
    assert reply["remedy"]
    assert server.holdings() == before


def test_too_large_an_upload_is_refused_at_once(ws, server):
    with pytest.raises(RpcError) as caught:
        ws.call("upload.begin", name="x.wav", size=2**33, sha256="0" * 64)
    assert (caught.value.code, caught.value.field) == ("too_large", "size")
    assert server.holdings()[2] == []


def test_bytes_nobody_announced(ws):
    ws.connection.send(b"abc")
    assert ws.next_received()["code"] == "bad_upload"
    assert ws.call("status")["engine"] == "noise"


def test_a_client_that_vanishes_leaves_no_file(server):
    before = server.holdings()
    with server.websocket() as leaver:
        leaver.call("upload.begin", name="x.wav", size=10**6, sha256="0" * 64)
        leaver.connection.send(bytes(1000))
        leaver.call("status")
        assert len(server.holdings()[2]) == 1
        leaver.connection.socket.shutdown(socket.SHUT_RDWR)
    with server.websocket() as later:  # each question gives the server a turn to notice
        while server.holdings() != before:
            later.call("status")


def test_a_new_announcement_replaces_the_one_under_way(ws, server, tmp_path):
    ws.call("upload.begin", name="x.wav", size=10**6, sha256="0" * 64)
    ws.connection.send(bytes(1000))
    assert upload(ws, noise_song(tmp_path / "up.wav", frames=100).read_bytes()).name == "ok"
    assert server.holdings()[2] == []


# Audio down


def test_each_file_of_a_take_can_be_fetched(ws, take, songs):
    clip, rate = soundfile.read(io.BytesIO(ws.fetch(take["take"], "clip")), dtype="float64", always_2d=True)
    assert (len(clip), rate) == (12000, 48000)
    song, _ = soundfile.read(io.BytesIO(ws.fetch(take["take"], "song")), dtype="float64", always_2d=True)
    source, _ = soundfile.read(songs / "song.wav", dtype="float64", always_2d=True)
    assert np.array_equal(song[:12000], source[:12000])
    assert np.array_equal(song[12000:24000], clip)
    assert np.array_equal(song[24000:], source[24000:])
    handles, _ = soundfile.read(io.BytesIO(ws.fetch(take["take"], "handles")), always_2d=True)
    assert len(handles) == 12000 + 2 * 48000
    assert ws.fetch(take["take"], "picture").startswith(b"\x89PNG")
    recipe = json.loads(ws.fetch(take["take"], "recipe"))
    assert (recipe["take"], recipe["position"]) == (take["take"], 12000)
    with pytest.raises(RpcError) as caught:
        ws.fetch(take["take"], "attachment", "none.mid")
    assert (caught.value.code, "none.mid" in caught.value.sentence) == ("unknown_take", True)


def test_attachments_can_be_fetched(ws):
    (take,) = [reply for reply in ws.render("accompany", source="song.wav") if reply.name == "take"]
    shown = ws.call("takes.show", take=take["take"])
    assert take["stem"] == "piano"
    if shown["attachments"]:
        assert ws.fetch(take["take"], "attachment", "arrangement.mid") == b"MThd"


def test_an_unknown_take_is_named(ws):
    for method in ("takes.show", "takes.fetch", "takes.choose", "takes.revert", "vary"):
        with pytest.raises(RpcError, match="nonesuch") as caught:
            ws.call(method, take="nonesuch")
        assert (caught.value.code, caught.value.field) == ("unknown_take", "take")


# Rude clients


def test_a_frame_that_is_too_large_ends_that_connection_only(server, ws):
    with server.websocket() as rude:
        rude.connection.send(bytes(server.settings.limits.frame_bytes + 1))
        with pytest.raises(ConnectionClosed) as caught:
            rude.connection.recv(timeout=PATIENCE)
        assert caught.value.rcvd.code == 1009
    assert ws.call("status")["engine"] == "noise"


def test_text_that_is_not_utf8_ends_that_connection_only(server, ws):
    with server.websocket() as rude:
        rude.connection.socket.sendall(b"\x81\x82\x00\x00\x00\x00\xff\xfe")
        with pytest.raises(ConnectionClosed):
            rude.connection.recv(timeout=PATIENCE)
    assert ws.call("status")["engine"] == "noise"


def test_a_client_that_asks_and_does_not_read_waits(server, ws, monkeypatch):
    """Its requests are read no faster than its answers, so it fills no memory, and nothing it asked for is lost."""
    monkeypatch.setattr(websocket, "Outbox", lambda: Outbox(100))
    batch = json.dumps([17] * 64)  # cheap to refuse, and the answers are long
    count = 300
    with (
        small_socket(server.settings.websocket_port) as sock,
        server.websocket("?client=sleeper", max_queue=1, ping_interval=None, sock=sock) as sleeper,
    ):
        for _ in range(count):
            sleeper.connection.send(batch)
        (waiting,) = server.on_loop(lambda: clients_of(server, "ws:sleeper"))
        deadline = time.monotonic() + PATIENCE
        while len(waiting.outbox) < 50:
            assert time.monotonic() < deadline, "its answers do not pile up"
            ws.call("status")
        for _ in range(100):
            ws.call("status")
        assert len(waiting.outbox) == 50
        assert [len(sleeper.frame()) for _ in range(count)] == [64] * count


def answers_in(ws) -> list:
    """The next answer to a batch."""
    while not isinstance(found := ws.frame(), list):
        pass
    return found


def clients_of(server, key: str = "") -> list[WebSocketClient]:
    """The server's WebSocket clients, or those with this key; on its loop."""
    frames = [task.get_coro().cr_frame for task in asyncio.all_tasks()]
    found = [frame.f_locals.get("self") for frame in frames if frame is not None]
    return [client for client in found if isinstance(client, WebSocketClient) and key in ("", client.key)]


def test_ten_thousand_requests_at_once_are_all_answered(server):
    call = {"jsonrpc": "2.0", "method": "jobs.show", "params": {"job": "none"}}
    count = 10_000
    with server.websocket() as eager:

        def send() -> None:
            for number in range(count):
                eager.connection.send(json.dumps({**call, "id": number}))

        sender = threading.Thread(target=send)
        sender.start()
        answered = [eager.frame()["id"] for _ in range(count)]
        sender.join(PATIENCE)
    assert answered == list(range(count))


def test_a_client_that_does_not_read_what_it_did_not_ask_for_is_cut_off(server, ws, monkeypatch):
    """Changes made by others pile up for it; the server neither waits for it nor keeps them all."""
    monkeypatch.setattr(websocket, "Outbox", lambda: Outbox(100))
    with (
        small_socket(server.settings.websocket_port) as sock,
        server.websocket("?client=sleeper", max_queue=1, ping_interval=None, sock=sock) as sleeper,
    ):
        sleeper.call("watch")
        deadline = time.monotonic() + PATIENCE
        start = 0
        while server.on_loop(lambda: clients_of(server, "ws:sleeper")):
            assert time.monotonic() < deadline, "it is never cut off"
            calls = []
            for _ in range(64):
                start += 1
                params = {"start": start, "end": start + 1000}
                calls.append({"jsonrpc": "2.0", "id": start, "method": "select", "params": params})
            ws.connection.send(json.dumps(calls))
            assert all("result" in answer for answer in answers_in(ws))
    assert ws.call("status")["engine"] == "noise"


@contextmanager
def small_socket(port: int):
    """A connection on which little fits, so that a client that does not read is soon noticed."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(("127.0.0.1", port))
        yield sock


@pytest.mark.alone  # it keeps time
def test_twenty_clients_with_batches_do_not_starve_another(server, ws):
    batch = json.dumps([{"jsonrpc": "2.0", "id": n, "method": "jobs.list"} for n in range(64)])
    stop = threading.Event()

    def hammer() -> None:
        with server.websocket() as greedy:
            while not stop.is_set():
                greedy.connection.send(batch)
                greedy.frame()

    threads = [threading.Thread(target=hammer) for _ in range(20)]
    for thread in threads:
        thread.start()
    try:
        took = []
        for _ in range(40):
            began = time.monotonic()
            ws.call("status")
            took.append(time.monotonic() - began)
    finally:
        stop.set()
        for thread in threads:
            thread.join(PATIENCE)
    assert sorted(took)[len(took) // 2] < 0.1
    assert max(took) < 1.0


def test_a_client_that_leaves_during_a_download_is_forgotten(server, ws, tmp_path):
    """Only a few frames wait for it, and the handler of its connection ends: else the server could not stop."""
    source = upload(ws, noise_song(tmp_path / "up.wav", frames=48000 * 40).read_bytes(), frame=1 << 20)[
        "text"
    ]
    (take,) = [r for r in ws.render("repaint", source=source, start=0, end=4800) if r.name == "take"]
    handlers = open_connections(server)
    fetch = {"jsonrpc": "2.0", "method": "takes.fetch", "params": {"take": take["take"], "what": "song"}}
    with server.websocket(max_queue=1) as leaver:
        for number in range(4):
            leaver.connection.send(json.dumps({"id": number, **fetch}))
        leaver.connection.recv(timeout=PATIENCE)
        assert ws.call("status")["engine"] == "noise"
        leaver.connection.socket.shutdown(socket.SHUT_RDWR)
    deadline = time.monotonic() + PATIENCE
    while open_connections(server) > handlers:
        assert time.monotonic() < deadline, "the connection's handler never ended"
        ws.call("status")


@pytest.mark.parametrize(
    ("method", "request_type"), [("takes.rank", RankTakes), ("training.songs", ReadTrainingSongs)]
)
def test_what_takes_long_holds_nothing_up_and_ends_with_its_connection(
    server, monkeypatch, method, request_type
):
    begun, ended = threading.Event(), threading.Event()

    async def held(request, client):
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    monkeypatch.setitem(server.server.dispatcher._handlers, request_type, held)
    with server.websocket() as peer:
        peer.begin(method, **({"folder": "x"} if method == "training.songs" else {}))
        assert peer.call("status")["engine"] == "noise"
        assert begun.wait(PATIENCE)
    assert ended.wait(PATIENCE)


def open_connections(server) -> int:
    """How many connections the server still has a handler for."""
    return server.on_loop(lambda: len(clients_of(server)))


def test_many_clients_at_once(server):
    def work(results: list[str]) -> None:
        with server.websocket() as peer:
            results.append(peer.render("repaint", **REGION)[-1].name)

    results: list[str] = []
    threads = [threading.Thread(target=work, args=(results,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert results == ["done"] * 8


def test_osc_and_websocket_see_the_same_jobs(osc, ws):
    replies = osc.render("/bridge/repaint", "from-osc", "source", "song.wav", "start", 0, "end", 4800)
    assert in_order(replies)
    shown = ws.call("jobs.show", job=replies[0]["job"])
    assert (shown["state"], len(shown["takes"])) == ("done", 1)
    assert replies[0]["job"] in [job["job"] for job in ws.call("jobs.list", limit=1000)["jobs"]]


def test_small_frames_are_sent_at_once(server, ws):
    """An answer right behind a notification waited 40 ms for the client's system to confirm the notification."""
    ws.call(
        "repaint", id="running", source="song.wav", start=0, end=4800, engine="slow", options={"seconds": 60}
    )
    took = []
    for number in range(10):
        ws.call("repaint", id=f"waiting{number}", source="song.wav", start=0, end=4800)
        began = time.monotonic()
        ws.call("cancel", job=f"waiting{number}")  # which also sends `cancelled`
        took.append(time.monotonic() - began)
    ws.call("cancel", job="running")
    assert min(took) < 0.02
