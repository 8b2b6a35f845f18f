"""The device's side of the ring: it copies, counts and never waits."""

import ast
import inspect

import numpy as np

from bridge_server.audition.ring_buffer import Count, RingBuffer


def block(first, frames, channels=2):
    return np.repeat(np.arange(first, first + frames, dtype=np.float32)[:, None], channels, axis=1)


def test_what_is_put_comes_out_in_order_round_the_end():
    ring_buffer = RingBuffer(10, 2)
    out = np.empty((4, 2), np.float32)
    for number in range(12):
        ring_buffer.put(4 * number, block(4 * number, 4))
        ring_buffer.take_into(out)
        assert np.array_equal(out, block(4 * number, 4))
    assert ring_buffer.counts[Count.UNDERRUNS] == 0
    assert ring_buffer.counts[Count.LARGEST] == 4
    assert ring_buffer.counts[Count.CALLBACKS] == 12


def test_too_little_is_filled_with_silence_and_counted():
    ring_buffer = RingBuffer(10, 2)
    ring_buffer.put(0, block(1, 3))
    out = np.full((5, 2), 9, np.float32)
    ring_buffer.take_into(out)
    assert np.array_equal(out[:3], block(1, 3))
    assert not out[3:].any()
    assert (ring_buffer.counts[Count.UNDERRUNS], ring_buffer.counts[Count.MISSED]) == (1, 2)
    assert ring_buffer.taken == 3  # what was missed is not skipped: the song goes on where it was
    ring_buffer.put(3, block(4, 2))
    ring_buffer.take_into(out[:2])
    assert np.array_equal(out[:2], block(4, 2))


def test_what_lies_ahead_can_be_written_anew():
    ring_buffer = RingBuffer(8, 1)
    ring_buffer.put(0, block(0, 6, 1))
    out = np.empty((2, 1), np.float32)
    ring_buffer.take_into(out)
    ring_buffer.put(4, block(100, 4, 1))
    for expected in ([2, 3], [100, 101], [102, 103]):
        ring_buffer.take_into(out)
        assert out[:, 0].tolist() == expected


def test_a_device_that_ran_dry_says_so():
    ring_buffer = RingBuffer(8, 1)
    ring_buffer.put(0, block(0, 8, 1))
    ring_buffer.take_into(np.empty((2, 1), np.float32), ran_dry=True)
    assert ring_buffer.counts[Count.DEVICE] == 1


def test_the_callback_calls_nothing_that_can_wait():
    """Read from the code: no lock, no event, no log, no file, no array made."""
    tree = ast.parse(inspect.getsource(RingBuffer.take_into).strip().replace("\n    ", "\n"))
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert called == {"int", "len", "min", "time.perf_counter"}
