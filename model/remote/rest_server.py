"""The protocol of the official server, `acestep-api`: what it has, its tasks and their results.

Facts of its versions up to June 2026, from its source (github.com/ace-step/ACE-Step-1.5, acestep/api) and from running
it. It says yes to everything, gives no reasons, cancels nothing and forgets everything when it is started again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model.errors import CannotRender, EngineError, NotLoaded
from model.pace import Pace
from model.remote.http_link import Answer, HttpLink, read_json

SERVICE = "ACE-Step API"
WAITING, DONE, FAILED = 0, 1, 2


@dataclass(frozen=True)
class RestModel:
    """A checkpoint of the server. tasks: those it lists for it; None where it lists none."""

    name: str
    first: bool = False
    tasks: frozenset[str] | None = None


@dataclass(frozen=True)
class RestStats:
    """Jobs since the server was started, and how many wait or run. seconds: what a job takes on average."""

    total: int
    waiting: int
    seconds: float


@dataclass(frozen=True)
class RestTask:
    """Where a task is. known: whether the server says anything of it; it does not of a lost one, nor at the beginning.

    stage: "queued", "running", "generating" ..., fraction: 0..1. file: of its audio, relative to the server.
    """

    status: int
    known: bool
    stage: str = ""
    fraction: float = 0.0
    file: str = ""
    model: str = ""


class RestServer:
    """One official server, over a link. Every call raises EngineError."""

    def __init__(self, link: HttpLink) -> None:
        self._link = link

    def version(self, pace: Pace) -> str:
        """Raises NotLoaded for another program."""
        answer = self._link.get("/health", pace)
        try:
            found = read_json(answer.body)["data"]
            if found["status"] != "ok" or found.get("service", SERVICE) != SERVICE:
                raise ValueError("another service")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NotLoaded(
                f"What answers at {self._link.address.url} is not {self._link.name}.",
                "Correct the engine's start option address.",
            ) from error
        return str(found.get("version", ""))

    def models(self, pace: Pace) -> tuple[RestModel, ...]:
        """Its checkpoints, the one it has loaded first. Raises NotLoaded without any."""
        answer = self._link.get("/v1/model_inventory", pace)
        if answer.status == 404:  # versions before it
            answer = self._link.get("/v1/models", pace)
        found = self._data(answer)
        listed = found.get("models", found.get("data")) if isinstance(found, dict) else found
        try:
            models = [_model(one) for one in listed or ()]
        except (KeyError, TypeError, AttributeError) as error:
            raise self._link.refused(answer) from error
        if not models:
            raise NotLoaded(
                f"{self._link.name} at {self._link.address.host} has no models to render with.",
                "Load one in that server.",
            )
        return tuple(sorted(models, key=lambda one: not one.first))

    def stats(self, pace: Pace) -> RestStats:
        """How many jobs there are."""
        answer = self._link.get("/v1/stats", pace)
        found = self._data(answer)
        try:
            jobs = found["jobs"]
            waiting = int(jobs.get("queued", 0)) + int(jobs.get("running", 0))
            return RestStats(int(jobs["total"]), waiting, float(found.get("avg_job_seconds", 0.0)))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise self._link.refused(answer) from error

    def begin(self, fields: Mapping[str, Any], audio: bytes | None, pace: Pace) -> str:
        """Starts a task; returns its id. One that starts after a cancel goes on: the server cancels nothing."""
        if audio is None:
            answer = self._link.post("/release_task", pace, json=dict(fields))
        else:
            # As one JSON text: a form's own fields would lose which of them are numbers and lists.
            data, file = {"param_obj": json.dumps(fields)}, ("song.wav", audio, "audio/wav")
            answer = self._link.post("/release_task", pace, data=data, files={"src_audio": file})
        found = self._data(answer)
        task = found.get("task_id") if isinstance(found, dict) else None
        if not isinstance(task, str) or not task:
            raise self._link.refused(answer)
        return task

    def tasks(self, ids: tuple[str, ...], pace: Pace) -> dict[str, RestTask]:
        """Where each task is; one that the server says nothing of is not known."""
        answer = self._link.post("/query_result", pace, json={"task_id_list": list(ids)})
        found = {one: RestTask(WAITING, False) for one in ids}
        listed = self._data(answer)
        for record in listed if isinstance(listed, list) else []:
            try:
                if record["task_id"] in found:
                    found[record["task_id"]] = _task(record)
            except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
                raise self._link.refused(answer) from error
        return found

    def audio(self, task: RestTask, pace: Pace) -> bytes:
        """The sound file of a task that is done."""
        if not task.file.startswith("/v1/audio?"):
            raise CannotRender(
                f"{self._link.name} at {self._link.address.host} answered something else than was asked for.",
                "Check the address, and that the server is of a version named in docs/servers.md.",
            )
        answer = self._link.get(task.file, pace)
        if not answer.good:
            raise self._link.refused(answer, _said(answer))
        return answer.body

    def _data(self, answer: Answer) -> Any:
        """What the envelope holds. Raises the error for anything else."""
        try:
            envelope = read_json(answer.body)
        except ValueError as error:
            raise self._link.refused(answer) from error
        if not answer.good or not isinstance(envelope, dict) or "data" not in envelope:
            raise self._refused(answer)
        if envelope.get("error"):
            raise CannotRender(
                f"{self._link.name} refused the request: {str(envelope['error'])[:300]}",
                "Change the request, or see the log of that server.",
            )
        return envelope["data"]

    def _refused(self, answer: Answer) -> EngineError:
        return self._link.refused(answer, _said(answer))


def _said(answer: Answer) -> str:
    """The server's own words in an answer that refuses."""
    try:
        found = read_json(answer.body)
        return str(found.get("error") or found.get("detail") or "")
    except (ValueError, AttributeError):
        return ""


def _model(one: Mapping[str, Any]) -> RestModel:
    tasks = one.get("supported_task_types")
    first = bool(one.get("is_default") or one.get("is_loaded"))
    listed = None if tasks is None else frozenset(map(str, tasks))
    return RestModel(str(one.get("name") or one["id"]), first, listed)


def _task(record: Mapping[str, Any]) -> RestTask:
    """`progress_text` is left out: it is the last line of the whole server's log, perhaps of another's song."""
    status = int(record["status"])
    results = read_json(record.get("result") or "[]")
    first = results[0] if isinstance(results, list) and results else {}
    fraction = first.get("progress")
    return RestTask(
        status=status,
        known=bool(first) or status != WAITING,
        stage=str(first.get("stage") or ""),
        fraction=min(1.0, max(0.0, float(fraction))) if isinstance(fraction, (int, float)) else 0.0,
        file=str(first.get("file") or ""),
        model=str(first.get("dit_model") or ""),
    )
