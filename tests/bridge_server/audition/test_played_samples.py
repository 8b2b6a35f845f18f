"""What the sound card really got, sample for sample: loops, A/B, takes, and a render that plays while it is made."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.bridge_server.audition import sound_card
from tests.bridge_server.audition.rig_server import RigServer, until
from tests.bridge_server.peers import band_song, noise_song

pytestmark = [
    pytest.mark.alone,
    pytest.mark.skipif(bool(sound_card.missing()), reason=f"SKIPPED: {sound_card.missing()}"),
]

RATE = 48000
BAR = RATE  # 4/4 at 240 BPM
WRAP = RATE // 200  # 5 ms before the loop's end are faded into what lies before its start
SWITCH = RATE // 100  # 10 ms from one voice to the next
SILENCE = "silence"


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RigServer]:
    server = RigServer(tmp_path_factory.mktemp("rig"), RATE)
    noise_song(server.songs / "song.wav", 8 * BAR, RATE, subtype="FLOAT")
    band_song(server.songs / "band.wav", 16, RATE)
    yield server
    server.close()


@pytest.fixture
def ws(rig):
    with rig.websocket() as peer:
        peer.call("audition.device", name="card")
        peer.call("audition.match", on=False)  # at another gain the bits are others
        yield peer
        peer.call("audition.stop")
        for name, value in (("loop", True), ("match", True)):
            peer.call(f"audition.{name}", on=value)


def read(path: str | Path) -> np.ndarray:
    return soundfile.read(path, dtype="float32", always_2d=True)[0]


def ramp(frames: int) -> np.ndarray:
    """Straight from 0 to 1, each frame at its middle."""
    return ((np.arange(frames, dtype=np.float32) + np.float32(0.5)) / np.float32(frames))[:, None]


def one_round(lane: np.ndarray, start: int, end: int) -> np.ndarray:
    """What one round of a loop plays."""
    found = lane[start:end].copy()
    found[-WRAP:] += (lane[start - WRAP : start] - found[-WRAP:]) * ramp(WRAP)
    return found


def equal_until(one: np.ndarray, other: np.ndarray) -> int:
    """Frames that are equal, bit for bit, from the first on."""
    common = min(len(one), len(other))
    differs = np.flatnonzero((one[:common] != other[:common]).any(axis=1))
    return int(differs[0]) if len(differs) else common


def history(played: np.ndarray, rounds: dict[str, np.ndarray], first: str) -> list[tuple[int, str]]:
    """Which lane played from which frame on. Fails where a sample is neither a lane's nor a proper crossfade's."""
    length = len(rounds[first])
    rounds = {**rounds, SILENCE: np.zeros_like(rounds[first])}

    def stretch(name: str, start: int, frames: int) -> np.ndarray:
        return np.take(rounds[name], np.arange(start, start + frames) % length, axis=0)

    found, frame, now = [(0, first)], 0, first
    while frame < len(played):
        frame += equal_until(played[frame:], stretch(now, frame, len(played) - frame))
        if frame >= len(played):
            break
        began, now = crossfade_at(played, frame, now, set(rounds) - {now}, stretch)
        found.append((began, now))
        frame = began + SWITCH
    return found


def crossfade_at(played, frame, now, others, stretch) -> tuple[int, str]:
    """Where the crossfade began that shows at `frame`, and into what."""
    for began in range(frame, frame - 8, -1):  # its first frames may round to no change at all
        old = stretch(now, began, SWITCH)
        for name in others:
            mixed = old + (stretch(name, began, SWITCH) - old) * ramp(SWITCH)
            there = min(SWITCH, len(played) - began)
            if np.array_equal(mixed[:there], played[began : began + there]):
                return began, name
    raise AssertionError(f"frame {frame} ({frame / RATE:.3f} s) is neither {now} nor a crossfade from it")


def takes_of(ws, number: int, **request) -> dict[str, np.ndarray]:
    """Renders takes of bars 3 and 4 of the noise song; lanes by id."""
    song = read_song(ws)
    output = ws.render(
        "repaint",
        source="song.wav",
        bpm=240,
        bars="3-4",
        takes=number,
        seed=1,
        match_loudness=False,
        **request,
    )
    lanes = {}
    for reply in output:
        if reply.name == "take":
            lane, start = song.copy(), reply["position"]
            lane[start : start + reply["length"]] = read(reply["path"])
            lanes[reply["take"]] = lane
    return lanes


def read_song(ws) -> np.ndarray:
    found = next(entry for entry in ws.call("songs.list")["songs"] if entry["title"] == "song")
    return read(found["source"])


@pytest.mark.slow
def test_a_minute_with_twenty_comparisons_and_twenty_takes_while_a_render_runs(rig, ws):
    """Every sample of the minute is accounted for, and the device never went without."""
    lanes = takes_of(ws, 3)
    ids = list(lanes)
    rounds = {name: one_round(lane, 2 * BAR, 4 * BAR) for name, lane in lanes.items()}
    rounds["original"] = one_round(read_song(ws), 2 * BAR, 4 * BAR)
    job = ws.call(
        "repaint", source="band.wav", bpm=120, bars="3-14", takes=8, engine="sketch", seed=3, id="busy"
    )["job"]
    ws.call("audition.play", take=ids[0], before=0, after=0)
    began = time.monotonic()
    expected, take, side = [ids[0]], 0, "take"
    for number in range(40):
        time.sleep(0.2 + 0.031 * (number % 7))  # at ever other places of the round
        if number % 2 == 0:
            ws.call("audition.ab")
            side = "original" if side == "take" else "take"
        else:
            ws.call("audition.next")
            take, side = (take + 1) % 3, "take"
        expected.append("original" if side == "original" else ids[take])
    while (left := began + 61 - time.monotonic()) > 0:
        time.sleep(min(0.5, left))
        ws.call("audition.show")  # and with it what has come meanwhile is read
    state = ws.call("audition.show")
    ws.call("cancel", job=job)
    ws.call("audition.stop")
    assert state["underruns"] == 0, state
    played = rig.played()
    output = history(played, rounds, ids[0])
    assert [name for _, name in output] == [*collapsed(expected), SILENCE]
    assert len(played) >= 60 * RATE


def collapsed(names: list[str]) -> list[str]:
    """Without repetitions: `next` from the original to its own take is no change of a lane."""
    return [name for number, name in enumerate(names) if number == 0 or name != names[number - 1]]


def test_bars_before_and_after_go_round_on_the_bar(rig, ws):
    (take, lane), *_ = takes_of(ws, 1).items()
    state = ws.call("audition.play", take=take, before=1, after=1)
    assert (state["start"], state["end"], state["rate"]) == (BAR, 5 * BAR, RATE)
    time.sleep(4.7)
    ws.call("audition.stop")
    output = history(rig.played(), {take: one_round(lane, BAR, 5 * BAR)}, take)
    assert [name for _, name in output] == [take, SILENCE]
    assert output[1][0] > 4 * BAR  # it has gone round


def test_without_the_loop_it_ends_by_itself(rig, ws):
    (take, lane), *_ = takes_of(ws, 1).items()
    ws.call("audition.loop", on=False)
    ws.call("audition.play", take=take, start=3 * BAR, end=4 * BAR)
    until(ws, lambda state: state["state"] == "stopped")
    expected = lane[3 * BAR : 4 * BAR].copy()
    expected[-WRAP:] += (0 - expected[-WRAP:]) * ramp(WRAP)
    played = rig.played()
    assert np.array_equal(played[: len(expected)], expected)
    assert not played[len(expected) :].any()


def test_a_render_plays_while_it_is_made(rig, ws, tmp_path):
    """The bar before it goes round until there is a bar of it; then up to where it has come; then all of it."""
    song = read_song(ws)
    job = ws.call(
        "repaint", source="song.wav", bpm=240, bars="3-5", engine="gated", seed=5, handles=0, crossfade=0,
        match_loudness=False, options={"frames": BAR, "gate": str(tmp_path)},
    )["job"]  # fmt: skip
    ws.call("audition.play", job=job, before=1, after=1)
    until(ws, lambda state: state["state"] == "waiting" and state["position"] > BAR + BAR // 2)
    ready = [BAR, 2 * BAR, 3 * BAR]
    for number in range(3):
        # In the middle of a bar: neither an audible jump nor lost in one.
        until(ws, lambda state: BAR // 4 < state["position"] % BAR < BAR // 2)
        (tmp_path / str(number)).touch()
        until(ws, lambda state, end=3 + number: state["position"] > end * BAR - BAR // 2)
    (tmp_path / "end").touch()
    state = until(ws, lambda state: state["take"] and not state["job"])
    until(ws, lambda state: state["position"] > 5 * BAR + BAR // 2)
    until(ws, lambda state: state["position"] < 2 * BAR)
    ws.call("audition.stop")
    lane = song.copy()
    lane[2 * BAR : 5 * BAR] = read(ws.call("takes.show", take=state["take"])["path"])
    turns = bars_heard(rig.played(), lane)
    assert turns[0] == BAR, "it begins with the bar before the take"
    assert turns.count(BAR) >= 3
    assert list(dict.fromkeys(turns)) == [BAR, 2 * BAR, 3 * BAR, 4 * BAR, 5 * BAR]
    first_of_each = [turns.index(bar) for bar in (2 * BAR, 3 * BAR, 4 * BAR, 5 * BAR)]
    assert first_of_each == sorted(first_of_each), "no bar is played before the ones in front of it"
    assert ready[0] == BAR


def test_of_two_renders_at_once_only_the_chosen_one_plays(rig, ws, tmp_path):
    """Both are of the same region and come in turns, a bar each; afterwards the other one is finished and silent."""
    song, jobs = read_song(ws), {}
    for name, seed in (("other", 6), ("chosen", 5)):
        (tmp_path / name).mkdir()
        jobs[name] = ws.call(
            "repaint", source="song.wav", bpm=240, bars="3-4", engine="gated", seed=seed, handles=0, crossfade=0,
            match_loudness=False, options={"frames": BAR, "gate": str(tmp_path / name)},
        )["job"]  # fmt: skip
    while len(ws.call("status")["renders"]) < 2:
        time.sleep(0.02)
    ws.call("audition.play", job=jobs["chosen"], before=1, after=1)
    until(ws, lambda state: state["state"] == "waiting" and state["position"] > BAR + BAR // 2)
    for number in range(2):
        (tmp_path / "other" / str(number)).touch()
        until(ws, lambda state: BAR // 4 < state["position"] % BAR < BAR // 2)
        (tmp_path / "chosen" / str(number)).touch()
        until(ws, lambda state, end=3 + number: state["position"] > end * BAR - BAR // 2)
    (tmp_path / "other" / "end").touch()
    assert ws.until_end(jobs["other"])[-1].name == "done"
    until(ws, lambda state: state["position"] > 4 * BAR + BAR // 2)
    (tmp_path / "chosen" / "end").touch()
    state = until(ws, lambda state: state["take"] and not state["job"])
    until(ws, lambda state: state["position"] > 4 * BAR + BAR // 2)
    until(ws, lambda state: BAR + BAR // 4 < state["position"] < 2 * BAR)
    ws.call("audition.stop")
    shown = ws.call("takes.show", take=state["take"])
    assert shown["job"] == jobs["chosen"]
    lane = song.copy()
    lane[2 * BAR : 4 * BAR] = read(shown["path"])
    turns = bars_heard(rig.played(), lane)  # fails where it is not this lane's
    assert {2 * BAR, 3 * BAR, 4 * BAR} <= set(turns)


def bars_heard(played: np.ndarray, lane: np.ndarray) -> list[int]:
    """The first frame of each bar that was played, in order. Fails where something else was."""
    found, frame, bar = [], 0, BAR
    while frame + BAR <= len(played):
        going_on = lane[bar : bar + BAR]
        going_round = going_on.copy()
        going_round[-WRAP:] += (lane[BAR - WRAP : BAR] - going_round[-WRAP:]) * ramp(WRAP)
        there = played[frame : frame + BAR]
        found.append(bar)
        if np.array_equal(there, going_on):
            bar += BAR
        else:
            assert np.array_equal(there, going_round), (
                f"bar {len(found)} of what was played is not the song's at {bar}: "
                f"equal for {equal_until(there, going_on)} frames"
            )
            bar = BAR
        frame += BAR
    return found


def test_a_device_is_changed_while_it_plays(rig, ws):
    (take, lane), *_ = takes_of(ws, 1).items()
    ws.call("audition.play", take=take, before=0, after=4)
    before = until(ws, lambda state: state["position"] > 2 * BAR + BAR // 2)
    after = ws.call("audition.device", name="other")
    assert "card" in before["device"]
    assert "other" in after["device"]
    until(ws, lambda state: state["position"] > after["position"] + RATE // 2)
    ws.call("audition.stop")
    there = rig.played("other")[: RATE // 4]
    offset = locate(there, lane)
    assert before["position"] <= offset < 5 * BAR  # where it was left, not from the beginning


def locate(piece: np.ndarray, lane: np.ndarray) -> int:
    """Where the song has this piece, bit for bit."""
    for start in np.flatnonzero((lane == piece[0]).all(axis=1)):
        if np.array_equal(lane[start : start + len(piece)], piece):
            return int(start)
    raise AssertionError("the song has no such place")


def test_a_card_that_is_taken_away(rig, ws):
    import os
    import signal

    (take, _), *_ = takes_of(ws, 1).items()
    ws.call("audition.play", take=take)
    until(ws, lambda state: state["position"] > 0)
    os.kill(rig.card_process(), signal.SIGKILL)
    state = until(ws, lambda state: state["message"])
    assert "was disconnected" in state["message"]
    assert state["state"] in ("playing", "stopped")
    assert ws.call("status")["engine"] == "noise"
