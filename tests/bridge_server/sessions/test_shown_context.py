"""The shared context in samples."""

from fractions import Fraction

from bridge_server.sessions.shown_context import ShownContext
from daw_protocol.context import Context
from daw_protocol.timeline import AtSample, AtSeconds, Bbt, Span
from daw_protocol.timeline.position import AtBbt


def test_positions_are_samples_on_the_contexts_own_tempo():
    context = Context(
        source="song.wav", source_position=AtSeconds(Fraction(1)), bpm=60.0, start=AtBbt(Bbt(2)), end=AtBbt(Bbt(3)),
        playhead=AtSample(7),
    )  # fmt: skip
    shown = ShownContext(context, 1000)
    assert (shown.position, shown.selection, shown.playhead) == (1000, Span(4000, 8000), 7)
    assert shown.tempo_known


def test_without_a_tempo_one_is_assumed_and_nothing_selected_is_nothing():
    at = AtSample(5)
    shown = ShownContext(Context(start=at, end=at), 1000)
    assert (shown.position, shown.selection, shown.playhead, shown.tempo_known) == (0, None, None, False)
    assert ShownContext(Context(start=at), 1000).selection is None
