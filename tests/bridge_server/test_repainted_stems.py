"""A producer separates a song, repaints a stem and accepts that: the finished song has it, by every way in."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge_server.cli.commands import Screen
from bridge_server.cli.export import export
from tests.bridge_server.peers import band_song
from tests.bridge_server.servers import server_fixture
from tests.bridge_server.typed import typed

BAR = 88_200
SONG = "band 16.wav"
FIRST, SECOND, OVER = (BAR, 3 * BAR), (2 * BAR, 4 * BAR), (3 * BAR, 5 * BAR)


def band(path):
    band_song(path, bars=6)


server = server_fixture((band, SONG), engine="sketch")


@pytest.fixture(scope="module")
def stems(server):
    """The ids of the song's stems, by their names."""
    with server.websocket() as peer:
        replies = peer.render("extract", source=SONG, bpm=120)
        assert replies[-1].name == "done", replies[-1].values
        return {reply["stem"]: reply["take"] for reply in replies if reply.name == "take"}


@pytest.fixture(scope="module")
def takes(server, stems):
    """A take of the drums and one of the bass, which overlap, and one of the song over the second."""
    with server.websocket() as peer:
        drums = repainted(peer, f"take:{stems['drums']}", FIRST, hears="original")
        bass = repainted(peer, f"take:{stems['bass']}", SECOND, hears="original")
        peer.call("takes.choose", take=bass)
        over = repainted(peer, SONG, OVER, hears="accepted")
        peer.call("takes.revert", take=bass)
        return drums, bass, over


def repainted(ws, source, region, **more):
    start, end = region
    replies = ws.render("repaint", source=source, bpm=120, start=start, end=end, seed=4, strength=1.0, **more)
    assert replies[-1].name == "done", replies[-1].values
    return next(reply["take"] for reply in replies if reply.name == "take")


def sound(ws, take):
    return soundfile.read(io.BytesIO(ws.fetch(take)), always_2d=True)[0]


def test_the_finished_song_has_the_new_stems_in_place_of_the_old(server, ws, stems, takes, tmp_path):
    drums, bass, over = takes
    song = ws.call("takes.show", take=stems["drums"])["song"]
    assert ws.call("takes.show", take=drums)["title"] == "band 16 (drums)"
    for take in (drums, bass):
        ws.call("takes.choose", take=take)
    answer = ws.call("export", what="song", name="band 16", format="mix")
    found = soundfile.read(answer["path"], always_2d=True)[0]
    original = soundfile.read(server.settings.roots[0] / SONG, always_2d=True)[0]
    expected = original.copy()
    for take, stem, (start, end) in ((drums, "drums", FIRST), (bass, "bass", SECOND)):
        expected[start:end] += sound(ws, take) - sound(ws, stems[stem])[start:end]
    assert np.array_equal(found, expected.astype(np.float32))
    assert not np.array_equal(found[BAR : 2 * BAR], original[BAR : 2 * BAR])
    assert np.array_equal(found[:BAR], original[:BAR])
    receipt = answer["receipt"]
    assert (receipt["outside_identical"], receipt["exact"]) == (True, True)
    assert [region["stem"] for region in receipt["regions"]] == ["drums", "bass"]

    ws.call("takes.choose", take=over)
    with_song_take = soundfile.read(ws.call("export", what="song", name=song, format="mix")["path"], always_2d=True)[0]
    expected[slice(*OVER)] = sound(ws, over)
    assert np.array_equal(with_song_take, expected.astype(np.float32)), "made for the song with that bass: no crossfade"
    assert ws.call("takes.show", take=over)["heard"] == [bass]

    undone = [ws.call("songs.undo", song="band 16")["stem"] for _ in range(2)]
    assert undone == ["mix", "mix"]
    printed = Screen(None, as_json=True)
    assert export(server.settings.store, printed, "song", "band 16", "mix", tmp_path) == 0
    (one,) = tmp_path.iterdir()
    expected = original.copy()
    expected[slice(*FIRST)] += sound(ws, drums) - sound(ws, stems["drums"])[slice(*FIRST)]
    assert np.array_equal(soundfile.read(one, always_2d=True)[0], expected.astype(np.float32))
    assert ws.call("songs.redo", song="band 16")["chosen"] == bass
    while ws.call("songs.undo", song="band 16")["undo"]:
        pass


def test_what_is_heard_of_the_song_has_them_too(server, ws, stems, takes):
    drums, _, _ = takes
    ws.call("takes.choose", take=drums)
    song = ws.call("takes.show", take=stems["drums"])["song"]
    mix = soundfile.read(ws.call("export", what="song", name=song, format="mix")["path"], always_2d=True)[0]
    passage = ws.call("audition.passage", source=SONG)
    (side,) = passage["sides"]
    status, _, body = server.get(side["url"])
    assert status == 200
    heard = soundfile.read(io.BytesIO(body), always_2d=True)[0]
    assert np.abs(heard - mix).max() < 1e-6
    ws.call("takes.revert", take=drums)


def test_on_the_command_line_bars_of_a_stem_are_those_of_the_song(server, ws, stems, tmp_path):
    """Its tempo is kept with the song; a stem of a few bars begins where they do."""
    store, folder = server.settings.store, server.settings.roots[0]
    ws.call("songs.tempo", source=SONG, bpm=120, bar_one="0.5s")
    part = ws.render("extract", source=SONG, bars="3-4")
    drums = next(reply for reply in part if reply.name == "take" and reply["stem"] == "drums")
    at = ws.call("takes.show", take=drums["take"])["position"]
    done = typed(store, "repaint", f"take:{drums['take']}", "--bars", "4", "-o", str(tmp_path), "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    (take,) = json.loads(done.stdout)["results"]
    assert (at, take["position"], take["length"]) == (BAR // 4 + 2 * BAR, BAR // 4 + 3 * BAR, BAR)
    assert Path(take["path"]).is_file()
    ws.call("songs.tempo", source=SONG, forget=True)
