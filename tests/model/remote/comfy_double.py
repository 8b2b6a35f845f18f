"""A strict double of ComfyUI's server: it takes and refuses what the real one does, and runs one kind of workflow.

Each behaviour is that of the real server as read in its source (server.py, execution.py, nodes_audio.py, 2026): uploads
that may be renamed, refusals with a message and each node's own errors, a queue, a history by id, events over a
WebSocket on the same port, a cancel by id that may be asked again, loud sound turned down by five deviations. Its
"autoencoder" gives the song back a little different, as every one does. Its music is a tone.
"""

from __future__ import annotations

import json
import threading
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request as WsRequest
from websockets.http11 import Response
from websockets.sync.server import Server, ServerConnection, serve

from model.remote.wav_audio import decode_audio, encode_wav
from tests.model.remote.ace_double import tone
from tests.model.remote.http_double import HttpDouble, Reply, Request

HOP, RATE = 1920, 48_000
CLASSES = (
    "LoadAudio",
    "Region",
    "TextEncodeAceStepAudio1.5",
    "KSampler",
    "SaveAudio",
    "CheckpointLoaderSimple",
)

WORKFLOW: dict[str, Any] = {
    "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "ace_step_1.5.safetensors"}},
    "2": {"class_type": "LoadAudio", "inputs": {"audio": "x.wav"}, "_meta": {"title": "the song"}},
    "3": {"class_type": "Region", "inputs": {"start": 0.0, "end": 1.0}},
    "4": {"class_type": "TextEncodeAceStepAudio1.5", "inputs": {"tags": "", "clip": ["1", 1]}},
    "5": {"class_type": "KSampler", "inputs": {"seed": 0, "positive": ["4", 0], "latent_image": ["3", 0]}},
    "9": {"class_type": "SaveAudio", "inputs": {"audio": ["5", 0], "filename_prefix": "take"}},
}
NAMED = {
    "source": "the song.audio", "start": "3.start", "end": "3.end", "prompt": "4.tags", "seed": "5.seed", "output": "9",
}  # fmt: skip


class ComfyDouble(HttpDouble):
    """faults: "shifts", "fails", "nothing", "unrelated". old: a version without cancelling by id.

    Its WebSocket has a port of its own (`events_port`); `address` is a front that the tests give to HTTP.
    """

    def __init__(self, *faults: str) -> None:
        super().__init__()
        self.faults = set(faults)
        self.old = False
        self.busy = False  # with somebody else's workflow: what comes waits
        self.gate = threading.Event()
        self.gate.set()
        self.uploads: dict[str, bytes] = {}
        self.outputs: dict[str, bytes] = {}
        self.running: list[str] = []
        self.pending: list[tuple[int, str]] = []
        self.history: dict[str, Any] = {}
        self.cancelled: set[str] = set()
        self.interrupted: list[str] = []
        self.graphs: dict[str, Any] = {}

    def restart(self) -> None:
        self.running.clear()
        self.pending.clear()
        self.history.clear()

    def answer(self, asked: Request) -> Reply:
        match asked.method, asked.path.split("/")[1:]:
            case "GET", ["system_stats"]:
                return said({"system": {"comfyui_version": "0.9.1"}, "devices": []})
            case "GET", ["object_info", kind]:
                return said({kind: {}} if kind in CLASSES else {})
            case "POST", ["upload", "image"]:
                return self._upload(asked)
            case "POST", ["prompt"]:
                return self._prompt(asked)
            case "GET", ["queue"]:
                return said(
                    {"queue_running": [[0, job, {}, {}, []] for job in self.running],
                     "queue_pending": [[number, job, {}, {}, []] for number, job in self.pending]}
                )  # fmt: skip
            case "POST", ["queue"]:
                gone = set(asked.json()["delete"])
                self.pending = [one for one in self.pending if one[1] not in gone]
                self.cancelled |= gone
                return said({})
            case "POST", ["interrupt"]:
                self.interrupted.append(asked.json()["prompt_id"])
                return said({})
            case "POST", ["api", "jobs", job, "cancel"] if not self.old:
                self.cancelled.add(job)
                return said({})
            case "GET", ["history", job]:
                return said({job: self.history[job]} if job in self.history else {})
            case "GET", ["view"]:
                found = self.outputs.get(asked.query["filename"])
                return Reply(b"", 404) if found is None else Reply(found, 200, "audio/flac")
        return Reply(b"", 404)

    def _upload(self, asked: Request) -> Reply:
        assert asked.parts["type"] == b"input"
        name = f"{len(self.uploads)}-{asked.parts['overwrite'].decode()}.wav"  # it may choose another name
        folder = asked.parts["subfolder"].decode()
        self.uploads[f"{folder}/{name}"] = asked.parts["image"]
        return said({"name": name, "subfolder": folder, "type": "input"})

    def _prompt(self, asked: Request) -> Reply:
        given = asked.json()
        for node, entry in given["prompt"].items():
            if entry["class_type"] not in CLASSES:
                return refusal(
                    "invalid_prompt", f"Cannot execute because node {entry['class_type']} does not exist."
                )
            if entry["class_type"] == "LoadAudio" and entry["inputs"]["audio"] not in self.uploads:
                trouble = {
                    "errors": [{"message": "Custom validation failed", "details": "Invalid audio file"}]
                }
                return refusal(
                    "prompt_outputs_failed_validation", "Prompt outputs failed validation", {node: trouble}
                )
        job = given["prompt_id"]
        self.graphs[job] = given["prompt"]
        if self.busy:
            self.pending.append((1, job))
            return said({"prompt_id": job, "number": 1, "node_errors": {}})
        self.running.append(job)
        threading.Thread(target=self._run, args=(job, given["prompt"]), daemon=True).start()
        return said({"prompt_id": job, "number": 1, "node_errors": {}})

    def _run(self, job: str, graph: dict[str, Any]) -> None:
        self.gate.wait()
        outputs: dict[str, Any] = {}
        status: dict[str, Any] = {"status_str": "success", "completed": True, "messages": []}
        if "fails" in self.faults:
            told = {"node_type": "KSampler", "exception_message": "CUDA out of memory"}
            status = {"status_str": "error", "completed": False, "messages": [["execution_error", told]]}
        elif "nothing" not in self.faults:
            name = f"take_{len(self.outputs)}.flac"
            self.outputs[name] = self._made(graph)
            outputs = {"9": {"audio": [{"filename": name, "subfolder": "", "type": "output"}]}}
        if job in self.running:
            self.running.remove(job)
            self.history[job] = {"outputs": outputs, "status": status}

    def _made(self, graph: dict[str, Any]) -> bytes:
        seed = graph["5"]["inputs"]["seed"]
        if "2" not in graph:
            return encode_wav(tone(seed, 10 * RATE), RATE)
        audio, rate = decode_audio(self.uploads[graph["2"]["inputs"]["audio"]])
        assert rate == RATE
        out = audio + 0.02 * np.random.default_rng(1).standard_normal(audio.shape).astype(np.float32)
        if "unrelated" in self.faults:
            out = np.random.default_rng(2).standard_normal(audio.shape).astype(np.float32)
        first, end = (round(graph["3"]["inputs"][name] * RATE) for name in ("start", "end"))
        out[first:end] = tone(seed, len(audio))[first:end]
        deviation = 5 * float(out.std())
        out = out / max(1.0, deviation)
        if "shifts" in self.faults:
            out = np.roll(out, HOP, axis=0)
        return encode_wav((0.5 * out).astype(np.float32), RATE)


def said(values: Any) -> Reply:
    return Reply(json.dumps(values).encode())


def refusal(kind: str, message: str, nodes: dict[str, Any] | None = None) -> Reply:
    error = {"type": kind, "message": message, "details": "", "extra_info": {}}
    return Reply(json.dumps({"error": error, "node_errors": nodes or {}}).encode(), 400)


class EventsDouble:
    """ComfyUI's WebSocket alone: `events` go to whoever connects, what is sent later to whoever is connected."""

    def __init__(self, *events: str) -> None:
        self.events = events
        self.clients: list[str] = []
        self._connections: list[ServerConnection] = []
        self._server: Server = serve(
            self._follow, "127.0.0.1", 0, process_request=self._check, compression=None
        )
        self.port = self._server.socket.getsockname()[1]
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> EventsDouble:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()

    def send(self, event: str) -> None:
        for connection in self._connections:
            connection.send(event)

    def _check(self, _: ServerConnection, request: WsRequest) -> Response | None:
        split = urlsplit(request.path)
        if split.path != "/ws":
            return Response(HTTPStatus.NOT_FOUND, "Not Found", Headers(), b"")
        self.clients += parse_qs(split.query)["clientId"]
        return None

    def _follow(self, connection: ServerConnection) -> None:
        self._connections.append(connection)
        try:
            for event in self.events:
                connection.send(event)
            connection.recv()
        except ConnectionClosed:
            pass
