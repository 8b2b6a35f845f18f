"""Naming takes, giving them stars and hiding them, through a real server."""

import pytest

from bridge_server.handlers.take_marks import in_words
from daw_protocol.take_results import MarkedTake
from tests.bridge_server.peers import RpcError

REGION = {"source": "song.wav", "start": 12_000, "end": 24_000}


def rendered(ws, **more):
    return [reply["take"] for reply in ws.render("repaint", **{**REGION, **more}) if reply.name == "take"]


def listed(ws, take):
    found = {entry["take"]: entry for entry in ws.call("takes.list", limit=1000)["takes"]}
    return found[take]


def refused(ws, method, **params):
    with pytest.raises(RpcError) as raised:
        ws.call(method, **params)
    assert raised.value.remedy
    return raised.value


def test_a_take_is_named_and_everybody_learns_it(server, ws):
    (take,) = rendered(ws)
    assert (listed(ws, take).get("name", ""), listed(ws, take).get("stars", 0)) == ("", 0)
    with server.websocket() as panel:
        panel.call("watch", on=True)
        marked = ws.call("takes.mark", take=take, name=" Größer,\n heller 🎺 ", stars=4)
        assert marked == {"take": take, "name": "Größer, heller 🎺", "stars": 4, "hidden": False}
        notice = panel.next_received()
        assert notice.name == "marked"
        assert (notice["take"], notice["called"], notice["stars"]) == (take, "Größer, heller 🎺", 4)
        ws.call("takes.mark", take=take, stars=4)  # as it is: nobody is told again
        ws.call("takes.mark", take=take, stars=2)
        assert (notice := panel.next_received()).name == "marked"
        assert (notice["called"], notice["stars"]) == ("Größer, heller 🎺", 2)
    entry = listed(ws, take)
    assert (entry["name"], entry["stars"], entry["strength"]) == ("Größer, heller 🎺", 2, 0.5)
    assert ws.call("takes.show", take=take)["name"] == "Größer, heller 🎺"
    assert ws.call("takes.mark", take=take, name="", stars=0)["name"] == ""


@pytest.mark.parametrize(
    ("values", "field"),
    [({}, "name"), ({"stars": 6}, "stars"), ({"stars": -1}, "stars"), ({"name": "x" * 81}, "name")],
)
def test_what_is_no_mark_is_refused(ws, values, field):
    (take,) = rendered(ws, start=0, end=6_000)
    assert refused(ws, "takes.mark", take=take, **values).field == field


def test_a_take_nobody_made_is_refused(ws):
    assert refused(ws, "takes.mark", take="t-none", stars=1).code == "unknown_take"


def test_a_take_in_the_song_is_not_hidden(ws):
    (take,) = rendered(ws, start=600, end=9_000)
    ws.call("takes.choose", take=take)
    error = refused(ws, "takes.mark", take=take, hidden=True)
    assert (error.code, error.field) == ("not_allowed", "hidden")
    ws.call("takes.revert", take=take)
    assert ws.call("takes.mark", take=take, hidden=True)["hidden"] is True
    assert listed(ws, take)["hidden"] is True
    assert ws.call("takes.mark", take=take, hidden=False)["hidden"] is False


def test_a_mark_in_words():
    bare = MarkedTake(take="t1", name="", stars=0, hidden=False)
    assert in_words(bare) == "Take t1 has no name, has no stars and is shown."
    full = MarkedTake(take="t1", name="Chorus", stars=1, hidden=True)
    assert in_words(full) == 'Take t1 is called "Chorus", has 1 star and is hidden.'
