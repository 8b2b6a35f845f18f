"""What a track plays: clips in seconds and beats, nested, looped, warped; and what of it cannot be read."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from fractions import Fraction

import pytest

from clip_store.errors import ProjectError
from clip_store.projects.clip_parts import ClipPart, Problem, parts_of
from clip_store.projects.project_tempo import tempo_map_in
from tests.clip_store.projects.made import audio, clip, clips, document, tempos, warped


def parts(band: str, automation: str = "", bpm: float = 120):
    root = ET.fromstring(document(band, automation, bpm))
    return list(parts_of(root, "band", tempo_map_in(root)))


def played(found) -> list[tuple[float, float, float]]:
    """(start, end, place in the file), all in seconds; nothing else may be there."""
    assert all(isinstance(part, ClipPart) for part in found), found
    return [(float(part.start), float(part.end), float(part.at)) for part in found]


INNER = clips(clip(warped((0, 0), (16, 8)), 0, 16, contentTimeUnit="beats", fadeInTime=0.0))
"""As Bitwig writes an audio clip: a clip in a clip, warped even where nothing is stretched."""


@pytest.mark.parametrize(
    ("band", "expected"),
    [
        (clips(clip(audio(), 2.5, 3, contentTimeUnit="seconds", playStart=1.25), unit="seconds"), [(2.5, 5.5, 1.25)]),
        (clips(clip(audio(), 4, 8, contentTimeUnit="seconds", playStart=0.5)), [(2, 6, 0.5)]),
        (clips(clip(audio(), 4, 8)), [(2, 6, 0)]),
        (clips(clip(INNER, 8, 4, contentTimeUnit="beats", playStart=2)), [(4, 6, 1)]),
        (clips(clip(warped((0, 0.25), (4, 2.25), (16, 8.25)), 8, 8)), [(4, 6, 0.25), (6, 8, 2.25)]),
        (clips(clip(warped((4, 2), (8, 4)), 0, 16)), [(0, 8, 0)]),
        (clips(clip(audio(), 0, 9, contentTimeUnit="seconds", playStart=1, loopStart=0, loopEnd=2)),
         [(0, 1, 1), (1, 3, 0), (3, 4.5, 0)]),
        (clips(clip(audio(), 0, 16, contentTimeUnit="seconds", playStart=1, playStop=3)), [(0, 2, 1)]),
        (clips(clip(audio(), 0, 4), clip(audio(), 4, 4, enable="false")), [(0, 2, 0)]),
        (clips(clip("", 0, 4)), []),
    ],
)  # fmt: skip
def test_clips_play_their_file(band, expected):
    assert played(parts(band)) == expected


def test_a_clip_follows_the_beats_and_its_file_the_seconds():
    slower = tempos((0, 120), (8, 60))
    assert played(parts(clips(clip(audio(), 4, 8)), slower)) == [(2, 8, 0)]
    two = clips(clip(warped((0, 0), (8, 4), (12, 8)), 0, 12))
    assert played(parts(two, slower)) == [(0, 4, 0), (4, 8, 4)]


def test_positions_are_exact_at_a_tempo_that_no_float_can_count():
    (piece,) = parts(clips(clip(audio(), 96, 8)), bpm=127.3)
    assert (piece.start, piece.end) == (Fraction(60 * 96 * 10, 1273), Fraction(60 * 104 * 10, 1273))


@pytest.mark.parametrize(
    ("band", "words", "stretch"),
    [
        (clips(clip(warped((0, 0), (16, 7)), 0, 16)), "it plays at 0.875 times its speed", (0, 8)),
        (clips(clip(warped((0, 0), (4, 2), (8, 5)), 0, 8)), "1.5 times", (2, 4)),
        (clips(clip(audio(), 0, 8, contentTimeUnit="beats", playStart=1)), "given in beats", (0, 4)),
        (clips(clip('<Notes><Note time="0" duration="1" channel="0" key="60"/></Notes>', 0, 4)), "has notes", (0, 2)),
        (clips(clip(audio("/x.wav").replace("<File", '<File external="true"'), 0, 4)), "not in the project", (0, 2)),
        (clips(clip(audio(), 4, 8, fadeInTime=0.5, fadeTimeUnit="seconds")), "faded in", (2, 2.5)),
        (clips(clip(audio(), 4, 8, fadeOutTime=1)), "faded out", (5.5, 6)),
        (clips(clip(warped((0, 0), (4, 2), unit="seconds"), 0, 8)), "counts its content in seconds", (0, 4)),
        (clips(clip(warped((0, 0)), 0, 8)), "not known here", (0, 4)),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_why_and_where(band, words, stretch):
    (problem,) = [part for part in parts(band) if isinstance(part, Problem)]
    assert words in problem.reason
    assert (float(problem.start), float(problem.end)) == stretch


def test_a_warped_clip_over_a_tempo_change_is_stretched():
    marks = clips(clip(warped((0, 0), (16, 12)), 0, 16))  # 12 s long in all, but not at one speed
    (problem,) = parts(marks, tempos((0, 120), (8, 60)))
    assert "stretched" in problem.reason


def test_a_loop_without_end_is_refused():
    tiny = clip(audio(), 0, 4000, contentTimeUnit="seconds", loopStart=0, loopEnd=0.01)
    with pytest.raises(ProjectError, match="'band' repeats its loop more than"):
        parts(clips(tiny))


def test_clips_of_other_tracks_are_not_played():
    assert parts("") == []


def test_numbers_that_are_none_are_named():
    root = ET.fromstring(document(clips(clip(audio(), 4, 8))).replace('time="4"', 'time="soon"'))
    with pytest.raises(ProjectError, match=r"the time of the clip 'band'.*'soon'"):
        list(parts_of(root, "band", tempo_map_in(root)))
