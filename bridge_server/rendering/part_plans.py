"""What concerns the parts of a request together: no two of one song overlap, and an error names its part."""

from __future__ import annotations

from collections.abc import Sequence

from bridge_server.rendering.plan import Plan, at
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests.parts import Part


def about(part: Part, error: ProtocolError) -> ProtocolError:
    """The error with the part it concerns: "Region 2: The region is empty ..."."""
    match part.region, part.track:
        case None, None:
            return error
        case None, track:
            sentence = f"Track {track}: {error.sentence}"
        case region, None:
            sentence = f"Region {region}: {error.sentence}"
        case region, track:
            sentence = f"Region {region} of track {track}: {error.sentence}"
    return ProtocolError(error.code, sentence, error.remedy, error.field)


def failed_as_well(part: Part) -> str:
    """A sentence on a part that could not be rendered either; "" for the only one."""
    match part.region, part.track:
        case None, None:
            return ""
        case None, track:
            return f"Track {track} could not be rendered either."
        case region, None:
            return f"Region {region} could not be rendered either."
        case region, track:
            return f"Region {region} of track {track} could not be rendered either."


def refuse_overlaps(planned: Sequence[tuple[Part, Plan]]) -> None:
    """Raises ProtocolError for two regions of one song that overlap, as far as both are known by now."""
    certain = [(part, plan) for part, plan in planned if plan.least_length == plan.region.length]
    for number, (part, plan) in enumerate(certain):
        for other, before in certain[:number]:
            if other.track != part.track:
                continue
            first, last = (
                max(plan.region.start, before.region.start),
                min(plan.region.end, before.region.end),
            )
            if first < last:
                raise _overlap(other, part, plan, first, last, before.region == plan.region)


def _overlap(other: Part, part: Part, plan: Plan, first: int, last: int, equal: bool) -> ProtocolError:
    where = "are the same" if equal else f"overlap from {at(plan, first)} to {at(plan, last)}"
    return ProtocolError(
        ErrorCode.BAD_REGION,
        f"Regions {other.region} and {part.region} {where}.",
        "Regions of one request may touch, but not overlap. For more versions of one region send takes.",
        "regions",
    )
