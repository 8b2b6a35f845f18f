"""What an engine says of a take's joins, as the measurements take it."""

from clip_store.measure.assembled import Assembled


def test_joins_lie_in_the_song() -> None:
    assert Assembled(((10, 20), (50, 60))).inside(1000) == [(1010, 1020), (1050, 1060)]


def test_two_sounds_meet_at_each_join_and_one_of_them_at_each_edge() -> None:
    assembled = Assembled(((10, 20),), ((-300, -290), (700, 720)))
    assert assembled.meeting() == ((-300,), [(-290, 700)], (720,))


def test_without_a_shift_for_each_stretch_nothing_is_known() -> None:
    assert Assembled(((10, 20),), ((1, 1),)).meeting() == ((), [()], ())
