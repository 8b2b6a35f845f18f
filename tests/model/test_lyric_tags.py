"""Which lines of lyrics are sung."""

import pytest

from model.lyric_tags import has_sung_line, is_sung, is_tag


@pytest.mark.parametrize("line", ["[Verse 1]", " [Solo - guitar]  [x]", "[Chorus", "[]"])
def test_tags(line):
    assert is_tag(line)
    assert not is_sung(line)


@pytest.mark.parametrize("line", ["la", "la [whisper]", "[whisper] la", "]"])
def test_lines_that_are_sung(line):
    assert is_sung(line)
    assert has_sung_line(f"[Verse]\n\n{line}")


def test_lyrics_without_a_line_to_sing():
    assert not has_sung_line("[Instrumental]")
    assert not has_sung_line("[Verse]\n \n[Chorus]\n")
    assert not has_sung_line("")
