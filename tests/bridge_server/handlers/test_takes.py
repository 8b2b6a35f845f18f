"""Undoing and redoing choices, where a take came from, and deleting one, through a real server."""

import asyncio
import contextlib
from pathlib import Path
from unittest.mock import ANY, MagicMock

import pytest
import soundfile

from bridge_server.handlers.takes import PAGE, TakeHandlers
from bridge_server.jobs.database import open_database
from bridge_server.server import mailbox_root
from clip_store.errors import TakeError
from clip_store.store import ClipStore
from daw_protocol import requests
from tests.bridge_server.mailbox_peer import MailboxPeer
from tests.bridge_server.peers import RpcError
from tests.clip_store.takes import stored_take

REGION = {"source": "song.wav", "start": 12_000, "end": 24_000}


def rendered(ws, **more):
    """Ids and clip files of fresh takes."""
    received = ws.render("repaint", **{**REGION, **more})
    return [(reply["take"], Path(reply["path"])) for reply in received if reply.name == "take"]


def refused(ws, method, **params):
    with pytest.raises(RpcError) as raised:
        ws.call(method, **params)
    assert raised.value.remedy
    return raised.value


def test_a_revert_is_redone_and_watchers_are_notified(server, ws):
    (first, _), (second, _) = rendered(ws, takes=2, start=0, end=4_801)
    for take in (first, second):
        ws.call("takes.choose", take=take)
    for _ in range(2):
        ws.call("takes.revert", take=first)
    with server.websocket() as panel:
        panel.call("watch", on=True)
        assert ws.call("takes.redo", take=second) == {"chosen": first}  # any take of the place names it
        assert ws.call("takes.redo", take=second) == {"chosen": second}
        assert [panel.next_received().values.get("take") for _ in range(2)] == [first, second]
    assert "redo" in refused(ws, "takes.redo", take=first).sentence


def test_the_lineage_of_a_take_of_a_take(ws):
    ((first, _),) = rendered(ws)
    ((second, _),) = rendered(ws, source=f"take:{first}", start=0, end=4_800)
    varied = next(reply["take"] for reply in ws.render("vary", take=second) if reply.name == "take")
    found = ws.call("takes.lineage", take=varied)["takes"]
    assert [entry["take"] for entry in found] == [varied, first, second]
    ws.call("takes.choose", take=first)
    assert [entry["chosen"] for entry in ws.call("takes.lineage", take=varied)["takes"]] == [
        False,
        True,
        False,
    ]
    ws.call("takes.revert", take=first)


def test_the_list_of_a_song_says_what_is_accepted_in_it_and_in_what_its_takes_made(ws):
    ((first, _),) = rendered(ws, start=30_000, end=40_000)
    ((second, _),) = rendered(ws, source=f"take:{first}", start=0, end=4_800)
    song = ws.call("takes.show", take=first)["song"]
    before = ws.call("takes.list", song=song).get("accepted", [])  # by other tests
    ws.call("takes.choose", take=second)
    found = ws.call("takes.list", song=song, limit=1)
    new = [["song", 30_000, 40_000], ["song", 0, 4_800]]
    assert found["accepted"] == [*before, *new], "with the take it was made of"
    assert second not in [take["take"] for take in ws.call("takes.list", song=song)["takes"]]
    older = ws.call("takes.list", song=song, before=found["takes"][0]["take"])
    assert "accepted" not in older, "with the first page only"
    assert "accepted" not in ws.call("takes.list"), "of which song?"
    ws.call("takes.revert", take=second)


def test_a_deleted_take_is_gone_and_everything_else_stays(server, ws):
    (doomed, clip), (kept, other) = rendered(ws, takes=2, start=100, end=9_000)
    ((child, _),) = rendered(ws, source=f"take:{doomed}", start=0, end=4_800)
    songs = {take: ws.fetch(take, "song") for take in (kept, child)}
    ws.call("takes.choose", take=kept)
    ws.call("takes.choose", take=doomed)
    before = clip.read_bytes()
    with server.websocket() as panel:
        panel.call("watch", on=True)
        assert ws.call("takes.delete", take=doomed) == {"take": doomed, "chosen": None, "clip": str(clip)}
        notice = panel.next_received()
        assert (notice.name, notice.values.get("take", "")) == ("chosen", "")
        assert (notice["start"], notice["end"]) == (100, 9_000)
    for method in ("takes.show", "takes.choose", "takes.lineage", "takes.delete", "audition.play"):
        assert refused(ws, method, take=doomed).code == "unknown_take"
    assert doomed not in [entry["take"] for entry in ws.call("takes.list", limit=1000)["takes"]]
    assert (clip.read_bytes(), soundfile.info(str(other)).frames) == (before, 8_900)
    ws.call("store.sweep")
    assert {take: ws.fetch(take, "song") for take in songs} == songs
    assert ws.call("store.verify") == {"problems": []}


def test_a_deleted_take_leaves_the_history_of_its_place(ws):
    takes = [take for take, _ in rendered(ws, takes=3, start=200, end=9_000)]
    for take in takes:
        ws.call("takes.choose", take=take)
    assert ws.call("takes.delete", take=takes[1])["chosen"] == takes[2]
    assert ws.call("takes.revert", take=takes[2])["chosen"] == takes[0]


def test_a_take_whose_clip_file_was_removed_is_deleted_without_writing_it_again(ws):
    ((take, clip),) = rendered(ws, start=300, end=9_000)
    clip.unlink()
    assert ws.call("takes.delete", take=take)["clip"] == ""
    assert not clip.exists()


def test_a_clip_that_a_daw_changed_in_place_stays(ws):
    ((take, clip),) = rendered(ws, start=400, end=9_000)
    edited = b"a producer's work"
    clip.write_bytes(edited)
    assert ws.call("takes.delete", take=take)["clip"] == ""
    assert clip.read_bytes() == edited


def test_a_take_a_waiting_job_is_made_from_is_kept_until_the_job_has_ended(ws):
    ((take, _),) = rendered(ws, start=500, end=9_000)
    job = ws.call(
        "repaint", source=f"take:{take}", start=0, end=4_800, engine="slow", options={"seconds": 60}
    )["job"]
    error = refused(ws, "takes.delete", take=take)
    assert (error.code, error.field) == ("not_allowed", "take")
    assert job in error.sentence
    ws.call("cancel", job=job)
    ws.until_end(job)
    assert ws.call("takes.delete", take=take)["take"] == take


def test_over_osc_and_the_mailbox(server, ws, osc):
    (first, clip), (second, _) = rendered(ws, takes=2, start=600, end=9_000)
    mailbox = MailboxPeer(mailbox_root(server.settings.store))
    osc.ask("/bridge/takes/choose", first)
    osc.ask("/bridge/takes/revert", first)
    assert osc.ask("/bridge/takes/redo", first)["text"] == f"Take {first} is chosen again."
    assert mailbox.ask("takes.lineage", take=first)["result"]["takes"][0]["take"] == first
    assert first in osc.ask("/bridge/takes/lineage", first)["text"]
    words = osc.ask("/bridge/takes/delete", first)["text"]
    assert "Its region is back to the original." in words
    assert str(clip) in words
    assert mailbox.ask("takes.delete", take=second)["result"]["take"] == second
    assert osc.ask("/bridge/takes/delete", first)["code"] == "unknown_take"


def test_takes_come_in_pages(ws):
    for _ in range(2):
        rendered(ws, takes=2, start=700, end=9_000)
    whole = ws.call("takes.list", limit=4)["takes"]
    assert [entry["number"] for entry in whole] == [2, 1, 2, 1]
    first = ws.call("takes.list", limit=3)["takes"]
    second = ws.call("takes.list", limit=1, before=first[-1]["take"])["takes"]
    assert [*first, *second] == whole
    assert all(entry["words"] and entry["engine"] == "noise" for entry in whole)


def placed(ws, **more):
    """Two takes of one region of a fresh song, their song's digest, and the song's title."""
    takes = [take for take, _ in rendered(ws, takes=2, **more)]
    return *takes, ws.call("takes.show", take=takes[0])["song"]


def listed(ws, *takes):
    """(chosen, parts) of some takes."""
    found = {entry["take"]: entry for entry in ws.call("takes.list", limit=50)["takes"]}
    return [(found[take]["chosen"], found[take].get("parts", [])) for take in takes]


def test_parts_of_two_takes_are_chosen_and_watchers_get_them(server, ws):
    first, second, song = placed(ws, start=800, end=9_000)
    ws.call("takes.choose", take=first)
    with server.websocket() as panel:
        panel.call("watch", on=True)
        parts = [[first, 800, 4_800], [second, 4_800, 9_000]]
        assert ws.call("takes.choose", take=second, start="0.1s") == {"chosen": second, "parts": parts}
        notice = panel.next_received()
        assert (notice.name, notice["take"], notice["parts"]) == ("chosen", second, parts)
    assert listed(ws, first, second) == [(True, [[800, 4_800]]), (True, [[4_800, 9_000]])]
    assert ws.call("takes.choose", take=first, start=0, end="1s") == {"chosen": first}, "as far as it goes"
    assert listed(ws, first, second) == [(True, []), (False, [])]
    assert ws.call("songs.undo", song=song)["parts"] == parts
    assert ws.call("takes.delete", take=first) == {
        "take": first, "chosen": second, "parts": [[second, 4_800, 9_000]], "clip": ANY,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("part", "code", "field"),
    [
        ({"start": 9_000}, "bad_region", "start"), ({"end": 850}, "bad_region", "end"),
        ({"start": 9_100, "end": 9_200}, "unknown_take", "take"), ({"start": 20, "end": 20}, "bad_region", "end"),
        ({"start": "17|9|0"}, "out_of_range", "start"), ({"end": "soon"}, "out_of_range", "end"),
    ],
)  # fmt: skip
def test_a_part_that_is_none_is_refused(ws, part, code, field):
    ((take, _),) = rendered(ws, start=850, end=9_000)
    error = refused(ws, "takes.choose", take=take, **part)
    assert (error.code, error.field) == (code, field)
    assert listed(ws, take) == [(False, [])]


def test_a_song_is_undone_and_redone_over_all_its_regions(server, ws, osc):
    first, second, song = placed(ws, start=900, end=9_000)
    ((other, _),) = rendered(ws, start=30_000, end=40_000)
    ws.call("takes.choose", take=first)
    ws.call("takes.choose", take=other)
    ws.call("takes.choose", take=second, end=5_000)
    undone = ws.call("songs.undo", song=song[:12])
    assert undone == {
        "song": song, "start": 900, "end": 9_000, "stem": "mix", "chosen": first, "undo": True, "redo": True,
    }  # fmt: skip
    with server.websocket() as panel:
        panel.call("watch", on=True)
        reply = osc.ask("/bridge/songs/undo", song)
        assert (reply["command"], reply["text"]) == ("songs.undo", "Undone. Back to the original.")
        assert panel.next_received()["start"] == 30_000
    assert osc.ask("/bridge/songs/redo", "song", song)["text"] == f"Redone. Take {other} is chosen again."
    mailbox = MailboxPeer(mailbox_root(server.settings.store))
    assert mailbox.ask("songs.redo", song=song)["result"]["chosen"] == second
    assert osc.ask("/bridge/songs/redo", song)["code"] == "unknown_take"
    error = refused(ws, "songs.redo", song=song)
    assert (error.code, error.field) == ("unknown_take", "song")
    assert refused(ws, "songs.undo", song="nobody's").field == "song"
    ws.call("takes.delete", take=other)
    ws.call("songs.undo", song=song)
    ws.call("songs.undo", song=song)
    assert listed(ws, first, second) == [(False, []), (False, [])], "the deleted one is passed over"


def test_a_part_is_chosen_over_osc_with_bars(osc, ws):
    ((take, _),) = rendered(ws, start=0, end=40_000, bpm=240, takes=1)
    osc.ask("/bridge/tempo", 60.0)  # the take has its own
    words = osc.ask("/bridge/takes/choose", take, "start", "1|2|0", "end", "1|3|0")["text"]
    assert take in words
    assert listed(ws, take) == [(True, [[12_000, 24_000]])]


def test_a_long_list_lets_others_have_their_turn(tmp_path):
    """In pages, whose sum is the list in one piece; also when a take is deleted while it is being read."""
    with contextlib.closing(open_database(tmp_path / "store.sqlite3")) as connection:
        store = ClipStore(tmp_path, connection)
        for number in range(3 * PAGE + 7):
            store.index.add(stored_take(id=f"t{number}"))
        handlers = TakeHandlers(store, connection, MagicMock(), MagicMock(), MagicMock())
        turns = 0

        async def others() -> None:
            nonlocal turns
            while True:
                turns += 1
                if deleting and turns == 1:
                    store.index.delete(f"t{2 * PAGE + 7}")  # the last one of the first page
                await asyncio.sleep(0)

        async def listed(limit: int, **more: str) -> list[str]:
            task = asyncio.create_task(others())
            response = await handlers.list(requests.ListTakes(limit=limit, **more), MagicMock())
            task.cancel()
            return [take.take for take in response.result.takes]

        deleting = False
        newest = [f"t{number}" for number in reversed(range(3 * PAGE + 7))]
        for limit in (1, PAGE, PAGE + 1, 3 * PAGE, 1000):
            turns = 0
            assert asyncio.run(listed(limit)) == newest[:limit]
            assert turns >= min(limit, len(newest)) // PAGE
        assert asyncio.run(listed(1000, before=newest[PAGE])) == newest[PAGE + 1 :]
        with pytest.raises(TakeError):
            asyncio.run(listed(1000, before="none"))
        deleting, turns = True, 0
        assert asyncio.run(listed(1000)) == newest[:PAGE]
