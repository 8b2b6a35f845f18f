"""From what a producer says to samples, and from there to what an engine is given."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge_server.rendering.plan import MAX_QUARTERS, plan_request, with_default_region
from bridge_server.songs.song_probe import SongProbe
from daw_protocol import requests
from daw_protocol.context import tempo_map_of
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests import Accompany, Complete, Cover, Extract, Generate, Lego, Repaint
from daw_protocol.timeline import Bbt, Meter, MeterChange, Span, TempoMap, TempoPoint
from model.engine import Task
from tests.daw_protocol.generated import tempo_maps

RATE = 48000
BAR = 2 * RATE  # a bar of 4/4 at 120 bpm
SONG = SongProbe(frames=20 * BAR, rate=RATE, channels=2, music_frames=19 * BAR + 100)
SOURCE = {"source": "song.wav", "bpm": 120}

# 120 bpm for two bars, then a ramp to 60 over two bars; 3/4 from there on.
RAMP = TempoMap(
    (
        TempoPoint(Fraction(0), Fraction(120)),
        TempoPoint(Fraction(8), Fraction(120), True),
        TempoPoint(Fraction(16), Fraction(60)),
    ),
    (MeterChange(Fraction(0), Meter(4, 4)), MeterChange(Fraction(16), Meter(3, 4))),
)


def region(request, shape=SONG):
    found = plan_request(request, shape).region
    return found.start, found.end


REGIONS = [
    (Repaint(start=384000, end=576000, **SOURCE), (384000, 576000)),
    (Repaint(start="17|1", end="18|1", **SOURCE), (16 * BAR, 17 * BAR)),
    (Repaint(bars="17", **SOURCE), (16 * BAR, 17 * BAR)),
    (Repaint(bars="17-20", **SOURCE), (16 * BAR, 20 * BAR)),
    (Repaint(start="12.5s", length="4s", **SOURCE), (600000, 792000)),
    (Repaint(start="8b", length="16b", **SOURCE), (2 * BAR, 6 * BAR)),
    (Repaint(start="bar 3", length="2 bars", **SOURCE), (2 * BAR, 4 * BAR)),
    (Repaint(start=5, **SOURCE), (5, SONG.frames)),
    (Repaint(end=5, **SOURCE), (0, 5)),
    (Repaint(length=7, **SOURCE), (0, 7)),
    (Repaint(start=0, end=1, **SOURCE), (0, 1)),
    (Repaint(start=0, end=SONG.frames, **SOURCE), (0, SONG.frames)),
    (Repaint(bars="2", source="song.wav", bpm=60, meter="3/4"), (3 * RATE, 6 * RATE)),
    # The ramp's two bars last as long as at its mean tempo, 90: 8 quarters in 16/3 s.
    (Repaint(bars="3-4", source="a", tempo_map=RAMP), (4 * RATE, 4 * RATE + 256000)),
    (Repaint(bars="5", source="a", tempo_map=RAMP), (4 * RATE + 256000, 4 * RATE + 256000 + 3 * RATE)),
    # The whole song where that is meant.
    (Extract(**SOURCE), (0, SONG.frames)),
    (Accompany(**SOURCE), (0, SONG.frames)),
    (Cover(**SOURCE), (0, SONG.frames)),
    (Lego(**SOURCE), (0, SONG.frames)),
    # On from where the music ends, at the bar line; 8 bars unless it is said otherwise.
    (Complete(**SOURCE), (19 * BAR, 27 * BAR)),
    (Complete(length="1 bar", **SOURCE), (19 * BAR, 20 * BAR)),
    (Complete(end="22|1", **SOURCE), (19 * BAR, 21 * BAR)),
    (Complete(start=SONG.frames, length=1, **SOURCE), (SONG.frames, SONG.frames + 1)),
    (Complete(bars="5-6", **SOURCE), (4 * BAR, 6 * BAR)),
    # Into the song's beginning.
    (Complete(bars="1-2", source_position="3|1", **SOURCE), (0, 2 * BAR)),
    (Complete(start="2|1", end="4|1", source_position="3|1", **SOURCE), (BAR, 3 * BAR)),
]


@pytest.mark.parametrize(("request_", "expected"), REGIONS, ids=range(len(REGIONS)))
def test_region(request_, expected):
    assert region(request_) == expected


def test_a_song_that_does_not_start_at_zero():
    plan = plan_request(Repaint(start="17|1", end="18|1", source_position="11|1", **SOURCE), SONG)
    assert plan.song == Span(10 * BAR, 30 * BAR)
    assert plan.region == Span(16 * BAR, 17 * BAR)
    assert plan.region_in_song == Span(6 * BAR, 7 * BAR)
    render = plan.render_request((0,))
    assert (render.start, render.end) == (6 * BAR, 7 * BAR)


def test_a_song_that_starts_before_zero():
    plan = plan_request(Repaint(start=0, end=100, source_position=-1000, **SOURCE), SONG)
    assert plan.region_in_song == Span(1000, 1100)


def test_continuing_a_song_that_is_cut_at_its_last_note():
    full = SongProbe(frames=20 * BAR - 50, rate=RATE, channels=2, music_frames=20 * BAR - 50)
    assert region(Complete(**SOURCE), full) == (20 * BAR - 50, 28 * BAR - 50)


@pytest.mark.parametrize("rate", requests.PROJECT_RATES)
def test_a_new_song(rate):
    plan = plan_request(Generate(prompt="x", rate=rate, bpm=120), None)
    assert (plan.song, plan.rate, plan.channels) == (None, rate, 2)
    assert plan.region == Span(0, 16 * 2 * rate)
    later = plan_request(Generate(rate=rate, start="3|1", length="1 bar", bpm=120), None)
    assert later.region == Span(4 * rate, 6 * rate)
    assert later.region_in_song == Span(0, 2 * rate)


def test_a_new_song_without_a_rate():
    assert plan_request(Generate(), None).rate == 48000


BAD, MISSING = ErrorCode.BAD_REGION, ErrorCode.MISSING_FIELD
REFUSED = [
    (Repaint(start=5, end=5, **SOURCE), BAD, "end", "empty"),
    (Repaint(start=6, end=5, **SOURCE), BAD, "end", "empty"),
    (Repaint(start=5, length="0.00001s", **SOURCE), BAD, "end", "empty"),
    (Repaint(start=-1, end=5, **SOURCE), BAD, "start", "before the timeline does"),
    (Repaint(start=0, end=5, source_position=10, **SOURCE), BAD, "start", "before the song does"),
    (Repaint(start=SONG.frames, end=SONG.frames + 5, **SOURCE), BAD, "start", "after the song's end"),
    (Repaint(start=0, end=SONG.frames + 1, **SOURCE), BAD, "end", "after the song's end"),
    (Repaint(bars="20-21", **SOURCE), BAD, "end", "after the song's end"),
    (Extract(start=0, end=SONG.frames + 1, **SOURCE), BAD, "end", "after the song's end"),
    (Complete(start=SONG.frames + 1, length=5, **SOURCE), BAD, "start", "after the song's end"),
    (Complete(start=0, end=9, source_position=10, **SOURCE), BAD, "end", "before the song starts"),
    (Repaint(start="1|5", end="2|1", **SOURCE), BAD, "start", "beat"),
    (Repaint(start="1|1", end="1|9", **SOURCE), BAD, "start", "beat"),
    (Repaint(bars="20-17", **SOURCE), BAD, "bars", "before the first"),
    (Repaint(bars="seventeen", **SOURCE), BAD, "bars", "bars must look like"),
    (Repaint(bars="99999999", **SOURCE), BAD, "bars", "bar"),
    (Repaint(**SOURCE), MISSING, "start", "No region"),
    (Generate(length="86400s", bpm=1000), BAD, "end", "quarter notes long"),
    (Complete(length="100000 bars", **SOURCE), BAD, "end", "quarter notes long"),
]


@pytest.mark.parametrize(("request_", "code", "field", "words"), REFUSED, ids=range(len(REFUSED)))
def test_refused(request_, code, field, words):
    with pytest.raises(ProtocolError) as raised:
        plan_request(request_, SONG if request_.spec().needs_source else None)
    error = raised.value
    assert (error.code, error.field) == (code, field)
    assert words in error.sentence
    assert error.remedy


def test_an_error_says_the_place_as_a_producer_reads_it():
    with pytest.raises(ProtocolError, match=rf"sample {SONG.frames + 24000} \(bar 21 beat 2\)"):
        plan_request(Repaint(start=0, end=SONG.frames + 24000, **SOURCE), SONG)


def test_what_has_no_region_is_noticed_before_the_song_is_read():
    with pytest.raises(ProtocolError, match="No region"):
        with_default_region(Repaint(**SOURCE))
    assert with_default_region(Extract(**SOURCE)) == Extract(**SOURCE)


def test_a_tempo_that_was_assumed_is_noted():
    tempo_map, notes = tempo_map_of(Repaint(meter="3/4"))
    assert tempo_map == TempoMap.constant(120, Meter(3, 4))
    assert "assumed 120 BPM and 3/4" in notes[0]
    assert tempo_map_of(Repaint(bpm=90)) == (TempoMap.constant(90), ())
    assert tempo_map_of(Repaint(tempo_map=RAMP)) == (RAMP, ())
    assert plan_request(Repaint(start=0, end=9, meter="3/4", source="a"), SONG).notes == notes


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"bars": "17-20"}, "bars"),
        ({"start": "17|1", "end": "18|1"}, "start"),
        ({"start": 0, "length": "8 bars"}, "length"),
        ({"start": 100_000, "end": 148_000, "source_position": "2|1"}, "source_position"),
    ],
)
def test_bars_of_a_song_take_its_tempo(fields, field):
    request = Repaint(source="a", **fields)
    with pytest.raises(ProtocolError, match=f"^{field}: the song's tempo is not known") as refused:
        plan_request(request, SONG)
    assert (refused.value.code, refused.value.field) == (ErrorCode.MISSING_FIELD, "bpm")
    assert "takebridge analyse SONG --accept" in refused.value.remedy
    assert "Seconds and samples need no tempo." in refused.value.remedy
    assert plan_request(dataclasses.replace(request, bpm=120), SONG).notes == ()


def test_the_bars_of_a_continuation_take_one_too_and_those_of_a_new_song_do_not():
    with pytest.raises(ProtocolError, match="length: the song's tempo is not known"):
        plan_request(Complete(source="a"), SONG)
    assert plan_request(Complete(source="a", length="4s", start="10s"), SONG).region.length == 4 * RATE
    assert plan_request(Generate(length="4 bars"), None).region.length == 4 * BAR


def test_an_analysis_is_of_all_the_song_and_assumes_nothing():
    plan = plan_request(requests.Analyse(source="a"), SONG)
    assert (plan.region, plan.notes) == (Span(0, SONG.frames), ())


def test_a_tempo_sent_as_a_32_bit_float_is_the_decimal_that_was_typed():
    typed = float(np.float32(127.3))
    assert typed != 127.3
    assert tempo_map_of(Repaint(bpm=typed))[0] == TempoMap.constant("127.3")


def test_what_the_engine_is_given():
    request = Repaint(
        bars="2-3", seed=7, takes=2, handles=0.5, prompt="warm", lyrics="la", language="en", key="F# minor",
        strength=0.25, layers="drums only", context=20, options={"steps": 8}, **SOURCE,
    )  # fmt: skip
    render = plan_request(request, SONG).render_request((1,))
    assert (render.task, render.song, render.rate, render.channels) == (Task.REPAINT, None, RATE, 2)
    assert (render.start, render.end, render.length) == (BAR, 3 * BAR, 2 * BAR)
    assert (render.seed, render.take, render.handle) == (7, 1, 24000)
    assert (render.caption, render.lyrics, render.language, render.key) == ("warm", "la", "en", "F# minor")
    assert (render.strength, render.layers, render.context_seconds) == (0.25, "drums only", 20)
    assert render.options == {"steps": 8}


def test_only_what_is_spliced_has_handles():
    for request in (Repaint(start=0, end=9, **SOURCE), Complete(**SOURCE)):
        assert request.spec().spliced
        assert plan_request(request, SONG).render_request((0,)).handle == RATE
    for request in (Extract(**SOURCE), Accompany(**SOURCE), Lego(**SOURCE), Cover(**SOURCE)):
        assert not request.spec().spliced
        assert plan_request(request, SONG).render_request((0,)).handle == 0


def test_stems_and_instruments_are_one_list_to_the_engine():
    assert plan_request(Extract(stems="vocals", **SOURCE), SONG).render_request((0,)).stems == ("vocals",)
    assert plan_request(Accompany(instruments="piano", **SOURCE), SONG).render_request((0,)).stems == (
        "piano",
    )
    assert plan_request(Complete(ending=True, **SOURCE), SONG).render_request((0,)).ending


def test_the_grid_by_hand():
    shape = SongProbe(frames=4 * RATE + 256000, rate=RATE, channels=2, music_frames=1)
    grid = plan_request(Repaint(bars="1", source="a", tempo_map=RAMP), shape).grid()
    bars = grid.bar.tolist()
    first, last = bars.index(1), bars.index(5)
    assert grid.seconds[first : first + 5].tolist() == [0, 0.5, 1, 1.5, 2]
    assert grid.seconds[last] == pytest.approx(4 + 16 / 3, abs=1 / RATE)
    assert grid.seconds[last + 1] - grid.seconds[last] == pytest.approx(1, abs=1e-9)
    assert grid.beat_in_bar[first : first + 5].tolist() == [0, 1, 2, 3, 0]
    assert grid.bar_beats[[first, last]].tolist() == [4, 3]
    assert grid.quarters_per_minute[[first, last]].tolist() == [120, 60]
    assert grid.unit == 4
    assert bars[0] == -1
    assert bars[-1] == 7


def test_the_grid_counts_from_the_songs_first_sample():
    grid = plan_request(Repaint(start="11|1", end="12|1", source_position="10|3", **SOURCE), SONG).grid()
    at = int(np.flatnonzero((grid.bar == 11) & (grid.beat_in_bar == 0))[0])
    assert grid.seconds[at] == 1.0


def test_a_grid_in_eighths():
    grid = plan_request(Repaint(bars="1", source="a", bpm=120, meter="6/8"), SONG).grid()
    assert grid.unit == 8
    at = int(np.flatnonzero(grid.bar == 1)[0])
    assert grid.seconds[at : at + 7].tolist() == [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5]
    assert grid.bar_beats[at] == 6


def test_a_slow_bar_behind_a_fast_song_is_still_covered():
    """Two bars are counted in bars, not in seconds at the song's last tempo."""
    brakes = TempoMap((TempoPoint(Fraction(0), Fraction(240)), TempoPoint(Fraction(81), Fraction(20))))
    shape = SongProbe(frames=20 * RATE, rate=RATE, channels=2, music_frames=1)
    grid = plan_request(Repaint(bars="1", source="a", tempo_map=brakes), shape).grid()
    assert grid.bar[-1] == 23  # the song ends where bar 21 begins
    assert (grid.bar == 23).sum() == 4


@settings(max_examples=40, deadline=None)
@given(tempo_maps(), st.integers(0, 10 * RATE), st.integers(1, 5 * RATE), st.integers(-RATE, 60 * RATE))
def test_every_grid_agrees_with_the_tempo_map(tempo_map, start, length, position):
    frames = 20 * RATE
    shape = SongProbe(frames=frames, rate=RATE, channels=2, music_frames=frames)
    request = Repaint(
        source="a",
        tempo_map=tempo_map,
        source_position=position,
        start=max(0, position + start),
        length=length,
    )
    plan = plan_request(request, shape)
    grid = plan.grid()
    assert (np.diff(grid.seconds) > 0).all()
    assert grid.seconds[0] <= 0
    assert grid.seconds[-1] >= frames / RATE
    for at in {0, len(grid.seconds) // 2, len(grid.seconds) - 1}:
        place = Bbt(int(grid.bar[at]), int(grid.beat_in_bar[at]) + 1)
        sample = tempo_map.sample_of(place, RATE)
        assert grid.seconds[at] == (sample - position) / RATE
        assert grid.bar_beats[at] == tempo_map.meter_at(tempo_map.quarters_of(place)).numerator
        assert grid.quarters_per_minute[at] == float(tempo_map.tempo_at(sample, RATE))
    first, last = (tempo_map.bbt_at(edge, RATE).bar for edge in (position, position + frames))
    assert grid.bar[0] <= first - 1
    assert grid.bar[-1] >= last + 1


def test_sixteenths_in_the_region():
    plan = plan_request(Repaint(start="11|1", end="12|1", source_position="10|1", **SOURCE), SONG)
    assert plan.grid_samples() == [BAR + step * RATE // 8 for step in range(17)]


def test_sixteenths_beside_the_region_and_bar_lines_lie_in_the_song():
    plan = plan_request(Repaint(start="11|1", end="12|1", source_position="10|1", **SOURCE), SONG)
    assert plan.grid_samples(0.5)[0] == BAR - RATE // 2
    assert plan.grid_samples(100.0)[0] == 0
    assert plan.bar_lines()[:3] == [0, BAR, 2 * BAR]


def test_sixteenths_around_a_region_off_the_grid():
    plan = plan_request(Repaint(start=100, end=200, **SOURCE), SONG)
    assert plan.grid_samples() == [0, 6000]


def test_the_longest_region_still_has_a_grid():
    plan = plan_request(Generate(length=f"{MAX_QUARTERS}b", bpm=1000), None)
    assert len(plan.grid().seconds) >= MAX_QUARTERS


# --- before the samples are read ----------------------------------------------------------------------

HEADER = SongProbe(SONG.frames, RATE, 2)
ESTIMATE = SongProbe(SONG.frames, RATE, 2, counted=False)
BRAKES = TempoMap((TempoPoint(Fraction(0), Fraction(240)), TempoPoint(Fraction(40), Fraction(20))))


@pytest.mark.parametrize(("request_", "expected"), REGIONS, ids=range(len(REGIONS)))
@pytest.mark.parametrize("probe", [HEADER, ESTIMATE])
def test_a_header_refuses_nothing_that_the_samples_allow(probe, request_, expected):
    plan = plan_request(request_, probe)
    assert plan.least_length <= expected[1] - expected[0]


@pytest.mark.parametrize(("request_", "code", "field", "words"), REFUSED, ids=range(len(REFUSED)))
def test_a_header_is_enough_to_refuse(request_, code, field, words):
    with pytest.raises(ProtocolError, match=words) as raised:
        plan_request(request_, HEADER if request_.spec().needs_source else None)
    assert (raised.value.code, raised.value.field) == (code, field)


def test_a_song_that_may_be_longer_than_its_header_says_is_not_left_too_early():
    for request in (
        Repaint(start=SONG.frames, end=SONG.frames + 5, **SOURCE),
        Repaint(start=SONG.frames + 9, **SOURCE),
        Repaint(bars="20-21", **SOURCE),
        Extract(start=0, end=SONG.frames + 1, **SOURCE),
        Complete(end=SONG.frames + BAR, **SOURCE),
    ):
        plan_request(request, ESTIMATE)
    for request, words in (
        (Repaint(start=6, end=5, **SOURCE), "empty"),
        (Repaint(start=0, end=5, source_position=10, **SOURCE), "before the song does"),
        (Complete(end=-5, **SOURCE), "empty"),
    ):
        with pytest.raises(ProtocolError, match=words):
            plan_request(request, ESTIMATE)


@pytest.mark.parametrize("music", range(1, SONG.frames + 1, 77_777))
@pytest.mark.parametrize(
    "request_",
    [
        Complete(**SOURCE),
        Complete(length="30s", **SOURCE),
        Complete(length="3b", **SOURCE),
        Complete(length=1, **SOURCE),
        Complete(end=SONG.frames + 7, **SOURCE),
        Complete(end="9|1", **SOURCE),
        Complete(source="a", tempo_map=BRAKES),
        Complete(source="a", bpm=127.3),
    ],
    ids=range(8),
)
def test_wherever_the_music_ends_the_region_is_as_long_as_was_certain(request_, music):
    shape = SongProbe(SONG.frames, RATE, 2, music_frames=music)
    try:
        final = plan_request(request_, shape)
    except ProtocolError:  # an end before the music's
        assert request_.end is not None
        return
    assert plan_request(request_, HEADER).least_length <= final.region.length == final.least_length


def test_what_is_certain_of_a_continuation():
    assert plan_request(Complete(length="900s", **SOURCE), HEADER).least_length == 900 * RATE - 1
    assert plan_request(Complete(length="400 bars", **SOURCE), HEADER).least_length == 400 * BAR - 1
    assert plan_request(Complete(end="30|1", **SOURCE), HEADER).least_length == 9 * BAR
    assert plan_request(Complete(source="a", tempo_map=BRAKES), HEADER).least_length == 1


def test_pre_and_post_roll_count_for_the_engine():
    assert plan_request(Repaint(start=0, end=RATE, handles=0.5, **SOURCE), SONG).least_seconds == 2.0
    assert plan_request(Extract(start=0, end=RATE, handles=0.5, **SOURCE), SONG).least_seconds == 1.0


def test_a_tempo_map_with_more_beats_than_can_be_listed():
    day = SongProbe(frames=24 * 3600 * RATE, rate=RATE, channels=2)
    with pytest.raises(ProtocolError, match=r"quarter notes, and at most 100000") as raised:
        plan_request(Repaint(start=0, end=RATE, source="a", bpm=1000), day)
    assert (raised.value.code, raised.value.field) == (BAD, "start")


def test_a_song_for_generate_does_not_confine_it():
    plan = plan_request(Generate(length="90 bars", source="a", bpm=120), SONG)
    assert plan.region == Span(0, 90 * BAR)
