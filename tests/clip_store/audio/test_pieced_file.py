import io

import pytest

from clip_store.audio.pieced_file import PiecedFile, Stretch

UNDER = bytes(range(100))


def pieced() -> PiecedFile:
    return PiecedFile(io.BytesIO(UNDER), [b"head", Stretch(10, 5), b"", Stretch(90, 10), b"tail"])


WHOLE = b"head" + UNDER[10:15] + UNDER[90:] + b"tail"


def test_it_reads_as_its_pieces_in_order():
    assert pieced().read() == WHOLE
    file = pieced()
    assert b"".join(iter(lambda: file.read(3), b"")) == WHOLE


@pytest.mark.parametrize("start", range(len(WHOLE) + 2))
def test_from_anywhere(start):
    file = pieced()
    assert file.seek(start) == start
    assert file.read(7) == WHOLE[start : start + 7]
    assert file.tell() == min(start + 7, max(start, len(WHOLE)))


def test_seeking_from_here_and_from_the_end():
    file = pieced()
    assert file.seek(-4, io.SEEK_END) == len(WHOLE) - 4
    assert file.read() == b"tail"
    file.seek(2)
    assert file.seek(2, io.SEEK_CUR) == 4
    assert file.read(1) == UNDER[10:11]


def test_without_pieces_there_is_nothing():
    assert PiecedFile(io.BytesIO(UNDER), []).read() == b""


def test_several_share_one_file():
    below = io.BytesIO(UNDER)
    first, second = (PiecedFile(below, [Stretch(start, 10)]) for start in (0, 50))
    assert first.read(5) + second.read(5) + first.read(5) == UNDER[:5] + UNDER[50:55] + UNDER[5:10]
    first.close()
    assert second.read() == UNDER[55:60]
