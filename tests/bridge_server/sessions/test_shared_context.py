"""The shared context: which messages change it, what a change is, and who may clear it."""

import pytest

from bridge_server.sessions.events import ContextMoved, Events
from bridge_server.sessions.shared_context import SharedContext, merged
from daw_protocol import requests
from daw_protocol.context import Context
from daw_protocol.timeline import AtSample, TempoMap


@pytest.fixture
def shared():
    """A shared context, with everything it publishes in `published`."""
    events = Events()
    found = SharedContext(events)
    found.published = []
    events.subscribe(ContextMoved, lambda event: found.published.append(event.reply))
    return found


def test_a_change_is_counted_and_published_with_its_sender(shared):
    shared.apply(requests.SetTempo(bpm=90.0), "daw")
    assert (shared.revision, shared.client) == (1, "daw")
    (moved,) = shared.published
    assert (moved.revision, moved.client, moved.playhead, moved.rolling) == (1, "daw", None, False)


def test_the_same_again_is_no_change(shared):
    shared.apply(requests.SetTempo(bpm=90.0), "daw")
    shared.apply(requests.SetTempo(bpm=90.0), "panel")
    assert (shared.revision, shared.client, len(shared.published)) == (1, "daw", 1)


def test_the_playhead_is_published_and_not_counted(shared):
    shared.apply(requests.SetTempo(bpm=60.0), "daw")
    shared.apply(requests.Transport(position="2|1|0", rolling=True), "another")
    assert (shared.revision, shared.client) == (1, "daw")
    assert shared.playhead == 4 * shared.rate
    assert (shared.published[-1].playhead, shared.published[-1].rolling) == (4 * shared.rate, True)


def test_only_the_client_that_spoke_last_can_clear_it(shared):
    shared.apply(requests.SetTempo(bpm=90.0), "daw")
    shared.apply(requests.ForgetContext(), "panel")
    assert shared.context.bpm == 90
    shared.apply(requests.ForgetContext(), "daw")
    assert shared.context == Context()


def test_another_song_clears_the_selection_unless_the_request_gives_one():
    selected = Context(source="a.wav", start=AtSample(1), end=AtSample(2))
    assert merged(selected, requests.SetSource(source="b.wav")).start is None
    assert merged(selected, requests.SetSource(source="a.wav")).start == AtSample(1)
    both = requests.Repaint(source="b.wav", start=AtSample(5), end=AtSample(9))
    assert merged(selected, both).start == AtSample(5)
    same_place = requests.Repaint(source="b.wav", start=AtSample(1), end=AtSample(2))
    assert merged(selected, same_place).start == AtSample(1)
    mapped = Context(source="a.wav", tempo_map=TempoMap.constant(90))
    assert merged(mapped, requests.Repaint(source="a.wav", bpm=100.0)).tempo_map is None
    assert merged(mapped, requests.Generate(length=None)) == mapped
