"""What two positions of a request mean together: of the part of a take to accept, of a passage to play."""

from __future__ import annotations

from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.timeline import Position, Span, TempoMap

FIELDS = ("start", "end")


def span_between(
    ends: tuple[Position | None, Position | None], whole: Span, tempo_map: TempoMap, rate: int
) -> Span:
    """The samples of the timeline between `start` and `end`; where one is missing, the whole's own.

    Raises ProtocolError about the field for a position out of reach, and where nothing lies between them.
    """
    start, end = (
        None if given is None else resolved(given, field, tempo_map, rate)
        for given, field in zip(ends, FIELDS, strict=True)
    )
    first = whole.start if start is None else start
    last = whole.end if end is None else end
    if last <= first:
        raise ProtocolError(
            ErrorCode.BAD_REGION,
            f"There is nothing between sample {first} and sample {last}.",
            f"start must be before end, and between samples {whole.start} and {whole.end}.",
            "start" if end is None else "end",
        )
    return Span(first, last)


def resolved(position: Position, field: str, tempo_map: TempoMap, rate: int) -> int:
    """A position of a request in samples of the timeline. Raises ProtocolError about the field."""
    try:
        return position.resolve(tempo_map, rate)
    except (ValueError, OverflowError) as error:
        raise ProtocolError(
            ErrorCode.OUT_OF_RANGE, f"{field}: {error}.", "Check the position.", field
        ) from error
