"""Frames that wait for a client."""

import asyncio

from bridge_server.endpoints.outbox import Outbox


def run(work):
    return asyncio.run(asyncio.wait_for(work, 30))


def test_frames_come_out_in_order():
    async def work():
        outbox = Outbox()
        taken = asyncio.create_task(outbox.get())
        await asyncio.sleep(0)
        frames = ["a", b"b", "c"]
        assert all(outbox.put(frame) for frame in frames)
        return [await taken, await outbox.get(), await outbox.get()], len(outbox)

    assert run(work()) == (["a", b"b", "c"], 0)


def test_a_full_one_takes_no_more():
    async def work():
        by_number, by_size = Outbox(max_frames=3), Outbox(max_bytes=10)
        assert [by_number.put("x") for _ in range(5)] == [True] * 3 + [False] * 2
        assert [by_size.put(bytes(4)) for _ in range(4)] == [True, True, False, False]
        await by_size.get()
        assert by_size.put(bytes(4))

    run(work())


def test_a_frame_alone_may_be_larger_than_all():
    async def work():
        outbox = Outbox(max_bytes=10)
        assert outbox.put(bytes(100))
        assert not outbox.put(b"x")
        assert len(await outbox.get()) == 100
        assert outbox.put(b"x")

    run(work())


def test_there_is_room_until_it_is_half_full_and_again_when_it_has_emptied():
    async def work():
        outbox = Outbox(max_frames=4)
        await outbox.room()
        outbox.put("a")
        await outbox.room()
        outbox.put("b")
        waiting = asyncio.create_task(outbox.room())
        await asyncio.sleep(0)
        assert not waiting.done()
        await outbox.get()
        await waiting

    run(work())


def test_closing_lets_everyone_go_on():
    async def work():
        outbox = Outbox(max_frames=2)
        outbox.put("a")
        waiting = asyncio.create_task(outbox.room())
        await asyncio.sleep(0)
        outbox.close()
        await waiting
        assert len(outbox) == 0

    run(work())
