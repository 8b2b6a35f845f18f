"""Exports on request, through a real server."""

import unicodedata
import zipfile
from pathlib import Path

import pytest
from lxml import etree
from pythonosc.osc_message import OscMessage

from tests.bridge_server.held_exports import hold_exports
from tests.bridge_server.peers import PATIENCE, RpcError, datagram, noise_song
from tests.clip_store.exports.dawproject_schemas import PROJECT_SCHEMA

REGION = {"source": "song.wav", "start": 4800, "end": 14_400}


@pytest.fixture(scope="module")
def take(server):
    """The id of a take, rendered at 97 BPM."""
    with server.websocket() as ws:
        (made,) = [reply for reply in ws.render("repaint", bpm=97, **REGION) if reply.name == "take"]
        return made["take"]


@pytest.mark.parametrize("kind", ["dawproject", "rpp", "aaf", "midi", "wav"])
def test_a_take_in_every_format(server, ws, take, kind):
    found = ws.call("export", what="take", name=take, format=kind)
    assert Path(found["path"]).exists()
    assert Path(found["path"]).is_relative_to(server.settings.store / "exports")
    assert all(Path(path).is_file() for path in found["files"])
    assert isinstance(found["notes"], list)


def test_positions_and_receipt_are_in_the_project(server, ws, take):
    found = ws.call("export", what="take", name=take)
    with zipfile.ZipFile(found["path"]) as archive:
        root = etree.fromstring(archive.read("project.xml"))
    PROJECT_SCHEMA.assertValid(root)
    clips = {clip.get("time"): clip for clip in root.iterfind(".//Clip")}
    assert sorted(clips) == ["0.0", "0.1", "0.3"]
    (rendered,) = [clip for clip in root.iterfind(".//Clip") if clip.get("name") != "Original"]
    assert rendered.get("duration") == "0.2"
    assert "outside the region: bit-identical" in rendered.get("comment")
    assert f"id {take}" in rendered.get("comment")
    assert root.find("Transport/Tempo").get("value") == "97.0"


def test_a_song_with_its_chosen_take(server, ws, take):
    song = ws.call("takes.show", take=take)["song"]
    ws.call("takes.choose", take=take)
    found = ws.call("export", what="song", name=song[:12], format="rpp", folder="for the mix")
    assert Path(found["path"]).is_relative_to(server.settings.roots[0] / "for the mix")
    assert "Chosen takes" in Path(found["path"]).read_text(encoding="utf-8")
    ws.call("takes.revert", take=take)


@pytest.mark.parametrize(("kept", "asked"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_a_song_is_found_by_its_title_in_either_spelling(server, ws, kept, asked):
    noise_song(server.settings.roots[0] / f"{kept}.wav", 9600, seed=len(kept) + ord(kept[-1]))
    title = f"Gr\u00f6\u00dfe {kept}"
    ws.render("repaint", title=unicodedata.normalize(kept, title), source=f"{kept}.wav", start=0, end=4800)
    found = ws.call("export", what="song", name=unicodedata.normalize(asked, title), format="midi")
    assert Path(found["path"]).is_file()


def test_by_osc(osc, take):
    begun = osc.ask("/bridge/export", "take", take, "midi", "id", "by hand")
    assert (begun.name, begun["id"], begun["fraction"]) == ("progress", "by hand", 0)
    reply = osc.receive()
    assert (reply.name, reply["id"], reply["command"]) == ("ok", "by hand", "export")
    assert ".mid" in reply["text"]


@pytest.mark.parametrize(
    ("asked", "code", "field"),
    [
        ({"what": "take", "name": "nobody"}, "unknown_take", "take"),
        ({"what": "song", "name": "nobody"}, "unknown_take", "take"),
        ({"what": "take", "name": "TAKE", "folder": "../elsewhere"}, "outside_roots", "folder"),
        ({"what": "take", "name": "TAKE", "folder": "/etc"}, "outside_roots", "folder"),
        ({"what": "take", "name": "TAKE", "folder": "song.wav"}, "store_failed", ""),
        ({"what": "take", "name": "TAKE", "format": "als"}, "out_of_range", "format"),
        ({"what": "stem", "name": "TAKE"}, "out_of_range", "what"),
    ],
)
def test_what_cannot_be_exported_is_reported(ws, take, asked, code, field):
    with pytest.raises(RpcError) as raised:
        ws.call("export", **{**asked, "name": asked["name"].replace("TAKE", take)})
    assert (raised.value.code, raised.value.field) == (code, field)
    assert raised.value.remedy


def test_all_stems_of_a_separation_are_one_file_that_get_finds(server, ws, take):
    stems = [reply["take"] for reply in ws.render("extract", **REGION) if reply.name == "take"]
    found = ws.call("export", what="take", name=stems[0], format="stems")
    assert found["url"] == f"/exports/{Path(found['path']).name}"
    with zipfile.ZipFile(found["path"]) as archive:
        assert len(archive.namelist()) == len(stems)
    with pytest.raises(RpcError, match="no stem of a separation"):
        ws.call("export", what="take", name=take, format="stems")


@pytest.fixture
def held(monkeypatch):
    return hold_exports(monkeypatch)


def files_below(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(("what", "kind"), [("song", "mix"), ("take", "rpp"), ("song", "dawproject")])
def test_a_cancelled_export_leaves_no_file(server, ws, take, held, what, kind):
    before = files_below(server.settings.store / "exports")
    name = take if what == "take" else ws.call("takes.show", take=take)["song"]
    writing = ws.begin("export", id="x1", what=what, name=name, format=kind)
    assert held.wait(PATIENCE)
    assert ws.call("cancel", job="x1") == {"job": "x1"}, "the connection is served meanwhile"
    with pytest.raises(RpcError, match="no file was written") as raised:
        ws.answer("export", writing)
    assert (raised.value.code, bool(raised.value.remedy)) == ("cancelled", True)
    assert files_below(server.settings.store / "exports") == before
    with pytest.raises(RpcError) as raised:
        ws.call("cancel", job="x1")
    assert raised.value.code == "unknown_job", "it is over"


def test_by_osc_frames_an_export_is_cancelled_over_its_own_connection(server, take, held):
    with server.websocket() as ws:
        ws.connection.send(datagram("/bridge/export", "take", take, "wav", "id", "x2"))
        assert held.wait(PATIENCE)
        ws.connection.send(datagram("/bridge/cancel", "x2"))
        answers = [OscMessage(ws.connection.recv(timeout=PATIENCE)) for _ in range(3)]
    assert [answer.address for answer in answers] == ["/bridge/progress", "/bridge/ok", "/bridge/failed"]
    assert "cancelled" in answers[2].params


def test_by_osc_an_export_is_cancelled_from_another_port_of_the_machine(server, osc, ws, take, held):
    osc.send("/bridge/export", "take", take, "wav", "id", "x9")
    assert held.wait(PATIENCE)
    assert osc.receive().name == "progress"
    with server.osc() as other:
        assert "x9 is being cancelled" in other.ask("/bridge/cancel", "x9")["text"]
    reply = osc.receive()
    assert (reply.name, reply["id"], reply["code"]) == ("failed", "x9", "cancelled")


def test_an_export_without_an_id_gets_one_at_once_and_is_cancelled_from_anywhere(server, osc, ws, take, held):
    osc.send("/bridge/export", "take", take, "wav")
    begun = osc.receive()
    assert (begun.name, begun["stage"], bool(begun["id"])) == ("progress", "exporting", True)
    assert held.wait(PATIENCE)
    assert ws.call("status")["exports"] == [{"id": begun["id"], "name": take, "format": "wav"}]
    assert ws.call("cancel", job=begun["id"]) == {"job": begun["id"]}
    ended = osc.receive()
    assert (ended.name, ended["id"], ended["code"]) == ("failed", begun["id"], "cancelled")
    assert "exports" not in ws.call("status")
