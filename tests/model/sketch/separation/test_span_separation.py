"""Layers come from the network that is here, else from the rules, and say which."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model.engine import Progress, Report, Song
from model.errors import NotLoaded
from model.pace import Pace
from model.sketch.analysis.analysis import listen, on_grid
from model.sketch.rearrange import layer_notes, layers, repaint
from model.sketch.rearrange.layers import SongStems, StemSong
from model.sketch.rearrange.repaint import METHOD, METHOD_SLICES, method_by
from model.sketch.separation.separation_parameters import STEM_NAMES
from model.sketch.separation.span_separation import SpanSeparation, by_rules
from tests.model.sketch.songs import make_song, request_for
from tests.model.stems.test_engine import Plain
from tests.model.stems.test_published_stems import installed

RATE = 44_100
QUIET = Pace(lambda _: None, lambda: False)
SONG = Song(np.random.default_rng(5).normal(0.0, 0.1, (RATE, 2)).astype(np.float32), RATE, "noise")


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SpanSeparation:
    """Whose stems are a tenth to four tenths of the song each, a little more towards the end of a chunk."""
    monkeypatch.setattr("model.stems.separator.Networks", Plain)
    monkeypatch.setattr(Plain, "missing_packages", staticmethod(list))
    return SpanSeparation(installed(tmp_path, 0))


def test_the_four_sum_to_the_song_whatever_the_network_left(network: SpanSeparation) -> None:
    stems = network(SONG, 1_000, 30_000, QUIET)
    total = np.sum([stems.named(name) for name in STEM_NAMES], axis=0, dtype=np.float64)
    assert np.abs(total - SONG.samples[1_000:30_000]).max() < 1e-7
    assert (stems.by, stems.note, stems.has_vocal) == ("HTDemucs 955717e8", "", True)


def test_the_voice_that_stays_is_the_networks_own(network: SpanSeparation) -> None:
    """Rules leave part of a voice to the band, so more is kept than their mask says; a network's is taken as it is."""
    take = StemSong(SongStems(SONG, network), layers.LAYERS["keep vocals"], QUIET)
    moving = take.moving(5_000, 6_000).read(5_000, 6_000)
    vocals = take.stems_of(5_000, 6_000).vocals[5_000:6_000]
    assert np.abs(moving + vocals - SONG.samples[5_000:6_000]).max() < 1e-7
    assert 0.3 < np.abs(vocals).max() / np.abs(SONG.samples[5_000:6_000]).max() < 0.5


def test_receipts_say_which(network: SpanSeparation) -> None:
    for separate, name in ((network, "HTDemucs 955717e8"), (by_rules, "rules")):
        stems = separate(SONG, 0, 20_000, QUIET)
        assert layer_notes.figures(stems)["separation"] == name
        for method in (METHOD, METHOD_SLICES):
            assert ("no neural network" in method_by(method, stems)) == (name == "rules")
            assert (name in method_by(method, stems)) == (name != "rules")


def test_without_a_network_nothing_changes(tmp_path: Path) -> None:
    for separation in (SpanSeparation(None), SpanSeparation(tmp_path)):
        found, rules = separation(SONG, 0, 20_000, QUIET), by_rules(SONG, 0, 20_000, QUIET)
        assert (found.by, found.note) == ("", "")
        assert all(np.array_equal(found.named(name), rules.named(name)) for name in STEM_NAMES)


def test_a_network_that_cannot_be_used_is_named_and_the_rules_separate(
    network: SpanSeparation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise NotLoaded("955717e8.safetensors is incomplete.", "Fetch it again.")

    monkeypatch.setattr(Plain, "get", broken)
    stems = network(SONG, 0, 20_000, QUIET)
    assert stems.by == ""
    assert any("incomplete" in note for note in layer_notes.notes("no drums", stems))


def test_its_progress_moves_no_bar(network: SpanSeparation) -> None:
    seen: list[Progress] = []
    pace = Pace(seen.append, lambda: False)
    pace.at("separating layers", 0.4)
    network(SONG, 0, 20_000, pace.part(0.5, 1.0))
    assert {update.fraction for update in seen} == {0.4}
    assert any("part 2 of" in update.stage for update in seen)


@pytest.mark.parametrize("name", ["drums only", "fill"])
def test_a_take_of_separated_layers_says_whose_they_are(network: SpanSeparation, name: str) -> None:
    made = make_song(16)
    asked = request_for(made, made.bar_frame(6), made.bar_frame(8), layers=name)
    analysis = on_grid(listen(asked.required_song, QUIET), asked.grid, None, QUIET)
    for separate, by in ((network, "HTDemucs 955717e8"), (by_rules, "")):
        *_, report = repaint.render(asked, analysis, SongStems(asked.required_song, separate), QUIET)
        assert isinstance(report, Report)
        assert (report.weights, report.neural) == (by, bool(by))
