"""Every number the separation is tuned by, with its unit and the reason for its value.

Chosen on the songs of `tests/model/sketch/stem_songs.py` that are named for tuning. Times are seconds and
frequencies hertz, so that one value serves every sample rate.
"""

from __future__ import annotations

from dataclasses import dataclass

STEM_NAMES = ("vocals", "drums", "bass", "other")
"""What a song can be taken apart into, in the order producers know from other programs."""


@dataclass(frozen=True)
class BlockParameters:
    """How a long song is cut so that memory stays bounded.

    core_seconds:    new audio per block; 20 s of stereo at 48 kHz needs some 300 MB of spectra.
    context_seconds: heard on either side; longer than any median or window, so edges sound like the middle.
    fade_seconds:    neighbouring blocks are crossfaded over twice this, as their pitch lines may differ.
    highest_rate:    audio above this rate is separated at a half or quarter of it: nothing above 22 kHz tells
                     stems apart, and what the lower rate cannot hold stays in "other".
    """

    core_seconds: float = 20.0
    context_seconds: float = 2.5
    fade_seconds: float = 0.25
    highest_rate: int = 50000


@dataclass(frozen=True)
class PercussiveParameters:
    """Harmonic-percussive separation by medians (Fitzgerald 2010), with windows
    long enough to resolve chords.

    window_seconds: 8192 samples at 44.1 kHz; shorter ones blur chords into something that looks like a drum.
    time_seconds:   median along time; a note must last about half of it to be told from a hit.
    span_hertz:     median along frequency; narrower than the gaps between a chord's partials.
    beta:           how much stronger than the steady part a hit must be; above 1, as steady sounds leak.
    bright_beta:    the same above bright_hertz[1]: up there a sound is a cymbal sooner than a chord.
    bright_hertz:   between these two frequencies beta goes over into bright_beta.
    present_share:  energy of what looks like hits, as part of the whole: none to a fully believed drummer.
                    A plucked guitar alone reached 0.034, a jazz kit 0.053, a rock kit 0.12 and more.
    """

    window_seconds: float = 0.186
    time_seconds: float = 0.4
    span_hertz: float = 100.0
    beta: float = 1.2
    bright_beta: float = 0.4
    bright_hertz: tuple[float, float] = (2500.0, 6000.0)
    present_share: tuple[float, float] = (0.034, 0.050)


@dataclass(frozen=True)
class CymbalParameters:
    """Long bright sounds that no median takes for a hit: rides and crashes.

    from_hertz:    between these two frequencies the rule sets in.
    span_hertz:    energy is smoothed over this, as a cymbal has no partials of its own to follow.
    floor_seconds: what never falls within this time is a steady sound; what rises above it was struck.
    """

    from_hertz: tuple[float, float] = (2500.0, 4000.0)
    span_hertz: float = 400.0
    floor_seconds: float = 1.2


@dataclass(frozen=True)
class LowBandParameters:
    """Kick and bass share the lowest octaves, where hardly anybody else plays.

    edge_hertz:   full effect below, none fade_hertz above it. Higher would take guitars' low strings.
    time_seconds: median that tells a kick's thump from a held note.
    """

    edge_hertz: float = 75.0
    fade_hertz: float = 40.0
    time_seconds: float = 0.6


@dataclass(frozen=True)
class BassParameters:
    """The bass line as one pitch with its partials.

    lowest, highest: MIDI pitch; from a five-string's low end to the D below middle
                     C. Basses seldom go higher, and a range that does takes low voices and guitars.
    step:            semitones between candidates.
    partial_fall:    weight of the next partial in the salience.
    fifth_weight:    subtracted at 1.5 f, so that a candidate an octave below the true one loses.
    audible:         salience (1 = as strong as the block's loud low notes) from which a bass is heard.
    move_cost, jump_cost: of the pitch line per candidate step, and for any leap.
    partials:        taken out at most, up to ceiling_hertz.
    smooth_seconds:  a partial's level is the median over this: a kick does not last that long.
    timbre_quantile: a partial's ratio to the fundamental is taken from the lower quarter of all frames:
                     chords
                     and voices meet a partial now and then, its own level is there always.
    headroom:        how much above that ratio a partial may still be.
    most_partial:    no partial h exceeds this / h of the fundamental, even where a
                     chord lies on it all the time.
    tooth_bins:      width of a partial's peak (standard deviation): the main lobe of the Hann window.
    """

    lowest: float = 24.0
    highest: float = 50.0
    step: float = 0.2
    salience_partials: int = 5
    partial_fall: float = 0.8
    fifth_weight: float = 0.6
    audible: float = 0.35
    move_cost: float = 0.05
    jump_cost: float = 0.6
    partials: int = 12
    ceiling_hertz: float = 2000.0
    smooth_seconds: float = 0.33
    timbre_quantile: float = 25.0
    headroom: float = 1.4
    most_partial: float = 2.0
    tooth_bins: float = 0.9


@dataclass(frozen=True)
class VoiceParameters:
    """The leading voice as one gliding pitch in the middle of the stereo picture.

    window_seconds:  4096 samples at 44.1 kHz: vibrato is still a line, chords are still apart.
    lowest, highest: MIDI pitch, E2 to C6.
    between_weight:  subtracted half-way between partials, against candidates an octave too high.
    contrast:        how many times the surroundings (contrast_hertz wide) are subtracted before partials are
                     summed: only peaks count, which keeps candidates an octave too low from winning.
    audible:         voiced above this part of the block's 92nd percentile of salience.
    move_cost, jump_cost: of the pitch line per candidate step, and for any leap.
    smooth_seconds:  of the voiced decision.
    partials, ceiling_hertz: taken out at most.
    cents:           half width of a tooth, wide enough for vibrato inside one window.
    middle_power:    how sharply the middle of the stereo picture is preferred.
    most_offset:     a voice may be panned so that one channel is at most this many times the other.
    """

    window_seconds: float = 0.093
    lowest: float = 40.0
    highest: float = 84.0
    step: float = 0.25
    salience_partials: int = 12
    partial_fall: float = 0.86
    between_weight: float = 0.3
    contrast: float = 1.5
    contrast_hertz: float = 330.0
    audible: float = 0.42
    move_cost: float = 0.05
    jump_cost: float = 1.5
    smooth_seconds: float = 0.12
    partials: int = 40
    ceiling_hertz: float = 12000.0
    cents: float = 30.0
    middle_power: int = 2
    most_offset: float = 1.6


@dataclass(frozen=True)
class SingerParameters:
    """What makes a leading line a singer.

    least_share:    with less of the mix's energy than this there is most likely no lead at all.
    least_movement: dB by which the spectrum must move apart from pitch and
                    loudness. Words do that (3.4 to 7 dB
                    on the tuning songs), an instrument's body does not (1.2 to 1.8 dB).
    least_gliding:  part of the frames in which the pitch must glide: 0.15 and more when sung, 0.01 for keys.
    clear:          only frames with this much of the 92nd percentile of salience are looked at.
    lowest_hertz, highest_hertz, points: where the spectrum is read, in equal steps of log frequency.
    """

    least_share: float = 0.06
    least_movement: float = 2.8
    least_gliding: float = 0.06
    clear: float = 0.55
    lowest_hertz: float = 300.0
    highest_hertz: float = 3500.0
    points: int = 10


@dataclass(frozen=True)
class SeparationParameters:
    """All of them; the default is what the engine uses."""

    block: BlockParameters = BlockParameters()
    percussive: PercussiveParameters = PercussiveParameters()
    cymbal: CymbalParameters = CymbalParameters()
    low_band: LowBandParameters = LowBandParameters()
    bass: BassParameters = BassParameters()
    voice: VoiceParameters = VoiceParameters()
    singer: SingerParameters = SingerParameters()


DEFAULT = SeparationParameters()
