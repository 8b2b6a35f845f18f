"""Lines that are sung in a take, as markers and as an LRC file."""

from dataclasses import replace

import pytest

from clip_store.audio.cue_points import CuePoint
from clip_store.sung_lines import SungLine, cues_of, lines_in, lrc_text, sung_lines
from daw_protocol.recipe import BlueprintRecord, LyricRecord
from tests.clip_store.takes import stored_take

WORDS = BlueprintRecord(
    lyrics=(
        LyricRecord(text="[Verse]"),
        LyricRecord(text=" one ", start=10.5, end=11.0),
        LyricRecord(text="two", start=11.0, end=12.0),
        LyricRecord(text="three", start=13.0, end=14.0),
    ),
    lyrics_timed=True,
)


def test_lines_count_from_the_clips_first_sample():
    assert sung_lines(WORDS, 10.0) == (
        SungLine("one", 0.5, 1.0),
        SungLine("two", 1.0, 2.0),
        SungLine("three", 3.0, 4.0),
    )
    assert sung_lines(WORDS.evolve(lyrics_timed=False), 10.0) == ()
    assert sung_lines(None, 0.0) == ()


def test_markers_of_a_take_are_within_its_clip():
    made = stored_take()
    made = replace(
        made, recipe=made.recipe.evolve(blueprint=WORDS), start=10 * made.rate, length=2 * made.rate
    )
    assert [line.text for line in lines_in(made)] == ["one", "two", "three"]
    assert cues_of(made) == (CuePoint(round(made.rate / 2), "one"), CuePoint(made.rate, "two"))


def test_an_lrc_file_clears_the_screen_where_nothing_is_sung():
    assert (
        lrc_text(sung_lines(WORDS, 10.0))
        == "[00:00.50]one\n[00:01.00]two\n[00:02.00]\n[00:03.00]three\n[00:04.00]\n"
    )


@pytest.mark.parametrize(
    ("seconds", "stamp"), [(59.996, "[01:00.00]"), (0.004, "[00:00.00]"), (6003.25, "[100:03.25]")]
)
def test_hundredths_are_rounded_whole(seconds, stamp):
    assert lrc_text((SungLine("x", seconds, seconds),)).startswith(f"{stamp}x\n")
