import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clip_store.exports.layers import Piece, Placed, packed, tracks_of, uncovered
from clip_store.exports.project import SoundFile
from clip_store.take import Take, unmeasured
from daw_protocol.timeline import Span

spans = st.tuples(st.integers(-50, 50), st.integers(1, 40)).map(lambda pair: Span(pair[0], pair[0] + pair[1]))


def sound(frames=1000, position=0, name="song"):
    return SoundFile(name, "0" * 64, frames, 2, position)


def placed(position, length, audible=True, **changes):
    take = Take(
        "t", "j", 1, "repaint", "p", "a", position, position, length, 48_000, 1.0, title="Song",
        receipt=unmeasured(position, length, 48_000),
    )  # fmt: skip
    take = replace(take, **{"job": str((position, length, audible)), **changes})
    return Placed(take, sound(length, position, "take"), audible)


def described(tracks):
    return [
        (
            track.name,
            track.muted,
            [(clip.position, clip.start, clip.length, clip.muted) for clip in track.clips],
        )
        for track in tracks
    ]


@given(spans, st.lists(spans, max_size=5))
def test_uncovered_is_what_counting_samples_finds(span, covers):
    found = uncovered(span, covers)
    assert found[0][0].start == span.start
    assert found[-1][0].end == span.end
    for (before, free), (after, other) in itertools.pairwise(found):
        assert before.end == after.start
        assert free != other
    for part, free in found:
        for sample in range(part.start, part.end):
            assert free == (not any(cover.start <= sample < cover.end for cover in covers))


@given(st.lists(spans, max_size=12))
def test_packed_loses_nothing_and_nothing_overlaps(given_spans):
    pieces = [Piece(str(number), sound(), span) for number, span in enumerate(given_spans)]
    lanes = packed(pieces)
    assert sorted(piece.name for lane in lanes for piece in lane) == sorted(piece.name for piece in pieces)
    for lane in lanes:
        assert all(a.span.end <= b.span.start for a, b in itertools.pairwise(lane))


def test_an_audible_take_mutes_the_song_under_it():
    tracks, notes = tracks_of(sound(), [placed(200, 100)])
    assert described(tracks) == [
        ("Original", False, [(0, 0, 200, False), (200, 200, 100, True), (300, 300, 700, False)]),
        ("Chosen takes", False, [(200, 0, 100, False)]),
    ]
    assert notes == ()


def test_muted_takes_leave_the_song_alone():
    tracks, _ = tracks_of(sound(), [placed(200, 100, False), placed(250, 100, False), placed(400, 10, False)])
    assert described(tracks) == [
        ("Original", False, [(0, 0, 1000, False)]),
        ("Take 1", True, [(200, 0, 100, False), (400, 0, 10, False)]),
        ("Take 2", True, [(250, 0, 100, False)]),
    ]


def test_a_later_take_lies_over_an_earlier_one():
    tracks, _ = tracks_of(sound(), [placed(200, 300), placed(300, 100)])
    assert described(tracks)[1] == (
        "Chosen takes", False, [(200, 0, 100, False), (300, 0, 100, False), (400, 200, 100, False)],
    )  # fmt: skip


def test_stems_cover_the_song_and_not_one_another():
    stems = [placed(0, 1000, task="extract", stem=name) for name in ("vocals", "drums", "residual")]
    tracks, _ = tracks_of(sound(), stems)
    assert described(tracks) == [
        ("Original", False, [(0, 0, 1000, True)]),
        ("vocals", False, [(0, 0, 1000, False)]),
        ("drums", False, [(0, 0, 1000, False)]),
        ("residual", False, [(0, 0, 1000, False)]),
    ]


def test_a_backing_lies_beside_the_song():
    tracks, _ = tracks_of(sound(), [placed(0, 1000, task="accompany", stem="piano")])
    assert described(tracks)[0] == ("Original", False, [(0, 0, 1000, False)])


def test_what_lies_before_zero_is_cut_off_there_and_noted():
    tracks, notes = tracks_of(sound(1000, -300), [placed(-250, 300), placed(-200, 50, False)])
    assert described(tracks) == [
        ("Original", False, [(0, 300, 50, True), (50, 350, 650, False)]),
        ("Chosen takes", False, [(0, 250, 50, False)]),
    ]
    assert any("first 300" in note for note in notes)
    assert any("250" in note for note in notes)


def test_without_a_song_there_is_no_track_of_it():
    tracks, _ = tracks_of(None, [placed(10, 10, task="generate")])
    assert [name for name, _, _ in described(tracks)] == ["Chosen takes"]


@pytest.mark.parametrize("count", [1, 100])
def test_many_takes_of_one_region_get_a_track_each(count):
    tracks, _ = tracks_of(sound(), [placed(5, 100, False, job=str(n)) for n in range(count)])
    assert [track.name for track in tracks] == ["Original", *(f"Take {n}" for n in range(1, count + 1))]


def test_what_replaces_the_song_is_heard_over_its_stems_whenever_it_was_accepted():
    """As in the finished song: stems add up to the song as it was, so they cannot cover what took its place."""
    stems = [placed(0, 1000, task="extract", stem=name, job="x") for name in ("vocals", "residual")]
    for takes in ([placed(200, 100), *stems], [*stems, placed(200, 100)]):
        tracks = {name: clips for name, _, clips in described(tracks_of(sound(), takes)[0])}
        assert tracks["Chosen takes"] == [(200, 0, 100, False)]
        assert tracks["vocals"] == [(0, 0, 200, False), (300, 300, 700, False)]


def test_parts_of_a_take_are_on_its_track_and_the_song_plays_between_them():
    take = replace(placed(200, 300), parts=(Span(200, 250), Span(400, 500)))
    tracks = described(tracks_of(sound(), [take])[0])
    assert tracks == [
        ("Original", False, [
            (0, 0, 200, False), (200, 200, 50, True), (250, 250, 150, False), (400, 400, 100, True),
            (500, 500, 500, False),
        ]),
        ("Chosen takes", False, [(200, 0, 50, False), (400, 200, 100, False)]),
    ]  # fmt: skip
