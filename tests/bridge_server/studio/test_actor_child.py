"""A child in a cluster as its host knows it: what is said of one that ends. Renders: test_ray_cluster.py."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

pytest.importorskip(
    "ray", reason="the extra cluster is not installed, or Ray has no wheel for this Python and system"
)

import numpy as np
from ray.exceptions import ActorDiedError, ObjectStoreFullError, OutOfMemoryError, RayError

from bridge_server.engines.child import StemWriters
from bridge_server.engines.child_process import Gone
from bridge_server.engines.messages import ChildBroke, ChildDone, ChildRefused, ChildStart, EngineFolders
from bridge_server.studio.actor_child import ActorChild, ActorPlace, SharedObjects
from bridge_server.studio.engine_actor import ActorAudio, ActorSelf
from bridge_server.version import VERSION
from model.engine import Piece
from tests.bridge_server.render_hosts import order
from tests.bridge_server.studio.test_engine_link import stored

PIECE = Piece("mix", 0, np.zeros((4, 2), np.float32))


@pytest.fixture
def said():
    return []


@pytest.fixture
def child(said):
    place = ActorPlace({}, SharedObjects(), "here")
    return ActorChild(place, ChildStart("tests.doubles:NoiseEngine", "{}", None), said.append)


def ending_with(error: Exception):
    """A stream of messages that ends so."""
    raise error
    yield


def test_its_process_is_known_where_it_is_on_this_machine(child):
    assert child.pid is None
    child._take(ActorSelf("there", 7, VERSION))
    assert child.pid is None
    child._take(ActorSelf("here", 7, VERSION))
    assert child.pid == 7


def test_a_machine_with_another_version_is_refused_by_both_names(child, said):
    child._take(ActorSelf("there", 7, "0.0.1"))
    (refused,) = said
    assert (refused.kind, "0.0.1" in refused.sentence, VERSION in refused.sentence) == (
        "not loaded",
        True,
        True,
    )
    assert "same versions" in refused.remedy


@pytest.mark.parametrize(("number", "word"), [(0, "loaded"), (3, "render")])
def test_an_actor_that_ray_ended_for_want_of_memory_says_so(child, said, tmp_path, number, word):
    child._take(ActorSelf("here", 7, VERSION))
    if number:
        child._writing = (number, StemWriters(tmp_path, 2))
    child._read(ending_with(OutOfMemoryError("the node is low on memory")))
    refused, gone = said
    assert (refused.number, refused.kind, word in refused.sentence) == (number, "memory", True)
    assert gone == Gone()
    assert not child.alive


def test_one_that_could_not_start_says_why_and_one_that_has_gone_just_goes(child, said):
    traceback = "\x1b[36mray::EngineActor()\x1b[39m (pid=7, ip=192.0.2.3)\n  File x\n"
    for reason, remedy in (
        ("ModuleNotFoundError: No module named 'bridge_server'", "same versions"),
        ("OSError: No space left", "takebridge doctor"),
    ):
        child._read(ending_with(RayError(f"{traceback}\x1b[31m{reason}\x1b[0m\n")))
        refused, gone = said
        assert (refused.kind, gone) == ("not loaded", Gone())
        assert refused.sentence.endswith(f"in the Ray cluster: {reason}.")
        assert remedy in refused.remedy
        said.clear()
    said.clear()
    child._read(ending_with(ActorDiedError()))
    assert said == [Gone()], "with its machine, before it began"
    said.clear()
    child._take(ActorSelf("here", 7, VERSION))
    child._read(ending_with(RayError("The actor died.")))
    assert said == [Gone()]


def test_one_that_was_ended_while_it_waited_for_room_just_goes(child, said):
    asyncio.run(child.kill())
    child._read(ending_with(RayError("The actor died before it began.")))
    assert said == [Gone()]


def test_audio_of_an_order_that_was_left_is_not_written(child, tmp_path):
    child._writing = (2, StemWriters(tmp_path, 2))
    child._take(ActorAudio(1, 0, PIECE))
    assert list(tmp_path.iterdir()) == []
    child._take(ActorAudio(2, 0, PIECE))
    child._read(iter([]))
    assert [path.stat().st_size for path in tmp_path.iterdir()] == [32]


@pytest.mark.parametrize(
    "end", [ChildDone(2), ChildRefused(2, "cannot", "No.", "Use another."), ChildBroke(2, "KeyError", "")]
)
def test_files_of_an_order_are_closed_when_it_is_done(child, tmp_path, end):
    child._writing = (2, StemWriters(tmp_path, 2))
    child._take(ActorAudio(2, 0, PIECE))
    child._take(end)
    assert all(file.closed for file in child._writing[1]._files.values())


def test_an_order_about_a_song_that_ray_has_no_room_for_is_refused_in_words(said, tmp_path, monkeypatch):
    folders = EngineFolders(tmp_path / "blobs", tmp_path)
    child = ActorChild(ActorPlace({}, SharedObjects(), "here"), ChildStart("x:Y", "{}", folders), said.append)
    command = replace(order(), song=stored(tmp_path), kept="ab" * 32)

    def full(_):
        raise ObjectStoreFullError("\x1b[31mno room\x1b[0m")

    monkeypatch.setattr("ray.put", full)
    asyncio.run(child.send(command))
    (refused,) = said
    assert (refused.number, refused.kind) == (command.number, "store")
    assert "--object-store-memory" in refused.remedy
    monkeypatch.setattr("ray.put", lambda data: data)
    assert [file.digest for file in child._shared(command)] == [command.song], "what was kept has gone"


def test_a_full_disk_of_the_host_ends_the_order_in_its_words(child, said, tmp_path, monkeypatch):
    monkeypatch.setattr("ray.get", lambda messages: messages)
    child._writing = (2, StemWriters(tmp_path / "gone", 2))
    child._read(iter([[ActorAudio(2, 0, PIECE)]]))
    refused, gone = said
    assert isinstance(refused, ChildRefused)
    assert (refused.number, refused.kind, gone) == (2, "store", Gone())
