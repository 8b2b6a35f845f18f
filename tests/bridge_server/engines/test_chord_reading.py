"""Chords while they are typed: the bars they come to lie in, or what is wrong."""

from bridge_server.engines.chord_reading import read_chords


def test_chords_are_shown_against_bars():
    (played,), refused = read_chords(" Am F | C ", "")
    assert (played.text, refused) == ("1 Am F · 2 C", ())
    assert played.effect == "2 bars from the region's first, repeated to the region's end"


def test_half_typed_chords_say_what_is_wrong():
    played, (wrong,) = read_chords("Am Fx?", "")
    assert (played, wrong.text) == ((), "chords")
    assert "bar 2: 'Fx?'" in wrong.reason


def test_engines_with_chords_of_their_own_say_so():
    assert read_chords("", "ACE-Step") == ((), ())
    played, (wrong,) = read_chords("Am F", "ACE-Step")
    assert (played, wrong.text) == ((), "Am F")
    assert wrong.reason == "the ACE-Step engine chooses its own chords"
