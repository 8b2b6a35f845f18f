import numpy as np

from clip_store.audio.audio import Encoding, quantise
from clip_store.comp import Part
from clip_store.mix.accepted import accepted_in
from clip_store.mix.comp_sound import sounds_of, stem_sound
from clip_store.mix.song_mix import SongMix
from daw_protocol.timeline.span import Span
from tests.clip_store.mix.separations import kept, repainted, separated
from tests.clip_store.sounds import noise


def test_only_runs_with_crossfades_become_sounds_and_they_are_what_the_mix_has(shelf):
    made = shelf()
    first, second, whole = made.add(1000, 3000), made.add(1000, 3000), made.add(6000, 1000)
    piano = made.add(8000, 3000, task="accompany", stem="piano")
    for take, part in ((first, None), (second, Span(2000, 9000)), (whole, None), (piano, Span(9000, 10_000))):
        made.store.index.choose(take.id, part)
    accepted = accepted_in(made.store.index, made.song.digest)
    (comp, backing), plain = sounds_of(accepted)
    assert plain == (Part(whole.id, 6000, 7000),)
    assert (comp.takes, comp.covers, comp.span) == ((first.id, second.id), True, Span(1000, 4000))
    assert (backing.takes, backing.covers, backing.span) == ((piano.id,), False, Span(9000, 10_000))
    mix = SongMix(accepted, made.store.blobs)
    assert np.array_equal(comp.read(made.store.blobs).samples, mix.read(comp.span).samples)
    with_backing = made.song.samples[9000:10_000] + backing.read(made.store.blobs).samples
    assert np.array_equal(with_backing, mix.read(backing.span).samples)


def test_changed_stems_are_sounds_and_together_with_what_plays_along_they_are_the_mix(shelf):
    made = shelf()
    vocals, drums = separated(made, made.song.digest, 0, made.song.frames, "vocals", "drums")
    sung, beaten = repainted(made, vocals.audio, 2000, 3000), repainted(made, drums.audio, 4000, 3000)
    song_take, piano = made.add(9000, 1000), made.add(1000, 9000, task="lego", stem="piano")
    for take in (sung, beaten, song_take, piano):
        made.store.index.choose(take.id)
    accepted = accepted_in(made.store.index, made.song.digest)
    (sound,), plain = sounds_of(accepted)
    assert (sound.span, sound.takes, sound.covers) == (Span(2000, 7000), (sung.id, beaten.id), True)
    assert sound.made_of == f"The song with other vocals and drums, by {sung.id}, {beaten.id}."
    assert set(sound.needs) == {one.audio for one in (sung, beaten, vocals, drums)} | {made.song.digest}
    assert [part.take for part in plain] == [song_take.id, piano.id]
    mix = SongMix(accepted.only(lambda comp: comp.place.stem != "piano"), made.store.blobs)
    assert np.array_equal(sound.read(made.store.blobs).samples, mix.read(sound.span).samples)
    (apart,), _ = sounds_of(accepted, (vocals.id,))
    assert (apart.span, apart.stems) == (Span(4000, 7000), (drums.id,))
    alone = stem_sound(accepted, vocals.id)
    expected = made.store.blobs.get(vocals.audio).samples.copy()
    expected[2000:5000] = made.store.blobs.get(sung.audio).samples
    assert np.array_equal(alone.read(made.store.blobs).samples, expected)
    assert alone.made_of == f"The vocals, by {sung.id}."


def test_a_changed_instrument_is_a_sound_of_its_comp(shelf):
    made = shelf()
    piano = kept(made, made.song.digest, 2000, quantise(noise(6000, 2, 0.2, 9), 8000, Encoding.FLOAT).audio,
        task="lego", stem="piano")  # fmt: skip
    take = repainted(made, piano.audio, 1000, 2000)
    made.store.index.choose(take.id)
    accepted = accepted_in(made.store.index, made.song.digest)
    (sound,), plain = sounds_of(accepted)
    assert (sound.span, sound.covers, plain) == (Span(2000, 8000), False, ())
    found = made.song.samples[2000:8000] + sound.read(made.store.blobs).samples
    assert np.array_equal(found, SongMix(accepted, made.store.blobs).read(sound.span).samples)
