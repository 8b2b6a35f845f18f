"""The one place that speaks both beats and seconds: a producer's request becomes frames for an engine.

Bars, beats, seconds and timecode are converted here, once, through the tempo map; after this there are only samples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from daw_protocol import requests
from daw_protocol.context import NEW_SONG_RATE, tempo_map_of
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests import Render
from daw_protocol.timeline import Bbt, Span, TempoMap, parse_bars
from daw_protocol.timeline.duration import Duration, DurationUnit
from model.engine import Grid, RenderRequest, Task

COMPLETION_BARS = Duration(Fraction(8), DurationUnit.BARS)
GENERATED_BARS = Duration(Fraction(16), DurationUnit.BARS)
# Seven hours at 120 BPM: no song, and already more beats than an engine should be handed.
MAX_QUARTERS = 50_000
NEW_SONG_CHANNELS = 2

WHOLE_SONG = (requests.Accompany, requests.Extract, requests.Cover, requests.Lego)
INSIDE_ONLY = (requests.Repaint, requests.Extract, requests.Cover, requests.Lego)


@dataclass(frozen=True)
class SongShape:
    """What a plan must know of the song: its length at the project's rate, its channels, and how much of it is
    music: the rest, at the end, is the last chord ringing out, or silence."""

    frames: int
    rate: int
    channels: int
    music_frames: int


@dataclass(frozen=True)
class Plan:
    """Where a request lies, in samples of the timeline.

    song:     the stretch the song covers; None for a request without one.
    region:   what is to be rendered.
    notes:    what was assumed, for the takes.
    """

    request: Render
    tempo_map: TempoMap
    rate: int
    channels: int
    song: Span | None
    region: Span
    notes: tuple[str, ...] = ()

    @property
    def region_in_song(self) -> Span:
        """The region counted from the song's first sample."""
        return self.region.shifted(-self.song.start) if self.song else Span(0, self.region.length)

    def render_request(self, take: int) -> RenderRequest:
        """What the engine is told for one take; `song` is added in the engine's process."""
        request = self.request
        region = self.region_in_song
        return RenderRequest(
            task=Task(request.task),
            song=None,
            rate=self.rate,
            channels=self.channels,
            start=region.start,
            end=region.end,
            grid=self.grid(),
            seed=request.seed or 0,
            take=take,
            handle=round(request.handles * self.rate) if spliced(request) else 0,
            caption=request.prompt,
            lyrics=request.lyrics,
            language=request.language,
            key=str(request.key) if request.key else None,
            strength=getattr(request, "strength", 0.5),
            layers=getattr(request, "layers", "all"),
            stems=getattr(request, "stems", ()) or getattr(request, "instruments", ()),
            ending=getattr(request, "ending", False),
            context_seconds=request.context,
            options=request.options,
        )

    def grid(self) -> Grid:
        """The beats of song and region and two bars around them, in seconds from the song's first sample."""
        origin = self.song.start if self.song else self.region.start
        covered = Span(
            min(origin, self.region.start), max(self.song.end if self.song else 0, self.region.end)
        )
        beats = self.tempo_map.beats_between(self._with_two_bars(covered), self.rate)
        meter = self.tempo_map.meter_at(self.tempo_map.quarters_at(self.region.start, self.rate))
        return Grid(
            seconds=np.array([(beat.sample - origin) / self.rate for beat in beats], dtype=np.float64),
            beat_in_bar=np.array([beat.beat - 1 for beat in beats], dtype=np.int64),
            bar_beats=np.array([beat.meter.numerator for beat in beats], dtype=np.int64),
            bar=np.array([beat.bar for beat in beats], dtype=np.int64),
            quarters_per_minute=np.array([float(beat.bpm) for beat in beats], dtype=np.float64),
            unit=meter.denominator,
        )

    def grid_samples(self) -> list[int]:
        """Sixteenth notes inside the region, in samples from the song's first: what drift is measured against."""
        first = self.tempo_map.quarters_at(self.region.start, self.rate)
        last = self.tempo_map.quarters_at(self.region.end, self.rate)
        origin = self.song.start if self.song else self.region.start
        lines = range(math.floor(first * 4), math.ceil(last * 4) + 1)
        return [self.tempo_map.sample_at(Fraction(line, 4), self.rate) - origin for line in lines]

    def _with_two_bars(self, covered: Span) -> Span:
        """From the second bar line before the bar `covered` starts in, to the end of the second bar after its last."""
        first = self.tempo_map.bbt_at(covered.start, self.rate).bar - 2
        last = self.tempo_map.bbt_at(covered.end, self.rate).bar + 3
        return Span(*(self.tempo_map.sample_of(Bbt(bar), self.rate) for bar in (first, last)))


def spliced(request: Render) -> bool:
    """Whether the render replaces or continues the song, rather than lying beside it."""
    return isinstance(request, (requests.Repaint, requests.Complete))


def make_plan(request: Render, shape: SongShape | None) -> Plan:
    """Converts every position of the request. Raises ProtocolError when the region is not where it can be."""
    tempo_map, notes = tempo_map_of(request)
    rate = shape.rate if shape else request.rate or NEW_SONG_RATE
    channels = shape.channels if shape else NEW_SONG_CHANNELS
    try:
        position = request.source_position.resolve(tempo_map, rate) if request.source_position else 0
        song = Span(position, position + shape.frames) if shape else None
        region = region_of(request, tempo_map, rate, song, position + shape.music_frames if shape else 0)
    except (ValueError, OverflowError) as error:
        field = "bars" if request.bars is not None else "start"
        raise ProtocolError(
            ErrorCode.BAD_REGION,
            f"The region cannot be placed: {error}.",
            "Check the region and the tempo map.",
            field,
        ) from error
    plan = Plan(request, tempo_map, rate, channels, song, region, notes)
    check_region(plan)
    return plan


def region_of(request: Render, tempo_map: TempoMap, rate: int, song: Span | None, music_end: int) -> Span:
    """The region in samples of the timeline, from whichever way the request says it."""
    if request.bars is not None:
        return parse_bars(request.bars, tempo_map, rate)
    request = with_default_region(request)
    whole = song or Span(0, 0)
    if request.start is not None:
        start = request.start.resolve(tempo_map, rate)
    elif isinstance(request, requests.Complete):
        start = next_bar(tempo_map, rate, whole, music_end)
    else:
        start = whole.start
    if request.end is not None:
        end = request.end.resolve(tempo_map, rate)
    elif request.length is not None:
        end = request.length.end_after(start, tempo_map, rate)
    else:
        end = whole.end
    if end <= start:
        raise ProtocolError(
            ErrorCode.BAD_REGION,
            f"The region is empty: it would start at sample {start} and end at {end}.",
            "Select at least one sample. end is the first sample after the region.",
            "end",
        )
    return Span(start, end)


def next_bar(tempo_map: TempoMap, rate: int, song: Span, music_end: int) -> int:
    """Where a song that is to go on does so: at the bar line nearest to the end of its music."""
    bar = tempo_map.snap(music_end, rate, "bar")
    return bar if song.start < bar <= song.end else song.end


def with_default_region(request: Render) -> Render:
    """The request with the region a producer means who gives none. Raises ProtocolError where none can be meant."""
    if request.start is not None or request.end is not None or request.length is not None:
        return request
    if isinstance(request, requests.Complete):
        return replace(request, length=COMPLETION_BARS)
    if isinstance(request, requests.Generate):
        return replace(request, length=GENERATED_BARS)
    if isinstance(request, WHOLE_SONG):
        return request
    raise ProtocolError(
        ErrorCode.MISSING_FIELD,
        "No region is selected.",
        "Send start and end, or bars, or send /bridge/select first.",
        "start",
    )


def check_region(plan: Plan) -> None:
    """Raises ProtocolError when the region does not lie where its task can render."""
    request, region, song = plan.request, plan.region, plan.song
    quarters = plan.tempo_map.quarters_at(region.end, plan.rate) - plan.tempo_map.quarters_at(
        region.start, plan.rate
    )
    if quarters > MAX_QUARTERS:
        raise bad_region(
            "end", f"The region is {int(quarters)} quarter notes long.", f"Select at most {MAX_QUARTERS}."
        )
    if region.start < 0:
        raise bad_region(
            "start",
            f"The region starts {-region.start} samples before the timeline does.",
            "Start at 0 or later.",
        )
    if song is None:
        return
    if region.start < song.start and not isinstance(request, requests.Complete):
        raise bad_region(
            "start",
            f"The region starts at {at(plan, region.start)}, before the song does.",
            f"The song starts at {at(plan, song.start)}; is source_position right? "
            "Use complete to lead into the song.",
        )
    if region.end < song.start:
        raise bad_region(
            "end",
            f"The region ends at {at(plan, region.end)}, before the song starts.",
            f"A lead-in must reach the song, at {at(plan, song.start)}.",
        )
    if region.start > song.end or (region.start == song.end and isinstance(request, INSIDE_ONLY)):
        raise bad_region(
            "start",
            f"The region starts at {at(plan, region.start)}, after the song's end.",
            f"The song ends at {at(plan, song.end)}.",
        )
    if isinstance(request, INSIDE_ONLY) and region.end > song.end:
        raise bad_region(
            "end",
            f"The region ends at {at(plan, region.end)}, after the song's end.",
            f"End it at {song.end} at the latest, or use complete to continue past the end.",
        )


def bad_region(field: str, sentence: str, remedy: str) -> ProtocolError:
    return ProtocolError(ErrorCode.BAD_REGION, sentence, remedy, field)


def at(plan: Plan, sample: int) -> str:
    """A position as a producer reads it: sample, and bar and beat."""
    place = plan.tempo_map.bbt_at(sample, plan.rate)
    return f"sample {sample} (bar {place.bar} beat {place.beat})"
