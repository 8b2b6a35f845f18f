import numpy as np
import pytest

from clip_store.audio.audio import Audio, Encoding
from clip_store.likeness import correlation
from clip_store.mix import measure_mix as module
from clip_store.mix.accepted import accepted_in
from clip_store.mix.measure_mix import measure_mix
from clip_store.mix.song_mix import SongMix
from clip_store.splice import with_clip
from daw_protocol.timeline.span import Span
from tests.clip_store.mix.separations import repainted, separated


def measured(made, position=0, progress=lambda _: None):
    return measure_mix(
        SongMix(accepted_in(made.store.index, made.song.digest), made.store.blobs), position, progress
    )


def test_one_receipt_over_all_regions(shelf):
    made = shelf()
    first, second, other = made.add(1000, 4000), made.add(1000, 4000), made.add(9000, 2000)
    for take, part in ((first, None), (other, None), (second, Span(2000, 3000))):
        made.store.index.choose(take.id, part)
    fractions = []
    found = measured(made, 100, fractions.append)
    receipt = found.receipt
    assert (receipt.position, receipt.length, receipt.encoding) == (100, 16_000, "PCM_24")
    assert (receipt.outside_identical, receipt.clipped, receipt.warnings) == (True, 0, ())
    later, comp = receipt.regions
    assert later.parts == ((other.id, 9100, 11_100),)
    assert (later.seams, later.covered, comp.seams) == (2, 0, 4)
    assert comp.parts == ((first.id, 1100, 2100), (second.id, 2100, 3100), (first.id, 3100, 5100))
    mixed = with_clip(made.song, made.store.blobs.get(other.audio), 9000)
    alike = correlation(made.song.samples[9000:11_000], mixed.samples[9000:11_000], made.rate)
    assert later.correlation == pytest.approx(alike, abs=1e-5)
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


def test_the_digest_is_of_the_mix(shelf):
    made = shelf()
    take = made.add(1000, 4000)
    made.store.index.choose(take.id)
    assert measured(made).digest == with_clip(made.song, made.store.blobs.get(take.audio), 1000).digest


def test_what_is_covered_by_later_takes_is_told(shelf):
    made = shelf()
    under, over = made.add(1000, 1000), made.add(1500, 1000)
    for take in (under, over):
        made.store.index.choose(take.id)
    first, second = measured(made).receipt.regions
    assert (first.parts, first.covered) == (((under.id, 1000, 1500),), 500)
    assert (second.parts, second.covered) == (((over.id, 1500, 2500),), 0)
    whole = made.add(900, 1800)
    made.store.index.choose(whole.id)
    first, second, _ = measured(made).receipt.regions
    assert (first.parts, first.covered, first.correlation) == ((), 1000, None)


def test_samples_beyond_full_scale_are_counted_inside_the_regions_only(shelf):
    made = shelf(encoding=Encoding.FLOAT)
    samples = made.song.samples.copy()
    samples[:1200] = 1.5
    made.song = Audio(samples, made.rate, Encoding.FLOAT)
    made.store.blobs.put(made.song)
    take = made.add(1000, 500, task="accompany", stem="piano")
    made.store.index.choose(take.id)
    receipt = measured(made).receipt
    assert (receipt.over, receipt.outside_identical) == (400, True)
    assert receipt.regions[0].correlation is None


def test_an_outside_that_changed_is_found(shelf, monkeypatch):
    made = shelf()
    made.store.index.choose(made.add(1000, 500).id)
    honest = SongMix.read

    def wrong(self, span):
        block = honest(self, span)
        samples = block.samples.copy()
        samples[-1, 0] += np.float32(2**-23)
        return type(block)(span, samples, 0)

    monkeypatch.setattr(SongMix, "read", wrong)
    receipt = measured(made).receipt
    assert not receipt.outside_identical
    assert not receipt.passed
    assert "changed" in receipt.warnings[0]


def test_a_bad_seam_is_said_with_its_place(shelf):
    made = shelf(encoding=Encoding.FLOAT)
    quiet = Audio(made.song.samples * np.float32(0.01), made.rate, Encoding.FLOAT)
    made.song = quiet
    made.store.blobs.put(quiet)
    take = made.add(4000, 4000, request={"crossfade": 0})  # as loud as before, a hundred times the song
    made.store.index.choose(take.id)
    (region,) = measured(made).receipt.regions
    assert any("sample 4000" in warning for warning in region.warnings)
    assert region.seam_db > 30


def test_blocks_do_not_change_the_figures(shelf, monkeypatch):
    made = shelf()
    made.store.index.choose(made.add(1000, 9000).id)
    usual = measured(made)
    monkeypatch.setattr(module, "BLOCK", 3000)
    monkeypatch.setattr("clip_store.mix.song_mix.BLOCK", 777)
    small = measured(made)
    assert small.digest == usual.digest
    assert small.receipt.regions[0].correlation == pytest.approx(
        usual.receipt.regions[0].correlation, abs=1e-3
    )


def test_a_takes_stem_is_a_region_of_the_song_and_told_by_its_name(shelf):
    made = shelf()
    vocals, _ = separated(made, made.song.digest, 0, made.song.frames, "vocals", "residual")
    sung, over = repainted(made, vocals.audio, 3000, 4000), repainted(made, made.song.digest, 6000, 2000)
    for take in (sung, over):
        made.store.index.choose(take.id)
    receipt = measured(made, 100).receipt
    stem, song_take = receipt.regions
    assert (stem.task, stem.stem, stem.parts) == ("repaint", "vocals", ((sung.id, 3100, 6100),))
    assert (stem.covered, stem.seams, song_take.stem, song_take.seams) == (1000, 2, "mix", 2)
    assert stem.correlation is not None
    assert (receipt.outside_identical, receipt.warnings, receipt.encoding) == (True, (), "FLOAT")


def test_sums_of_stems_beyond_full_scale_are_counted(shelf):
    made = shelf()
    vocals, _ = separated(made, made.song.digest, 0, made.song.frames, "vocals", "residual")
    loud = repainted(made, vocals.audio, 3000, 4000, level=1.5)
    made.store.index.choose(loud.id)
    mix = SongMix(accepted_in(made.store.index, made.song.digest), made.store.blobs)
    over = np.count_nonzero(np.abs(mix.read(mix.span).samples) > 1)
    assert measured(made).receipt.over == over > 0
