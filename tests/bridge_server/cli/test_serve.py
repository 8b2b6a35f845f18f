"""What the server says when it starts, and opening its panel."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from types import SimpleNamespace

import pytest

from bridge_server.cli import serve as serving
from bridge_server.cli.stopping import Stopping
from bridge_server.network.lan import (
    address_of_this_machine,
)
from bridge_server.platforms import stop_signals
from bridge_server.settings import Settings
from bridge_server.studio.host_connection import HostConnection
from bridge_server.studio.join_string import JoinString
from bridge_server.studio.link_messages import Welcome
from daw_protocol.errors import ProtocolError
from tests.bridge_server.peers import (
    run_bridge,
)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--midi-in", "tcp:0"), "something to do"), (("--midi-clock",), "--midi-in"),
        (("--midi-in", "tcp:0", "--midi-map", "/nowhere/pads.txt"), "cannot be read"),
        (("--midi-in", "tcp:99999", "--midi-clock"), "not a TCP port"),
    ],
)  # fmt: skip
def test_serve_says_what_is_wrong_with_its_midi(tmp_path, words, said):
    found = run_bridge(tmp_path / "store", "serve", "--port", "0", "--osc-port", "0", *words)
    assert found.returncode == 1
    assert said in found.stderr


def test_opening_the_panel_needs_a_server(tmp_path):
    with pytest.raises(ProtocolError, match="takebridge serve"):
        serving.open_panel(tmp_path, code=False)


def test_the_panel_is_opened_in_the_browser(start_server, monkeypatch, capsys):
    server = start_server()
    opened = []
    monkeypatch.setattr(serving.webbrowser, "open", opened.append)
    assert serving.open_panel(server.settings.store, code=False) == 0
    assert opened == [f"http://127.0.0.1:{server.settings.websocket_port}/"]
    assert opened[0] in capsys.readouterr().out
    with pytest.raises(ProtocolError, match="--lan"):
        serving.open_panel(server.settings.store, code=True)


def test_a_token_is_not_given_to_the_browser_as_an_argument(start_server, monkeypatch):
    server = start_server(host="0.0.0.0", token="abc")
    private, public = [], []
    monkeypatch.setattr(serving, "open_privately", private.append)
    monkeypatch.setattr(serving.webbrowser, "open", public.append)
    assert serving.open_panel(server.settings.store, code=False) == 0
    assert private == [f"http://127.0.0.1:{server.settings.websocket_port}/?token=abc"]
    assert public == []


def test_the_code_is_shown_for_a_server_that_tablets_reach(start_server, capsys):
    server = start_server(host="0.0.0.0", token="abc", trust_this_machine=True)
    assert serving.open_panel(server.settings.store, code=True) == 0
    out = capsys.readouterr().out
    if address_of_this_machine() is None:
        assert "in no network" in out
    else:
        assert (
            f"http://{address_of_this_machine()}:{server.settings.websocket_port}/?token=abc"
            in out.replace("\n", "")
        )


def test_nothing_cuts_the_closing_short(tmp_path, monkeypatch):
    """However long it takes: else jobs under way would count as killed, and server.json would stay."""
    steps = []

    @contextlib.asynccontextmanager
    async def server_of(settings):
        async def describe(_):
            """At once."""

        warm = asyncio.Event()
        warm.set()
        asyncio.get_running_loop().call_later(0.05, signal.raise_signal, signal.SIGTERM)
        try:
            yield SimpleNamespace(
                settings=settings, engines=SimpleNamespace(describe=describe, render_hosts=()),
                worker=SimpleNamespace(warm=warm),
                midi="", announcement="",
            )  # fmt: skip
        finally:
            for step in range(3):
                await asyncio.sleep(0.02)
                steps.append(step)

    monkeypatch.setattr(serving, "running_server", server_of)
    monkeypatch.setattr(serving, "Stopping", lambda: Stopping(lambda: None))
    before = {number: signal.getsignal(number) for number in stop_signals()}
    try:
        assert asyncio.run(serving.serve(Settings(store=tmp_path))) == 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert steps == [0, 1, 2]


def test_what_renders_elsewhere_is_said_and_what_cannot_be_reached(tmp_path):
    there, away = (HostConnection(JoinString("127.0.0.1", port, "t" * 43)) for port in (9135, 9136))
    there.welcome = Welcome(1, "1", "box", "NVIDIA H200", 2)
    away.problem = "it does not answer"
    assert serving.hosts_message([there, away]) == [
        "  renders on box (NVIDIA H200), 2 places",
        "  no link    ws://127.0.0.1:9136: it does not answer; it is tried again and again",
    ]
