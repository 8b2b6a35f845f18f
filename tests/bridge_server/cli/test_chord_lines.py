"""Chords against their bars, a few bars a line."""

from bridge_server.cli.chord_lines import BARS_A_LINE, chord_lines


def test_chords_are_shown_in_lines_of_bars():
    found = chord_lines("9|1 Am 10|3 F/C 18|1 %")
    assert len(found) == 2
    assert found[0].startswith("9 Am · 10 (3) F/C · 11 %")
    assert found[1] == "17 % · 18 %"
    assert found[0].count("·") == BARS_A_LINE - 1
    assert chord_lines("") == []
