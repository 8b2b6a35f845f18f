"""A render host's side of the link: what it makes of a bridge that does not keep to the rules."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from types import SimpleNamespace

import pytest
from websockets.asyncio.client import connect

from bridge_server.engines.messages import ChildDone, ChildReport, StopCommand
from bridge_server.engines.outcome import Outcome, StemFile
from bridge_server.studio import host_session, render_host
from bridge_server.studio.host_orders import HostOrder, OrderState
from bridge_server.studio.host_session import HostSession, SentStem
from bridge_server.studio.link_messages import (
    LINK_PROTOCOL,
    FilePart,
    FileStored,
    ForgetOrder,
    Have,
    Hello,
    LinkOrder,
    MissingFiles,
    OrderFailed,
    PieceAudio,
    SharedFile,
    StemFrames,
    Welcome,
)
from bridge_server.studio.running_host import running_host
from bridge_server.studio.wire import LinkLostError, Wire
from daw_protocol.errors import ErrorCode, ProtocolError
from model.engine import Report
from tests.bridge_server.render_hosts import host_settings, order
from tests.doubles import noise

FILE = SharedFile("ab" * 32, "bytes", 4)


@contextlib.asynccontextmanager
async def plain_bridge(running, greet: bool = True):
    """A wire with the token and no manners of its own."""
    headers = {"Authorization": f"Bearer {running.join.token}"}
    async with connect(
        running.join.address, proxy=None, compression=None, additional_headers=headers
    ) as connection:
        wire = Wire(connection)
        if greet:
            await wire.send(Hello(LINK_PROTOCOL, "1", "bridge"))
            assert isinstance(await wire.receive(), Welcome)
        yield wire


def on_host(tmp_path, work, greet: bool = True, **changes):
    async def run():
        async with running_host(host_settings(tmp_path / "host", ("slow",), places=1, **changes)) as running:
            async with plain_bridge(running, greet) as wire:
                await asyncio.wait_for(work(wire, running), 60)
            async with plain_bridge(running):
                pass  # whatever happened, the host is there for others

    asyncio.run(run())


async def ended(wire) -> str:
    """The host's last words."""
    words = ""
    with contextlib.suppress(LinkLostError):
        while True:
            message = await wire.receive()
            if isinstance(message, OrderFailed):
                words = message.sentence
    return words


@pytest.mark.parametrize("message", [StopCommand(1), Hello(LINK_PROTOCOL + 1, "1", "bridge")])
def test_who_does_not_greet_first_or_is_of_another_version_is_shown_out(tmp_path, message):
    async def work(wire, _):
        await wire.send(message)
        assert await ended(wire)

    on_host(tmp_path, work, greet=False)


def test_who_says_nothing_is_shown_out(tmp_path, monkeypatch):
    monkeypatch.setattr(host_session, "HELLO_SECONDS", 0.05)

    async def work(wire, _):
        assert await ended(wire) == ""
        monkeypatch.setattr(host_session, "HELLO_SECONDS", 60.0)  # for the next bridge

    on_host(tmp_path, work, greet=False)


@pytest.mark.parametrize(
    "messages",
    [
        [MissingFiles(1, ())],
        [FilePart(1, FILE, b"ab"), FilePart(1, FILE, b"abc")],
        [LinkOrder(1, "slow", order()), LinkOrder(1, "slow", order())],
    ],
)
def test_what_only_a_broken_bridge_sends_ends_its_connection(tmp_path, messages):
    async def work(wire, _):
        for message in messages:
            await wire.send(message)
        assert "cannot read" in await ended(wire)

    on_host(tmp_path, work)
    assert not list((tmp_path / "host" / "parts").glob("*"))


def test_a_file_that_was_sent_in_part_only_is_begun_anew_by_the_next_order(tmp_path):
    data = b"abcd" * 100
    file = SharedFile(hashlib.sha256(data).hexdigest(), "bytes", len(data))
    parts = tmp_path / "host" / "parts"

    async def work(wire, _):
        await wire.send(FilePart(1, file, data[:300]))
        await wire.send(FilePart(2, file, data))  # before order 1 was given up
        assert await wire.receive() == FileStored(2, file.digest)
        await wire.send(FilePart(3, FILE, b"ab"))
        await wire.send(ForgetOrder(3))
        await wire.send(Have(4, (file,)))
        assert await wire.receive() == MissingFiles(4, ())
        assert not list(parts.iterdir())

    on_host(tmp_path, work)


def test_what_means_nothing_is_passed_over(tmp_path):
    async def work(wire, _):
        for message in (StopCommand(7), ForgetOrder(7), Have(1, ())):
            await wire.send(message)
        assert await wire.receive() == MissingFiles(1, ())

    on_host(tmp_path, work)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (Have(3, (SharedFile("../x", "bytes", 1),)), "bad_message"),
        (Have(3, (SharedFile("ab" * 32, "bytes", 2**60),)), "too_large"),
        (FilePart(3, FILE, b"abcd"), "bad_upload"),
        (LinkOrder(3, "acestep", order()), "engine_not_ready"),
        (LinkOrder(3, "slow", order("j1", song="ab" * 32)), "file_missing"),
    ],
)
def test_an_order_that_cannot_be_is_refused_and_the_connection_goes_on(tmp_path, message, code):
    async def work(wire, _):
        await wire.send(message)
        refused = await wire.receive()
        assert (refused.number, refused.code) == (3, code)
        assert refused.sentence
        await wire.send(Have(4, ()))
        assert await wire.receive() == MissingFiles(4, ())

    on_host(tmp_path, work)


def test_a_bridge_has_so_many_orders_and_no_more(tmp_path, monkeypatch):
    monkeypatch.setattr(render_host, "MAX_ORDERS", 2)

    async def work(wire, running):
        for number in range(1, 4):
            await wire.send(LinkOrder(number, "slow", order(f"j{number}")))
        while not isinstance(message := await wire.receive(), OrderFailed):
            pass
        assert (message.number, message.code) == (3, "queue_full")
        assert len(list(running.host.orders)) == 2

    on_host(tmp_path, work)


@pytest.mark.parametrize(
    ("fault", "code"),
    [(KeyError("a bug"), "internal"), (ProtocolError(ErrorCode.TOO_LARGE, "Too much."), "too_large")],
)
def test_a_result_that_cannot_be_sent_fails_its_order(tmp_path, monkeypatch, fault, code):
    def ending(*_):
        raise fault

    monkeypatch.setattr(host_session, "ending", ending)

    async def work(wire, running):
        await wire.send(LinkOrder(1, "slow", order("j1", seconds=0.0)))
        while not isinstance(message := await wire.receive(), OrderFailed):
            pass
        assert (message.number, message.code) == (1, code)
        await wire.send(ForgetOrder(1))
        await wire.send(Have(2, ()))
        assert await wire.receive() == MissingFiles(2, ())
        assert not list(running.host.orders)

    on_host(tmp_path, work)


@pytest.mark.parametrize(
    ("frames", "same", "fits"), [(100, True, True), (100, False, False), (10**6, True, False)]
)
def test_after_a_cut_a_stem_goes_on_only_if_it_is_the_same(tmp_path, frames, same, fits):
    command = order("j1", seconds=0.0)
    request = command.request
    samples = noise(request, request.length + 2 * request.handle)[request.handle :][:frames].astype("<f4")
    digest = hashlib.sha256(samples.tobytes()).hexdigest() if same else "ab" * 32

    async def work(wire, _):
        await wire.send(LinkOrder(1, "slow", command, (StemFrames(0, "mix", frames, digest),)))
        starts = []
        while not isinstance(message := await wire.receive(), OrderFailed | ChildDone):
            if isinstance(message, PieceAudio) and message.piece.stem == "mix":
                starts.append(message.piece.start - request.start)
        assert isinstance(message, ChildDone) == fits
        if fits:
            assert starts[0] == frames
        else:
            assert (message.code, starts) == ("engine_died", [])

    on_host(tmp_path, work)


def test_a_take_is_reported_once_all_of_its_audio_has_been_sent_and_before_the_others_are_there(tmp_path):
    sent: asyncio.Queue = asyncio.Queue()

    class Wire:
        async def send(self, message):
            sent.put_nowait(message)

    def stem(take, frames):
        path = tmp_path / f"{take}-mix.f32"
        path.write_bytes(bytes(8 * frames))
        return StemFile("mix", 0, frames, 2, path)

    async def run():
        rendered = HostOrder("o", "anna", "noise", order())
        session = HostSession(SimpleNamespace(trainings=None), Wire(), "anna")
        sending = asyncio.create_task(session._send_all(rendered, 1, {}))
        rendered.grown[1, "mix"] = stem(1, 10)
        rendered.grown[0, "mix"] = stem(0, 100)
        rendered.finished[0] = Outcome(0, (rendered.grown[0, "mix"],), (), Report("Drawn."))
        rendered.touch()
        first = [await sent.get() for _ in range(3)]
        assert [(type(each), getattr(each, "piece", each).take) for each in first] == [
            (PieceAudio, 1), (PieceAudio, 0), (ChildReport, 0),
        ]  # fmt: skip
        rendered.error, rendered.state = ProtocolError(ErrorCode.CANNOT_RENDER, "No."), OrderState.FAILED
        rendered.touch()
        await sending
        assert isinstance(sent.get_nowait(), OrderFailed)
        assert sent.empty(), "each report once"

    asyncio.run(run())


@pytest.mark.parametrize("same", [True, False])
def test_an_engine_that_dies_and_gives_another_sound_makes_no_take_of_two(tmp_path, same):
    """Without a cut: what was sent is remembered."""
    path, sent = tmp_path / "0-mix.f32", []

    class Wire:
        async def send(self, message):
            sent.append(message)

    async def run():
        rendered = HostOrder("o", "anna", "noise", order())
        session, known = (
            HostSession(SimpleNamespace(trainings=None), Wire(), "anna"),
            SentStem(-1, rendered.run),
        )
        path.write_bytes(bytes(800))
        await session._send_stem(rendered, 1, (0, "mix"), StemFile("mix", 0, 100, 2, path), known)
        rendered.run += 1
        path.write_bytes(bytes(400 if same else 100) + b"\1" * 1200)
        await session._send_stem(rendered, 1, (0, "mix"), StemFile("mix", 0, 50, 2, path), known)
        assert len(sent) == 1, "it is not as far yet"
        path.write_bytes(bytes(800 if same else 100) + b"\1" * 1200)
        await session._send_stem(rendered, 1, (0, "mix"), StemFile("mix", 0, 150, 2, path), known)
        assert [message.piece.start for message in sent] == [0, 100]

    if same:
        asyncio.run(run())
    else:
        with pytest.raises(ProtocolError) as caught:
            asyncio.run(run())
        assert caught.value.code is ErrorCode.ENGINE_DIED


def test_orders_of_a_bridge_that_does_not_come_back_end(tmp_path, monkeypatch):
    monkeypatch.setattr(render_host, "ORPHAN_SECONDS", 0.0)
    monkeypatch.setattr(render_host, "LOOK_SECONDS", 0.02)

    async def run():
        async with running_host(host_settings(tmp_path / "host", ("slow",), places=1)) as running:
            async with plain_bridge(running) as wire:
                await wire.send(LinkOrder(1, "slow", order("j1")))
                await wire.send(LinkOrder(2, "slow", order("j2")))
                while len(list(running.host.orders)) < 2:
                    await wire.receive()
            async with asyncio.timeout(60):
                while list(running.host.orders) or running.host.orders.places[0].order is not None:
                    await asyncio.sleep(0.01)
        assert not list((tmp_path / "host" / "results").glob("*"))

    asyncio.run(run())
