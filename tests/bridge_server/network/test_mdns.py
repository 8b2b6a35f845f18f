"""The mDNS announcement, seen by zeroconf's own browser; on the loopback interface, and where there is a network."""

from __future__ import annotations

import asyncio
import queue
import sys
from contextlib import contextmanager

import pytest

from bridge_server.network.mdns import (
    MISSING,
    OSC,
    OSCQUERY,
    addresses_of,
    announced,
    instance_name,
    registered,
    services_of,
)
from bridge_server.settings import Settings
from tests.bridge_server.peers import PATIENCE, ServerThread
from tests.bridge_server.servers import settings_in

zeroconf = pytest.importorskip("zeroconf", reason="SKIPPED: zeroconf is not installed")


class Browser:
    """Somebody else on the network: what appears and what goes, in order."""

    def __init__(self) -> None:
        self.seen: queue.Queue[tuple[str, str, object]] = queue.Queue()

    def add_service(self, responder, kind, name):
        self.seen.put(("came", kind, responder.get_service_info(kind, name)))

    def remove_service(self, responder, kind, name):
        self.seen.put(("went", kind, name))

    def update_service(self, responder, kind, name):
        pass

    def of(self, name, what):
        """The next two events of the service of this name, by kind; those of other servers are passed over."""
        found = {}
        while len(found) < 2:
            event, kind, about = self.seen.get(timeout=PATIENCE)
            if event == what and name in (about if isinstance(about, str) else about.name):
                found[kind] = about
        return found


@contextmanager
def browsing(interface):
    responder = zeroconf.Zeroconf(interfaces=[interface])
    browser = Browser()
    zeroconf.ServiceBrowser(responder, [OSCQUERY, OSC], browser)
    try:
        yield browser
    finally:
        responder.close()


def test_both_services_are_found_and_say_goodbye(tmp_path):
    settings = Settings(tmp_path, osc_port=19124, websocket_port=19125, token="secret")
    services = services_of("Takebridge test loopback", settings, ["127.0.0.1"])

    async def run():
        async with registered(services, ["127.0.0.1"]):
            there = await asyncio.to_thread(browser.of, "test loopback", "came")
        return there, await asyncio.to_thread(browser.of, "test loopback", "went")

    with browsing("127.0.0.1") as browser:
        there, gone = asyncio.run(run())
    assert (there[OSCQUERY].port, there[OSC].port) == (19125, 19124)
    assert there[OSCQUERY].parsed_addresses() == ["127.0.0.1"]
    assert there[OSCQUERY].properties[b"token"] == b"needed"
    assert b"secret" not in there[OSCQUERY].text
    assert set(gone) == {OSCQUERY, OSC}


def test_a_server_that_others_reach_is_found_with_its_ports(tmp_path):
    addresses = addresses_of("0.0.0.0")
    if not addresses:
        pytest.skip("SKIPPED: this machine has no address but loopback")
    with browsing(addresses[0]) as browser:
        with ServerThread(settings_in(tmp_path, host=addresses[0], token="secret")) as server:
            assert server.server.announcement.startswith("announced as")
            there = browser.of(server.server.announcement.split("'")[1], "came")
            ports = (server.settings.websocket_port, server.settings.osc_port)
        assert (there[OSCQUERY].port, there[OSC].port) == ports
        assert there[OSCQUERY].parsed_addresses() == [addresses[0]]
        assert set(browser.of("Takebridge", "went")) == {OSCQUERY, OSC}


def test_a_server_of_this_machine_only_is_not_announced(tmp_path):
    async def line():
        async with announced(Settings(tmp_path)) as messages:
            return messages

    assert asyncio.run(line()) == ""


def test_without_the_package_a_line_says_so(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ifaddr", None)

    async def line():
        async with announced(Settings(tmp_path, host="0.0.0.0", token="x")) as messages:
            return messages

    assert asyncio.run(line()) == MISSING
    assert "takebridge[discovery]" in MISSING


@pytest.mark.parametrize(
    ("machine", "name"),
    [
        ("studio", "Takebridge on studio"), ("studio.local", "Takebridge on studio"),
        ("Jörg's Mac", "Takebridge on J-rg-s-Mac"), ("", "Takebridge on this machine"),
        ("x" * 200, "Takebridge on " + "x" * 40),
    ],
)  # fmt: skip
def test_names_fit_into_dns(machine, name):
    assert instance_name(machine) == name
    assert len(name.encode()) < 64
