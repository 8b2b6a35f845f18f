"""The engine that renders on a running acestep.cpp server (`ace-server`): no torch, Vulkan, Metal and SYCL too.

It repeats a seed bit for bit, cancels, and gives floats back whose outside is untouched; it says neither how far it is
nor why it failed, so its log is followed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from model.acestep.weights.capabilities import MODEL_TASK, ModelTask
from model.engine import Capability, Task
from model.errors import CannotRender, RenderLost, RenderStopped
from model.pace import Pace
from model.remote.ace_server import LATENT_BYTES, AceProps, AceServer, first_audio
from model.remote.ace_server_log import AceServerLog
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
from model.remote.returned_audio import OutsideChanged, Returned
from model.remote.waiting import rest
from model.remote.wav_audio import decode_audio, encode_wav

POLL_SECONDS = 0.25
LATE_LINES_POLLS = 4
KEPT_WINDOWS = 4
NO_PROMPT = "music"
"""What is sent for an empty prompt, which the server refuses."""
_NO_CAPTION_NEEDED = (ModelTask.EXTRACT, ModelTask.LEGO, ModelTask.COMPLETE)
_ENCODED, _STARTED, _COMPOSED, _DONE = 0.1, 0.12, 0.85, 0.95


class AcestepCppEngine(RemoteEngine):
    """Implements model.engine.Engine."""

    config_type = RemoteConfig
    name = "acestep-cpp"
    label = "acestep.cpp"
    program = "ace-server"
    default_address = "http://127.0.0.1:8080"
    start = "Start it (ace-server --models FOLDER), or correct the start option acestep-cpp.address."
    reproducible = True
    options: ClassVar[Mapping[str, str]] = {
        "checkpoint": "the checkpoint to use, by the name it has there; by default the first that can do the task",
        "steps": "denoising steps, 1 to 200; by default the checkpoint's own",
        "guidance": "how closely to follow the prompt, 0 to 30; by default the checkpoint's own",
        "shift": "timestep shift, 0.1 to 10; by default the checkpoint's own",
        "adapter": "an adapter to apply, by the name it has there",
        "adapter_strength": "strength of the adapter, 0 to 2 (default 1)",
    }

    def __init__(self, config: RemoteConfig = OFF) -> None:
        super().__init__(config)
        self._options = config
        self._latents: dict[tuple[Any, ...], bytes] = {}  # of windows of songs, the newest last
        self._takes_latents = True
        self._log: tuple[HttpLink, AceServerLog] | None = None
        self._left: list[str] = []  # jobs that were cancelled and may still be running

    def look(self, link: HttpLink, pace: Pace) -> Offer:
        props = AceServer(link).props(pace)
        return Offer(tuple(ace_capability(task, props.dits) for task in Task), props.dits[0], props.version)

    def unload(self) -> None:
        self._latents.clear()

    def made(self, order: Order, link: HttpLink, pace: Pace) -> tuple[ServerAudio, Returned]:
        """A server that joins what it made from latents to no song gets the song's audio alone from then on."""
        try:
            return super().made(order, link, pace)
        except OutsideChanged:
            if not self._takes_latents:
                raise
        self._takes_latents = False
        try:
            return super().made(order, link, pace)
        except OutsideChanged:  # that was not why
            self._takes_latents = True
            raise

    def ask(self, order: Order, link: HttpLink, pace: Pace) -> ServerAudio:
        server, log = AceServer(link), self._log_of(link)
        props = server.props(pace)
        model = chosen_model(
            order, self._options, props.dits, _first_able(order.task, props.dits), self.program
        )
        fields, notes = request_fields(order, model, props)
        files, reused = {}, False
        if order.sent is not None:
            wav = encode_wav(order.sent.samples, 48_000)
            files["audio"] = wav
            latents, reused = self._encoded(order, wav, props.vaes, server, log, pace.part(0.0, _ENCODED))
            if latents:
                files["src_latents"] = latents
        job = server.begin("/synth", fields, files, pace)
        answer = self._finished(job, server, log, pace.part(_ENCODED, _DONE), "rendering on the server")
        try:
            samples, rate = decode_audio(first_audio(answer))
        except ValueError as error:
            raise no_audio(self.program) from error
        figures = {
            "server_version": props.version,
            "steps": fields.get("inference_steps"),
            "adapter": fields.get("adapter", ""),
            "song_latents": "kept" if reused else "encoded",
        }
        return ServerAudio(samples, rate, model, figures, notes)

    def _log_of(self, link: HttpLink) -> AceServerLog:
        """One for all stems of a take: it is a connection of its own."""
        if self._log is None or self._log[0] is not link:
            self._log = link, AceServerLog(link)
        return self._log[1]

    def _encoded(
        self,
        order: Order,
        wav: bytes,
        vaes: tuple[str, ...],
        server: AceServer,
        log: AceServerLog,
        pace: Pace,
    ) -> tuple[bytes, bool]:
        """The window's latents and whether they were kept; b"" where the server makes none by themselves.

        All takes start from these, whichever is rendered first: so they cannot depend on each other.
        """
        assert order.sent is not None, "a new song has no latents"
        if not self._takes_latents:
            return b"", False
        window = order.window
        key = (vaes, order.sent.digest, window.rate, window.origin, window.frames)
        if key in self._latents:
            self._latents[key] = self._latents.pop(key)
            return self._latents[key], True
        try:
            job = server.begin("/vae", {}, {"audio": wav}, pace)
        except CannotRender:  # a version without it encodes with every render
            return b"", False
        answer = self._finished(job, server, log, pace, "encoding the song on the server")
        if len(answer.body) != window.frames * LATENT_BYTES:
            return b"", False
        self._latents[key] = answer.body
        while len(self._latents) > KEPT_WINDOWS:
            self._latents.pop(next(iter(self._latents)))
        return answer.body, False

    def _finished(self, job: str, server: AceServer, log: AceServerLog, pace: Pace, doing: str) -> Any:
        """The result of a job. A cancel reaches the server, which may go on for a while."""
        try:
            self._wait(job, server, log, pace, doing)
            return server.result(job, pace)
        except RenderStopped:
            server.cancel(job)
            self._left.append(job)
            raise

    def _wait(self, job: str, server: AceServer, log: AceServerLog, pace: Pace, doing: str) -> None:
        mark = 0
        while (status := server.status(job, pace)) == "running":
            known = dict.fromkeys((*log.before(job), *self._left))
            others = [one for one in known if server.status(one, pace) == "running"]
            self._left = [one for one in self._left if one in others]
            if self._left:
                pace.at("the server is still finishing what was cancelled", 0.0)
            elif others:
                pace.at(f"waiting on the server, {len(others)} before this", 0.0)
            if others:
                mark = log.now()
            elif (step := log.step(max(mark, log.begun(job)))) is None:
                pace.at(doing, 0.0)
            elif step[0] < step[1]:
                pace.at(
                    f"{doing}, step {step[0]} of {step[1]}",
                    _STARTED + (_COMPOSED - _STARTED) * step[0] / step[1],
                )
            else:
                pace.at("decoding audio", _COMPOSED)
            rest(POLL_SECONDS, pace)
        if status == "":
            raise server.lost()
        if status == "cancelled":
            raise RenderLost("The job was cancelled on ace-server by somebody else.", "Ask again.")
        if status != "done":
            raise not_rendered(self.program, _reason(log, job, mark, pace))


def _reason(log: AceServerLog, job: str, mark: int, pace: Pace) -> str:
    """The last error the log names since the job began; lines come a moment after the status."""
    for _ in range(LATE_LINES_POLLS):
        if found := log.trouble(max(mark, log.begun(job))):
            return found
        rest(POLL_SECONDS, pace)
    return ""


def request_fields(order: Order, model: str, props: AceProps) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The request as ace-server reads it, with no field it does not know, and what the producer should know.

    Raises CannotRender for options that are wrong or that the server is too old for.
    """
    notes: list[str] = []
    wanted: dict[str, Any] = {
        "task_type": order.task.value,
        "caption": order.caption,
        "lyrics": order.lyrics,
        "vocal_language": order.language,
        "seed": order.seed,
        "synth_batch_size": 1,
        "synth_model": model,
        "output_format": "wav32",  # the others are scaled
    }
    if not order.caption.strip() and order.task not in _NO_CAPTION_NEEDED:
        wanted["caption"] = NO_PROMPT
        notes.append(f"ace-server wants a prompt; it got {NO_PROMPT!r}.")
    if order.tracks:
        wanted["track"] = " | ".join(name.upper() for name in order.tracks)
    if order.zone is not None:
        wanted["repainting_start"], wanted["repainting_end"] = order.zone_seconds
        if order.strength != 0.5:
            notes.append("ace-server always repaints freely: strength made no difference.")
    if order.task is ModelTask.TEXT2MUSIC:
        wanted["duration"] = order.seconds
    if order.task is ModelTask.COVER:
        wanted["audio_cover_strength"] = min(1.0, 1.5 - order.strength)
        wanted["cover_noise_strength"] = max(0.0, 0.5 - order.strength)
    told = (("bpm", order.metas.bpm), ("timesignature", order.metas.meter), ("keyscale", order.metas.key))
    wanted |= {name: value for name, value in told if value is not None}
    chosen = {
        "inference_steps": number_of(order.options, "steps", 1, 200, whole=True),
        "guidance_scale": number_of(order.options, "guidance", 0.0, 30.0),
        "shift": number_of(order.options, "shift", 0.1, 10.0),
        "adapter": order.options.get("adapter") or None,
        "adapter_scale": number_of(order.options, "adapter_strength", 0.0, 2.0),
    }
    if chosen["adapter"] is not None and chosen["adapter"] not in props.adapters:
        raise CannotRender(
            f"ace-server has no adapter called {chosen['adapter']!r}.",
            f"It has: {', '.join(props.adapters) or 'none'}.",
        )
    wanted |= {name: value for name, value in chosen.items() if value is not None}
    unknown = [name for name in wanted if name not in props.fields]
    if refused := [name for name in unknown if chosen.get(name) is not None]:
        raise CannotRender(
            f"This ace-server (version {props.version}) does not know {', '.join(refused)}.",
            "Omit the option, or update that server.",
        )
    if unknown:
        notes.append(f"This ace-server does not know {', '.join(unknown)}, so it was not told.")
    return {name: value for name, value in wanted.items() if name in props.fields}, tuple(notes)


def ace_capability(task: Task, dits: tuple[str, ...]) -> Capability:
    """Whether one of the checkpoints can do a task, by what is known of their kinds: the server says yes to all."""
    if task not in MODEL_TASK:
        return Capability(task, False, NO_WORDS, WORDS_ELSEWHERE)
    if any(dit_traits(name).does(MODEL_TASK[task]) for name in dits):
        return Capability(task, True)
    return Capability(task, False, *needs_base(task, dits[0]))


def _first_able(task: ModelTask, dits: tuple[str, ...]) -> str:
    return next((name for name in dits if dit_traits(name).does(task)), dits[0])
