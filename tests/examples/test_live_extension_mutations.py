"""Mistakes in the extension for Live that a test must notice: each row changes one text of its source, and names what
is found then. A row that finds nothing, or something else, is a gap in the tests.

What answers here is no server but a few lines that say what one would: the real one is in test_live_extension.py.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import soundfile

from tests.bridge_server.peers import band_song
from tests.examples.live_extension import Live, built
from tests.examples.node_double import NODE

pytestmark = pytest.mark.skipif(NODE is None, reason="SKIPPED: node is missing; apt-get install nodejs")

TEMPO = 127.3
RATE = 22050  # little audio: nobody listens to it
BEAT = RATE // 2
AT_ONCE = 4


class Answers(BaseHTTPRequestHandler):
    """The server's part of a render: takes as long as their regions; a repaint with the prompt "endless" goes on."""

    requests: ClassVar[dict[str, dict[str, Any]]] = {}

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(json.dumps({"source": f"audio:{hashlib.sha256(body).hexdigest()}"}).encode())

    def do_POST(self) -> None:
        call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        params = call["params"]
        if call["method"] in ("repaint", "extract"):
            self.requests[params["id"]] = params
            result = {"job": params["id"]}
        elif call["method"] == "jobs.show":
            result = job(params["job"], self.requests[params["job"]])
        else:
            result = {}
        self._answer(json.dumps({"jsonrpc": "2.0", "id": call["id"], "result": result}).encode())

    def do_GET(self) -> None:
        asked = self.requests[self.path.split("/")[2].split("..")[0]]
        audio = BytesIO()
        soundfile.write(audio, np.zeros(asked.get("length", BEAT), "float32"), RATE, "FLOAT", format="WAV")
        self._answer(audio.getvalue())

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *_: Any) -> None:
        """Says nothing."""


def job(name: str, asked: dict[str, Any]) -> dict[str, Any]:
    """A job as `jobs.show` has it."""
    if asked["prompt"] == "endless":
        return {"state": "running", "progress": {"stage": "rendering", "fraction": 0.5, "seconds_left": None}}
    position, length = asked.get("start", asked["source_position"]), asked.get("length", BEAT)
    place = {"position": position, "length": length, "rate": RATE}
    takes = [
        {"take": f"{name}..{number}", "number": number, "stem": stem, "passed": True, **place}
        for number in range(1, asked["takes"] + 1)
        for stem in (["mix"] if "start" in asked else ["drums", "residual"])
    ]  # fmt: skip
    return {"state": "done", "takes": takes}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def repaint(live: Live) -> None:
    """Two takes at a crooked tempo, off the grid, with a prompt; the set's Scale is off."""
    state = live.render("Repaint", 8.35, 12.35, takes=2, prompt="warm")
    lanes = state["tracks"][0]["lanes"]
    assert [len(lane["clips"]) for lane in lanes] == [1, 1], "clips"
    clips = [lane["clips"][0] for lane in lanes]
    assert [clip["start"] for clip in clips] == [8.35, 8.35], "start"
    assert not any(clip["warped"] for clip in clips), "warped"
    names = [f"{lane['name']}: {lane['clips'][0]['name'][:15]}" for lane in lanes]
    assert names == ["Takebridge 1: Band Repaint 1 ", "Takebridge 2: Band Repaint 2 "], "order"
    assert state["steps"] == 2, "steps"
    assert not state["temp"], "scratch"
    [asked] = live.calls("repaint")
    assert asked["prompt"] == "warm", "prompt"
    assert asked["bpm"] == TEMPO, "bpm"
    assert "key" not in asked, "key"
    assert asked["source_position"] == round(4 * 60 * RATE / TEMPO), "place"
    assert asked["start"] == round(8.35 * 60 * RATE / TEMPO), "position"
    assert asked["start"] + asked["length"] == round(12.35 * 60 * RATE / TEMPO), "length"


def overlap(live: Live) -> None:
    """A second repaint over the first one, and a third where nothing is."""
    for start, end in ((4, 8), (6, 10), (12, 14)):
        state = live.render("Repaint", start, end, takes=2)
    assert [len(lane["clips"]) for lane in state["tracks"][0]["lanes"]] == [2, 2, 1, 1], "clips"


def abort(live: Live) -> None:
    """The producer presses Cancel while the server renders."""
    live.fill(takes=1, prompt="endless")
    live.pick("Repaint", 8, 12)
    live.until("progress", "rendering")
    live.command("abort")
    live.until("progress closed")
    assert live.state()["steps"] == 0, "steps"
    assert [one["job"] for one in live.calls("cancel")] == [live.calls("repaint")[0]["id"]], "job"


def shortened(live: Live) -> None:
    """Live makes clips that are shorter than their takes."""
    live.command("rules", {"stretch": -1.5})
    live.keep(summary=True)
    live.render("Repaint", 8, 12, takes=1)
    assert "lasts" in live.window()["text"], "unsaid"


def stems(live: Live) -> None:
    """Stems, of what goes on playing."""
    state = live.render("Stems", 8, 12)
    assert [track["mute"] for track in state["tracks"]] == [False, True, True], "mute"


@dataclass(frozen=True)
class Mutation:
    """One mistake: in a module of src/, a text that is there once and what it becomes; a scenario, and its finding."""

    module: str
    original: str
    changed: str
    scenario: Callable[[Live], None]
    finds: str


MUTATIONS = (
    Mutation("placement.js", "startTime: take.start,", "startTime: take.start + 0.001,", repaint, "start"),
    Mutation("placement.js", "isWarped: false,", "isWarped: true,", repaint, "warped"),
    Mutation("placement.js", "isWarped: false,", "isWarped: undefined,", repaint, "warped"),
    Mutation("placement.js", "duration: take.end - take.start,", "duration: null,", repaint, "may not be null"),
    Mutation("placement.js", "missing[number], { lane", "missing.at(-1 - number), { lane", repaint, "order"),
    Mutation(
        "placement.js", "missing.map((take) => live.create(\"trackCreateTakeLane\", take.track))",
        "missing.slice(0, 1).map((take) => live.create(\"trackCreateTakeLane\", take.track))", repaint, "clips",
    ),
    Mutation("placement.js", "&& isFree(live, found, take.start, take.end)", "", overlap, "made over"),
    Mutation("placement.js", "used.add(lane.id);", "", overlap, "made over"),
    Mutation("live.js", "return this.model.withinTransaction(work);", "return work();", repaint, "outside a"),
    Mutation("job.js", "if (abort.aborted) await cancel(server, request.id);", "", abort, "job"),
    Mutation("task.js", "this.notes.push(...(await placement.faults(this.live, placed.clips)));", "", shortened,
             "unsaid"),
    Mutation("task.js", "if (path !== scratch) await remove(scratch);", "", repaint, "scratch"),
    Mutation("task.js", "this.task !== \"accompany\" || take.number > 1", "false", stems, "mute"),
    Mutation("window.js", "{ rate } = file;\n  const found", "rate = 48000;\n  const found", repaint, "clips"),
    Mutation("window.js", "end, most) - start,", "end, most) - start - 1,", repaint, "length"),
    Mutation("song_time.js", "return Math.round((beats * 60 * rate) / bpm);",
             "return Math.floor((beats * 60 * rate) / bpm);", repaint, "position"),
    Mutation("song_time.js", "if (Math.fround(typed) === bpm) return typed;", "", repaint, "bpm"),
    Mutation("request.js", "prompt: values.prompt,", "prompt: \"\",", repaint, "prompt"),
    Mutation("request.js", "return { ...request, source, source_position: time.position,",
             "return { ...request, source, source_position: 0,", repaint, "place"),
    Mutation("selection.js", "if (!live.model.songGetScaleMode(live.song)) return \"\";", "", repaint, "key"),
)  # fmt: skip


def found_in(folder: Path, mutation: Mutation, port: int, song: Path, mutated: bool) -> str:
    """What its scenario finds; "" for nothing."""
    folder.mkdir()
    changes = {mutation.module: (mutation.original, mutation.changed)} if mutated else {}
    live = Live(built(folder, changes), folder, port)
    try:
        clip = {"path": str(song), "start": 0, "end": 16}
        live.set(
            {"name": "Band", "clips": [clip]},
            rules={"tempo": float(np.float32(TEMPO)), "rate": RATE},
            scale={"root": 2},
        )
        mutation.scenario(live)
    except AssertionError as error:
        return str(error)
    finally:
        live.close()
    return ""


def test_every_mistake_is_found_and_without_one_nothing_is(port: int, tmp_path: Path) -> None:
    song = band_song(tmp_path / "band.wav", bars=4, rate=RATE)
    scenarios = {one.scenario: one for one in MUTATIONS}
    asked = [(one, True) for one in MUTATIONS] + [
        (replace(one, finds=""), False) for one in scenarios.values()
    ]

    def run(number: int) -> str:
        mutation, mutated = asked[number]
        return found_in(tmp_path / str(number), mutation, port, song, mutated)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(run, range(len(asked))))
    missed = [
        f"{one.module}: {one.original!r} finds {text!r}, expected {one.finds!r}"
        for (one, _), text in zip(asked, found, strict=True)
        if one.finds not in text or (text and not one.finds)
    ]
    assert not missed, "\n".join(missed)
