"""What crosses between server and engine: every message survives the pipe, and samples are read as written."""

from __future__ import annotations

import dataclasses
import multiprocessing
import typing

import numpy as np
import pytest

from bridge_server.engines import messages
from bridge_server.engines.messages import (
    ChildAttachment,
    ChildBroke,
    ChildDescription,
    ChildPiece,
    ChildProgress,
    ChildReady,
    ChildRefused,
    ChildReport,
    Outcome,
    QuitCommand,
    RenderCommand,
    StemFile,
    StopCommand,
)
from model.engine import (
    Attachment,
    Capability,
    EngineDescription,
    Grid,
    Progress,
    RenderRequest,
    Report,
    Task,
)

BEATS = np.arange(8)
REQUEST = RenderRequest(
    Task.REPAINT, None, 48_000, 2, 0, 4_800, Grid(BEATS * 0.5, BEATS % 4, BEATS * 0 + 4, BEATS // 4, BEATS * 0 + 120.0),
    seed=1, options={"steps": 8},
)  # fmt: skip
ABOUT = EngineDescription("small", "Small", False, (Capability(Task.REPAINT, True),))


def sent(folder):
    return [
        StopCommand(7),
        QuitCommand(),
        ChildDescription(ABOUT),
        ChildReady(ABOUT),
        ChildProgress(7, Progress("composing", 0.5, 3.0)),
        ChildPiece(7, "mix", -480, 4_800),
        ChildAttachment(7, Attachment("arrangement.mid", "audio/midi", b"MThd")),
        ChildReport(7, Report("Drawn.", {"steps": 8}, ("A note.",))),
        ChildRefused(7, "cannot", "No drums.", "Choose another region."),
        ChildBroke(7, "A bug.", "Traceback ..."),
    ]


def through_a_pipe(message):
    here, there = multiprocessing.Pipe()
    with here, there:
        here.send(message)
        return there.recv()


def test_every_message_comes_through_a_pipe(tmp_path):
    for message in sent(tmp_path):
        assert through_a_pipe(message) == message
    reported = {*map(type, sent(tmp_path)), RenderCommand}
    assert reported == {*typing.get_args(messages.FromChild), *typing.get_args(messages.ToChild)}, (
        "all of them"
    )


def test_a_render_command_comes_through_a_pipe(tmp_path):
    """Its arrays have no single truth value, so it is compared field by field."""
    command = RenderCommand(7, REQUEST, tmp_path / "song.wav", "digest", tmp_path)
    found = through_a_pipe(command)
    assert (found.number, found.song, found.folder) == (7, tmp_path / "song.wav", tmp_path)
    assert np.array_equal(found.request.grid.seconds, REQUEST.grid.seconds)
    assert dataclasses.replace(found.request, grid=REQUEST.grid) == REQUEST


@pytest.mark.parametrize("channels", [1, 2])
def test_a_stem_is_read_as_it_was_written(tmp_path, channels):
    samples = np.random.default_rng(1).standard_normal((1_000, channels)).astype(np.float32)
    samples.astype("<f4").tofile(tmp_path / "mix.f32")
    stem = StemFile("mix", 0, 1_000, channels, tmp_path / "mix.f32")
    assert np.array_equal(stem.samples(), samples)
    assert stem.samples().dtype == np.float32


def test_what_was_written_behind_the_announced_frames_is_not_read(tmp_path):
    np.arange(40, dtype="<f4").tofile(tmp_path / "mix.f32")
    assert StemFile("mix", 0, 10, 2, tmp_path / "mix.f32").samples().tolist() == [
        [2 * number, 2 * number + 1] for number in range(10)
    ]


def test_stems_are_found_by_name(tmp_path):
    drums, vocals = (StemFile(name, 0, 10, 2, tmp_path / name) for name in ("drums", "vocals"))
    outcome = Outcome((drums, vocals), (), Report("Drawn."))
    assert outcome.stem("vocals") is vocals
    assert outcome.stem("mix") is None
