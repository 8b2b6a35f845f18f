"""Every tuning value for the sketch engine's analysis, repainting and continuation, with its reason.

Change values only here, and back every change with the figures of benchmarks/sketch_quality.py.
"""

from __future__ import annotations

# --- Analysis ---

ANALYSIS_RATE = 22050  # rhythm and harmony are below 11 kHz; half the work of 44.1 kHz
ANALYSIS_LUFS = -18.0  # a fixed level makes every floor below absolute
ANALYSIS_HIGH_PASS_HZ = 10.0  # a DC offset must not count as level

LEVEL_STEP = 105  # samples, 4.8 ms: fine enough for any beat, and 21 of them are the 100 ms of BS.1770

MEL_WINDOW = 2048  # 93 ms: resolves the low mel bands, still shorter than an eighth note at 180 BPM
MEL_HOP = 512
MEL_BANDS = 40
MEL_LOW_HZ = 40.0
MEL_HIGH_HZ = 10500.0
MEL_FLOOR = 1e-3  # power; about 70 dB below full bands at -18 LUFS, where recordings contain only noise

ONSET_WINDOW = 1024
ONSET_HOP = 256  # 11.6 ms; with interpolation, accurate to 5 ms
ONSET_LAG_SECONDS = 0.012  # flux peaks when half the window contains the attack; measured on clicks
PHASE_REACH_SECONDS = 0.12  # beyond half an eighth note, the next onset would be mistaken for this one
PHASE_STEP_SECONDS = 0.002
PHASE_MIN_BEATS = 8
PHASE_MIN_CONTRAST = 4.0  # songs with drums reach 10-58, pads 1.3; below 4 the shift is meaningless

CHROMA_WINDOW = 4096  # 5.4 Hz bins: a semitone at 180 Hz is two bins; peak interpolation resolves the rest
CHROMA_HOP = 1024
CHROMA_POWER = 0.6  # of magnitude: a loud note must not mask the others
CHROMA_FLOOR = 0.05  # magnitude; excludes noise peaks 80 dB below the music
BASS_LOW_HZ, BASS_HIGH_HZ = 40.0, 220.0
TREBLE_LOW_HZ, TREBLE_HIGH_HZ = 180.0, 1800.0

CHORD_COSINE = 9.0  # sharpness of the template match
CHORD_BASS = 2.2  # the bass mostly plays the root
CHORD_DIATONIC = 0.7  # mild, so that borrowed chords remain possible
CHORD_OVERTONE_DECAY = 0.6
CHORD_CHANGE = 1.3
CHORD_CHANGE_DOWNBEAT, CHORD_CHANGE_EVEN, CHORD_CHANGE_ODD = 0.6, 1.0, 1.8  # where harmony changes

MFCC_SLOTS = 4  # per beat: sixteenths, so that a syncopated beat differs from a straight one
MFCC_COUNT = 13

QUIET_BELOW_MEDIAN_DB = 25.0  # a beat this far below the median is a pause, neither source nor target
MIN_SOUNDING = 0.1  # of the song's beats; below, pauses and music cannot be distinguished

SHARPNESS_RATE = 44100  # of 22.05 kHz copies the hits of one piece ranked as if by chance
SHARPNESS_STEPS = 200  # a second
SHARPNESS_REACH_SECONDS = 0.03  # before and after a beat: hits come up to 20 ms off it
SHARPNESS_FLOOR = 1e-5  # 16 bits of noise

NOVELTY_RATE = 11025
NOVELTY_PREEMPHASIS = 0.97  # without it a shared walking bass looks like a copy
NOVELTY_LAG_SECONDS = 0.03
# Looked at between the samples, too: copies of a bright loop that are half a sample off reach 0.7.
NOVELTY_FINE_FROM, NOVELTY_FINE_STEPS = 0.5, 4

# --- Planning ---

# A beat 2 on beat 3 breaks the groove: nearly forbidden, but possible in odd bars. More than any similarity costs, as
# a beat at another place counts as unlike (COPY_COST and SIMILARITY_PRICE_AT_1 come to 16).
POSITION_COST = 18.0
BAR_LENGTH_COST = 6.0  # for a beat of a bar with another number of beats
# Per natural-log ratio of the beats' lengths: 1.1 for 10 %; a stretched beat sounds slightly worse.
STRETCH_COST = 12.0
# Where a prompt asks for it: for each standard deviation a beat is brighter or busier than others at its place in the
# bar. It outweighs a jump and taste, not harmony. Beyond LEAN_LIMIT deviations more is not better.
LEAN_COST, LEAN_LIMIT = 3.0, 2.0
STRETCH_LIMIT, STRETCH_BEYOND_COST = 1.25, 12.0  # beyond, hits flam and voices sound unnatural
# Times distance 0..1: a wrong chord is the most obvious error, and a wrong note in a right chord is heard, too. At 5.0,
# mostly for the chord's name (0.55, 0.2, 0.25), chroma was 0.91 on 30 pieces looked at, and is 0.92; at 22 it is no
# more, with more joins.
HARMONY_COST = 16.0
HARMONY_POSTERIOR, HARMONY_BASS, HARMONY_TREBLE = 0.1, 0.15, 0.75
TIMBRE_COST = 0.25
LEVEL_COST = 0.04  # per dB
LEVEL_COST_AT_START = 0.12  # a quiet intro needs quiet sources: gain alone cannot thin out an arrangement
COPY_COST = 6.0  # for a copy of the replaced beat (correlation 0.9 -> 1)
COPY_FROM, COPY_FULL = 0.9, 1.0
BAR_MOD_4_COST, BAR_MOD_2_COST = 0.3, 0.15  # position within the phrase
TEXTURE_COST = 5.0  # per 10 dB of mean band difference from the bar outside
# The same against the bar replaced, on every bar: without it bars come from other sections, with a band missing. On
# three real pieces it cost no harmony; other weights were not tried.
BAR_TEXTURE_COST = 3.0
# Mean band difference from which a bar has another arrangement, and how many times that of two neighbours in the song.
UNLIKE_DB, UNLIKE_STEPS = 4.0, 2.0
REUSE_COST = 1.0  # per beat a take has played before: less than a wrong chord; at 0.6 5 % are, at this 3 %
# Rounds in which a take gives way to what only a whole take shows; at 4, a third more steps.
SPARING_TRIES = 12
# Scale of a seed's preferences (Gumbel): at this, two seeds differ in three beats of ten; at 0.15 in one of seven.
NOISE = 0.25
TAKE_COST = 0.5  # for each bar pair an earlier take used
TAKE_SAME_DISTANCE = 0.15  # of scaled MFCC; below, two bars sound like the same recording
TAKE_LEAST_CHANGE = 0.25  # of a take's beats must differ from every earlier take
TAKE_TRIES = 6  # doublings of TAKE_COST before a short song's last alternative is accepted
# Strength sets the price of similarity: raising it can never raise the least-cost plan's summed correlation with the
# replaced audio, whatever the song. Negative at 0, where the closest passage is best.
SIMILARITY_PRICE_AT_0, SIMILARITY_PRICE_AT_1 = -10.0, 10.0

JUMP_COST = 2.0  # with dearer harmony, 0.7 gave a quarter more joins
JUMP_PLACE_COST = 0.9
JUMP_INTO_DOWNBEAT, JUMP_MID_BAR, JUMP_ELSEWHERE = 0.0, 0.6, 1.2
JUMP_FIT_COST = 0.45  # for the difference between what precedes the two beats
# Per 10 dB that the milliseconds around a join differ from those around its beat in the song.
JUMP_STEP_COST, EDGE_STEP_COST = 1.0, 2.0
# For a step from bar to bar as only one in twenty of the song's own bar lines shows, growing with it (with a price per
# dB, the same whether a song changes much or little, twice as many joins stepped so). As dear as half a wrong harmony.
ARRANGEMENT_COST = 8.0
USUAL_STEP, RARE_STEP = (
    0.75,
    0.95,
)  # shares of the song's bar lines that step less: free, and the unit of the price
RARE_LEAST_DB = 0.5  # between the two: of bars that are copies
USUAL_STEP_LEAST = 8  # of bar lines; with fewer nothing is usual
EDGE_FIT_FACTOR = 2.0  # at the region's edges the listener knows how the song continues
# After silence, for a first beat within held notes, down to none for one that begins as one in ten of the song's do;
# and what such a beat loses as the one a continuation is planned from.
START_HELD_COST, START_HELD_MATCH = 14.0, 1.5
START_CLEAR = 0.9  # share of the song's beats that begin less clearly
# Less is no beginning, even where all the song is one held chord; more is one, even where everything is struck.
START_RISE_DB, START_ONSET = (1.5, 4.0), (0.3, 0.6)
START_HELD = 0.35  # from here on the music is faded in, and the producer is told

MIN_SOURCE_BARS = 4  # below, any plan is a two-bar loop

# --- Joining ---

COPY_DRIFT_SECONDS = 0.004  # a run with less drift from the grid is copied, not stretched
# Where a tempo map wavers from beat to beat, twice that is copied as well, up to half of an audible flam.
COPY_DRIFT_WAVERING, COPY_DRIFT_LIMIT_SECONDS = 2.0, 0.012
# From a beat to the attack that belongs to it; a sixteenth at 200 BPM is 75 ms away.
LATENESS_REACH_SECONDS = 0.045
RUN_LATENESS_SECONDS = 0.04  # at most so much is a run moved to the attacks it replaces
ATTACK_ONSET = 0.3  # of the song's strong attacks; from here on a beat counts as an attack
ATTACK_STEP_DB = 2.5  # and where its bands rise by less than this, no beat does: bows and pads swell
JOIN_BEFORE_BEAT_SECONDS = (
    0.006  # the attack belongs entirely to the new beat; the phase is known within 5 ms
)
JOIN_LENGTHS_ATTACK = (0.025, 0.012, 0.05)  # seconds; longer ones would double the notes before the beat
JOIN_LENGTHS_TONAL = (0.15, 0.05, 0.35, 0.8)  # the slower the crossfade, the better sustained sounds blend
JOIN_LENGTHS_EDGE = (0.012, 0.025, 0.05)  # inside the region, often across an attack that both sides share
JOIN_LENGTHS_EDGE_HELD = (0.3, 0.12, 0.07)  # where notes sound on through the edge; 50 ms cut them audibly
JOIN_LENGTH_FROM_SILENCE = 0.003  # before a hit: 12 ms already soften it where nothing else sounds
# Around an edge, and below the song's mean power: nothing is heard to come from. Two files that had rung out ended 60
# and 120 dB below, others at most 7.
SILENT_EDGE_SECONDS, SILENT_EDGE_DB = 0.05, 40.0
JOIN_BACK_EDGE_SECONDS = (0.0, 0.02, 0.04, 0.06)  # one exit in twenty carried 10 to 20 ms of the next attack
JOIN_STUB_SECONDS = 0.03  # an attack that begins later than this before an exit would be cut off
JOIN_BACK_SECONDS = (0.0, 0.02, 0.05, 0.1, 0.16)  # how early before the beat the crossfade may end
JOIN_LAG_ATTACK_SECONDS = 0.0015  # a tenth of an audible delay
JOIN_LAG_TONAL_SECONDS = 0.006  # a period of 170 Hz
# For a run that begins with an attack as sharp as one in twenty of the song's beats in place of a usual one. See
# docs/sketch.md for what it did; per dB, the same in every song, it did half as much, with more steps in texture.
ACCENT_COST = 5.0
USUAL_ACCENT, RARE_ACCENT = 0.75, 0.95  # shares of the song's beats that are less sharp
RARE_ACCENT_LEAST_DB = 2.0  # between the two, where all hits are equal: less is hardly heard
JOIN_FLOOR = 1e-4  # power; flux below it is noise
# A fragment of a beat this short at an edge merges with its neighbour: two joins would overlap.
EDGE_SLIVER_SECONDS = 0.06
HALF_BEAT_WARNING = 0.5  # beats; a shorter region contains no musical event

GAIN_LIMIT_DB = 6.0
GAIN_LIMIT_AT_START_DB = 9.0  # quiet intros
# Out of a fade and after an end: the server, which adds up to 9 dB elsewhere, leaves those takes as they are.
GAIN_LIMIT_BACK_DB = 15.0
GAIN_RAMP_SECONDS = 0.25
SILENT_LUFS = -70.0  # the gate of BS.1770; below it there is nothing to match
PEAK_CEILING_DB = -1.0
LIMITER_SECONDS = 0.005

# --- Layers ---

# Of the region's energy: with less there is no lead at all, sung or played.
LEAST_VOCAL_SHARE = 0.02
# Of a stem's cells that belong to it alone. Below, a producer hears what was lost or taken along.
LOW_CONFIDENCE = 0.75
VOICE_KEPT = 0.85  # of its amplitude, estimated; below, "keep vocals" names the figure
SEPARATION_MARGIN_SECONDS = 1.0  # context around a span for the separation's medians and pitch lines

# --- Drum slices ---

SLICE_ANALYSIS_SECONDS = 0.06
SLICE_BANDS_HZ = (
    (30.0, 150.0),
    (400.0, 4000.0),
    (5000.0, 16000.0),
)  # kick (its click ends at 350 Hz), snare, hat
SLICE_RANGE_DB = 20.0  # anything this far below the band's loud hits is no hit
SLICE_OTHER_CLASS = 0.35  # of that range, in some band: a different drum, not the same one played softer
SLICE_CHANGE_AT_0, SLICE_CHANGE_AT_1 = 0.12, 0.6  # share of slices that change, before the weights below
SLICE_CHANGE_OFF, SLICE_CHANGE_ON, SLICE_CHANGE_DOWNBEAT = 1.2, 0.9, 0.3  # the downbeat carries the groove
SLICE_PLACE_COST = 0.3
SLICE_SUCCESSOR = 1.0  # bonus for consecutive slices: the drummer played them that way
SLICE_NOISE = 0.5
SLICE_FILL_SNARE = 1.5
SLICE_EARLY_SECONDS = 0.003
LOOP_COPY = 0.98  # correlation from which another bar is the same recording
LOOP_SHARE = 0.5  # of the region's beats without any alternative
LOOP_HARMONY = 0.2  # harmony distance below which a beat counts as an alternative
LOOP_AROUND_BEATS = 8  # beats on each side of the region that also supply slices

# --- Stretching ---

STRETCH_WINDOW_SECONDS = 0.093
STRETCH_GRAIN_SECONDS = 0.0087  # long enough for a click, well below the 20 ms of an audible flam
STRETCH_MARGIN_SECONDS = 0.5  # before and after a stretched run, for joins
SPLIT_TIME_SECONDS = 0.2
SPLIT_SPAN_HZ = 500.0

# --- Continuation ---

MATCH_BARS = 4
LEVEL_SECONDS = 12.0  # of the song before it that a continuation is as loud as; four fast bars are too few
MATCH_DECAY = 0.8
MATCH_TIMBRE = 0.35
MATCH_MOD_4, MATCH_MOD_8 = 0.25, 0.15
DRAW_TEMPERATURE, DRAW_TEMPERATURE_STRENGTH = 0.08, 0.12
FOLLOW_BARS = (4, 8)
LONGEST_RUN_BARS = 4
LONGEST_RUN_BARS_STRONG = 2  # above STRONG
STRONG = 0.7
RUN_COST = 1.5  # per beat, added to an over-long run's displacement over its second half
RUN_TRIES = 8  # rounds of that; in the second half of them, runs are cut at the cap
RUN_CUT_COST = 50.0  # higher than any musical cost
TAKE_COST_CONTINUED = 1.0  # per beat an earlier take played at the same position
MIN_BARS_TO_CONTINUE = 1
FADE_OUT_DB = 8.0
FADE_OUT_BARS = 4  # of silence, after which the music begins anew
# A fade as bars: shorter is a chord that rings out, longer a song that grows quiet; the plateau it falls from.
FADE_SHORTEST_BARS, FADE_LONGEST_BARS, FADE_PLATEAU_BARS = 3, 16, 6
FADE_STRAY = 0.2  # of its depth: how far on average its bars may lie from a line
FADE_STEP = 0.6  # of its depth: a bar that falls by more is where an instrument leaves
FADE_LAST_DB = 3.0  # its last bar lies no more than this above the lowest before: bars differ, too
# What has been heard tells how to go on, down to this: below, its notes are hardly heard.
FADE_HEARD_DB = 20.0
SWELL_LEAST_DB = 3.0  # no step that anybody hears as one
SWELL_DEEPEST_DB = 40.0  # further down there is nothing left to come back from
# It takes as long as the fade took, but no longer than makes sense for a return, and half of the region.
SWELL_LEAST_BEATS, SWELL_LONGEST_BARS = 2, 4
SWELL_LEAST_ROOM_SECONDS = 0.1  # twice a crossfade: in less it would be a click
SWELL_FIRST_BAR_DB = (
    6.0  # at most so much are its first beats made up for, being louder or softer than others
)
SETTLED_SECONDS = 1.0  # after the swell, as receipts judge it; in less there is no loudness to match
RING_OUT_DB = 12.0
RING_OUT_BARS = 2  # a last chord; more is a quiet passage
RING_OUT_SECONDS = 8.0  # no chord takes longer
RING_OUT_BEATS = 2  # that fall, without a note that begins, before it counts as one while it still sounds
ENDING_FADE_SECONDS = 8.0
CLOSING_LISTEN_SECONDS = 4.0
CLOSING_RING = 0.5  # relative to the chord's probability: a ringing dominant is no ending
FEW_BARS = 8  # below this a continuation can only loop

# --- Caches ---

# Of tracks that are rendered together: 32 stereo ones.
MAX_CHANNELS = 64

KEPT_SPANS = 12  # separated spans per song; a span of four bars takes 15 MB
KEPT_ANALYSES = 4  # songs; a ten-minute one takes 150 MB
