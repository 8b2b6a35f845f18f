"""The protocol of ComfyUI's server: files up and down, a workflow put into the queue, where it is, cancelling it.

Facts of its versions up to 2026, from its source (github.com/Comfy-Org/ComfyUI, server.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from model.errors import CannotRender, NotLoaded, RenderLost
from model.pace import Pace
from model.remote.http_link import GOING_ON, Answer, HttpLink, read_json

FOLDER = "takebridge"
"""Of the input files, inside ComfyUI's own folder for them."""


@dataclass(frozen=True)
class ComfyFile:
    """A file of a finished workflow, as ComfyUI names it."""

    name: str
    subfolder: str
    kind: str


@dataclass(frozen=True)
class ComfyJob:
    """Where a workflow is. before: how many are before it; None once it runs or is over. done: it is over.

    trouble: why it failed, in ComfyUI's own words; "" where it did not.
    """

    known: bool
    done: bool = False
    before: int | None = None
    files: tuple[ComfyFile, ...] = ()
    trouble: str = ""


class ComfyServer:
    """One ComfyUI, over a link. Every call raises EngineError."""

    def __init__(self, link: HttpLink) -> None:
        self._link = link

    def version(self, pace: Pace) -> str:
        """Raises NotLoaded for another program."""
        answer = self._link.get("/system_stats", pace)
        try:
            return str(read_json(answer.body)["system"].get("comfyui_version", ""))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NotLoaded(
                f"What answers at {self._link.address.url} is not {self._link.name}.",
                "Correct the engine's start option address.",
            ) from error

    def has_node(self, kind: str, pace: Pace) -> bool:
        """Whether it knows a kind of node."""
        answer = self._link.get("/object_info/" + quote(kind, safe=""), pace)
        try:
            return answer.good and kind in read_json(answer.body)
        except (ValueError, TypeError):
            return False

    def upload(self, name: str, data: bytes, pace: Pace) -> str:
        """The file as a node that loads one names it."""
        given = {"type": "input", "subfolder": FOLDER, "overwrite": "true"}
        answer = self._link.post(
            "/upload/image", pace, data=given, files={"image": (name, data, "audio/wav")}
        )
        found = self._read(answer)
        try:
            return f"{found['subfolder']}/{found['name']}" if found.get("subfolder") else str(found["name"])
        except (KeyError, TypeError, AttributeError) as error:
            raise self._link.refused(answer) from error

    def begin(self, graph: Mapping[str, Any], job: str, client: str, pace: Pace) -> None:
        """Queues a workflow under this id; one that is queued after a cancel is taken out again."""
        given = {"prompt": graph, "client_id": client, "prompt_id": job}
        answer = self._link.ask("POST", "/prompt", pace, lambda _: self.cancel(job), json=given)
        found = self._read(answer)
        if not isinstance(found, dict) or found.get("prompt_id") != job:
            raise self._link.refused(answer)

    def job(self, job: str, output: str, pace: Pace) -> ComfyJob:
        """Where it is. output: the node whose files are wanted."""
        answer = self._link.get(f"/history/{job}", pace)
        try:
            record = self._read(answer).get(job)
            if record is not None:
                return _over(record, output)
            answer = self._link.get("/queue", pace)
            queue = self._read(answer)
            running = [entry[1] for entry in queue["queue_running"]]
            pending = [entry[1] for entry in sorted(queue["queue_pending"], key=lambda entry: entry[0])]
        except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
            raise self._link.refused(answer) from error
        if job in running:
            return ComfyJob(True)
        if job in pending:
            return ComfyJob(True, before=pending.index(job) + len(running))
        return ComfyJob(False)

    def file(self, found: ComfyFile, pace: Pace) -> bytes:
        """The content of a file."""
        params = {"filename": found.name, "subfolder": found.subfolder, "type": found.kind}
        answer = self._link.get("/view", pace, **params)
        if not answer.good:
            raise self._link.refused(answer)
        return answer.body

    def cancel(self, job: str) -> None:
        """Waits for nothing. Versions of before 2026 know another way."""

        def ask(link: HttpLink) -> None:
            if link.post(f"/api/jobs/{job}/cancel", GOING_ON).good:
                return
            link.post("/queue", GOING_ON, json={"delete": [job]})
            running = read_json(link.get("/queue", GOING_ON).body)["queue_running"]
            if any(entry[1] == job for entry in running):  # an old version would stop whatever runs
                link.post("/interrupt", GOING_ON, json={"prompt_id": job})

        self._link.aside(ask)

    def lost(self) -> RenderLost:
        """Why a job is gone."""
        return RenderLost(
            "ComfyUI knows nothing of the workflow any more: it was started again.", "Ask again."
        )

    def _read(self, answer: Answer) -> Any:
        try:
            found = read_json(answer.body)
        except ValueError as error:
            raise self._link.refused(answer) from error
        if not answer.good:
            raise self._link.refused(answer, said(found))
        return found


def said(found: Any) -> str:
    """What a refusal says: the error, and the first node's own."""
    try:
        words = [found["error"]["message"]]
        for node, trouble in (found.get("node_errors") or {}).items():
            first = trouble["errors"][0]
            words.append(f"node {node}: {first['message']} {first.get('details', '')}".strip())
            break
    except (KeyError, TypeError, IndexError, AttributeError):
        return ""
    return "; ".join(str(word) for word in words)


def _over(record: Mapping[str, Any], output: str) -> ComfyJob:
    status = record.get("status") or {}
    trouble = ""
    if status.get("status_str") == "error":
        told = {name: data for name, data in status.get("messages", []) if isinstance(data, dict)}
        broken = told.get("execution_error", {})
        words = (broken.get("node_type"), broken.get("exception_message"))
        trouble = ": ".join(str(word).strip() for word in words if word) or ", ".join(told)
    listed = (record.get("outputs") or {}).get(output, {}).get("audio", [])
    files = tuple(
        ComfyFile(str(one["filename"]), str(one.get("subfolder", "")), str(one.get("type", "output")))
        for one in listed
    )
    return ComfyJob(True, done=True, files=files, trouble=trouble)


def no_sound(output: str) -> CannotRender:
    """A workflow that ran and saved nothing where it should have."""
    return CannotRender(
        f"The workflow's node {output} saved no sound.", "Name the node that saves it: comfyui.output=NODE."
    )
