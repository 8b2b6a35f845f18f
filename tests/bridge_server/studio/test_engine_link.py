"""A place of a render host, from the bridge's side: what arrives, what is sent again, and what is sent only once.

What it has in common with a process of this machine: engines/test_host.py. Whole bridges: test_studio.py.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from bridge_server.engines.host import RenderCancelledError, ignore_progress
from bridge_server.engines.messages import ChildPiece, ChildReport, RenderCommand
from bridge_server.engines.option_files import OptionFiles
from bridge_server.studio.engine_link import EngineLink
from bridge_server.studio.host_connection import HostConnection
from bridge_server.studio.host_session import HostSession
from bridge_server.studio.link_messages import ChildDone, PieceAudio
from bridge_server.studio.running_host import running_host
from bridge_server.studio.wire import LinkLostError
from clip_store.audio.audio import Audio, Encoding
from clip_store.blobs import BlobStore
from daw_protocol.errors import ErrorCode, ProtocolError
from model.engine import Report
from tests.bridge_server.engines.test_process import order
from tests.bridge_server.render_hosts import (
    UNHURRIED,
    Cable,
    HostThread,
    host_settings,
    kept_up,
    link_to,
    linked,
)
from tests.doubles import GATED, SoundsEngine, noise

FRAMES = 4000  # of a piece of the gated engine


def stored(folder, frames: int = 48_000) -> str:
    """The digest of a song in the bridge's store."""
    samples = np.random.default_rng(3).uniform(-0.3, 0.3, (frames, 2)).astype(np.float32)
    return BlobStore(folder / "blobs").put(Audio(samples, 48000, Encoding.FLOAT))


def render(
    link: EngineLink, command: RenderCommand, on_piece=lambda *_: None, on_progress=ignore_progress, stop=None
):
    return link.render(command, on_progress, on_piece, stop or asyncio.Event())


def gated(folder, name: str = "j1-1") -> RenderCommand:
    """An order of five pieces, each of which comes when `let` says so."""
    gate = folder / "gate"
    gate.mkdir(exist_ok=True)
    plain = order()
    options = {"frames": FRAMES, "gate": str(gate)}
    return replace(plain, request=replace(plain.request, options=options, handle=0), results=name)


def let(folder, *pieces: int | str) -> None:
    for piece in pieces:
        (folder / "gate" / str(piece)).touch()


def gated_host(folder) -> HostThread:
    settings = host_settings(folder / "host", (), places=1)
    return HostThread(replace(settings, engines=({"gated": GATED},)))


def test_audio_is_there_before_the_render_has_ended(tmp_path):
    with gated_host(tmp_path) as host:

        async def run():
            async with kept_up(HostConnection(host.join, UNHURRIED)) as connection:
                link, grown = link_to(connection, tmp_path, "gated"), asyncio.Queue()
                command = gated(tmp_path)
                rendering = asyncio.create_task(render(link, command, lambda _, stem: grown.put_nowait(stem)))
                for number in range(2):
                    let(tmp_path, number)
                    stem = await grown.get()
                    assert stem.frames == (number + 1) * FRAMES
                    expected = noise(command.request, command.request.length)[: stem.frames]
                    assert np.array_equal(stem.samples(), expected)
                assert not rendering.done()
                let(tmp_path, 2, 3, 4, "end")
                (outcome,) = await rendering
                assert outcome.stem("mix").frames == 5 * FRAMES

        asyncio.run(run())


def test_after_a_cut_only_what_has_not_come_is_sent(tmp_path):
    with gated_host(tmp_path) as host, Cable(host.join) as cable:

        async def run():
            async with kept_up(HostConnection(cable.join, UNHURRIED)) as connection:
                link, grown = link_to(connection, tmp_path, "gated"), asyncio.Queue()
                stages = []
                rendering = asyncio.create_task(
                    render(link, gated(tmp_path), lambda _, stem: grown.put_nowait(stem.frames),
                           lambda progress: stages.append(progress.stage))
                )  # fmt: skip
                let(tmp_path, 0, 1)
                while await grown.get() < 2 * FRAMES:
                    pass
                await asyncio.to_thread(cable.cut)
                let(tmp_path, 2, 3)  # rendered while nobody is there
                await asyncio.to_thread(cable.mend)
                await connection.connected()
                let(tmp_path, 4, "end")
                (outcome,) = await rendering
                assert await grown.get() > 2 * FRAMES, "nothing came twice"
                request = gated(tmp_path).request
                assert np.array_equal(outcome.stem("mix").samples(), noise(request, request.length))
                assert "waiting for the render host studio" in stages
                assert host.starts("gated") == [1], "it went on there"

        asyncio.run(run())


def test_a_bridge_that_starts_again_finds_what_was_rendered_meanwhile(tmp_path):
    with gated_host(tmp_path) as host:

        async def killed():
            async with kept_up(HostConnection(host.join, UNHURRIED)) as connection:
                link, grown = link_to(connection, tmp_path / "first", "gated"), asyncio.Event()
                rendering = asyncio.create_task(render(link, gated(tmp_path), lambda *_: grown.set()))
                let(tmp_path, 0)
                await grown.wait()
                connection.session.wire._connection.transport.abort()  # no goodbye
                connection.session.wire.send = lost
                rendering.cancel()
                await asyncio.gather(rendering, return_exceptions=True)

        async def lost(_):
            raise LinkLostError("it was killed")

        async def again():
            let(tmp_path, 1, 2, 3, 4, "end")
            async with kept_up(HostConnection(host.join, UNHURRIED)) as connection:
                await connection.connected()
                (outcome,) = await render(link_to(connection, tmp_path / "again", "gated"), gated(tmp_path))
                assert outcome.stem("mix").frames == 5 * FRAMES

        asyncio.run(killed())
        asyncio.run(again())
        assert host.orders() == 0


def test_a_song_is_sent_once_and_two_orders_send_it_once(tmp_path):
    song = stored(tmp_path)
    with HostThread(host_settings(tmp_path / "host", ("noise",))) as host, Cable(host.join) as cable:

        async def run():
            async with kept_up(HostConnection(cable.join, UNHURRIED)) as connection:
                await connection.connected()
                size = BlobStore(tmp_path / "blobs").path(song).stat().st_size
                stages = []
                for name, whole in (("j1", 1), ("j2", 0)):
                    before = cable.sent
                    orders = [replace(order(), song=song, results=f"{name}-{take}") for take in (1, 2)]
                    await asyncio.gather(
                        *(
                            render(
                                link_to(connection, tmp_path),
                                each,
                                on_progress=lambda at: stages.append(at.stage),
                            )
                            for each in orders
                        )
                    )
                    sent = cable.sent - before
                    assert whole * size <= sent < whole * size + 50_000, sent
                assert any(stage.startswith("sending the song to studio") for stage in stages)

        asyncio.run(run())


def test_an_order_whose_files_are_there_does_not_wait_for_an_upload(tmp_path):
    song = stored(tmp_path)

    async def run():
        async with linked(tmp_path, places=1) as link:
            await render(link, replace(order(), song=song))
            waiting = asyncio.Event()

            def progressed(at):
                if at.stage == "waiting for another upload to studio":
                    waiting.set()

            async with link._connection.sending_files:  # as a batch's large song does
                await render(link, replace(order(), song=song, results="j2-1"))
                other = replace(order(), song=stored(tmp_path, 1000), results="j3-1")
                late = asyncio.create_task(render(link, other, on_progress=progressed))
                await waiting.wait()
                assert not late.done()
            await late

    asyncio.run(run())


@pytest.mark.parametrize("more", [-1, 1, 300_000])
def test_a_file_that_changes_while_it_is_sent_ends_the_order_only(tmp_path, monkeypatch, more):
    found = EngineLink._found

    def otherwise(link, command):
        return {replace(file, size=file.size + more): path for file, path in found(link, command).items()}

    async def run():
        async with linked(tmp_path, places=1) as link:
            session, command = link._connection.session, replace(order(), song=stored(tmp_path))
            with monkeypatch.context() as change:
                change.setattr(EngineLink, "_found", otherwise)
                with pytest.raises(ProtocolError, match="A file changed"):
                    await render(link, command)
            await render(link, replace(command, results="j2-1"))
            assert link._connection.session is session

    asyncio.run(run())


def test_a_song_that_a_host_cannot_read_is_sent_again_the_next_time(tmp_path):
    song = stored(tmp_path)
    half = (
        tmp_path / "host" / "audio" / BlobStore(tmp_path / "blobs").path(song).relative_to(tmp_path / "blobs")
    )
    half.parent.mkdir(parents=True)
    half.write_bytes(b"RIFF")  # its power went

    async def run():
        async with linked(tmp_path, places=1) as link:
            command = replace(order(), song=song)
            with pytest.raises(ProtocolError) as caught:
                await render(link, command)
            assert caught.value.code is ErrorCode.STORE_FAILED
            await render(link, replace(command, results="j2-1"))

    asyncio.run(run())


def test_a_file_of_an_option_goes_along_with_its_companion(tmp_path):
    kits = tmp_path / "kits"
    kits.mkdir()
    (kits / "brushes").write_text("swish")
    (kits / SoundsEngine.companion).write_text("")  # an empty file arrives as well

    async def run():
        table = OptionFiles()
        file = await table.keep("sounds", kits / "brushes", "kits/brushes", (SoundsEngine.companion,))
        async with linked(tmp_path, "sounds", places=1) as link:
            link = link_to(link._connection, tmp_path, "sounds", option_files=table)
            command = replace(order(), files={"sounds": file})
            (outcome,) = await render(link, command)
            assert outcome.report.figures == {"name": "brushes", "sounds": "swish", "companion": ""}
            (kits / "brushes").write_text("bang")
            with pytest.raises(ProtocolError, match="brushes was changed"):
                await render(link, replace(command, results="j2-1"))

    asyncio.run(run())


def test_what_an_engine_kept_of_the_song_goes_along_as_long_as_it_is_there(tmp_path):
    kept = BlobStore(tmp_path / "blobs").put_bytes(b"latents")

    async def run():
        async with linked(tmp_path, places=1) as link:
            command = replace(order(), song=stored(tmp_path), kept=kept)
            await render(link, command)
            there = BlobStore(tmp_path / "host" / "audio")
            assert there.get_bytes(kept) == b"latents"
            BlobStore(tmp_path / "blobs").path(kept).write_bytes(b"spoilt")
            await render(link, replace(command, results="j2-1"))

    asyncio.run(run())


def test_a_render_that_is_cancelled_while_it_waits_costs_the_host_nothing(tmp_path):
    async def run():
        async with linked(tmp_path, "slow", places=1) as link:
            long = replace(order(), request=replace(order().request, options={"seconds": 60.0}))
            stop, waiting = asyncio.Event(), asyncio.Event()
            stages = []

            def progressed(progress):
                stages.append(progress.stage)
                if progress.stage.startswith("waiting for a place"):
                    waiting.set()

            begun = asyncio.Event()
            first = asyncio.create_task(render(link, long, on_progress=lambda _: begun.set(), stop=stop))
            await begun.wait()
            second = asyncio.create_task(
                render(link, replace(long, results="j2-1"), on_progress=progressed, stop=stop)
            )
            await waiting.wait()
            stop.set()
            for each in (first, second):
                with pytest.raises(RenderCancelledError):
                    await asyncio.wait_for(each, 60)
            assert stages == ["waiting for a place on studio, next in line"]

    asyncio.run(run())


class Liar(HostSession):
    """A session of a host that answers each order with what `messages` has."""

    messages: tuple = ()

    async def _follow(self, given):
        for message in self.messages:
            await self._wire.send(message)


def piece(**changes) -> PieceAudio:
    values = {"number": 1, "take": 0, "stem": "mix", "start": 0, "frames": 2, **changes}
    return PieceAudio(ChildPiece(**values), bytes(16))


@pytest.mark.parametrize(
    "messages",
    [
        (piece(take=3),),
        (piece(frames=3),),
        (piece(), piece(start=3)),
        (piece(stem="../../up"),),
        (piece(stem="a\\b"),),
        (piece(stem=""),),
        (ChildReport(1, 5, Report("Lied.")),),
        (piece(), ChildReport(1, 0, Report("Lied.")), piece(start=2)),
        (ChildDone(1),),
    ],
)
def test_a_host_that_lies_is_a_bug_of_that_job_and_writes_nowhere_else(tmp_path, monkeypatch, messages):
    monkeypatch.setattr("bridge_server.studio.host_server.HostSession", Liar)
    monkeypatch.setattr(Liar, "messages", messages)

    async def run():
        async with linked(tmp_path, places=1) as link:
            with pytest.raises(ProtocolError) as caught:
                await asyncio.wait_for(render(link, order()), 60)
            assert caught.value.code is ErrorCode.INTERNAL
            link.discard(order())

    asyncio.run(run())
    assert not [path for path in (tmp_path / "results").rglob("*") if path.is_file()]
    assert {path.name for path in tmp_path.iterdir()} <= {"host", "results", "blobs"}


def test_an_engine_that_the_host_does_not_have_is_named(tmp_path):
    async def run():
        async with linked(tmp_path, places=1) as link:
            other = link_to(link._connection, tmp_path, "acestep")
            assert not other.ready
            with pytest.raises(ProtocolError, match="no engine called 'acestep'"):
                await other.start()

    asyncio.run(run())


def test_where_the_host_cannot_start_the_engine_another_one_is_tried(tmp_path):
    async def run():
        settings = host_settings(tmp_path / "host", ("noise",), places=1)
        async with (
            running_host(settings) as running,
            kept_up(HostConnection(running.join, UNHURRIED)) as connection,
        ):
            await connection.connected()
            refused = ProtocolError(
                ErrorCode.ENGINE_NOT_READY, "It lacks a package.", "Install it.", "engine"
            )

            async def start(_):
                raise refused

            running.host.orders.places[0].engines["noise"].start = start
            for elsewhere, code in ((True, ErrorCode.ENGINE_DIED), (False, ErrorCode.ENGINE_NOT_READY)):
                link = link_to(connection, tmp_path, elsewhere=lambda there=elsewhere: there)
                with pytest.raises(ProtocolError, match="It lacks a package") as caught:
                    await render(link, order())
                assert (caught.value.code, caught.value.remedy) == (code, "Install it.")
                assert not link.ready

    asyncio.run(run())


def test_a_song_that_has_gone_from_the_store_is_named_before_anything_is_sent(tmp_path):
    async def run():
        async with linked(tmp_path, places=1) as link:
            with pytest.raises(ProtocolError) as caught:
                await render(link, replace(order(), song="ab" * 32))
            assert caught.value.code is ErrorCode.STORE_FAILED

    asyncio.run(run())
