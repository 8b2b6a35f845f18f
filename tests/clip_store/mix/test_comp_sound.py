import numpy as np

from clip_store.comp import Part
from clip_store.mix.accepted import accepted_in
from clip_store.mix.comp_sound import sounds_of
from clip_store.mix.song_mix import SongMix
from daw_protocol.timeline.span import Span


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
