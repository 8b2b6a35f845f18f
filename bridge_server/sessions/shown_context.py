"""The shared context in samples, as every client is shown it: panels, OSCQuery, and the audition of a song."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from daw_protocol.context import Context, resolved, shared_request, tempo_map_of
from daw_protocol.timeline import Span, TempoMap


@dataclass(frozen=True)
class ShownContext:
    """context: with its song's place and the tempo kept with the song; rate: of the song, in hertz."""

    context: Context
    rate: int

    @cached_property
    def tempo_map(self) -> TempoMap:
        return self._tempo[0]

    @property
    def tempo_known(self) -> bool:
        """Whether somebody sent a tempo, or one is kept with the song."""
        return not self._tempo[1]

    @cached_property
    def _tempo(self) -> tuple[TempoMap, tuple[str, ...]]:
        return tempo_map_of(shared_request(self.context))

    @property
    def position(self) -> int:
        """Of the song's first sample, on the timeline."""
        return resolved(self.context.source_position, self.tempo_map, self.rate) or 0

    @property
    def selection(self) -> Span | None:
        """What is selected, on the timeline; None where that is nothing."""
        ends = (self.context.start, self.context.end)
        start, end = (resolved(given, self.tempo_map, self.rate) for given in ends)
        return Span(start, end) if start is not None and end is not None and end > start else None

    @property
    def playhead(self) -> int | None:
        """The DAW's last known playhead, on the timeline."""
        return resolved(self.context.playhead, self.tempo_map, self.rate)
