"""The engine that renders on a running official ACE-Step server (`acestep-api`).

It turns the whole song up or down, which is undone; it repeats no seed and cancels nothing, which is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from model.acestep.weights.capabilities import MODEL_TASK, ModelTask
from model.engine import Capability, Task
from model.errors import RenderLost, RenderStopped
from model.pace import Pace
from model.remote.dit_names import NO_WORDS, WORDS_ELSEWHERE, dit_traits, needs_base
from model.remote.http_link import HttpLink
from model.remote.options import number_of
from model.remote.order import Order
from model.remote.remote_engine import (
    OFF,
    Offer,
    RemoteConfig,
    RemoteEngine,
    ServerAudio,
    chosen_model,
    no_audio,
    not_rendered,
)
from model.remote.rest_server import DONE, FAILED, WAITING, RestModel, RestServer, RestStats, RestTask
from model.remote.waiting import rest
from model.remote.wav_audio import decode_audio, encode_wav

POLL_SECONDS = 0.5
LOST_POLLS = 3
"""How often in turn a task must be unknown before it is lost: at its very beginning the server says nothing either."""
EXTRACT_LOST_LEVEL = (
    "The official server scales every file to one peak, so the level of a stem in the mix is lost."
)
OTHER_FOR_STEMS = "Use the engine acestep-cpp, acestep or stems."
LEVEL_UNKNOWN = "This server scales every file to a peak of -1 dBFS: set the level of the take by ear."
_SENT, _RENDERED = 0.05, 0.95


class AcestepApiEngine(RemoteEngine):
    """Implements model.engine.Engine."""

    config_type = RemoteConfig
    name = "acestep-api"
    label = "ACE-Step API"
    program = "acestep-api"
    default_address = "http://127.0.0.1:8001"
    start = "Start it (acestep-api), or correct the start option acestep-api.address."
    reproducible = False
    options: ClassVar[Mapping[str, str]] = {
        "checkpoint": "the checkpoint to use, by the name it has there; by default the first that can do the task",
        "steps": "denoising steps, 1 to 200; by default the checkpoint's own",
        "guidance": "how closely to follow the prompt, 0 to 30; by default the checkpoint's own",
        "shift": "timestep shift, 0.1 to 10; by default the checkpoint's own",
    }

    def __init__(self, config: RemoteConfig = OFF) -> None:
        super().__init__(config)
        self._options = config
        self._left: tuple[
            str, ...
        ] = ()  # tasks that nobody waits for any more, and that the server goes on with

    def look(self, link: HttpLink, pace: Pace) -> Offer:
        server = RestServer(link)
        version, models = server.version(pace), server.models(pace)
        return Offer(tuple(rest_capability(task, models) for task in Task), models[0].name, version)

    def ask(self, order: Order, link: HttpLink, pace: Pace) -> ServerAudio:
        server = RestServer(link)
        version, models = server.version(pace), server.models(pace)
        able = [one.name for one in models if _does(one, order.task)] or [models[0].name]
        model = chosen_model(order, self._options, tuple(one.name for one in models), able[0], self.program)
        fields = rest_fields(order, model)
        wav = None if order.sent is None else encode_wav(order.sent.samples, 48_000)
        pace.at("sending the song to the server", 0.0)
        before = server.stats(pace)
        task = server.begin(fields, wav, pace)
        try:
            found = self._finished(task, server, before, pace.part(_SENT, _RENDERED))
            samples, rate = decode_audio(server.audio(found, pace))
        except RenderStopped:
            self._left = (*self._left, task)
            raise
        except ValueError as error:
            raise no_audio(self.program) from error
        notes = (LEVEL_UNKNOWN,) if order.sent is None or order.zone is None else ()
        figures = {"server_version": version, "steps": fields["inference_steps"], "shift": fields["shift"]}
        return ServerAudio(samples, rate, found.model or model, figures, notes)

    def _finished(self, task: str, server: RestServer, before: RestStats, pace: Pace) -> RestTask:
        """The task once it is done."""
        unknown = 0
        while True:
            found = server.tasks((task, *self._left), pace)
            ours = found[task]
            self._left = tuple(one for one in self._left if found[one].known and found[one].status == WAITING)
            if ours.status == DONE:
                return ours
            if ours.status == FAILED:
                raise not_rendered(self.program)
            unknown = 0 if ours.known else unknown + 1
            if unknown >= LOST_POLLS and _is_lost(server.stats(pace), before):
                raise RenderLost("acestep-api was started again, and has lost the job.", "Ask again.")
            self._show(ours, pace)
            rest(POLL_SECONDS, pace)

    def _show(self, ours: RestTask, pace: Pace) -> None:
        """Where the task is. Never the server's own text of it: that may be about another's song."""
        if self._left and ours.fraction < 0.02:
            pace.at("the server is still finishing what was cancelled", 0.0)
        elif ours.fraction < 0.02:
            pace.at("waiting on the server", 0.0)
        else:
            pace.at("decoding audio" if ours.fraction >= 0.8 else "rendering on the server", ours.fraction)


def _is_lost(now: RestStats, before: RestStats) -> bool:
    """Whether the server knows fewer jobs than before this one began, or none that waits or runs."""
    return now.total <= before.total or now.waiting == 0


def rest_capability(task: Task, models: tuple[RestModel, ...]) -> Capability:
    """Whether one of the checkpoints can do a task, by its kind: the server says yes to all."""
    if task not in MODEL_TASK:
        return Capability(task, False, NO_WORDS, WORDS_ELSEWHERE)
    if task is Task.EXTRACT:
        return Capability(task, False, EXTRACT_LOST_LEVEL, OTHER_FOR_STEMS)
    if any(_does(one, MODEL_TASK[task]) for one in models):
        return Capability(task, True)
    return Capability(task, False, *needs_base(task, models[0].name))


def _does(one: RestModel, task: ModelTask) -> bool:
    """By what is known of the checkpoint and, where it lists them, by the server's own list."""
    return dit_traits(one.name).does(task) and (one.tasks is None or task.value in one.tasks)


def rest_fields(order: Order, model: str) -> dict[str, Any]:
    """The request as the official server reads it. Raises CannotRender for options that are wrong.

    Everything is told: what is left out, the server fills with defaults that suit other tasks, two takes for one.
    """
    defaults = dit_traits(model).defaults
    steps = number_of(order.options, "steps", 1, 200, whole=True)
    guidance = number_of(order.options, "guidance", 0.0, 30.0)
    shift = number_of(order.options, "shift", 0.1, 10.0)
    fields: dict[str, Any] = {
        "task_type": order.task.value,
        "model": model,
        "prompt": order.caption,
        "lyrics": order.lyrics or ("[Instrumental]" if order.task is ModelTask.TEXT2MUSIC else ""),
        "vocal_language": order.language,
        "thinking": False,
        "use_cot_caption": False,
        "use_cot_language": False,
        "use_random_seed": False,
        "seed": order.seed,
        "batch_size": 1,
        "audio_format": "wav32",
        "inference_steps": defaults.steps if steps is None else steps,
        "guidance_scale": defaults.guidance if guidance is None else guidance,
        "shift": defaults.shift if shift is None else shift,
    }
    told = (("bpm", order.metas.bpm), ("time_signature", order.metas.meter), ("key_scale", order.metas.key))
    fields |= {name: value for name, value in told if value is not None}
    if order.zone is not None:
        start, end = order.zone_seconds
        fields |= {"repainting_start": start, "repainting_end": end, "chunk_mask_mode": "explicit"}
        fields |= {"repaint_mode": "balanced", "repaint_strength": order.strength}
    if order.task is ModelTask.TEXT2MUSIC:
        fields["audio_duration"] = order.seconds
    if order.task is ModelTask.COVER:
        fields["audio_cover_strength"] = min(1.0, 1.5 - order.strength)
        fields["cover_noise_strength"] = max(0.0, 0.5 - order.strength)
    if order.task is ModelTask.LEGO and order.tracks:
        fields["track_name"] = order.tracks[0]
    if order.task is ModelTask.COMPLETE and order.tracks:
        fields["track_classes"] = list(order.tracks)
    return fields
