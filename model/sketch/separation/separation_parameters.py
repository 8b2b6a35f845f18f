"""Every tuning value of the separation, with its unit and the reason.

Tuned on the songs in `tests/model/sketch/stem_songs.py` that are marked for tuning. Times are in seconds and
frequencies in hertz, so that one value fits every sample rate.
"""

from __future__ import annotations

from dataclasses import dataclass

STEM_NAMES = ("vocals", "drums", "bass", "other")
"""The stems a song separates into, in the order producers know from other programs."""


@dataclass(frozen=True)
class BlockParameters:
    """How a long song is cut into blocks to bound memory.

    core_seconds:    new audio per block; 20 s of stereo at 48 kHz needs about 300 MB of spectra.
    context_seconds: context on each side; longer than any median or window, so edges sound like the middle.
    fade_seconds:    neighbouring blocks are crossfaded over twice this, as their pitch lines may differ.
    highest_rate:    audio above this rate is separated at half or a quarter of it: nothing above 22 kHz helps to
                     distinguish stems, and whatever the lower rate cannot represent stays in "other".
    """

    core_seconds: float = 20.0
    context_seconds: float = 2.5
    fade_seconds: float = 0.25
    highest_rate: int = 50000


@dataclass(frozen=True)
class PercussiveParameters:
    """Harmonic-percussive separation by medians (Fitzgerald 2010), with windows long enough to resolve chords.

    window_seconds: 8192 samples at 44.1 kHz; shorter windows blur chords until they resemble a drum.
    time_seconds:   median along time; a note must last about half of it to differ from a hit.
    span_hertz:     median along frequency; narrower than the gaps between a chord's partials.
    beta:           how much stronger than the steady part a hit must be; above 1, because steady sounds leak.
    bright_beta:    the same above bright_hertz[1], where a sound is more likely a cymbal than a chord.
    bright_hertz:   beta changes to bright_beta between these two frequencies.
    present_share:  share of the energy that looks like hits, from no drums to certainly drums.
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
    """Long bright sounds that medians miss as hits: rides and crashes.

    from_hertz:    the rule takes effect between these two frequencies.
    span_hertz:    energy is smoothed over this width, as a cymbal has no distinct partials.
    floor_seconds: a level that never falls within this time is a steady sound; anything above it was struck.
    """

    from_hertz: tuple[float, float] = (2500.0, 4000.0)
    span_hertz: float = 400.0
    floor_seconds: float = 1.2


@dataclass(frozen=True)
class LowBandParameters:
    """Kick and bass share the lowest octaves, where hardly anything else plays.

    edge_hertz:   what is held and unclaimed below is bass, nothing fade_hertz above it. Against 75, five real basses
                  gained 0.8 dB and what played with them 0.8, two real voices lost 0.2.
    edge_under_voice_hertz: the same where somebody is said to sing: low voices begin at 80 Hz.
    thump_hertz:  the same for what a low drum's own sound explains (`kick.py`), which is nobody else's.
    fade_hertz:   width of each of these edges.
    below_guitars_hertz: a lower line is a bass's, drums or not: a guitar's lowest string has 82. With neither drums nor
                  such a line, what is held and unclaimed stays in other.
    time_seconds: median that separates a kick's thump from a sustained note.
    """

    edge_hertz: float = 92.0
    edge_under_voice_hertz: float = 75.0
    thump_hertz: float = 110.0
    fade_hertz: float = 40.0
    below_guitars_hertz: float = 78.0
    time_seconds: float = 0.6


@dataclass(frozen=True)
class KickParameters:
    """The kick as the sound that comes again and again in the lowest band; see `kick.py`.

    drums:         how many such sounds are learned: a kick, and a tom or a second kick. The second gave a real kit
                   with toms 0.5 dB and its bass 0.4 dB, other mixes nothing.
    seconds:       length of its excerpt, until most kicks have ended. With 0.28 one real kit had 0.5 dB less.
    apart_seconds: a hit is the loudest moment within this time; a sixteenth at 125 BPM.
    least_level:   of the loud hits' level; weaker peaks are no hits.
    least_hits:    with fewer no median tells a kick from a note.
    own_part:      cells with this part of its largest are the kick's own; what a hit has in all of them is a kick's.
    gain_quantile: a hit's kick is as loud as this percentile of those cells: a bass note fills some, a kick all.
    headroom:      kicks differ a little; so many times the learned one still counts as kick. With 3 a real bass of
                   short notes has 0.3 dB less, with 2 it has 0.4 more, but a made kick among notes loses 13 % instead
                   of 10.
    """

    drums: int = 2
    seconds: float = 0.37
    apart_seconds: float = 0.12
    least_level: float = 0.15
    least_hits: int = 3
    own_part: float = 0.25
    gain_quantile: float = 40.0
    headroom: float = 2.5


@dataclass(frozen=True)
class BassParameters:
    """The bass line as one pitch with its partials.

    lowest, highest: MIDI pitch; from a five-string's low end to the D below middle C. Basses rarely go higher, and a
                     wider range would catch low voices and guitars.
    step:            semitones between candidates.
    partial_fall:    weight of each partial relative to the previous one in the salience.
    fifth_weight:    subtracted at 1.5 f, so that a candidate an octave below the true one loses.
    audible:         salience (1 = as strong as the block's loud low notes) from which a bass counts as sounding.
    move_cost, jump_cost: of the pitch line, per candidate step and for any leap.
    partials:        maximum number of partials, up to ceiling_hertz.
    smooth_seconds:  a partial's level is the median over this time, longer than what is left of a kick once its own
                     sound is taken out; notes shorter than half of it are lost.
    timbre_quantile: a partial's ratio to the fundamental is this percentile over all frames: chords and voices
                     coincide with a partial now and then, while its own level is always there.
    headroom:        factor by which a partial may exceed that ratio.
    most_partial:    no partial h exceeds this / h of the fundamental, even if a chord always coincides with it.
    tooth_bins:      width of a partial's peak (standard deviation): the main lobe of the Hann window.
    kick_pitch, kick_semitones, kick_partials: a low line is a kick that booms, as an 808's, where the first share of
                     its energy lies within so many semitones of one pitch and its own partials 2 to 4 (see
                     timbre_quantile) are together below the last times its fundamental. A real 808 had 0.89 and 0.09,
                     a made one 0.97 and 0.02; of 18 other mixes none with 0.7 and more had partials below 1.1, and none
                     with partials below 0.4 had more than 0.35.
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
    smooth_seconds: float = 0.2
    timbre_quantile: float = 25.0
    headroom: float = 1.4
    most_partial: float = 2.0
    tooth_bins: float = 0.9
    kick_pitch: float = 0.75
    kick_semitones: float = 0.8
    kick_partials: float = 0.2


@dataclass(frozen=True)
class VoiceParameters:
    """The lead voice as one gliding pitch at the centre of the stereo image.

    window_seconds:  4096 samples at 44.1 kHz: short enough for vibrato, long enough to resolve chords.
    lowest, highest: MIDI pitch, E2 to C6.
    between_weight:  subtracted half-way between partials, against candidates an octave too high.
    contrast:        how many times the local mean (contrast_hertz wide) is subtracted before partials are summed:
                     only peaks count, which keeps candidates an octave too low from winning.
    audible:         voiced above this fraction of the block's 92nd percentile of salience.
    move_cost, jump_cost: of the pitch line, per candidate step and for any leap.
    smooth_seconds:  smoothing of the voiced decision.
    partials, ceiling_hertz: limits of the comb.
    cents:           half width of a tooth, wide enough for vibrato within one window.
    ridge_hertz:     a partial stands out of the median over this width; wider than a tooth, narrower than the gaps
                     between the partials of most voices.
    middle_power:    how strongly the centre of the stereo image is preferred.
    most_offset:     a panned voice may have at most this ratio between the channels.
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
    ridge_hertz: float = 150.0
    middle_power: int = 2
    most_offset: float = 1.6


@dataclass(frozen=True)
class SingerParameters:
    """What makes a lead line a singer.

    least_share:    with less of the mix's energy than this, there is most likely no lead at all.
    least_movement: dB of spectral movement beyond pitch and loudness. Words cause 3.4 to 7 dB on the tuning songs,
                    an instrument's body 1.2 to 1.8 dB.
    least_gliding:  fraction of the frames in which the pitch must glide: 0.15 and more if sung, 0.01 for keys.
    clear:          only frames with this fraction of the 92nd percentile of salience count.
    lowest_hertz, highest_hertz, points: where the spectrum is sampled, in equal steps of log frequency.
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
    """All tuning values; the engine uses the defaults."""

    block: BlockParameters = BlockParameters()
    percussive: PercussiveParameters = PercussiveParameters()
    cymbal: CymbalParameters = CymbalParameters()
    low_band: LowBandParameters = LowBandParameters()
    kick: KickParameters = KickParameters()
    bass: BassParameters = BassParameters()
    voice: VoiceParameters = VoiceParameters()
    singer: SingerParameters = SingerParameters()


DEFAULT = SeparationParameters()
