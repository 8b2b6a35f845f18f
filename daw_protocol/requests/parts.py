"""The parts of a request that names several regions or songs: one plain request each, about one region of one song."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

from daw_protocol.requests.render import Render
from daw_protocol.requests.tracks import EACH, TOGETHER, Track


@dataclass(frozen=True)
class Part:
    """One part.

    number:  from 1, in the order in which parts are rendered.
    request: the part's own request. Sent alone, it gives the same takes.
    region:  its region's number in the request, from 1; None where the request names none.
    track:   its song's number in the request, from 1; None where the request names none.
    """

    number: int
    request: Render
    region: int | None = None
    track: int | None = None

    @property
    def named(self) -> str:
        """Which one it is, in words: "region 2 of track 1"; "" for the only one."""
        region = f"region {self.region}" if self.region is not None else ""
        track = f"track {self.track}" if self.track is not None else ""
        return f"{region} of {track}" if region and track else region or track

    @property
    def first_take(self) -> int:
        """The number of its first take in the job, from 1."""
        return (self.number - 1) * self.request.takes + 1

    @property
    def takes(self) -> range:
        """The numbers of its takes in the job, from 1."""
        return range(self.first_take, self.first_take + self.request.takes)


def parts_of(request: Render) -> tuple[Part, ...]:
    """The parts of a request, every region of a track before the next track; a plain request is its only part.

    Tracks that are rendered together stay in the requests of the parts: a part is then a region of all of them.
    """
    if request.regions is None and request.tracks is None:
        return (Part(1, request),)
    places = product(_tracks(request), _regions(request))
    return tuple(
        Part(number, request.evolve(**of_track, **of_region), region, track)
        for number, ((track, of_track), (region, of_region)) in enumerate(places, 1)
    )


Changes = list[tuple[int | None, dict[str, Any]]]


def _regions(request: Render) -> Changes:
    """Each region's number, and what makes a request about it alone."""
    if request.regions is None:
        return [(None, {})]
    return [
        (
            number,
            {
                "regions": None, "bars": region.bars, "start": region.start, "end": region.end,
                "length": region.length, "seed": request.seed if region.seed is None else region.seed,
            },
        )
        for number, region in enumerate(request.regions, 1)
    ]  # fmt: skip


def _tracks(request: Render) -> Changes:
    """Each track's number, and what makes a request about it alone."""
    if request.tracks is None:
        return [(None, {})]
    if request.mode == TOGETHER:
        lead = next((track for track in request.tracks if track.tempo_map is not None), None)
        return [(None, {} if lead is None else _tempo(request, lead))]
    return [(number, _alone(request, track)) for number, track in enumerate(request.tracks, 1)]


def _alone(request: Render, track: Track) -> dict[str, Any]:
    return {
        "tracks": None, "mode": EACH, "source": track.source, "source_position": track.source_position,
        "title": track.title or request.title, "track": track.track or request.track,
        **_tempo(request, track),
    }  # fmt: skip


def _tempo(request: Render, track: Track) -> dict[str, Any]:
    """A track's own tempo and key where it has them."""
    key = {"key": track.key or request.key}
    return (
        key if track.tempo_map is None else {**key, "tempo_map": track.tempo_map, "bpm": None, "meter": None}
    )
