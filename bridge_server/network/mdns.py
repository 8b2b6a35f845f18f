"""Announces the server's ports by mDNS, as OSCQuery and OSC clients look for them.

Only a server that other machines may reach is announced. The zeroconf package is optional: without it everything
works by typing the address.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import re
import socket
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from bridge_server.loopback import is_loopback
from bridge_server.settings import EVERYWHERE, Settings
from bridge_server.version import VERSION

if TYPE_CHECKING:
    from zeroconf import ServiceInfo

log = logging.getLogger(__name__)

OSCQUERY = "_oscjson._tcp.local."  # the OSCQuery proposal's
OSC = "_osc._udp.local."
MISSING = "not announced on the network: zeroconf is not installed (pip install 'takebridge[discovery]')"


@contextlib.asynccontextmanager
async def announced(settings: Settings) -> AsyncIterator[str]:
    """Announces a server for as long as the block lasts; yields a line about it, "" for one that only this
    machine can reach. settings: with the ports that were really bound."""
    if is_loopback(settings.host):
        yield ""
        return
    try:
        addresses = addresses_of(settings.host)
    except ImportError:
        log.warning("The server is %s.", MISSING)
        yield MISSING
        return
    name = instance_name(socket.gethostname())
    services = services_of(name, settings, addresses)
    interfaces = None if settings.host in EVERYWHERE else addresses
    async with registered(services, interfaces):
        yield f"announced as {name!r}"


def addresses_of(host: str) -> list[str]:
    """The addresses others reach the server at. Raises ImportError without zeroconf, which brings ifaddr."""
    import ifaddr

    if host not in EVERYWHERE:
        return [host]
    found = [str(ip.ip) for adapter in ifaddr.get_adapters() for ip in adapter.ips if ip.is_IPv4]
    return [address for address in found if not is_loopback(address)]


def instance_name(machine: str) -> str:
    """What people see in a list of services. machine: its host name."""
    return f"Takebridge on {re.sub(r'[^A-Za-z0-9-]', '-', machine.partition('.')[0])[:40] or 'this machine'}"


def services_of(name: str, settings: Settings, addresses: list[str]) -> list[ServiceInfo]:
    """The announced services: the OSCQuery tree with its WebSocket, and the OSC port. The token is not included."""
    from zeroconf import ServiceInfo

    packed = [ipaddress.ip_address(address).packed for address in addresses]
    machine = f"{name.replace(' ', '-').lower()}.local."
    about = {"version": VERSION, **({"token": "needed"} if settings.token else {})}
    return [
        ServiceInfo(
            kind, f"{name}.{kind}", port, addresses=packed, server=machine,
            properties=about if kind == OSCQUERY else {},
        )
        for kind, port in ((OSCQUERY, settings.websocket_port), (OSC, settings.osc_port))
    ]  # fmt: skip


@contextlib.asynccontextmanager
async def registered(services: list[ServiceInfo], interfaces: list[str] | None) -> AsyncIterator[None]:
    """Answers for these services on these interfaces (None: on all); says goodbye at the end. A network that does
    not let it is a log line, never the end of the server."""
    from zeroconf import InterfaceChoice
    from zeroconf.asyncio import AsyncZeroconf

    try:
        responder = AsyncZeroconf(interfaces=InterfaceChoice.All if interfaces is None else interfaces)
    except OSError as error:
        log.warning("The server is not announced on the network: %s", error)
        yield
        return
    # Asking whether a name is free takes most of a second; the server is there meanwhile.
    task = asyncio.create_task(_register(responder, services))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        with contextlib.suppress(OSError):
            await responder.async_unregister_all_services()
        await responder.async_close()


async def _register(responder: object, services: list[ServiceInfo]) -> None:
    from zeroconf import Error
    from zeroconf.asyncio import AsyncZeroconf

    assert isinstance(responder, AsyncZeroconf)
    try:
        for service in services:
            # Two servers of one machine get a number behind the second one's name.
            await (await responder.async_register_service(service, allow_name_change=True))
    except (Error, OSError) as error:
        log.warning("The server is not announced on the network: %s", error)
