"""Commands of the audition: frozen values, all in one union, and none changes what it does not name."""

import dataclasses
import inspect
from typing import get_args

import pytest

from bridge_server.audition import commands
from bridge_server.audition.commands import MIDI, NO_TRANSPORT, OSC, Command, Compare, Configure, Follow, Stop
from bridge_server.audition.scene import PlaybackOptions
from bridge_server.audition.state import ControllerState
from bridge_server.audition.transition import transition
from daw_protocol.requests.audition import FOLLOWED

DEFINED = [
    kind
    for _, kind in inspect.getmembers(commands, dataclasses.is_dataclass)
    if kind.__module__ == commands.__name__
]


def test_every_command_is_one_the_transition_takes():
    assert set(get_args(Command)) == set(DEFINED)
    assert len(DEFINED) > 10


@pytest.mark.parametrize("kind", DEFINED)
def test_a_command_is_a_value(kind):
    """Equal by its fields and unchangeable, so that it can wait for its turn."""
    one, same = (kind(*(str(field.name) for field in dataclasses.fields(kind))) for _ in range(2))
    assert one == same
    for field in dataclasses.fields(kind):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(one, field.name, None)


def test_settings_that_are_not_given_stay_as_they_are():
    before = ControllerState(options=PlaybackOptions("take", loops=False, gain_db=-6.0, match=False))
    assert transition(before, Configure()).state == before


def test_what_a_command_leaves_open():
    assert Stop().message == ""
    assert Compare().side is None
    assert Follow("midi").port == ""


def test_transports_have_their_names_on_the_wire():
    assert {NO_TRANSPORT, OSC, MIDI} <= set(FOLLOWED)
