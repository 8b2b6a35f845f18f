"""Where a song lies on the timeline: the one rule for every way in.

A request's own source_position counts first. Without it, the time stamp of a Broadcast WAV does, or the place of the
take that is the source; without those, the song starts where the project does.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge_server.songs.song_probe import SongProbe
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.timeline import AtSample, AtSeconds, Position

ADVICE = "Send source_position to place it elsewhere; 0 counts from the song's first sample."


@dataclass(frozen=True)
class Placement:
    """Where the song's first sample is; None: where the project starts.

    fact: what its time stamp says, for a producer who did not expect it; "" where the stamp decides nothing.
    """

    position: Position | None = None
    fact: str = ""

    @property
    def note(self) -> str:
        """The fact, and how a request overrules it."""
        return f"{self.fact} {ADVICE}" if self.fact else ""

    def explained(self, error: ProtocolError, advice: str = ADVICE) -> ProtocolError:
        """The error, with the stamp that may be the reason why a region misses the song, and how to overrule it."""
        if error.code is not ErrorCode.BAD_REGION or not self.fact:
            return error
        remedy = f"{error.remedy} {self.fact} {advice}".strip()
        return ProtocolError(error.code, error.sentence, remedy, error.field)


def placed(given: Position | None, probe: SongProbe) -> Placement:
    """The place of a song with this header, at the probe's rate, for a request with this source_position."""
    if given is not None or not probe.stamp:
        return Placement(given)
    try:
        seconds = AtSeconds(probe.stamp)
        sample = probe.stamp * probe.rate
        position = AtSample(int(sample)) if sample.denominator == 1 else seconds
    except ValueError:
        return Placement(
            None,
            "The song's time stamp is no position in a project, so the song is placed at the project's start.",
        )
    when = f"{float(abs(probe.stamp)):.3f} s {'after' if probe.stamp > 0 else 'before'} the project's start"
    return Placement(
        position,
        f"By its time stamp the song starts {when}; bars and positions count from the project's start.",
    )
