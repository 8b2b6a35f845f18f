"""Requests through the whole renderer with an untrained checkpoint: coverage, repeats, caches, stopping."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

from model.acestep.conditioning.listener import Recent
from model.acestep.conditioning.request_plan import RenderPlan, plan_render
from model.acestep.delivered_pieces import HANDLES, MIX, RESIDUAL
from model.acestep.renderer import Renderer
from model.acestep.weights.capabilities import MODEL_TASK
from model.engine import Grid, Piece, Progress, Rendered, RenderRequest, Report, Song, Task
from model.errors import CannotRender, RenderStopped
from tests.model.acestep.small_parts import SmallParts

Audio = NDArray[np.float32]
FEW = {"steps": 2}
SONG_SECONDS = 5.3


def song(rate: int, channels: int, seconds: float = SONG_SECONDS) -> Song:
    samples = np.random.default_rng(rate + channels).normal(0, 0.1, (round(seconds * rate), channels))
    return Song(samples.astype(np.float32), rate, f"noise {rate} {channels} {seconds}")


def grid() -> Grid:
    beats = np.arange(64)
    return Grid(beats * 0.5, beats % 4, np.full(64, 4), beats // 4 + 1, np.full(64, 120.0))


def request(
    task: Task = Task.REPAINT,
    rate: int = 48_000,
    channels: int = 2,
    span: tuple[float, float] = (2.0, 3.0),
    **more: Any,
) -> RenderRequest:
    values: dict[str, Any] = {
        "song": None if task is Task.GENERATE else song(rate, channels),
        "start": round(span[0] * rate) + 7,
        "end": round(span[1] * rate) + 12,
        "seed": 11,
        "caption": "warm tape",
        "options": FEW,
    }
    return RenderRequest(task=task, rate=rate, channels=channels, grid=grid(), **{**values, **more})


def rendered(asked: RenderRequest, renderer: Renderer | None = None) -> list[Rendered]:
    chosen = renderer or Renderer(SmallParts())
    plan = plan_render(asked, chosen._parts.traits)
    return list(chosen.render(asked, plan, lambda _progress: None, lambda: False))


def small_plan(asked: RenderRequest) -> RenderPlan:
    """How the small checkpoint renders a request."""
    return plan_render(asked, SmallParts().traits)


def joined(found: Iterable[Rendered], stem: str, first: int) -> Audio:
    """The pieces of a stem, which must follow each other without a gap from `first` on."""
    pieces = [piece for piece in found if isinstance(piece, Piece) and piece.stem == stem]
    position = first
    for piece in pieces:
        assert piece.start == position
        assert piece.samples.dtype == np.float32
        position += len(piece.samples)
    return np.concatenate([piece.samples for piece in pieces])


@cache
def usual() -> Audio:
    """What the request without anything special gives."""
    return joined(rendered(request()), MIX, request().start)


SPANS = {"inside": (2.0, 3.0), "after": (5.3, 6.3), "before": (-0.5, 0.0), "past the end": (5.0, 5.7)}


@pytest.mark.parametrize("where", SPANS)
@pytest.mark.parametrize(("rate", "channels"), [(48_000, 2), (44_100, 1), (96_000, 2)])
def test_a_mix_covers_exactly_its_region(where: str, rate: int, channels: int) -> None:
    task = Task.REPAINT if where == "inside" else Task.COMPLETE
    asked = request(task, rate, channels, SPANS[where])
    found = rendered(asked)
    audio = joined(found, MIX, asked.start)
    assert audio.shape == (asked.length, channels)
    assert np.isfinite(audio).all()
    assert np.abs(audio).max() > 1e-4
    assert isinstance(found[-1], Report)
    assert sum(isinstance(each, Report) for each in found) == 1


@pytest.mark.parametrize("task", list(MODEL_TASK))
def test_every_task_renders_and_repeats_bit_for_bit(task: Task) -> None:
    asked = request(task, 44_100, stems=("drums", "bass") if task in (Task.EXTRACT, Task.ACCOMPANY) else ())
    once, again = rendered(asked), rendered(asked)
    stems = {piece.stem for piece in once if isinstance(piece, Piece)}
    assert stems == ({"drums", "bass", RESIDUAL} if task is Task.EXTRACT else {MIX})
    for stem in stems:
        assert np.array_equal(joined(once, stem, asked.start), joined(again, stem, asked.start))


@pytest.mark.parametrize(
    "changed", [{"seed": 12}, {"takes": (1,)}, {"caption": "cold glass"}, {"strength": 1.0}]
)
def test_what_is_asked_for_changes_the_result(changed: dict[str, Any]) -> None:
    # An untrained network hardly listens, so the difference is not loud; but it is there.
    assert not np.array_equal(usual(), joined(rendered(request(**changed)), MIX, request().start))


def test_stems_and_residual_sum_to_the_song() -> None:
    asked = request(Task.EXTRACT, 44_100, 1, span=(4.5, 5.2), stems=("vocals", "drums", "vocals"))
    found = rendered(asked)
    total = sum(joined(found, stem, asked.start).astype(np.float64) for stem in ("vocals", "drums", RESIDUAL))
    assert asked.song is not None
    assert np.abs(total - asked.song.samples[asked.start : asked.end]).max() < 1e-6


def test_handles_go_on_around_the_region_without_a_seam() -> None:
    asked = request(handle=2_000)
    found = rendered(asked)
    wide = joined(found, HANDLES, asked.start - 2_000)
    assert len(wide) == asked.length + 4_000
    assert np.array_equal(wide[2_000:-2_000], joined(found, MIX, asked.start))
    # The audio is rounded otherwise where it is decoded in other pieces.
    assert np.abs(joined(found, MIX, asked.start) - usual()).max() < 1e-5


def test_what_is_kept_gives_the_same_as_fresh() -> None:
    parts = SmallParts()
    renderer = Renderer(parts)
    rendered(request(span=(4.0, 4.5)), renderer)
    opened = parts.opened.copy()
    kept = rendered(request(), renderer)
    assert parts.opened["text"] == opened["text"], "the same words are not read twice"
    assert parts.opened["conditions"] == opened["conditions"], "and not prepared twice"
    assert parts.opened["vae"] == opened["vae"] + 1, "the song is not encoded again, only the result decoded"
    assert np.array_equal(
        joined(kept, MIX, request().start), joined(rendered(request()), MIX, request().start)
    )
    renderer.forget()
    rendered(request(), renderer)
    assert parts.opened["text"] == opened["text"] + 1
    assert parts.opened["conditions"] == opened["conditions"] + 1


def test_a_timbre_is_heard_once_whatever_the_words() -> None:
    parts, heard = SmallParts(), 0

    def count(*_: Any) -> None:
        nonlocal heard
        heard += 1

    renderer = Renderer(parts)
    with parts.condition_encoder() as encoder:
        hook = encoder.timbre.register_forward_hook(count)
    try:
        rendered(request(), renderer)
        other = rendered(request(caption="cold wire"), renderer)
        assert heard == 1, "of silence"
        rendered(request(reference=song(48_000, 2)), renderer)
        rendered(request(reference=song(48_000, 2), caption="cold wire"), renderer)
        assert heard == 2
        renderer.forget()
        rendered(request(), renderer)
        assert heard == 3
    finally:
        hook.remove()
    fresh = joined(rendered(request(caption="cold wire")), MIX, request().start)
    assert np.array_equal(joined(other, MIX, request().start), fresh)


def test_stems_have_no_handles() -> None:
    found = rendered(request(Task.EXTRACT, stems=("drums",), handle=2_000))
    assert {piece.stem for piece in found if isinstance(piece, Piece)} == {"drums", RESIDUAL}
    assert len(joined(found, "drums", request().start)) == request().length


def mix_of(asked: RenderRequest, renderer: Renderer) -> Audio:
    return joined(rendered(asked, renderer), MIX, asked.start)


def test_what_is_kept_is_not_taken_for_something_else() -> None:
    parts = SmallParts()
    used = Renderer(parts)
    switching = {**FEW, "cover_strength": 0.5}
    drawn = {**FEW, "encode": "sample"}
    asked = [
        request(Task.COVER),
        request(Task.COVER, options=switching),
        request(options=drawn),
        request(options=drawn, seed=12),
        request(reference=song(44_100, 2)),
        request(reference=song(44_100, 2), seed=12),
        request(reference=song(48_000, 1)),
        request(),
        request(span=(2.0, 3.0), rate=44_100),
    ]
    for each in asked:
        assert np.array_equal(mix_of(each, used), mix_of(each, Renderer(SmallParts())))
    assert parts.opened["codes"] == 1, "the second cover of a song knows its codes"


def test_stems_of_one_request_share_one_encode() -> None:
    parts = SmallParts(keeps_loaded=False)
    rendered(request(Task.EXTRACT, stems=("drums", "bass", "vocals")), Renderer(parts))
    assert parts.opened == {"text": 1, "vae": 1 + 3, "conditions": 1, "dit": 1}


def test_loading_part_by_part_changes_nothing() -> None:
    for asked in (request(Task.COVER), request(Task.EXTRACT, stems=("drums", "bass"))):
        resident, moving = rendered(asked), rendered(asked, Renderer(SmallParts(keeps_loaded=False)))
        assert len(resident) == len(moving)
        for one, other in zip(resident[:-1], moving[:-1], strict=True):
            assert isinstance(one, Piece)
            assert isinstance(other, Piece)
            assert (one.stem, one.start) == (other.stem, other.start)
            assert np.array_equal(one.samples, other.samples)


def test_the_first_sound_comes_before_the_last_is_decoded() -> None:
    asked, received = request(span=(0.5, 5.0)), []

    def reported(progress: Progress) -> None:
        if progress.stage == "decoding audio":
            received.append(progress.fraction)

    first = next(
        piece
        for piece in Renderer(SmallParts()).render(asked, small_plan(asked), reported, lambda: False)
        if isinstance(piece, Piece)
    )
    assert first.start == asked.start
    assert received[-1] < 0.95
    assert len(first.samples) < asked.length / 4


def test_a_silent_song_is_not_encoded() -> None:
    parts = SmallParts()
    quiet = Song(np.zeros((48_000 * 6, 2), np.float32), 48_000, "silence")
    rendered(request(song=quiet), Renderer(parts))
    assert parts.opened["vae"] == 1


def test_progress_only_rises_and_names_the_stages() -> None:
    reported: list[Progress] = []
    list(Renderer(SmallParts()).render(request(), small_plan(request()), reported.append, lambda: False))
    fractions = [each.fraction for each in reported]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1.0)
    assert list(dict.fromkeys(each.stage for each in reported)) == [
        "reading the prompt",
        "encoding the song",
        "preparing",
        "generating, step 1 of 2",
        "generating, step 2 of 2",
        "decoding audio",
    ]
    assert reported[-1].seconds_left == pytest.approx(0.0, abs=0.1)
    reported.clear()
    stems = request(Task.EXTRACT, stems=("drums", "bass"))
    renderer = Renderer(SmallParts(keeps_loaded=False))  # decodes after both are composed
    list(renderer.render(stems, small_plan(stems), reported.append, lambda: False))
    fractions = [each.fraction for each in reported]
    assert fractions == sorted(fractions)


@pytest.mark.parametrize("asks_until_stop", [0, 1, 3, 5, 8])
def test_a_stop_takes_effect_in_every_phase(asks_until_stop: int) -> None:
    asked: list[None] = []

    def should_stop() -> bool:
        asked.append(None)
        return len(asked) > asks_until_stop

    with pytest.raises(RenderStopped):
        list(
            Renderer(SmallParts()).render(
                request(), small_plan(request()), lambda _progress: None, should_stop
            )
        )
    assert len(asked) == asks_until_stop + 1


def test_a_song_that_is_not_numbers_is_refused() -> None:
    broken = song(48_000, 2)
    samples = broken.samples.copy()
    samples[1000] = np.nan
    with pytest.raises(CannotRender, match="invalid samples"):
        rendered(request(song=Song(samples, 48_000, "broken")))


def test_the_report_says_what_was_done() -> None:
    report = rendered(request(key="H dur"))[-1]
    assert isinstance(report, Report)
    assert "untrained-tiny-base" in report.method
    assert report.figures["steps"] == 2
    assert report.figures["window_seconds"] == pytest.approx(133 / 25)
    assert len(report.notes) == 1


def test_only_the_recent_is_kept() -> None:
    recent: Recent[int] = Recent(2)
    for name in "ab":
        recent.put(name, ord(name))
    assert recent.get("a") == 97
    recent.put("c", 99)
    assert recent.get("b") is None
    assert recent.get("a") == 97


# --- references ---------------------------------------------------------------------------------------


def test_a_reference_is_encoded_once_for_all_takes() -> None:
    parts = SmallParts()
    renderer = Renderer(parts)
    voice = song(44_100, 1, 2.0)
    first, second = request(reference=voice), request(reference=voice, takes=(1,))
    sung = mix_of(first, renderer)
    opened = parts.opened["vae"]
    other = mix_of(second, renderer)
    assert parts.opened["vae"] == opened + 1, "the second take only decodes"
    assert np.array_equal(sung, mix_of(first, Renderer(SmallParts())))
    assert not np.array_equal(sung, usual())
    assert not np.array_equal(sung, other)
    quiet = Song(np.zeros((4800, 1), np.float32), 48_000, "quiet")
    with pytest.raises(CannotRender, match="reference audio is silent"):
        rendered(request(reference=quiet), renderer)
