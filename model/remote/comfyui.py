"""The engine that runs a producer's own ComfyUI workflow: source, region, prompt and seed go in, its sound comes back.

What the workflow does is its own business. Its sound is taken from the region only; beside it, where an autoencoder
gives the song back a little different, it must still be the same song at the same time.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from model.acestep.conditioning.prompts import INSTRUMENTAL, UNKNOWN_LANGUAGE
from model.engine import (
    Capability,
    EngineDescription,
    OnProgress,
    Rendered,
    RenderRequest,
    ShouldStop,
    Task,
    TextLimit,
)
from model.errors import CannotRender, NotLoaded, RenderStopped
from model.pace import Pace
from model.remote.comfy_events import ComfyEvents
from model.remote.comfy_server import ComfyFile, ComfyServer, no_sound
from model.remote.comfy_workflow import Workflow, read_workflow
from model.remote.http_link import HttpLink
from model.remote.order import Order
from model.remote.remote_engine import (
    Offer,
    RemoteEngine,
    ServerAudio,
    ServerConfig,
    no_audio,
    not_rendered,
)
from model.remote.returned_audio import Returned, checked_alike
from model.remote.waiting import rest
from model.remote.wav_audio import decode_audio, encode_wav

POLL_SECONDS = 0.4
LOST_POLLS = 3
INPUTS = ("source", "start", "end", "prompt", "seed")
ONE_TAKE = "The workflow has no input for the seed (comfyui.seed), so every take would be the same."
REGIONS = (Task.REPAINT, Task.COMPLETE)
_NEEDS = {
    **dict.fromkeys(REGIONS, ("source", "start", "end")),
    Task.COVER: ("source",),
    Task.GENERATE: (),
}
"""The inputs a workflow must have for a task."""


@dataclass(frozen=True)
class ComfyConfig(ServerConfig):
    """How the engine was set up. workflow: a file in ComfyUI's format for programs.

    source: the input that names the sound file to load, as NODE.INPUT; start, end: the region in seconds of that file;
    prompt, seed: those; "" for those it has not. output: the node that saves the result.
    """

    workflow: str = ""
    source: str = ""
    start: str = ""
    end: str = ""
    prompt: str = ""
    seed: str = ""
    output: str = ""


OFF_COMFY = ComfyConfig()


class ComfyEngine(RemoteEngine):
    """Implements model.engine.Engine."""

    config_type = ComfyConfig
    name = "comfyui"
    label = "ComfyUI"
    program = "ComfyUI"
    default_address = "http://127.0.0.1:8188"
    start = "Start ComfyUI, or correct the start option comfyui.address."
    reproducible = None
    named = "named by the workflow, not verified"
    options: ClassVar[Mapping[str, str]] = {}
    tracks = ()
    instruments = ()
    lyrics = TextLimit(tokens=0)
    languages = ()
    lyric_tags = ()

    def __init__(self, config: ComfyConfig = OFF_COMFY) -> None:
        super().__init__(config)
        self._comfy = config

    def workflow(self) -> Workflow:
        """The producer's workflow. Raises NotLoaded."""
        if not self._comfy.workflow:
            raise NotLoaded(
                "The engine comfyui has no workflow.",
                "Name its file: --engine-option comfyui.workflow=FILE; see docs/servers.md.",
            )
        inputs = {name: str(getattr(self._comfy, name)) for name in INPUTS}
        return read_workflow(self._comfy.workflow, inputs, self._comfy.output)

    def look(self, link: HttpLink, pace: Pace) -> Offer:
        server = ComfyServer(link)
        version = server.version(pace)
        if self._address is None:  # it was found, and nobody has set it up
            return Offer((), "", version)
        flow = self.workflow()
        for kind in flow.classes:
            if not server.has_node(kind, pace):
                raise NotLoaded(
                    f"The workflow needs the node {kind}, which this ComfyUI has not.",
                    "Install its node pack in ComfyUI, or use another workflow.",
                )
        return Offer(tuple(comfy_capability(task, flow) for task in Task), self._models(flow), version)

    def describe(self) -> EngineDescription:
        return replace(super().describe(), one_take="" if self._comfy.seed else ONE_TAKE)

    def render(
        self, request: RenderRequest, progress: OnProgress, should_stop: ShouldStop
    ) -> Iterator[Rendered]:
        """See model.engine.Engine. Raises CannotRender for a second take that could only be the first again."""
        if max(request.takes) > 0 and not self._comfy.seed:
            raise CannotRender(ONE_TAKE, "Ask for one take.")
        yield from super().render(request, progress, should_stop)

    def ask(self, order: Order, link: HttpLink, pace: Pace) -> ServerAudio:
        server, flow = ComfyServer(link), self.workflow()
        version = server.version(pace)
        values: dict[str, object] = {"prompt": order.caption, "seed": order.seed}
        if order.zone is not None:
            values["start"], values["end"] = order.zone_seconds
        if order.sent is not None:
            pace.at("sending the song to the server", 0.0)
            wav = encode_wav(order.sent.samples, 48_000)
            values["source"] = server.upload(f"{hashlib.sha256(wav).hexdigest()[:24]}.wav", wav, pace)
        job, client = str(uuid.uuid4()), uuid.uuid4().hex
        assert self._address is not None, "there is a link"
        with ComfyEvents(self._address, self._config.token, client) as events:
            try:
                server.begin(flow.filled(values), job, client, pace)
                found = self._finished(job, flow.output, server, events, pace.part(0.05, 0.95))
            except RenderStopped:
                server.cancel(job)
                raise
        try:
            samples, rate = decode_audio(server.file(found, pace))
        except ValueError as error:
            raise no_audio(self.program) from error
        figures: dict[str, object] = {
            "server_version": version,
            "workflow": Path(self._comfy.workflow).name,
            "server_seed": order.seed if "seed" in flow.inputs else None,
        }
        return ServerAudio(samples, rate, self._models(flow), figures, not_told(order, flow))

    def check(self, order: Order, found: ServerAudio) -> Returned:
        return checked_alike(order, found.samples, found.rate, self.program)

    def _finished(
        self, job: str, output: str, server: ComfyServer, events: ComfyEvents, pace: Pace
    ) -> ComfyFile:
        """The sound of the output node, once the workflow is over."""
        unknown = 0
        while True:
            found = server.job(job, output, pace)
            if found.done and found.trouble:
                raise not_rendered(self.program, found.trouble)
            if found.done:
                if not found.files:
                    raise no_sound(output)
                return found.files[0]
            unknown = 0 if found.known else unknown + 1
            if unknown >= LOST_POLLS:
                raise server.lost()
            if found.before:
                pace.at(f"waiting on the server, {found.before} before this", 0.0)
            elif (step := events.step) is not None:
                pace.at(f"rendering on the server, step {step[0]} of {step[1]}", step[0] / step[1])
            else:
                pace.aside("rendering on the server")
            rest(POLL_SECONDS, pace)

    def _models(self, flow: Workflow) -> str:
        return ", ".join(flow.models) or Path(self._comfy.workflow).name


def not_told(order: Order, flow: Workflow) -> tuple[str, ...]:
    """What of a request made no difference, since the workflow has no input for it."""
    notes = (
        (
            "prompt" not in flow.inputs and order.caption.strip(),
            "The workflow has no input for the prompt: it made no difference.",
        ),
        ("seed" not in flow.inputs, "The workflow has no input for the seed: it made no difference."),
        (order.lyrics not in ("", INSTRUMENTAL), "A workflow gets no lyrics: they made no difference."),
        (order.language != UNKNOWN_LANGUAGE, "A workflow gets no language: it made no difference."),
        (order.strength != 0.5, "A workflow gets no strength: it made no difference."),
    )
    return tuple(note for applies, note in notes if applies)


def comfy_capability(task: Task, flow: Workflow) -> Capability:
    """Whether a workflow has the inputs a task needs."""
    if task not in _NEEDS:
        return Capability(
            task, False, f"A workflow is run for repaint, complete, cover and generate, not for {task.value}.",
            "Use another engine.",
        )  # fmt: skip
    if missing := [name for name in _NEEDS[task] if name not in flow.inputs]:
        return Capability(
            task,
            False,
            f"The workflow is not told its {' and '.join(missing)}.",
            f"Name where they go in: --engine-option comfyui.{missing[0]}=NODE.INPUT.",
        )
    if task not in REGIONS and {"start", "end"} & set(flow.inputs):  # those of the file would be left in
        return Capability(
            task, False, "This workflow renders a region of a song.", "Use a workflow without start and end."
        )
    if task is Task.GENERATE and "source" in flow.inputs:
        return Capability(
            task, False, "This workflow starts from a song.", "Use a workflow without source for new songs."
        )
    return Capability(task, True)
