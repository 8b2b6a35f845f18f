import pytest

from daw_protocol import requests
from daw_protocol.context import CONTEXT_REQUESTS, Context
from daw_protocol.requests import Complete, Generate, Repaint
from daw_protocol.timeline import AtBbt, AtSample, Bbt, Key, Meter, TempoMap

MAP = TempoMap.constant(96)
RECEIVED = (
    requests.SetSource(source="song.wav", position=48000, rate=44100),
    requests.SetTempo(bpm=127.5),
    requests.SetMeter(meter="6/8"),
    requests.SetKey(key="F# minor"),
    requests.Select(start="17|1", end="21|1"),
    requests.Transport(position=96000, rolling=True),
)


def after(*received, context=None):
    context = context or Context()
    for request in received:
        context = context.after(request)
    return context


FULL = after(*RECEIVED)


def test_everything_that_was_said_is_known():
    assert (
        Context(
            source="song.wav",
            source_position=AtSample(48000),
            rate=44100,
            bpm=127.5,
            meter=Meter(6, 8),
            key=Key("F#", "minor"),
            start=AtBbt(Bbt(17)),
            end=AtBbt(Bbt(21)),
            playhead=AtSample(96000),
            rolling=True,
        )
        == FULL
    )


def test_the_order_does_not_matter():
    assert after(*reversed(RECEIVED)) == FULL


def test_forgetting_forgets_all():
    assert after(requests.ForgetContext(), context=FULL) == Context()


def test_another_song_has_another_place():
    moved = after(requests.SetSource(source="other.wav"), context=FULL)
    assert (moved.source, moved.source_position, moved.rate) == ("other.wav", None, None)


def test_a_tempo_takes_the_place_of_a_map_and_the_other_way_round():
    mapped = after(requests.SetTempo(tempo_map=MAP), context=FULL)
    assert (mapped.bpm, mapped.tempo_map) == (None, MAP)
    steady = after(requests.SetTempo(bpm=90), context=mapped)
    assert (steady.bpm, steady.tempo_map) == (90, None)


def test_every_context_message_is_understood():
    assert {type(request) for request in RECEIVED} | {requests.ForgetContext} == set(CONTEXT_REQUESTS)
    with pytest.raises(TypeError, match="Status is not a context message"):
        Context().after(requests.Status())


def test_a_bare_repaint_is_about_the_selection():
    assert FULL.fill(Repaint(id="id1")) == Repaint(
        id="id1",
        source="song.wav",
        source_position=48000,
        rate=44100,
        bpm=127.5,
        meter="6/8",
        key="F# minor",
        start="17|1",
        end="21|1",
    )


def test_an_empty_context_adds_nothing():
    request = Repaint(id="id1", start=0, end=5)
    assert Context().fill(request) == request


FILLED = [
    # what the request says itself is kept; what belongs together is not mixed
    ({"source": "a.wav"}, {"source": "a.wav", "source_position": None}),
    ({"source": "a.wav", "source_position": 7}, {"source_position": AtSample(7)}),
    ({"source_position": 7}, {"source": "song.wav", "source_position": AtSample(7)}),
    ({"rate": 96000}, {"rate": 96000}),
    ({"key": "C major"}, {"key": Key("C", "major")}),
    ({"bpm": 90}, {"bpm": 90.0, "meter": Meter(6, 8), "tempo_map": None}),
    ({"meter": "3/4"}, {"bpm": 127.5, "meter": Meter(3, 4)}),
    ({"tempo_map": MAP}, {"tempo_map": MAP, "bpm": None, "meter": None}),
    ({"start": 0}, {"start": AtSample(0), "end": None}),
    ({"end": 9}, {"start": None, "end": AtSample(9)}),
    ({"bars": "1-2"}, {"bars": "1-2", "start": None, "end": None}),
    ({"length": "1 bar"}, {"start": None, "end": None}),
]


@pytest.mark.parametrize(("said", "filled"), FILLED, ids=lambda one: " ".join(one))
def test_the_requests_own_words_win(said, filled):
    found = FULL.fill(Repaint(**said))
    assert {name: getattr(found, name) for name in filled} == filled


def test_a_whole_map_fills_in_unless_the_request_has_a_tempo_of_its_own():
    mapped = after(requests.SetTempo(tempo_map=MAP), context=FULL)
    assert mapped.fill(Repaint()).tempo_map == MAP
    assert mapped.fill(Repaint()).meter is None
    assert mapped.fill(Repaint(bpm=90)).tempo_map is None
    assert mapped.fill(Repaint(meter="3/4")).tempo_map is None


def test_what_needs_no_song_gets_none():
    found = FULL.fill(Generate())
    assert (found.source, found.source_position) == (None, None)
    assert (found.bpm, found.start) == (127.5, AtBbt(Bbt(17)))


def test_a_bare_continuation_fills_the_selection():
    found = FULL.fill(Complete())
    assert (found.start, found.end, found.length) == (AtBbt(Bbt(17)), AtBbt(Bbt(21)), None)
