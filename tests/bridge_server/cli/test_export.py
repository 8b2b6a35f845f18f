"""`takebridge export` as one types it, with and without a server on the store."""

import contextlib
import json
import shutil
from pathlib import Path

import pytest
from rich.progress import Progress

from bridge_server.jobs.database import DATABASE, open_database
from clip_store.store import ClipStore
from clip_store.take import Take, unmeasured
from tests.bridge_server.peers import ServerThread
from tests.bridge_server.servers import settings_in
from tests.bridge_server.typed import typed
from tests.clip_store.sounds import song


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a store that holds a song and a take of it."""
    folder = tmp_path_factory.mktemp("producer")
    (folder / "a file").write_text("in the way")
    with contextlib.closing(open_database(folder / "store" / DATABASE)) as connection:
        store = ClipStore(folder / "store", connection)
        parent, clip = song(96_000), song(4_800, seed=1)
        take = Take(
            "t1", "j1", 1, "repaint", store.blobs.put(parent), clip.digest, 24_000, 24_000, 4_800, 48_000, 1.0,
            title="my song", receipt=unmeasured(24_000, 4_800, 48_000),
        )  # fmt: skip
        store.keep(take, clip)
    return folder


def export(folder, *words):
    done = typed(folder / "store", "export", *words, cwd=folder)
    return done.returncode, done.stdout, done.stderr


def test_a_song_by_its_title(folder):
    status, out, err = export(folder, "song", "my song", "--as", "dawproject", "--to", "out")
    assert (status, err) == (0, "")
    assert (folder / "out" / "my song.dawproject").is_file()
    assert "my song.dawproject" in out


def test_the_finished_song_as_flac(folder):
    status, out, err = export(folder, "song", "my song", "--as", "mix", "--mix-format", "flac", "--to", "out")
    assert (status, err) == (0, "")
    assert (folder / "out" / "my song.mix.flac").read_bytes().startswith(b"fLaC")
    assert "Nothing is accepted" in " ".join(out.split())


def test_a_take_while_a_server_runs(folder):
    with ServerThread(settings_in(folder)):
        status, out, err = export(folder, "take", "t1", "--as", "rpp", "--json")
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert Path(found["path"]).is_file()
    assert len(found["files"]) == 3
    shutil.rmtree(folder / "my song")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["take", "nobody", "--as", "wav"], "There is no take nobody"),
        (["song", "nothing", "--as", "wav"], "There is no song 'nothing'"),
        (["song", "my song", "--as", "midi", "--to", "a file"], "cannot be a folder"),
    ],
)
def test_what_cannot_be_done_is_reported_with_a_status(folder, words, said):
    status, _, err = export(folder, *words)
    assert status == 1
    assert said in err
    assert len(err.splitlines()) >= 2, "a remedy follows"


def test_an_empty_store(folder, tmp_path):
    done = typed(tmp_path / "nothing", "export", "take", "x", "--as", "wav")
    assert done.returncode == 1
    assert "no store" in done.stderr
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("format", ["mix", "wav"])
def test_ctrl_c_leaves_no_file(folder, monkeypatch, format):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "update", interrupted)
    status, out, err = export(folder, "song", "my song", "--as", format, "--to", "stopped")
    assert (status, err) == (130, "")
    assert "no file was written" in out
    assert not [path for path in (folder / "stopped").rglob("*") if path.name != "stopped"]
