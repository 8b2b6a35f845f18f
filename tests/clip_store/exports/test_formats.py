"""What each format cannot carry is said of the projects it is true of, and of no other."""

from __future__ import annotations

from fractions import Fraction

import pytest

from clip_store.exports.formats import Format, limits
from clip_store.exports.project import Clip, Project, SoundFile, Track
from daw_protocol.timeline import TempoMap, TempoPoint

STEADY = TempoMap.constant(120)
STEPS = TempoMap((TempoPoint(Fraction(0), Fraction(120)), TempoPoint(Fraction(8), Fraction(90))))
RAMP = TempoMap((TempoPoint(Fraction(0), Fraction(120), ramp=True), TempoPoint(Fraction(8), Fraction(90))))


def project(tempo_map: TempoMap = STEADY, muted: bool = False) -> Project:
    file = SoundFile("song", "digest", 1_000, 2, 0)
    return Project("Song", 48_000, tempo_map, (Track("Song", (Clip("song", file, 0, 0, 1_000),), muted),))


def said(about: Project, kind: Format) -> str:
    return "\n".join(limits(about, kind))


def test_a_plain_project_loses_nothing_in_a_project_file() -> None:
    assert limits(project(), Format.DAWPROJECT) == ()
    assert limits(project(RAMP, muted=True), Format.RPP) == ()


@pytest.mark.parametrize("kind", [Format.DAWPROJECT, Format.MIDI])
def test_ramps_that_become_steps(kind: Format) -> None:
    assert "ramps" in said(project(RAMP), kind)
    assert "ramps" not in said(project(STEPS), kind)


def test_tempo_changes_in_a_file_whose_clips_are_placed_in_seconds() -> None:
    assert "grid" in said(project(STEPS), Format.DAWPROJECT)
    assert "grid" not in said(project(STEADY), Format.DAWPROJECT)


@pytest.mark.parametrize("kind", [Format.AAF, Format.WAV])
def test_muted_takes_where_nothing_can_be_muted(kind: Format) -> None:
    assert "mute" in said(project(muted=True), kind)
    assert "mute" not in said(project(), kind)


@pytest.mark.parametrize("kind", [Format.AAF, Format.WAV])
def test_sound_files_carry_no_tempo_map(kind: Format) -> None:
    assert "tempo map" in said(project(), kind)


def test_midi_carries_no_sound() -> None:
    assert "no sound" in said(project(), Format.MIDI)
