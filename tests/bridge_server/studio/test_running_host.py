"""A host from its start to its end: what it offers, what it keeps, and one at a time in a folder."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import sys

import pytest

from bridge_server.engines.child_process import start_process
from bridge_server.engines.registry import EngineSetup
from bridge_server.studio import running_host as running_host_module
from bridge_server.studio.host_connection import HostConnection
from bridge_server.studio.host_places import Cluster, ClusterSettings
from bridge_server.studio.running_host import running_host
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.bridge_server.render_hosts import UNHURRIED, host_settings, kept_up


def test_it_offers_the_engines_that_can_render_and_keeps_its_line(tmp_path, caplog):
    async def run():
        settings = host_settings(tmp_path / "host", ("noise",))
        broken = {"broken": EngineSetup("tests.doubles:Nothing"), **settings.engines[0]}
        settings = dataclasses.replace(settings, engines=(broken,))
        async with running_host(settings) as running:
            assert list(running.host.offer.engines) == ["noise"]
            assert "the engine broken is not offered" in caplog.text
            assert running.new
            assert running.join.address.startswith("ws://127.0.0.1:")
            with pytest.raises(ProtocolError, match="Another render host") as caught:
                async with running_host(settings):
                    pass
            assert caught.value.code is ErrorCode.NOT_ALLOWED
            token = running.join.token
        async with running_host(host_settings(tmp_path / "host", ("noise",))) as running:
            assert (running.new, running.join.token) == (False, token)

    asyncio.run(run())


def test_in_a_network_it_is_reached_through_its_own_certificate_only(tmp_path):
    pytest.importorskip("cryptography", reason="the extra studio is not installed")

    async def run():
        settings = host_settings(tmp_path / "host", ("noise",), address="0.0.0.0")
        async with running_host(settings) as running:
            assert running.join.address.startswith("wss://")
            async with kept_up(HostConnection(running.join, UNHURRIED)) as connection:
                await asyncio.wait_for(connection.connected(), 30)
                assert connection.offers("noise")
            other = type(running.join)("127.0.0.1", running.join.port, running.join.token, "ab" * 32)
            async with kept_up(HostConnection(other, UNHURRIED)) as connection:
                await asyncio.wait_for(connection.tried.wait(), 30)
                assert connection.session is None
                assert "its certificate is not the one" in connection.problem

    asyncio.run(run())


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")

    async def run():
        async with running_host(host_settings(tmp_path / "file" / "host")):
            pass

    with pytest.raises(ProtocolError) as caught:
        asyncio.run(run())
    assert caught.value.code is ErrorCode.STORE_FAILED


def test_without_ray_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "bridge_server.studio.ray_cluster", None)  # it cannot be imported

    async def run() -> None:
        async with running_host(host_settings(tmp_path / "host", ("noise",), cluster=ClusterSettings())):
            pass

    with pytest.raises(ProtocolError) as caught:
        asyncio.run(run())
    assert caught.value.code is ErrorCode.NOT_ALLOWED
    assert "pip install 'takebridge[cluster]'" in caught.value.remedy


def test_a_cluster_where_no_engine_can_render_is_no_host(tmp_path, monkeypatch):
    @contextlib.asynccontextmanager
    async def there_already(*_):
        yield Cluster("one process", (start_process,))

    monkeypatch.setattr(running_host_module, "joined", there_already)
    settings = host_settings(tmp_path / "host", ("noise",), cluster=ClusterSettings())
    broken = ({"broken": EngineSetup("tests.doubles:Nothing")},)

    async def run() -> None:
        async with running_host(dataclasses.replace(settings, engines=broken)):
            pass

    with pytest.raises(ProtocolError, match="No engine can render"):
        asyncio.run(run())
