"""A strict double of the official server, `acestep-api`, without weights: it takes and refuses what the real one does.

Each behaviour is that of the real server of June 2026, as read in its source (acestep/api) or measured by running it
with a tiny checkpoint: the envelope; yes to every task; lengths floored to 1920 samples and at least 5.12 s; every file
at a peak of -1 dBFS; ramps of 25 ms outside the region; two files where no batch size is given; other music for
the same seed; 16 bits as FLAC; "waiting" for ids it does not know; failures without a reason; a progress text that is
the last line of everybody's log; no cancel; everything forgotten by a restart. Its music is a tone.
"""

from __future__ import annotations

import io
import json
import threading
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import numpy as np
import soundfile
from numpy.typing import NDArray

from model.remote.wav_audio import decode_audio, encode_wav
from tests.model.remote.ace_double import tone
from tests.model.remote.http_double import HttpDouble, Reply, Request

HOP, RATE = 1920, 48_000
LEAST_FRAMES = 245_760
RAMP = 1200
PEAK = 10 ** (-1 / 20)
BASE = ("text2music", "repaint", "cover", "extract", "lego", "complete")
TURBO = BASE[:3]
FIELDS = {
    "prompt", "lyrics", "thinking", "model", "bpm", "key_scale", "time_signature", "vocal_language",
    "inference_steps", "guidance_scale", "use_random_seed", "seed", "audio_duration", "batch_size",
    "repainting_start", "repainting_end", "audio_cover_strength", "cover_noise_strength", "task_type",
    "chunk_mask_mode", "repaint_mode", "repaint_strength", "shift", "audio_format", "use_cot_caption",
    "use_cot_language", "track_name", "track_classes",
}  # fmt: skip
"""Of its request model, those a client of ours has a use for."""


@dataclass
class Task:
    fields: dict[str, Any]
    audio: NDArray[np.float32] | None
    stage: str = "queued"
    progress: float = 0.0
    status: int = 0
    files: list[str] = field(default_factory=list)


class RestDouble(HttpDouble):
    """faults: "shifts", "touches", "nan", "unchanged", "fails". key: of its clients, "" for none.

    gate: a task goes on past its beginning once it is set; it is open by default.
    """

    def __init__(
        self, *faults: str, models: tuple[str, ...] = ("acestep-v15-base", "acestep-v15-turbo")
    ) -> None:
        super().__init__()
        self.faults = set(faults)
        self.models = models
        self.key = ""
        self.full = False
        self.inventory = True
        self.gate = threading.Event()
        self.gate.set()
        self.tasks: dict[str, Task] = {}
        self.files: dict[str, bytes] = {}
        self.unknown_fields: set[str] = set()
        self._numbers = iter(range(1, 1 << 30))

    def restart(self) -> None:
        self.tasks.clear()
        self.files.clear()

    def answer(self, asked: Request) -> Reply:
        if (
            self.key
            and asked.path != "/health"
            and asked.headers.get("authorization") != f"Bearer {self.key}"
        ):
            return Reply(b'{"detail":"Invalid API key"}', 401)
        match asked.method, asked.path:
            case "GET", "/health":
                return wrapped(
                    {"status": "ok", "service": "ACE-Step API", "version": "1.0", "models_initialized": True}
                )
            case "GET", "/v1/model_inventory" if self.inventory:
                return wrapped(
                    {"models": [self._model(name) for name in self.models], "default_model": self.models[0]}
                )
            case "GET", "/v1/models":
                return wrapped({"data": [{"id": name, "name": name} for name in self.models]})
            case "GET", "/v1/stats":
                running = sum(task.status == 0 for task in self.tasks.values())
                jobs = {"total": len(self.tasks), "queued": 0, "running": running}
                return wrapped({"jobs": jobs, "queue_size": 0, "queue_maxsize": 200, "avg_job_seconds": 5.0})
            case "POST", "/release_task":
                return self._release(asked)
            case "POST", "/query_result":
                return self._query(asked)
            case "GET", "/v1/audio":
                found = self.files.get(asked.query.get("path", ""))
                return (
                    Reply(b'{"detail":"Access denied"}', 403)
                    if found is None
                    else Reply(found, 200, "audio/wav")
                )
        return Reply(b'{"detail":"Not Found"}', 404)

    def _model(self, name: str) -> dict[str, Any]:
        tasks = TURBO if "turbo" in name else BASE
        first = name == self.models[0]
        return {"name": name, "is_default": first, "is_loaded": first, "supported_task_types": list(tasks)}

    def _release(self, asked: Request) -> Reply:
        if self.full:
            return Reply(b'{"detail":"Server busy: queue is full"}', 429)
        kind = asked.headers.get("content-type", "")
        try:
            if kind.startswith("application/json"):
                given = asked.json()
            elif kind.startswith("multipart/form-data"):
                given = json.loads(asked.parts["param_obj"])
            else:
                return Reply(b'{"detail":"Unsupported Content-Type"}', 415)
        except (ValueError, KeyError):
            return Reply(b'{"detail":"Invalid JSON"}', 400)
        self.unknown_fields |= set(given) - FIELDS
        audio = None
        if "src_audio" in asked.parts:
            audio, rate = decode_audio(asked.parts["src_audio"])
            assert rate == RATE, "the real one resamples; the adapter must do it itself"
        name = f"task-{next(self._numbers)}"
        task = self.tasks[name] = Task(given, audio)
        threading.Thread(target=self._work, args=(name, task), daemon=True).start()
        return wrapped({"task_id": name, "status": "queued", "queue_position": 1})

    def _query(self, asked: Request) -> Reply:
        records = []
        for name in asked.json()["task_id_list"]:
            task = self.tasks.get(name)
            if task is None:
                records.append({"task_id": name, "status": 0, "result": "[]"})
                continue
            result = [{"stage": task.stage, "progress": task.progress, "status": task.status, "file": ""}]
            if task.status == 1:
                result = [
                    {"file": f"/v1/audio?path={quote(path, safe='')}", "stage": "succeeded", "progress": 1.0,
                     "status": 1, "dit_model": task.fields.get("model") or self.models[0]}
                    for path in task.files
                ]  # fmt: skip
            records.append(
                {"task_id": name, "status": task.status, "result": json.dumps(result),
                 "progress_text": "somebody else's secret song: 40%"}
            )  # fmt: skip
        return wrapped(records)

    # the work

    def _work(self, name: str, task: Task) -> None:
        task.stage, task.progress = "running", 0.01
        self.gate.wait()
        if "fails" in self.faults:
            task.stage, task.status = "failed", 2
            return
        task.stage, task.progress = "generating", 0.6
        for number in range(task.fields.get("batch_size") or 2):
            path = f"/srv/ace/tmp/{name}-{number}.wav"
            self.files[path] = self._made(task, next(self._numbers))
            task.files.append(path)
        task.progress, task.status = 1.0, 1

    def _made(self, task: Task, chance: int) -> bytes:
        """chance: other music for the same seed, as the real one's encoder draws."""
        fields, audio = task.fields, task.audio
        frames = round(fields.get("audio_duration", 30) * RATE) if audio is None else len(audio)
        frames = max(LEAST_FRAMES, frames // HOP * HOP)
        made = tone(int(fields["seed"]) + 13 * chance, frames)
        out = made
        if audio is not None and fields["task_type"] == "repaint":
            out = np.zeros((frames, 2), np.float32)
            out[: min(frames, len(audio))] = audio[:frames]
            start = round(fields["repainting_start"] * RATE)
            end = round((fields.get("repainting_end") or frames / RATE) * RATE)
            at = np.arange(frames)
            ramp = np.clip(np.minimum(at - (start - RAMP), (end + RAMP) - at) / RAMP, 0, 1)[:, None]
            if "unchanged" not in self.faults:
                out = (out * (1 - ramp) + made * ramp).astype(np.float32)
        out = (out * (PEAK / np.abs(out).max())).astype(np.float32)
        if "shifts" in self.faults:
            out = np.roll(out, HOP, axis=0)
        if "touches" in self.faults:
            at = 100 if fields.get("repainting_start", 0) > 0.2 else len(out) - 200  # beside the region
            out[at : at + 100] += np.float32(0.05)
        if "nan" in self.faults:
            out[len(out) // 2] = np.nan
        if fields.get("audio_format") == "wav32":
            return encode_wav(out, RATE)
        file = io.BytesIO()
        soundfile.write(file, out, RATE, format="FLAC", subtype="PCM_16")
        return file.getvalue()


def wrapped(data: Any) -> Reply:
    """The envelope of every answer."""
    return Reply(
        json.dumps({"data": data, "code": 200, "error": None, "timestamp": 0, "extra": None}).encode()
    )
