"""The store of the product's old name: a real one (tests/golden/old_store) becomes the new one, and its paths stay."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile
from filelock import FileLock

from bridge_server import platforms
from bridge_server.cli import old_store
from bridge_server.cli.old_store import take_over_old_store
from bridge_server.platforms import models_folder, old_store_folder, store_folder
from clip_store.audio.broadcast_wav import read_recipe
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.bridge_server.peers import PATIENCE, environment, http_get
from tests.places import GOLDEN, PROJECT

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="the user's data folder cannot be chosen there"
)

STORED = GOLDEN / "old_store" / "ace-bridge"
FIRST, CHOSEN = "tb2a85da28e", "t9698cf4012"
CLIP = Path("clips", "2026-11", "small song.repaint.2-t9698cf4.wav")


@pytest.fixture
def old(tmp_path, monkeypatch):
    """The old store in the data folder of a user of the test's own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("TAKEBRIDGE_STORE", raising=False)
    folder = old_store_folder()
    assert folder.is_relative_to(tmp_path)
    shutil.copytree(STORED, folder)
    return folder


def takebridge(*words: str) -> subprocess.CompletedProcess[str]:
    """The command without --store."""
    return subprocess.run(
        [sys.executable, "-m", "bridge_server", *words], cwd=PROJECT, env=environment(), capture_output=True,
        text=True, timeout=PATIENCE,
    )  # fmt: skip


def test_the_new_server_has_everything_and_the_old_paths_lead_there(old, tmp_path):
    sound = soundfile.read(old / CLIP)[0].tolist()
    with subprocess.Popen(
        [sys.executable, "-m", "bridge_server", "serve", "--lan", "--port", "0", "--osc-port", "0"],
        cwd=PROJECT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as server:  # fmt: skip
        try:
            assert any("Ctrl-C" in line for line in server.stdout)
            takes = {take["take"]: take for take in json.loads(takebridge("takes", "--json").stdout)}
            assert set(takes) == {FIRST, CHOSEN}
            assert (takes[FIRST]["chosen"], takes[CHOSEN]["chosen"]) == (False, True)
            saved = takebridge("takes", "--save", CHOSEN, "-o", str(tmp_path / "saved"))
            assert (saved.returncode, saved.stderr) == (0, ""), "said once, not with every command"
            address = json.loads((store_folder() / "server.json").read_text())
            assert address["token"] == "only-for-tests", "a tablet's bookmark goes on working"
            assert http_get(f"http://127.0.0.1:{address['websocket_port']}/")[0] == 200
        finally:
            server.terminate()
            reported = server.communicate(timeout=PATIENCE)[1]
    assert "ACE Bridge is now called Takebridge" in reported
    assert str(store_folder()) in reported
    assert "DAW sessions still find their clips" in reported
    written = tmp_path / "saved" / "small song.repaint.2.wav"
    assert soundfile.read(written)[0].tolist() == soundfile.read(old / CLIP)[0].tolist() == sound
    assert read_recipe(old / CLIP)["take"] == read_recipe(written)["take"] == CHOSEN
    assert (old / CLIP).samefile(store_folder() / CLIP), "a DAW session's path leads to the same file"


def test_it_waits_for_a_server_that_still_uses_it(old, monkeypatch):
    monkeypatch.setattr(old_store, "LOCK_SECONDS", 0.1)
    before = sorted(path.name for path in old.iterdir())
    with FileLock(old / "server.lock"), pytest.raises(ProtocolError) as raised:
        take_over_old_store(store_folder())
    assert raised.value.code is ErrorCode.STORE_FAILED
    assert str(old) in raised.value.sentence
    assert "Stop that server" in raised.value.remedy
    assert not store_folder().exists()
    assert sorted(path.name for path in old.iterdir() if path.name != "server.lock") == before


def test_the_command_says_so_too(old):
    with FileLock(old / "server.lock"):
        refused = takebridge("takes")
    assert (refused.returncode, "Stop that server" in refused.stderr) == (1, True)


@pytest.mark.parametrize("place", ["rename", "link"])
def test_stopped_half_way_it_goes_on_the_next_time(old, monkeypatch, place):
    class Stopped(BaseException):
        pass

    def stop(*_: object) -> None:
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(*{"rename": (os, "rename"), "link": (old_store, "link_folder")}[place], stop)
        with pytest.raises(Stopped):
            take_over_old_store(store_folder())
    whole = [folder for folder in (old, store_folder()) if (folder / CLIP).is_file()]
    assert len(whole) == 1, "nothing is lost at any moment"
    take_over_old_store(store_folder())
    assert (old / CLIP).samefile(store_folder() / CLIP)
    assert not (store_folder() / old_store.MARK).exists()
    assert (store_folder() / "store.sqlite3").read_bytes() == (STORED / "store.sqlite3").read_bytes()


def test_where_no_link_can_be_made_it_says_where_the_files_are(old, monkeypatch, capsys):
    monkeypatch.setattr(old_store, "link_folder", lambda link, target: False)
    take_over_old_store(store_folder())
    reported = capsys.readouterr().err
    assert str(store_folder() / "clips") in reported
    assert not old.exists()
    take_over_old_store(store_folder())
    assert capsys.readouterr().err == "", "said once"


def test_a_note_that_leads_to_another_servers_mailbox_is_no_store(old):
    store_folder().mkdir()
    platforms.mailbox_pointer().write_text("/somewhere/else\n")
    take_over_old_store(store_folder())
    assert (store_folder() / CLIP).is_file()
    assert platforms.mailbox_pointer().read_text() == "/somewhere/else\n"


def test_a_store_its_owner_had_put_on_another_disk_stays_there(old, tmp_path):
    disk = tmp_path / "big disk"
    old.rename(disk)
    old.symlink_to(disk)
    take_over_old_store(store_folder())
    assert (disk / CLIP).samefile(store_folder() / CLIP)
    assert (disk / CLIP).samefile(old / CLIP)


def test_it_is_left_alone_while_another_store_is_used(old, tmp_path):
    take_over_old_store(tmp_path / "named")
    assert not store_folder().exists()
    (store_folder() / "blobs").mkdir(parents=True)
    take_over_old_store(store_folder())
    assert list(store_folder().iterdir()) == [store_folder() / "blobs"]
    assert not old.is_symlink()


def test_without_an_old_store_there_is_nothing_to_do(old, capsys):
    shutil.rmtree(old)
    take_over_old_store(store_folder())
    assert capsys.readouterr().err == ""
    assert not store_folder().exists()


def test_models_are_found_before_and_after(old):
    assert models_folder() == store_folder() / "checkpoints"
    (old / "checkpoints").mkdir()
    assert models_folder() == old / "checkpoints"
    take_over_old_store(store_folder())
    assert models_folder() == store_folder() / "checkpoints"
