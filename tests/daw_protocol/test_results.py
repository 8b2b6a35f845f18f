import dataclasses

import pytest
from hypothesis import given

from daw_protocol import results, take_results
from daw_protocol.addresses import COMMANDS, Group
from daw_protocol.message import Message
from daw_protocol.replies import AuditionState
from tests.daw_protocol.generated import FEW, messages

RESULTS = sorted({command.result for command in COMMANDS}, key=lambda one: one.__name__)
DEFINED = [
    one
    for module in (results, take_results)
    for one in vars(module).values()
    if isinstance(one, type) and one.__module__ == module.__name__
]


@pytest.mark.parametrize("result", RESULTS, ids=lambda one: one.__name__)
def test_every_result_comes_back_from_its_fields(result):
    @FEW
    @given(messages(result))
    def check(one):
        assert result.from_fields(one.to_fields()) == one

    check()


@pytest.mark.parametrize("result", RESULTS, ids=lambda one: one.__name__)
def test_a_result_of_a_later_version_is_read_without_what_is_new(result):
    @FEW
    @given(messages(result))
    def check(one):
        assert result.from_stored({**one.to_fields(), "of_a_later_version": 1}) == one

    check()


def test_everything_that_is_defined_is_returned_by_a_command():
    """By itself or as a part of another one."""
    found, waiting = set(), list(RESULTS)
    while waiting:
        message = waiting.pop()
        found.add(message)
        kinds = [entry.metadata["kind"] for entry in dataclasses.fields(message)]
        while kinds:
            kind = kinds.pop()
            kinds += [kind.kind] if hasattr(kind, "kind") else []
            waiting += [kind.message] if hasattr(kind, "message") and kind.message not in found else []
        waiting += [base for base in message.__bases__ if base in DEFINED and base not in found]
    assert {one for one in DEFINED if issubclass(one, Message)} <= found


def test_context_commands_return_their_request_and_audition_commands_the_state():
    for command in COMMANDS:
        if command.group is Group.CONTEXT:
            assert command.result is command.request
        if command.group is Group.AUDITION and command.name != "audition.passage":
            assert issubclass(command.result, AuditionState)
        if command.group is Group.RENDER:
            assert command.result is results.Accepted


def test_null_is_written_where_a_value_is_always_there():
    assert results.FileSent(bytes=3).to_fields() == {"bytes": 3}
