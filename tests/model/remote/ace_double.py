"""A strict double of acestep.cpp's `ace-server`, without weights: it takes and refuses what the real one does.

Each behaviour is that of the real program, version fa33775 of July 2026, as read in its source (tools/ace-server.cpp,
src/request.cpp) or measured by running it: the zone floored at both ends; floats untouched outside, 16 bits scaled;
whole frames; paired parts of audio and latents; a cancel that is answered at once and takes effect later; failures
without a reason; the last 32 jobs kept; unknown fields ignored. Its music is a tone that depends on the seed.
"""

from __future__ import annotations

import hashlib
import json
import queue
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.remote.wav_audio import decode_audio, encode_wav
from tests.model.remote.http_double import HttpDouble, Reply, Request, reply

HOP, RATE = 1920, 48_000
MOST_FRAMES = 15_000
MOST_JOBS = 32
DEFAULT: dict[str, Any] = {
    "caption": "", "lyrics": "", "bpm": 0, "duration": 0.0, "keyscale": "", "timesignature": "",
    "vocal_language": "", "seed": -1, "lm_batch_size": 1, "synth_batch_size": 1, "lm_temperature": 0.85,
    "lm_cfg_scale": 2.0, "lm_top_p": 0.9, "lm_top_k": 0, "lm_negative_prompt": "", "use_cot_caption": True,
    "inference_steps": 0, "guidance_scale": 0.0, "shift": 0.0, "audio_cover_strength": 0.5,
    "cover_noise_strength": 0.0, "repainting_start": -1.0, "repainting_end": -1.0, "latent_shift": 0.0,
    "latent_rescale": 1.0, "custom_timesteps": "", "task_type": "text2music", "track": "", "solver": "euler",
    "output_format": "mp3", "peak_clip": 10, "mp3_bitrate": 128, "synth_model": "", "lm_model": "", "adapter": "",
    "adapter_scale": 1.0, "vae": "", "audio_codes": "",
}  # fmt: skip
"""The request fields of the real server's `/props`."""
TASKS = ("text2music", "cover", "cover-nofsq", "repaint", "lego", "extract", "complete")
NEED_NO_CAPTION = ("lego", "extract", "complete")
NEED_SOURCE = tuple(task for task in TASKS if task != "text2music")


@dataclass
class Job:
    id: str
    work: Any
    status: str = "running"
    body: bytes = b""
    media_type: str = ""
    cancel: threading.Event = field(default_factory=threading.Event)


class AceDouble(HttpDouble):
    """faults: what it does wrong, of "shifts", "touches", "nan", "unchanged", "loses a frame", "16 bit", "forgets".

    steps: of a render; gate: a render waits for it at each step, open by default. splices: whether what came from
    latents is joined to the audio too.
    """

    def __init__(
        self, *faults: str, dits: tuple[str, ...] = ("acestep-v15-base-Q8_0", "acestep-v15-turbo-Q8_0")
    ) -> None:
        super().__init__()
        self.faults = set(faults)
        self.dits = dits
        self.adapters = ("warm-tape",)
        self.default = dict(DEFAULT)
        self.version = "fa33775"
        self.has_vae = True
        self.splices = True
        self.steps = 3
        self.gate = threading.Event()
        self.gate.set()
        self.hears_cancel = threading.Event()  # a cancelled job goes on until this is set
        self.hears_cancel.set()
        self.jobs: dict[str, Job] = {}
        self.unknown_fields: set[str] = set()
        self.encodes = 0
        self.lines: list[str] = ["[Server] Listening"]
        self._written = threading.Condition()
        self._queue: queue.Queue[Job | None] = queue.Queue()
        self._numbers = iter(range(1, 1 << 30))
        self._worker = threading.Thread(target=self._work, daemon=True)
        self._worker.start()

    def __exit__(self, *_: object) -> None:
        self.gate.set()
        self.hears_cancel.set()
        self._queue.put(None)
        super().__exit__()

    def forget(self) -> None:
        """As after a restart."""
        self.jobs.clear()

    # the protocol

    def answer(self, asked: Request) -> Reply:
        match asked.method, asked.path:
            case "GET", "/health":
                return Reply(b'{"status":"ok"}')
            case "GET", "/props":
                return Reply(json.dumps(self._props()).encode())
            case "POST", "/synth":
                return self._synth(asked)
            case "POST", "/vae" if self.has_vae:
                return self._vae(asked)
            case "GET", "/job":
                return self._job(asked)
            case "POST", "/job":
                return self._cancel(asked)
        return Reply(b"", 404, "text/plain")

    def _props(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "models": {
                "lm": [],
                "embedding": ["Qwen3-Embedding-0.6B-Q8_0"],
                "dit": list(self.dits),
                "vae": ["vae-BF16"],
            },
            "adapters": list(self.adapters),
            "cli": {"max_batch": 1},
            "default": self.default,
            "presets": {"turbo": {"inference_steps": 8}, "sft": {"inference_steps": 50}},
        }

    def _synth(self, asked: Request) -> Reply:
        if asked.parts:
            if "request" not in asked.parts:
                return error(400, "Multipart: missing 'request' part")
            text = asked.parts["request"]
        else:
            text = asked.body
        try:
            given = json.loads(text)
        except ValueError:
            return error(400, "Invalid JSON")
        if isinstance(given, list):
            given = given[0]
        if not isinstance(given, dict):
            return error(400, "Invalid JSON")
        self.unknown_fields |= set(given) - set(self.default)
        fields = {**self.default, **{name: value for name, value in given.items() if name in self.default}}
        if not fields["caption"] and fields["task_type"] not in NEED_NO_CAPTION:
            return error(400, "Caption is required")
        if fields["output_format"] not in ("mp3", "wav16", "wav24", "wav32"):
            return error(400, "Invalid output_format (use: mp3, wav16, wav24, wav32)")
        audio = None
        if "audio" in asked.parts:
            try:
                audio = at_48k(asked.parts["audio"])
            except ValueError:
                return error(400, "Failed to decode audio")
        latents = asked.parts.get("src_latents")
        if latents is not None and (not latents or len(latents) % 256):
            return error(400, "src_latents size must be a multiple of 256 bytes")
        frames = len(latents) // 256 if latents is not None else 0 if audio is None else -(-len(audio) // HOP)
        if frames > MOST_FRAMES:
            return error(413, "Source exceeds 15000 latent frames")
        return self._begin(lambda job: self._render(job, fields, audio, latents), "1 requests")

    def _vae(self, asked: Request) -> Reply:
        if ("audio" in asked.parts) == ("src_latents" in asked.parts):
            return error(400, "Exactly one of 'audio' and 'src_latents' is required")
        try:
            audio = at_48k(asked.parts["audio"])
        except (KeyError, ValueError):
            return error(400, "Failed to decode audio")

        def encode(job: Job) -> None:
            self.encodes += 1
            job.body, job.media_type = encoded(audio), "application/octet-stream"

        return self._begin(encode, "vae")

    def _begin(self, work: Any, what: str) -> Reply:
        job = Job(hashlib.sha256(str(next(self._numbers)).encode()).hexdigest()[:16], work)
        self.jobs[job.id] = job
        ended = [one for one in self.jobs.values() if one.status != "running"]
        while len(self.jobs) > MOST_JOBS and ended:
            del self.jobs[ended.pop(0).id]
        self.write(f"[Server] Job {job.id} created ({what})")
        self._queue.put(job)
        return Reply(json.dumps({"id": job.id}).encode())

    def _job(self, asked: Request) -> Reply:
        if "id" not in asked.query:
            return error(400, "Missing id parameter")
        job = self.jobs.get(asked.query["id"])
        if job is None:
            return error(404, "Job not found")
        if asked.query.get("result") == "1":
            return (
                Reply(job.body, 200, job.media_type)
                if job.status == "done"
                else error(404, "Result not ready")
            )
        return Reply(json.dumps({"status": job.status}).encode())

    def _cancel(self, asked: Request) -> Reply:
        job = self.jobs.get(asked.query.get("id", ""))
        if job is None:
            return error(404, "Job not found")
        job.cancel.set()
        return Reply(b'{"status":"cancelled"}')

    def stream(self, asked: Request, handler: BaseHTTPRequestHandler) -> bool:
        if asked.path != "/logs":
            return False
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.close_connection = True
        sent = 0
        while not self.closing.is_set():
            with self._written:
                if sent == len(self.lines):
                    self._written.wait(0.1)
                new, sent = self.lines[sent:], len(self.lines)
            handler.wfile.write("".join(f"data: {line}\n\n" for line in new).encode())
            handler.wfile.flush()
        return True

    def write(self, line: str) -> None:
        with self._written:
            self.lines.append(line)
            self._written.notify_all()

    # the work

    def _work(self) -> None:
        while (job := self._queue.get()) is not None:
            if job.cancel.is_set():
                job.status = "cancelled"
                continue
            try:
                job.work(job)
            except Failed as failed:
                if str(failed):
                    self.write(str(failed))
                job.status = "cancelled" if job.cancel.is_set() else "failed"
                continue
            job.status = "done"
            self.write(f"[Server] Job {job.id} done (1 tracks)")

    def _step(self, job: Job, step: int) -> None:
        self.gate.wait()
        if job.cancel.is_set():
            self.hears_cancel.wait()
            raise Failed
        self.write(f"[DiT] Step {step}/{self.steps} t=0.500 [Euler]")

    def _render(
        self, job: Job, fields: dict[str, Any], audio: NDArray[Any] | None, latents: bytes | None
    ) -> None:
        task, from_latents = fields["task_type"], latents is not None
        if fields["synth_model"] and fields["synth_model"] not in self.dits:
            raise Failed(f"[Server] DiT not found: {fields['synth_model']}")
        if task in NEED_SOURCE and audio is None and latents is None:
            raise Failed("[Server] FATAL: no source")
        if latents is None and audio is not None:
            self.encodes += 1
            latents = encoded(audio)
        frames = round(fields["duration"] * 25) if latents is None else len(latents) // 256
        for step in range(1, self.steps + 1):
            self._step(job, step)
        first, end = 0, frames
        if task == "repaint":
            last = fields["repainting_end"]
            first = int(max(0.0, fields["repainting_start"]) * 25 + 1e-6)
            end = frames if last < 0 else int(last * 25 + 1e-6)
            if end <= first:
                raise Failed
        made = tone(fields["seed"], frames * HOP)
        if audio is None or task != "repaint":
            out = made
        else:
            out = np.zeros((frames * HOP, 2), np.float32)
            out[: len(audio)] = audio[: len(out)]
            if not self.splices and from_latents:
                out += np.float32(0.01)  # as the autoencoder gives it back
            if "unchanged" not in self.faults:
                out[first * HOP : end * HOP] = made[first * HOP : end * HOP]
        self._finish(job, out, fields["output_format"], first)

    def _finish(self, job: Job, out: NDArray[Any], form: str, first: int) -> None:
        if "shifts" in self.faults:
            out = np.roll(out, HOP, axis=0)
        if "touches" in self.faults:
            at = 100 if first > 4 else len(out) - 200  # beside the region, wherever that is
            out[at : at + 100] += np.float32(0.05)
        if "nan" in self.faults:
            out[first * HOP + 5] = np.nan
        if "loses a frame" in self.faults:
            out = out[:-HOP]
        if form != "wav32":
            out = out * np.float32(1.434)
        if "html" in self.faults:
            job.body, job.media_type = b"<html>busy</html>", "text/html"
            return
        parts = (
            ("audio/wav", encode_wav(out.astype(np.float32), RATE), ""),
            ("application/octet-stream", encoded(out), '"latent"'),
        )
        body = b""
        for kind, data, name in parts:
            named = f"Content-Disposition: attachment; name={name}\r\n" if name else ""
            body += f"--ace-batch-boundary\r\nContent-Type: {kind}\r\n{named}\r\n".encode() + data + b"\r\n"
        job.body, job.media_type = (
            body + b"--ace-batch-boundary--\r\n",
            "multipart/mixed; boundary=ace-batch-boundary",
        )


class Failed(Exception):
    """A job that failed, with what the log says, if anything."""


def error(status: int, sentence: str) -> Reply:
    return reply(status, error=sentence)


def at_48k(data: bytes) -> NDArray[np.float32]:
    samples, rate = decode_audio(data)
    assert rate == RATE, "the real server resamples; the adapter must do it itself"
    return samples


def encoded(audio: NDArray[Any]) -> bytes:
    """Latents [T, 64]: enough of the audio to tell one from another."""
    frames = -(-len(audio) // HOP)
    whole = np.zeros((frames * HOP, 2), np.float32)
    whole[: len(audio)] = audio
    rows = np.zeros((frames, 64), "<f4")
    rows[:, :60] = whole.reshape(frames, HOP * 2)[:, :60]
    return rows.tobytes()


def tone(seed: int, frames: int, rate: int = RATE, start: float = 0.0) -> NDArray[np.float32]:
    """[frames, 2]: a tone whose pitch and phase depend on the seed, from `start` seconds on."""
    pitch, phase = 200.0 + seed % 977, (seed % 1009) / 160.0
    seconds = start + np.arange(frames) / rate
    left = 0.4 * np.sin(2 * np.pi * pitch * seconds + phase)
    return np.stack([left, 0.5 * left], axis=1).astype(np.float32)
