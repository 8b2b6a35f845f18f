"""Two positions of a request: either, both or none; out of reach, or with nothing between them."""

import pytest

from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests.span_between import span_between
from daw_protocol.timeline import Span, TempoMap, parse_position

TEMPO = TempoMap.constant(60)
WHOLE = Span(1000, 9000)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (None, None, WHOLE), ("2000", None, Span(2000, 9000)), (None, "2000", Span(1000, 2000)),
        ("2s", "1|4|0", Span(2000, 3000)), ("0", "20000", Span(0, 20_000)),
    ],
)  # fmt: skip
def test_what_is_given_counts_and_the_whole_where_nothing_is(start, end, expected):
    ends = tuple(None if text is None else parse_position(text) for text in (start, end))
    assert span_between(ends, WHOLE, TEMPO, 1000) == expected


@pytest.mark.parametrize(
    ("start", "end", "code", "field"),
    [
        ("9000", None, ErrorCode.BAD_REGION, "start"), ("500", "500", ErrorCode.BAD_REGION, "end"),
        (None, "1000", ErrorCode.BAD_REGION, "end"), ("1|9|0", None, ErrorCode.OUT_OF_RANGE, "start"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_its_field(start, end, code, field):
    ends = tuple(None if text is None else parse_position(text) for text in (start, end))
    with pytest.raises(ProtocolError) as raised:
        span_between(ends, WHOLE, TEMPO, 1000)
    assert (raised.value.code, raised.value.field, bool(raised.value.remedy)) == (code, field, True)
