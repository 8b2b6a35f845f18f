"""What a request and the headers of its files show to be impossible is refused at once, and nothing is queued."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from bridge_server.engines.registry import EngineSetup
from daw_protocol.requests import Repaint
from tests.bridge_server.peers import RpcError, noise_song
from tests.doubles import ENGINES, NoiseEngine

RATE = 48000
GOOD = {"source": "song.wav", "start": 1000, "end": 2000}
BRAKES = {"points": [{"quarter": 0, "bpm": 120}, {"quarter": 2, "bpm": 5}]}


def cut_off(path):
    noise_song(path)
    path.write_bytes(path.read_bytes()[:5000])


@pytest.fixture(scope="module", autouse=True)
def files(server):
    make_files(server.settings.roots[0])


def make_files(folder):
    """Files that cannot be used, next to song.wav (one second) and long.wav (eight)."""
    (folder / "empty.wav").write_bytes(b"")
    (folder / "words.wav").write_text("la la la\n" * 100)
    cut_off(folder / "cut.wav")
    noise_song(folder / "three.wav", frames=4800, channels=3)
    noise_song(folder / "odd rate.wav", frames=4800, rate=3200)
    soundfile.write(folder / "hours.wav", np.zeros((1801 * RATE, 1), np.int16), RATE)


REFUSED = {
    "empty region": ("repaint", GOOD | {"end": 1000}, "bad_region", "end"),
    "reversed region": ("repaint", GOOD | {"end": 500}, "bad_region", "end"),
    "reversed bars": ("repaint", {"source": "long.wav", "bars": "17-9", "bpm": 120}, "bad_region", "bars"),
    "bar zero": ("repaint", {"source": "long.wav", "bars": "0", "bpm": 120}, "bad_region", "start"),
    "after the song": ("repaint", GOOD | {"start": RATE, "end": RATE + 1}, "bad_region", "start"),
    "past the end": ("repaint", GOOD | {"end": RATE + 1}, "bad_region", "end"),
    "bars past the end": ("repaint", {"source": "song.wav", "bars": "1-2", "bpm": 120}, "bad_region", "end"),
    "before the timeline": ("repaint", GOOD | {"start": -5}, "bad_region", "start"),
    "before the song": ("repaint", GOOD | {"source_position": 1500}, "bad_region", "start"),
    "a lead-in that misses": (
        "complete", GOOD | {"start": 0, "end": 9, "source_position": 10}, "bad_region", "end",
    ),
    "a gap after the song": ("complete", GOOD | {"start": RATE + 1, "end": RATE + 9}, "bad_region", "start"),
    "no region": ("repaint", {"source": "song.wav"}, "missing_field", "start"),
    "bars of an unknown tempo": ("repaint", {"source": "long.wav", "bars": "2"}, "missing_field", "bpm"),
    "a bar that is too short": ("repaint", GOOD | {"start": "1|5", "end": "2|1", "bpm": 120}, "bad_region", "start"),
    "too long for the engine": (
        "complete", {"source": "song.wav", "length": "601s", "handles": 0}, "too_large", "end",
    ),
    "too long with its roll": (
        "complete", {"source": "song.wav", "start": RATE, "length": "599s", "handles": 1}, "too_large", "end",
    ),
    "too long to generate": ("generate", {"length": "301 bars", "bpm": 120}, "too_large", "end"),
    "a tempo map that ends elsewhere": (
        "repaint", {"source": "song.wav", "bars": "2", "tempo_map": BRAKES}, "bad_region", "start",
    ),
    "missing": ("repaint", GOOD | {"source": "nothing.wav"}, "file_missing", "source"),
    "no bytes": ("repaint", GOOD | {"source": "empty.wav"}, "file_unreadable", "source"),
    "no audio": ("repaint", GOOD | {"source": "words.wav"}, "file_unreadable", "source"),
    "cut off": ("repaint", GOOD | {"source": "cut.wav"}, "file_unreadable", "source"),
    "three channels": ("repaint", GOOD | {"source": "three.wav"}, "file_unreadable", "source"),
    "odd rate": ("repaint", GOOD | {"source": "odd rate.wav"}, "file_unreadable", "source"),
    "song too long": ("repaint", GOOD | {"source": "hours.wav"}, "file_unreadable", "source"),
    "no such take": ("repaint", GOOD | {"source": "take:t0"}, "unknown_take", "source"),
    "not in the store": ("repaint", GOOD | {"source": "audio:" + "0" * 64}, "file_missing", "source"),
}  # fmt: skip


def jobs(ws):
    return [job["job"] for job in ws.call("jobs.list")["jobs"]]


@pytest.mark.parametrize("kind", REFUSED)
def test_over_websocket(ws, kind):
    method, fields, code, field = REFUSED[kind]
    before = jobs(ws)
    with pytest.raises(RpcError) as refusal:
        ws.call(method, **fields)
    assert (refusal.value.code, refusal.value.field) == (code, field)
    assert refusal.value.remedy
    assert jobs(ws) == before


@pytest.mark.parametrize("kind", REFUSED)
def test_over_osc(osc, ws, kind):
    method, fields, code, field = REFUSED[kind]
    values = [json.dumps(given) if isinstance(given, dict) else given for given in fields.values()]
    before = jobs(ws)
    reply = osc.ask(
        f"/bridge/{method}", kind, *(word for pair in zip(fields, values, strict=True) for word in pair)
    )
    assert (reply.name, reply["id"], reply["code"], reply["field"]) == ("failed", kind, code, field)
    assert jobs(ws) == before


class ListeningEngine(NoiseEngine):
    """Takes reference audio."""

    def describe(self):
        return replace(super().describe(), reference=True)


def test_reference_audio_is_looked_at_too(start_server):
    engine = EngineSetup(f"{__name__}:ListeningEngine")
    server = start_server(engines={**ENGINES, "listening": engine}, engine="listening")
    make_files(server.settings.roots[0])
    with server.websocket() as ws:
        for name in ("empty.wav", "words.wav", "cut.wav", "three.wav", "odd rate.wav", "hours.wav"):
            with pytest.raises(RpcError) as refusal:
                ws.call("repaint", **GOOD, reference=name, reference_consent=True)
            assert (refusal.value.code, refusal.value.field) == ("file_unreadable", "reference")
            assert name in refusal.value.sentence
        with pytest.raises(RpcError) as refusal:
            ws.call("repaint", **GOOD, reference="take:t0", reference_consent=True)
        assert (refusal.value.code, refusal.value.field) == ("unknown_take", "reference")
        assert jobs(ws) == []
        assert ws.call("repaint", **GOOD, reference="song.wav", reference_consent=True)["job"]


def test_the_song_of_a_take_is_as_long_as_the_take_made_it(ws):
    *_, take, _ = ws.render("complete", source="song.wav", start=RATE, end=RATE + 5000)
    longer = {"source": f"take:{take['take']}", "start": RATE + 1000}
    assert ws.render("repaint", **longer, end=RATE + 5000)[-1].name == "done"
    with pytest.raises(RpcError, match="after the song's end"):
        ws.call("repaint", **longer, end=RATE + 5001)


def test_the_project_may_have_another_rate_than_the_file(ws):
    asked = {"source": "song.wav", "rate": 96000, "start": 90_000}
    assert ws.render("repaint", **asked, end=2 * RATE)[-1].name == "done"
    with pytest.raises(RpcError, match="after the song's end"):
        ws.call("repaint", **asked, end=2 * RATE + 1)


def test_a_variation_is_checked_like_any_request(ws):
    *_, take, _ = ws.render("repaint", **GOOD, prompt="x")
    before = jobs(ws)
    with pytest.raises(RpcError) as refusal:
        ws.call("vary", take=take["take"], prompt="x" * 3000)
    assert refusal.value.field == "prompt"
    assert jobs(ws) == before
    assert ws.call("vary", take=take["take"])["job"]


def test_a_file_that_was_mended_is_accepted(ws, server):
    path = server.settings.roots[0] / "mended.wav"
    cut_off(path)
    with pytest.raises(RpcError, match=r"mended\.wav is cut off"):
        ws.call("repaint", **GOOD | {"source": path.name})
    noise_song(path)
    assert ws.render("repaint", **GOOD | {"source": path.name})[-1].name == "done"


class Script:
    """A client that keeps nothing."""

    key = sender = "script"
    reply_to = ""

    def send(self, reply):
        pass


def test_an_id_that_comes_twice_at_once_is_one_job(server):
    """Both wait for the header of the file; then the second finds the first one's job."""
    noise_song(server.settings.roots[0] / "twice.wav")
    request = Repaint(id="twice", source="twice.wav", start=0, end=4800)

    async def both():
        respond = server.server.dispatcher.respond
        return await asyncio.gather(*(respond(request, Script()) for _ in range(2)))

    answers = asyncio.run_coroutine_threadsafe(both(), server._loop).result(60)
    first, second = (answer.replies[0] for answer in answers)
    assert first.job == second.job
