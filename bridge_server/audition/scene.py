"""What is auditioned: both sides on one ruler, and the stretch that is played. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bridge_server.audition.layered_audio import LayeredAudio
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.timeline import Position, Span, TempoMap

TAKE, ORIGINAL = "take", "original"


@dataclass(frozen=True, eq=False)
class Scene:
    """One take, render or song to be heard.

    take, job, song: ids and digest, "" where there is none.
    place:    equal for takes that can be compared in place: the song, the region, the stem.
    lanes:    what each side plays, by side; a song without a take, and a take without a song, have one only.
    gains_db: what brings each side to one loudness.
    origin:   position of the lanes' first frame on the timeline. All positions in samples at the lanes' rate.
    region:   of the take, on the timeline; None for a bare song.
    passage:  what is played, or looped, on the timeline.
    bounded:  whether it loops when asked to: a passage does, a song that is played to its end does not.
    ready:    up to where there is something to play yet, on the timeline; None = all is there.
    """

    place: object
    lanes: Mapping[str, LayeredAudio]
    origin: int
    tempo_map: TempoMap
    loop_range: Span
    take: str = ""
    job: str = ""
    song: str = ""
    region: Span | None = None
    gains_db: Mapping[str, float] = field(default_factory=dict)
    bounded: bool = True
    ready: int | None = None

    @property
    def rate(self) -> int:
        return next(iter(self.lanes.values())).rate

    def side(self, wanted: str) -> str:
        """The side that is played when this one is wanted."""
        return wanted if wanted in self.lanes else next(iter(self.lanes))

    def loop_end(self) -> int:
        """Where it turns back, on the timeline."""
        return self.loop_range.end if self.ready is None else self.ready

    @property
    def waits(self) -> bool:
        """Whether nothing of the region can be heard yet: the bars before it are looped meanwhile."""
        return self.ready is not None and self.region is not None and self.ready <= self.region.start

    def matched(self, gains_db: Mapping[str, float]) -> Scene:
        return replace(self, gains_db=dict(gains_db))


def within(scene: Scene, span: tuple[Position | None, Position | None]) -> Scene:
    """The scene between two positions, where they are given."""
    start, end = (
        None if given is None else resolved(given, scene, name)
        for given, name in zip(span, ("start", "end"), strict=True)
    )
    loop_range = scene.loop_range
    first = loop_range.start if start is None else start
    last = loop_range.end if end is None else end
    if last <= first:
        raise ProtocolError(
            ErrorCode.BAD_REGION,
            f"There is nothing between sample {first} and sample {last}.",
            "start must lie before end, and before the song's end.",
            "start" if end is None else "end",
        )
    return replace(scene, loop_range=Span(first, last), bounded=scene.bounded or end is not None)


def resolved(position: Position, scene: Scene, field: str) -> int:
    """The position in samples of the timeline. Raises ProtocolError."""
    try:
        return position.resolve(scene.tempo_map, scene.rate)
    except (ValueError, OverflowError) as error:
        raise ProtocolError(
            ErrorCode.OUT_OF_RANGE, f"{field}: {error}.", "Check the position.", field
        ) from error


def not_playing(sentence: str, remedy: str) -> ProtocolError:
    return ProtocolError(ErrorCode.NOT_PLAYING, sentence, remedy)
