"""From a render to a take: spliced, levelled, measured, kept; and everything that must be rejected."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from bridge_server.rendering.postprocess import finish
from clip_store.audio.audio import Audio, Encoding
from clip_store.blobs import BlobStore
from clip_store.errors import StoreError
from clip_store.splice import with_clip
from clip_store.take import MIX
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests import Accompany, Complete, Extract, Generate, Repaint
from daw_protocol.timeline import TempoMap
from model.engine import Attachment, Report
from tests.bridge_server.renders import order_for, outcome_of
from tests.clip_store.sounds import noise, song

RATE = 48000
SONG = song(frames=2 * RATE)
START, END = 24000, 60000
REPAINT = {"start": START, "end": END, "seed": 7, "bpm": 120, "source": "song.wav", "handles": 0}


@pytest.fixture
def blobs(tmp_path):
    store = BlobStore(tmp_path / "blobs")
    store.put(SONG)
    return store


def repaint(blobs, tmp_path, samples, start=START, handles=None, **changes):
    stems = {MIX: (start, samples)}
    if handles is not None:
        stems["handles"] = (start - 100, handles)
    order = order_for(Repaint(**{**REPAINT, **changes}), SONG, number=2)
    (found,) = finish(order, outcome_of(tmp_path, stems), blobs)
    return found


def new_noise(frames=END - START, level=0.2, seed=9):
    return noise(frames, 2, level, seed)


def test_a_take_in_its_place(blobs, tmp_path):
    found = repaint(blobs, tmp_path, new_noise(), title="Ballad", origin="t0")
    take, receipt = found.take, found.take.receipt
    assert (take.job, take.number, take.task, take.stem, take.title) == ("j1", 2, "repaint", MIX, "Ballad")
    assert (take.position, take.start, take.length, take.rate) == (START, START, END - START, RATE)
    assert (take.parent, take.origin, take.audio) == (SONG.digest, "t0", found.audio.digest)
    assert (found.audio.encoding, found.audio.frames) == (Encoding.PCM_24, END - START)
    assert receipt.exact
    assert receipt.outside_identical
    assert (receipt.position, receipt.length, receipt.rate) == (START, END - START, RATE)
    assert (receipt.crossfade_in, receipt.crossfade_out) == (576, 576)  # 12 ms
    assert take.result == with_clip(SONG, found.audio, START).digest
    assert np.array_equal(blobs.get(take.audio).samples, found.audio.samples)


def test_the_song_is_copied_once_a_take(blobs, tmp_path, monkeypatch):
    made, check = [], Audio.__post_init__
    monkeypatch.setattr(Audio, "__post_init__", lambda audio: (made.append(len(audio.samples)), check(audio)))
    repaint(blobs, tmp_path, new_noise())
    assert sum(frames >= SONG.frames for frames in made) == 1


def test_only_the_new_song_and_the_clip_are_digested(blobs, tmp_path, monkeypatch):
    """The new song once, the clip as it is written and as it is read back: nothing that no one asks for."""
    hashed, sha256 = [], hashlib.sha256

    class Counted:
        def __init__(self, data=b""):
            self._sha = sha256()
            self.update(data)

        def update(self, data):
            hashed.append(memoryview(data).nbytes)
            self._sha.update(data)

        def hexdigest(self):
            return self._sha.hexdigest()

    monkeypatch.setattr(hashlib, "sha256", Counted)
    repaint(blobs, tmp_path, new_noise())
    frame = SONG.channels * SONG.encoding.bits // 8
    heads = 200
    assert sum(hashed) <= frame * (SONG.frames + 2 * (END - START)) + heads


def test_the_recipe_can_be_cooked_again(blobs, tmp_path):
    take = repaint(blobs, tmp_path, new_noise()).take
    assert take.request == Repaint(**REPAINT).to_fields()
    assert {name: getattr(take.recipe, name) for name in ("engine", "weights", "seed", "take", "neural")} == {
        "engine": "test",
        "weights": "w1",
        "seed": 7,
        "take": 1,
        "neural": False,
    }
    assert take.recipe.method == "Drawn by the test."
    assert take.recipe.notes == ("A note.",)
    assert TempoMap.from_json(take.recipe.tempo_map) == TempoMap.constant(120)


def test_every_take_has_an_id_of_its_own(blobs, tmp_path):
    ids = {repaint(blobs, tmp_path, new_noise()).take.id for _ in range(5)}
    assert len(ids) == 5


def test_a_quiet_render_is_brought_up_and_the_gain_is_recorded(blobs, tmp_path):
    take = repaint(blobs, tmp_path, new_noise(level=0.1)).take
    receipt = take.receipt
    assert receipt.gain_db == pytest.approx(6, abs=0.3)
    assert receipt.loudness_lufs == pytest.approx(receipt.reference_lufs, abs=0.5)
    assert take.recipe.gain_db == receipt.gain_db


def test_left_as_it_is_when_asked(blobs, tmp_path):
    samples = new_noise(level=0.1)
    found = repaint(blobs, tmp_path, samples, match_loudness=False, crossfade=0)
    assert found.take.receipt.gain_db == 0
    assert np.abs(found.audio.samples - samples).max() < 2**-23


def test_left_as_it_is_where_the_engine_knows_how_loud_it_has_to_be(blobs, tmp_path):
    """Out of a fade: what stands beside the region is far below what the song was before."""
    order = order_for(Repaint(**REPAINT, crossfade=0), SONG, number=2)
    samples = new_noise(level=0.1)
    outcome = outcome_of(tmp_path, {MIX: (START, samples)})
    report = Report("", {"wanted_lufs": -20.5, "swell_samples": 100})
    (found,) = finish(order, replace(outcome, report=report), blobs)
    assert (found.take.receipt.gain_db, found.take.receipt.reference_lufs) == (0, -20.5)
    assert np.abs(found.audio.samples - samples).max() < 2**-23


def test_an_inaudible_gain_is_not_applied(blobs, tmp_path):
    samples = new_noise(level=0.195)
    found = repaint(blobs, tmp_path, samples, crossfade=0)
    assert found.take.receipt.gain_db == 0
    assert np.abs(found.audio.samples - samples).max() < 2**-23


def test_handles_have_the_clips_level(blobs, tmp_path):
    quiet = new_noise(level=0.1)
    around = np.concatenate([np.full((100, 2), 0.05), quiet, np.full((100, 2), 0.05)])
    found = repaint(blobs, tmp_path, quiet, handles=around)
    gain = 10 ** (found.take.receipt.gain_db / 20)
    assert found.handles.frames == len(around)
    assert np.allclose(found.handles.samples[:100], 0.05 * gain, atol=1e-4)
    assert found.take.handles == found.handles.digest
    assert blobs.has(found.handles.digest)
    assert repaint(blobs, tmp_path, quiet).take.handles is None


def test_attachments_are_kept(blobs, tmp_path):
    outcome = outcome_of(tmp_path, {MIX: (START, new_noise())}, (Attachment("a.mid", "audio/midi", b"MThd"),))
    (found,) = finish(order_for(Repaint(**REPAINT), SONG), outcome, blobs)
    assert [(entry.name, entry.media_type) for entry in found.take.attachments] == [("a.mid", "audio/midi")]
    assert blobs.get_bytes(found.take.attachments[0].digest) == b"MThd"


def spoiled(how):
    samples = new_noise()
    match how:
        case "silent":
            samples[:] = 0
        case "short":
            samples = samples[:-1]
        case "long":
            samples = np.tile(samples, (2, 1))
        case _:
            samples[1000, 1] = float(how)
    return samples


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("nan", "not numbers"),
        ("inf", "not numbers"),
        ("silent", "silent"),
        ("short", "covers 35999 samples"),
        ("long", "covers 72000 samples"),
    ],
)
def test_a_render_nobody_can_use(blobs, tmp_path, how, words):
    with pytest.raises(ProtocolError) as raised:
        repaint(blobs, tmp_path, spoiled(how))
    assert raised.value.code is ErrorCode.RENDER_REJECTED
    assert words in raised.value.sentence
    assert raised.value.remedy


def test_a_render_of_another_place(blobs, tmp_path):
    with pytest.raises(ProtocolError, match="from 24001 on"):
        repaint(blobs, tmp_path, new_noise(), start=START + 1)


def test_no_render_at_all(blobs, tmp_path):
    with pytest.raises(ProtocolError, match="rendered no mix"):
        finish(order_for(Repaint(**REPAINT), SONG), outcome_of(tmp_path, {}), blobs)


def test_handles_that_are_no_numbers(blobs, tmp_path):
    with pytest.raises(ProtocolError, match="post-roll"):
        repaint(blobs, tmp_path, new_noise(), handles=np.full((100, 2), np.nan))


def test_a_render_that_changes_nothing(blobs, tmp_path):
    with pytest.raises(ProtocolError, match="is identical to the original") as raised:
        repaint(blobs, tmp_path, SONG.samples[START:END])
    assert raised.value.code is ErrorCode.RENDER_REJECTED
    assert "strength" in raised.value.remedy


def test_a_store_that_cannot_be_written(tmp_path):
    (tmp_path / "blobs").write_text("a file where the folder should be")
    with pytest.raises(StoreError):
        repaint(BlobStore(tmp_path / "blobs"), tmp_path, new_noise())


def test_a_continuation_makes_the_song_longer(blobs, tmp_path):
    order = order_for(Complete(start=SONG.frames - 4800, length=RATE, handles=0, bpm=120, source="a"), SONG)
    outcome = outcome_of(tmp_path, {MIX: (SONG.frames - 4800, new_noise(RATE))})
    (found,) = finish(order, outcome, blobs)
    receipt = found.take.receipt
    assert (receipt.exact, receipt.outside_identical) == (True, True)
    whole = with_clip(SONG, found.audio, SONG.frames - 4800)
    assert whole.frames == SONG.frames - 4800 + RATE
    assert found.take.result == whole.digest


# Stems and new songs


def stems_of(blobs, tmp_path, stems, request=None):
    request = request or Extract(start=START, end=END, bpm=120, source="song.wav")
    return finish(
        order_for(request, SONG), outcome_of(tmp_path, {k: (START, v) for k, v in stems.items()}), blobs
    )


def halves():
    """Two stems that sum to the region exactly."""
    region = SONG.samples[START:END].astype(np.float64)
    vocals = np.round(region * 2**20) / 2**21
    return {"vocals": vocals, "residual": region - vocals}


def test_stems_sum_to_the_source(blobs, tmp_path):
    found = stems_of(blobs, tmp_path, halves())
    assert [entry.take.stem for entry in found] == ["vocals", "residual"]
    for entry in found:
        receipt = entry.take.receipt
        assert receipt.passed
        assert receipt.exact
        assert receipt.sum_error < 1e-7
        assert receipt.gain_db == 0
        assert entry.audio.encoding is Encoding.FLOAT
        assert (entry.take.result, entry.take.handles) == (None, None)
        assert (entry.take.position, entry.take.length) == (START, END - START)
    total = sum(entry.audio.samples.astype(np.float64) for entry in found)
    assert np.abs(total - SONG.samples[START:END]).max() < 1e-7


def test_stems_that_lose_something_say_so(blobs, tmp_path):
    stems = halves()
    stems["residual"] = stems["residual"] * 0.9
    for entry in stems_of(blobs, tmp_path, stems):
        receipt = entry.take.receipt
        assert not receipt.passed
        assert "differ from the source" in receipt.warnings[0]
        assert receipt.sum_error > 1e-3


def test_a_silent_stem_is_reported(blobs, tmp_path):
    region = SONG.samples[START:END]
    vocals, residual = stems_of(blobs, tmp_path, {"vocals": region * 0, "residual": region})
    assert vocals.take.receipt.warnings == ("The vocals stem is silent in this region.",)
    assert residual.take.receipt.passed


@pytest.mark.parametrize(
    ("stems", "words"),
    [
        ({}, "silent"),
        ({"vocals": new_noise() * 0, "residual": new_noise() * 0}, "silent"),
        ({"vocals": new_noise(), "residual": spoiled("nan")}, "The residual contains invalid samples"),
        ({"vocals": new_noise()[:-1]}, "The vocals covers"),
    ],
)
def test_stems_nobody_can_use(blobs, tmp_path, stems, words):
    with pytest.raises(ProtocolError, match=words) as raised:
        stems_of(blobs, tmp_path, stems)
    assert raised.value.code is ErrorCode.RENDER_REJECTED


def test_a_backing_is_not_measured_against_the_source(blobs, tmp_path):
    request = Accompany(start=START, end=END, bpm=120, source="song.wav")
    (found,) = stems_of(blobs, tmp_path, {"piano": new_noise()}, request)
    assert found.take.receipt.sum_error is None
    assert found.take.stem == "piano"


def test_a_new_song(blobs, tmp_path):
    order = order_for(Generate(length="1s", bpm=120, title="Bossa"), None)
    (found,) = finish(order, outcome_of(tmp_path, {MIX: (0, new_noise(RATE))}), blobs)
    assert (found.take.parent, found.take.title, found.take.position) == (None, "Bossa", 0)
    assert found.audio.frames == RATE
    (found,) = finish(
        order_for(Generate(length="1s"), None), outcome_of(tmp_path, {MIX: (0, new_noise(RATE))}), blobs
    )
    assert found.take.title == "new song"
    assert "120 BPM" in found.take.recipe.notes[0]


@pytest.mark.parametrize(
    ("own", "depth", "clip"),
    [
        (Encoding.PCM_16, "song", Encoding.PCM_16),
        (Encoding.PCM_16, "24", Encoding.PCM_24),
        (Encoding.PCM_16, "float", Encoding.FLOAT),
        (Encoding.PCM_24, "24", Encoding.PCM_24),
        (Encoding.FLOAT, "24", Encoding.FLOAT),  # never narrower than the song
        (Encoding.PCM_32, "float", Encoding.DOUBLE),
    ],
)
def test_a_clip_may_be_deeper_than_its_song_and_handles_are_floats(blobs, tmp_path, own, depth, clip):
    old = song(frames=2 * RATE, encoding=own)
    blobs.put(old)
    stems = {MIX: (START, new_noise()), "handles": (START - 100, new_noise(END - START + 200))}
    order = order_for(Repaint(**{**REPAINT, "depth": depth}), old)
    (found,) = finish(order, outcome_of(tmp_path, stems), blobs)
    assert (found.audio.encoding, found.handles.encoding) == (clip, Encoding.FLOAT)
    assert found.take.receipt.encoding == clip.value
    assert found.take.receipt.outside_identical
    whole = with_clip(old, found.audio, START)
    assert (whole.encoding, whole.digest) == (clip, found.take.result)
    assert np.array_equal(whole.samples[:START], old.samples[:START])


def test_a_take_notes_what_kind_of_source_it_is(blobs, tmp_path):
    assert repaint(blobs, tmp_path, new_noise()).take.recipe.source_type == "composite"
    order = replace(order_for(Repaint(**REPAINT), SONG), song_is_generative=True)
    (found,) = finish(order, outcome_of(tmp_path, {MIX: (START, new_noise())}), blobs)
    assert found.take.recipe.source_type == "compositeSynthetic"
    outcome = outcome_of(tmp_path, {MIX: (START, new_noise())})
    helped = replace(outcome, report=replace(outcome.report, neural=True, weights="HTDemucs 955717e8"))
    (found,) = finish(order_for(Repaint(**REPAINT), SONG), helped, blobs)
    recipe = found.take.recipe
    assert (recipe.source_type, recipe.neural) == ("compositeWithTrainedAlgorithmicMedia", True)
    assert recipe.licence.startswith("MIT by its page")
