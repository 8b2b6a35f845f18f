"""From renders of the sketch engine to the finished song: two places, a comp in one, every depth, every way in."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from rich.console import Console

from bridge_server.cli.commands import Screen
from bridge_server.cli.export import export
from bridge_server.cli.ledger import ledger
from clip_store.audio.broadcast_wav import read_recipe
from clip_store.audio.xmp import decode_xmp, read_xmp
from clip_store.exports.ledger_files import ledger_from_files
from clip_store.source_type import SourceType
from daw_protocol.ledger import Ledger
from daw_protocol.song_receipt import SongReceipt
from tests.bridge_server.peers import band_song
from tests.bridge_server.servers import server_fixture

BEAT = 22_050
FIRST, SECOND = (8 * BEAT, 16 * BEAT), (20 * BEAT, 24 * BEAT)
CUT = 12 * BEAT


def band(path):
    """A small song in every depth."""
    band_song(path, bars=8)
    samples, rate = soundfile.read(path)
    for name, subtype in (("24", "PCM_24"), ("float", "FLOAT")):
        soundfile.write(path.with_name(f"band {name}.wav"), samples * 0.9, rate, subtype=subtype)
    return path


server = server_fixture((band, "band 16.wav"), engine="sketch")


@pytest.fixture(scope="module")
def rendered():
    """The takes of each song that a test has asked for."""
    return {}


def accepted(ws, rendered, song):
    """Accepts a comp of two takes in one place and a take in another; returns the song's digest and the three takes."""
    if song not in rendered:
        rendered[song] = [*repainted(ws, song, FIRST, 2), *repainted(ws, song, SECOND, 1)]
    left, right, other = rendered[song]
    ws.call("takes.choose", take=left)
    ws.call("takes.choose", take=other)
    ws.call("takes.choose", take=right, start=CUT)
    return ws.call("takes.show", take=left)["song"], (left, right, other)


def repainted(ws, song, region, takes):
    start, end = region
    replies = ws.render(
        "repaint", source=song, bpm=120, start=start, end=end, takes=takes, seed=4, strength=1.0
    )
    assert replies[-1].name == "done", replies[-1].values
    return [reply["take"] for reply in replies if reply.name == "take"]


def clip(ws, take):
    return soundfile.read(io.BytesIO(ws.fetch(take)), always_2d=True)[0]


@pytest.mark.parametrize("depth", ["16", "24", "float"])
def test_the_finished_song(server, ws, osc, rendered, tmp_path, depth):
    original, rate = soundfile.read(server.settings.roots[0] / f"band {depth}.wav", always_2d=True)
    song, (left, right, other) = accepted(ws, rendered, f"band {depth}.wav")
    answer = ws.call("export", what="song", name=song, format="mix")
    path = Path(answer["path"])
    assert path.name == f"band {depth}.mix.wav"
    assert soundfile.info(path).subtype == {"16": "PCM_16", "24": "PCM_24", "float": "FLOAT"}[depth]
    found, _ = soundfile.read(path, always_2d=True)

    expected = original.copy()
    expected[slice(*FIRST)], expected[slice(*SECOND)] = clip(ws, left), clip(ws, other)
    expected[CUT : FIRST[1]] = clip(ws, right)[CUT - FIRST[0] :]
    crossfade = slice(CUT, CUT + round(0.012 * rate))
    assert not np.array_equal(found[crossfade], expected[crossfade])
    expected[crossfade] = found[crossfade]
    assert np.array_equal(found, expected)

    receipt = SongReceipt.from_fields(answer["receipt"])
    assert (receipt.outside_identical, receipt.exact, receipt.clipped, len(receipt.regions)) == (
        True,
        True,
        0,
        2,
    )
    assert SongReceipt.from_stored(read_recipe(path)["receipt"]) == receipt
    assert any("bit-identical" in line for line in answer["words"])
    status, _, body = server.get(answer["url"])
    assert (status, body) == (200, path.read_bytes())

    words = osc.ask("/bridge/export", "song", song, "mix-flac")
    while words.name == "progress":
        words = osc.receive()
    if depth == "float":
        assert "24 bits at most" in words["sentence"]
    else:
        flac = path.with_suffix(".flac")
        assert str(flac) in words["text"]
        assert np.array_equal(soundfile.read(flac, always_2d=True)[0], expected)

    while ws.call("songs.undo", song=song)["undo"]:
        pass
    screen = Screen(Console(file=io.StringIO()), as_json=True)
    assert export(server.settings.store, screen, "song", song, "mix", tmp_path) == 0
    (undone,) = tmp_path.iterdir()
    assert np.array_equal(soundfile.read(undone, always_2d=True)[0], original)


def test_the_ledger_says_the_same_from_the_store_and_from_the_file(server, ws, osc, rendered, tmp_path):
    song, (left, right, other) = accepted(ws, rendered, "band 16.wav")
    found = Ledger.from_fields(ws.call("songs.ledger", song=song))
    assert {one.take for one in found.takes} == {left, right, other}
    assert {one.chosen_by for one in found.takes} != {""}
    assert found.source_type == SourceType.COMPOSITE.address  # Sketch rearranges; no network had a part in it
    assert (found.machine, found.human > 0, found.mixed > 0) == (0, True, True)
    original, _ = soundfile.read(server.settings.roots[0] / "band 16.wav", always_2d=True)
    path = Path(ws.call("export", what="song", name=song, format="mix")["path"])
    samples, _ = soundfile.read(path, always_2d=True)
    for one in found.stretches:
        inside = slice(one.start, one.end)
        assert np.array_equal(samples[inside], original[inside]) == (one.whose == "human")
    assert decode_xmp(read_xmp(path)).source_type == found.source_type
    from_file = ledger_from_files(path).ledger
    assert (from_file.stretches, from_file.human) == (found.stretches, found.human)

    page = ws.call("export", what="song", name=song, format="ledger")
    status, _, body = server.get(page["url"])
    assert (status, body) == (200, Path(page["path"]).read_bytes())
    with server.websocket("?language=ko") as korean:
        page = korean.call("export", what="song", name=song, format="ledger")
    assert '<html lang="ko">' in Path(page["path"]).read_text("utf-8")
    assert osc.ask("/bridge/songs/ledger", song)["text"].startswith(
        f"{100 * found.human / samples.shape[0]:.1f} %"
    )
    screen = Screen(Console(file=io.StringIO()))
    assert ledger(server.settings.store, screen, song, None, tmp_path) == 0
    (facts,) = tmp_path.glob("*.json")
    assert Ledger.from_fields(json.loads(facts.read_text("utf-8"))).stretches == found.stretches


def test_a_clip_deeper_than_its_song(server, ws, tmp_path):
    start, end = SECOND
    replies = ws.render(
        "repaint", source="band 16.wav", bpm=120, start=start, end=end, seed=9, strength=1.0, depth="24"
    )
    (take,) = [reply["take"] for reply in replies if reply.name == "take"]
    shown = ws.call("takes.show", take=take)
    assert (shown["receipt"]["encoding"], shown["receipt"]["outside_identical"]) == ("PCM_24", True)
    original, _ = soundfile.read(server.settings.roots[0] / "band 16.wav", always_2d=True)
    for what, kind in (("clip", "PCM_24"), ("song", "PCM_24"), ("handles", "FLOAT")):
        data = ws.fetch(take, what)
        (tmp_path / "a.wav").write_bytes(data)
        assert soundfile.info(tmp_path / "a.wav").subtype == kind
        assert decode_xmp(read_xmp(tmp_path / "a.wav")).source_type == SourceType.COMPOSITE.address
        if what == "song":
            whole, _ = soundfile.read(tmp_path / "a.wav", always_2d=True)
            assert np.array_equal(
                np.delete(whole, np.s_[start:end], 0), np.delete(original, np.s_[start:end], 0)
            )
    ws.call("takes.choose", take=take)
    mix = ws.call("export", what="song", name=shown["song"], format="mix")
    assert soundfile.info(mix["path"]).subtype == "PCM_24"
    assert any("24-bit samples, wider than the song's 16-bit" in note for note in mix["notes"])
    ws.call("takes.revert", take=take)


def test_on_the_command_line_in_words_and_json(server, ws, rendered, tmp_path, capsys):
    song, _ = accepted(ws, rendered, "band 16.wav")
    printed = io.StringIO()
    screen = Screen(Console(file=printed, width=400))
    assert export(server.settings.store, screen, "song", song, "mix-flac", tmp_path) == 0
    assert "band 16.mix.flac" in printed.getvalue()
    assert "outside them: bit-identical" in printed.getvalue()
    assert export(server.settings.store, Screen(Console(), as_json=True), "song", song, "mix", tmp_path) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["receipt"]["outside_identical"] is True
    assert Path(answer["path"]).is_file()


def test_an_exported_project_has_the_comp_as_one_file_and_marks_what_is_accepted(ws, rendered):
    song, (left, right, other) = accepted(ws, rendered, "band 24.wav")
    mix, _ = soundfile.read(ws.call("export", what="song", name=song, format="mix")["path"], always_2d=True)
    files = {
        Path(path).stem: path for path in ws.call("export", what="song", name=song, format="wav")["files"]
    }
    marked = [name for name in files if name.endswith("(accepted)")]
    assert len(marked) == 2
    (comp,) = [name for name in marked if "comp" in name]
    assert np.array_equal(soundfile.read(files[comp], always_2d=True)[0], mix[slice(*FIRST)])
    (alone,) = set(marked) - {comp}
    assert np.array_equal(soundfile.read(files[alone], always_2d=True)[0], mix[slice(*SECOND)])
    assert sum(take[:8] in name for name in files for take in (left, right, other)) >= 3, (
        "the takes are there too"
    )
