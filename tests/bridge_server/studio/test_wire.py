"""Messages over a WebSocket: every kind arrives, large ones too; what is none ends the connection in words."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import get_args

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

from bridge_server.engines.messages import ChildKept, ChildPiece, RenderCommand, StopCommand
from bridge_server.studio import link_messages, wire
from bridge_server.studio.link_messages import (
    FilePart,
    FileStored,
    ForgetOrder,
    Have,
    Hello,
    HostNotes,
    LinkOrder,
    MissingFiles,
    OrderFailed,
    PieceAudio,
    SharedFile,
    StemFrames,
    Welcome,
)
from bridge_server.studio.training_messages import (
    Consent,
    FetchFile,
    FilePiece,
    ForgetTraining,
    LinkedSong,
    LinkedTraining,
    SongWords,
    StopTraining,
    TrainingFile,
    TrainingForgotten,
    TrainingStands,
    TrainThere,
)
from bridge_server.studio.value_codec import to_json
from bridge_server.studio.wire import LinkLostError, UnreadableMessageError, Wire
from daw_protocol.errors import ErrorCode, ProtocolError
from model.kept import Kept
from tests.bridge_server.engines.test_messages import ABOUT, REQUEST, SOUNDS, sent

SONG = SharedFile("ab" * 32, link_messages.AUDIO, 5)
COMMAND = RenderCommand(REQUEST, "ab" * 32, "", "j1-1", files={"soundfont": SOUNDS}, priority=1)


TRAINING = LinkedTraining(
    "ab" * 16, "mine", "turbo", "", 8, Consent(("ab" * 32,), "2026-11-29T12:00:00+00:00"),
    (LinkedSong("rain.wav", "ab" * 32, SongWords("soft rain", bpm=96), "cd" * 32, 5),),
    {"steps": 4, "learning_rate": 0.02}, {"every": 2, "prompt": ""},
)  # fmt: skip


def messages():
    """One of each kind that crosses."""
    link = [
        Hello(1, "1.0", "bridge"),
        Welcome(1, "1.0", "studio", "NVIDIA H200", 2, {"small": ABOUT}),
        Have(1, (SONG,)),
        MissingFiles(1, (SONG.digest,)),
        FilePart(1, SONG, b"bytes"),
        FilePart(1, SONG, b""),
        FileStored(1, SONG.digest),
        LinkOrder(1, "noise", COMMAND, (StemFrames(0, "mix", 48_000, "ab" * 32),)),
        ForgetOrder(1),
        PieceAudio(ChildPiece(1, 0, "mix", -5, 2), bytes(16)),
        HostNotes(0, ("studio cannot start acestep.",)),
        OrderFailed(1, "cannot_render", "No drums.", "Choose another region.", "source"),
        TrainThere(1, TRAINING, True),
        StopTraining(1),
        FetchFile(1, "previews/25.wav", 5),
        FilePiece(1, "previews/25.wav", 5, b"bytes"),
        ForgetTraining(1, TRAINING.id),
        TrainingForgotten(1),
        TrainingStands(
            1, "training", "training", 0.5, 4, 0, (1.0, 0.5), ((2, 0.75),), {"rain.wav": "soft"}, "no memory",
            (TrainingFile("previews/2.wav", 5, "ab" * 32),), ("cd" * 32,), 2.5,
        ),
    ]  # fmt: skip
    kinds = {*get_args(link_messages.FromHost), *get_args(link_messages.ToHost)}
    return link + [each for each in sent() if type(each) in kinds]


@contextlib.asynccontextmanager
async def wires():
    """Both ends of a connection."""
    there: asyncio.Future[Wire] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()

    async def served(connection):
        there.set_result(Wire(connection))
        await over.wait()

    options = {"compression": None, "max_size": wire.FRAME_BYTES}
    async with serve(served, "127.0.0.1", 0, **options) as server:
        port = server.sockets[0].getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}", proxy=None, **options) as connection:
            yield Wire(connection), await there
            over.set()


def on_wires(work):
    async def run():
        async with wires() as (near, far):
            await asyncio.wait_for(work(near, far), 30)

    asyncio.run(run())


def test_every_message_arrives():
    assert {*map(type, messages())} == {*wire.KINDS.values()}, "all of them"

    async def work(near, far):
        for message in messages():
            await near.send(message)
            # Arrays in an order have no single truth value, so all are compared as JSON.
            assert to_json(found := await far.receive()) == to_json(message)
            assert type(found) is type(message)

    on_wires(work)


def test_bytes_larger_than_a_frame_arrive_and_others_wait_for_them():
    large = ChildKept(1, 0, Kept("clip", "mix", bytes(range(256)) * (wire.FRAME_BYTES // 128)))

    async def work(near, far):
        sending = [asyncio.create_task(near.send(each)) for each in (large, StopCommand(2))]
        assert await far.receive() == large
        assert await far.receive() == StopCommand(2)
        await asyncio.gather(*sending)

    on_wires(work)


def test_a_sender_that_is_cancelled_leaves_no_half_message():
    large = ChildKept(1, 0, Kept("clip", "mix", bytes(2 * wire.FRAME_BYTES)))

    async def work(near, far):
        sending = asyncio.create_task(near.send(large))
        await asyncio.sleep(0)
        sending.cancel()
        await near.send(StopCommand(2))
        assert await far.receive() == large
        assert await far.receive() == StopCommand(2)

    on_wires(work)


def text(kind="StopCommand", size=0, fields=None) -> str:
    return json.dumps([kind, size, {"number": 1} if fields is None else fields])


@pytest.mark.parametrize(
    "frames",
    [
        ["no JSON"], ["[" * 100_000], ["{}"], ["[]"], [text(kind="Path")], [text(kind=7)], [b"bytes"],
        [text(size=-1)], [text(size="1")], [text(size=2**40)], [text(fields={"number": "1"})], [text(fields={})],
        [text("FilePart", 2, {"number": 1, "file": to_json(SONG)[0], "data": 2}), "text"],
        [text("FilePart", 2, {"number": 1, "file": to_json(SONG)[0], "data": 2}), b"abc"],
        [text("FilePart", 2, {"number": 1, "file": to_json(SONG)[0], "data": 2}), b""],
        [text("FilePart", 2, {"number": 1, "file": to_json(SONG)[0], "data": 3}), b"ab"],
    ],
)  # fmt: skip
def test_what_is_no_message_is_refused(frames):
    async def work(near, far):
        for frame in frames:
            await near._connection.send(frame)
        with pytest.raises(UnreadableMessageError) as caught:
            await far.receive()
        assert len(str(caught.value)) < 300

    on_wires(work)


@pytest.mark.parametrize(
    "message",
    [
        ChildKept(1, 0, Kept("clip", "mix", bytes(wire.MAX_BYTES + 1))),
        OrderFailed(1, "cannot_render", "\u266a" * (wire.FRAME_BYTES // 3)),
    ],
)
def test_what_the_other_side_would_not_take_is_refused_before_it_is_sent(message):
    async def work(near, far):
        with pytest.raises(ProtocolError) as caught:
            await near.send(message)
        assert caught.value.code is ErrorCode.TOO_LARGE
        await near.send(StopCommand(2))
        assert await far.receive() == StopCommand(2)

    on_wires(work)


def test_the_end_of_a_connection_has_its_reason():
    async def work(near, far):
        await near.close("enough")
        with pytest.raises(LinkLostError, match="enough"):
            await far.receive()
        with pytest.raises(LinkLostError):
            await near.send(StopCommand(1))

    on_wires(work)
