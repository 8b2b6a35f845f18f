"""A training in its own process: killed in the middle, it goes on to the same bits; errors come as sentences."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

from bridge_server.training.song_folder import songs_in
from bridge_server.training.training_process import TrainingProcess
from clip_store.audio.audio_file import read_audio
from daw_protocol.errors import ErrorCode, ProtocolError
from model.acestep.training.training_run import train_order
from model.engine import Samples
from tests.bridge_server.training.songs_to_learn import QUICK, three_songs
from tests.bridge_server.training.training_peer import SMALL_TRAINER


def order(models: Path, tmp_path: Path, songs: list[Any], run: str, **changed: Any) -> dict[str, Any]:
    return {
        "name": "my_sound", "models": str(models), "checkpoint": "turbo", "device": "cpu", "memory": 8,
        "changed": QUICK, "songs": [song.fields for song in songs], "run": str(tmp_path / run),
        "adapter": str(tmp_path / "adapter" / run), "about": {}, **changed,
    }  # fmt: skip


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is a matter of POSIX systems")
@pytest.mark.parametrize("moment", [2, 5])
def test_killed_at_any_moment_it_goes_on_to_the_same_bits(
    tiny_models: Path, tmp_path: Path, moment: int
) -> None:
    """moment: news before the kill; it loads, has prepared, and takes four steps."""
    songs = songs_in(three_songs(tmp_path / "songs"))[:1]
    paths = {song.digest: song.path for song in songs}
    audio = read_audio(songs[0].path, 60.0)

    def read(_digest: str) -> tuple[Samples, int]:
        return audio.samples, audio.rate

    whole = order(tiny_models, tmp_path, songs, "whole")
    result = train_order(
        whole, read, lambda _news: None, lambda: False
    )  # here: a process takes seconds to start
    shutil.copytree(tmp_path / "whole" / "songs", tmp_path / "killed" / "songs")  # prepared already
    killed = TrainingProcess(order(tiny_models, tmp_path, songs, "killed"), paths, yields=False)
    told = killed.news()
    for _ in range(moment):
        next(told)
    assert killed.pid is not None
    os.kill(killed.pid, signal.SIGKILL)
    with pytest.raises(ProtocolError, match="The training's process") as died:
        list(told)
    killed.close()
    assert died.value.code is ErrorCode.ENGINE_DIED
    assert "goes on from the last state" in died.value.remedy
    after: list[dict[str, Any]] = []
    again = train_order(order(tiny_models, tmp_path, songs, "killed"), read, after.append, lambda: False)
    assert Path(again["adapter"]).read_bytes() == Path(result["adapter"]).read_bytes()
    assert again["losses"] == result["losses"]
    if moment > 4:  # its second step was told, so the first one was kept
        assert next(news for news in after if "losses" in news)["phase"].startswith("going on after step ")


@pytest.mark.parametrize(
    ("checkpoint", "sentence", "code"),
    [
        ("absent", "There is no complete checkpoint.", ErrorCode.ENGINE_NOT_READY),
        ("grand", "There is no checkpoint called grand.", ErrorCode.CANNOT_RENDER),
        ("broken", "RuntimeError in the training.", ErrorCode.INTERNAL),
    ],
)
def test_a_refusal_keeps_its_words_and_its_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoint: str, sentence: str, code: ErrorCode
) -> None:
    monkeypatch.setattr("bridge_server.training.training_process.TRAINER", SMALL_TRAINER)
    asked = order(tmp_path, tmp_path, [], "run", checkpoint=checkpoint)
    training = TrainingProcess(asked, {}, yields=False)
    with pytest.raises(ProtocolError) as refused:
        list(training.news())
    training.close()
    assert (refused.value.sentence, refused.value.code) == (sentence, code)
    assert refused.value.remedy
