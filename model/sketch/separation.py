"""Takes a song apart into vocals, drums, bass and other, without a neural network.

Block by block: drums by medians, then the bass and the leading voice as single pitch lines, then every cell
of
the mix is shared out between the four. "other" is what is left, so the stems always sum to the song.
Knows samples and rates only; what a producer asked for is `extract.py`'s business.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from model.engine import OnProgress, Samples, ShouldStop
from model.sketch.bassline import bass_mask
from model.sketch.channel_spectra import Framing, analyse, joint_magnitude, synthesise
from model.sketch.pace import Pace
from model.sketch.percussive import percussive_mask
from model.sketch.ratio_mask import remainder, share_out
from model.sketch.resampled import at_full_rate, at_lower_rate, rate_factor
from model.sketch.separation_parameters import DEFAULT, STEM_NAMES, BlockParameters, SeparationParameters
from model.sketch.voice import voice_mask

Estimates = dict[str, Samples]


@dataclass(frozen=True)
class Stems:
    """A song taken apart; the four sum to it within float32 rounding.

    vocals, drums, bass, other: float32 [frames, channels].
    vocal_share: energy of the voice found, as part of the mix's, before the decision below.
    has_vocal:   whether that was enough to be a singer; if not, `vocals` is silent and `other` has the sound.
    confidence:  per stem, 0..1: how undisputed the cells were that it got.
    """

    vocals: Samples
    drums: Samples
    bass: Samples
    other: Samples
    vocal_share: float
    has_vocal: bool
    confidence: Mapping[str, float] = field(default_factory=dict)

    def named(self, stem: str) -> Samples:
        """The stem of that name (one of STEM_NAMES)."""
        return {"vocals": self.vocals, "drums": self.drums, "bass": self.bass, "other": self.other}[stem]


@dataclass(frozen=True)
class Block:
    """Frames of one block: heard [first, last), of which [start, end) are its own."""

    first: int
    start: int
    end: int
    last: int


def separate(
    samples: Samples,
    rate: int,
    progress: OnProgress,
    should_stop: ShouldStop,
    parameters: SeparationParameters = DEFAULT,
) -> Stems:
    """Takes `samples` (float32 [frames, channels] at `rate`) apart.

    Raises RenderStopped once `should_stop` says yes.
    """
    pace = Pace(progress, should_stop)
    pace.check()
    found = {stem: np.zeros_like(samples) for stem in STEM_NAMES[:-1]}
    claims: dict[str, list[tuple[float, float]]] = {stem: [] for stem in STEM_NAMES}
    blocks = list(cut(len(samples), rate, parameters.block))
    for number, block in enumerate(blocks):
        stretch = pace.part(number / len(blocks), (number + 1) / len(blocks))
        parts, claimed = separate_block(samples[block.first : block.last], rate, parameters, stretch)
        gain = own_part(block, len(samples), rate, parameters.block)[:, None]
        for stem, audio in found.items():
            audio[block.first : block.last] += parts[stem] * gain
        for stem, claim in claimed.items():
            claims[stem].append(claim)
    pace.at("stems are ready", 1.0)
    return _stems(samples, found, {stem: _quotient(claim) for stem, claim in claims.items()}, parameters)


def cut(frames: int, rate: int, parameters: BlockParameters) -> Iterator[Block]:
    """Blocks that cover `frames`; the last takes a remainder shorter than half a block with it."""
    core = int(parameters.core_seconds * rate)
    context = int(parameters.context_seconds * rate)
    count = max(round(frames / core), 1)
    for number in range(count):
        start, end = frames * number // count, frames * (number + 1) // count
        yield Block(max(start - context, 0), start, end, min(end + context, frames))


def own_part(block: Block, frames: int, rate: int, parameters: BlockParameters) -> NDArray[np.float32]:
    """Gain per heard frame: 1 in the block's own part, crossfaded linearly into the neighbours; float32."""
    fade = max(int(parameters.fade_seconds * rate), 1)
    position = np.arange(block.first, block.last) + 0.5
    rising = np.clip((position - block.start) / (2 * fade) + 0.5, 0, 1) if block.start > 0 else 1.0
    falling = np.clip((block.end - position) / (2 * fade) + 0.5, 0, 1) if block.end < frames else 1.0
    return np.asarray(np.ones(len(position)) * rising * falling, dtype=np.float32)


def separate_block(
    samples: Samples, rate: int, parameters: SeparationParameters, pace: Pace
) -> tuple[Estimates, dict[str, tuple[float, float]]]:
    """All stems of a block but "other", at its own rate, and the claims of `share_out`."""
    factor = rate_factor(rate, parameters.block.highest_rate)
    mix = at_lower_rate(samples, factor, pace.check)
    estimates = rough_estimates(mix, rate // factor, parameters, pace)
    framing = Framing.of(rate // factor, parameters.voice.window_seconds)
    pace.at("sharing out the sound", 0.6)
    parts, claims = share_out(mix, estimates, framing, pace.check)
    full = {stem: at_full_rate(part, factor, len(samples), pace.check) for stem, part in parts.items()}
    return full, claims


def rough_estimates(mix: Samples, rate: int, parameters: SeparationParameters, pace: Pace) -> Estimates:
    """First idea of every stem, found one after the other; they sum to the mix."""
    tick = pace.check
    pace.at("finding the drums", 0.0)
    long = Framing.of(rate, parameters.percussive.window_seconds)
    spectra = analyse(mix, long, tick)
    magnitude = joint_magnitude(spectra)
    percussive = percussive_mask(magnitude, long, parameters.percussive, tick)
    drums = synthesise(spectra * percussive, long, len(mix), tick)
    spectra *= 1 - percussive
    pace.at("finding the bass line", 0.3)
    low = bass_mask(magnitude * (1 - percussive), long, parameters.bass, tick)
    bass = synthesise(spectra * low, long, len(mix), tick)
    pace.at("finding the voice", 0.45)
    rest = mix - drums - bass
    short = Framing.of(rate, parameters.voice.window_seconds)
    spectra = analyse(rest, short, tick)
    sung = voice_mask(spectra, joint_magnitude(spectra), short, parameters.voice, tick)
    vocals = synthesise(spectra * sung, short, len(mix), tick)
    return {"vocals": vocals, "drums": drums, "bass": bass, "other": rest - vocals}


def _stems(
    samples: Samples, found: Estimates, confidence: dict[str, float], parameters: SeparationParameters
) -> Stems:
    share = energy(found["vocals"]) / max(energy(samples), 1e-20)
    has_vocal = share >= parameters.voice.least_share
    vocals = found["vocals"] if has_vocal else np.zeros_like(samples)
    other = remainder(samples, vocals, found["drums"], found["bass"])
    return Stems(vocals, found["drums"], found["bass"], other, share, has_vocal, confidence)


def energy(samples: Samples) -> float:
    """Sum of squares over all frames and channels, in float64."""
    return float(np.einsum("fc,fc->", samples, samples, dtype=np.float64))


def _quotient(claims: list[tuple[float, float]]) -> float:
    undisputed, claimed = np.sum(claims, axis=0) if claims else (0.0, 0.0)
    return float(undisputed / claimed) if claimed > 1e-12 else 0.0
