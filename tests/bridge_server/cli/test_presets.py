"""`takebridge presets` against a running server, and its files."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from rich.console import Console

from bridge_server.cli.commands import DONE, Screen
from bridge_server.cli.presets import PresetWish, presets, presets_in, write_presets
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.prompt_results import Preset
from tests.bridge_server.servers import server_fixture
from tests.refusals import refusal

server = server_fixture(scope="function")

GIVEN = {"task": "repaint", "prompt": "no drums", "strength": "0.3"}
DARK = Preset(name="Dark, [no] drums", task="repaint", prompt="no drums", strength=0.3)


def run(server, wish: PresetWish, as_json: bool = False) -> tuple[int, str]:
    with Console(width=200, file=None, record=True, quiet=False) as console:
        status = asyncio.run(presets(server.settings, Screen(console, as_json), wish))
    return status, console.export_text()


def test_saved_listed_exported_deleted_and_imported(server, tmp_path, capsys):
    status, text = run(
        server,
        PresetWish(save=DARK.name, values=GIVEN),
    )
    assert (status, text.strip()) == (DONE, "Preset “Dark, [no] drums” is saved.")
    file = tmp_path / "presets.json"
    _, text = run(server, PresetWish(write=file))
    assert "Dark, [no] drums" in text
    assert "strength 0.3" in text
    assert presets_in(file) == (DARK,)
    assert "is deleted" in run(server, PresetWish(delete="dark, [NO] drums"))[1]
    assert "There are no presets yet." in run(server, PresetWish())[1]
    capsys.readouterr()
    run(server, PresetWish(read=file), as_json=True)
    assert json.loads(capsys.readouterr().out) == [DARK.to_fields()]
    with pytest.raises(ProtocolError):
        run(server, PresetWish(save="x", values={}))


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[1]", b'{"presets": 1}', b'{"songs": []}', b"\xff", b"[" * 100_000],
)
def test_what_is_no_file_of_presets_is_refused(tmp_path: Path, content: bytes):
    file = tmp_path / "x.json"
    file.write_bytes(content)
    error = refusal(presets_in, file)
    assert error.code is ErrorCode.FILE_UNREADABLE
    assert error.sentence.startswith("x.json is not a file of presets: ")
    assert error.remedy


def test_every_preset_of_a_file_is_checked(tmp_path: Path):
    file = tmp_path / "x.json"
    file.write_text('[{"name": "x", "task": "repaint", "strength": 7}]', encoding="utf-8")
    assert refusal(presets_in, file).field == "strength"
    assert refusal(presets_in, tmp_path / "none.json").code is ErrorCode.FILE_MISSING
    write_presets(file, ())
    assert presets_in(file) == ()
    (tmp_path / "folder").mkdir()
    assert refusal(write_presets, tmp_path / "folder", ()).remedy
