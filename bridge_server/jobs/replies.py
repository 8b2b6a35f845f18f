"""Replies about a job: its takes, and how it ended."""

from __future__ import annotations

from pathlib import Path

from bridge_server.jobs.job import Job, JobState
from clip_store.take import Take
from daw_protocol.errors import MAX_SENTENCE, unicode_only
from daw_protocol.recipe import BlueprintRecord
from daw_protocol.replies import Analysed, Cancelled, Done, Failed, Planned, Reply, TakeReady

MAX_CHORDS = 1000


def take_ready(job: Job, take: Take, path: Path) -> TakeReady:
    """The reply for a finished take."""
    warnings = take.receipt.warnings
    return TakeReady(
        id=job.request_id,
        job=job.id,
        take=take.id,
        number=take.number,
        stem=take.stem,
        position=take.position,
        length=take.length,
        rate=take.rate,
        seed=take.recipe.seed or 0,
        passed=not warnings,
        warning=warnings[0] if warnings else "",
        path=unicode_only(str(path)),
        region=take.recipe.region,
        track=take.recipe.track,
    )


def analysed(job: Job, found: BlueprintRecord) -> Analysed:
    """The reply with what an analysis found."""
    sure = found.confidence
    parts = " ".join(section.name for section in found.sections)
    return Analysed(
        id=job.request_id,
        job=job.id,
        bpm=found.tempo or 0.0,
        other_bpm=found.other_tempo,
        steady=not found.beats,
        meter=found.meter or "",
        downbeat=found.downbeat or 0.0,
        key=found.key or "",
        tuning=found.tuning or 0.0,
        parts=parts[:200],
        chords=first_chords(found.chords_text),
        tempo_confidence=sure.get("tempo", 0.0),
        octave_confidence=sure.get("octave", 0.0),
        downbeat_confidence=sure.get("downbeat", 0.0),
        meter_confidence=sure.get("meter", 0.0),
        key_confidence=sure.get("key", 0.0),
        caption=found.caption[:MAX_SENTENCE],
        language=found.language,
        text=" ".join([in_words(found), *found.notes])[:MAX_SENTENCE],
    )


def planned(job: Job, number: int, found: BlueprintRecord) -> Planned:
    """The reply with a new song's blueprint."""
    sections = ", ".join(f"{one.name} {one.bars}".strip() for one in found.sections)
    return Planned(
        id=job.request_id,
        job=job.id,
        number=number,
        caption=found.caption[:MAX_SENTENCE],
        bpm=found.tempo or 0.0,
        meter=found.meter or "",
        key=found.key or "",
        language=found.language,
        seconds=found.seconds or 0.0,
        sections=whole_items(sections, 1000),
        codes=len(found.codes),
        fit=found.fit.get("total", 0.0),
        text=" ".join([plan_in_words(found), *found.notes])[:MAX_SENTENCE],
    )


def plan_in_words(found: BlueprintRecord) -> str:
    """A blueprint in a sentence: "96 BPM, 4/4, C minor, 40 s: slow bossa nova."."""
    tempo = [f"{found.tempo:g} BPM"] if found.tempo else []
    length = [f"{found.seconds:.0f} s"] if found.seconds else []
    facts = ", ".join([*tempo, *filter(None, (found.meter, found.key)), *length])
    return ": ".join(filter(None, (facts, found.caption.removesuffix(".")))) + "."


def whole_items(text: str, most: int) -> str:
    """As many entries of a list between commas as fit."""
    return text if len(text) <= most else text[: most + 1].rpartition(",")[0]


def first_chords(text: str) -> str:
    """As many chords, whole ones with their positions, as the reply holds."""
    if len(text) <= MAX_CHORDS:
        return text
    words = text[: MAX_CHORDS + 1].rsplit(" ", 1)[0].split(" ")
    return " ".join(words[: len(words) // 2 * 2])


def in_words(found: BlueprintRecord) -> str:
    """An analysis in a sentence or two: "120 BPM (or 60), 4/4, bar 1 at 0.31 s, A minor." """
    if found.downbeat is None:
        return plan_in_words(found)  # described, not measured
    bpm = f"{found.tempo or 0.0:g} BPM"
    if found.beats:
        bpm = f"about {bpm}, changing"
    if found.other_tempo is not None:
        bpm += f" (or {found.other_tempo:g})"
    key = [found.key] if found.key else []
    measured = ", ".join([bpm, found.meter or "", f"bar 1 at {found.downbeat:.3f} s", *key])
    return ": ".join(filter(None, (measured, found.caption.removesuffix(".")))) + "."


def ending(job: Job, takes: int) -> Reply:
    """The terminal reply of a job that has ended."""
    if job.state is JobState.DONE:
        return Done(id=job.request_id, job=job.id, takes=takes)
    if job.state is JobState.CANCELLED:
        return Cancelled(id=job.request_id, job=job.id)
    return Failed(id=job.request_id, job=job.id, **job.failure)
