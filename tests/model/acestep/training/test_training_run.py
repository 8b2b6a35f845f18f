"""A whole training through the files of untrained checkpoints: songs in, an adapter that changes renders out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

from safetensors import safe_open

from model.acestep.engine import AceStepEngine, EngineConfig
from model.acestep.training.training_run import train_order
from model.engine import Grid, Piece, RenderRequest, Samples, Task
from model.errors import CannotRender, NotLoaded, RenderStopped

RATE = 44_100


def read(digest: str) -> tuple[Samples, int]:
    """A song of six seconds: a tone that only its digest decides."""
    at = np.arange(6 * RATE) / RATE
    return np.sin(2 * np.pi * (200 + 10 * len(digest)) * at)[:, None].astype(np.float32) * 0.3, RATE


def order(tiny: Path, folder: Path, **changed: Any) -> dict[str, Any]:
    settings = {
        "rank": 4,
        "seconds": 1.0,
        "steps": 4,
        "accumulation": 1,
        "learning_rate": 0.02,
        "keep_every": 2,
    }
    songs = [
        {"name": f"{digest}.wav", "digest": digest, "caption": "warm tape", "bpm": 96}
        for digest in ("a", "bb")
    ]
    return {
        "name": "my_sound", "models": str(tiny), "checkpoint": "turbo", "device": "cpu", "memory": 8,
        "changed": settings, "songs": songs, "run": str(folder / "run"), "adapter": str(folder / "my_sound"),
        "about": {"consent": "yes"}, **changed,
    }  # fmt: skip


def no_beats() -> Grid:
    none = np.zeros(0, int)
    return Grid(np.zeros(0), none, none, none, np.zeros(0))


def rendered(models: Path, **options: Any) -> Samples:
    request = RenderRequest(
        task=Task.GENERATE, rate=48_000, channels=2, song=None, start=0, end=48_000,
        grid=no_beats(), seed=3, caption="warm tape",
        options={"steps": 1, **options},
    )  # fmt: skip
    engine = AceStepEngine(EngineConfig(str(models), "turbo", "cpu", 100, "float32"))
    found = engine.render(request, lambda _progress: None, lambda: False)
    return np.concatenate([piece.samples for piece in found if isinstance(piece, Piece)])


def test_songs_become_an_adapter_that_changes_renders(tiny_models: Path, tmp_path: Path) -> None:
    told: list[dict[str, Any]] = []
    made = train_order(order(tiny_models, tmp_path), read, told.append, lambda: False)
    path = Path(made["adapter"])
    assert path == tmp_path / "my_sound" / "adapter_model.safetensors"
    assert [one["step"] for one in told if "step" in one] == [1, 2, 3, 4]
    assert all(0 <= one["share"] <= 1 for one in told)
    assert len(made["losses"]) == 4
    with safe_open(path, framework="pt") as opened:
        about = json.loads(opened.metadata()["takebridge"])
    assert about["songs"] == ["a", "bb"]
    assert about["consent"] == "yes"
    assert about["checkpoint"] == "acestep-v15-turbo"
    without, with_it = rendered(tiny_models), rendered(tiny_models, adapter=str(path))
    assert np.abs(with_it - without).max() > 1e-4


def test_a_stopped_run_goes_on_without_preparing_again(tiny_models: Path, tmp_path: Path) -> None:
    asked = order(tiny_models, tmp_path)
    asked["songs"] = asked["songs"][:1]
    whole = train_order({**asked, "run": str(tmp_path / "other")}, read, lambda _news: None, lambda: False)
    data = Path(whole["adapter"]).read_bytes()
    steps: list[int] = []
    with pytest.raises(RenderStopped):
        train_order(
            asked,
            read,
            lambda news: steps.append(news.get("step", 0)),
            lambda: bool(steps and steps[-1] == 3),
        )

    def not_again(digest: str) -> tuple[Samples, int]:
        raise AssertionError(f"{digest} was prepared already")

    told: list[dict[str, Any]] = []
    again = train_order(asked, not_again, told.append, lambda: False)
    assert [one["step"] for one in told if "step" in one] == [4]
    assert again["losses"] == whole["losses"]
    assert Path(again["adapter"]).read_bytes() == data


def test_what_cannot_be_trained_is_refused_in_words(tiny_models: Path, tmp_path: Path) -> None:
    def run(**changed: Any) -> None:
        train_order(order(tiny_models, tmp_path, **changed), read, lambda _news: None, lambda: False)

    with pytest.raises(NotLoaded, match="no checkpoint called grand"):
        run(checkpoint="grand")
    with pytest.raises(NotLoaded, match="no complete ACE-Step checkpoint"):
        run(models=str(tmp_path / "nothing"))
    with pytest.raises(CannotRender, match="rank must be 1 or more, not 0"):
        run(changed={"rank": 0})
    with pytest.raises(CannotRender, match=r"a\.wav lasts 1\.0 s"):
        train_order(
            order(tiny_models, tmp_path), lambda _digest: (np.ones((RATE, 1), np.float32), RATE),
            lambda _news: None, lambda: False,
        )  # fmt: skip
    assert not (tmp_path / "my_sound").exists()


def test_a_run_keeps_its_preset_whatever_is_free_by_now(tiny_models: Path, tmp_path: Path) -> None:
    """Begun for 24 GB and stopped after a step, it goes on for 24 GB where no size is named."""
    asked = order(tiny_models, tmp_path, memory=24)
    asked["songs"] = asked["songs"][:1]
    del asked["changed"]["rank"]
    steps: list[int] = []
    with pytest.raises(RenderStopped):
        train_order(
            asked, read, lambda news: steps.append(news.get("step", 0)), lambda: bool(steps and steps[-1])
        )
    made = train_order({**asked, "memory": 0}, read, lambda _news: None, lambda: False)
    with safe_open(made["adapter"], framework="pt") as opened:
        settings = json.loads(json.loads(opened.metadata()["takebridge"])["settings"])
    assert settings["rank"] == 128
