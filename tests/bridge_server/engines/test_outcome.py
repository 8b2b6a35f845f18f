"""What a render gave: samples are read as they were written, and takes are kept apart."""

from __future__ import annotations

import numpy as np
import pytest

from bridge_server.engines.messages import ChildAttachment, ChildBlueprint, ChildPiece, ChildReport
from bridge_server.engines.outcome import Outcome, OutcomeCollector, StemFile, stem_path
from model.blueprint import Blueprint
from model.engine import Attachment, Report


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
    outcome = Outcome(0, (drums, vocals), (), Report("Drawn."))
    assert outcome.stem("vocals") is vocals
    assert outcome.stem("mix") is None


def test_a_stem_is_read_on_from_where_it_was_left(tmp_path):
    np.arange(40, dtype="<f4").tofile(tmp_path / "mix.f32")
    stem = StemFile("mix", 0, 20, 2, tmp_path / "mix.f32")
    assert np.array_equal(stem.samples(skip=7), stem.samples()[7:])


def test_messages_become_the_outcome_of_their_take(tmp_path):
    collector = OutcomeCollector((0, 2), 2, tmp_path)
    midi, words = Attachment("arrangement.mid", "audio/midi", b"MThd"), Blueprint(key="C major")
    grown = [
        collector.accept(ChildPiece(7, take, "mix", -5, frames)) for take, frames in ((0, 3), (2, 4), (0, 6))
    ]
    assert [(stem.start, stem.frames) for stem in grown] == [(-5, 3), (-5, 4), (-5, 9)]
    assert [stem.path for stem in grown[:2]] == [stem_path(tmp_path, take, "mix") for take in (0, 2)]
    assert collector.accept(ChildAttachment(7, 2, midi)) is None
    assert collector.accept(ChildBlueprint(7, 0, words)) is None
    for take in (2, 0):
        collector.accept(ChildReport(7, take, Report(f"take {take}")))
    first, second = collector.outcomes()
    assert (first.take, first.attachments, first.blueprint) == (0, (), words)
    assert (second.take, second.attachments, second.blueprint) == (2, (midi,), None)
    assert (first.report.method, second.report.method) == ("take 0", "take 2")
    assert first.stem("mix") == grown[2]
