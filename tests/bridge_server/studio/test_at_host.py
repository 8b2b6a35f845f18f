"""What a laptop keeps of a training that a host has: the order, found again by that host, and nothing of a path."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from bridge_server.studio import at_host
from bridge_server.studio.at_host import forgotten, keep_at_host, kept_at_host, linked_training
from bridge_server.studio.host_connection import HostConnection
from bridge_server.studio.join_string import JoinString
from bridge_server.studio.value_codec import to_json
from daw_protocol.errors import ProtocolError
from tests.bridge_server.studio.linked_trainings import ordered

BOX = JoinString("127.0.0.1", 9, "a" * 43)
SAFE_BOX = JoinString("192.168.1.20", 9135, "a" * 43, "ab" * 32)


def test_it_is_found_again_at_its_host(tmp_path: Path) -> None:
    training, _, paths = ordered(tmp_path)
    keep_at_host(tmp_path, SAFE_BOX, training)
    kept = kept_at_host(tmp_path)
    assert kept is not None
    assert kept.training == training
    assert kept.is_at(replace(SAFE_BOX, host="192.168.1.77")), "it may have got another address"
    assert not kept.is_at(replace(SAFE_BOX, fingerprint="cd" * 32))
    assert not kept.is_at(BOX)
    assert {song.digest: song.path for song in kept.songs(tmp_path / "songs")} == paths
    assert kept.consent()["songs"] == sorted(paths)


def test_an_order_has_songs_by_digest_and_no_path(tmp_path: Path) -> None:
    training, order, paths = ordered(tmp_path)
    assert str(tmp_path) not in json.dumps(to_json(training)[0])
    for one in training.songs:
        data = paths[one.digest].read_bytes()
        assert (one.bytes_digest, one.size) == (hashlib.sha256(data).hexdigest(), len(data))
    fields = [{"name": one.name, "digest": one.digest, **one.words.fields} for one in training.songs]
    assert fields == order["songs"]
    for path in paths.values():
        path.unlink()
    assert linked_training(order, paths, training).id == training.id, "nothing is read again"
    with pytest.raises(ProtocolError, match="cannot be read"):
        linked_training(order, paths, None)


@pytest.mark.parametrize("text", ["", "[]", '{"address": "", "fingerprint": "", "training": {}}'])
def test_a_damaged_file_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "at_host.json").write_text(text, encoding="utf-8")
    assert kept_at_host(tmp_path) is None


def test_a_name_that_no_message_carries_is_refused(tmp_path: Path) -> None:
    _, order, paths = ordered(tmp_path)
    first, *rest = order["songs"]
    with pytest.raises(ProtocolError, match="cannot have a file") as refused:
        linked_training({**order, "songs": [{**first, "name": "caf\udce9.wav"}, *rest]}, paths, None)
    assert refused.value.sentence.isascii()


def test_one_that_does_not_answer_forgets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(at_host, "FORGET_SECONDS", 0.01)

    async def run() -> None:
        with pytest.raises(ProtocolError, match="cannot be reached") as refused:
            await forgotten(HostConnection(BOX), "ab" * 16)
        assert "thirty days" in refused.value.remedy

    asyncio.run(run())
