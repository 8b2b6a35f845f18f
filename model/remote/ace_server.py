"""The protocol of acestep.cpp's `ace-server`: what it has, its jobs and their results.

Facts of its versions up to July 2026, from its source (github.com/ServeurpersoCom/acestep.cpp, tools/ace-server.cpp)
and from running it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model.errors import EngineError, NotLoaded, RenderLost
from model.pace import Pace
from model.remote.http_link import GOING_ON, Answer, HttpLink, read_json

LATENT_BYTES = 64 * 4
"""Of a frame of latents: 64 floats."""
NEEDED = frozenset(
    ("caption", "lyrics", "task_type", "track", "seed", "duration", "repainting_start", "repainting_end",
     "output_format", "synth_model", "synth_batch_size")
)  # fmt: skip
"""Request fields without which nothing can be asked exactly: a server ignores in silence what it does not know."""
_BOUNDARY = re.compile(r'boundary="?([^";,\s]+)"?')
_JOB = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class AceProps:
    """What a server has. dits: its checkpoints. vaes: its autoencoders. fields: all request fields it reads."""

    version: str
    dits: tuple[str, ...]
    vaes: tuple[str, ...]
    adapters: tuple[str, ...]
    fields: frozenset[str]


class AceServer:
    """One ace-server, over a link. Every call raises EngineError."""

    def __init__(self, link: HttpLink) -> None:
        self._link = link

    def props(self, pace: Pace) -> AceProps:
        """Raises NotLoaded for a server that is another program, or too old to be asked exactly."""
        answer = self._link.get("/props", pace)
        if not answer.good:
            raise self._other(answer)
        try:
            found = read_json(answer.body)
            models, defaults = found["models"], found["default"]
            props = AceProps(
                str(found.get("version", "")),
                _names(models["dit"]),
                _names(models["vae"]),
                _names(found.get("adapters", [])),
                frozenset(map(str, defaults)),
            )
            whole = all(_names(models[kind]) for kind in ("dit", "embedding", "vae"))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._other(answer) from error
        if missing := sorted(NEEDED - props.fields):
            raise NotLoaded(
                f"{self._link.name} at {self._link.address.host} (version {props.version or 'unknown'}) is too old: "
                f"it does not know {', '.join(missing)}.",
                "Build a version of July 2026 or newer.",
            )
        if not whole:
            raise NotLoaded(
                f"{self._link.name} at {self._link.address.host} has no models to render with.",
                "Give it a transformer, a text encoder and an autoencoder: its option --models names their folder.",
            )
        return props

    def begin(self, path: str, fields: Mapping[str, Any], files: Mapping[str, bytes], pace: Pace) -> str:
        """Starts a job; returns its id. A job that starts after the render was cancelled is cancelled too."""
        text = json.dumps(fields, ensure_ascii=False)
        if files:
            parts = {name: (name, data, "application/octet-stream") for name, data in files.items()}
            given: dict[str, Any] = {"data": {"request": text}, "files": parts}
        else:
            given = {"content": text.encode(), "headers": {"Content-Type": "application/json"}}

        def too_late(answer: Answer) -> None:
            self.cancel(self._job_of(answer))

        return self._job_of(self._link.ask("POST", path, pace, too_late, **given))

    def status(self, job: str, pace: Pace) -> str:
        """ "running", "done", "failed" or "cancelled"; "" for a job it knows nothing of."""
        answer = self._link.get("/job", pace, id=job)
        if answer.status == 404:
            return ""
        try:
            return str(read_json(answer.body)["status"])
        except (ValueError, KeyError, TypeError) as error:
            raise self._link.refused(answer, said(answer)) from error

    def result(self, job: str, pace: Pace) -> Answer:
        """A finished job's result as it came. Raises RenderLost for one that was dropped meanwhile."""
        answer = self._link.get("/job", pace, id=job, result="1")
        if answer.status == 404:
            raise self.lost()
        if not answer.good:
            raise self._link.refused(answer, said(answer))
        return answer

    def cancel(self, job: str) -> None:
        """Asks for a cancel, and waits for nothing: it is answered at once, and takes effect later."""
        asked = {"id": job, "cancel": "1"}

        def ask(link: HttpLink) -> None:
            link.post("/job", GOING_ON, params=asked)

        self._link.aside(ask)

    def lost(self) -> RenderLost:
        """Why a job is gone."""
        return RenderLost(
            f"{self._link.name} knows nothing of the job any more: it was started again, or has had 32 others since.",
            "Ask again.",
        )

    def _job_of(self, answer: Answer) -> str:
        try:
            job = read_json(answer.body)["id"] if answer.good else ""
        except (ValueError, KeyError, TypeError):
            job = ""
        if not isinstance(job, str) or not _JOB.fullmatch(job):
            raise self._link.refused(answer, said(answer))
        return job

    def _other(self, answer: Answer) -> EngineError:
        if answer.status in (401, 403):
            return self._link.refused(answer)
        return NotLoaded(
            f"What answers at {self._link.address.url} is not {self._link.name}.",
            "Correct the engine's start option address.",
        )


def said(answer: Answer) -> str:
    """The server's own sentence in an answer that refuses; "" without one."""
    try:
        found = read_json(answer.body)["error"]
    except (ValueError, KeyError, TypeError):
        return ""
    return found if isinstance(found, str) else ""


def first_audio(answer: Answer) -> bytes:
    """The sound file of a result: of several parts the first that is audio. Raises ValueError."""
    if answer.media_type.startswith("audio/"):
        return answer.body
    found = _BOUNDARY.search(answer.media_type)
    if not answer.media_type.startswith("multipart/") or found is None:
        raise ValueError(f"a result of type {answer.media_type!r}")
    for headers, body in _parts(answer.body, found[1].encode()):
        if b"content-type: audio/" in headers.lower():
            return body
    raise ValueError("a result without audio")


def _parts(body: bytes, boundary: bytes) -> list[tuple[bytes, bytes]]:
    """Headers and content of each part. Not by `email`, which reads lines and takes minutes for as much audio."""
    marked = b"\r\n" + body
    found = []
    for part in marked.split(b"\r\n--" + boundary)[1:]:
        if part.startswith(b"--"):
            break
        headers, _, content = part.partition(b"\r\n\r\n")
        found.append((headers, content))
    return found


def _names(found: Any) -> tuple[str, ...]:
    if not isinstance(found, list):
        raise TypeError("a list of names")
    return tuple(str(name) for name in found)
