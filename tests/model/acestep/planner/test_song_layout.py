"""Lyrics on the bars of a planned song."""

from __future__ import annotations

from itertools import pairwise

import pytest

from model.acestep.planner.song_layout import laid_out, parts_of

SONG = "[Intro]\n\n[Verse 1]\none\ntwo\nthree\nfour\n\n[Chorus]\nla\nla\n[Outro]"
BARS = tuple(2.0 * bar for bar in range(32))


def test_parts_begin_with_their_tags() -> None:
    found = parts_of(SONG.split("\n"))
    assert [(part.name, part.sung) for part in found] == [
        ("intro", 0),
        ("verse 1", 4),
        ("chorus", 2),
        ("outro", 0),
    ]
    assert [(part.name, part.sung) for part in parts_of(["", "just words", "more"])] == [("verse", 2)]
    assert parts_of([""]) == ()


def test_sections_fill_the_song_in_whole_phrases_by_their_lines() -> None:
    sections, lyrics = laid_out(SONG, BARS, 64.0)
    assert [section.name for section in sections] == ["intro", "verse 1", "chorus", "outro"]
    assert sections[0].start == 0.0
    assert sections[-1].end == 64.0
    for one, following in pairwise(sections):
        assert one.end == following.start
        assert one.end % 8.0 == 0, "phrases of four bars"
    assert sections[1].end - sections[1].start >= sections[2].end - sections[2].start
    assert [line.text for line in lyrics] == SONG.split("\n")
    verse = [line for line in lyrics if line.text in ("one", "two", "three", "four")]
    assert [line.start for line in verse] == sorted(line.start or 0.0 for line in verse)
    assert verse[0].start == sections[1].start
    assert verse[-1].end == pytest.approx(sections[1].end)
    assert all(line.start is None for line in lyrics if line.text.startswith("[") or not line.text)


def test_more_sections_than_bars_have_no_times() -> None:
    sections, lyrics = laid_out(SONG, BARS[:3], 6.0)
    assert sections == ()
    assert "\n".join(line.text for line in lyrics) == SONG
    assert all(line.start is None for line in lyrics)


@pytest.mark.parametrize("bars", [4, 5, 7, 9, 31])
def test_every_section_has_a_bar_at_least(bars: int) -> None:
    sections, _ = laid_out(SONG, BARS[:bars], 2.0 * bars)
    assert len(sections) == 4
    assert all(section.end - section.start >= 2.0 for section in sections)


def test_an_instrumental_song_has_none() -> None:
    assert laid_out("", BARS, 64.0) == ((), ())
