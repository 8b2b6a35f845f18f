"""The receipt of a finished song: the automatic checks on all that was accepted in it, made on the written file."""

from __future__ import annotations

from dataclasses import dataclass

from daw_protocol.fields import Flag, Real, Text, Whole
from daw_protocol.message import Message, value
from daw_protocol.part_fields import PartsKind
from daw_protocol.receipt import LEVEL, MAX_SAMPLES
from daw_protocol.result_fields import AnyText, ListOf, Record

SAMPLE = Whole(-MAX_SAMPLES, MAX_SAMPLES)


@dataclass(frozen=True, kw_only=True)
class AcceptedRegion(Message):
    """One region in which something was accepted."""

    position: int = value(SAMPLE, "its start on the timeline, in samples")
    length: int = value(Whole(0, MAX_SAMPLES), "its length in samples")
    task: str = value(AnyText(), "the task, such as repaint")
    stem: str = value(AnyText(), "mix, or the name of the stem or instrument")
    parts: tuple[tuple[str, int, int], ...] = value(
        PartsKind(), "what plays where: take, first sample and first sample after it, on the timeline"
    )
    covered: int = value(Whole(0, MAX_SAMPLES), "samples covered by what was accepted later", 0)
    correlation: float | None = value(
        Real(-1.001, 1.001), "correlation with the original in the region; 1 = identical", None
    )
    seams: int = value(Whole(0, MAX_SAMPLES), "edges and joins measured", 0)
    seam_db: float | None = value(LEVEL, "the largest level step at them", None)
    seam_rank: float | None = value(
        Real(0, 100),
        "percentile of the largest step at them among as many of the song's own instants nearby",
        None,
    )
    warnings: tuple[str, ...] = value(ListOf(AnyText()), "failed checks, in words", ())


@dataclass(frozen=True, kw_only=True)
class SongReceipt(Message):
    """Facts about a finished song, measured on the written file."""

    position: int = value(SAMPLE, "the file's start on the timeline, in samples")
    length: int = value(Whole(0, MAX_SAMPLES), "its length in samples")
    rate: int = value(Whole(1, 384_000), "samples per second")
    encoding: str = value(Text(16), "how its samples are written, such as PCM_24 or FLOAT")
    exact: bool = value(Flag(), "the file has, bit for bit, the samples that were put together and measured")
    outside_identical: bool = value(
        Flag(), "every sample outside the accepted regions equals the original's, bit for bit"
    )
    clipped: int = value(Whole(0, MAX_SAMPLES), "samples beyond full scale that were cut off", 0)
    over: int = value(
        Whole(0, MAX_SAMPLES), "samples beyond full scale that the file holds, inside the regions", 0
    )
    regions: tuple[AcceptedRegion, ...] = value(
        ListOf(Record(AcceptedRegion)), "the accepted regions, in the order they were accepted", ()
    )
    warnings: tuple[str, ...] = value(ListOf(AnyText()), "failed checks, in words", ())

    @property
    def passed(self) -> bool:
        return not self.warnings and not any(region.warnings for region in self.regions)
