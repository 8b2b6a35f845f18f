import logging
from dataclasses import dataclass

from bridge_server.sessions.events import ContextMoved, Event, Events, JobReply, Notice
from daw_protocol.replies import Done, FocusMoved

DONE = JobReply("j1", Done(job="j1", takes=1))
MOVED = ContextMoved(FocusMoved(revision=1))


@dataclass(frozen=True)
class Other(Event):
    """An event of some part's own."""


def test_a_subscriber_gets_its_kind_and_what_derives_from_it():
    events, notices, everything = Events(), [], []
    events.subscribe(Notice, notices.append)
    events.subscribe(Event, everything.append)
    for event in (DONE, MOVED, Other()):
        events.publish(event)
    assert notices == [MOVED]
    assert everything == [DONE, MOVED, Other()]


def test_subscribers_are_called_in_the_order_they_came():
    events, order = Events(), []
    for number in range(3):
        events.subscribe(Event, lambda _, number=number: order.append(number))
    events.publish(Other())
    assert order == [0, 1, 2]


def test_a_subscription_ends():
    events, got = Events(), []
    end = events.subscribe(Event, got.append)
    end()
    end()
    events.publish(Other())
    assert got == []


def test_a_subscriber_may_end_while_it_is_called():
    events, got = Events(), []
    ends = []

    def once(event):
        got.append(event)
        ends[0]()

    ends.append(events.subscribe(Event, once))
    events.subscribe(Event, got.append)
    events.publish(DONE)
    events.publish(MOVED)
    assert got == [DONE, DONE, MOVED]


def test_a_subscriber_with_a_bug_is_logged_and_the_others_go_on(caplog):
    events, got = Events(), []

    def broken(_):
        raise KeyError("a bug")

    events.subscribe(Event, broken)
    events.subscribe(Event, got.append)
    with caplog.at_level(logging.ERROR):
        events.publish(DONE)
    assert got == [DONE]
    assert "a bug" in caplog.text
    assert [record.job for record in caplog.records] == ["j1"]
