"""The tables agree: every command the protocol knows has exactly one handler."""

import ast
import inspect
import textwrap

import pytest

from bridge_server.handlers.dispatcher import AUDITION_REQUESTS, Dispatcher
from bridge_server.handlers.table import RENDER_REQUESTS, handler_table
from bridge_server.sessions.events import Events
from daw_protocol import requests
from daw_protocol.addresses import COMMANDS
from daw_protocol.context import CONTEXT_REQUESTS

GROUPS = (RENDER_REQUESTS, CONTEXT_REQUESTS, AUDITION_REQUESTS)


def named_in_the_table():
    """The requests that stand in the table one by one, as often as they stand there."""
    (table,) = (
        node
        for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(handler_table))))
        if isinstance(node, ast.Dict)
    )
    return [getattr(requests, key.attr) for key in table.keys if isinstance(key, ast.Attribute)]


def test_every_command_stands_in_the_table_once():
    """Twice would go unnoticed: in a dict the later one wins."""
    found = [*named_in_the_table(), *(request for group in GROUPS for request in group)]
    assert sorted(found, key=lambda one: one.__name__) == sorted(
        (command.request for command in COMMANDS), key=lambda one: one.__name__
    )


def test_a_running_server_handles_every_command(server):
    handled = server.on_loop(lambda: server.server.dispatcher.handled)
    assert handled == {command.request for command in COMMANDS}


def test_a_second_handler_is_refused():
    async def handler(request, client):
        raise AssertionError("never called")

    found = Dispatcher(Events())
    found.register({requests.Status: handler})
    with pytest.raises(ValueError, match="Status has two handlers"):
        found.register({requests.Status: handler})
