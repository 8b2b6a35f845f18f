"""The queue of datagrams: in order, bounded, and fair."""

import asyncio

from bridge_server.endpoints.osc_inbox import FROM_MACHINE, FROM_ONE, INBOX, OscInbox

FLOOD, OTHER = ("127.0.0.1", 1), ("127.0.0.1", 2)


def test_datagrams_come_out_in_the_order_they_came():
    async def run():
        inbox = OscInbox()
        sent = [(bytes([number]), FLOOD if number % 3 else OTHER) for number in range(30)]
        for data, sender in sent:
            inbox.put(data, sender)
        assert [await inbox.get() for _ in sent] == sent
        assert inbox._senders == inbox._machines == {}  # no sender is remembered for ever

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
        inbox.put(b"x", (f"10.0.0.{port % 2}", port))
    assert inbox.dropped == 5


def test_many_ports_of_one_machine_leave_room_for_the_others():
    inbox = OscInbox()
    for port in range(2 * INBOX):
        inbox.put(b"flood", ("10.0.0.7", port))
    assert inbox.dropped == 2 * INBOX - FROM_MACHINE
    inbox.put(b"other", ("10.0.0.8", 1))
    assert inbox.dropped == 2 * INBOX - FROM_MACHINE


def test_there_is_room_again_once_one_is_served():
    async def run():
        inbox = OscInbox()
        for _ in range(FROM_ONE):
            inbox.put(b"flood", FLOOD)
        await inbox.get()
        inbox.put(b"next", FLOOD)
        assert inbox.dropped == 0

    asyncio.run(run())
