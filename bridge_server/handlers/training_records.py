"""Trainings as clients see them: the one a server runs, those that are kept on its disk, and the news of one. Pure."""

from __future__ import annotations

import math
from pathlib import Path

from bridge_server.training.kept_trainings import KeptTraining, Measured
from bridge_server.training.training_runner import RunningTraining
from daw_protocol.errors import sendable
from daw_protocol.replies import TrainingMoved
from daw_protocol.training_results import ShownTraining, TrainingRecord

MOST = 1e9  # what a loss may be in an answer
MAX_PHASE = 300  # characters in news


def record_of(current: RunningTraining, previews: tuple[str, ...] = ()) -> TrainingRecord:
    """The training under way, or one that has ended."""
    standing, (sentence, remedy) = current.standing, _why(current)
    return TrainingRecord(
        name=current.wish.name,
        state=current.state,
        phase=standing.phase,
        on=current.wish.on,
        share=standing.share,
        step=standing.step,
        steps=standing.steps,
        seconds_left=_finite(standing.seconds_left),
        songs=current.songs,
        described=current.described,
        adapter=_option(current.wish.name, Path(current.file)) if current.file else "",
        previews=previews,
        sentence=sentence,
        remedy=remedy,
    )


def record_of_kept(kept: KeptTraining) -> TrainingRecord:
    """One that is not under way, or is trained by another program."""
    taken, steps = len(kept.measured.losses), kept.measured.steps
    if kept.adapter is not None:
        state = "done"
    elif kept.elsewhere:
        state = "training"
    else:
        state = "failed" if kept.sentence else "stopped"
    return TrainingRecord(
        name=kept.name,
        state=state,
        phase="trained by another program" if kept.elsewhere else "",
        on=kept.wish.on if kept.wish else "",
        elsewhere=kept.elsewhere,
        share=min(1.0, taken / steps) if steps else 0.0,
        step=taken,
        steps=steps,
        songs=kept.songs,
        described=kept.described,
        adapter=_option(kept.name, kept.adapter) if kept.adapter else "",
        previews=kept.previews,
        sentence=kept.sentence,
        remedy=kept.remedy,
    )


def with_figures(record: TrainingRecord, measured: Measured) -> ShownTraining:
    """The training with its losses."""
    losses = tuple(min(loss, MOST) for loss in measured.losses)
    checks = tuple((step, min(loss, MOST)) for step, loss in measured.checks if not math.isnan(loss))
    return ShownTraining(**vars(record), losses=losses, checks=checks)


def news_of(current: RunningTraining) -> TrainingMoved:
    """How it is now."""
    standing, (sentence, remedy) = current.standing, _why(current)
    return TrainingMoved(
        training=current.wish.name,
        state=current.state,
        phase=sendable(standing.phase, MAX_PHASE),  # it may name songs, and files may have any name
        on=sendable(current.wish.on, MAX_PHASE),
        share=standing.share,
        step=standing.step,
        steps=standing.steps,
        loss=_finite(standing.loss),
        checked=_finite(standing.checked),
        seconds_left=_finite(standing.seconds_left),
        preview=standing.preview,
        adapter=_option(current.wish.name, Path(current.file)) if current.file else "",
        sentence=sentence,
        remedy=remedy,
    )


def _why(current: RunningTraining) -> tuple[str, str]:
    """Why a training failed, and what to do; empty where it did not."""
    return (current.error.sentence, current.error.remedy) if current.error else ("", "")


def _option(name: str, file: Path) -> str:
    """As the engine's option `adapter` names a file of the store's adapters."""
    return f"{name}/{file.name}"


def _finite(value: float | None) -> float | None:
    return min(value, MOST) if value is not None and math.isfinite(value) else None
