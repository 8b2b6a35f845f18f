"""Songs nothing is written about get the planner's words, once; what is written stays."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")
pytest.importorskip("transformers", reason="the planner needs transformers: pip install takebridge[acestep]")

from model.acestep.training.preparation import TrainingSong
from model.acestep.training.song_descriptions import _words, described
from model.acestep.training.training_run import train_order
from model.blueprint import Blueprint, LyricLine
from model.errors import CannotRender
from tests.model.acestep.training.test_training_run import order, read
from tests.places import TINY_PLANNER


@pytest.fixture(scope="module")
def with_planner(tiny_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = shutil.copytree(tiny_models, tmp_path_factory.mktemp("planned") / "models")
    shutil.copytree(TINY_PLANNER, folder / "acestep-5Hz-lm-1.7B")
    return folder


def test_the_planner_writes_about_songs_without_words_and_once(with_planner: Path, tmp_path: Path) -> None:
    """The tiny planner is untrained: what it writes is noise, but always the same."""
    asked = order(with_planner, tmp_path)
    asked["songs"] = [{**asked["songs"][0], "describe": True}, asked["songs"][1]]
    asked["changed"] = {**asked["changed"], "steps": 1}
    told: list[dict[str, Any]] = []
    train_order(asked, read, told.append, lambda: False)
    assert any(news["phase"] == "describing a.wav" for news in told)
    (written,) = (news["described"] for news in told if "described" in news)
    assert [one["name"] for one in written] == ["a.wav"]
    kept = json.loads((tmp_path / "run" / "descriptions.json").read_text())
    assert list(kept) == ["a"]
    told.clear()
    shutil.rmtree(tmp_path / "my_sound")
    train_order(asked, lambda digest: pytest.fail(f"{digest} was heard already"), told.append, lambda: False)
    assert not any(news["phase"].startswith("describing") for news in told)


def test_a_description_is_what_training_takes() -> None:
    found = Blueprint(
        tempo=95.6, key="C minor", meter="3/4", caption="brushes", language="xx",
        lyrics=(LyricLine("[Verse]"), LyricLine("rain")),
    )  # fmt: skip
    assert _words(found) == {
        "caption": "brushes", "lyrics": "[Verse]\nrain", "language": "unknown", "bpm": 96, "meter": "3",
        "key": "C minor",
    }  # fmt: skip
    assert _words(Blueprint()) == {"lyrics": "[Instrumental]", "language": "unknown"}


def test_words_stay_whether_a_planner_has_come_or_gone_since(tmp_path: Path) -> None:
    path = tmp_path / "descriptions.json"

    def with_words(planner: Path | None, song: TrainingSong) -> Any:
        return described(None, planner, None, [song], read, path, lambda *_: None, lambda: False)  # type: ignore[arg-type]

    named = TrainingSong("a.wav", "a", "a", describe=True)
    (first,), written = with_words(None, named)
    assert (first.caption, first.lyrics, first.describe, written) == ("a", named.lyrics, False, ())
    assert with_words(tmp_path, named) == ((first,), ())
    assert with_words(tmp_path, replace(named, caption="renamed")) == ((first,), ())
    path.write_text('{"a": {"caption": "brushes", "lyrics": "la", "language": "fr"}}')
    (planned,), written = with_words(None, named)
    assert (planned.caption, planned.lyrics, planned.language) == ("brushes", "la", "fr")
    assert written == (planned,)


def test_words_that_are_damaged_are_named(tmp_path: Path) -> None:
    path = tmp_path / "descriptions.json"
    path.write_text('["no table"]')
    song = TrainingSong("a.wav", "a", "a", describe=True)
    with pytest.raises(CannotRender, match="can no longer be read"):
        described(None, tmp_path, None, [song], read, path, lambda *_: None, lambda: False)  # type: ignore[arg-type]
