"""What engines keep of audio: found by its digest, gone with its take, and never too much."""

from __future__ import annotations

import sqlite3

import pytest

from clip_store.index import TakeIndex
from clip_store.kept import KeptBlob, KeptBlobs


@pytest.fixture
def kept():
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    TakeIndex(connection)
    yield KeptBlobs(connection, most=1000)
    connection.close()


def test_it_is_found_by_the_audio_and_the_engine(kept):
    kept.add("t1", "acestep", KeptBlob("audio", "latents", 100))
    assert kept.find("audio", "acestep") == "latents"
    assert kept.find("audio", "sketch") is None, "another engine cannot read it"
    assert kept.find("other audio", "acestep") is None
    kept.add("t2", "acestep", KeptBlob("audio", "newer", 100))
    assert kept.find("audio", "acestep") == "newer"
    assert kept.blobs() == {"latents", "newer"}


def test_it_goes_with_its_take(kept):
    kept.add("t1", "acestep", KeptBlob("one", "a", 100))
    kept.add("t2", "acestep", KeptBlob("two", "b", 100))
    kept.drop("t1")
    assert (kept.find("one", "acestep"), kept.blobs()) == (None, {"b"})


def test_the_oldest_make_room(kept):
    for number in range(5):
        kept.add(f"t{number}", "acestep", KeptBlob(f"audio {number}", f"blob {number}", 300))
    assert kept.blobs() == {"blob 2", "blob 3", "blob 4"}
    kept.add("t9", "acestep", KeptBlob("large", "too large", 1001))
    assert kept.blobs() == set(), "what is larger than everything is not kept either"
