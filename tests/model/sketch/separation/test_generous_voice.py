"""Keeping a voice keeps most of it, even where the evidence would not pass for a singer."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np

from model.engine import Samples
from model.sketch.separation.generous_voice import generous_voice, kept_share
from model.sketch.separation.separation import Stems, separate
from model.sketch.separation.separation_parameters import DEFAULT
from tests.model.sketch import stem_songs

RATE = stem_songs.RATE
SECONDS = 6


@functools.cache
def quiet_voice() -> tuple[Samples, Samples]:
    """(mix, voice) of a song whose singer is 6 dB below where she would be mixed."""
    song = stem_songs.make("pop", 12.0)
    span = slice(-SECONDS * RATE, None)
    voice = 0.5 * song.stems["vocals"][span]
    return (song.mix[span] - voice).astype(np.float32), voice


@functools.cache
def separated(somebody_sings: bool) -> Stems:
    """With evidence that never suffices."""
    mix, _ = quiet_voice()
    strict = replace(DEFAULT, singer=replace(DEFAULT.singer, least_share=0.9))
    return separate(mix, RATE, lambda _: None, lambda: False, strict, somebody_sings=somebody_sings)


def share_of(part: Samples, whole: Samples) -> float:
    return float(np.vdot(part, whole) / np.vdot(whole, whole))


def test_a_voice_that_is_said_to_be_there_is_not_decided_away() -> None:
    _, voice = quiet_voice()
    assert not separated(False).vocals.any()
    assert share_of(separated(True).vocals, voice) > 0.4
    assert not separated(True).has_vocal, "what was recognised is reported all the same"


def test_generosity_keeps_more_of_it_and_says_how_much() -> None:
    _, voice = quiet_voice()
    stems = separated(True)
    kept = share_of(generous_voice(stems, RATE, lambda: None), voice)
    assert kept >= 0.6
    assert kept > share_of(stems.vocals, voice) + 0.1
    # The figure is that of real voices over real drums; of a made one it may promise less than is kept, never more.
    assert kept - 0.25 < kept_share(stems.confidence["vocals"]) < kept


def test_no_voice_stays_no_voice() -> None:
    silent = separated(False)
    assert not generous_voice(silent, RATE, lambda: None).any()
    assert (kept_share(0.0), kept_share(1.0), kept_share(2.0)) == (0.0, 1.0, 1.0)
