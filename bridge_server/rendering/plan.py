"""The one place that knows both beats and seconds: turns a producer's request into frames for an engine.

Bars, beats, seconds and timecode are converted here, once, through the tempo map; after this there are only samples.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from bridge_server.rendering.blueprints import planned_song, written_fields
from bridge_server.rendering.given_chords import on_grid, over_region
from bridge_server.songs.song_probe import SongProbe
from daw_protocol.context import NEW_SONG_RATE, tempo_map_of
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests import Cover, Render
from daw_protocol.song_tempo import musical_field
from daw_protocol.tasks import TaskSpec
from daw_protocol.timeline import Bbt, Span, TempoMap, parse_bars
from daw_protocol.timeline.chord_progression import ChordAt, ChordProgression
from daw_protocol.timeline.duration import DurationUnit
from daw_protocol.timeline.tempo_map import MAX_LISTED_QUARTERS
from daw_protocol.timeline.tempo_point import MAX_BPM
from model.engine import Grid, RenderRequest, SongWords, Task
from model.given_chord import GivenChord

# Seven hours at 120 BPM: no song, and already more beats than an engine should be handed.
MAX_QUARTERS = 50_000
NEW_SONG_CHANNELS = 2


@dataclass(frozen=True)
class Plan:
    """A request in samples of the timeline.

    song:     the stretch that the song as it is heard covers; None for a request without one.
    begins:   of that stretch, from the song's own first sample: negative with an accepted lead-in.
    region:   the region to render; as far as it is known, where the plan was made from a header.
    least_length: of the region, in samples; all of it once the song's samples are known.
    notes:    what was assumed, for the takes.
    chords:   the request's, over the bars of the region; () where it gives none.
    chord_notes: those of `notes` that are about them.
    """

    request: Render
    tempo_map: TempoMap
    rate: int
    channels: int
    song: Span | None
    region: Span
    least_length: int
    notes: tuple[str, ...] = ()
    begins: int = 0
    chords: tuple[ChordAt, ...] = ()
    chord_notes: tuple[str, ...] = ()

    @property
    def spec(self) -> TaskSpec:
        """The rules of its task."""
        return self.request.spec()

    @property
    def handle(self) -> int:
        """Frames of pre- and of post-roll."""
        return round(self.request.handles * self.rate) if self.spec.spliced else 0

    @property
    def least_seconds(self) -> float:
        """What the engine has to render at least, pre- and post-roll included."""
        return (self.least_length + 2 * self.handle) / self.rate

    @property
    def region_in_song(self) -> Span:
        """The region counted from the first sample of the song as it is heard."""
        return self.region.shifted(-self.song.start) if self.song else Span(0, self.region.length)

    @property
    def region_in_original(self) -> Span:
        """The region counted from the song's own first sample, as takes have it."""
        return self.region_in_song.shifted(self.begins)

    def render_request(self, takes: tuple[int, ...], files: Collection[str] = ()) -> RenderRequest:
        """The engine's request for some takes, counted from 0. files: the options that name files.

        Song, reference and files are added in the engine's process.
        """
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
            takes=takes,
            takes_in_all=request.takes,
            handle=self.handle,
            caption=request.prompt,
            lyrics=request.lyrics,
            language=request.language,
            key=str(request.key) if request.key else None,
            strength=getattr(request, "strength", 0.5),
            layers=getattr(request, "layers", "all"),
            stems=getattr(request, "stems", ()) or getattr(request, "instruments", ()),
            ending=getattr(request, "ending", False),
            context_seconds=request.context,
            chords=self._given_chords(),
            edit=song_words(request),
            lyric_times=getattr(request, "lyric_times", False),
            writes=written_fields(request),
            instrumental=getattr(request, "instrumental", False),
            blueprint=planned_song(request),
            options={name: given for name, given in request.options.items() if name not in files},
        )

    def grid(self) -> Grid:
        """The beats of song and region and two bars around them, in seconds from the song's first sample."""
        origin = self._origin
        beats = self.tempo_map.beats_between(self.covered_bars(), self.rate)
        meter = self.tempo_map.meter_at(self.tempo_map.quarters_at(self.region.start, self.rate))
        return Grid(
            seconds=np.array([(beat.sample - origin) / self.rate for beat in beats], dtype=np.float64),
            beat_in_bar=np.array([beat.beat - 1 for beat in beats], dtype=np.int64),
            bar_beats=np.array([beat.meter.numerator for beat in beats], dtype=np.int64),
            bar=np.array([beat.bar for beat in beats], dtype=np.int64),
            quarters_per_minute=np.array([float(beat.bpm) for beat in beats], dtype=np.float64),
            unit=meter.denominator,
        )

    def _given_chords(self) -> tuple[GivenChord, ...]:
        if not self.chords:
            return ()
        beats = self.tempo_map.beats_between(self.covered_bars(), self.rate)
        return on_grid(self.chords, [(beat.bar, beat.beat) for beat in beats])

    def grid_samples(self, beside_seconds: float = 0.0) -> list[int]:
        """Sixteenth notes in the region and so far beside it, in samples from the song's first: drift is measured
        against them."""
        beside, covered = round(beside_seconds * self.rate), self.covered
        first = self.tempo_map.quarters_at(max(self.region.start - beside, covered.start), self.rate)
        last = self.tempo_map.quarters_at(min(self.region.end + beside, covered.end), self.rate)
        lines = range(math.floor(first * 4), math.ceil(last * 4) + 1)
        return [self.tempo_map.sample_at(Fraction(line, 4), self.rate) - self._origin for line in lines]

    def bar_lines(self) -> list[int]:
        """The song's bar lines, in samples from its first: what seams are ranked among."""
        if self.song is None:
            return []
        return [beat.sample - self._origin for beat in self.tempo_map.bars_between(self.song, self.rate)]

    @property
    def _origin(self) -> int:
        """The song's first sample, or the region's where there is no song, on the timeline."""
        return self.song.start if self.song else self.region.start

    def quarters_in(self, span: Span) -> Fraction:
        """How many quarter notes a stretch of the timeline holds: exactly where they could be very many, else 0."""
        if span.length * MAX_BPM < MAX_QUARTERS * 60 * self.rate:
            return Fraction(0)  # few even at the fastest tempo there is: most requests need no sum
        return self.tempo_map.quarters_at(span.end, self.rate) - self.tempo_map.quarters_at(
            span.start, self.rate
        )

    @property
    def covered(self) -> Span:
        """Song and region."""
        song = self.song or self.region
        return Span(min(song.start, self.region.start), max(song.end, self.region.end))

    def covered_bars(self) -> Span:
        """Song and region, from the second bar line before the bar they start in to the second bar after their last."""
        covered = self.covered
        first = self.tempo_map.bbt_at(covered.start, self.rate).bar - 2
        last = self.tempo_map.bbt_at(covered.end, self.rate).bar + 3
        return Span(*(self.tempo_map.sample_of(Bbt(bar), self.rate) for bar in (first, last)))


def plan_request(request: Render, probe: SongProbe | None) -> Plan:
    """Converts every position of the request. probe: of its song; None for a request without one.

    With a header's probe everything is refused that the song's samples could not change; with one from the samples
    (`probe.music_frames` is there) the plan is final. Raises ProtocolError.
    """
    _refuse_bars_without_tempo(request)
    tempo_map, assumed = tempo_map_of(request)
    asked: ChordProgression | None = getattr(request, "chords", None)
    notes = (*request.notes, *(assumed if request.spec().makes_takes else ()))
    rate = probe.rate if probe else request.rate or NEW_SONG_RATE
    channels = probe.channels if probe else NEW_SONG_CHANNELS
    try:
        position = request.source_position.resolve(tempo_map, rate) if request.source_position else 0
        begins = probe.begins if probe else 0
        song = Span(position + begins, position + begins + probe.frames) if probe else None
        region, least = _region(request, tempo_map, rate, song, probe)
        plan = Plan(request, tempo_map, rate, channels, song, region, least, notes, begins)
        _check_start(plan)
        if asked is not None and least == region.length:
            chords, told = over_region(asked, tempo_map, rate, region)
            plan = replace(plan, chords=chords, chord_notes=told, notes=(*notes, *told))
        if probe is None or probe.counted:
            _check_end(plan)
            _check_tempo_map(plan)
    except (ValueError, OverflowError) as error:
        raise _bad_region(
            "bars" if request.bars is not None else "start",
            f"The region cannot be placed: {error}.",
            "Check the region and the tempo map.",
        ) from error
    return plan


def _refuse_bars_without_tempo(request: Render) -> None:
    """Raises ProtocolError where a song's bars or beats are asked for and nobody knows where they are."""
    if request.bpm is not None or request.tempo_map is not None or not request.spec().needs_source:
        return
    field = musical_field(request)
    if (
        not field
        and request.spec().default_length is not None
        and with_default_region(request) is not request
    ):
        field = musical_field(with_default_region(request))
    if field:
        raise ProtocolError(
            ErrorCode.MISSING_FIELD,
            " ".join(
                [
                    f"{field}: the song's tempo is not known, so its bars and beats cannot be found.",
                    *request.notes,  # what a file that should have had one says of it
                ]
            ),
            "Send the tempo (bpm) or a tempo map, or analyse the song and keep what is found: `takebridge analyse SONG "
            "--accept`. Seconds and samples need no tempo.",
            "bpm",
        )


def song_words(request: Render) -> SongWords | None:
    """The song as it is, for an edit."""
    if not isinstance(request, Cover) or not request.edit:
        return None
    return SongWords(request.song_prompt, request.song_lyrics)


def _region(
    request: Render, tempo_map: TempoMap, rate: int, song: Span | None, probe: SongProbe | None
) -> tuple[Span, int]:
    """The region in samples of the timeline, and how many of them are certain: less than all while the song's length or
    the end of its music is open."""
    if request.bars is not None:
        bars = parse_bars(request.bars, tempo_map, rate)
        return bars, bars.length
    request = with_default_region(request)
    whole = song or Span(0, 0)
    start = whole.start
    if request.start is not None:
        start = request.start.resolve(tempo_map, rate)
    elif request.spec().after_music and probe is not None:
        if probe.music_frames is None:
            return _somewhere_after_music(request, tempo_map, rate, whole, probe.counted)
        start = next_bar(tempo_map, rate, whole, whole.start + probe.music_frames)
    if request.end is not None:
        end = request.end.resolve(tempo_map, rate)
    elif request.length is not None:
        end = request.length.end_after(start, tempo_map, rate)
    elif probe is not None and not probe.counted:
        return Span(start, max(whole.end, start + 1)), 1
    else:
        end = whole.end
    if end <= start:
        raise _empty(start, end)
    return Span(start, end), end - start


def _somewhere_after_music(
    request: Render, tempo_map: TempoMap, rate: int, song: Span, counted: bool
) -> tuple[Span, int]:
    """The latest possible region of a continuation, before the samples show where the music ends."""
    if request.end is not None:
        end = request.end.resolve(tempo_map, rate)
        if end <= song.start:
            raise _empty(song.end, end)
        start = min(song.end, end - 1)
        return Span(start, end), end - start if counted else 1
    assert request.length is not None, "with_default_region gives one"
    end = request.length.end_after(song.end, tempo_map, rate)
    timed = request.length.unit in (DurationUnit.SAMPLES, DurationUnit.SECONDS)
    lasts_the_same = timed or len(tempo_map.points) == len(tempo_map.meters) == 1
    # Bar lines fall between samples: the same bars may be a sample shorter elsewhere.
    return Span(song.end, end), max(1, end - song.end - 1) if lasts_the_same else 1


def next_bar(tempo_map: TempoMap, rate: int, song: Span, music_end: int) -> int:
    """Where a song is continued: at the bar line nearest to the end of its music."""
    bar = tempo_map.snap(music_end, rate, "bar")
    return bar if song.start < bar <= song.end else song.end


def with_default_region(request: Render) -> Render:
    """The request with its task's default length where it has no region. Raises ProtocolError where there is none."""
    if request.start is not None or request.end is not None or request.length is not None:
        return request
    spec = request.spec()
    if spec.whole_song:
        return request
    if spec.default_length is not None:
        return replace(request, length=spec.default_length)
    raise ProtocolError(
        ErrorCode.MISSING_FIELD,
        "No region is selected.",
        'Give start and end, or bars such as "17-20", or select a region first.',
        "start",
    )


def _check_tempo_map(plan: Plan) -> None:
    """Raises ValueError when the tempo map cannot list the beats an engine is handed."""
    if not plan.quarters_in(plan.covered):
        return
    quarters = plan.quarters_in(plan.covered_bars())
    if quarters > MAX_LISTED_QUARTERS:
        raise ValueError(
            f"song and region hold {int(quarters)} quarter notes, and at most {MAX_LISTED_QUARTERS} can be listed"
        )


def _check_start(plan: Plan) -> None:
    """Raises ProtocolError for what holds however long the song is."""
    region, song = plan.region, plan.song
    quarters = plan.quarters_in(Span(region.start, region.start + plan.least_length))
    if quarters > MAX_QUARTERS:
        raise _bad_region(
            "end", f"The region is {int(quarters)} quarter notes long.", f"Select at most {MAX_QUARTERS}."
        )
    if region.start < 0:
        raise _bad_region(
            "start",
            f"The region starts at {at(plan, region.start)}, before the timeline does.",
            f"The timeline starts at {at(plan, 0)}.",
        )
    if song is None:
        return
    if region.start < song.start and not plan.spec.may_lead_in:
        raise _bad_region(
            "start",
            f"The region starts at {at(plan, region.start)}, before the song does.",
            f"The song starts at {at(plan, song.start)}; is source_position right? "
            "Use complete to lead into the song.",
        )
    if region.end < song.start:
        raise _bad_region(
            "end",
            f"The region ends at {at(plan, region.end)}, before the song starts.",
            f"A lead-in must reach the song, at {at(plan, song.start)}.",
        )


def _check_end(plan: Plan) -> None:
    """Raises ProtocolError when the region starts after the song, or extends where its task cannot."""
    region, song, may_run_on = plan.region, plan.song, plan.spec.may_run_on
    if song is None:
        return
    if region.start > song.end or (region.start == song.end and not may_run_on):
        raise _bad_region(
            "start",
            f"The region starts at {at(plan, region.start)}, after the song's end.",
            f"The song ends at {at(plan, song.end)}.",
        )
    if region.end > song.end and not may_run_on:
        raise _bad_region(
            "end",
            f"The region ends at {at(plan, region.end)}, after the song's end.",
            f"End it at {song.end} at the latest, or use complete to continue past the end.",
        )


def _empty(start: int, end: int) -> ProtocolError:
    return _bad_region(
        "end",
        f"The region is empty: it would start at sample {start} and end at {end}.",
        "Select at least one sample. end is the first sample after the region.",
    )


def _bad_region(field: str, sentence: str, remedy: str) -> ProtocolError:
    return ProtocolError(ErrorCode.BAD_REGION, sentence, remedy, field)


def at(plan: Plan, sample: int) -> str:
    """A position as a producer reads it: sample, and bar and beat."""
    place = plan.tempo_map.bbt_at(sample, plan.rate)
    return f"sample {sample} (bar {place.bar} beat {place.beat})"
