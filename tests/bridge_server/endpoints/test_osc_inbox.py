"""The queue of datagrams: in order, bounded, and fair."""

import asyncio

from bridge_server.endpoints.osc_inbox import FROM_ONE, INBOX, OscInbox

FLOOD, OTHER = ("127.0.0.1", 1), ("127.0.0.1", 2)


def test_datagrams_come_out_in_the_order_they_came():
    async def run():
        inbox = OscInbox()
        sent = [(bytes([number]), FLOOD if number % 3 else OTHER) for number in range(30)]
        for data, sender in sent:
            inbox.put(data, sender)
        assert [await inbox.get() for _ in sent] == sent
        assert inbox._senders == {}  # no sender is remembered for ever

    asyncio.run(run())


def test_one_sender_does_not_fill_it(caplog):
    inbox = OscInbox()
    for _ in range(2 * FROM_ONE):
        inbox.put(b"flood", FLOOD)
    assert inbox.dropped == FROM_ONE
    inbox.put(b"other", OTHER)
    assert inbox.dropped == FROM_ONE
    assert len(caplog.records) == 1


def test_many_senders_do():
    inbox = OscInbox()
    for port in range(INBOX + 5):
        inbox.put(b"x", ("127.0.0.1", port))
    assert inbox.dropped == 5


def test_there_is_room_again_once_one_is_served():
    async def run():
        inbox = OscInbox()
        for _ in range(FROM_ONE):
            inbox.put(b"flood", FLOOD)
        await inbox.get()
        inbox.put(b"next", FLOOD)
        assert inbox.dropped == 0

    asyncio.run(run())
