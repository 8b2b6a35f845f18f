"""What a request gets at once: its parts, and a take's file read piece by piece."""

import dataclasses

import pytest

from bridge_server.handlers.response import Response, TakeFile, our_fault, refused, understood
from daw_protocol import requests
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.replies import Failed, Understood
from daw_protocol.results import Watching

BYTES = bytes(range(10))


@pytest.fixture(params=["bytes", "file"])
def file(request, tmp_path):
    """The same ten bytes in memory and on the disk."""
    path = tmp_path / "ten"
    path.write_bytes(BYTES)
    return TakeFile("audio/wav", BYTES if request.param == "bytes" else path)


def test_a_file_has_the_same_size_and_bytes_in_memory_and_on_the_disk(file):
    assert file.size == 10
    assert file.read(0, 10) == BYTES
    assert file.read(3, 5) == BYTES[3:5]
    assert file.read(8, 20) == BYTES[8:]


@pytest.mark.parametrize(
    ("size", "pieces"),
    [(4, [(0, 4), (4, 8), (8, 10)]), (5, [(0, 5), (5, 10)]), (10, [(0, 10)]), (64, [(0, 10)])],
)
def test_pieces_cover_the_file_once(file, size, pieces):
    assert list(file.pieces(size)) == pieces
    assert b"".join(file.read(first, end) for first, end in file.pieces(size)) == BYTES


def test_an_empty_file_has_no_pieces():
    assert list(TakeFile("audio/wav", b"").pieces(4)) == []


def test_a_file_that_has_gone_is_an_error_of_the_system(tmp_path):
    gone = TakeFile("audio/wav", tmp_path / "gone")
    with pytest.raises(OSError, match="gone"):
        _ = gone.size
    with pytest.raises(OSError, match="gone"):
        gone.read(0, 1)


def test_what_was_understood_names_the_command_and_the_request():
    file = TakeFile("audio/wav", b"")
    found = understood(requests.Watch(id="w"), "Subscribed.", Watching(revision=3), file)
    assert found == Response(
        (Understood(id="w", command="watch", text="Subscribed."),), Watching(revision=3), file
    )


def test_a_long_text_is_cut_to_what_a_reply_holds():
    (reply,) = understood(requests.Watch(), "x" * 3000, Watching(revision=0)).replies
    assert reply.text == "x" * 1999 + "…"


def test_a_refusal_is_a_reply_and_an_error_without_a_result():
    error = ProtocolError(ErrorCode.UNKNOWN_JOB, "No such job.", "List the jobs.", "job")
    found = refused(error, "r1")
    assert found.replies == (
        Failed(id="r1", code="unknown_job", sentence="No such job.", remedy="List the jobs.", field="job"),
    )
    assert (found.error, found.result) == (error, None)


def test_a_bug_of_ours_is_not_explained_to_the_client():
    error = our_fault()
    assert error.code is ErrorCode.INTERNAL
    assert "log" in error.remedy


def test_a_response_never_changes():
    with pytest.raises(dataclasses.FrozenInstanceError):
        refused(our_fault()).error = None
