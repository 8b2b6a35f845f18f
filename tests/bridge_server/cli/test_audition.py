"""`takebridge audition`: what it prints, and what makes sense without a server."""

import asyncio
import io
import json

import pytest
from rich.console import Console

from bridge_server.cli.audition import audition, show
from bridge_server.cli.commands import Screen
from daw_protocol.addresses import BY_NAME
from daw_protocol.errors import ErrorCode
from daw_protocol.replies import AuditionState
from tests.bridge_server.servers import settings_in
from tests.refusals import refusal

PLAYING = AuditionState(
    state="playing", take="t1", job="", song="", side="take", position=0, start=0, end=48000, loop=True, auto=False,
    before=2, after=2, gain_db=0.0, match=False, match_db=0.0, output="", device="Card [1]", rate=48000, channels=2,
    latency_ms=12.34, underruns=0, follow="none", port="", message="",
).to_fields()  # fmt: skip


def screen(as_json=False):
    return Screen(Console(file=io.StringIO(), width=200), as_json)


def shown(command, answer):
    found = screen()
    show(found, BY_NAME[command], answer)
    return found.console.file.getvalue()


def test_without_a_server_only_playing_and_devices_make_sense(tmp_path):
    for name in ("audition.stop", "audition.next", "audition.show"):
        error = refusal(
            lambda name=name: asyncio.run(audition(settings_in(tmp_path), screen(), BY_NAME[name], {}))
        )
        assert error.code is ErrorCode.NOT_PLAYING


def test_what_plays_is_shown_with_its_figures():
    text = shown("audition.show", PLAYING)
    assert "t1" in text
    assert "Card [1]" in text, "brackets are no markup"
    for figure in ("48000 Hz", "latency 12 ms", "underruns 0"):
        assert figure in text


@pytest.mark.parametrize(("offset", "words"), [(3.21, "+3.2 ms against the jack"), (-0.5, "-0.5 ms against")])
def test_how_far_a_transport_is_off(offset, words):
    assert words in shown("audition.show", {**PLAYING, "offset_ms": offset, "follow": "jack"})


def test_what_has_stopped_has_no_figures():
    text = shown("audition.stop", {**PLAYING, "state": "stopped", "take": "", "device": ""})
    assert "Hz" not in text


def test_devices_are_listed_and_the_systems_own_is_marked():
    devices = [
        {"number": 0, "name": "Card [1]", "rate": 44100, "channels": 2, "default": False},
        {"number": 12, "name": "USB", "rate": 48000, "channels": 2, "default": True},
    ]
    first, second = shown("audition.devices", {**PLAYING, "devices": devices}).splitlines()
    assert first.split() == ["0", "Card", "[1]", "(44100", "Hz)"]
    assert second.split() == ["*", "12", "USB", "(48000", "Hz)"]
    assert "no sound device" in shown("audition.devices", {**PLAYING, "devices": []})


def test_programs_get_json_and_nothing_else(capsys):
    found = screen(as_json=True)
    show(found, BY_NAME["audition.show"], PLAYING)
    assert json.loads(capsys.readouterr().out) == PLAYING
    assert found.console.file.getvalue() == ""
