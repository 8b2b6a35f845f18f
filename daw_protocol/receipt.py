"""The alignment receipt: what was checked, by machine, on every clip before it was handed over."""

from __future__ import annotations

from dataclasses import dataclass

from daw_protocol.fields import Flag, Real, Texts, Whole
from daw_protocol.message import Message, value

MAX_SAMPLES = 2**53  # beyond this a JSON number is no longer exact
LEVEL = Real(-1e6, 1e6)


@dataclass(frozen=True, kw_only=True)
class Receipt(Message):
    """Facts about one clip, measured on the file that was written. A figure that does not apply is left out."""

    position: int = value(
        Whole(-MAX_SAMPLES, MAX_SAMPLES), "where the clip starts, in samples of the timeline"
    )
    length: int = value(Whole(0, MAX_SAMPLES), "its length in samples")
    rate: int = value(Whole(1, 384_000), "samples per second")
    exact: bool = value(Flag(), "start and length are those of the request")
    outside_identical: bool | None = value(
        Flag(), "every sample outside the region equals the source's, bit for bit", None
    )
    crossfade_in: int | None = value(Whole(0, MAX_SAMPLES), "samples of crossfade at the start, inside", None)
    crossfade_out: int | None = value(Whole(0, MAX_SAMPLES), "samples of crossfade at the end, inside", None)
    changed: float | None = value(LEVEL, "largest difference to what was there before, full scale = 1", None)
    correlation: float | None = value(
        Real(-1.001, 1.001), "likeness to what was there before; 1 = the same", None
    )
    peak_db: float | None = value(LEVEL, "highest sample, dBFS", None)
    clipped: int = value(Whole(0, MAX_SAMPLES), "samples that had to be clipped", 0)
    loudness_lufs: float | None = value(LEVEL, "loudness of the clip", None)
    reference_lufs: float | None = value(LEVEL, "loudness it was matched to", None)
    gain_db: float = value(LEVEL, "gain applied to match it", 0.0)
    seam_in_db: float | None = value(LEVEL, "level step at the start", None)
    seam_out_db: float | None = value(LEVEL, "level step at the end", None)
    seam_rank: float | None = value(
        Real(0, 100), "the larger of both steps among the song's own steps, as a percentile", None
    )
    drift_median_ms: float | None = value(LEVEL, "distance of its onsets from the nearest 16th, median", None)
    drift_p90_ms: float | None = value(LEVEL, "the same, 90th percentile", None)
    onsets: int | None = value(Whole(0, MAX_SAMPLES), "how many onsets that was measured on", None)
    sum_error: float | None = value(
        LEVEL, "largest difference between the sum of all stems and the source", None
    )
    warnings: tuple[str, ...] = value(Texts(), "what did not pass, in words", ())

    @property
    def passed(self) -> bool:
        return not self.warnings
