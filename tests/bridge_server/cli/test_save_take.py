import asyncio
import tempfile
from pathlib import Path

import numpy as np
import pytest

from bridge_server.cli.save_take import save_take
from clip_store.audio.audio import Encoding, quantise
from clip_store.audio.audio_file import write_wav
from clip_store.audio.broadcast_wav import Bext
from clip_store.take import unmeasured
from daw_protocol.errors import ErrorCode, ProtocolError


class Shelf:
    """A server with one take on its shelf, as far as saving it needs one."""

    def __init__(self, **about):
        self.about = {
            "take": "t1", "job": "j1", "title": "song", "task": "repaint", "number": 2, "stem": "mix", "song": "digest",
            "audio": "digest", "origin": None, "position": 0, "length": 10, "rate": 48000, "created": 1.0, "prompt": "",
            "seed": 7, "engine": "noise", "receipt": unmeasured(0, 10, 48000).to_fields(), "words": [], "request": {},
            "recipe": {}, "path": "", "handles": False, "attachments": [], **about,
        }  # fmt: skip

    async def call(self, method, **params):
        assert (method, params) == ("takes.show", {"take": "t1"})
        return self.about

    async def fetch(self, take, what, name=""):
        return f"{what}{name}".encode()


def saved(folder, **about):
    """The files of a take by their names, and what is in them."""
    files = asyncio.run(save_take(Shelf(**about), "t1", folder))
    assert sorted(files.values()) == sorted(map(str, (path for path in folder.rglob("*") if path.is_file())))
    return {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()
    }


def test_the_names_a_producer_expects(tmp_path):
    assert saved(tmp_path / "new" / "out") == {
        "song.repaint.2.wav": "clip",
        "song.repaint.2.song.wav": "song",
        "song.repaint.2.json": "recipe",
        "song.repaint.2.png": "picture",
    }


def test_handles_and_attachments(tmp_path):
    found = saved(tmp_path, handles=True, attachments=["arrangement.mid"])
    assert found["song.repaint.2.handles.wav"] == "handles"
    assert found["song.repaint.2.mid"] == "attachmentarrangement.mid"


def test_an_attachment_does_not_take_the_recipes_place(tmp_path):
    found = saved(tmp_path, attachments=["blueprint.json"])
    assert found["song.repaint.2.json"] == "recipe"
    assert found["song.repaint.2.blueprint.json"] == "attachmentblueprint.json"


def test_a_stem_carries_its_name_and_brings_no_song(tmp_path):
    assert sorted(saved(tmp_path, task="extract", stem="vocals")) == [
        "song.extract.2.vocals.json",
        "song.extract.2.vocals.png",
        "song.extract.2.vocals.wav",
    ]


def test_a_new_song_has_no_song_around_it(tmp_path):
    assert "song.generate.2.song.wav" not in saved(tmp_path, task="generate", song=None)


@pytest.mark.parametrize(
    "title", ["../../evil", "AC/DC", "/etc/passwd", "a\\b", "CON", "", "..", "x" * 500, "a\x00b"]
)
def test_no_title_leads_out_of_the_folder(tmp_path, title):
    folder = tmp_path / "out"
    found = saved(folder, title=title, stem="../stem")
    assert len(found) == 3
    assert all("/" not in name for name in found)
    assert list(tmp_path.iterdir()) == [folder]


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ProtocolError) as raised:
        asyncio.run(save_take(Shelf(), "t1", tmp_path / "file" / "out"))
    assert raised.value.code is ErrorCode.STORE_FAILED
    assert "song.repaint.2.wav" in raised.value.sentence
    assert "-o" in raised.value.remedy


def test_a_second_run_counts_on_and_saving_a_take_again_does_not(tmp_path):
    saved(tmp_path)
    (tmp_path / "song.repaint.2.wav").write_bytes(clip_with_recipe("another take"))
    assert "song.repaint.3.wav" in saved_names(tmp_path)
    (tmp_path / "song.repaint.3.wav").write_bytes(clip_with_recipe("t1"))
    assert "song.repaint.4.wav" not in saved_names(tmp_path)


def saved_names(folder):
    return {Path(path).name for path in asyncio.run(save_take(Shelf(), "t1", folder)).values()}


def clip_with_recipe(take):
    """The bytes of a clip that says which take it is."""
    audio = quantise(np.full((8, 1), 0.5, np.float32), 48000, Encoding.PCM_16).audio
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "clip.wav")
        write_wav(path, audio, Bext(), {"take": take})
        return path.read_bytes()
