"""Separates a song into vocals, drums, bass and other, without a neural network.

Block by block: drums by medians, then the bass and the lead voice as single pitch lines; drums and bass give back what
they took of the voice; then every time-frequency cell of the mix is divided between the four. "other" is the
remainder, so the stems always sum to the song.
Knows only samples and rates; `extract.py` handles the producer's request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from model.dsp.resample import resample
from model.engine import OnProgress, Samples, ShouldStop
from model.pace import Pace
from model.sketch.separation.bassline import bass_mask, bass_pitch, booming_kick
from model.sketch.separation.channel_spectra import (
    Framing,
    Magnitude,
    Spectra,
    Tick,
    analyse,
    joint_magnitude,
    synthesise,
)
from model.sketch.separation.kick import kick_magnitude
from model.sketch.separation.percussive import (
    cymbal_mask,
    drummer_present,
    low_band,
    percussive_mask,
    sudden_lows,
    thump_part,
)
from model.sketch.separation.ratio_mask import remainder, share_out
from model.sketch.separation.separation_parameters import (
    DEFAULT,
    STEM_NAMES,
    BlockParameters,
    SeparationParameters,
)
from model.sketch.separation.singer import NO_EVIDENCE, Evidence, gliding, movement, strongest, timbre_of
from model.sketch.separation.voice import centredness, find_voice, voice_in_bass, voice_in_drums


@dataclass(frozen=True)
class Stems:
    """The stems of a song; the four sum to it within float32 rounding.

    vocals, drums, bass, other: float32 [frames, channels].
    vocal_share: the detected voice's share of the mix's energy, before the decision below.
    has_vocal:   whether the evidence suffices for a singer; if not, and nobody said that there is one, `vocals` is
                 silent and `other` has the sound.
    evidence:    the basis of that decision, from the block with the strongest evidence of a singer.
    confidence:  per stem, 0..1: how clearly its cells belonged to it alone.
    by:          the network that separated them; "" = the rules of this package.
    note:        why no network did, where one is here; "" otherwise.
    """

    vocals: Samples
    drums: Samples
    bass: Samples
    other: Samples
    vocal_share: float
    has_vocal: bool
    evidence: Evidence = NO_EVIDENCE
    confidence: Mapping[str, float] = field(default_factory=dict)
    by: str = ""
    note: str = ""

    def named(self, stem: str) -> Samples:
        """The stem with this name (one of STEM_NAMES)."""
        return {"vocals": self.vocals, "drums": self.drums, "bass": self.bass, "other": self.other}[stem]


@dataclass(frozen=True)
class BlockSpan:
    """Frames of one block: it reads [first, last), of which [start, end) are its own."""

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
    *,
    somebody_sings: bool = False,
) -> Stems:
    """Separates `samples` (float32 [frames, channels] at `rate`).

    somebody_sings: the caller knows it: what follows the lead line is the voice, whatever the evidence says, and what
    the bass took of it goes back.

    Raises RenderStopped once `should_stop` returns true.
    """
    pace = Pace(progress, should_stop)
    pace.check()
    found = {stem: np.zeros_like(samples) for stem in STEM_NAMES[:-1]}
    claims: dict[str, list[tuple[float, float]]] = {stem: [] for stem in STEM_NAMES}
    evidence: list[Evidence] = []
    blocks = list(cut(len(samples), rate, parameters.block))
    for number, block in enumerate(blocks):
        stretch = pace.share(number, len(blocks))
        part = separate_block(samples[block.first : block.last], rate, parameters, stretch, somebody_sings)
        gain = own_part(block, len(samples), rate, parameters.block)[:, None]
        for stem, audio in found.items():
            audio[block.first : block.last] += part.stems[stem] * gain
            pace.check()
        for stem, claim in part.claims.items():
            claims[stem].append(claim)
        evidence.append(part.evidence)
    pace.at("stems are ready", 1.0)
    confidence = {stem: _quotient(claim) for stem, claim in claims.items()}
    singer = strongest(evidence, parameters.singer)
    recognised = singer.of_a_singer(parameters.singer)
    return _stems(samples, found, singer, recognised, recognised or somebody_sings, confidence)


def cut(frames: int, rate: int, parameters: BlockParameters) -> Iterator[BlockSpan]:
    """Blocks of equal length that cover `frames`, as near to the core length as possible."""
    core = int(parameters.core_seconds * rate)
    context = int(parameters.context_seconds * rate)
    count = max(round(frames / core), 1)
    for number in range(count):
        start, end = frames * number // count, frames * (number + 1) // count
        yield BlockSpan(max(start - context, 0), start, end, min(end + context, frames))


def own_part(block: BlockSpan, frames: int, rate: int, parameters: BlockParameters) -> NDArray[np.float32]:
    """Gain per frame read: 1 in the block's own part, crossfaded linearly into the neighbours; float32."""
    fade = max(int(parameters.fade_seconds * rate), 1)
    position = np.arange(block.first, block.last) + 0.5
    rising = np.clip((position - block.start) / (2 * fade) + 0.5, 0, 1) if block.start > 0 else 1.0
    falling = np.clip((block.end - position) / (2 * fade) + 0.5, 0, 1) if block.end < frames else 1.0
    return np.asarray(np.ones(len(position)) * rising * falling, dtype=np.float32)


@dataclass(frozen=True)
class SeparatedBlock:
    """One separated block.

    stems:  vocals, drums and bass at the block's own rate.
    claims: per stem, see `share_out`.
    evidence: for and against a singer in it.
    """

    stems: dict[str, Samples]
    claims: dict[str, tuple[float, float]]
    evidence: Evidence


def separate_block(
    samples: Samples, rate: int, parameters: SeparationParameters, pace: Pace, somebody_sings: bool
) -> SeparatedBlock:
    """Separates one block, samples [frames, channels]."""
    low_rate = rate // rate_factor(rate, parameters.block.highest_rate)
    mix = resample(samples, rate, low_rate, check=pace.check)
    pace.at("finding drums and bass", 0.0)
    drums, bass, present = drums_and_bass(mix, low_rate, parameters, somebody_sings, pace.check)
    pace.at("finding the voice", 0.4)
    framing = Framing.of(low_rate, parameters.voice.window_seconds)
    spectra = analyse(mix - drums - bass, framing, pace.check)
    line, sung = find_voice(spectra, framing, parameters.voice, pace.check)
    pace.check()
    timbre = timbre_of(joint_magnitude(spectra * centredness(spectra)), framing, line, parameters.singer)
    pace.check()
    vocals = synthesise(spectra, sung, framing, len(mix), pace.check)
    ridge = parameters.voice.ridge_hertz
    sounding = np.roll(np.repeat(line.sung, framing.hop), -framing.hop // 2)[: len(mix)]
    loud, found = energy(mix[sounding]), energy(vocals[sounding])
    evidence = Evidence(found / max(loud, 1e-20), movement(timbre), gliding(timbre))
    if somebody_sings or evidence.of_a_singer(parameters.singer):
        part = _part_of(
            drums, framing, lambda s: voice_in_drums(s, sung, framing, ridge, pace.check), pace.check
        )
        vocals, drums = vocals + part, drums - part
    if somebody_sings:  # a lead guitar that glides like a singer would take the bass along
        part = _part_of(bass, framing, lambda s: voice_in_bass(s, sung, line.pitch, framing), pace.check)
        vocals, bass = vocals + part, bass - part
    spectra *= 1 - sung
    pace.check()
    struck = cymbal_mask(joint_magnitude(spectra), framing, parameters.cymbal, pace.check)
    drums = drums + synthesise(spectra, struck * np.float32(present), framing, len(mix), pace.check)
    pace.at("dividing the mix", 0.65)
    rough = {"vocals": vocals, "drums": drums, "bass": bass, "other": mix - vocals - drums - bass}
    parts, claims = share_out(mix, rough, framing, pace.check)
    full = {
        stem: resample(part, low_rate, rate, len(samples), check=pace.check) for stem, part in parts.items()
    }
    # Without what was given back: the least share is one of what the line itself holds.
    own = found / max(energy(vocals[sounding]), 1e-20)
    share = own * energy(parts["vocals"][sounding]) / max(loud, 1e-20)
    return SeparatedBlock(full, claims, replace(evidence, share=share))


def _part_of(audio: Samples, framing: Framing, mask: Callable[[Spectra], Magnitude], tick: Tick) -> Samples:
    spectra = analyse(audio, framing, tick)
    return synthesise(spectra, mask(spectra), framing, len(audio), tick)


def rate_factor(rate: int, highest: int) -> int:
    """1, 2 or 4: by how much to divide `rate` so that it does not exceed `highest`;
    1 where it does not divide."""
    for factor in (1, 2, 4):
        if rate <= highest * factor and rate % factor == 0:
            return factor
    return 1


def drums_and_bass(
    mix: Samples, rate: int, parameters: SeparationParameters, somebody_sings: bool, tick: Tick
) -> tuple[Samples, Samples, float]:
    """First estimates of drums (without cymbal tails) and bass, and the confidence that there are drums."""
    framing = Framing.of(rate, parameters.percussive.window_seconds)
    spectra = analyse(mix, framing, tick)
    magnitude = joint_magnitude(spectra)
    hits = percussive_mask(magnitude, framing, parameters.percussive, tick)
    present = drummer_present(magnitude, hits, parameters.percussive)
    sudden = sudden_lows(magnitude, framing, parameters.low_band, tick)
    kick = kick_magnitude(sudden, framing, parameters.kick)
    pitched = 1 - hits
    heard = magnitude * pitched
    booms = booming_kick(heard, framing, *bass_pitch(heard, framing, parameters.bass, tick), parameters.bass)
    # A low voice that glides is as sudden as a short note: beside it the bass is what is held.
    gone = sudden if somebody_sings and not booms else np.minimum(kick, sudden)
    pitched[: len(sudden)] *= 1 - gone / (magnitude[: len(sudden)] + np.float32(1e-9)) * np.float32(present)
    heard = magnitude * pitched
    pitch, sounding = bass_pitch(heard, framing, parameters.bass, tick)
    line = bass_mask(heard, framing, pitch, sounding, parameters.bass, tick)
    booming = np.float32(present if booms else 0.0)
    hits, low = hits + booming * (1 - hits) * line, (1 - booming) * pitched * line
    thump = np.float32(present) * thump_part(magnitude, sudden, parameters.kick.headroom * kick)
    band = parameters.low_band
    unclaimed = 1 - hits - low
    struck = unclaimed * low_band(framing, band.thump_hertz, band.fade_hertz) * thump
    under_voice = low_band(framing, band.edge_under_voice_hertz, band.fade_hertz)
    edge = under_voice if somebody_sings else low_band(framing, band.edge_hertz, band.fade_hertz)
    deep = sounding & (pitch < band.below_guitars_hertz)
    low += unclaimed * np.maximum(np.float32(present) * edge, under_voice * deep) * (1 - thump)
    hits += struck
    tick()
    drums = synthesise(spectra, hits, framing, len(mix), tick)
    return drums, synthesise(spectra, low, framing, len(mix), tick), present


def _stems(
    samples: Samples,
    found: dict[str, Samples],
    evidence: Evidence,
    recognised: bool,
    kept: bool,
    confidence: dict[str, float],
) -> Stems:
    vocals = found["vocals"] if kept else np.zeros_like(samples)
    share = energy(found["vocals"]) / max(energy(samples), 1e-20)
    other = remainder(samples, vocals, found["drums"], found["bass"])
    return Stems(vocals, found["drums"], found["bass"], other, share, recognised, evidence, confidence)


def energy(samples: Samples) -> float:
    """Sum of squares over all frames and channels, in float64."""
    return float(np.einsum("fc,fc->", samples, samples, dtype=np.float64))


def _quotient(claims: list[tuple[float, float]]) -> float:
    undisputed, claimed = np.sum(claims, axis=0) if claims else (0.0, 0.0)
    return float(undisputed / claimed) if claimed > 1e-12 else 0.0
