"""MIDI's song position, counted in clocks."""

from fractions import Fraction

from daw_protocol.song_position import SongPosition


def clocks(song, count):
    return [song.clock() for _ in range(count)]


def test_the_first_clock_after_a_start_marks_the_start():
    song = SongPosition()
    song.start()
    assert clocks(song, 3) == [0, Fraction(1, 24), Fraction(2, 24)]


def test_a_quarter_is_24_clocks_and_a_song_position_a_sixteenth():
    song = SongPosition()
    song.locate(6)
    assert (song.quarters, song.rolling) == (Fraction(3, 2), False)
    song.go_on()
    assert clocks(song, 25)[-1] == Fraction(3, 2) + 1


def test_clocks_of_a_stopped_song_do_not_move_it():
    song = SongPosition()
    assert clocks(song, 2) == [None, None]
    song.start()
    clocks(song, 2)
    song.stop()
    assert clocks(song, 2) == [None, None]
    assert song.quarters == Fraction(2, 24)


def test_continue_plays_the_clock_that_was_due_when_it_stopped():
    song = SongPosition()
    song.start()
    clocks(song, 2)
    song.stop()
    song.go_on()
    assert clocks(song, 2) == [Fraction(2, 24), Fraction(3, 24)]


def test_start_goes_back_to_the_beginning():
    song = SongPosition(clocks=500)
    song.start()
    assert song.clock() == 0
