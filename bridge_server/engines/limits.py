"""What an engine cannot do, refused before anything is queued or read."""

from __future__ import annotations

from collections.abc import Mapping

from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests import Analyse, Render
from model.engine import EngineDescription, Task, TextLimit
from model.lyric_tags import has_sung_line


def refuse_impossible(description: EngineDescription, request: Render) -> None:
    """Raises ProtocolError for what this engine cannot do, before anything is queued or read."""
    capability = description.capability(Task(request.task))
    if not capability.available:
        remedy = (
            capability.remedy
            or "Use another engine; the panel and the request `engines` list what each one can do."
        )
        raise ProtocolError(ErrorCode.CANNOT_RENDER, capability.reason, remedy, "engine")
    label = description.label
    if request.reference is not None and not description.reference:
        raise ProtocolError(
            ErrorCode.CANNOT_RENDER,
            f"reference: the {label} engine does not use reference audio.",
            "Omit it, or use another engine; the panel and the request `engines` list what each one can do.",
            "reference",
        )
    if description.one_take and getattr(request, "takes", 1) > 1:
        raise ProtocolError(ErrorCode.CANNOT_RENDER, description.one_take, "Ask for one take.", "takes")
    _known("layers", (getattr(request, "layers", "all"),), ("all", *description.layers), label)
    _known("stems", getattr(request, "stems", ()), description.stems, label)
    _known("instruments", getattr(request, "instruments", ()), description.instruments, label)
    if getattr(request, "chords", None) is not None and not description.follows_chords:
        raise ProtocolError(
            ErrorCode.CANNOT_RENDER,
            f"chords: the {label} engine cannot follow given chords; it would play its own.",
            "Omit chords, or use the sketch engine, which plays them exactly.",
            "chords",
        )
    _refuse_part(description, request)
    _refuse_codes(description, request)
    _refuse_lyric_times(description, request)
    _known("options", tuple(request.options), tuple(description.options), label)
    if description.languages:
        _known("language", (request.language,), description.languages, label)
    _refuse_too_many_characters("prompt", request.prompt, description.prompt, label)
    _refuse_too_many_characters("lyrics", request.lyrics, description.lyrics, label)
    for field, limit in (("song_prompt", description.prompt), ("song_lyrics", description.lyrics)):
        _refuse_too_many_characters(field, getattr(request, field, ""), limit, label)


SHORT_OF_CODES = 1.0
"""Seconds that a blueprint's codes may be short of its length: a render ends in silence for so long."""


def _refuse_codes(description: EngineDescription, request: Render) -> None:
    """Raises ProtocolError for audio codes that this engine does not render, or that end before the song."""
    given = getattr(request, "blueprint", None)
    if not isinstance(given, Mapping) or not (codes := given.get("codes")):
        return
    if not description.codes_per_second:
        raise ProtocolError(
            ErrorCode.CANNOT_RENDER,
            f"blueprint: the {description.label} engine does not render audio codes.",
            "Remove the codes from the blueprint to have its words rendered, or use the engine that planned it.",
            "blueprint",
        )
    has, wants = len(codes) / description.codes_per_second, float(given.get("seconds") or 0.0)
    if has < wants - SHORT_OF_CODES:
        raise ProtocolError(
            ErrorCode.CANNOT_RENDER,
            f"blueprint: its audio codes last {has:.1f} s, the song {wants:.1f} s.",
            "Plan the song again, or remove the codes from the blueprint to have its words rendered.",
            "blueprint",
        )


def _refuse_part(description: EngineDescription, request: Render) -> None:
    """Raises ProtocolError where a part of a song is to be described by an engine that only measures whole songs."""
    if isinstance(request, Analyse) and request.part and not description.reads_words:
        raise ProtocolError(
            ErrorCode.CANNOT_RENDER,
            f"{request.part}: there is no planner to describe a part of the song, and a song is measured whole.",
            "Omit the region, or run `takebridge models pull planner-1.7b` next to the ACE-Step weights.",
            request.part,
        )


def _refuse_lyric_times(description: EngineDescription, request: Render) -> None:
    """Raises ProtocolError where lines are to be timed that this engine cannot time, or that there are none of."""
    if not getattr(request, "lyric_times", False):
        return
    refuse_engine_without_times(description)
    if not has_sung_line(request.lyrics):
        raise ProtocolError(
            ErrorCode.MISSING_FIELD,
            "lyric_times: there is no line to sing.",
            "Send lyrics with lines between their section tags, or omit lyric_times.",
            "lyric_times",
        )


def refuse_engine_without_times(description: EngineDescription) -> None:
    """Raises ProtocolError where an engine cannot time the lines it sings."""
    if not description.times_lyrics:
        raise ProtocolError(
            ErrorCode.CANNOT_RENDER,
            f"lyric_times: the {description.label} engine does not know when its lyrics are sung.",
            "Omit lyric_times, or use the acestep engine.",
            "lyric_times",
        )


def refuse_too_long(description: EngineDescription, seconds: float) -> None:
    """Raises ProtocolError when a region, with its pre- and post-roll, is longer than the engine renders at once."""
    if seconds > description.max_seconds:
        raise ProtocolError(
            ErrorCode.TOO_LARGE,
            f"Region, pre- and post-roll are {seconds:.1f} s long; the {description.label} engine renders at most "
            f"{description.max_seconds:g} s at a time.",
            "Select a shorter region.",
            "end",
        )


def _refuse_too_many_characters(field: str, text: str, limit: TextLimit, label: str) -> None:
    most = limit.characters
    if most is not None and len(text) > most:
        begins = " ".join(text[most:].split()[:4])[:60]
        raise ProtocolError(
            ErrorCode.TOO_LARGE,
            f"{field}: the {label} engine reads at most {most} characters, got {len(text)}.",
            f"Shorten it: the text from {begins!r} on is too much.",
            field,
        )


def _known(field: str, given: tuple[str, ...], known: tuple[str, ...], label: str) -> None:
    for name in given:
        if name not in known:
            remedy = f"It knows: {', '.join(known)}." if known else "Omit it."
            raise ProtocolError(
                ErrorCode.CANNOT_RENDER, f"{field}: the {label} engine does not know {name!r}.", remedy, field
            )
