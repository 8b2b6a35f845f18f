"""Engines small enough to be seen through: they render noise at once, slowly, deafly or wrongly.

Each one is a whole `model.engine.Engine`; servers find them by name, as they find the real ones
(`Settings(engines={"noise": EngineSetup("tests.doubles:NoiseEngine")})`), and run them in a process of their own.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from bridge_server.engines.registry import EngineSetup
from model.blueprint import Blueprint, LyricLine, Section
from model.engine import (
    Attachment,
    Capability,
    EngineDescription,
    OnProgress,
    Piece,
    Progress,
    Rendered,
    RenderRequest,
    Report,
    Samples,
    ShouldStop,
    Task,
    stop_if_asked,
)
from model.errors import CannotRender, NotLoaded

ENGINES = {
    "noise": EngineSetup("tests.doubles:NoiseEngine"),
    "near": EngineSetup("tests.doubles:NearEngine"),
    "passes": EngineSetup("tests.doubles:PassesEngine"),
    "slow": EngineSetup("tests.doubles:SlowEngine"),
    "deaf": EngineSetup("tests.doubles:DeafEngine"),
    "faulty": EngineSetup("tests.doubles:FaultyEngine"),
    "together": EngineSetup("tests.doubles:TogetherEngine"),
    "unloadable": EngineSetup("tests.doubles:UnloadableEngine"),
    "stillborn": EngineSetup("tests.doubles:StillbornEngine"),
    "busy": EngineSetup("tests.doubles:BusyEngine"),
    "sleepy": EngineSetup("tests.doubles:SleepyEngine"),
    "sounds": EngineSetup("tests.doubles:SoundsEngine"),
    "sketch": EngineSetup("model.sketch.engine:SketchEngine"),
}

GATED = EngineSetup("tests.doubles:GatedEngine")
"""Needs a folder, so servers have it by request only."""

FOUND = Blueprint(
    tempo=97.5, other_tempo=195.0, meter="3/4", key="D minor", downbeat=0.25, confidence={"tempo": 0.9}
)
"""What the noise engines find in any song."""

WRITTEN = Blueprint(
    tempo=96.0, meter="4/4", key="C minor", caption="slow bossa nova", seconds=40.0, codes=tuple(range(200)),
    sections=(Section("verse", 0.0, 20.0), Section("chorus", 20.0, 40.0)),
    lyrics=(LyricLine("[Verse]"), LyricLine("la la", 0.0, 20.0)), language="pt",
)  # fmt: skip
"""What the noise engines plan, whatever is asked."""

PIECE_FRAMES = 8192
STEP_SECONDS = 0.01


class NoiseEngine:
    """Noise named by seed and take, in pieces; for EXTRACT two halves that sum to the song exactly."""

    name = "noise"
    impossible: tuple[Task, ...] = ()

    def describe(self) -> EngineDescription:
        return EngineDescription(
            name=self.name,
            label=self.name.capitalize(),
            neural=False,
            tasks=tuple(
                Capability(
                    task, task not in self.impossible, "It is not made for that.", "Use another engine."
                )
                for task in Task
            ),
            layers=("drums only",),
            stems=("vocals", "residual"),
            instruments=("piano",),
            options={"seconds": "how long to take", "fault": "what to do wrong"},
            codes_per_second=5.0,
        )

    def load(self, progress: OnProgress) -> None:
        progress(Progress("loading", 0.0))

    def unload(self) -> None:
        pass

    def render(
        self, request: RenderRequest, progress: OnProgress, should_stop: ShouldStop
    ) -> Iterator[Rendered]:
        progress(Progress("rendering", 0.0))
        self.work(request, progress, should_stop)
        if request.task is Task.ANALYSE:
            yield FOUND
        elif request.task in (Task.PLAN, Task.REWRITE):
            tempo = WRITTEN.tempo if "tempo" in request.writes else request.grid.quarters_per_minute[0]
            yield replace(WRITTEN, caption=request.caption or WRITTEN.caption, tempo=float(tempo or 0))
        elif request.task is Task.EXTRACT:
            assert request.song is not None
            half = request.song.samples[request.start : request.end] / np.float32(2)
            for stem in request.stems or ("vocals", "residual"):
                yield from pieces(stem, request.start, half)
        elif request.task in (Task.REPAINT, Task.COMPLETE):
            whole = noise(request, request.length + 2 * request.handle)
            yield from pieces("mix", request.start, whole[request.handle : request.handle + request.length])
            yield from pieces("handles", request.start - request.handle, whole)
        else:
            yield from pieces("piano", request.start, noise(request, request.length))
            yield Attachment("arrangement.mid", "audio/midi", b"MThd")
        unread = ("Words make no difference to noise.",) if request.caption else ()
        yield Report("Noise was drawn.", {"frames": request.length}, unread)

    def work(self, request: RenderRequest, progress: OnProgress, should_stop: ShouldStop) -> None:
        """What happens before the audio is there."""


class NearEngine(NoiseEngine):
    """Wants a second of context unless a request says otherwise, and renders no codes."""

    name = "near"

    def describe(self) -> EngineDescription:
        return replace(super().describe(), context_seconds=1.0, codes_per_second=0.0)


class PassesEngine(NoiseEngine):
    """Extracts stem by stem, in a pass each."""

    name = "passes"

    def describe(self) -> EngineDescription:
        return replace(super().describe(), stem_passes=True)


class SlowEngine(NoiseEngine):
    """Takes `seconds` (10), and stops when it is asked to."""

    name = "slow"
    impossible = (Task.LEGO,)

    def work(self, request: RenderRequest, progress: OnProgress, should_stop: ShouldStop) -> None:
        for fraction in steps(request):
            progress(Progress("rendering", fraction))
            stop_if_asked(should_stop)


class GatedEngine(NoiseEngine):
    """Noise in pieces of `frames`; piece n comes once the file n is in the folder `gate`, the report after the last."""

    name = "gated"

    def describe(self) -> EngineDescription:
        return replace(super().describe(), options={"frames": "of each piece", "gate": "the folder"})

    def render(
        self, request: RenderRequest, progress: OnProgress, should_stop: ShouldStop
    ) -> Iterator[Rendered]:
        progress(Progress("rendering", 0.0))
        whole, step = noise(request, request.length), int(request.options["frames"])
        gate = Path(str(request.options["gate"]))
        for number, first in enumerate(range(0, len(whole), step)):
            self.pass_gate(gate / str(number), should_stop)
            yield Piece("mix", request.start + first, whole[first : first + step])
        self.pass_gate(gate / "end", should_stop)
        yield Report("Noise came bar by bar.")

    def pass_gate(self, gate: Path, should_stop: ShouldStop) -> None:
        while not gate.exists():
            stop_if_asked(should_stop)
            time.sleep(0.005)


class DeafEngine(NoiseEngine):
    """Takes `seconds` (10) and never asks whether it should stop."""

    name = "deaf"

    def work(self, request: RenderRequest, progress: OnProgress, should_stop: ShouldStop) -> None:
        for fraction in steps(request):
            progress(Progress("rendering", fraction))


class BusyEngine(NoiseEngine):
    """Keeps every core busy for `seconds` (10) with what renders are made of: matrix products."""

    name = "busy"

    def work(self, request: RenderRequest, progress: OnProgress, should_stop: ShouldStop) -> None:
        matrix = np.random.default_rng(0).standard_normal((1024, 1024)).astype(np.float32)
        end = time.monotonic() + float(request.options.get("seconds", 10.0))
        while time.monotonic() < end:
            matrix @ matrix
            progress(Progress("rendering", 0.5))
            stop_if_asked(should_stop)


class FaultyEngine(NoiseEngine):
    """Does what the option `fault` says, in the middle of the render."""

    name = "faulty"

    def render(
        self, request: RenderRequest, progress: OnProgress, should_stop: ShouldStop
    ) -> Iterator[Rendered]:
        fault = request.options.get("fault")
        progress(Progress("rendering", 0.5))
        good = noise(request, request.length)
        if fault == "exit":
            os._exit(7)
        if fault == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if fault == "raise":
            raise KeyError("nobody expected this")
        if fault == "memory":
            np.zeros(2**60, np.uint8)
        if fault == "refuse":
            raise CannotRender("The song has no drums.", "Choose another region.")
        if fault == "nan":
            good[len(good) // 2] = np.nan
        if fault == "silence":
            good[:] = 0.0
        if fault == "short":
            good = good[:-1]
        if fault == "mono":
            good = np.repeat(good, 2, axis=1)
        if fault == "unchanged":
            assert request.song is not None
            good = request.song.samples[request.start : request.end].copy()
        if fault == "nothing":
            good = good[:0]
        yield from pieces("mix", request.start + (7 if fault == "shifted" else 0), good)
        if fault == "gap":
            yield Piece("mix", request.start + len(good) + 1, good[:1])
        if fault == "no report":
            return
        yield Report("It did something wrong.")


class TogetherEngine(NoiseEngine):
    """Renders up to four takes of a request together: their pieces come in turns, as from a batch on a GPU.

    The option `fault`: "other take" gives a piece of a take that was not requested, "nameless" one without a take,
    "one report" reports the first take only, "refuse the last" refuses the last one once the others are reported, and
    "exit before the last" ends the process then.
    """

    name = "together"

    def describe(self) -> EngineDescription:
        return replace(super().describe(), takes_at_once=4)

    def render(
        self, request: RenderRequest, progress: OnProgress, should_stop: ShouldStop
    ) -> Iterator[Rendered]:
        fault = request.options.get("fault")
        progress(Progress("rendering all", 0.5))
        takes = request.takes
        whole = {take: noise(replace(request, takes=(take,)), request.length) for take in takes}
        for parts in zip(*(pieces("mix", request.start, whole[take]) for take in takes), strict=True):
            for take, piece in zip(takes, parts, strict=True):
                yield replace(piece, take=take)
        if fault in ("other take", "nameless"):
            yield Piece("mix", request.end, whole[takes[0]], 7 if fault == "other take" else None)
        for take in takes[:1] if fault == "one report" else takes:
            if take == takes[-1] and fault == "refuse the last":
                raise CannotRender("The song has no drums.", "Choose another region.")
            if take == takes[-1] != takes[0] and fault == "exit before the last":
                os._exit(7)
            yield Report("Noise was drawn.", {"ordered": len(takes)}, take=take)


class SoundsEngine(NoiseEngine):
    """Plays sounds from the file that the option `sounds` names; reports what it read of it and its companion."""

    name = "sounds"
    companion = "sounds.json"

    def describe(self) -> EngineDescription:
        return replace(
            super().describe(),
            options={"sounds": "a file of sounds", "seconds": "how long to take"},
            file_options=("sounds",),
            companion_files=(self.companion,),
        )

    def render(
        self, request: RenderRequest, progress: OnProgress, should_stop: ShouldStop
    ) -> Iterator[Rendered]:
        self.work(request, progress, should_stop)
        yield from pieces("mix", request.start, noise(request, request.length))
        read = {}
        if "sounds" in request.options:
            file = Path(request.options["sounds"])
            near = file.with_name(self.companion)
            read = {
                "name": file.name,
                "sounds": file.read_text(),
                "companion": near.exists() and near.read_text(),
            }
        yield Report("Noise was drawn.", read)


class UnloadableEngine(NoiseEngine):
    """Says at loading that its weights are missing."""

    name = "unloadable"

    def load(self, progress: OnProgress) -> None:
        raise NotLoaded("The weights are not there.", "Fetch them.")


class SleepyEngine(NoiseEngine):
    """Takes a minute to load, and says so."""

    name = "sleepy"

    def load(self, progress: OnProgress) -> None:
        for step in range(600):
            progress(Progress("waking up", step / 600))
            time.sleep(0.1)


class StillbornEngine(NoiseEngine):
    """Dies while it is loaded."""

    name = "stillborn"

    def load(self, progress: OnProgress) -> None:
        os._exit(9)


def noise(request: RenderRequest, frames: int) -> Samples:
    """float32 [frames, channels], the same for equal seed and take; never zero at its first frame."""
    random = np.random.default_rng((request.seed, request.take))
    found = random.uniform(-0.2, 0.2, (frames, request.channels)).astype(np.float32)
    found[:1] = 0.1
    return found


def pieces(stem: str, start: int, samples: Samples) -> Iterator[Piece]:
    """The samples as an engine gives them: several pieces in order."""
    for first in range(0, max(1, len(samples)), PIECE_FRAMES):
        yield Piece(stem, start + first, samples[first : first + PIECE_FRAMES])


def steps(request: RenderRequest) -> Iterator[float]:
    """Fractions of the option `seconds`, one every hundredth of a second: the time that real work would take."""
    seconds = float(request.options.get("seconds", 10.0))
    began = time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        yield passed / seconds
        time.sleep(STEP_SECONDS)
