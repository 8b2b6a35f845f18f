"""The recipe of a take: everything needed to render it again, and the engine's report.

It is stored with the take, in its Broadcast WAV and in a JSON file next to it, and later versions must be able to read
it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from daw_protocol.errors import ProtocolError
from daw_protocol.fields import Flag, Real, Whole
from daw_protocol.message import Message, value
from daw_protocol.part_fields import PartsKind
from daw_protocol.result_fields import AnyText, JsonObject, ListOf, Record, TableOf
from daw_protocol.seed import Seed

SECONDS = Real(-1e9, 1e9)


@dataclass(frozen=True, kw_only=True)
class ReferenceAudio(Message):
    """The reference audio a take was rendered with."""

    writes_defaults: ClassVar[bool] = True
    name: str = value(AnyText(), "its name", "")
    digest: str = value(AnyText(), "digest of the stored audio", "")
    consent: bool = value(Flag(), "whether the performer agreed to this use", False)


@dataclass(frozen=True, kw_only=True)
class HeardSong(Message):
    """The song as it stood when a take was rendered: what the engine heard, and what the take was spliced into.

    Positions are samples from the first of the take's own song, in which nothing is accepted.
    """

    writes_defaults: ClassVar[bool] = True
    digest: str = value(AnyText(), "digest of the stored audio", "")
    begins: int = value(
        Whole(-(2**53), 0), "its first sample: before the song's where a lead-in was accepted", 0
    )
    parts: tuple[tuple[str, int, int], ...] = value(
        PartsKind(), "accepted takes that took the song's place in it", ()
    )
    backing: tuple[tuple[str, int, int], ...] = value(
        PartsKind(), "accepted takes that played along with it", ()
    )
    stems: tuple[tuple[str, int, int], ...] = value(
        PartsKind(), "accepted takes that took the place of a stem of it, or of an instrument", ()
    )

    @property
    def takes(self) -> tuple[str, ...]:
        """The ids of the takes in it, each once."""
        return tuple(dict.fromkeys(take for take, _, _ in (*self.parts, *self.backing, *self.stems)))


@dataclass(frozen=True, kw_only=True)
class SectionRecord(Message):
    """A part of a song."""

    name: str = value(AnyText(), "its name, such as verse")
    start: float = value(SECONDS, "its start, in seconds from the song's first sample")
    end: float = value(SECONDS, "its end")
    bars: str = value(AnyText(), 'of a planned song, its bars: "9-16"', "")
    confidence: float | None = value(Real(0, 1), "how marked its borders are, 0 to 1, if known", None)


@dataclass(frozen=True, kw_only=True)
class ChordRecord(Message):
    """A chord, which lasts until the next one."""

    name: str = value(AnyText(), "its name, such as Am7")
    time: float = value(SECONDS, "its start, in seconds from the song's first sample")


@dataclass(frozen=True, kw_only=True)
class LyricRecord(Message):
    """A line, or a word, of the lyrics."""

    text: str = value(AnyText(), "its words")
    start: float | None = value(SECONDS, "its start, in seconds from the song's first sample, if known", None)
    end: float | None = value(SECONDS, "its end, if known", None)


@dataclass(frozen=True, kw_only=True)
class BlueprintRecord(Message):
    """The music of a take in words, as far as its engine knows it."""

    tempo: float | None = value(
        Real(0, 1e6), "quarter notes per minute where the music begins, if known", None
    )
    key: str | None = value(AnyText(), "the key, if known", None)
    meter: str | None = value(AnyText(), "the time signature where the music begins, if known", None)
    sections: tuple[SectionRecord, ...] = value(ListOf(Record(SectionRecord)), "its parts", ())
    chords: tuple[ChordRecord, ...] = value(ListOf(Record(ChordRecord)), "its chords in order", ())
    chords_text: str = value(
        AnyText(), "its chords on bars and beats, as `chords` of accompany reads them; empty if not known", ""
    )
    caption: str = value(AnyText(), "a description", "")
    lyrics: tuple[LyricRecord, ...] = value(ListOf(Record(LyricRecord)), "its lyrics", ())
    lyrics_timed: bool = value(
        Flag(),
        "whether their times are when they are sung, by the engine; else they are a plan's layout",
        False,
    )
    language: str = value(AnyText(), "the language of the lyrics", "")
    other_tempo: float | None = value(
        Real(0, 1e6), "half or twice the tempo, where that may be meant as well", None
    )
    downbeat: float | None = value(
        SECONDS, "the first beat of the first whole bar, in seconds from the song's first sample", None
    )
    seconds: float | None = value(Real(0, 1e9), "the length of the music, if known", None)
    codes: tuple[int, ...] = value(
        ListOf(Whole(0, 2**31)),
        "the music as audio codes of the engine that planned it, five a second; empty if there are none",
        (),
    )
    beats: tuple[float, ...] = value(
        ListOf(SECONDS), "every beat, in seconds, where the tempo changes; empty at a steady tempo", ()
    )
    tuning: float | None = value(Real(-1200, 1200), "cents above A = 440 Hz, if known", None)
    confidence: Mapping[str, float] = value(
        TableOf(Real(0, 1)),
        "0 to 1 for tempo (give or take an octave), octave, downbeat, meter and key, as far as known",
        {},
    )
    fit: Mapping[str, float] = value(
        TableOf(Real(0, 1)),
        "how well the codes say what the words say, as their planner reads them back: total, caption, lyrics and "
        "facts, 0 to 1; it ranks plans with the same words only, and is no mark",
        {},
    )
    notes: tuple[str, ...] = value(
        ListOf(AnyText()), "of an analysis: what the engine went without, and how to get it", ()
    )


@dataclass(frozen=True, kw_only=True)
class Recipe(Message):
    """How a take was rendered. Together with the take's request it renders the take again."""

    writes_defaults: ClassVar[bool] = True
    made_by: str = value(AnyText(), "program and version", "")
    engine: str = value(AnyText(), "the engine's name in requests", "")
    engine_label: str = value(AnyText(), "the engine's display name", "")
    neural: bool = value(Flag(), "whether a neural network generated the audio", False)
    weights: str = value(
        AnyText(), "digest or name of the model's weights; empty for an engine without weights", ""
    )
    licence: str = value(
        AnyText(),
        "licence of the weights, as their publisher states it; empty if unknown or without weights",
        "",
    )
    source_type: str = value(
        AnyText(), "digital source type of the clip, from IPTC's vocabulary, such as algorithmicMedia", ""
    )
    seed: int | None = value(Seed(), "the seed", None)
    rendered_on: str = value(
        AnyText(),
        "the render host and its device, such as studio (NVIDIA H200); empty: the bridge's machine",
        "",
    )
    take: int = value(Whole(0, 1000), "which take of its region, from 0", 0)
    region: int | None = value(
        Whole(1, 1000), "which of its request's several regions, from 1; none where it named only one", None
    )
    track: int | None = value(
        Whole(1, 1000), "which of its request's several tracks, from 1; none where it named one source", None
    )
    method: str = value(AnyText(), "how the engine worked", "")
    figures: Mapping[str, object] = value(JsonObject("object of figures"), "the engine's own figures", {})
    notes: tuple[str, ...] = value(ListOf(AnyText()), "notes from plan and engine", ())
    gain_db: float = value(Real(-1e6, 1e6), "gain applied to match the loudness", 0.0)
    # Parsed only where it is used, so that an unreadable map spoils one export, not every list of takes.
    tempo_map: Mapping[str, object] | None = value(
        JsonObject('tempo map object, such as {"points": [{"quarter": 0, "bpm": 120}]}'),
        "the tempo map it was rendered on",
        None,
    )
    reference: ReferenceAudio | None = value(Record(ReferenceAudio), "the reference audio, if any", None)
    heard: HeardSong | None = value(
        Record(HeardSong), "the song with the accepted takes in it; none where the original was heard", None
    )
    blueprint: BlueprintRecord | None = value(
        Record(BlueprintRecord), "the music in words, from an engine that knows it", None
    )


def recipe_in(stored: object) -> Recipe | None:
    """The recipe that a file carries as JSON; None for one that was written by hand, or is damaged."""
    try:
        return Recipe.from_stored(stored) if isinstance(stored, dict) else None
    except (ProtocolError, ValueError, TypeError):
        return None
