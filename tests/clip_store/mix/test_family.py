"""Which songs and takes belong to a song, where they lie in it, and what they are made of."""

from clip_store.audio.audio import Encoding, quantise
from clip_store.comp import Part
from clip_store.mix.family import FamilySong, family_of, heard_by, moved, surface_of
from daw_protocol.recipe import HeardSong
from tests.clip_store.mix.separations import kept, repainted, separated
from tests.clip_store.sounds import noise


def takes(made, family):
    return {take: made.store.index.get(take) for take in family.takes}


def test_stems_and_what_is_made_of_them_are_in_the_family_where_they_lie(shelf):
    made = shelf()
    vocals, drums = separated(made, made.song.digest, 1000, 8000, "vocals", "drums")
    sung = repainted(made, vocals.audio, 2000, 3000, at=1000)
    again = repainted(made, sung.result, 2500, 1000, at=1000)
    family = family_of(made.store.index, made.song.digest)
    assert list(family.takes) == [vocals.id, drums.id, sung.id, again.id]
    assert family.songs == {
        made.song.digest: (FamilySong(0),),
        vocals.audio: (FamilySong(1000, vocals.id),),
        sung.result: (FamilySong(1000, vocals.id),),
    }
    assert family.whole(again.id) == Part(again.id, 3500, 4500)
    assert [family.stem_of(take.id) for take in (vocals, sung, again)] == ["", vocals.id, vocals.id]
    assert (family.ancestors(again.id), family.needs(again.id)) == ([sung.id], [sung.id])
    assert surface_of(vocals.id, takes(made, family), family) == ()


def test_a_stem_of_a_take_needs_that_take_and_lies_on_it(shelf):
    made = shelf()
    under = repainted(made, made.song.digest, 3000, 4000)
    vocals, _ = separated(made, under.result, 0, made.song.frames, "vocals", "drums")
    sung = repainted(made, vocals.audio, 2000, 3000)
    family = family_of(made.store.index, made.song.digest)
    assert family.needs(sung.id) == [under.id]
    assert surface_of(vocals.id, takes(made, family), family) == (Part(under.id, 3000, 7000),)


def test_an_instrument_is_needed_and_lies_on_itself(shelf):
    made = shelf()
    clip = quantise(noise(3000), made.rate, Encoding.FLOAT).audio
    piano = kept(made, made.song.digest, 1000, clip, task="lego", stem="piano")
    take = repainted(made, piano.audio, 500, 1000, at=1000)
    family = family_of(made.store.index, made.song.digest)
    assert family.needs(take.id) == [piano.id]
    assert surface_of(piano.id, takes(made, family), family) == (Part(piano.id, 1000, 4000),)


def test_what_was_heard_counts_from_the_familys_song(shelf):
    made = shelf()
    vocals, _ = separated(made, made.song.digest, 1000, 8000, "vocals", "drums")
    record = HeardSong(digest=vocals.audio, parts=(("x", 10, 20),), stems=(("y", 30, 40),))
    sung = repainted(made, vocals.audio, 2000, 3000, at=1000, heard=record)
    again = repainted(made, sung.result, 2500, 1000, at=1000)
    family = family_of(made.store.index, made.song.digest)
    heard = heard_by(again.id, takes(made, family), family)
    assert heard.parts == (Part("x", 1010, 1020), Part(sung.id, 3000, 6000))
    assert heard.stems == (("y", 1030, 1040),)
    assert heard_by(vocals.id, takes(made, family), family) is None
    assert moved((("a", 1, 2),), 5) == (Part("a", 6, 7),)


def test_a_take_of_a_stem_comes_from_that_stem_alone(shelf):
    made = shelf()
    silence = quantise(noise(2000, 2, 0.0), made.rate, Encoding.FLOAT).audio
    _, there = (kept(made, made.song.digest, at, silence, task="extract", stem="vocals") for at in (0, 8000))
    take = repainted(made, silence.digest, 500, 1000, at=8000)
    assert [one.id for one in made.store.index.lineage(take.id)] == [take.id, there.id]
