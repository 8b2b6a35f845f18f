"""Every tuning value of the sketch engine's listening, repainting and continuing, with its reason.

Changed here only, and only with the figures of benchmarks/sketch_quality.py beside it.
"""

from __future__ import annotations

# --- Listening ---

ANALYSIS_RATE = 22050  # music's rhythm and harmony lie below 11 kHz; halves the work against 44.1 kHz
ANALYSIS_LUFS = -18.0  # a fixed level lets every floor below be absolute
ANALYSIS_HIGH_PASS_HZ = 10.0  # a DC offset must not look like level

LEVEL_STEP = 105  # samples, 4.8 ms: fine enough for any beat, and 21 of them are the 100 ms of BS.1770

MEL_WINDOW = 2048  # 93 ms: resolves the low mel bands, still shorter than an eighth note at 180 BPM
MEL_HOP = 512
MEL_BANDS = 40
MEL_LOW_HZ = 40.0
MEL_HIGH_HZ = 10500.0
MEL_FLOOR = 1e-3  # power; about 70 dB below full bands at -18 LUFS, where recordings have only noise

ONSET_WINDOW = 1024
ONSET_HOP = 256  # 11.6 ms; interpolated, finds a shift within 5 ms
ONSET_LAG_SECONDS = 0.012  # flux peaks when half the window has seen the attack: measured on clicks
PHASE_REACH_SECONDS = 0.12  # beyond an eighth's half the next onset would be taken for this one
PHASE_STEP_SECONDS = 0.002
PHASE_MIN_BEATS = 8
PHASE_MIN_CONTRAST = 4.0  # drummed songs reach 10-58, pads 1.3: below 4 the shift means nothing

CHROMA_WINDOW = 4096  # 5.4 Hz bins: a semitone at 180 Hz is two bins, interpolated peaks do the rest
CHROMA_HOP = 1024
CHROMA_POWER = 0.6  # of magnitude: a loud note must not hide the others
CHROMA_FLOOR = 0.05  # magnitude; leaves out peaks of noise 80 dB below the music
BASS_LOW_HZ, BASS_HIGH_HZ = 40.0, 220.0
TREBLE_LOW_HZ, TREBLE_HIGH_HZ = 180.0, 1800.0

CHORD_COSINE = 9.0  # sharpness of the template match
CHORD_BASS = 2.2  # the bass mostly plays the root
CHORD_DIATONIC = 0.7  # mild: borrowed chords must stay possible
CHORD_OVERTONE_DECAY = 0.6
CHORD_CHANGE = 1.3
CHORD_CHANGE_DOWNBEAT, CHORD_CHANGE_EVEN, CHORD_CHANGE_ODD = 0.6, 1.0, 1.8  # where harmony changes

MFCC_SLOTS = 4  # per beat: sixteenths, so that a syncopated beat differs from a straight one
MFCC_COUNT = 13

QUIET_BELOW_MEDIAN_DB = 25.0  # a beat this far below the median is a pause, no source and no target
MIN_SOUNDING = 0.1  # of the song's beats; below, pauses cannot be told from music

NOVELTY_RATE = 11025
NOVELTY_PREEMPHASIS = 0.97  # else a shared walking bass looks like a copy
NOVELTY_LAG_SECONDS = 0.03

# --- Planning ---

POSITION_COST = 6.0  # a beat 2 on beat 3 breaks the groove: near forbidden, yet possible in odd bars
STRETCH_COST = (
    4.0  # per natural-log ratio of the beats' lengths: 0.4 for 10 %; a stretched beat sounds a little worse
)
STRETCH_LIMIT = 1.25  # beyond, hits flam and voices turn strange
HARMONY_COST = (
    5.0  # times distance 0..1: the chord is what one hears first (3.2 lost 0.02 of chroma in waltzes)
)
HARMONY_POSTERIOR, HARMONY_BASS, HARMONY_TREBLE = 0.55, 0.2, 0.25
TIMBRE_COST = 0.25
LEVEL_COST = 0.04  # per dB
LEVEL_COST_AT_START = 0.12  # a quiet intro needs quiet sources: gain alone cannot thin an arrangement
COPY_COST = 3.0  # of a beat that is the replaced beat again (correlation 0.9 -> 1)
COPY_FROM, COPY_FULL = 0.9, 1.0
BAR_MOD_4_COST, BAR_MOD_2_COST = 0.3, 0.15  # place within the phrase
TEXTURE_COST = 3.0  # per 10 dB of mean band difference to the bar outside
NOISE = 0.15  # scale of a seed's preferences (Gumbel): at 0.25 chroma fell by 0.02, at 0.12 seeds grow alike
TAKE_COST = 0.5  # on each bar pair an earlier take used
TAKE_SAME_DISTANCE = 0.15  # of scaled MFCC: below, two bars are the same recording to the ear
TAKE_LEAST_CHANGE = 0.25  # of a take's beats must come from elsewhere than in every earlier take
TAKE_TRIES = 6  # doublings of TAKE_COST before a short song's last alternative is taken as it is
# Strength is the price of similarity: the least-cost plan's summed correlation with the replaced audio cannot
# rise when its price rises, whatever the song. Negative at 0, where the closest passage is wanted.
SIMILARITY_PRICE_AT_0, SIMILARITY_PRICE_AT_1 = -5.0, 5.0

JUMP_COST = 0.7
JUMP_PLACE_COST = 0.9
JUMP_INTO_DOWNBEAT, JUMP_MID_BAR, JUMP_ELSEWHERE = 0.0, 0.6, 1.2
JUMP_FIT_COST = 0.45  # how unlike what precedes the two beats sounds
EDGE_FIT_FACTOR = 2.0  # the ear knows the song at the region's edges

MIN_SOURCE_BARS = 4  # below, any plan is a two-bar loop

# --- Joining ---

COPY_DRIFT_SECONDS = 0.004  # a run whose beats drift less from the grid is copied, not stretched
ATTACK_ONSET = 0.3  # of the song's strong attacks: from here on a beat counts as struck
JOIN_BEFORE_BEAT_SECONDS = 0.006  # the attack belongs wholly to the new beat; the phase is known within 5 ms
JOIN_LENGTHS_ATTACK = (0.025, 0.012, 0.05)  # seconds; a longer one would double the notes before the beat
JOIN_LENGTHS_TONAL = (0.15, 0.05, 0.35, 0.8)  # held sounds melt better the slower
JOIN_LENGTHS_EDGE = (0.012, 0.025, 0.05)  # inside the region, often across an attack that both sides share
JOIN_BACK_SECONDS = (0.0, 0.02, 0.05, 0.1, 0.16)  # how long before the beat the crossover may be over
JOIN_LAG_ATTACK_SECONDS = 0.0015  # a tenth of what is heard as late
JOIN_LAG_TONAL_SECONDS = 0.006  # a period of 170 Hz
JOIN_FLOOR = 1e-4  # power; flux below it is noise
EDGE_SLIVER_SECONDS = (
    0.06  # a piece of beat this short at an edge joins its neighbour: two joins would overlap
)
HALF_BEAT_WARNING = 0.5  # beats; a shorter region holds no musical event

GAIN_LIMIT_DB = 6.0
GAIN_LIMIT_AT_START_DB = 9.0  # quiet intros
GAIN_RAMP_SECONDS = 0.25
SILENT_LUFS = -70.0  # the gate of BS.1770: below it there is nothing to match
PEAK_CEILING_DB = -1.0
LIMITER_SECONDS = 0.005

# --- Layers ---

SEPARATION_MARGIN_SECONDS = 1.0  # the separation's medians and pitch lines need to see around a span

# --- Drum slices ---

SLICE_LISTEN_SECONDS = 0.06
SLICE_BANDS_HZ = (
    (30.0, 150.0),
    (400.0, 4000.0),
    (5000.0, 16000.0),
)  # kick (its click ends at 350 Hz), snare, hat
SLICE_RANGE_DB = 20.0  # this far below the band's loud hits there is none
SLICE_OTHER_CLASS = 0.35  # of that range, in some band: another drum, not the same one softer
SLICE_CHANGE_AT_0, SLICE_CHANGE_AT_1 = 0.12, 0.6  # share of slices that change, before the weights below
SLICE_CHANGE_OFF, SLICE_CHANGE_ON, SLICE_CHANGE_DOWNBEAT = 1.2, 0.9, 0.3  # the downbeat carries the groove
SLICE_PLACE_COST = 0.3
SLICE_SUCCESSOR = 1.0  # two slices that followed each other were played that way
SLICE_NOISE = 0.5
SLICE_FILL_SNARE = 1.5
SLICE_EARLY_SECONDS = 0.003
LOOP_COPY = 0.98  # correlation from which another bar is the same recording
LOOP_SHARE = 0.5  # of the region's beats without any alternative
LOOP_HARMONY = 0.25  # harmony distance below which a beat would be an alternative
LOOP_AROUND_BEATS = 8  # beats either side of the region whose slices may be used too

# --- Stretching ---

STRETCH_WINDOW_SECONDS = 0.093
STRETCH_GRAIN_SECONDS = (
    0.0087  # long enough for a click, short against the 20 ms that would be heard as a flam
)
STRETCH_MARGIN_SECONDS = 0.5  # before and after a stretched run, for joins
SPLIT_TIME_SECONDS = 0.2
SPLIT_SPAN_HZ = 500.0

# --- Continuing ---

MATCH_BARS = 4
MATCH_DECAY = 0.8
MATCH_TIMBRE = 0.35
MATCH_MOD_4, MATCH_MOD_8 = 0.25, 0.15
DRAW_TEMPERATURE, DRAW_TEMPERATURE_STRENGTH = 0.08, 0.12
FOLLOW_BARS = (4, 8)
LONGEST_RUN_BARS = 4
LONGEST_RUN_BARS_STRONG = 2  # above STRONG
STRONG = 0.7
RUN_COST = 1.5  # per beat on the displacement an over-long run used, over its second half
RUN_TRIES = 8  # rounds of that; in the later half of them runs are cut where the cap ends
RUN_CUT_COST = 50.0  # above any musical cost
TAKE_COST_CONTINUED = 1.0  # per beat an earlier take played at the same place
MIN_BARS_TO_CONTINUE = 1
FADE_OUT_DB = 12.0
FADE_OUT_BARS = 4
FADE_OUT_STEP_DB = 1.5  # each bar but one must fall by this: a last chord dying away falls once
ENDING_FADE_SECONDS = 8.0
CLOSING_LISTEN_SECONDS = 4.0
CLOSING_RING = 0.5  # of the chord's certainty: a ringing dominant is no ending
FEW_BARS = 8  # below this a continuation can only loop

# --- Keeping ---

KEPT_SPANS = 12  # of a song taken apart; a span of four bars takes 15 MB
KEPT_ANALYSES = 4  # songs; a ten-minute one takes 150 MB
