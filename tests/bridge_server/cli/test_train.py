"""`takebridge train` from the folder of songs to the adapter's folder, and what it refuses before anything starts."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from bridge_server.cli.commands import Screen
from bridge_server.cli.train import TrainingWish, train
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.bridge_server.training.songs_to_learn import QUICK, three_songs


@pytest.fixture
def wish(tmp_path: Path) -> TrainingWish:
    return TrainingWish(
        name="my_sound", songs=three_songs(tmp_path / "songs"), out=tmp_path / "out", consent=True,
        store=tmp_path / "store", models=tmp_path / "none", checkpoint="", device="cpu", memory=8, changed=QUICK,
    )  # fmt: skip


def screen() -> Screen:
    return Screen(Console(file=io.StringIO(), width=200))


def shown(where: Screen) -> str:
    file = where.console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def test_songs_become_an_adapter_with_its_picture(
    wish: TrainingWish, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(
        "transformers", reason="the text encoder needs transformers: pip install takebridge[acestep]"
    )
    from tests.model.acestep.tiny_folder import write_models

    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # of the process that trains; see tests/one_thread.py
    where, models = screen(), write_models(tmp_path / "models", "acestep-v15-turbo")
    assert train(where, replace(wish, models=models), yields=False) == 0
    assert sorted(path.name for path in wish.adapter.iterdir()) == [
        "adapter_config.json", "adapter_model.safetensors", "loss.png",
    ]  # fmt: skip
    said = shown(where)
    assert "3 songs, 0:16 in all:" in said
    assert "slow_walk.wav: slow walk" in said
    assert '{"adapter": "my_sound/adapter_model.safetensors"}' in said
    consent = json.loads((wish.run / "consent.json").read_text())
    assert len(consent["songs"]) == 3
    with pytest.raises(ProtocolError, match="already something called my_sound") as taken:
        train(screen(), wish)
    assert taken.value.code is ErrorCode.ID_IN_USE
    assert not capsys.readouterr().out


def test_without_consent_nothing_starts(wish: TrainingWish, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(ProtocolError, match="consent of everyone") as refused:
        train(screen(), replace(wish, consent=False))
    assert refused.value.code is ErrorCode.NOT_ALLOWED
    assert "--consent" in refused.value.remedy
    assert not wish.store.exists()
    assert not wish.out.exists()


@pytest.mark.parametrize("name", ["", "../out", "my sound", "-x", "a/b", "ä", "x" * 65])
def test_a_name_that_is_no_folders_is_refused(wish: TrainingWish, name: str) -> None:
    with pytest.raises(ProtocolError, match="no name for an adapter"):
        train(screen(), replace(wish, name=name))
    assert not wish.store.exists()
