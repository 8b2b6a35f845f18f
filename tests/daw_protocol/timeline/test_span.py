from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daw_protocol.timeline.span import Span

numbers = st.integers(-1000, 1000)
spans = st.builds(lambda start, length: Span(start, start + length), numbers, st.integers(0, 50))


@given(spans)
def test_as_long_as_its_range(span: Span) -> None:
    assert span.length == len(range(span.start, span.end))


@given(spans, spans)
def test_clipped_to_the_samples_both_share(one: Span, other: Span) -> None:
    shared = set(range(one.start, one.end)) & set(range(other.start, other.end))
    assert set(range(one.clipped(other).start, one.clipped(other).end)) == shared


@given(spans, spans)
def test_clipped_stays_inside_even_when_they_do_not_meet(one: Span, other: Span) -> None:
    clipped = one.clipped(other)
    assert other.start <= clipped.start <= clipped.end <= other.end


@given(spans, numbers)
def test_shifting_back_returns_the_same_span(span: Span, samples: int) -> None:
    assert span.shifted(samples).shifted(-samples) == span
    assert span.shifted(samples).length == span.length


def test_grown_adds_on_either_side() -> None:
    assert Span(100, 200).grown(10, 20) == Span(90, 220)


def test_shrinking_below_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="end 140 is before start 160"):
        Span(100, 200).grown(-60, -60)


@pytest.mark.parametrize("wrong", [1.0, "1", None, True])
def test_only_whole_numbers(wrong: object) -> None:
    with pytest.raises(TypeError, match="start"):
        Span(wrong, 2)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="end"):
        Span(0, wrong)  # type: ignore[arg-type]


def test_negative_length_is_refused_and_empty_is_not() -> None:
    with pytest.raises(ValueError, match="end 4 is before start 5"):
        Span(5, 4)
    assert Span(5, 5).length == 0
