"""Which accepted takes a new one hears, and the samples of that."""

import numpy as np
import pytest

from clip_store.mix.accepted import accepted_in
from clip_store.mix.hearing import (
    audible_to,
    extent,
    heard_audio,
    heard_record,
    no_longer_accepted,
    stretches,
    without_alternatives,
)
from daw_protocol.recipe import HeardSong
from daw_protocol.tasks import InSong, Placement
from daw_protocol.timeline.span import Span


@pytest.fixture
def made(shelf):
    """Accepted: a repaint, a continuation, a backing and a stem."""
    found = shelf()
    end = found.song.frames
    for take in (
        found.add(1000, 4000), found.add(end - 500, 1500, task="complete"),
        found.add(0, 9000, task="lego", stem="bass"), found.add(0, 9000, task="extract", stem="drums"),
    ):  # fmt: skip
        found.store.index.choose(take.id)
    return found


def tasks(accepted):
    return [accepted.takes[comp.parts[0].take].task for comp in accepted.comps]


def test_what_takes_the_songs_place_does_not_hear_what_plays_along_with_it(made):
    accepted = accepted_in(made.store.index, made.song.digest)
    assert tasks(audible_to(Placement.REPLACES, accepted)) == ["repaint", "complete"]
    assert tasks(audible_to(Placement.BESIDE, accepted)) == ["repaint", "complete", "lego"]


def test_what_is_accepted_is_listed_with_what_it_is_in_the_song(made):
    end = made.song.frames
    assert stretches(accepted_in(made.store.index, made.song.digest)) == (
        (InSong.SONG, Span(1000, 5000)),
        (InSong.SONG, Span(end - 500, end + 1000)),
        (InSong.BACKING, Span(0, 9000)),
    ), "a stem alone leaves the song as it is"


@pytest.mark.parametrize(
    ("placement", "region", "stems", "left"),
    [
        (Placement.REPLACES, Span(1000, 5000), (), ["complete", "lego"]),
        (Placement.REPLACES, Span(0, 6000), (), ["complete", "lego"]),
        (Placement.REPLACES, Span(1001, 6000), (), ["repaint", "complete", "lego"]),
        (Placement.BESIDE, Span(0, 9000), (), ["repaint", "complete"]),
        (Placement.BESIDE, Span(0, 9000), ("bass",), ["repaint", "complete"]),
        (Placement.BESIDE, Span(0, 9000), ("guitar",), ["repaint", "complete", "lego"]),
        (Placement.BESIDE, Span(1, 9000), ("bass",), ["repaint", "complete", "lego"]),
    ],
)
def test_what_a_take_may_take_the_place_of_is_not_heard(made, placement, region, stems, left):
    accepted = audible_to(Placement.BESIDE, accepted_in(made.store.index, made.song.digest))
    assert tasks(without_alternatives(placement, accepted, region, stems)) == left


def test_the_samples_are_those_of_the_mix_as_long_as_it_is(made):
    accepted = audible_to(Placement.REPLACES, accepted_in(made.store.index, made.song.digest))
    audio = heard_audio(accepted, made.store.blobs)
    assert extent(accepted, made.song.frames) == Span(0, made.song.frames + 1000)
    assert audio.frames == made.song.frames + 1000
    repaint = accepted.takes[accepted.comps[0].parts[0].take]
    assert audio.encoding is made.song.encoding
    assert np.array_equal(audio.samples[1000:5000], made.store.blobs.get(repaint.audio).samples)
    assert np.array_equal(audio.samples[:1000], made.song.samples[:1000])


def test_the_record_says_what_was_heard_and_later_what_of_it_is_gone(made):
    index = made.store.index
    accepted = audible_to(Placement.BESIDE, accepted_in(index, made.song.digest))
    record = heard_record(accepted, "d" * 64, 0)
    assert HeardSong.from_stored(record.to_fields()) == record
    assert [len(record.parts), len(record.backing)] == [2, 1]
    assert no_longer_accepted(record, accepted) == ()
    first = record.parts[0][0]
    index.choose(made.add(1000, 4000).id)
    assert no_longer_accepted(record, accepted_in(index, made.song.digest)) == (first,)
