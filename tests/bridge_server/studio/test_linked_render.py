"""What has come of an order: put together over cuts, and refused where it does not fit.

Hosts that lie: test_engine_link.py.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace

import numpy as np
import pytest

from bridge_server.engines.host import RenderCancelledError, ignore_outcome, ignore_progress
from bridge_server.engines.messages import ChildAttachment, ChildDone, ChildPiece, ChildReport
from bridge_server.studio import linked_render
from bridge_server.studio.link_messages import OrderFailed, PieceAudio, StemFrames
from bridge_server.studio.linked_render import LinkedRender, error_of
from daw_protocol.errors import ErrorCode, ProtocolError
from model.engine import Attachment, Report
from tests.bridge_server.engines.test_process import order

SAMPLES = np.arange(40, dtype="<f4").reshape(-1, 2)
BESIDE = (
    ChildAttachment(1, 0, Attachment("a.mid", "audio/midi", b"MThd")),
    ChildReport(1, 0, Report("Drawn.")),
)


def piece(first: int, end: int) -> PieceAudio:
    return PieceAudio(ChildPiece(1, 0, "mix", first, end - first), SAMPLES[first:end].tobytes())


def render_in(folder, grown=lambda *_: None, takes=(0,), complete=ignore_outcome) -> LinkedRender:
    command = order()
    command = replace(command, request=replace(command.request, takes=takes))
    return LinkedRender(command, folder, ignore_progress, grown, complete)


def accepted(render: LinkedRender, *messages, stop: bool = False) -> list[bool]:
    async def run():
        event = asyncio.Event()
        if stop:
            event.set()
        return [await render.accept(message, event) for message in messages]

    return asyncio.run(run())


def test_after_a_cut_it_says_what_it_has_and_nothing_is_there_twice(tmp_path):
    frames = []
    render = render_in(tmp_path, lambda _, stem: frames.append(stem.frames))
    assert render.begin() == ()
    accepted(render, piece(0, 5), piece(5, 12), BESIDE[0])
    digest = hashlib.sha256(SAMPLES[:12].tobytes()).hexdigest()
    assert render.begin() == (StemFrames(0, "mix", 12, digest),)
    assert accepted(render, piece(12, 20), *BESIDE, ChildDone(1)) == [False, False, False, True]
    (outcome,) = render.outcomes()
    assert np.array_equal(outcome.stem("mix").samples(), SAMPLES)
    assert frames == [5, 12, 20]
    assert [each.name for each in outcome.attachments] == ["a.mid"], "it came twice"


def test_a_take_is_complete_with_its_report_and_stays_so_when_it_comes_again(tmp_path):
    complete = []
    render = render_in(tmp_path, takes=(0, 1), complete=complete.append)
    accepted(render, piece(0, 20), *BESIDE)
    (first,) = complete
    assert (first.take, len(first.attachments)) == (0, 1)
    assert np.array_equal(first.stem("mix").samples(), SAMPLES)
    render.begin()  # a cut: the host cannot know what had come beside the audio
    accepted(render, *BESIDE)
    assert len(complete) == 1
    with pytest.raises(ProtocolError) as caught:
        accepted(render, ChildDone(1))
    assert caught.value.code is ErrorCode.INTERNAL, "take 1 is still to come"
    accepted(render, ChildReport(1, 1, Report("Drawn.")))
    assert accepted(render, ChildDone(1)) == [True]
    assert render.outcomes() == tuple(complete)
    assert len(render.outcomes()[0].attachments) == 1


def large(*sizes: int):
    return [ChildAttachment(1, 0, Attachment("a.mid", "audio/midi", bytes(size))) for size in sizes]


@pytest.mark.parametrize(
    "messages",
    [
        [PieceAudio(ChildPiece(1, 0, f"stem {each}", 0, 1), bytes(8)) for each in range(linked_render.MAX_STEMS + 1)],
        [PieceAudio(ChildPiece(1, 0, "mix", part * 50_000, 50_000), bytes(400_000)) for part in range(2)],
        large(*[0] * (linked_render.MAX_BESIDE + 1)),
        large(600, 600),
    ],
)  # fmt: skip
def test_a_host_that_sends_without_end_is_ended_and_the_log_has_what_it_sent(
    tmp_path, monkeypatch, caplog, messages
):
    monkeypatch.setattr(linked_render, "MAX_BESIDE_BYTES", 1000)
    render = render_in(tmp_path)
    accepted(render, *messages[:-1])
    with pytest.raises(ProtocolError) as caught:
        accepted(render, messages[-1])
    assert caught.value.code is ErrorCode.INTERNAL
    assert "sent what does not belong" in caplog.text


def test_what_came_with_complete_takes_counts_after_a_cut_as_well(tmp_path, monkeypatch):
    monkeypatch.setattr(linked_render, "MAX_BESIDE_BYTES", 1000)
    render = render_in(tmp_path, takes=(0, 1))
    accepted(render, *large(600), BESIDE[1])
    render.begin()
    accepted(render, *large(600))  # once more, of a take that is complete
    second = ChildAttachment(1, 1, Attachment("b.mid", "audio/midi", bytes(300)))
    accepted(render, second)
    render.begin()
    accepted(render, second)  # once more: its own take was not complete
    with pytest.raises(ProtocolError):
        accepted(render, second)


def test_an_error_after_a_stop_is_the_stop(tmp_path):
    refused = OrderFailed(1, "cannot_render", "No drums.")
    with pytest.raises(ProtocolError, match="No drums"):
        accepted(render_in(tmp_path), refused)
    with pytest.raises(RenderCancelledError):
        accepted(render_in(tmp_path), refused, stop=True)


def test_a_full_disk_of_this_machine_is_named(tmp_path):
    with pytest.raises(ProtocolError) as caught:
        accepted(render_in(tmp_path / "gone"), piece(0, 5))
    assert caught.value.code is ErrorCode.STORE_FAILED


def test_an_error_of_a_later_version_is_one_all_the_same():
    error = error_of(OrderFailed(1, "no_bananas", "No bananas.", "Buy some."))
    assert (error.code, error.sentence) == (ErrorCode.CANNOT_RENDER, "No bananas.")
