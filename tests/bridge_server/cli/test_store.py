"""`takebridge store`: with a server, without one, and on a disk that cannot be written."""

from __future__ import annotations

import asyncio
import io
import json
import threading

import pytest
from rich.console import Console

from bridge_server.cli import commands
from bridge_server.cli import store as store_command
from bridge_server.cli.commands import DONE, PROBLEM, Screen
from bridge_server.cli.store import store
from bridge_server.handlers.store_check import READING, SWEEPING
from bridge_server.settings import Settings
from daw_protocol.addresses import BY_NAME
from tests.bridge_server.peers import ServerThread, noise_song
from tests.bridge_server.servers import settings_in
from tests.disks import disk, seal
from tests.refusals import refusal


def with_a_take(settings):
    song = noise_song(settings.roots[0] / "song.wav", 9000)
    asked = {"start": "1000", "end": "5000"}
    screen = Screen(Console(file=io.StringIO()))
    out = settings.roots[0] / "out"
    asyncio.run(commands.render(settings, screen, BY_NAME["repaint"], [song], None, asked, out))
    return settings


@pytest.fixture(params=[True, False], ids=["running", "alone"])
def settings(request, tmp_path):
    found = with_a_take(settings_in(tmp_path))
    if not request.param:
        yield found
        return
    with ServerThread(found):
        yield found


def run(settings, action, as_json=False):
    printed = io.StringIO()
    return asyncio.run(
        store(settings, Screen(Console(file=printed, width=200), as_json), action)
    ), printed.getvalue()


def damage(settings):
    blob = next((settings.store / "blobs").glob("??/*.wav"))
    blob.write_bytes(blob.read_bytes()[:-10])
    return blob


def test_a_sound_store_is_reported_as_intact(settings):
    assert run(settings, "verify") == (DONE, "Everything in the store is intact.\n")


def test_damage_is_named_and_sets_the_status(settings, capsys):
    blob = damage(settings)
    status, words = run(settings, "verify")
    assert (status, blob.name in words) == (PROBLEM, True)
    assert run(settings, "verify", as_json=True)[0] == PROBLEM
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert blob.name in problem


def test_sweep(settings):
    assert run(settings, "sweep") == (DONE, "0 unused audio files were removed.\n")


def test_a_store_on_a_read_only_disk_is_verified(tmp_path):
    with disk(tmp_path / "disk", "500m"):
        settings = with_a_take(settings_in(tmp_path / "disk"))
        damage(settings)
        seal(tmp_path / "disk")
        assert run(settings, "verify")[0] == PROBLEM


def test_where_there_is_no_store_none_is_made(tmp_path):
    error = refusal(asyncio.run, store(Settings(store=tmp_path / "none"), Screen(Console()), "verify"))
    assert "no store" in error.sentence
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("action", ["verify", "sweep"])
def test_it_shows_how_far_it_is(settings, action):
    printed = io.StringIO()
    console = Console(file=printed, width=200, force_terminal=True)
    assert asyncio.run(store(settings, Screen(console), action)) == DONE
    assert {"verify": READING, "sweep": SWEEPING}[action] in printed.getvalue()


def test_an_interrupted_check_ends_soon(tmp_path, monkeypatch):
    """Without a server: Ctrl-C cancels the command's task."""
    settings = with_a_take(settings_in(tmp_path))
    begun, left = threading.Event(), threading.Event()

    def problems_in(_blobs, _needed, progress):
        begun.set()
        try:
            while True:
                progress(0.5)
        finally:
            left.set()

    monkeypatch.setattr(store_command, "problems_in", problems_in)

    async def interrupted():
        verifying = asyncio.create_task(store(settings, Screen(Console(file=io.StringIO())), "verify"))
        await asyncio.to_thread(begun.wait, 60)
        verifying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await verifying

    asyncio.run(asyncio.wait_for(interrupted(), 60))
    assert left.is_set()
