"""The double of REAPER is strict, and the modules under the scripts do what they say: asked without a server."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples.reaper import SCRIPTS, Reaper, needs_lua, running_reaper

pytestmark = needs_lua


@pytest.fixture(scope="module")
def reaper(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("double")
    soundfile.write(folder / "tone.wav", np.linspace(-0.5, 0.5, 1000), 44100, subtype="PCM_16")
    item = {"file": str(folder / "tone.wav"), "D_LENGTH": 0.02}
    with running_reaper() as running:
        running.open({"media": str(folder), "tracks": [{"name": "One", "items": [item]}]})
        yield running


def lua(code: str, tmp_path: Path, reaper: Reaper) -> None:
    """Runs a ReaScript of these lines on the double."""
    script = tmp_path / "script.lua"
    script.write_text(code, encoding="utf-8")
    reaper._do("script", path=str(script))


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("reaper.GetTracks(0)", "no function GetTracks"),
        ("reaper.CountTracks(0, 1)", "CountTracks: 2 argument, 1 expected"),
        ("reaper.GetTrack(0)", "GetTrack: argument 2 is missing"),
        ("reaper.GetTrack(0, '1')", "argument 2 is 1, expected i"),
        ("reaper.GetTrack(0, 0.5)", "argument 2 is 0.5, expected i"),
        ("reaper.CountTakes(reaper.GetTrack(0, 0))", "expected I"),
        ("reaper.GetMediaItemInfo_Value(reaper.GetMediaItem(0, 0), 'D_POS')", "no documented value called D_POS"),
        ("reaper.SetMediaTrackInfo_Value(reaper.GetTrack(0, 0), 'IP_TRACKNUMBER', 2)", "read-only"),
        ("reaper.GetSetProjectInfo(0, 'RENDER_SRAET', 0, false)", "no documented value called RENDER_SRAET"),
        ("reaper.GetSetProjectInfo(0, 'RENDER_SRATE', 0, 0)", "expected b"),
        ("reaper.Main_OnCommandEx(40015, 0, 0)", "knows no action 40015"),
        ("reaper.Undo_BeginBlock2(0)", "undo block was left open"),
        ("reaper.Undo_EndBlock2(0, 'x', -1)", "never began"),
        ("reaper.PreventUIRefresh(1)", "left on"),
        ("reaper.CountTracks = 1", "must not write"),
        ("gfx.rect(1, 2, 3)", "gfx.rect: 3 arguments"),
        ("gfx.drawstr(3)", "argument 1 is 3"),
        ("gfx.mouse_cap = 1", "not to be written"),
        ("local a = gfx.colour", "gfx has no colour"),
        ("stray = 1", "makes a global: stray"),
        ("reaper.SetMediaItemTake_Source(reaper.GetActiveTake(reaper.GetMediaItem(0, 0)), nil)", "expected S"),
    ],
)  # fmt: skip
def test_what_reaper_would_not_take_is_an_error(tmp_path, code, complaint):
    with running_reaper() as own:
        soundfile.write(tmp_path / "tone.wav", np.zeros(100), 44100)
        item = {"file": str(tmp_path / "tone.wav"), "D_LENGTH": 0.002}
        own.open({"media": str(tmp_path), "tracks": [{"name": "One", "items": [item]}]})
        with pytest.raises(AssertionError, match=complaint):
            lua(code, tmp_path, own)


def test_it_finds_no_fault_with_what_is_right(reaper, tmp_path):
    lua(
        "local item = reaper.GetMediaItem(0, 0)\nassert(reaper.GetMediaItemInfo_Value(item, 'D_LENGTH') == 0.02)",
        tmp_path,
        reaper,
    )


def test_every_script_uses_only_what_the_double_knows():
    """Also in branches no test has walked: every `reaper.NAME` in the scripts has a signature."""
    double = Path(__file__).parent / "reaper_double"
    signatures = "".join(
        (double / name).read_text(encoding="utf-8") for name in ("signatures.lua", "imgui.lua")
    )
    known = set(re.findall(r"(\w+) = '[\w?]*>[\w?]*'", signatures))
    for path in SCRIPTS.rglob("*.lua"):
        used = set(re.findall(r"\breaper\.(\w+)", path.read_text(encoding="utf-8")))
        assert used <= known, path


JSON_MODULE = f"local json = dofile({str(SCRIPTS / 'lib' / 'json.lua')!r})\n"

JSON_VALUES = st.recursive(
    st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, min_size=1, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def through_lua(values: list[Any], folder: Path) -> list[Any]:
    """Values read and written by the scripts' own JSON."""
    code = "for line in io.lines() do print(json.encode(json.decode(line))) end"
    (folder / "echo.lua").write_text(JSON_MODULE + code)
    lines = "\n".join(json.dumps(value, ensure_ascii=index % 2 == 0) for index, value in enumerate(values))
    # Splitting at "\n" only: text may hold other line ends, escaped by neither side.
    done = subprocess.run(
        ["lua5.4", str(folder / "echo.lua")], input=lines.encode() + b"\n", capture_output=True, check=True
    )
    return [json.loads(line) for line in done.stdout.decode().split("\n")[:-1]]


@settings(max_examples=20, deadline=None)
@given(st.lists(JSON_VALUES, min_size=1, max_size=10))
def test_json_comes_back_as_it_went(tmp_path_factory, values):
    assert through_lua(values, tmp_path_factory.mktemp("json")) == values


@pytest.mark.parametrize(
    "text", ["", "{", "[1,]", '{"a" 1}', '"half', "nul", "1 2", '{"a":}', "[1", '"\\q"', '"\\u12"', "tru"]
)
def test_what_is_no_json_is_an_error_with_words(tmp_path, text):
    code = "local ok, problem = pcall(json.decode, io.read('a'))\nprint(ok, problem)"
    (tmp_path / "read.lua").write_text(JSON_MODULE + code)
    done = subprocess.run(
        ["lua5.4", str(tmp_path / "read.lua")], input=text, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("false\tJSON:"), done.stdout


@pytest.mark.parametrize(
    ("system", "environment", "expected"),
    [
        ("Other", {"HOME": "{home}"}, "{home}/.local/share/takebridge"),
        ("Other", {"HOME": "/nowhere", "XDG_DATA_HOME": "{home}"}, "{home}/takebridge"),
        ("macOS-arm64", {"HOME": "{home}"}, "{home}/Library/Application Support/takebridge"),
        ("OSX64", {"HOME": "{home}"}, "{home}/Library/Application Support/takebridge"),
        ("Win64", {"LOCALAPPDATA": "{home}"}, "{home}/takebridge"),
        ("Other", {"HOME": "/nowhere", "TAKEBRIDGE_STORE": "{home}/my store"}, "{home}/my store"),
    ],
)
def test_the_mailbox_is_found_where_the_server_puts_it(tmp_path, system, environment, expected):
    """As platformdirs places the store on each system, and where the environment moves it."""
    store = Path(expected.format(home=tmp_path))
    store.mkdir(parents=True)
    (store / "server.json").write_text("{}")
    assert found_mailbox(tmp_path, system, environment) == str(store / "mailbox")


def test_a_store_elsewhere_is_found_by_its_pointer(tmp_path):
    usual = tmp_path / ".local" / "share" / "takebridge"
    usual.mkdir(parents=True)
    moved = tmp_path / "moved"
    moved.mkdir()
    (usual / "mailbox.txt").write_text(f"{moved / 'mailbox'}\n")
    environment = {"HOME": "{home}"}
    assert found_mailbox(tmp_path, "Other", environment) == "nil", "no server runs there"
    (moved / "server.json").write_text("{}")
    assert found_mailbox(tmp_path, "Other", environment) == str(moved / "mailbox")
    (usual / "server.json").write_text("{}")
    assert found_mailbox(tmp_path, "Other", environment) == str(usual / "mailbox"), "the usual one runs too"


def found_mailbox(home: Path, system: str, environment: dict[str, str]) -> str:
    """What mailbox.find() says, in a Lua with that environment and the few functions it asks of REAPER."""
    code = f"""
reaper = {{
  get_action_context = function() return false, {str(SCRIPTS)!r} .. '/x.lua' end,
  time_precise = function() return 1 end,
  GetOS = function() return {system!r} end,
  GetExtState = function() return '' end,
  GetResourcePath = function() return '/nowhere' end,
}}
print((dofile({str(SCRIPTS / "lib" / "mailbox.lua")!r}).find()))
"""
    (home / "find.lua").write_text(code)
    given = {name: value.format(home=home) for name, value in environment.items()}
    done = subprocess.run(
        ["lua5.4", str(home / "find.lua")], env={"PATH": "/usr/bin:/bin", **given}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return done.stdout.strip()
