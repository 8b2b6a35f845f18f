"""What the audition plays, and how: both sides of a comparison on one timeline, and the loop range. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bridge_server.audition.layered_audio import LayeredAudio
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests.span_between import span_between
from daw_protocol.timeline import Position, Span, TempoMap

TAKE, ORIGINAL = "take", "original"


@dataclass(frozen=True)
class PlaybackOptions:
    """How a scene plays.

    side:    take or original.
    gain_db: on everything, in decibels.
    match:   whether both sides are brought to one loudness.
    free:    without loop or end, because the position comes from the DAW's transport.
    """

    side: str
    loops: bool = True
    gain_db: float = 0.0
    match: bool = True
    free: bool = False


@dataclass(frozen=True, eq=False)
class Scene:
    """One take, render or song to play.

    take, job, song: ids and digest, "" if there is none.
    stems:      of the take's separation, heard together; () for the take alone.
    place:      equal for takes that can be compared in place: same song and region, stems with stems.
    audio:      what each side plays, by side; a song without a take, and a take without a song, have one side only.
    gains_db:   the gain that brings each side to one loudness.
    origin:     position of the audio's first frame on the timeline. All positions in samples at the audio's rate.
    region:     of the take, on the timeline; None for a song alone.
    loop_range: what plays, or loops, on the timeline.
    bounded:    whether it can loop: a range around a take can, a song played to its end cannot.
    ready:      the end of the audio there is so far, on the timeline; None = all of it is there.
    """

    place: object
    audio: Mapping[str, LayeredAudio]
    origin: int
    tempo_map: TempoMap
    loop_range: Span
    take: str = ""
    job: str = ""
    song: str = ""
    stems: tuple[str, ...] = ()
    region: Span | None = None
    gains_db: Mapping[str, float] = field(default_factory=dict)
    bounded: bool = True
    ready: int | None = None

    @property
    def rate(self) -> int:
        return next(iter(self.audio.values())).rate

    def side(self, wanted: str) -> str:
        """The side that plays when this one is wanted."""
        return wanted if wanted in self.audio else next(iter(self.audio))

    def loop_end(self) -> int:
        """Where the loop turns back, on the timeline."""
        return self.loop_range.end if self.ready is None else self.ready

    @property
    def waits(self) -> bool:
        """Whether nothing of the region is rendered yet: the bars before it loop meanwhile."""
        return self.ready is not None and self.region is not None and self.ready <= self.region.start

    def matched(self, gains_db: Mapping[str, float]) -> Scene:
        return replace(self, gains_db=dict(gains_db))


def within(scene: Scene, span: tuple[Position | None, Position | None]) -> Scene:
    """The scene between two positions, as far as they are given. Raises ProtocolError for an empty range."""
    inside = span_between(span, scene.loop_range, scene.tempo_map, scene.rate)
    return replace(scene, loop_range=inside, bounded=scene.bounded or span[1] is not None)


def not_playing(sentence: str, remedy: str) -> ProtocolError:
    """The refusal of a command that needs something that plays."""
    return ProtocolError(ErrorCode.NOT_PLAYING, sentence, remedy)
