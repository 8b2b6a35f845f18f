"""The one interface every engine has: a song and a region in samples go in, rendered pieces come out.

This file knows seconds, samples and beat times. It knows no DAW, no file, no tempo map and no queue:
bridge_server/rendering/plan.py translates a producer's request into a `RenderRequest`.
Against the stream of data go only the two callables `Progress` and `ShouldStop`.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from model.errors import RenderStopped

Samples = NDArray[np.float32]
"""Audio, float32, shape [frames, channels]; full scale is +-1."""

ShouldStop = Callable[[], bool]
"""Asked at least every 100 ms of work; once it has said yes the engine raises RenderStopped."""


class Task(enum.Enum):
    """What a producer can ask for."""

    REPAINT = "repaint"  # replace a region by another take of it
    COMPLETE = "complete"  # continue past an end, or fill a gap
    ACCOMPANY = "accompany"  # a backing for a solo voice or instrument
    EXTRACT = "extract"  # one or several stems out of a mix
    GENERATE = "generate"  # a new song from words
    LEGO = "lego"  # one more track over a mix
    COVER = "cover"  # the same song in another style


@dataclass(frozen=True)
class Song:
    """The audio a request is about.

    samples: float32 [frames, channels], read-only, 1 or 2 channels.
    rate:    frames per second.
    digest:  names the content (same digest, same samples and rate), so that engines can keep analyses by it.
    """

    samples: Samples
    rate: int
    digest: str

    @property
    def frames(self) -> int:
        return int(self.samples.shape[0])

    @property
    def channels(self) -> int:
        return int(self.samples.shape[1])


@dataclass(frozen=True)
class Grid:
    """The host's beats, as an engine sees them: times only, no tempo map.

    All arrays have one entry per beat, ascending in time, and cover the song, the region and at least one bar
    beyond each. A beat is one unit of the meter's denominator (an eighth in 6/8).

    seconds:      float64 [beats], time of the beat from the first sample of the song (negative before it).
    beat_in_bar:  int [beats], 0 on the downbeat.
    bar_beats:    int [beats], beats in the bar this beat belongs to (the meter's numerator).
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
class RenderRequest:
    """One take to render. Positions are frames at `rate`, counted from the first sample of the song.

    start, end:  half-open region; `end` may lie beyond the song (continuation), `start` before it.
    handle:      frames rendered on either side of the region, un-joined, as the extra stem "handles"; 0 = none.
    seed, take:  together they name the result: equal request, seed and take give equal samples.
                 Takes 0..N-1 of one request and seed differ by construction.
    key:         "C major", "F# minor", ...; None when the host has none.
    strength:    0 = as close to the replaced audio as the engine can, 1 = as far from it.
    layers:      which part of the sound is rendered anew; "all" or a name from `EngineDescription.layers`.
    stems:       what to extract, or the instruments to accompany with; empty = the engine's choice.
    ending:      for COMPLETE: bring the song to its end inside the region.
    context_seconds: how much of the song on either side the engine may look at; None = as much as it can use.
    reference:   audio at any rate whose timbre the render takes on; the bridge has asked for consent.
    options:     engine's own switches (guidance, steps, ...), already checked against `describe().options`.
    """

    task: Task
    song: Song | None
    rate: int
    channels: int
    start: int
    end: int
    grid: Grid
    seed: int
    take: int = 0
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
    options: Mapping[str, Any] = field(default_factory=dict)

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
    """Rendered audio, in order within its stem, as soon as it exists.

    stem:    "mix" for a repaint or completion (covering exactly [start, end)), "handles" for the same with
             pre- and post-roll ([start - handle, end + handle), not joined to the surroundings),
             otherwise the name of the stem or instrument.
    start:   frame of the first sample, in the request's coordinates.
    samples: float32 [frames, channels] at the request's rate and channel count.
    """

    stem: str
    start: int
    samples: Samples


@dataclass(frozen=True)
class Attachment:
    """Something that is not audio but belongs to the take, such as the arrangement as a MIDI file."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True)
class Report:
    """What the engine did, in its own honest words; comes once, last.

    method:  one sentence: how this audio was made.
    figures: measured numbers and choices worth keeping in the recipe (JSON values only).
    notes:   things the producer should know ("no vocal found", ignored caption words, ...).
    weights: name of the weights that were used, where an engine has more than one set; "" = as described.
    """

    method: str
    figures: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    weights: str = ""


Rendered = Piece | Attachment | Report


@dataclass(frozen=True)
class Progress:
    """How far a render is.

    stage:        a few words in the producer's language ("listening to the song").
    fraction:     0..1 of the whole take.
    seconds_left: estimate, or None when there is none yet.
    """

    stage: str
    fraction: float
    seconds_left: float | None = None


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True)
class Capability:
    """Whether an engine (with its present checkpoint) does a task; if not, why, and what to do about it."""

    task: Task
    available: bool
    reason: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class TextLimit:
    """How much of a text an engine reads.

    characters: a longer text is refused. None = any length.
    tokens:     what it reads of one, roughly; more is lost, and the render's notes say what. None = all, 0 = nothing.
    """

    characters: int | None = None
    tokens: int | None = None

    def may_lose(self, text: str) -> bool:
        """Whether some of a text may not be read: a token of a language model is three bytes or more, by and large."""
        return self.tokens is not None and len(text.encode()) > BYTES_PER_TOKEN * self.tokens


BYTES_PER_TOKEN = 3


@dataclass(frozen=True)
class EngineDescription:
    """What an engine can be asked for. Cheap to make: no weights are touched.

    name:     how requests name it.
    label:    how clips and receipts name it.
    neural:   whether a neural network makes the audio (kept in the clip's statement of machine generation).
    tasks:    one Capability for every Task.
    layers:   values of `RenderRequest.layers` besides "all".
    stems:    names `EXTRACT` can return.
    instruments: names `ACCOMPANY` can be asked to use.
    max_seconds: longest region it renders in one request, the handles on both sides included.
    options:  names of engine switches with a line of help each.
    file_options: those of them that name a file; the bridge looks for it in the folders it may read.
    weights:  digest or name of the loaded checkpoint; "" for an engine without weights.
    reference: whether it can take on the timbre of reference audio.
    prompt, lyrics: how much of them it reads.
    languages: of lyrics; empty = it does not matter to the engine.
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
    weights: str = ""
    reference: bool = False
    prompt: TextLimit = TextLimit()
    lyrics: TextLimit = TextLimit()
    languages: tuple[str, ...] = ()

    def capability(self, task: Task) -> Capability:
        """The entry for `task`; an engine that does not list one cannot do it."""
        for entry in self.tasks:
            if entry.task is task:
                return entry
        return Capability(task, False, f"The {self.label} engine does not do {task.value}.")


class Engine(Protocol):
    """What the bridge's render process holds. One render at a time; `load` before the first."""

    def describe(self) -> EngineDescription:
        """What can be asked for; cheap, may be called before `load`."""
        ...

    def load(self, progress: OnProgress) -> None:
        """Gets ready to render. Raises NotLoaded."""
        ...

    def render(
        self, request: RenderRequest, progress: OnProgress, should_stop: ShouldStop
    ) -> Iterator[Rendered]:
        """Yields pieces as they become ready, attachments, and one Report last.

        Raises CannotRender for what it cannot do with this song, RenderStopped once `should_stop` says yes.
        """
        ...

    def unload(self) -> None:
        """Gives memory back; `load` may follow."""
        ...


def stop_if_asked(should_stop: ShouldStop) -> None:
    """Raises RenderStopped once the caller wants no more."""
    if should_stop():
        raise RenderStopped
