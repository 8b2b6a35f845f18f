"""The alignment receipt: the automatic checks on every clip before delivery."""

from __future__ import annotations

from dataclasses import dataclass

from daw_protocol.errors import ProtocolError
from daw_protocol.fields import Flag, Real, Text, Texts, Whole
from daw_protocol.message import Message, value

MAX_SAMPLES = 2**53  # larger JSON numbers are no longer exact
LEVEL = Real(-1e6, 1e6)


@dataclass(frozen=True, kw_only=True)
class Receipt(Message):
    """Facts about one clip, measured on the written file. Figures that do not apply are omitted."""

    position: int = value(Whole(-MAX_SAMPLES, MAX_SAMPLES), "the clip's start on the timeline, in samples")
    length: int = value(Whole(0, MAX_SAMPLES), "its length in samples")
    rate: int = value(Whole(1, 384_000), "samples per second")
    encoding: str | None = value(
        Text(16), "how its samples are written, such as PCM_16, PCM_24 or FLOAT", None
    )
    exact: bool = value(Flag(), "start and length match the request")
    outside_identical: bool | None = value(
        Flag(), "every sample outside the region equals the source's, bit for bit", None
    )
    crossfade_in: int | None = value(
        Whole(0, MAX_SAMPLES), "crossfade at the start, inside the region, in samples", None
    )
    crossfade_out: int | None = value(
        Whole(0, MAX_SAMPLES), "crossfade at the end, inside the region, in samples", None
    )
    changed: float | None = value(LEVEL, "largest difference from the audio before, full scale = 1", None)
    correlation: float | None = value(
        Real(-1.001, 1.001), "correlation with the audio before; 1 = identical", None
    )
    peak_db: float | None = value(LEVEL, "highest sample, dBFS", None)
    clipped: int = value(Whole(0, MAX_SAMPLES), "number of clipped samples", 0)
    loudness_lufs: float | None = value(LEVEL, "loudness of the clip", None)
    reference_lufs: float | None = value(LEVEL, "target of the loudness match", None)
    gain_db: float = value(LEVEL, "gain applied to match it", 0.0)
    seam_in_db: float | None = value(LEVEL, "level step at the start", None)
    seam_out_db: float | None = value(LEVEL, "level step at the end", None)
    seam_rank: float | None = value(
        Real(0, 100),
        "percentile of the larger step at the edges among the song's own bar lines; an untouched song: about 50",
        None,
    )
    joins: int | None = value(Whole(0, MAX_SAMPLES), "number of joins inside the clip", None)
    join_rank: float | None = value(Real(0, 100), "percentile of the largest step at them, likewise", None)
    drift_median_ms: float | None = value(
        LEVEL, "distance of the clip's onsets from the nearest 16th, median", None
    )
    drift_p90_ms: float | None = value(LEVEL, "the same, 90th percentile", None)
    onsets: int | None = value(Whole(0, MAX_SAMPLES), "number of onsets measured", None)
    sum_error: float | None = value(
        LEVEL, "largest difference between the sum of all stems and the source", None
    )
    warnings: tuple[str, ...] = value(Texts(), "failed checks, in words", ())

    @property
    def passed(self) -> bool:
        return not self.warnings


def receipt_in(stored: object) -> Receipt | None:
    """The receipt that a file carries as JSON; None for one that was written by hand, or is damaged."""
    try:
        return Receipt.from_stored(stored) if isinstance(stored, dict) else None
    except (ProtocolError, ValueError, TypeError):
        return None
