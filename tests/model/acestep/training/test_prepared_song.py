"""A prepared song's file: there and back, and only for what it was computed from."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch

from model.acestep.training.prepared_song import (
    TASKS,
    read_latents,
    read_prepared,
    write_latents,
    write_prepared,
)
from tests.model.acestep.training.small_training import song


def test_a_song_comes_back_bit_for_bit(tmp_path: Path) -> None:
    written = song(1)
    write_prepared(tmp_path / "one.safetensors", written)
    found = read_prepared(tmp_path / "one.safetensors", written.key)
    assert found is not None
    assert (found.name, found.digest, found.frames) == (written.name, written.digest, 40)
    assert torch.equal(found.mean, written.mean)
    assert torch.equal(found.deviation, written.deviation)
    assert all(torch.equal(found.states[task], written.states[task]) for task in TASKS)


def test_what_is_not_the_song_is_prepared_again(tmp_path: Path) -> None:
    path = tmp_path / "one.safetensors"
    assert read_prepared(path, "key 1") is None
    write_prepared(path, song(1))
    assert read_prepared(path, "key 2") is None
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    assert read_prepared(path, "key 1") is None
    path.write_bytes(b"")
    assert read_prepared(path, "key 1") is None


def test_latents_come_back_bit_for_bit_and_only_for_their_key(tmp_path: Path) -> None:
    path, written = tmp_path / "one.latents.safetensors", song(1)
    assert read_latents(path, "key 1") is None
    write_latents(path, "key 1", (written.mean, written.deviation))
    found = read_latents(path, "key 1")
    assert found is not None
    assert torch.equal(found[0], written.mean)
    assert torch.equal(found[1], written.deviation)
    assert read_latents(path, "key 2") is None
    path.write_bytes(path.read_bytes()[:-5])
    assert read_latents(path, "key 1") is None
