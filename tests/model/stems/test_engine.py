"""The engine as the bridge uses it: what it says it can do, what it delivers, and what it says of that."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from model.engine import Grid, Piece, RenderRequest, Report, Samples, Song, Task
from model.errors import CannotRender, NotLoaded, RenderStopped
from model.stems import loading
from model.stems.engine import StemsConfig, StemsEngine, stem_notes
from model.stems.published_stems import FOUR, SIX
from tests.model.stems.networks import PlainNetwork, write_weights
from tests.model.stems.test_published_stems import installed

RATE = 48_000
GRID = Grid(np.arange(5.0) / 2, np.arange(5) % 4, np.full(5, 4), np.arange(5) // 4 + 1, np.full(5, 120.0))


def song(rate: int = RATE, channels: int = 2, bits: int = 24) -> Song:
    noise = np.random.default_rng(3).normal(0.0, 0.1, (rate // 2, channels))
    return Song(
        (np.rint(noise * 2 ** (bits - 1)) / 2 ** (bits - 1)).astype(np.float32),
        rate,
        f"{rate} {channels} {bits}",
    )


def request(source: Song, *stems: str, **more: object) -> RenderRequest:
    fields: dict[str, object] = {"start": 3_000, "end": source.frames - 2_000, "stems": stems, **more}
    return RenderRequest(Task.EXTRACT, source, source.rate, source.channels, grid=GRID, seed=1, **fields)


class Plain(loading.Networks):
    """Networks without torch; the weights files need not hold any."""

    def get(self, model, progress):
        found = PlainNetwork()
        if "piano" in model.stems:
            found.sources = (*PlainNetwork.sources, "guitar", "piano")
        self._loaded = (model, found, "digest")
        return found


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StemsEngine:
    """With files where the weights of both networks lie, and networks without torch."""
    monkeypatch.setattr("model.stems.engine.Networks", Plain)
    monkeypatch.setattr(Plain, "missing_packages", staticmethod(list))
    return StemsEngine(StemsConfig(str(installed(tmp_path, 0, 1))))


def rendered(engine: StemsEngine, asked: RenderRequest) -> tuple[dict[str, Samples], Report]:
    *pieces, report = engine.render(asked, lambda _: None, lambda: False)
    assert isinstance(report, Report)
    found: dict[str, list[Samples]] = {}
    at: dict[str, int] = {}
    for piece in pieces:
        assert isinstance(piece, Piece)
        assert piece.start == at.get(piece.stem, asked.start)
        at[piece.stem] = piece.start + len(piece.samples)
        found.setdefault(piece.stem, []).append(piece.samples)
    return {stem: np.concatenate(parts) for stem, parts in found.items()}, report


def test_what_it_offers_is_what_is_here(tmp_path: Path, engine: StemsEngine) -> None:
    about = engine.describe()
    assert about.stems == SIX
    assert [task for task in Task if about.capability(task).available] == [Task.EXTRACT]
    (tmp_path / "HTDemucs-6s" / "5c90dfd2.safetensors").unlink()
    assert engine.describe().stems == FOUR
    (tmp_path / "HTDemucs" / "955717e8.safetensors").unlink()
    extract = engine.describe().capability(Task.EXTRACT)
    assert not extract.available
    assert "takebridge models pull stems" in extract.remedy


def test_packages_that_are_missing_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "PACKAGES", ("torch", "no_such_library"))
    extract = StemsEngine(StemsConfig(str(installed(tmp_path, 0)))).describe().capability(Task.EXTRACT)
    assert "no_such_library" in extract.reason
    assert extract.remedy == "pip install 'takebridge[stems]'"


@pytest.mark.parametrize("stems", [("vocals",), ("drums", "vocals"), FOUR, ()])
@pytest.mark.parametrize("bits", [16, 24])
def test_stems_and_residual_are_the_source_exactly(
    engine: StemsEngine, stems: tuple[str, ...], bits: int
) -> None:
    source = song(bits=bits)
    asked = request(source, *stems)
    found, _ = rendered(engine, asked)
    assert set(found) == {*(stems or FOUR), "residual"}
    backwards = sum(found[stem] for stem in reversed(list(found)))  # in float32, in any order
    assert np.array_equal(sum(found.values()), source.samples[asked.start : asked.end])
    assert np.array_equal(backwards, source.samples[asked.start : asked.end])


def test_several_stems_come_from_one_pass(engine: StemsEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[int] = []
    once = PlainNetwork.run
    monkeypatch.setattr(
        PlainNetwork, "run", lambda self, mix, check: runs.append(1) or once(self, mix, check)
    )
    rendered(engine, request(song(), "vocals"))
    alone = len(runs)
    rendered(engine, request(song(), *FOUR))
    assert len(runs) == 2 * alone


def test_stems_of_the_larger_network_only_where_they_are_asked_for(engine: StemsEngine) -> None:
    assert rendered(engine, request(song(), "vocals"))[1].weights == "HTDemucs 955717e8"
    assert rendered(engine, request(song(), "vocals", "piano"))[1].weights == "HTDemucs-6s 5c90dfd2"


def test_a_network_that_is_not_here(engine: StemsEngine, tmp_path: Path) -> None:
    (tmp_path / "HTDemucs-6s" / "5c90dfd2.safetensors").unlink()
    with pytest.raises(CannotRender, match="piano") as refused:
        rendered(engine, request(song(), "vocals", "piano"))
    assert "stems-6" in refused.value.remedy
    (tmp_path / "HTDemucs" / "955717e8.safetensors").unlink()
    with pytest.raises(NotLoaded):
        engine.load(lambda _: None)


def test_takes_do_not_differ_and_name_themselves(engine: StemsEngine) -> None:
    found: dict[int | None, list[Samples]] = {}
    for each in engine.render(request(song(), "bass", takes=(0, 2)), lambda _: None, lambda: False):
        if isinstance(each, Piece) and each.stem == "bass":
            found.setdefault(each.take, []).append(each.samples)
    assert set(found) == {0, 2}
    assert np.array_equal(np.concatenate(found[0]), np.concatenate(found[2]))


def test_what_the_report_says(engine: StemsEngine) -> None:
    _, report = rendered(engine, request(song(96_000), "vocals", "drums", options={"overlap": 0.5}))
    assert "neural network" in report.method
    assert report.figures["overlap"] == 0.5
    assert report.figures["weights_digest"] == "digest"
    assert set(report.figures["share"]) == {"vocals", "drums", "residual"}
    assert 0.2 < report.figures["confidence"]["vocals"] < 0.5  # the plain network's stems are all alike
    assert any("of the vocals stem or more is bleed" in note for note in report.notes)
    assert any("above that is in the residual" in note for note in report.notes)


def test_notes_name_what_is_empty_and_what_is_bleed() -> None:
    share = {"vocals": 1e-6, "drums": 0.4, "bass": 0.2}
    empty, bleed = stem_notes(share, {"vocals": 0.1, "drums": 0.9, "bass": 0.4}, RATE)
    assert empty.startswith("Nothing was found for vocals")
    assert bleed.startswith("About 60 % of the bass stem or more is bleed")
    assert not list(stem_notes(share, {"drums": 0.9}, 44_100))


@pytest.mark.parametrize("overlap", [-0.1, 0.95, "much", True, float("nan")])
def test_an_overlap_that_is_none(engine: StemsEngine, overlap: object) -> None:
    with pytest.raises(CannotRender, match="overlap"):
        rendered(engine, request(song(), options={"overlap": overlap}))


def test_invalid_samples_are_refused(engine: StemsEngine) -> None:
    source = song()
    source.samples[10] = np.nan
    with pytest.raises(CannotRender, match="invalid samples"):
        rendered(engine, request(source))


def test_progress_comes_chunk_by_chunk_and_it_can_be_cancelled(engine: StemsEngine) -> None:
    seen: list[float] = []
    stop = lambda: len(seen) > 3  # noqa: E731
    with pytest.raises(RenderStopped):
        list(engine.render(request(song()), lambda update: seen.append(update.fraction), stop))
    assert seen == sorted(seen)


def test_the_librarys_own_network(tmp_path: Path) -> None:
    pytest.importorskip("demucs", reason="separation by network needs demucs: pip install takebridge[stems]")
    write_weights(tmp_path, 0)
    engine = StemsEngine(StemsConfig(str(tmp_path), "cpu"))
    engine.load(lambda _: None)
    source = song(channels=1)
    asked = request(source, "vocals", "bass")
    first, report = rendered(engine, asked)
    again, _ = rendered(engine, asked)
    assert all(np.array_equal(first[stem], again[stem]) for stem in first)
    assert np.array_equal(sum(first.values()), source.samples[asked.start : asked.end])
    assert report.weights == engine.describe().weights == "HTDemucs 955717e8"
    began = time.monotonic()
    engine.unload()
    with pytest.raises(RenderStopped):
        list(engine.render(asked, lambda _: None, lambda: time.monotonic() - began > 0.05))
