"""A producer separates a song, repaints a stem and accepts that: the finished song has it, by every way in."""

import io

import numpy as np
import pytest
import soundfile
from rich.console import Console

from bridge_server.cli.commands import Screen
from bridge_server.cli.export import export
from tests.bridge_server.peers import noise_song
from tests.bridge_server.servers import server_fixture

SECOND = 48_000
SONG = "band.wav"
EARLY, LATE, OVER = (SECOND, 2 * SECOND), (3 * SECOND, 4 * SECOND), (3 * SECOND + 9600, 5 * SECOND)


def band(path):
    noise_song(path, frames=6 * SECOND)


server = server_fixture((band, SONG))


@pytest.fixture(scope="module")
def vocals(server):
    """The id of a stem. The engine's two stems are halves of the song: one sound."""
    with server.websocket() as peer:
        return rendered(peer, "extract", SONG, stems="vocals")


@pytest.fixture(scope="module")
def takes(server, vocals):
    """Two takes of the stem, and one of the song that was made for the song with the second."""
    with server.websocket() as peer:
        early, late = (
            repainted(peer, f"take:{vocals}", region, hears="original") for region in (EARLY, LATE)
        )
        peer.call("takes.choose", take=late)
        over = repainted(peer, SONG, OVER, hears="accepted")
        peer.call("takes.revert", take=late)
        return early, late, over


def rendered(ws, task, source, **more):
    replies = ws.render(task, source=source, bpm=120, seed=4, **more)
    assert replies[-1].name == "done", replies[-1].values
    return next(reply["take"] for reply in replies if reply.name == "take")


def repainted(ws, source, region, **more):
    return rendered(ws, "repaint", source, start=region[0], end=region[1], **more)


def sound(ws, take):
    return soundfile.read(io.BytesIO(ws.fetch(take)), always_2d=True)[0]


def mix_of(ws, name):
    answer = ws.call("export", what="song", name=name, format="mix")
    return soundfile.read(answer["path"], always_2d=True)[0], answer


def expected(server, ws, vocals, *takes):
    """The song, minus the stem, plus takes of it: (take, region)."""
    found = soundfile.read(server.settings.roots[0] / SONG, always_2d=True)[0]
    for take, (start, end) in takes:
        found[start:end] += sound(ws, take) - sound(ws, vocals)[start:end]
    return found


def test_the_finished_song_has_the_new_stem_in_place_of_the_old(server, ws, vocals, takes, tmp_path):
    early, late, over = takes
    about = ws.call("takes.show", take=early)
    assert (about["title"], about["song"]) == ("band (vocals)", ws.call("takes.show", take=vocals)["audio"])
    for take in (early, late):
        ws.call("takes.choose", take=take)
    found, answer = mix_of(ws, "band")
    both = expected(server, ws, vocals, (early, EARLY), (late, LATE))
    assert np.array_equal(found, both.astype(np.float32))
    receipt = answer["receipt"]
    assert (receipt["outside_identical"], receipt["exact"]) == (True, True)
    assert [region["stem"] for region in receipt["regions"]] == ["vocals", "vocals"]

    ws.call("takes.choose", take=over)
    assert ws.call("takes.show", take=over)["heard"] == [late]
    both[slice(*OVER)] = sound(ws, over)
    assert np.array_equal(mix_of(ws, "band")[0], both.astype(np.float32)), (
        "it came out of the song with these vocals"
    )

    assert [ws.call("songs.undo", song="band")["stem"] for _ in range(2)] == ["mix", "mix"]
    screen = Screen(Console(file=io.StringIO()), as_json=True)
    assert export(server.settings.store, screen, "song", "band", "mix", tmp_path) == 0
    (written,) = tmp_path.iterdir()
    one = expected(server, ws, vocals, (early, EARLY))
    assert np.array_equal(soundfile.read(written, always_2d=True)[0], one.astype(np.float32))
    assert ws.call("songs.redo", song="band")["chosen"] == late
    assert ws.call("songs.redo", song="band")["chosen"] == over
    while ws.call("songs.undo", song="band")["undo"]:
        pass


def test_the_song_is_played_with_it(server, ws, vocals, takes):
    early, *_ = takes
    ws.call("takes.choose", take=early)
    (side,) = ws.call("audition.passage", source=SONG)["sides"]
    status, _, body = server.get(side["url"])
    heard = soundfile.read(io.BytesIO(body), always_2d=True)[0]
    assert status == 200
    assert np.abs(heard - expected(server, ws, vocals, (early, EARLY))).max() < 1e-6
    ws.call("takes.revert", take=early)


def test_bars_of_a_stem_are_those_of_the_song(server, ws):
    """Its tempo is kept with the song; a stem of some bars begins where they do."""
    ws.call("songs.tempo", source=SONG, bpm=240, bar_one="0.5s")
    stem = rendered_in(ws, "extract", source=SONG, bars="3-4", stems="vocals")
    take = rendered_in(ws, "repaint", source=f"take:{stem['take']}", bars="4")
    again = rendered_in(ws, "repaint", source=f"take:{take['take']}", bars="4")
    places = [ws.call("takes.show", take=one["take"])["position"] for one in (stem, take, again)]
    assert places == [SECOND // 2 + 2 * SECOND, SECOND // 2 + 3 * SECOND, SECOND // 2 + 3 * SECOND]
    ws.call("songs.tempo", source=f"take:{stem['take']}", shift=4)
    assert ws.call("songs.tempo", source=SONG)["bar_one"] == pytest.approx(1.5)
    ws.call("songs.tempo", source=SONG, forget=True)


def test_deleting_a_stem_says_what_is_no_longer_part_of_the_song(ws, osc):
    stem = rendered(ws, "extract", SONG, start=0, end=SECOND, stems="vocals")
    take = repainted(ws, f"take:{stem}", (0, 9600))
    ws.call("takes.choose", take=take)
    assert f"no longer part of the song: {take}" in osc.ask("/bridge/takes/delete", stem)["text"]


def rendered_in(ws, task, **fields):
    replies = ws.render(task, **fields)
    assert replies[-1].name == "done", replies[-1].values
    return next(reply for reply in replies if reply.name == "take")
