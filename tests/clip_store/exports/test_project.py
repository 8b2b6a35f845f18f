"""The values a project consists of check themselves."""

from __future__ import annotations

import pytest

from clip_store.exports.project import Clip, Project, SoundFile, Track
from daw_protocol.timeline import TempoMap


def sound(frames: int = 1_000, channels: int = 2) -> SoundFile:
    return SoundFile("song", "digest", frames, channels, 0)


def clip(position: int, length: int = 100, file: SoundFile | None = None, start: int = 0) -> Clip:
    return Clip("clip", file or sound(), position, start, length)


@pytest.mark.parametrize(
    ("position", "start", "length"), [(-1, 0, 10), (0, 0, 0), (0, -1, 10), (0, 991, 10), (0, 0, 1_001)]
)
def test_a_clip_lies_at_zero_or_later_and_inside_its_file(position: int, start: int, length: int) -> None:
    assert Clip("clip", sound(), 0, 990, 10).end == 10
    with pytest.raises(ValueError, match="clip"):
        Clip("clip", sound(), position, start, length)


def test_clips_of_a_track_do_not_overlap() -> None:
    Track("Song", (clip(0), clip(100), clip(300)))
    for clips in ((clip(0), clip(99)), (clip(300), clip(0))):
        with pytest.raises(ValueError, match=r"track 'Song' at sample \d+"):
            Track("Song", clips)


def test_a_track_has_as_many_channels_as_its_widest_clip() -> None:
    assert Track("Song", (clip(0, file=sound(channels=1)), clip(100))).channels == 2
    assert Track("Song", (clip(0, file=sound(channels=1)),)).channels == 1
    assert Track("Song", ()).channels == 1


def test_sound_files_of_equal_content_stay_two() -> None:
    """Each becomes a file of its own."""
    one, other = sound(), sound()
    tracks = (Track("A", (clip(0, file=one), clip(100, file=other))), Track("B", (clip(0, file=one),)))
    project = Project("Song", 48_000, TempoMap.constant(120), tracks)
    assert len(project.files) == 2
    assert project.files[0] is one
    assert project.files[1] is other


def test_a_project_ends_with_its_last_clip() -> None:
    tracks = (Track("A", (clip(500),)), Track("B", (clip(0, length=200),)))
    assert Project("Song", 48_000, TempoMap.constant(120), tracks).end == 600
    assert Project("Song", 48_000, TempoMap.constant(120), ()).end == 0
