"""A window on a file gives what a slice of all its bytes would, and never holds much."""

import io
import random

import pytest

from clip_store.audio import byte_window
from clip_store.audio.byte_window import ByteWindow


class Counting(io.BytesIO):
    """Knows how many bytes were asked for at once."""

    most = 0

    def read(self, size=-1):
        self.most = max(self.most, size if size >= 0 else len(self.getvalue()))
        return super().read(size)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(byte_window, "BLOCK_BYTES", 16)


def test_parts_are_those_of_the_bytes():
    draw = random.Random(1)
    whole = draw.randbytes(300)
    file = Counting(whole)
    window, data = ByteWindow(file, 20, 200), whole[20:220]
    assert len(window) == 200
    for _ in range(2000):
        at, length = draw.randrange(230), draw.randrange(12)
        assert window.part(at, length) == data[at : at + length], (at, length)
    assert file.most == 16


def test_a_byte_is_found_across_blocks():
    data = bytearray(200)
    data[3] = data[150] = 255
    window = ByteWindow(io.BytesIO(bytes(data)), 0, 160)
    assert [window.find(b"\xff", at, 999) for at in (0, 3, 4, 150, 151)] == [3, 3, 150, 150, -1]
    assert window.find(b"\xff", 4, 150) == -1


def test_a_file_that_ends_sooner_has_fewer():
    window = ByteWindow(io.BytesIO(bytes(30)), 10, 1000)
    assert len(window.part(5, 100)) == 15
    assert window.part(500, 4) == b""
    assert window.find(b"\xff", 0, 1000) == -1
