"""What counts as a stem of a real mix, and how a separation of it is judged; with made songs, and no package."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmarks.real_music import multitracks, packages, separating
from benchmarks.real_music.multitracks import RATE, Multitrack
from benchmarks.sketch_columns import Columns
from tests.model.sketch import stem_songs


@pytest.fixture(scope="module")
def made() -> Multitrack:
    return Multitrack(dict(stem_songs.make("pop", 6.0).stems))


@pytest.fixture(scope="module")
def measured(made: Multitrack) -> Columns:
    return separating.measure(lambda: made)


def test_sketch_gains_and_no_mask_gains_more_than_the_best(measured: Columns) -> None:
    for stem in ("vocals", "drums", "bass", "other"):
        (ours,) = measured[separating.OURS].values[f"gain {stem}"]
        (best,) = measured[separating.BEST].values[f"gain {stem}"]
        assert 3.0 < ours < best


def test_a_reference_that_is_next_to_silence_is_not_counted(made: Multitrack) -> None:
    stems = dict(made.stems)
    stems["bass"] = stems["bass"] * np.float32(1e-3)
    found = separating.measure(lambda: Multitrack(stems))[separating.OURS].values
    assert "gain bass" not in found
    assert "gain drums" in found


def test_what_two_stems_hold_together_is_judged_together(made: Multitrack) -> None:
    """A lead guitar is what Sketch calls vocals or other."""
    stems = {
        "guitar": made.stems["vocals"] + made.stems["other"],
        "rest": made.stems["drums"] + made.stems["bass"],
    }
    found = separating.measure(lambda: Multitrack(stems))[separating.OURS].values
    assert found["gain guitar"][0] > 8.0
    assert found["gain rest"][0] > 8.0


def test_tracks_are_summed_by_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As lmms writes them: a number, then the track's name."""
    levels = {"1_Kick": 0.1, "2_Slap Bass": 0.2, "3_Snare": 0.05, "4_Organ": 0.15}
    for name, level in levels.items():
        soundfile.write(tmp_path / f"{name}.wav", np.full((2 * RATE, 2), level), RATE)
    song = multitracks.Song("any", 0.5, ("kick", "snare"), ("bass",))
    monkeypatch.setattr(multitracks, "rendered_tracks", lambda song, folder: sorted(tmp_path.glob("*.wav")))
    stems = multitracks.rendered(song, tmp_path).stems
    found = {name: float(stem[RATE, 0]) for name, stem in stems.items()}
    assert found == pytest.approx({"drums": 0.15, "bass": 0.2, "other": 0.15}, abs=1e-3)
    assert all(len(stem) == multitracks.FRAMES for stem in stems.values())


def test_a_program_that_does_not_run_leaves_its_song_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def empty(package: str, folder: object) -> object:
        root = tmp_path / package
        (root / "usr/lib/any-linux-gnu/lmms").mkdir(parents=True, exist_ok=True)
        (root / "usr/share/lmms").mkdir(parents=True, exist_ok=True)
        return root

    monkeypatch.setattr(multitracks, "fetch", empty)
    with pytest.raises(packages.NotToBeHad, match="lmms does not run here"):
        multitracks.rendered(multitracks.SONGS["reggae"], tmp_path)
