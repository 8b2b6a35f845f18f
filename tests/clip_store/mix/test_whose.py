"""Whose each sample of a song is: compared with the samples of the finished song itself."""

from itertools import pairwise

import numpy as np
import pytest

from clip_store.audio.audio import Encoding, quantise
from clip_store.mix.accepted import accepted_in
from clip_store.mix.song_mix import SongMix
from clip_store.mix.whose import CROSSFADE, MARKED, ORIGINAL, OTHER_STEM, SILENCE, owner_of, stretches_of_song
from clip_store.source_type import SourceType
from daw_protocol.ledger import HUMAN, MACHINE, MIXED
from daw_protocol.receipt import Receipt
from daw_protocol.recipe import Recipe
from daw_protocol.timeline.span import Span
from tests.clip_store.exports.songs import Shelf
from tests.clip_store.mix.separations import kept, repainted, separated
from tests.clip_store.sounds import noise

FADE = 96
NEURAL = Recipe(neural=True)


def add(made: Shelf, start: int, length: int, recipe: Recipe = NEURAL, **changes):
    """A take with crossfades of FADE samples."""
    receipt = Receipt(
        position=start, length=length, rate=made.rate, exact=True, crossfade_in=FADE, crossfade_out=FADE
    )
    return made.add(start, length, recipe=recipe, receipt=receipt, **changes)


def stretches(made: Shelf, original: SourceType | None = None):
    accepted = accepted_in(made.store.index, made.song.digest)
    return stretches_of_song(accepted, made.song.frames, original)


def brief(found):
    return [(one.start, one.end, one.whose, one.takes) for one in found]


def check_samples(made: Shelf, found) -> None:
    """What is called human is the original's, bit for bit; what is a single take's is that take's."""
    mix = SongMix(accepted_in(made.store.index, made.song.digest), made.store.blobs)
    assert (found[0].start, found[-1].end) == (mix.span.start, mix.span.end)
    assert all(one.end == other.start for one, other in pairwise(found))
    for one in found:
        samples = mix.read(Span(one.start, one.end)).samples
        if one.whose == HUMAN:
            assert np.array_equal(samples, made.song.samples[one.start : one.end])
        elif one.reason not in (SILENCE,) and len(one.takes) == 1 and one.whose == MACHINE:
            take = made.store.index.get(one.takes[0])
            clip = made.store.blobs.get(take.audio).samples
            assert np.array_equal(samples, clip[one.start - take.start : one.end - take.start])


def test_nothing_accepted_is_the_original(shelf):
    made = shelf()
    made.add(1000, 2000)
    assert brief(stretches(made)) == [(0, 16_000, HUMAN, ())]


def test_a_networks_take_is_the_machines_and_its_crossfades_are_both(shelf):
    made = shelf()
    take = add(made, 1000, 2000)
    made.store.index.choose(take.id)
    found = stretches(made)
    assert brief(found) == [
        (0, 1000, HUMAN, ()),
        (1000, 1096, MIXED, (take.id,)),
        (1096, 2904, MACHINE, (take.id,)),
        (2904, 3000, MIXED, (take.id,)),
        (3000, 16_000, HUMAN, ()),
    ]
    assert [found[1].reason, found[0].reason] == [CROSSFADE, ORIGINAL]
    check_samples(made, found)


def test_what_sketch_rearranges_is_both(shelf):
    made = shelf()
    take = add(made, 1000, 2000, Recipe())
    made.store.index.choose(take.id)
    assert {one.whose for one in stretches(made) if one.takes} == {MIXED}


def test_a_comp_names_both_takes_where_they_meet(shelf):
    made = shelf()
    first, second = add(made, 1000, 4000), add(made, 1000, 4000)
    made.store.index.choose(first.id)
    made.store.index.choose(second.id, Span(2000, 3000))
    found = stretches(made)
    inner = [one for one in found if one.reason == CROSSFADE and len(one.takes) == 2]
    assert [(one.start, one.end, one.takes) for one in inner] == [
        (2000, 2096, (first.id, second.id)), (3000, 3096, (second.id, first.id)),
    ]  # fmt: skip
    assert {one.whose for one in inner} == {MACHINE}
    check_samples(made, found)


def test_later_takes_cover_earlier_ones(shelf):
    made = shelf()
    below, above = add(made, 1000, 4000), add(made, 4000, 3000)
    for take in (below, above):
        made.store.index.choose(take.id)
    found = stretches(made)
    assert next(one.takes for one in found if one.start <= 4500 < one.end) == (above.id,)
    check_samples(made, found)


def test_a_backing_is_both_with_the_song_and_the_machines_behind_it(shelf):
    made = shelf()
    clip = quantise(noise(4000, 2, 0.3, 5), made.rate, Encoding.FLOAT).audio
    take = kept(made, made.song.digest, 14_000, clip, task="accompany", stem="piano", recipe=NEURAL)
    made.store.index.choose(take.id)
    found = stretches(made)
    assert brief(found) == [
        (0, 14_000, HUMAN, ()), (14_000, 16_000, MIXED, (take.id,)), (16_000, 18_000, MACHINE, (take.id,)),
    ]  # fmt: skip
    check_samples(made, found)


def test_a_gap_before_the_song_is_silence(shelf):
    made = shelf()
    take = add(made, -3000, 1000, task="complete")
    made.store.index.choose(take.id)
    found = stretches(made)
    gap = next(one for one in found if one.start == -2000)
    assert (gap.end, gap.takes, gap.reason) == (0, (), SILENCE)
    check_samples(made, found)


def test_a_changed_stem_is_both_where_it_is_heard(shelf):
    made = shelf()
    drums, _ = separated(made, made.song.digest, 0, 16_000, "drums", "other")
    take = repainted(made, drums.audio, 2000, 3000)
    made.store.index.choose(take.id)
    found = stretches(made)
    changed = [one for one in found if take.id in one.takes]
    assert {one.whose for one in changed} == {MIXED}
    assert (changed[0].start, changed[-1].end, changed[0].reason) == (2000, 5000, OTHER_STEM)
    check_samples(made, found)


def test_stems_that_leave_the_song_as_it_is_change_nothing(shelf):
    made = shelf()
    for stem in separated(made, made.song.digest, 0, 16_000, "drums", "other"):
        made.store.index.choose(stem.id)
    assert brief(stretches(made)) == [(0, 16_000, HUMAN, ())]


@pytest.mark.parametrize(
    ("kind", "whose"),
    [
        (None, HUMAN),
        (SourceType.TRAINED, MACHINE),
        (SourceType.ALGORITHMIC, MACHINE),
        (SourceType.COMPOSITE, MIXED),
    ],
)
def test_an_original_that_says_what_it_is(shelf, kind, whose):
    made = shelf()
    (only,) = stretches(made, kind)
    assert (only.whose, owner_of(kind)) == (whose, whose)
    assert only.reason == (ORIGINAL if kind is None else MARKED)
