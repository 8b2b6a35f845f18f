"""A slice of the real stems as a gate: a singer over a drum loop and a band, and a short bass beside a kick.

Where the packages cannot be fetched, or lmms does not run, the test is skipped and says so.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.real_music import multitracks, packages, separating
from benchmarks.real_music.multitracks import Multitrack


def gains(make: Callable[[], Multitrack]) -> dict[str, float]:
    try:
        found = separating.measure(make)[separating.OURS].values
    except packages.NotToBeHad as error:
        pytest.skip(f"REAL STEMS ARE NOT MEASURED: {error}")
    return {row.removeprefix("gain "): gain for row, (gain,) in found.items()}


@pytest.mark.slow
def test_a_real_singer_over_a_real_loop_and_band() -> None:
    found = gains(lambda: multitracks.sung(14, "loop_breakbeat", "instead", 10.0, packages.FOLDER))
    assert found["vocals"] >= 6.7
    assert found["drums"] >= 3.6
    assert found["band"] >= 2.8


@pytest.mark.slow
def test_a_real_bass_of_short_notes_beside_a_kick() -> None:
    found = gains(lambda: multitracks.rendered(multitracks.SONGS["reggaeton"], packages.FOLDER))
    assert found["bass"] >= 9.0
    assert found["drums"] >= 3.6
    assert found["other"] >= 12.0


def test_what_another_process_has_fetched_stays(tmp_path: Path) -> None:
    for name in ("made", "place"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name, encoding="utf-8")
    packages.take_place(tmp_path / "made", tmp_path / "place")
    assert (tmp_path / "place/file").read_text(encoding="utf-8") == "place"
    with pytest.raises(OSError):
        packages.take_place(tmp_path / "made", tmp_path / "no folder/place")
