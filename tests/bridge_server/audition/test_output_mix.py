"""The output: one reader fades into the next, and the samples around the fade are theirs."""

from fractions import Fraction

import numpy as np

from bridge_server.audition.layered_audio import LayeredAudio
from bridge_server.audition.loop_clock import LoopClock
from bridge_server.audition.loop_reader import LoopReader
from bridge_server.audition.output_mix import SWITCH_SECONDS, OutputMix
from bridge_server.audition.resampled_audio import ResampledAudio

RATE = 48000
FADE = round(SWITCH_SECONDS * RATE)


def constant(value):
    audio = LayeredAudio(np.full((RATE, 2), value, np.float32), RATE)
    clock = LoopClock(0, 0, Fraction(0), Fraction(RATE), False)
    return LoopReader(ResampledAudio(audio, RATE, 2), clock)


def test_without_a_reader_it_is_silent():
    assert not OutputMix(RATE, 2).read(0, 100).any()


def test_the_first_reader_starts_at_once_and_the_next_fades_in():
    mix = OutputMix(RATE, 2)
    mix.switch(0, constant(0.25))
    assert (mix.read(0, 1000) == 0.25).all()
    mix.switch(1000, constant(0.75))
    played = mix.read(1000, FADE + 100)[:, 0]
    assert np.all(np.diff(played[:FADE]) > 0)
    assert 0.25 < played[0] < 0.26
    assert (played[FADE:] == 0.75).all()


def test_silence_fades_in_too():
    mix = OutputMix(RATE, 2)
    mix.switch(0, constant(0.5))
    mix.switch(500, None)
    played = mix.read(500, FADE + 10)[:, 0]
    assert 0.49 < played[0] < 0.5
    assert not played[FADE:].any()


def test_a_switch_during_a_fade_starts_from_what_the_fade_has_reached():
    mix = OutputMix(RATE, 2)
    mix.switch(0, constant(0.0))
    mix.switch(100, constant(1.0))
    reached = mix.read(100 + FADE // 2, 1)[0, 0]
    mix.switch(100 + FADE // 2, constant(0.0))
    assert abs(mix.read(100 + FADE // 2, 1)[0, 0] - reached) < 2 / FADE
