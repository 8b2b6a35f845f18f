"""Renders as an engine's process leaves them: raw files of known sound, and the plan they belong to."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bridge_server.engines.outcome import Outcome, StemFile
from bridge_server.rendering.plan import plan_request
from bridge_server.rendering.postprocess import TakeContext
from bridge_server.rendering.song_shape import song_shape
from bridge_server.songs.sources import Song
from clip_store.audio.audio import Audio
from daw_protocol.requests import Render
from model.engine import Attachment, EngineDescription, Report

ENGINE = EngineDescription(name="test", label="Test engine", neural=False, tasks=(), weights="w1")
REPORT = Report("Drawn by the test.", {"steps": 8}, ("A note.",))


def order_for(request: Render, song: Audio | None, number: int = 1) -> TakeContext:
    """What postprocessing gets for a request about this song."""
    plan = plan_request(request, song_shape(song) if song else None)
    found = Song("My Song", song, song.digest) if song else None
    return TakeContext("j1", number, plan, found, ENGINE, 1_700_000_000.0)


def outcome_of(
    folder: Path, stems: dict[str, tuple[int, np.ndarray]], attachments: tuple[Attachment, ...] = ()
) -> Outcome:
    """An outcome with these stems: name -> (position of the first frame, samples [frames, channels])."""
    files = []
    for name, (start, samples) in stems.items():
        path = folder / f"{name}.f32"
        samples.astype("<f4").tofile(path)
        files.append(StemFile(name, start, len(samples), samples.shape[1], path))
    return Outcome(0, tuple(files), attachments, REPORT)
