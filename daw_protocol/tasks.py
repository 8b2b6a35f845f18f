"""The one table of tasks: how the takes of each sit in the song, and which regions it accepts.

Server, store, exports and clients read these rows; rules per task are defined nowhere else. A new task is one row here
and its request type in requests/render.py.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from daw_protocol.timeline.duration import Duration, DurationUnit


class Placement(enum.Enum):
    """How a take plays with its song."""

    REPLACES = "replaces"  # the song is muted while the take plays
    BESIDE = "beside"  # take and song play together
    ALONE = "alone"  # the take is already part of the song, so it is auditioned alone
    NEW = "new"  # the take is a new song
    WORDS = "words"  # no take: what an engine finds in a song, in words
    PLANNED = "planned"  # no take and no song: a new song's blueprint

    @property
    def covers_song(self) -> bool:
        """Whether the song is muted under a chosen take."""
        return self in (Placement.REPLACES, Placement.ALONE)


class InSong(enum.StrEnum):
    """What something accepted is in the song as it stands."""

    SONG = "song"  # it plays in the song's place
    STEM = "stem"  # it changes a stem of the song
    BACKING = "backing"  # it plays with the song


@dataclass(frozen=True)
class TaskSpec:
    """The rules of one task.

    spliced:        the take is crossfaded into the song and matched to its loudness; it has pre- and post-roll.
    sums_to_source: the stems of one render add up to the region, so they are chosen and exported together.
    whole_song:     a request without a region means all of the song.
    default_length: a request without a region means this much; None: it has no such default.
    after_music:    a request without a start begins at the bar line where the song's music ends.
    may_lead_in:    the region may begin before the song.
    may_run_on:     the region may end after the song.
    only_whole:     it has no region: it is about all of the song, whatever is selected.
    """

    name: str
    placement: Placement
    spliced: bool = False
    sums_to_source: bool = False
    whole_song: bool = False
    default_length: Duration | None = None
    after_music: bool = False
    may_lead_in: bool = False
    may_run_on: bool = False
    only_whole: bool = False

    @property
    def makes_takes(self) -> bool:
        """Whether it renders audio."""
        return self.placement not in (Placement.WORDS, Placement.PLANNED)

    @property
    def is_track(self) -> bool:
        """Whether its takes are stems or instruments: what is made of one changes that one, inside the song."""
        return self.placement in (Placement.BESIDE, Placement.ALONE)

    @property
    def hears_accepted(self) -> bool:
        """Whether its takes can be made for the song as it stands: stems and analyses are of a song as it came."""
        return self.placement in (Placement.REPLACES, Placement.BESIDE)

    @property
    def needs_source(self) -> bool:
        """Whether the task needs a source."""
        return self.placement not in (Placement.NEW, Placement.PLANNED)

    @property
    def needs_region(self) -> bool:
        """Whether a request without a region means nothing."""
        return not self.whole_song and self.default_length is None


def _bars(count: int) -> Duration:
    return Duration(Fraction(count), DurationUnit.BARS)


ROWS = (
    TaskSpec("repaint", Placement.REPLACES, spliced=True),
    TaskSpec(
        "complete", Placement.REPLACES, spliced=True, default_length=_bars(8), after_music=True, may_lead_in=True,
        may_run_on=True,
    ),
    TaskSpec("accompany", Placement.BESIDE, whole_song=True, may_run_on=True),
    TaskSpec("extract", Placement.ALONE, sums_to_source=True, whole_song=True),
    TaskSpec("generate", Placement.NEW, default_length=_bars(16), may_run_on=True),
    TaskSpec("lego", Placement.BESIDE, whole_song=True),
    TaskSpec("cover", Placement.REPLACES, whole_song=True),
    TaskSpec("analyse", Placement.WORDS, whole_song=True, only_whole=True),
    TaskSpec("plan", Placement.PLANNED, default_length=_bars(16), may_run_on=True),
    TaskSpec("rewrite", Placement.PLANNED, default_length=_bars(16), may_run_on=True),
)  # fmt: skip

TASKS: Mapping[str, TaskSpec] = {spec.name: spec for spec in ROWS}
