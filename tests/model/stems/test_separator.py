"""Separation for other engines: one call, or a reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model.engine import Song
from model.errors import NotLoaded, RenderStopped
from model.pace import Pace
from model.stems import loading
from model.stems.published_stems import FOUR
from model.stems.separator import CannotSeparate, Separator
from tests.model.stems.networks import write_weights
from tests.model.stems.test_engine import Plain
from tests.model.stems.test_published_stems import installed

QUIET = Pace(lambda _: None, lambda: False)
SONG = Song(np.random.default_rng(4).normal(0.0, 0.1, (20_000, 2)).astype(np.float32), 48_000, "noise")


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks without torch."""
    monkeypatch.setattr("model.stems.separator.Networks", Plain)
    monkeypatch.setattr(Plain, "missing_packages", staticmethod(list))


@pytest.mark.usefixtures("plain")
def test_all_stems_of_a_span_with_the_networks_name(tmp_path: Path) -> None:
    found = Separator(installed(tmp_path, 0, 1)).span(SONG, 5_000, 15_000, QUIET)
    assert set(found.stems) == set(found.confidence) == set(FOUR)
    assert all(audio.shape == (10_000, 2) for audio in found.stems.values())
    assert found.by == "HTDemucs 955717e8"
    six_alone = Separator(installed(tmp_path / "six", 1)).span(SONG, 5_000, 15_000, QUIET)
    assert (Separator(None).network, Separator(tmp_path).network) == ("", "955717e8")
    assert (set(six_alone.stems), six_alone.by) == (set(FOUR), "HTDemucs 5c90dfd2")


@pytest.mark.usefixtures("plain")
def test_it_can_be_cancelled(tmp_path: Path) -> None:
    with pytest.raises(RenderStopped):
        Separator(installed(tmp_path, 0)).span(SONG, 0, 10_000, Pace(lambda _: None, lambda: True))


def test_without_a_network_there_is_nothing_to_say(tmp_path: Path) -> None:
    for models in (None, tmp_path / "empty"):
        with pytest.raises(CannotSeparate) as missing:
            Separator(models).span(SONG, 0, 100, QUIET)
        assert missing.value.note == ""


def test_a_network_without_its_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "PACKAGES", ("torch", "no_such_library"))
    with pytest.raises(CannotSeparate) as missing:
        Separator(installed(tmp_path, 0)).span(SONG, 0, 100, QUIET)
    assert "no_such_library" in missing.value.note
    assert "pip install" in missing.value.note


@pytest.mark.usefixtures("plain")
def test_a_network_that_is_broken_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise NotLoaded("955717e8.safetensors is incomplete.", "Fetch it again.")

    monkeypatch.setattr(Plain, "get", broken)
    with pytest.raises(CannotSeparate, match="incomplete"):
        Separator(installed(tmp_path, 0)).span(SONG, 0, 100, QUIET)


@pytest.mark.usefixtures("plain")
def test_tracks_that_are_rendered_together_are_not_separated(tmp_path: Path) -> None:
    stack = Song(np.zeros((100, 4), np.float32), 48_000, "stack")
    with pytest.raises(CannotSeparate):
        Separator(installed(tmp_path, 0)).span(stack, 0, 100, QUIET)


def test_the_librarys_own_network(tmp_path: Path) -> None:
    pytest.importorskip("demucs", reason="separation by network needs demucs: pip install takebridge[stems]")
    write_weights(tmp_path, 0)
    separator = Separator(tmp_path, "cpu")
    stages: list[str] = []
    found = separator.span(SONG, 0, 10_000, Pace(lambda update: stages.append(update.stage), lambda: False))
    assert np.abs(found.stems["vocals"]).max() > 1e-4
    assert stages[0] == "loading the separation network"
    separator.forget()
