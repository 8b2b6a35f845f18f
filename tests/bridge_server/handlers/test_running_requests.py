"""Requests under way, and whose they are: exports, for one."""

from dataclasses import dataclass

import pytest

from bridge_server.handlers.running_requests import RunningExport, RunningRequests, new_id
from daw_protocol.errors import ErrorCode, ProtocolError


@dataclass(frozen=True)
class Program:
    """A client, of which only the names count."""

    key: str
    sender: str


MINE = Program("studio", "studio@1")
BESIDE = Program("studio", "studio@2")
ELSEWHERE = Program("laptop", "laptop@1")


def test_an_export_is_found_by_its_client_and_from_its_machine_while_it_is_written():
    running = RunningRequests()
    with (
        running.begun(RunningExport("x1", MINE)) as export,
        running.begun(RunningExport("x1", ELSEWHERE)) as other,
    ):
        assert running.of_client("x1", MINE) is export
        assert running.of_client("x1", BESIDE) is None
        assert running.of_machine("x1", BESIDE) is export
        assert running.of_machine("x1", ELSEWHERE) is other
        assert running.of_machine("x2", MINE) is None
    assert running.of_machine("x1", MINE) is None


def test_of_several_under_one_id_the_newest_is_found():
    running = RunningRequests()
    with running.begun(RunningExport("x1", MINE)), running.begun(RunningExport("x1", MINE)) as newer:
        assert running.of_client("x1", MINE) is newer


def test_only_a_cancelled_export_ends_at_its_next_check():
    running = RunningRequests()
    with (
        running.begun(RunningExport("x1", MINE)) as export,
        running.begun(RunningExport("x2", MINE)) as other,
    ):
        export.check()
        export.cancel()
        with pytest.raises(ProtocolError) as raised:
            export.check()
        other.check()
    assert raised.value.code is ErrorCode.CANCELLED
    assert "no file" in raised.value.sentence


def test_an_export_that_is_left_early_is_cancelled():
    running = RunningRequests()
    with pytest.raises(KeyError), running.begun(RunningExport("x1", MINE)) as export:
        raise KeyError
    with pytest.raises(ProtocolError):
        export.check()


def test_the_only_one_under_an_id_is_found_by_everybody():
    running = RunningRequests()
    with running.begun(RunningExport("x1", MINE, "my song", "mix")) as export:
        assert running.of_anyone("x1") is export
        assert [(one.id, one.name, one.format) for one in running.exports] == [("x1", "my song", "mix")]
        with running.begun(RunningExport("x1", ELSEWHERE)):
            assert running.of_anyone("x1") is None, "whose of the two is not said"
        assert running.of_anyone("x2") is None


def test_ids_differ():
    assert len({new_id() for _ in range(50)}) == 50
