"""Blueprints are kept by job and number."""

from __future__ import annotations

import contextlib

import pytest

from bridge_server.jobs.database import open_database
from bridge_server.songs.plans import Plans
from clip_store.store import ClipStore
from daw_protocol.errors import ProtocolError
from daw_protocol.recipe import BlueprintRecord

FIRST, SECOND = BlueprintRecord(caption="a", codes=(1, 2)), BlueprintRecord(caption="b")


def test_they_are_found_again_by_their_names(tmp_path):
    with contextlib.closing(open_database(tmp_path / "bridge.db")) as connection:
        plans = Plans(ClipStore(tmp_path / "store", connection), connection)
        plans.keep("j1", 2, SECOND)
        plans.keep("j1", 1, FIRST)
        plans.keep("j1", 1, FIRST)  # rendered again after the server died
        assert plans.of_job("j1") == {1: FIRST, 2: SECOND}
        assert plans.of_job("j2") == {}
        assert plans.named("j1") == plans.named("j1:1") == FIRST
        assert plans.named("j1:2") == SECOND
        for name in ("j2", "j1:3"):
            with pytest.raises(ProtocolError, match=f"no blueprint {name}") as refused:
                plans.named(name)
            assert refused.value.field == "blueprint"
