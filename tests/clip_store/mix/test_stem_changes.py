"""Takes of stems in the finished song: the song, minus the stem as it came, plus the stem as it stands; exactly."""

import numpy as np
import pytest

from clip_store.audio.audio import Encoding, quantise
from clip_store.comp import Part
from clip_store.mix.accepted import accepted_in
from clip_store.mix.comp_sound import sounds_of
from clip_store.mix.hearing import audible_to, heard_audio, heard_record, no_longer_accepted, stretches
from clip_store.mix.stem_changes import Unheard, audible_in, merged, pieces, unheard
from daw_protocol.tasks import InSong, Placement
from daw_protocol.timeline.span import Span
from tests.clip_store.mix.separations import FADE, exact, kept, mix_of, repainted, separated, whole
from tests.clip_store.sounds import noise


def accept(made, *takes):
    for take in takes:
        made.store.index.choose(take.id)


def accepted(made):
    return accepted_in(made.store.index, made.song.digest)


def clip(made, take):
    return exact(made, take.audio)


def with_takes(made, stem, *takes):
    """The samples of a stem with takes of it, one after the other."""
    found = clip(made, stem).copy()
    for take in takes:
        found[take.start : take.start + take.length] = clip(made, take)
    return found


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize("channels", [1, 2])
def test_a_repainted_stem_takes_the_place_of_the_stem_in_the_song(shelf, encoding, channels):
    made = shelf(encoding=encoding, channels=channels, position=321)
    vocals, _ = separated(made, made.song.digest, 0, made.song.frames, "vocals", "residual")
    take = repainted(made, vocals.audio, 3000, 4000)
    original = whole(made)
    assert np.array_equal(original, made.song.samples), "nothing is accepted"
    accept(made, take)
    assert stretches(accepted(made)) == ((InSong.STEM, Span(3000, 7000)),)
    mix, found = mix_of(made), whole(made)
    expected = exact(made, made.song.digest)
    expected[3000:7000] += clip(made, take) - clip(made, vocals)[3000:7000]
    wide = np.float64 if encoding in (Encoding.PCM_32, Encoding.DOUBLE) else np.float32
    assert found.dtype == wide
    assert found.tobytes() == expected.astype(wide).tobytes()
    assert found[:3000].tobytes() == made.song.samples[:3000].astype(wide).tobytes()
    assert mix.changed == (Span(3000, 7000),)
    made.store.index.history.undo(vocals.audio)
    assert whole(made).tobytes() == made.song.samples.tobytes()


def test_takes_of_several_stems_add_up_wherever_they_overlap(shelf):
    made = shelf()
    vocals, drums, _ = separated(made, made.song.digest, 0, made.song.frames, "vocals", "drums", "residual")
    sung, beaten, more = (
        repainted(made, vocals.audio, 2000, 3000), repainted(made, drums.audio, 3500, 3000),
        repainted(made, vocals.audio, 9000, 1000),
    )  # fmt: skip
    accept(made, sung, beaten, more)
    expected = (
        exact(made, made.song.digest)
        + (with_takes(made, vocals, sung, more) - clip(made, vocals))
        + (with_takes(made, drums, beaten) - clip(made, drums))
    )
    assert np.array_equal(whole(made), expected.astype(np.float32))
    assert mix_of(made).changed == (Span(2000, 6500), Span(9000, 10_000))


def test_a_repaint_of_a_repaint_of_a_stem_brings_what_it_was_made_of(shelf):
    made = shelf()
    vocals, _ = separated(made, made.song.digest, 0, made.song.frames, "vocals", "residual")
    first = repainted(made, vocals.audio, 2000, 4000)
    second = repainted(made, first.result, 3000, 1000)
    accept(made, second)
    expected = exact(made, made.song.digest) + with_takes(made, vocals, first, second) - clip(made, vocals)
    assert np.array_equal(whole(made), expected.astype(np.float32))
    assert [comp.parts[0].take for comp in accepted(made).comps] == [first.id, second.id]


def test_a_comp_of_takes_of_a_stem_has_its_crossfades(shelf):
    made = shelf()
    vocals, _ = separated(made, made.song.digest, 0, made.song.frames, "vocals", "residual")
    left, right = (repainted(made, vocals.audio, 2000, 4000) for _ in range(2))
    accept(made, left)
    made.store.index.choose(right.id, Span(4000, 6000))
    expected = exact(made, made.song.digest) - clip(made, vocals) + with_takes(made, vocals, left)
    expected[4000:6000] = (exact(made, made.song.digest) - clip(made, vocals))[4000:6000] + clip(made, right)[
        2000:
    ]
    found = whole(made)
    assert not np.array_equal(found[4000 : 4000 + FADE], expected[4000 : 4000 + FADE].astype(np.float32))
    expected[4000 : 4000 + FADE] = found[4000 : 4000 + FADE]
    assert np.array_equal(found, expected.astype(np.float32))


def test_the_stem_of_a_part_of_the_song_fades_where_it_begins_and_ends(shelf):
    made = shelf()
    vocals, _ = separated(made, made.song.digest, 4000, 4000, "vocals", "residual")
    take = repainted(made, vocals.audio, 0, 4000)
    assert np.abs(clip(made, take)[0] - clip(made, vocals)[0]).max() > 0.05, "its clip does not fade in"
    accept(made, take)
    found, song = whole(made), exact(made, made.song.digest)
    difference = found - song
    assert not difference[:4000].any()
    assert not difference[8000:].any()
    inside = slice(4000 + FADE, 8000 - FADE)
    expected = song[inside] + (clip(made, take) - clip(made, vocals))[FADE:-FADE]
    assert np.array_equal(found[inside], expected.astype(np.float32))
    for edge in (difference[4000:4004], difference[7996:8000]):
        assert np.abs(edge).max() < 0.05


def test_the_stem_of_all_of_the_song_has_nothing_to_fade_with_at_its_ends(shelf):
    made = shelf()
    vocals, _ = separated(made, made.song.digest, 0, made.song.frames, "vocals", "residual")
    take = repainted(made, vocals.audio, 0, made.song.frames)
    accept(made, take)
    expected = exact(made, made.song.digest) - clip(made, vocals) + clip(made, take)
    assert np.array_equal(whole(made), expected.astype(np.float32))


@pytest.mark.parametrize("later", ["song", "stem"])
def test_a_take_of_the_song_lies_over_changed_stems_of_the_song_without_it(shelf, later):
    made = shelf()
    vocals, _ = separated(made, made.song.digest, 0, made.song.frames, "vocals", "residual")
    sung, song_take = repainted(made, vocals.audio, 3000, 4000), repainted(made, made.song.digest, 5000, 4000)
    accept(made, *((sung, song_take) if later == "song" else (song_take, sung)))
    found, base = whole(made), exact(made, made.song.digest)
    base[3000:7000] += clip(made, sung) - clip(made, vocals)[3000:7000]
    base[5000:9000] = clip(made, song_take)
    fade = slice(5000, 5000 + FADE)
    assert not np.array_equal(found[fade], base[fade].astype(np.float32)), (
        "it fades from the song with other vocals"
    )
    assert np.abs(found[fade] - base[fade]).max() > 0.01
    base[fade] = found[fade]
    assert np.array_equal(found, base.astype(np.float32))
    assert list(unheard(accepted(made))) == [Unheard(sung.id, song_take.id, Span(5000, 7000))]
    (heard,) = audible_in(accepted(made))
    assert heard.span == Span(3000, 5000)


def test_a_stem_of_a_repainted_song_is_changed_in_the_repaint(shelf):
    made = shelf()
    song_take = repainted(made, made.song.digest, 3000, 4000)
    vocals, _ = separated(made, song_take.result, 0, made.song.frames, "vocals", "residual")
    sung = repainted(made, vocals.audio, 2000, 3000)
    accept(made, sung)
    expected = exact(made, song_take.result) - clip(made, vocals) + with_takes(made, vocals, sung)
    assert np.array_equal(whole(made), expected.astype(np.float32)), (
        "with the repaint it was made of, nothing else"
    )
    assert list(unheard(accepted(made))) == []
    assert [join.span for join in mix_of(made).covering.joins] == []


def test_a_stem_of_a_stem(shelf):
    made = shelf()
    drums, _ = separated(made, made.song.digest, 0, made.song.frames, "drums", "residual")
    beaten = repainted(made, drums.audio, 1000, 6000)
    kick, _ = separated(made, beaten.result, 0, made.song.frames, "kick", "residual")
    kicked = repainted(made, kick.audio, 2000, 2000)
    accept(made, kicked)
    stem = with_takes(made, drums, beaten)
    stem[2000:4000] += clip(made, kicked) - clip(made, kick)[2000:4000]
    stem = stem.astype(np.float32).astype(np.float64)
    expected = exact(made, made.song.digest) - clip(made, drums) + stem
    assert np.array_equal(whole(made), expected.astype(np.float32))


def test_an_instrument_that_is_repainted_plays_in_its_own_place(shelf):
    made = shelf()
    piano = kept(
        made, made.song.digest, 2000, quantise(noise(6000, 2, 0.2, 9), made.rate, Encoding.FLOAT).audio,
        task="lego", stem="piano",
    )  # fmt: skip
    take = repainted(made, piano.audio, 1000, 2000)
    accept(made, take)
    expected = exact(made, made.song.digest)
    expected[2000:8000] += with_takes(made, piano, take)
    assert np.array_equal(whole(made), expected.astype(np.float32)), "the piano came with it"
    made.store.index.history.undo(piano.audio)
    assert np.array_equal(whole(made), made.song.samples)


def test_a_stem_of_an_instrument(shelf):
    made = shelf()
    band = kept(
        made, made.song.digest, 0, quantise(noise(made.song.frames, 2, 0.2, 9), made.rate, Encoding.FLOAT).audio,
        task="accompany", stem="band",
    )  # fmt: skip
    bass, _ = separated(made, band.audio, 0, made.song.frames, "bass", "residual")
    take = repainted(made, bass.audio, 1000, 2000)
    accept(made, take)
    played = clip(made, band)
    played[1000:3000] += clip(made, take) - clip(made, bass)[1000:3000]
    played = played.astype(np.float32).astype(np.float64)
    expected = (exact(made, made.song.digest) + played).astype(np.float32)
    assert np.array_equal(whole(made), expected)
    (sound,), _ = sounds_of(accepted(made))
    assert np.array_equal(sound.read(made.store.blobs).samples, played.astype(np.float32))


def test_what_plays_along_with_a_stem_plays_along_with_the_song(shelf):
    made = shelf()
    vocals, _ = separated(made, made.song.digest, 1000, 8000, "vocals", "residual")
    strings = kept(
        made, vocals.audio, 500, quantise(noise(3000, 2, 0.2, 9), made.rate, Encoding.FLOAT).audio,
        task="accompany", stem="strings", at=1000,
    )  # fmt: skip
    accept(made, strings)
    expected = exact(made, made.song.digest)
    expected[1500:4500] += clip(made, strings)
    assert np.array_equal(whole(made), expected.astype(np.float32))


def test_a_new_take_of_the_song_hears_the_changed_stem_and_fits_it(shelf):
    made = shelf()
    vocals, _ = separated(made, made.song.digest, 0, made.song.frames, "vocals", "residual")
    sung = repainted(made, vocals.audio, 3000, 4000)
    accept(made, sung)
    stands = audible_to(Placement.REPLACES, accepted(made))
    audio = heard_audio(stands, made.store.blobs)
    assert np.array_equal(audio.samples, whole(made))
    made.store.blobs.put(audio)
    record = heard_record(stands, audio.digest, 0)
    assert (record.parts, record.stems) == ((), (Part(sung.id, 3000, 7000),))
    over = repainted(made, made.song.digest, 5000, 4000, heard=record)
    accept(made, over)
    expected = audio.samples.copy()
    expected[5000:9000] = clip(made, over)
    assert np.array_equal(whole(made), expected), (
        "no further crossfade: it came out of the song with these vocals"
    )
    assert list(unheard(accepted(made))) == [], "the take has them in it"
    made.store.index.history.undo(vocals.audio)
    assert no_longer_accepted(record, accepted(made)) == (sung.id,)
    fade = whole(made)[5000 : 5000 + FADE]
    assert not np.array_equal(fade, clip(made, over)[:FADE]), "now it fades from the original"


def test_a_take_of_a_take_of_which_another_part_is_accepted_fades_from_the_original(shelf):
    made = shelf()
    under = repainted(made, made.song.digest, 0, 4000)
    made.store.index.choose(under.id, Span(3000, 4000))
    over = repainted(made, under.result, 1000, 1000)
    accept(made, over)
    assert [(join.span.start, join.old, join.new) for join in mix_of(made).covering.joins] == [
        (1000, None, over.id), (2000 - FADE, None, over.id), (3000, None, under.id),
    ]  # fmt: skip
    found = whole(made)
    assert np.array_equal(found[:1000], made.song.samples[:1000])
    assert not np.array_equal(found[1000 : 1000 + FADE], made.store.blobs.get(over.audio).samples[:FADE])


def test_stems_that_sound_alike_are_told_apart_by_their_place(shelf):
    made = shelf()
    silence = quantise(np.zeros((2000, 2)), made.rate, Encoding.FLOAT).audio
    first, second = (
        kept(made, made.song.digest, start, silence, task="extract", stem="vocals", job=f"j{start}")
        for start in (0, 8000)
    )
    assert first.audio == second.audio
    take = repainted(made, silence.digest, 500, 1000, at=8000)
    accept(made, take)
    expected = exact(made, made.song.digest)
    expected[8500:9500] += clip(made, take)
    assert np.array_equal(whole(made), expected.astype(np.float32))


def test_a_stem_that_is_the_song_itself_is_that_song(shelf):
    made = shelf(encoding=Encoding.FLOAT)
    kept(made, made.song.digest, 0, made.song, task="extract", stem="vocals")
    take = repainted(made, made.song.digest, 500, 1000)
    accept(made, take)
    expected = made.song.samples.copy()
    expected[500:1500] = clip(made, take)
    assert np.array_equal(whole(made), expected)


def test_spans_and_what_plays_in_them():
    assert merged([Span(5, 7), Span(0, 2), Span(2, 3), Span(6, 6)]) == (Span(0, 3), Span(5, 7))
    comp = (Part("a", 2, 4), Part("b", 4, 6))
    assert pieces(comp, Span(1, 5)) == [(None, Span(1, 2)), ("a", Span(2, 4)), ("b", Span(4, 5))]
    assert pieces((), Span(1, 5)) == [(None, Span(1, 5))]
