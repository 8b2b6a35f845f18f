"""Trainings as clients see them, whatever a training may have measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bridge_server.handlers.training_records import news_of, record_of, record_of_kept, with_figures
from bridge_server.training.kept_trainings import KeptTraining, Measured
from bridge_server.training.training import Standing
from bridge_server.training.training_runner import RunningTraining
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.bridge_server.training.test_training_wish import wish_in

INF, NAN = float("inf"), float("nan")


def test_one_under_way_tells_where_it_is(tmp_path: Path) -> None:
    standing = Standing("training", 0.5, 5, 10, 2.5, NAN, INF)
    running = RunningTraining(wish_in(tmp_path), ("rain.wav",), standing=standing)
    record, news = record_of(running, ("0",)), news_of(running)
    assert (record.state, record.step, record.steps, record.previews) == ("training", 5, 10, ("0",))
    there = replace(running, wish=replace(running.wish, on="studio"))
    assert (record_of(there).on, news_of(there).on, record.on) == ("studio", "studio", "")
    assert (news.training, news.loss, news.checked, news.seconds_left) == ("my_sound", 2.5, None, None)
    odd = news_of(replace(running, standing=Standing("describing \udcff.wav" + "x" * 300, 0.0)))
    assert odd.phase.startswith("describing ?.wavxx")
    done = news_of(replace(running, state="done", file=str(tmp_path / "adapter_model.safetensors")))
    assert done.adapter == "my_sound/adapter_model.safetensors"
    error = ProtocolError(ErrorCode.STORE_FAILED, "The disk is full.", "Free some space.")
    failed = news_of(replace(running, state="failed", error=error))
    assert (failed.sentence, failed.remedy) == ("The disk is full.", "Free some space.")


def test_one_that_is_kept_tells_how_it_ended(tmp_path: Path) -> None:
    kept = KeptTraining(
        "my_sound", tmp_path, wish_in(tmp_path), measured=Measured((3.0, INF), ((2, NAN),), 8)
    )
    assert (record_of_kept(kept).state, record_of_kept(kept).share) == ("stopped", 0.25)
    assert record_of_kept(replace(kept, sentence="It broke.")).state == "failed"
    theirs = record_of_kept(replace(kept, elsewhere=True))
    assert (theirs.state, theirs.elsewhere, record_of_kept(kept).elsewhere) == ("training", True, False)
    assert (
        record_of_kept(replace(kept, adapter=tmp_path / "a.safetensors")).adapter == "my_sound/a.safetensors"
    )
    assert record_of_kept(replace(kept, wish=replace(wish_in(tmp_path), on="studio"))).on == "studio"
    shown = with_figures(record_of_kept(kept), kept.measured)
    assert (shown.losses, shown.checks) == ((3.0, 1e9), ())
