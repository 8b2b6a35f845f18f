"""Who asked for what: ids, programs that share a machine, songs with two names, files that come twice."""

import hashlib
import threading
import uuid

import pytest

from tests.bridge_server.peers import RpcError, noise_song
from tests.bridge_server.servers import server_fixture


def second_song(path):
    return noise_song(path, seed=9)


server = server_fixture((noise_song, "song.wav"), (second_song, "other.wav"), (noise_song, "song v2.wav"))

REGION = {"source": "song.wav", "start": 12000, "end": 24000}
PAIRS = tuple(value for pair in REGION.items() for value in pair)


def fresh():
    return f"r-{uuid.uuid4().hex[:8]}"


def takes_in(replies):
    return [reply["take"] for reply in replies if reply.name == "take"]


CHANGES = [
    ("source", "other.wav"),
    ("end", 20000),
    ("seed", 5),
    ("takes", 2),
    ("prompt", "louder"),
    ("strength", 1.0),
]


@pytest.mark.parametrize(("field", "value"), CHANGES, ids=[field for field, _ in CHANGES])
def test_a_used_id_with_another_value_is_refused(server, field, value):
    name = fresh()
    changed = {**REGION, field: value}
    with server.osc() as osc:
        first = osc.render("/bridge/repaint", name, *PAIRS)
        reply = osc.ask("/bridge/repaint", name, *(entry for pair in changed.items() for entry in pair))
        assert (reply.name, reply["id"], reply["code"], reply["field"]) == ("failed", name, "id_in_use", "id")
        assert first[0]["job"] in reply["sentence"]
        assert "new id" in reply["remedy"]
        assert takes_in(osc.render("/bridge/repaint", name, *PAIRS)) == takes_in(first)


def test_a_used_id_for_another_command_is_refused(server):
    name = fresh()
    with server.osc() as osc:
        osc.render("/bridge/repaint", name, *PAIRS)
        reply = osc.ask("/bridge/complete", name, "source", "song.wav", "bpm", 120)
        assert (reply.name, reply["code"]) == ("failed", "id_in_use")
        assert "repaint" in reply["sentence"]


def test_a_bare_request_after_another_selection_is_another_request(server):
    """A button that always sends the same id must not get the take of the bars before."""
    name = fresh()
    with server.osc() as osc:
        for start in (2000, 6000):
            assert osc.ask("/bridge/source", "song.wav", "client", "pad").name == "ok"
            assert osc.ask("/bridge/select", start, start + 2000, "client", "pad").name == "ok"
            if start == 2000:
                first = osc.render("/bridge/repaint", name, "client", "pad")
                again = osc.render("/bridge/repaint", name, "client", "pad")
                assert takes_in(first) == takes_in(again)
        assert osc.ask("/bridge/repaint", name, "client", "pad")["code"] == "id_in_use"


def test_the_same_rule_over_websocket_and_in_a_mailbox_of_one_name(server):
    name = fresh()
    with server.websocket("?client=script") as ws, server.websocket("?client=script") as other:
        first = ws.call("repaint", id=name, **REGION)
        assert other.call("repaint", id=name, **REGION)["job"] == first["job"]
        with pytest.raises(RpcError, match="belongs to another request") as raised:
            other.call("repaint", id=name, **REGION | {"seed": 3})
        assert (raised.value.code, raised.value.field) == ("id_in_use", "id")
    with server.websocket("?client=another") as ws:
        assert ws.call("repaint", id=name, **REGION | {"seed": 3})["job"] != first["job"]
    with server.websocket() as one, server.websocket() as two:
        jobs = [peer.call("repaint", id=name, **REGION | {"seed": 4})["job"] for peer in (one, two)]
        assert jobs[0] != jobs[1]


def test_two_programs_of_one_machine_do_not_get_each_others_takes(server):
    name = fresh()
    with server.osc() as left, server.osc() as right:
        first = left.render("/bridge/repaint", name, *PAIRS)
        second = right.render("/bridge/repaint", name, "source", "other.wav", "start", 0, "end", 4800)
        assert first[0]["job"] != second[0]["job"]
        assert [reply["position"] for reply in second if reply.name == "take"] == [0]
        # Each still has its own under the id.
        assert takes_in(left.render("/bridge/repaint", name, *PAIRS)) == takes_in(first)
        for peer, replies in ((left, first), (right, second)):
            assert replies[0]["job"] in peer.ask("/bridge/cancel", name)["text"]


def test_messages_typed_one_by_one_repeat_and_cancel(server):
    """Each comes from a port of its own."""
    name = fresh()
    slow = (*PAIRS, "engine", "slow", "options", '{"seconds": 30}')
    with server.osc() as one, server.osc() as two, server.osc() as three:
        first = one.ask("/bridge/repaint", name, *slow)
        assert two.ask("/bridge/repaint", name, *slow)["job"] == first["job"]
        assert first["job"] in three.ask("/bridge/cancel", name)["text"]
        assert one.until_end(name)[-1].name == "cancelled"


def test_a_program_that_sends_from_new_ports_is_known_by_where_it_listens(server):
    name = fresh()
    with server.osc() as listener, server.osc() as one, server.osc() as two:
        port = ("reply_port", listener.port)
        one.send("/bridge/repaint", name, *PAIRS, *port)
        assert listener.until_end(name)[-1].name == "done"
        two.send("/bridge/repaint", name, *PAIRS, "seed", 8, *port)
        assert listener.receive()["code"] == "id_in_use"


def test_one_song_under_two_names_exports_under_both(server):
    with server.osc() as osc, server.websocket() as ws:
        for song in ("song.wav", "song v2.wav"):
            fields = {**REGION, "source": song}
            replies = osc.render(
                "/bridge/repaint", fresh(), *(entry for pair in fields.items() for entry in pair)
            )
            assert replies[-1].name == "done"
        for title in ("song", "song v2"):
            exported = ws.call("export", what="song", name=title, format="midi")
            assert exported["path"].endswith(f"{title}.mid") or title.replace(" ", "_") in exported["path"]


def upload(ws, name, data):
    """Sends a file; the notification that answers it."""
    ws.call(
        "upload.begin", id=name, name=f"{name}.wav", size=len(data), sha256=hashlib.sha256(data).hexdigest()
    )
    for first in range(0, len(data), 50_000):
        ws.connection.send(data[first : first + 50_000])
    while (reply := ws.next_received())["id"] != name:
        pass
    return reply


@pytest.fixture
def wav(tmp_path):
    return noise_song(tmp_path / "up.wav", frames=96_000, seed=77).read_bytes()


def test_the_same_file_uploaded_twice_is_one_song(server, wav):
    with server.websocket() as ws:
        first, second = upload(ws, "one", wav), upload(ws, "two", wav)
        assert (first.name, second.name) == ("ok", "ok")
        assert first["text"] == second["text"]
        source = first["text"]
        assert ws.render("repaint", source=source, start=0, end=4800)[-1].name == "done"


def test_the_same_file_from_many_clients_at_once(server, tmp_path):
    data = noise_song(tmp_path / "many.wav", frames=200_000, seed=78).read_bytes()
    replies = []
    ready = threading.Barrier(6)

    def send():
        with server.websocket() as ws:
            ready.wait(30)
            replies.append(upload(ws, "same", data))

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [reply.name for reply in replies] == ["ok"] * 6
    assert len({reply["text"] for reply in replies}) == 1
    scratch = server.settings.store / "scratch"
    assert list(scratch.glob("*.wav")) == []


def test_an_upload_begun_anew_takes_the_place_of_the_one_before(server, wav):
    with server.websocket() as ws:
        ws.call("upload.begin", id="cut", name="cut.wav", size=len(wav), sha256="0" * 64)
        ws.connection.send(wav[:1000])
        assert upload(ws, "whole", wav).name == "ok"


def test_an_unforeseen_error_in_an_upload_is_an_answer(server, wav, monkeypatch, caplog):
    def fails(*_):
        raise RuntimeError("a reader's bug")

    monkeypatch.setattr("bridge_server.endpoints.uploads.read_song", fails)
    with server.websocket() as ws:
        reply = upload(ws, "bug", wav)
        assert (reply.name, reply["code"]) == ("failed", "internal")
        monkeypatch.undo()
        assert upload(ws, "after", wav).name == "ok"  # the connection is still there
    assert "a reader's bug" in caplog.text
