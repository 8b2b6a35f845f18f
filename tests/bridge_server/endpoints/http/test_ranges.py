"""Which part of a file a header means."""

import pytest

from bridge_server.endpoints.http.ranges import ByteRange, NothingThereError, is_same, wanted_range

SIZE = 1000


@pytest.mark.parametrize(
    ("header", "first", "end"),
    [
        ("bytes=0-0", 0, 1), ("bytes=0-999", 0, 1000), ("bytes=0-1000", 0, 1000), ("bytes=990-", 990, 1000),
        ("bytes=-1", 999, 1000), ("bytes=-5000", 0, 1000), (" Bytes=5-9 ", 5, 10),
    ],
)  # fmt: skip
def test_one_range(header, first, end):
    assert wanted_range(header, SIZE) == ByteRange(first, end, SIZE)
    assert ByteRange(first, end, SIZE).header == f"bytes {first}-{end - 1}/1000"


@pytest.mark.parametrize(
    "header",
    ["", "bytes", "bytes=", "bytes=-", "bytes=0-1,5-6", "lines=1-2", "bytes=a-", "bytes=0x1-2", "bytes=1--2"],
)
def test_anything_else_means_the_whole_file(header):
    assert wanted_range(header, SIZE) is None


@pytest.mark.parametrize("header", ["bytes=1000-", "bytes=1000-1001", "bytes=5-4", "bytes=-0"])
def test_nothing_is_there(header):
    with pytest.raises(NothingThereError):
        wanted_range(header, SIZE)


def test_an_empty_file_has_no_parts():
    with pytest.raises(NothingThereError):
        wanted_range("bytes=0-", 0)


def test_tags():
    assert is_same('"a"', "a")
    assert is_same('"b" , "a"', "a")
    for header, tag in (('W/"a"', "a"), ("a", "a"), ("", ""), ('""', ""), ("*", "a")):
        assert not is_same(header, tag)
