"""What crosses between server and engine: every message survives the pipe, and no order names a path."""

from __future__ import annotations

import dataclasses
import multiprocessing
import typing
from pathlib import Path, PurePath

import numpy as np

from bridge_server.engines import messages
from bridge_server.engines.messages import (
    ChildAttachment,
    ChildBlueprint,
    ChildBroke,
    ChildDescription,
    ChildDone,
    ChildKept,
    ChildPiece,
    ChildProgress,
    ChildReady,
    ChildRefused,
    ChildReport,
    FilesHere,
    OptionFile,
    QuitCommand,
    RenderCommand,
    StopCommand,
)
from model.blueprint import Blueprint, TimedChord
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
from model.kept import Kept

BEATS = np.arange(8)
REQUEST = RenderRequest(
    Task.REPAINT, None, 48_000, 2, 0, 4_800, Grid(BEATS * 0.5, BEATS % 4, BEATS * 0 + 4, BEATS // 4, BEATS * 0 + 120.0),
    seed=1, options={"steps": 8},
)  # fmt: skip
ABOUT = EngineDescription("small", "Small", False, (Capability(Task.REPAINT, True),))


SOUNDS = OptionFile("sounds/piano.sf2", "ab" * 32, 17, (OptionFile("sounds/piano.json", "cd" * 32, 2),))


def sent():
    return [
        FilesHere({SOUNDS: Path("/sounds/piano.sf2")}),
        StopCommand(7),
        QuitCommand(),
        ChildDescription(ABOUT),
        ChildReady(ABOUT),
        ChildProgress(7, Progress("composing", 0.5, 3.0)),
        ChildPiece(7, 1, "mix", -480, 4_800),
        ChildAttachment(7, 1, Attachment("arrangement.mid", "audio/midi", b"MThd")),
        ChildBlueprint(7, 1, Blueprint(tempo=120.0, chords=(TimedChord("C", 0.5),))),
        ChildKept(7, 1, Kept("clip", "mix", b"latents")),
        ChildReport(7, 1, Report("Drawn.", {"steps": 8}, ("A note.",))),
        ChildDone(7),
        ChildRefused(7, "cannot", "No drums.", "Choose another region."),
        ChildBroke(7, "A bug.", "Traceback ..."),
    ]


def through_a_pipe(message):
    here, there = multiprocessing.Pipe()
    with here, there:
        here.send(message)
        return there.recv()


def test_every_message_comes_through_a_pipe():
    for message in sent():
        assert through_a_pipe(message) == message
    kinds = {*map(type, sent()), RenderCommand}
    assert kinds == {*typing.get_args(messages.FromChild), *typing.get_args(messages.ToChild)}, "all of them"


def test_a_render_command_comes_through_a_pipe():
    """Its arrays have no single truth value, so it is compared field by field."""
    command = RenderCommand(REQUEST, "digest", "", "j1-1", 7, {"soundfont": SOUNDS})
    found = through_a_pipe(command)
    assert found.files == command.files
    assert (found.number, found.song, found.reference, found.results) == (7, "digest", "", "j1-1")
    assert np.array_equal(found.request.grid.seconds, REQUEST.grid.seconds)
    assert dataclasses.replace(found.request, grid=REQUEST.grid) == REQUEST


def test_an_order_names_no_path_of_this_machine():
    """Another machine could carry it out: songs come by digest, results go by name."""

    def paths_in(value):
        if isinstance(value, PurePath):
            return [value]
        if dataclasses.is_dataclass(value):
            value = vars(value)
        if isinstance(value, dict):
            return [path for entry in value.values() for path in paths_in(entry)]
        return []

    assert paths_in(RenderCommand(REQUEST, "digest", "", "j1-1", 7, {"soundfont": SOUNDS})) == []
    hints = typing.get_type_hints(RenderCommand)
    assert {hints[name] for name in ("song", "reference", "results")} == {str}
