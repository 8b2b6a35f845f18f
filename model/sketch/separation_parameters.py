"""Every number the separation is tuned by, with its unit and the reason for its value.

Chosen on the songs in `tests/model/sketch/stem_songs.py` that are named for tuning. Times are seconds and
frequencies hertz, so that one value serves every sample rate.
"""

from __future__ import annotations

from dataclasses import dataclass

STEM_NAMES = ("vocals", "drums", "bass", "other")
"""What a song can be taken apart into, in the order producers know from other programs."""


@dataclass(frozen=True)
class BlockParameters:
    """How a long song is cut so that memory stays bounded.

    core_seconds:    new audio per block; 20 s of stereo at 48 kHz needs about 300 MB of spectra.
    context_seconds: heard on either side; longer than any median or window, so edges sound like the middle.
    fade_seconds:    neighbouring blocks are crossfaded over twice this; a pitch track may differ in it.
    highest_rate:    audio above this rate is separated at a half or quarter of it, as nothing above 22 kHz
                     tells stems apart; what is lost by that stays in "other".
    """

    core_seconds: float = 20.0
    context_seconds: float = 2.5
    fade_seconds: float = 0.25
    highest_rate: int = 50000


@dataclass(frozen=True)
class PercussiveParameters:
    """Harmonic-percussive separation by medians (Fitzgerald 2010), with windows long enough to resolve
    chords.

    window_seconds: 8192 samples at 44.1 kHz. Shorter ones blur chords into something that looks like a drum.
    time_seconds:   median along time; a note must last about half of it to be told from a hit.
    span_hertz:     median along frequency; narrower than the gap between a chord's partials and their
                    neighbours.
    beta:           how much stronger than the steady part the sudden part must be; above 1 as steady sounds
                    leak.
    """

    window_seconds: float = 0.186
    time_seconds: float = 0.4
    span_hertz: float = 100.0
    beta: float = 1.2


@dataclass(frozen=True)
class BassParameters:
    """The bass line as one pitch with its partials.

    lowest, highest: MIDI pitch; a five-string's low B to the A two octaves above.
    step:            semitones between candidates.
    partial_fall:    weight of the next partial in the salience.
    fifth_weight:    subtracted at 1.5 f, so that a candidate an octave below the true one loses.
    audible:         salience (1 = as strong as the block's loud low notes) from which a bass is heard.
    partials:        taken out at most, up to ceiling_hertz.
    cents:           half width of a tooth at a high partial; teeth are never narrower than the window
                     resolves.
    headroom:        a partial may be this much above f^-1/2 of the fundamental; more belongs to somebody
                     else.
    below:           everything under this multiple of the pitch is bass once the drums are gone.
    """

    lowest: float = 24.0
    highest: float = 57.0
    step: float = 0.2
    salience_partials: int = 5
    partial_fall: float = 0.8
    fifth_weight: float = 0.6
    audible: float = 0.35
    partials: int = 12
    ceiling_hertz: float = 2000.0
    cents: float = 25.0
    headroom: float = 1.2
    below: float = 1.4


@dataclass(frozen=True)
class VoiceParameters:
    """The leading voice as one gliding pitch in the middle of the stereo picture.

    window_seconds:  4096 samples at 44.1 kHz: vibrato is still a line, chords are still apart.
    lowest, highest: MIDI pitch, E2 to C6.
    between_weight:  subtracted half-way between partials, against candidates an octave too low.
    audible:         voiced above this part of the block's 92nd percentile of salience.
    cents:           half width of a tooth, wide enough for vibrato inside one window.
    least_share:     with less of the mix's energy than this in the voice there is most likely no singer.
    """

    window_seconds: float = 0.093
    lowest: float = 40.0
    highest: float = 84.0
    step: float = 0.25
    salience_partials: int = 12
    partial_fall: float = 0.86
    between_weight: float = 0.45
    audible: float = 0.42
    partials: int = 40
    cents: float = 35.0
    least_share: float = 0.08


@dataclass(frozen=True)
class SeparationParameters:
    """All of them; the default is what the engine uses."""

    block: BlockParameters = BlockParameters()
    percussive: PercussiveParameters = PercussiveParameters()
    bass: BassParameters = BassParameters()
    voice: VoiceParameters = VoiceParameters()


DEFAULT = SeparationParameters()
