import math

import numpy as np
import pytest

from bridge_server.rendering.receipts import (
    assembled_of,
    finite,
    for_splice,
    for_stem,
    in_words,
    reference,
    silence,
    song_in_words,
)
from clip_store.audio.audio import Audio, Encoding
from clip_store.measure.assembled import Assembled
from clip_store.measure.gain_match import GainMatch, Limit, Target
from clip_store.splice import splice, with_clip
from daw_protocol.errors import ProtocolError
from daw_protocol.receipt import Receipt
from daw_protocol.requests import Complete, Repaint
from daw_protocol.song_receipt import AcceptedRegion, SongReceipt
from daw_protocol.timeline import Span
from model.engine import Report
from tests.bridge_server.renders import order_for
from tests.clip_store.sounds import noise, song

RATE = 48000
SONG = song(frames=2 * RATE)
PLAN = order_for(Repaint(start=24000, end=60000, bpm=120, source="a"), SONG).plan
LEVEL = GainMatch(3.0001, -26.0, -22.0, -23.0, Target.REPLACED, Limit.NOTHING)


def receipt_of(render, level=None, *, fade=480, plan=PLAN, song=SONG, clip=None):
    """clip: as it came back from the disk, where that is not what was written."""
    region = plan.region_in_song
    result = splice(song, render, region, fade)
    clip = clip or result.clip
    return for_splice(plan, song, with_clip(song, clip, region.start), clip, result, level, Assembled())


def test_what_was_measured_is_in_the_receipt():
    receipt = receipt_of(noise(36000, seed=4), LEVEL)
    assert (receipt.exact, receipt.outside_identical) == (True, True)
    assert (receipt.position, receipt.length, receipt.rate) == (24000, 36000, RATE)
    assert (receipt.crossfade_in, receipt.crossfade_out) == (480, 480)
    assert (receipt.gain_db, receipt.reference_lufs) == (3.0, -23.0)
    assert abs(receipt.correlation) < 0.05
    assert receipt.changed > 0.1
    assert 0 <= receipt.seam_rank <= 100
    assert receipt.seam_in_db is not None
    assert receipt.seam_out_db is not None
    assert receipt.sum_error is None


def test_a_clip_that_was_spoiled_on_the_disk_is_noticed():
    short = splice(SONG, noise(36000, seed=4), PLAN.region_in_song, 480).clip.cut(Span(0, 36000 - 5))
    receipt = receipt_of(noise(36000, seed=4), clip=short)
    assert not receipt.exact
    assert not receipt.passed


def test_a_jump_at_the_seam_is_reported():
    calm = Audio(noise(2 * RATE, 1).astype(np.float32) * np.float32(0.01), RATE, Encoding.FLOAT)
    plan = order_for(Repaint(start=24000, end=60000, bpm=120, source="a"), calm).plan
    receipt = receipt_of(noise(36000, 1, seed=4), fade=0, plan=plan, song=calm)
    assert receipt.warnings
    assert receipt.seam_rank == pytest.approx(100, abs=1)


def test_joins_that_the_engine_reports_are_in_the_receipt():
    region = PLAN.region_in_song
    result = splice(SONG, noise(36000, seed=4), region, 480)
    assembled = assembled_of(Report("", {"join_samples": [[9000, 9400], [20000, 20500]]}))
    whole = with_clip(SONG, result.clip, region.start)
    receipt = for_splice(PLAN, SONG, whole, result.clip, result, None, assembled)
    assert receipt.joins == 2
    assert 0 <= receipt.join_rank <= 100
    assert any(line.startswith("2 joins inside") for line in in_words(receipt))
    assert assembled_of(Report("", {})) == Assembled()


def test_what_the_engine_says_it_was_matched_to_is_in_the_receipt():
    region = PLAN.region_in_song
    result = splice(SONG, noise(36000, seed=4), region, 480)
    assembled = assembled_of(Report("", {"wanted_lufs": -14.25, "swell_samples": 9000}))
    assert assembled == Assembled(wanted_lufs=-14.25, swell=9000)
    whole = with_clip(SONG, result.clip, region.start)
    receipt = for_splice(PLAN, SONG, whole, result.clip, result, None, assembled)
    assert (receipt.reference_lufs, receipt.gain_db) == (-14.25, 0.0)


@pytest.mark.parametrize(
    "wrong",
    [
        "-14 LUFS",
        math.nan,
        -math.inf,
        pytest.param(10**400, id="huge"),
        True,
        [1, 2],
        [[1]],
        [["a", 2]],
        [[0, 2**60]],
        {},
    ],
)
def test_figures_of_another_engine_that_are_none_are_not_used(wrong):
    names = ("join_samples", "source_shift_samples", "wanted_lufs", "swell_samples")
    assert assembled_of(Report("", dict.fromkeys(names, wrong))) == Assembled()
    assert assembled_of(Report("", {"swell_samples": -5})) == Assembled()


def test_nothing_changed_and_silence_are_no_takes():
    with pytest.raises(ProtocolError, match="is identical to the original"):
        receipt_of(SONG.samples[24000:60000])
    with pytest.raises(ProtocolError, match="silent"):
        receipt_of(np.zeros((36000, 2)), fade=0)


def test_beyond_the_end_there_is_one_seam():
    plan = order_for(Complete(start=SONG.frames, length=36000, bpm=120, source="a"), SONG).plan
    receipt = receipt_of(noise(36000, seed=4), plan=plan)
    assert receipt.seam_out_db is None
    assert (receipt.crossfade_in, receipt.crossfade_out) == (0, 0)


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (None, None),
        (LEVEL, -23.0),
        (GainMatch(0, -26, -22, -math.inf, Target.NEIGHBOURS, Limit.NOTHING), -22.0),
        (GainMatch(0, -26, -math.inf, -math.inf, Target.NOTHING, Limit.NOTHING), None),
        (GainMatch(0, -26, -math.inf, -math.inf, Target.NEIGHBOURS, Limit.NOTHING), None),
    ],
)
def test_what_it_was_matched_to(level, expected):
    assert reference(level) == expected


def test_silence_is_left_out_of_json():
    assert finite(-math.inf) is None
    assert finite(math.nan) is None
    assert finite(-23.5) == -23.5
    silent = Audio(np.zeros((36000, 2), np.float32), RATE, Encoding.FLOAT)
    receipt = for_stem(PLAN, SONG, "drums", silent, None)
    assert (receipt.peak_db, receipt.loudness_lufs, receipt.sum_error) == (None, None, None)
    assert receipt.warnings == ("The drums stem is silent in this region.",)


def test_a_stem_of_the_wrong_length():
    short = Audio(np.full((35999, 2), 0.5, np.float32), RATE, Encoding.FLOAT)
    receipt = for_stem(PLAN, SONG, "drums", short, None)
    assert not receipt.exact
    assert "length" in receipt.warnings[0]


PLACE = {"position": 96000, "length": 48000, "rate": 48000}


def test_in_words():
    receipt = Receipt(
        **PLACE, exact=True, outside_identical=True, correlation=0.125, loudness_lufs=-18.25, reference_lufs=-18.0,
        gain_db=-2.5, seam_rank=93.4, drift_median_ms=4.2, onsets=17,
    )  # fmt: skip
    assert in_words(receipt) == [
        "at sample 96000, 48000 samples long (1.000 s): exact",
        "outside the region: bit-identical",
        "inside: changed (likeness to the original 0.12)",
        "loudness -18.2 LUFS, matched to -18.0 (gain -2.5 dB)",
        "seams: the larger step is at percentile 93 of the song's own bar lines",
        "onsets off the grid: 4 ms median, of 17",
    ]


def test_in_words_what_went_wrong_stands_out():
    receipt = Receipt(**PLACE, exact=False, outside_identical=False, sum_error=0.5, warnings=("It clicks.",))
    assert in_words(receipt) == [
        "at sample 96000, 48000 samples long (1.000 s): NOT exact",
        "outside the region: CHANGED",
        "all stems sum to the source within 5.0e-01",
        "Warning: It clicks.",
    ]


SILENT = Audio(np.zeros((2 * RATE, 2), np.float32), RATE, Encoding.FLOAT)


def with_gap() -> Audio:
    samples = SONG.samples.copy()
    samples[20000:70000] = 0
    return Audio(samples, SONG.rate, SONG.encoding)


@pytest.mark.parametrize(
    ("source", "sentence", "remedy", "field"),
    [
        (
            SILENT,
            "The song is silent: nothing in it is louder than -80 dBFS.",
            "right track was bounced",
            "source",
        ),
        (
            with_gap(),
            "The song is silent in this region, and so is the render.",
            "where the song plays",
            "start",
        ),
        (SONG, "The render is silent.", "another seed", ""),
        (None, "The render is silent.", "another seed", ""),
    ],
)
def test_silence_names_what_is_silent(source, sentence, remedy, field):
    found = silence(source, Span(24000, 60000))
    assert (found.sentence, found.field) == (sentence, field)
    assert remedy in found.remedy
    assert ("seed" in found.remedy) == (source is None or source is SONG)


def test_a_silent_render_of_a_silent_song_is_refused_for_the_song():
    plan = order_for(Repaint(start=24000, end=60000, bpm=120, source="a"), SILENT).plan
    with pytest.raises(ProtocolError, match="The song is silent"):
        receipt_of(np.zeros((36000, 2)), plan=plan, song=SILENT)


def test_the_receipt_of_a_finished_song_in_words():
    region = AcceptedRegion(
        position=100, length=50, task="repaint", stem="mix", parts=(("t1", 100, 120), ("t2", 120, 150)),
        correlation=0.5, seams=3, seam_rank=80.0, warnings=("There may be a click at sample 120.",),
    )  # fmt: skip
    covered = AcceptedRegion(position=5, length=9, task="cover", stem="mix", parts=(), covered=9)
    receipt = SongReceipt(
        position=0, length=48_000, rate=48_000, encoding="FLOAT", exact=True, outside_identical=True, over=7,
        regions=(region, covered),
    )  # fmt: skip
    assert song_in_words(receipt) == [
        "48000 samples long (1.000 s), FLOAT; 2 regions accepted",
        "outside them: bit-identical",
        "at sample 100, 50 samples: repaint t1, t2, likeness to the original 0.50, largest of 3 seams at percentile 80 "
        "of the song's own steps",
        "at sample 5, 9 samples: cover covered by later takes",
        "beyond full scale, and held by the file: 7 samples",
        "Warning: There may be a click at sample 120.",
    ]
