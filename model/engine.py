"""The interface of every engine: a song and a region in samples go in, rendered pieces come out.

This file knows seconds, samples and beat times, but no DAW, file, tempo map or queue:
bridge_server/rendering/plan.py translates a producer's request into a `RenderRequest`.
Only two callables cross the boundary the other way: `OnProgress` and `ShouldStop`.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from model.blueprint import OPEN_FIELDS, Blueprint
from model.errors import RenderStopped
from model.given_chord import GivenChord
from model.kept import Kept
from model.vocabulary import PromptVocabulary

Samples = NDArray[np.float32]
"""Audio, float32, shape [frames, channels]; full scale is +-1."""

ShouldStop = Callable[[], bool]
"""Polled at least every 100 ms of work; once it returns true the engine raises RenderStopped."""


class Task(enum.Enum):
    """What a producer can ask for."""

    REPAINT = "repaint"  # replace a region with another take of it
    COMPLETE = "complete"  # continue past an end, or fill a gap
    ACCOMPANY = "accompany"  # a backing for a solo voice or instrument
    EXTRACT = "extract"  # one or more stems from a mix
    GENERATE = "generate"  # a new song from a prompt
    LEGO = "lego"  # one more track for a mix
    COVER = "cover"  # the same song in another style
    ANALYSE = "analyse"  # tempo, bars, key and parts of a song: a Blueprint, no audio
    PLAN = "plan"  # a new song in words and codes: a Blueprint, no audio
    REWRITE = "rewrite"  # a fuller caption and what it implies: a Blueprint, no audio


@dataclass(frozen=True)
class Song:
    """The source audio of a request.

    samples: float32 [frames, channels], read-only, 1 or 2 channels; up to `EngineDescription.max_channels` where tracks
             are rendered together: the channels of all of them.
    rate:    frames per second.
    digest:  identifies the content (same digest, same samples and rate), so that engines can cache analyses.
    kept:    what this engine kept of exactly this audio when it made it (model/kept.py); None without it.
    """

    samples: Samples
    rate: int
    digest: str
    kept: bytes | None = None

    @property
    def frames(self) -> int:
        return int(self.samples.shape[0])

    @property
    def channels(self) -> int:
        return int(self.samples.shape[1])


@dataclass(frozen=True)
class Grid:
    """The host's beats as an engine sees them: times, no tempo map.

    All arrays have one entry per beat, ascending in time, and cover the song, the region and at least one bar
    beyond each. A beat is one unit of the meter's denominator (an eighth in 6/8).

    seconds:      float64 [beats], time of the beat from the first sample of the song (negative before it).
    beat_in_bar:  int [beats], 0 on the downbeat.
    bar_beats:    int [beats], beats in the bar that contains this beat (the meter's numerator).
    bar:          int [beats], number of that bar on the host's ruler, 1-based (may be <= 0 before bar 1).
    quarters_per_minute: float64 [beats], the tempo at the beat, in quarter notes.
    unit:         the meter's denominator at the region (4 = a beat is a quarter note).
    """

    seconds: NDArray[np.float64]
    beat_in_bar: NDArray[np.int64]
    bar_beats: NDArray[np.int64]
    bar: NDArray[np.int64]
    quarters_per_minute: NDArray[np.float64]
    unit: int = 4


@dataclass(frozen=True)
class SongWords:
    """A song as it is, in words: for an edit, which changes the song by as much as the words differ."""

    caption: str = ""
    lyrics: str = ""


@dataclass(frozen=True)
class RenderRequest:
    """One or more takes to render. Positions are frames at `rate`, counted from the first sample of the song.

    start, end:  half-open region; may extend beyond the song at either end (`end` for a continuation).
    handle:      frames rendered on each side of the region, not joined to the song, as the stem "handles"; 0 = none.
    seed, takes: identify the results: equal request, seed and take give equal samples, whichever other takes are
                 ordered with it. Takes 0..N-1 of one request and seed differ by construction.
    takes_in_all, takes_together: of how many they are, how many to a batch; 0 = not said. For `fixed_batches`.
    key:         "C major", "F# minor", ...; None if the host has none.
    strength:    0 = as close to the replaced audio as the engine can get, 1 = as far from it.
    layers:      which part of the sound to re-render; "all" or a name from `EngineDescription.layers`.
    stems:       stems to extract, or instruments to accompany with; empty = the engine's choice.
    ending:      for COMPLETE: end the song inside the region.
    context_seconds: how much of the song on each side the engine may use; None = as much as it can.
    reference:   reference audio for the timbre, at any rate; the bridge has checked consent.
    edit:        for COVER: keep the song, described here as it is, and change what caption and lyrics say otherwise;
                 None = a cover. Only for engines that say `edits`.
    lyric_times: for GENERATE and COVER: yield a Blueprint with the times of the lyrics' lines, if they can be told.
                 Only for engines that say `times_lyrics`, and only with lyrics.
    chords:      to be played in this order, from the region's first bar on; empty = the engine's choice.
    writes:      for PLAN and REWRITE: the fields of a Blueprint that the engine may write, of OPEN_FIELDS; the others
                 are the request's own.
    instrumental: for PLAN and REWRITE: nothing is sung, so no lyrics are written.
    blueprint:   for GENERATE: the song as it was planned. Caption, lyrics, language, key, tempo and length are already
                 the request's own; codes and sections are in here only.
    options:     the engine's own options (guidance, steps, ...), already checked against `describe().options`; one that
                 names a file is its path where the engine runs.
    """

    task: Task
    song: Song | None
    rate: int
    channels: int
    start: int
    end: int
    grid: Grid
    seed: int
    takes: tuple[int, ...] = (0,)
    takes_in_all: int = 0
    takes_together: int = 0
    handle: int = 0
    caption: str = ""
    lyrics: str = ""
    language: str = "unknown"
    key: str | None = None
    strength: float = 0.5
    layers: str = "all"
    stems: tuple[str, ...] = ()
    ending: bool = False
    context_seconds: float | None = None
    reference: Song | None = None
    edit: SongWords | None = None
    lyric_times: bool = False
    chords: tuple[GivenChord, ...] = ()
    writes: tuple[str, ...] = ()
    instrumental: bool = False
    blueprint: Blueprint | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.takes or list(self.takes) != sorted({take for take in self.takes if take >= 0}):
            raise ValueError(f"takes must be numbers from 0 in ascending order, each once, got {self.takes}")
        if self.takes_in_all and self.takes_in_all <= self.takes[-1]:
            raise ValueError(f"of {self.takes_in_all} takes, numbered from 0, there is no {self.takes[-1]}")
        if unknown := set(self.writes) - set(OPEN_FIELDS):
            raise ValueError(f"writes must be of {', '.join(OPEN_FIELDS)}, got {', '.join(sorted(unknown))}")

    @property
    def take(self) -> int:
        """The only take of a request for one."""
        (take,) = self.takes
        return take

    @property
    def length(self) -> int:
        """Frames of the region."""
        return self.end - self.start

    @property
    def required_song(self) -> Song:
        """The song of a task that needs one, in the request's format. The bridge sends nothing that fails here."""
        song = self.song
        assert song is not None, f"no song to {self.task.value}"
        assert song.frames > 0, song.digest
        assert (song.rate, song.channels) == (self.rate, self.channels), song.digest
        assert self.length > 0, (self.start, self.end)
        return song


@dataclass(frozen=True)
class Piece:
    """Rendered audio, delivered in order within its stem, as soon as it is ready.

    stem:    "mix" for a repaint or completion (exactly [start, end)), "handles" for the same with handles
             ([start - handle, end + handle), not joined to the song), otherwise the stem or instrument.
    start:   frame of the first sample, in the request's coordinates.
    samples: float32 [frames, channels] at the request's rate and channel count.
    take:    the take it belongs to; None where the request asks for one only.
    """

    stem: str
    start: int
    samples: Samples
    take: int | None = None


@dataclass(frozen=True)
class Attachment:
    """A file that belongs to the take but is not audio, such as the arrangement as a MIDI file. take: as in Piece."""

    name: str
    media_type: str
    data: bytes
    take: int | None = None


@dataclass(frozen=True)
class Report:
    """What the engine did for a take, stated honestly; yielded once a take, after everything else of that take.

    method:  how this audio was made, in one sentence.
    figures: measurements and choices for the recipe (JSON values only). CONTRIBUTING.md has those that receipts read.
    notes:   things the producer should know ("no vocal found", ignored caption words, ...).
    weights: the weights used, if the engine has more than one set; "" = as described.
    take:    as in Piece.
    neural:  a trained network made some of this sound, though the engine needs none.
    """

    method: str
    figures: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    weights: str = ""
    take: int | None = None
    neural: bool = False


Rendered = Piece | Attachment | Blueprint | Kept | Report
"""At most one Blueprint a take: what the engine knows of the music in words."""


@dataclass(frozen=True)
class Progress:
    """Progress of a render.

    stage:        a few words for the producer ("analysing the song").
    fraction:     0..1 of the take, or of all takes together where none is named.
    seconds_left: estimate for the same, or None if there is none yet.
    take:         the take it is about; None = all that were requested.
    """

    stage: str
    fraction: float
    seconds_left: float | None = None
    take: int | None = None


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True)
class Capability:
    """Whether an engine (with its current checkpoint) supports a task; if not, the reason and a remedy."""

    task: Task
    available: bool
    reason: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class TextLimit:
    """How much of a text an engine reads.

    characters: longer texts are refused; None = any length.
    tokens:     roughly how many it reads; the rest is cut, and the render's notes report what. None = all, 0 = none.
    """

    characters: int | None = None
    tokens: int | None = None

    def may_lose(self, text: str) -> bool:
        """Whether part of a text may be cut, at a typical three or more bytes per token of a language model."""
        return self.tokens is not None and len(text.encode()) > 3 * self.tokens


@dataclass(frozen=True)
class EngineDescription:
    """What an engine offers. Cheap to build: no weights are read.

    name, label: its names in requests, and in clips and receipts.
    neural:   whether a neural network generates the audio (recorded in the clip's AI-generation statement).
    tasks:    one Capability for every Task.
    layers:   values of `RenderRequest.layers` besides "all".
    stems, instruments: what `EXTRACT` can return, and what `ACCOMPANY` can use.
    max_seconds: longest region per request, including the handles on both sides.
    options:  names of its options, with a line of help each.
    file_options: the options that name a file; the bridge looks for it in the folders it may read.
    companion_files: names of files the engine reads along with one of those, if they are in its folder.
    weights:  digest or name of the loaded checkpoint; "" for an engine without weights.
    reference: whether it can use the timbre of reference audio.
    prompt, lyrics: how much of each it reads.
    languages: languages of the lyrics; empty = any.
    words: for a task, the words of a prompt it follows; a task that is not there has prompts in free words.
    hints: for a task, what a prompt can say, as an example for those who have not typed one.
    lyric_tags: the section tags of lyrics it knows, such as "Verse"; a number after one is no other tag.
    max_channels: how many channels a song may have. More than 2 only if the engine decides on their mean and does the
        same to all of them: tracks are rendered together by it.
    codes_per_second: how many audio codes of a blueprint `GENERATE` renders a second; 0: it reads none.
    reads_words: whether `ANALYSE` writes a caption, the language and the lyrics, and only guesses the rest.
    follows_chords: whether `ACCOMPANY` plays exactly the chords a request gives.
    edits: whether `COVER` can keep the song and change its words or its description.
    times_lyrics: whether it can tell when each line of the lyrics is sung in what it made.
    stem_passes: whether `EXTRACT` renders each stem in a pass of its own: all of them take as many times as long.
    takes_at_once: how many takes a request should ask for at most: more than one only if the engine renders them
        together faster than one by one, with equal samples.
    fixed_batches: takes rendered together have other last bits than takes alone, so it is always takes 0..N-1, N..2N-1
        ... of a request (N = `takes_at_once`) that are ordered together, without those that are there already.
    one_by_one: options, each with the value with which takes are rendered one after the other all the same.
    one_take: why a request can have no more than one take, as a sentence; "" where it can.
    context_seconds: the `RenderRequest.context_seconds` a request should have that names none; None = none.
    holds_seconds: how long this is true, for an engine that asks another program; None = until models change.
    """

    name: str
    label: str
    neural: bool
    tasks: tuple[Capability, ...]
    layers: tuple[str, ...] = ()
    stems: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    max_seconds: float = 600.0
    options: Mapping[str, str] = field(default_factory=dict)
    file_options: tuple[str, ...] = ()
    companion_files: tuple[str, ...] = ()
    weights: str = ""
    reference: bool = False
    prompt: TextLimit = TextLimit()
    lyrics: TextLimit = TextLimit()
    languages: tuple[str, ...] = ()
    words: Mapping[Task, PromptVocabulary] = field(default_factory=dict)
    hints: Mapping[Task, str] = field(default_factory=dict)
    lyric_tags: tuple[str, ...] = ()
    follows_chords: bool = False
    edits: bool = False
    times_lyrics: bool = False
    stem_passes: bool = False
    codes_per_second: float = 0.0
    reads_words: bool = False
    takes_at_once: int = 1
    fixed_batches: bool = False
    one_by_one: Mapping[str, str] = field(default_factory=dict)
    one_take: str = ""
    context_seconds: float | None = None
    max_channels: int = 2
    holds_seconds: float | None = None

    def capability(self, task: Task) -> Capability:
        """The entry for `task`; an engine without an entry does not support it."""
        for entry in self.tasks:
            if entry.task is task:
                return entry
        return Capability(task, False, f"The {self.label} engine does not support {task.value}.")


class Engine(Protocol):
    """The engine in the bridge's render process. One render at a time; `load` before the first.

    An engine is made without arguments; one that has a class attribute `config_type`, a frozen dataclass, with a value
    of that (model/engine_config.py).
    """

    def describe(self) -> EngineDescription:
        """What it offers; cheap, may be called before `load`."""
        ...

    def load(self, progress: OnProgress) -> None:
        """Prepares for rendering. Raises NotLoaded."""
        ...

    def render(
        self, request: RenderRequest, progress: OnProgress, should_stop: ShouldStop
    ) -> Iterator[Rendered]:
        """Yields pieces as they become ready, attachments, a blueprint, and one Report last for each take.

        Takes may come together or one after the other (`model/takes_in_order.py` does the latter for any engine).
        Raises CannotRender if it cannot do this with this song, RenderStopped once `should_stop` returns true.
        """
        ...

    def unload(self) -> None:
        """Frees its memory; `load` may follow."""
        ...


def stop_if_asked(should_stop: ShouldStop) -> None:
    """Raises RenderStopped if the render was cancelled."""
    if should_stop():
        raise RenderStopped
