"""The loop range around a take: whole bars before it, the take, whole bars after it. Pure."""

from __future__ import annotations

from daw_protocol.timeline import Bbt, Span, TempoMap


def loop_range_around(
    region: Span, before: int, after: int, tempo_map: TempoMap, rate: int, song: Span
) -> Span:
    """From bar line to bar line, in samples of the timeline, so that it loops on the bar.

    region: of the take; song: extent of the audio, take included. Both in samples of the timeline.
    A bar in which the region starts or ends plays in full, in addition to the bars requested. Bars outside the song
    are omitted, unless the region itself needs them.
    """
    start = _on_or_before(tempo_map, region.start, rate) - before
    end = _on_or_after(tempo_map, region.end, rate) + after
    # Silence before the song is no pre-roll; the bar line the region needs stays even there.
    start = max(start, min(_on_or_after(tempo_map, song.start, rate), start + before))
    end = min(end, max(_on_or_before(tempo_map, song.end, rate), end - after))
    return Span(_line(tempo_map, start, rate), _line(tempo_map, end, rate))


def last_bar_line(tempo_map: TempoMap, sample: int, rate: int) -> int:
    """The last bar line at or before a sample of the timeline."""
    return _line(tempo_map, _on_or_before(tempo_map, sample, rate), rate)


def _line(tempo_map: TempoMap, bar: int, rate: int) -> int:
    return tempo_map.sample_of(Bbt(bar), rate)


def _on_or_before(tempo_map: TempoMap, sample: int, rate: int) -> int:
    """The last bar whose line lies at or before the sample.

    A line between two samples rounds to the nearer one, so the sample on it may read as the bar before.
    """
    bar = tempo_map.bbt_at(sample, rate).bar
    return bar + 1 if _line(tempo_map, bar + 1, rate) <= sample else bar


def _on_or_after(tempo_map: TempoMap, sample: int, rate: int) -> int:
    bar = _on_or_before(tempo_map, sample, rate)
    return bar if _line(tempo_map, bar, rate) == sample else bar + 1
