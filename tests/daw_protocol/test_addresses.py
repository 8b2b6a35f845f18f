import re
import shlex

import pytest

from daw_protocol.addresses import BY_ADDRESS, BY_NAME, BY_REQUEST, COMMANDS, Group, field_names
from daw_protocol.osc_form import request_from_osc
from daw_protocol.replies import REPLIES

CASTS = {"i": int, "h": int, "f": float, "s": str}
TYPED = [command for command in COMMANDS if command.osc]


def typed(example):
    """Address and arguments of a line as `oscsend` takes it."""
    address, *rest = shlex.split(example)
    types, arguments = (rest[0], rest[1:]) if rest else ("", [])
    assert len(types) == len(arguments), example
    return address, [CASTS[letter](text) for letter, text in zip(types, arguments, strict=True)]


@pytest.mark.parametrize("command", TYPED, ids=lambda command: command.name)
def test_every_example_can_be_typed(command):
    address, arguments = typed(command.example)
    assert address == command.address
    found, request = request_from_osc(address, arguments)
    assert found is command
    assert type(request) is command.request
    # What is in the example is in the request: nothing is taken for something else.
    if len(arguments) % 2 == 0 and arguments[:1] and arguments[0] in field_names(command):
        pairs = dict(zip(arguments[::2], arguments[1::2], strict=True))
        assert request == command.request.from_fields(pairs)
        return
    shown = " ".join(map(str, request.to_fields().values()))
    for argument in arguments[: len(command.positional)]:
        assert str(argument) in shown or float(argument) in request.to_fields().values()


def test_no_example_has_an_id_that_a_second_try_would_repeat():
    for command in TYPED:
        _, arguments = typed(command.example)
        assert not request_from_osc(command.address, arguments)[1].id, command.example


def test_commands_without_osc_have_no_address():
    assert {command.name for command in COMMANDS if not command.osc} == {
        "audition.passage",
        "takes.fetch",
        "upload.begin",
    }
    assert all(command.address not in BY_ADDRESS for command in COMMANDS if not command.osc)


def test_names_addresses_and_types_are_unique():
    assert len(BY_NAME) == len(BY_REQUEST) == len(COMMANDS)
    assert len(BY_ADDRESS) == len(TYPED)


def test_no_command_is_called_like_a_reply():
    # A client that receives /bridge/done must know that it is one.
    assert not {reply.name for reply in REPLIES} & set(BY_NAME)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_each_command_is_guessable_and_documented(command):
    assert re.fullmatch(r"/bridge(/[a-z]+)+", command.address)
    assert command.address == "/bridge/" + command.name.replace(".", "/")
    assert command.doc.endswith(".")
    assert set(command.positional) <= set(field_names(command))


def test_every_group_has_commands():
    assert {command.group for command in COMMANDS} == set(Group)
