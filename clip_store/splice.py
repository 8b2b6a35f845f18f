"""Placing a render into a song so that nothing outside the region changes by a bit.

Pure arithmetic on arrays. The outside is copied, never computed; the crossfades lie inside the region; only
the region is rounded to the song's encoding again. Positions are samples from the song's first sample: a
region may begin before it (negative) or reach behind its end, then the song grows and what lies between is
silence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clip_store.audio.audio import Audio, Samples, quantise, widened
from clip_store.audio.audio_file import AudioInfo
from clip_store.audio.riff import WaveForm
from clip_store.errors import SpliceError
from clip_store.likeness import correlation_of_sound, power
from daw_protocol.timeline.span import Span
from model.dsp.offset import OFFSET_SECONDS, steady_offset, without_drift
from model.dsp.window import read_window


@dataclass(frozen=True)
class Fade:
    """One crossfade: its length in samples (0: none) and the correlation of old and new within it, -1..1."""

    length: int
    correlation: float

    @property
    def curve(self) -> str:
        """The name a producer knows the curve by; in truth there is a continuum between the two."""
        if self.length == 0:
            return "none"
        return "equal-gain" if self.correlation > 0.5 else "equal-power"


@dataclass(frozen=True)
class Spliced:
    """A render fitted to its region of a song; `with_clip` puts it there.

    clip:     exactly the region, crossfades included.
    fade_in, fade_out: the crossfades at the region's start and end.
    clipped:  samples of the render beyond full scale that an integer encoding cut off.
    """

    clip: Audio
    fade_in: Fade
    fade_out: Fade
    clipped: int

    @property
    def fades(self) -> tuple[int, int]:
        """Lengths of both crossfades in samples."""
        return self.fade_in.length, self.fade_out.length


def splice(song: Audio, render: Samples, region: Span, fade: int) -> Spliced:
    """Fit `render` [region.length, song.channels] to the song; crossfades of at most `fade` samples.

    There is no crossfade at a side with nothing of the song to fade with: at the song's very start and end,
    and where the region lies beyond them. Each is half the region at most.

    Raises SpliceError when the render does not fit, ValueError for a negative fade or an empty region.
    """
    if fade < 0 or region.length == 0:
        raise ValueError(f"fade must be 0 or more and the region not empty, got {fade}, {region}")
    _check_render(song, render, region)
    old = stretch(song, region)
    new = render.astype(np.float64)
    fade_in, fade_out = _fade_lengths(song.frames, region, fade)
    entry = crossfade(old, new, fade_in, song.rate, rising=True)
    leave = crossfade(old, new, fade_out, song.rate, rising=False)
    clip, clipped = quantise(new, song.rate, song.encoding)
    return Spliced(clip, Fade(fade_in, entry), Fade(fade_out, leave), clipped)


def with_clip(song: Audio, clip: Audio, start: int) -> Audio:
    """The song with a clip (crossfades already in it) at `start`; everything else copied bit by bit.

    Before the song's first sample it grows at its front: then the new song begins that much earlier on the timeline.
    In the clip's encoding, where that is wider: it writes every sample of the song exactly.
    Raises SpliceError when rate or channels differ, or the clip's encoding cannot hold the song.
    """
    check_alike(song, clip)
    song = widened(song, clip.encoding)
    lead = max(0, -start)
    samples = np.zeros((frames_with_clip(song.frames, clip.frames, start), song.channels), song.samples.dtype)
    samples[lead : lead + song.frames] = song.samples
    samples[lead + start : lead + start + clip.frames] = clip.samples
    return Audio(samples, song.rate, song.encoding)


def frames_with_clip(song_frames: int, clip_frames: int, start: int) -> int:
    """How long a song is with a clip at `start`, which may be negative."""
    return max(0, -start) + max(song_frames, start + clip_frames)


def check_alike(song: Audio | AudioInfo | WaveForm, clip: Audio | AudioInfo | WaveForm) -> None:
    """Raises SpliceError when rate or channels of a clip differ from the song's, or its encoding cannot hold it."""
    holds_song = song.encoding.holding(clip.encoding) is clip.encoding
    if (song.rate, song.channels) != (clip.rate, clip.channels) or not holds_song:
        raise SpliceError("The clip has another rate, channel count or encoding than the song.")


def stretch(song: Audio, span: Span) -> NDArray[np.float64]:
    """The song's samples in the span, float64 [span.length, channels]; silence where the song is not."""
    return read_window(song.samples, span.start, span.end).astype(np.float64)


def _check_render(song: Audio, render: Samples, region: Span) -> None:
    if render.shape != (region.length, song.channels):
        raise SpliceError(
            f"The render is [samples, channels] = {list(render.shape)}; the region needs "
            f"{[region.length, song.channels]}.",
            "Ask again; if it happens twice, the engine is at fault.",
        )
    if not np.isfinite(render).all():
        raise SpliceError(
            "The render holds values that are not numbers.",
            "Ask again with another seed; if it happens twice, the engine is at fault.",
        )


def _fade_lengths(song_frames: int, region: Span, fade: int) -> tuple[int, int]:
    """Samples of crossfade at (start, end) of the region, given how much of the song lies there."""
    longest = min(fade, region.length // 2)
    fade_in = min(longest, song_frames - region.start) if 0 < region.start < song_frames else 0
    fade_out = min(longest, region.end) if 0 < region.end < song_frames else 0
    return fade_in, fade_out


def crossfade(
    old: NDArray[np.float64], new: NDArray[np.float64], fade: int, rate: int, rising: bool
) -> float:
    """Fade `new` in (rising) at its start or out at its end against `old`, in place; both [frames, channels] of the
    region. Returns the correlation.

    Gains sin and cos, divided by sqrt(1 + 2 rho sin cos): the power stays level for the correlation rho that
    was measured: equal-power for unrelated sounds (rho 0), gains that sum to one for equal ones (rho 1).
    Below zero rho counts as zero: lifting sounds that cancel each other would only make a peak. A constant offset is
    no sound: it passes with gains that sum to one, or it would swell in the middle and be heard as a thump.
    """
    if fade == 0:
        return 0.0
    reach = fade + round(OFFSET_SECONDS * rate)
    near = slice(0, reach) if rising else slice(max(0, len(new) - reach), len(new))
    part = slice(0, fade) if rising else slice(len(new) - fade, len(new))
    inner = slice(0, fade) if rising else slice(-fade, None)
    rho = correlation_of_sound(
        without_drift(old[near], rate)[inner],
        without_drift(new[near], rate)[inner],
        power(old[part]),
        power(new[part]),
    )
    offset = steady_offset(old[near]), steady_offset(new[near])
    shared = max(0.0, rho)
    angle = (np.arange(fade) + 0.5) / fade * (np.pi / 2)
    sine, cosine = np.sin(angle)[:, None], np.cos(angle)[:, None]
    share = sine / (sine + cosine) if rising else cosine / (sine + cosine)
    # sin + cos = sqrt(1 + 2 sin cos), so this is the sum of both gains. Written so that rho = 1 gives exactly
    # 1 and equal sounds pass exactly: old + share * 0.
    total = np.sqrt((1 + 2 * sine * cosine) / (1 + 2 * shared * sine * cosine))
    steady = offset[0] + share * (offset[1] - offset[0])
    new[part] = (old[part] + share * (new[part] - old[part])) * total + steady * (1 - total)
    return rho
