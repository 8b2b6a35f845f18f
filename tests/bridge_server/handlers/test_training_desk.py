"""Trainings of a server: begun, followed, stopped, gone on with by clients; they wait for renders and outlast it."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bridge_server.training.kept_trainings import Measured, keep_wish, kept_trainings
from bridge_server.training.training_wish import TrainingWish, only_one, save
from tests.bridge_server.peers import PATIENCE, RpcError, ServerThread, WebSocketPeer
from tests.bridge_server.training.songs_to_learn import three_songs, write_song
from tests.bridge_server.training.training_peer import (
    LONG,
    SMALL_TRAINER,
    following,
    training_settings,
    until,
    until_state,
    until_step,
)
from tests.disks import disk


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    folder = tmp_path_factory.mktemp("server")
    settings = training_settings(folder)
    three_songs(settings.roots[0] / "mine")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bridge_server.training.training_process.TRAINER", SMALL_TRAINER)
        with ServerThread(settings) as running:
            yield running


@pytest.fixture
def peer(server: ServerThread) -> Iterator[WebSocketPeer]:
    with following(server) as found:
        yield found
        listed = found.call("training.list")["trainings"]
        for one in (one for one in listed if one["state"] in ("training", "waiting")):
            found.call("training.stop")
            until(found, lambda moved: moved["state"] not in ("training", "waiting"))
            found.call("training.discard", name=one["name"])


def start(peer: WebSocketPeer, name: str, **more: object) -> None:
    begun = peer.call("training.start", **{"name": name, "songs": "mine", "consent": True, **more})
    assert begun["name"] == name
    assert begun["state"] in ("training", "waiting")  # a render of before may only just end


def store_of(server: ServerThread) -> Path:
    return server.settings.store


def test_songs_become_an_adapter_that_requests_can_name(server: ServerThread, peer: WebSocketPeer) -> None:
    seen = peer.call("training.songs", folder="mine")
    assert [song["name"] for song in seen["songs"]] == ["late-train.wav", "rain.wav", "slow_walk.wav"]
    assert [song["words"] for song in seen["songs"]] == [False] * 3
    start(peer, "whole", digest=seen["digest"], steps=5, preview_every=2)
    ended = until_state(peer, "done", "failed")
    assert ended["adapter"] == "whole/adapter_model.safetensors"
    shown = peer.call("training.show", name="whole")
    assert (shown["state"], shown["step"], shown["previews"]) == ("done", 5, ["2", "4"])
    assert len(shown["losses"]) == 5
    assert shown["checks"] == [[5, shown["losses"][-1]]]
    adapter = store_of(server) / "adapters" / "whole"
    about = json.loads((adapter / "adapter_model.safetensors").read_text())["about"]
    assert len(about["consent"]["songs"]) == 3
    assert about["consent"]["given"].startswith("20")
    assert not (store_of(server) / "training" / "whole").exists()
    for path, kind in (("previews/4.wav", "audio/wav"), ("loss.png", "image/png")):
        status, headers, body = server.get(f"/trainings/whole/{path}")
        assert (status, headers["Content-Type"]) == (200, kind)
        assert body
    replies = peer.render("generate", length="2s", engine="sounds", options={"sounds": ended["adapter"]})
    assert replies[-1].name == "done"  # its file was found where finished adapters are
    with pytest.raises(RpcError, match="already something called whole") as taken:
        start(peer, "whole")
    assert (taken.value.code, taken.value.field) == ("id_in_use", "name")
    with pytest.raises(RpcError, match="has finished"):
        peer.call("training.resume", name="whole")
    with pytest.raises(RpcError, match="finished adapter"):
        peer.call("training.discard", name="whole")


def test_songs_that_a_planner_wrote_about_are_told(server: ServerThread, peer: WebSocketPeer) -> None:
    start(peer, "planned", checkpoint="planned", steps=2)
    assert until(peer, lambda moved: "wrote about" in moved.get("phase", ""))["state"] == "training"
    until_state(peer, "done")
    names = ["late-train.wav", "rain.wav", "slow_walk.wav"]
    assert peer.call("training.show", name="planned")["described"] == names
    start(peer, "as_named", checkpoint="planned", describe=False, steps=2)
    until_state(peer, "done")
    assert "described" not in peer.call("training.show", name="as_named")


def test_one_that_was_stopped_goes_on_where_it_was(server: ServerThread, peer: WebSocketPeer) -> None:
    start(peer, "halves", steps=LONG)
    until_step(peer, 3)
    assert peer.call("training.stop", name="halves")["state"] == "training"
    assert until_state(peer, "stopped")["training"] == "halves"
    (before,) = (one for one in peer.call("training.list")["trainings"] if one["name"] == "halves")
    assert before["state"] == "stopped"
    assert before["step"] >= 3
    assert before["steps"] == LONG
    with pytest.raises(RpcError, match="Nothing is being trained"):
        peer.call("training.stop")
    peer.call("training.resume", name="halves")
    assert until(peer, lambda moved: "going on" in moved.get("phase", ""))["step"] >= before["step"]
    until_step(peer, before["step"] + 1)
    with pytest.raises(RpcError, match="Stop it first"):
        peer.call("training.discard", name="halves")
    with pytest.raises(RpcError, match="halves is being trained"):
        start(peer, "another")


def test_it_waits_while_the_server_renders(server: ServerThread, peer: WebSocketPeer) -> None:
    start(peer, "polite", steps=LONG)
    until_step(peer, 1)
    job = peer.call("generate", length="2s", engine="slow")["job"]
    until_state(peer, "waiting")
    state = store_of(server) / "training" / "polite" / "state.json"
    peer.call("training.list")  # a step that had begun is over by now, or in a moment
    taken: list[int] = []
    for _ in range(4):
        while peer.next_received().name != "progress":
            pass
        taken.append(len(json.loads(state.read_text())))
    assert taken[1] == taken[-1]  # by the first look the process may not have read yet that it is to wait
    peer.call("cancel", job=job)
    assert until_state(peer, "training")["training"] == "polite"
    until_step(peer, taken[-1] + 2)


def test_what_cannot_begin_is_refused_in_words_and_loses_nothing(
    server: ServerThread, peer: WebSocketPeer
) -> None:
    root = server.settings.roots[0]
    (root / "empty").mkdir()
    write_song(three_songs(root / "short") / "short.wav", seconds=1.0)
    write_song(three_songs(root / "silent") / "silent.wav", level=0.0)
    (three_songs(root / "corrupt") / "corrupt.wav").write_bytes(b"RIFF\0\0\0\0WAVEfmt ")

    def refused(**fields: object) -> RpcError:
        with pytest.raises(RpcError) as found:
            peer.call("training.start", **{"name": "no", "songs": "mine", "consent": True, **fields})
        assert found.value.remedy
        return found.value

    assert refused(consent=False).code == "not_allowed"
    assert "no name" in refused(name="../no").sentence
    assert refused(songs="nowhere").code == "file_missing"
    assert refused(songs=str(root.parent)).code == "outside_roots"
    assert "There is no song" in refused(songs="empty").sentence
    assert "short.wav lasts 1.0 s" in refused(songs="short").sentence
    assert "silent.wav is silent" in refused(songs="silent").sentence
    assert "corrupt.wav" in refused(songs="corrupt").sentence
    assert "not the ones that were listed" in refused(digest="0" * 64).sentence
    assert refused(memory=25).field == "memory"
    assert refused(steps=0).field == "steps"
    assert not (store_of(server) / "training" / "no").exists()
    assert not (store_of(server) / "adapters" / "no").exists()
    for method in ("training.show", "training.resume", "training.discard"):
        with pytest.raises(RpcError, match="There is no training called 'no'"):
            peer.call(method, name="no")


@pytest.mark.skipif(os.name != "posix", reason="links need rights on Windows")
def test_links_lead_no_training_out_of_the_folders(
    server: ServerThread, peer: WebSocketPeer, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("private")
    folder = three_songs(server.settings.roots[0] / "linked")
    (folder / "rain.lyrics.txt").symlink_to(secret)
    with pytest.raises(RpcError, match=r"rain\.lyrics\.txt is a link that leads out") as refused:
        peer.call("training.songs", folder="linked")
    assert refused.value.code == "outside_roots"
    (folder / "rain.lyrics.txt").unlink()
    (folder / "other.wav").symlink_to(write_song(tmp_path / "other.wav"))
    with pytest.raises(RpcError, match=r"other\.wav is a link that leads out"):
        start(peer, "linked", songs="linked")


def test_a_failure_is_told_and_kept_with_its_words(peer: WebSocketPeer) -> None:
    start(peer, "failing", checkpoint="grand")
    failed = until_state(peer, "failed")
    assert "no checkpoint called grand" in failed["sentence"]
    (kept,) = (one for one in peer.call("training.list")["trainings"] if one["name"] == "failing")
    assert (kept["state"], kept["sentence"], kept["remedy"]) == (
        "failed",
        failed["sentence"],
        failed["remedy"],
    )
    start(peer, "buggy", checkpoint="broken")
    failed = until_state(peer, "failed")
    assert failed["sentence"] == "Internal error in the training."
    assert "log has the details" in failed["remedy"]
    for name in ("failing", "buggy"):
        assert peer.call("training.discard", name=name)["name"] == name


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is a matter of POSIX systems")
def test_a_training_whose_process_is_killed_can_go_on(server: ServerThread, peer: WebSocketPeer) -> None:
    start(peer, "killed", steps=LONG)
    until_step(peer, 2)
    runner = server.server.trainings._desk._runner  # type: ignore[union-attr]
    training = runner._control._training
    assert training is not None
    os.kill(training._process.pid, signal.SIGKILL)
    failed = until_state(peer, "failed")
    assert "was killed" in failed["sentence"]
    peer.call("training.resume", name="killed")
    assert until(peer, lambda moved: "going on" in moved.get("phase", ""))["step"] >= 2


def test_other_songs_do_not_take_the_consent_of_those_before(
    server: ServerThread, peer: WebSocketPeer
) -> None:
    folder = three_songs(server.settings.roots[0] / "changing")
    start(peer, "changing", songs="changing", steps=LONG)
    until_step(peer, 1)
    peer.call("training.stop")
    until_state(peer, "stopped")
    write_song(folder / "rain.wav", hertz=1000.0)
    with pytest.raises(RpcError, match="not those the training changing began with"):
        peer.call("training.resume", name="changing")
    with pytest.raises(RpcError, match="consent of everyone"):
        start(peer, "changing", songs="changing", consent=False)
    for other in ({"songs": "changing"}, {"songs": "mine", "rank": 4}):
        with pytest.raises(RpcError, match="begun with other songs, settings"):
            start(peer, "changing", steps=LONG, **other)
    write_song(folder / "rain.wav", hertz=330.0)  # as it was
    peer.call("training.resume", name="changing")
    until_step(peer, 1)
    peer.call("training.stop")
    until_state(peer, "stopped")
    peer.call("training.discard", name="changing")


def test_one_that_another_program_trains_is_left_to_it(server: ServerThread, peer: WebSocketPeer) -> None:
    store = store_of(server)
    wish = TrainingWish("theirs", store, store, True, store, store, "", "", 0, {})
    with only_one(wish):
        start(peer, "theirs")
        assert "theirs is being trained already" in until_state(peer, "failed")["sentence"]
    (failed,) = (one for one in peer.call("training.list")["trainings"] if one["name"] == "theirs")
    assert failed["state"] == "failed"
    assert peer.call("training.discard", name="theirs")["name"] == "theirs"  # nothing of it was written
    assert "theirs" not in {one["name"] for one in peer.call("training.list")["trainings"]}


def test_a_failure_hides_nothing_that_came_after_it(server: ServerThread, peer: WebSocketPeer) -> None:
    start(peer, "retried", checkpoint="grand")
    until_state(peer, "failed")
    store = store_of(server)
    wish = replace(_kept_wish(store, "retried"), checkpoint="")
    keep_wish(wish, False, ("rain.wav",), Measured((1.0,), (), 5))  # as a command that was stopped does
    os.utime(
        wish.run / "wish.json", (later := time.time() + 1.0, later)
    )  # files may be stamped some ms early
    assert peer.call("training.show", name="retried")["state"] == "stopped"
    save(store / "adapters" / "retried" / "adapter_model.safetensors", b"")
    assert peer.call("training.show", name="retried")["state"] == "done"


def test_what_cannot_be_removed_is_told(peer: WebSocketPeer, monkeypatch: pytest.MonkeyPatch) -> None:
    start(peer, "held", checkpoint="grand")
    until_state(peer, "failed")

    def refuse(_run: Path) -> None:
        raise OSError(errno.EBUSY, "Device or resource busy")

    with monkeypatch.context() as patch:
        patch.setattr("bridge_server.handlers.training_desk.remove_run", refuse)
        with pytest.raises(RpcError, match="unfinished of held could not be removed") as refused:
            peer.call("training.discard", name="held")
    assert refused.value.code == "store_failed"
    assert peer.call("training.discard", name="held")["name"] == "held"


def _kept_wish(store: Path, name: str) -> TrainingWish:
    found = next(one.wish for one in kept_trainings(store) if one.name == name)
    assert found is not None
    return found


def test_it_outlasts_the_server_whether_that_is_stopped_or_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge_server.training.training_process.TRAINER", SMALL_TRAINER)
    settings = training_settings(tmp_path)
    three_songs(settings.roots[0] / "mine")
    with ServerThread(settings) as first, following(first) as peer:
        start(peer, "lasting", steps=LONG)
        step = until_step(peer, 3)["step"]
    kept = settings.store / "training" / "lasting"
    assert json.loads((kept / "wish.json").read_text())["under_way"]
    killed = tmp_path / "killed"
    shutil.copytree(kept, killed)  # what a server that is killed leaves: nothing is tidied up
    with ServerThread(settings) as second, following(second) as peer:
        assert until_step(peer, step + 1)["training"] == "lasting"
        peer.call("training.stop")
        until_state(peer, "stopped")
    with ServerThread(settings) as third, following(third) as peer:
        (one,) = peer.call("training.list")["trainings"]
        assert one["state"] == "stopped"  # by somebody: it does not go on by itself
    shutil.rmtree(kept)
    shutil.copytree(killed, kept)
    shutil.rmtree(settings.roots[0] / "mine")
    with ServerThread(settings) as fourth, following(fourth) as peer:
        (one,) = peer.call("training.list")["trainings"]
        assert one["state"] == "stopped"  # its songs are gone
        with pytest.raises(RpcError, match="There is no folder"):
            peer.call("training.resume", name="lasting")


def test_a_full_disk_is_named_and_what_was_learnt_goes_on_afterwards(
    server: ServerThread, peer: WebSocketPeer
) -> None:
    with disk(store_of(server) / "training", "512k") as small:
        start(peer, "full", steps=LONG)
        before = until_step(peer, 3)["step"]
        filler = small / "filler"
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        failed = until_state(peer, "failed")
        assert "full" in failed["sentence"]
        assert failed["remedy"]
        filler.unlink()
        peer.call("training.resume", name="full")
        assert until_step(peer, before + 1)["training"] == "full"
        peer.call("training.stop")
        until_state(peer, "stopped")
        peer.call("training.discard", name="full")


def test_osc_starts_and_stops_one(server: ServerThread, peer: WebSocketPeer) -> None:
    with server.osc() as script:
        script.send("/bridge/training/start", "typed", "mine", "consent", 1, "steps", LONG, "id", "t1")
        assert script.receive(PATIENCE).name == "ok"
        until_step(peer, 1)
        script.send("/bridge/training/stop", "id", "t2")
        reply = script.receive(PATIENCE)
        assert "typed is being stopped" in reply["text"]
        until_state(peer, "stopped")
        peer.call("training.discard", name="typed")
